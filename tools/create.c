/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment create: a new classifier with random weights, for tests, benchmarks
 * and as a start for other trainers. */
#include <stdio.h>

#include "command.h"
#include "history.h"
#include "setup.h"

static const command_help help = {
    .name = "create",
    .arguments = "DST",
    .summary = "Makes a new classifier with random weights and words word_0, word_1, ...",
    .details = "The four sizes must be given. The same seed gives the same weights on every\n"
               "machine. A DST ending in .safetensors is written as one native file, one in\n"
               ".onnx as an ONNX model, any other as a folder with model.pth, tokenizer.pkl and\n"
               "config.json.",
    .arguments_min = 1,
    .arguments_max = 1};

#define SIZE_OPTION(spelling, field, text)                                                         \
  {                                                                                                \
    .name = spelling, .kind = OPTION_U32, .offset = offsetof(sentiment_model_config, field),       \
    .argument = "N", .low = 1, .high = 4294967295.0, .help = text                                  \
  }

static const option_spec own_options[] = {
    SIZE_OPTION("vocab-size", vocab_size, "rows of the embedding"),
    SIZE_OPTION("embedding-dim", embedding_dim, "columns of the embedding"),
    SIZE_OPTION("hidden-size", hidden_size, "hidden units of the LSTM"),
    SIZE_OPTION("num-classes", num_classes, "classes"),
    SIZE_OPTION("num-layers", num_layers, "stacked LSTM layers"),
    {.name = "bidirectional",
     .kind = OPTION_ONE,
     .offset = offsetof(sentiment_model_config, bidirectional),
     .help = "each layer also runs backwards; =0: it does not"},
    {.name = "padding",
     .kind = OPTION_CHOICE,
     .offset = offsetof(sentiment_model_config, padding),
     .choices = setup_paddings,
     .help = "what stands behind the last token; default: max_length"},
    {.name = "max-length",
     .kind = OPTION_U32,
     .offset = offsetof(sentiment_model_config, max_length),
     .argument = "N",
     .low = 1,
     .high = 65536,
     .help = "tokens used of a text; default: 512"},
    {.name = "seed",
     .kind = OPTION_U64,
     .offset = offsetof(sentiment_model_config, seed),
     .argument = "S",
     .help = "start of the random generator"},
    {.name = NULL}};

/* The first of the four sizes that was not given, or NULL. */
static const char *missing_size(const sentiment_model_config *config)
{
    const struct {
        const char *name;
        uint32_t value;
    } sizes[] = {{"vocab-size", config->vocab_size},
                 {"embedding-dim", config->embedding_dim},
                 {"hidden-size", config->hidden_size},
                 {"num-classes", config->num_classes}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i].value == 0)
            return sizes[i].name;
    return NULL;
}

/* No date, which would tell nothing: the same arguments give the same bytes. A
 * string, since JSON's readers have no 64 bits for a number. */
static json_t *make_step(uint64_t seed)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)seed);
    return json_pack("{s:s, s:s, s:n}", "action", "create", "seed", digits, "created");
}

int command_create(char **argv, emit *out)
{
    sentiment_model_config config = {.struct_size = sizeof config};
    sentiment_model_config_init(&config);
    config.vocab_size = config.embedding_dim = config.hidden_size = config.num_classes = 0;
    history given = {0};
    const option_group groups[] = {{own_options, &config}, {history_options, &given}, {NULL, NULL}};
    command_arguments paths;
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &paths, &status))
        return status;
    if (missing_size(&config))
        return options_wrong(&help, "--%s must be given", missing_size(&config));
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = setup_model_defaults();
    sentiment_save_options how = {.struct_size = sizeof how};
    sentiment_save_options_init(&how);
    sentiment_model *model = NULL;
    if (sentiment_model_create(&config, &options, &model, &error) != SENTIMENT_OK) {
        message_error(&error);
        status = EXIT_FAILED;
    } else if (!history_save(model, paths.items[0], &given, make_step(config.seed), &how)) {
        status = EXIT_FAILED;
    }
    sentiment_model_free(model);
    return status;
}
