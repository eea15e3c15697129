/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of hyper-parameters. Their defaults, the recipe of the bundled
 * model, come from the library. */
#include "train_options.h"

#include "setup.h"

#define COUNT(spelling, field, least, most, text)                                                  \
  {                                                                                                \
    .name = spelling, .kind = OPTION_U32, .offset = offsetof(train_settings, field),               \
    .argument = "N", .low = least, .high = most, .help = text                                      \
  }
#define NUMBER(spelling, field, least, most, text)                                                 \
  {                                                                                                \
    .name = spelling, .kind = OPTION_DOUBLE, .offset = offsetof(train_settings, options.field),    \
    .argument = "X", .low = least, .high = most, .help = text                                      \
  }
#define NAMED(spelling, field, what, text)                                                         \
  {                                                                                                \
    .name = spelling, .kind = OPTION_STRING, .offset = offsetof(train_settings, field),            \
    .argument = what, .help = text                                                                 \
  }

const option_spec train_path_options[] = {
    NAMED("train", train, "TSV", "texts to learn from"),
    NAMED("dev", dev, "TSV", "texts that choose the epoch"),
    NAMED("output", output, "DST", "where the model goes: .safetensors, .onnx, else a folder"),
    NAMED("labels", labels, "A,B,C", "classes in order; default: those of --train, sorted"),
    {.name = NULL}};

const option_spec train_recipe_options[] = {
    COUNT("epochs", options.epochs, 1, 100000, "passes over the training texts"),
    COUNT("batch-size", options.batch_size, 1, 1048576, "texts per step"),
    NUMBER("learning-rate", learning_rate, 1e-12, 1000, "peak learning rate of Adam"),
    COUNT("pretrain-epochs", options.pretrain_epochs, 0, 100000,
          "passes that learn to predict the next word first"),
    NUMBER("pretrain-learning-rate", pretrain_learning_rate, 0, 10,
           "peak learning rate while pre-training"),
    NUMBER("weight-decay", weight_decay, 0, 1000, "decoupled weight decay"),
    NUMBER("warmup", warmup, 0, 1, "share of the steps over which the rate rises"),
    NUMBER("dropout", dropout, 0, 0.999, "chance of dropping a pooled unit"),
    NUMBER("embedding-dropout", embedding_dropout, 0, 0.999,
           "chance of dropping an embedding unit"),
    NUMBER("word-dropout", word_dropout, 0, 0.999, "chance of reading a word as unknown"),
    NUMBER("rare-dropout", rare_dropout, 0, 1e6,
           "r: a word seen n times is read as unknown at r/(r+n)"),
    NUMBER("embedding-std", embedding_std, 0, 100, "standard deviation of the first embedding"),
    NUMBER("gradient-clip", gradient_clip, 0, 1e9, "largest gradient norm"),
    NUMBER("class-balance", class_balance, 0, 10, "class weights: (1 / frequency) to this power"),
    NUMBER("label-smoothing", label_smoothing, 0, 0.999, "probability given to all classes alike"),
    NUMBER("ema-decay", ema_decay, 0, 0.999999999,
           "decay per step of the averaged weights; 0: none"),
    COUNT("patience", options.patience, 0, 100000,
          "epochs without progress before it stops; 0: never"),
    COUNT("evaluations", options.evaluations, 0, 1000, "looks at the dev texts per epoch"),
    COUNT("vocab-size", options.vocab_size, 2, 16777216, "largest vocabulary"),
    COUNT("min-count", options.min_count, 1, 4294967295.0, "a word must occur this often"),
    COUNT("embedding-dim", options.embedding_dim, 1, 65536, "columns of the embedding"),
    COUNT("hidden-size", options.hidden_size, 1, 65536, "hidden units of the LSTM"),
    COUNT("num-layers", options.num_layers, 1, 64, "stacked LSTM layers"),
    {.name = "bidirectional",
     .kind = OPTION_ONE,
     .offset = offsetof(train_settings, options.bidirectional),
     .help = "each layer also runs backwards; =0: it does not"},
    COUNT("max-length", options.max_length, 1, 65536, "tokens used of a text"),
    {.name = "tokenizer",
     .kind = OPTION_CHOICE,
     .offset = offsetof(train_settings, options.tokenizer),
     .choices = setup_tokenizers,
     .help = "how texts are split"},
    {.name = "padding",
     .kind = OPTION_CHOICE,
     .offset = offsetof(train_settings, options.padding),
     .choices = setup_paddings,
     .help = "what stands behind the last token"},
    COUNT("threads", threads, 0, 1024, "CPU threads; 0: every processor"),
    {.name = "device",
     .kind = OPTION_STRING,
     .offset = offsetof(train_settings, options.device),
     .argument = "DEVICE",
     .help = "cpu, cuda or cuda:N"},
    {.name = "seed",
     .kind = OPTION_U64,
     .offset = offsetof(train_settings, options.seed),
     .argument = "S",
     .help = "same seed, threads, data and libtorch: same model"},
    {.name = NULL}};

void train_settings_init(train_settings *settings)
{
    *settings = (train_settings){.options.struct_size = sizeof settings->options};
    sentiment_train_options_init(&settings->options);
    settings->threads = settings->options.threads ? settings->options.threads : 1;
}
