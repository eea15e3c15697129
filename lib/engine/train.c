/* SPDX-License-Identifier: Apache-2.0
 *
 * See train.h. Texts become words, words a vocabulary, texts ids; the plugin
 * fills the weights of an allocated model, which then gets its tokenizer, its
 * labels and the record of how it came to be. */
#include "engine/train.h"

#include <stdlib.h>

#include "base/cpu.h"
#include "engine/torch_loader.h"
#include "engine/train_words.h"
#include "formats/json.h"

/* Texts between two looks at the cancel token. */
#define CANCEL_INTERVAL 1024

typedef struct encoded {
    int32_t *ids;
    uint64_t *offsets;
    size_t used, capacity;
} encoded;

/* One training run; everything is released by run_free. */
typedef struct training {
    sn_memory memory;
    const sentiment_cancel *cancel;
    const char *const *labels;
    size_t label_count;
    sentiment_train_options options; /* defaults resolved */
    sn_tokenizer tokenizer;
    sn_tokens tokens;
    encoded train, dev;
    float **lstm;
    sentiment_model *model;
} training;

static void run_free(training *run)
{
    sn_vocabulary_free(&run->tokenizer.vocabulary);
    sn_tokens_free(&run->memory, &run->tokens);
    sn_free(&run->memory, run->train.ids);
    sn_free(&run->memory, run->train.offsets);
    sn_free(&run->memory, run->dev.ids);
    sn_free(&run->memory, run->dev.offsets);
    sn_free(&run->memory, run->lstm);
    sn_model_release(run->model);
}

static sentiment_status check_cancel(const training *run, uint64_t text, sentiment_error *error)
{
    if (text % CANCEL_INTERVAL || !sentiment_cancel_requested(run->cancel))
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET,
                   "training was cancelled before its first epoch was done");
}

static const char *text_of(const sentiment_dataset *data, uint64_t index, size_t *size)
{
    *size = (size_t)(data->offsets[index + 1] - data->offsets[index]);
    return *size ? data->text + data->offsets[index] : "";
}

/* ------------------------------------------------------------- vocabulary */

static sentiment_status make_vocabulary(training *run, const sentiment_dataset *data,
                                        sentiment_error *error)
{
    sn_word_counts counts = {.memory = &run->memory};
    sentiment_status status = SENTIMENT_OK;
    for (uint64_t i = 0; i < data->count && status == SENTIMENT_OK; i++) {
        size_t size;
        const char *text = text_of(data, i, &size);
        status = check_cancel(run, i, error);
        if (status)
            break;
        status = sn_tokenizer_split(run->options.tokenizer, &run->memory, text, size,
                                    SENTIMENT_UTF8_STRICT, &run->tokens, sn_word_counts_add,
                                    &counts, error);
        if (status)
            sn_fail_in(error, status, "text %llu of the training set", (unsigned long long)i);
    }
    if (status == SENTIMENT_OK) {
        run->tokenizer.kind = run->options.tokenizer;
        status = sn_word_counts_vocabulary(&counts, run->options.min_count, run->options.vocab_size,
                                           &run->tokenizer.vocabulary, error);
    }
    if (status == SENTIMENT_OK && run->tokenizer.vocabulary.count == 0)
        status = sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                         "no word occurs min_count (%u) times in the training set",
                         run->options.min_count);
    sn_word_counts_free(&counts);
    return status;
}

/* --------------------------------------------------------------- encoding */

static sentiment_status append_tokens(training *run, encoded *out, sentiment_error *error)
{
    size_t count = run->tokens.count, needed;
    if (count > run->options.max_length)
        count = run->options.max_length;
    if (!sn_add(out->used, count, &needed))
        return sn_fail_memory(error, "token ids");
    if (needed > out->capacity) {
        size_t capacity = needed + needed / 2 + 4096;
        int32_t *ids = sn_realloc(&run->memory, out->ids, capacity, sizeof *ids);
        if (!ids)
            return sn_fail_memory(error, "token ids");
        out->ids = ids;
        out->capacity = capacity;
    }
    for (size_t i = 0; i < count; i++)
        out->ids[out->used++] = run->tokens.ids[i] == SN_UNKNOWN ? 0 : run->tokens.ids[i];
    return SENTIMENT_OK;
}

static sentiment_status encode(training *run, const sentiment_dataset *data, const char *name,
                               encoded *out, sentiment_error *error)
{
    out->offsets = sn_alloc(&run->memory, (size_t)data->count + 1, sizeof *out->offsets);
    if (!out->offsets)
        return sn_fail_memory(error, "offsets of texts");
    out->offsets[0] = 0;
    for (uint64_t i = 0; i < data->count; i++) {
        size_t size;
        const char *text = text_of(data, i, &size);
        sentiment_status status = check_cancel(run, i, error);
        if (status)
            return status;
        status = sn_tokenizer_encode(&run->tokenizer, &run->memory, text, size,
                                     SENTIMENT_UTF8_STRICT, &run->tokens, error);
        if (status)
            return sn_fail_in(error, status, "text %llu of the %s set", (unsigned long long)i,
                              name);
        status = append_tokens(run, out, error);
        if (status)
            return status;
        out->offsets[i + 1] = out->used;
    }
    return SENTIMENT_OK;
}

/* ------------------------------------------------------------------ model */

static sentiment_status allocate_model(training *run, sentiment_error *error)
{
    const sentiment_train_options *options = &run->options;
    const sn_model_config config = {
        .vocab_size = (uint32_t)run->tokenizer.vocabulary.count + 1,
        .embedding_dim = options->embedding_dim,
        .hidden_size = options->hidden_size,
        .num_classes = (uint32_t)run->label_count,
        .num_layers = options->num_layers,
        .directions = options->bidirectional ? 2 : 1,
        .max_length = options->max_length,
        .padding = options->padding,
        .temperature = 1,
    };
    size_t parts = 4 * (size_t)config.num_layers * config.directions;
    sentiment_status status = sn_model_allocate(&config, &run->memory, &run->model, error);
    if (status)
        return status;
    run->lstm = sn_alloc(&run->memory, parts, sizeof *run->lstm);
    return run->lstm ? SENTIMENT_OK : sn_fail_memory(error, "pointers to weights");
}

/* The writable twin of a pointer into the model's arena. */
static float *writable(const sentiment_model *model, const float *weights)
{
    return model->storage + (weights - model->storage);
}

static sn_plugin_weights weights_of(training *run)
{
    const sentiment_model *model = run->model;
    size_t parts = (size_t)model->config.num_layers * model->config.directions;
    for (size_t i = 0; i < parts; i++) {
        const sn_lstm_weights *part = &model->weights.lstm[i];
        run->lstm[4 * i] = writable(model, part->w_ih);
        run->lstm[4 * i + 1] = writable(model, part->w_hh);
        run->lstm[4 * i + 2] = writable(model, part->b_ih);
        run->lstm[4 * i + 3] = writable(model, part->b_hh);
    }
    return (sn_plugin_weights){
        .embedding = writable(model, model->weights.embedding),
        .lstm = run->lstm,
        .fc_weight = writable(model, model->weights.fc_weight),
        .fc_bias = writable(model, model->weights.fc_bias),
    };
}

static sentiment_status call_plugin(training *run, const sn_torch_plugin *plugin,
                                    const sentiment_dataset *train, const sentiment_dataset *dev,
                                    sn_plugin_train_result *result, sentiment_error *error)
{
    const sn_model_config *config = &run->model->config;
    const sn_plugin_network sizes = {
        .vocab_size = config->vocab_size,
        .embedding_dim = config->embedding_dim,
        .hidden_size = config->hidden_size,
        .num_classes = config->num_classes,
        .num_layers = config->num_layers,
        .directions = config->directions,
    };
    const sn_plugin_dataset train_ids = {run->train.ids, run->train.offsets, train->labels,
                                         (size_t)train->count};
    const sn_plugin_dataset dev_ids = {run->dev.ids, run->dev.offsets, dev->labels,
                                       (size_t)dev->count};
    const sn_plugin_weights weights = weights_of(run);
    return plugin->train(&sizes, &train_ids, &dev_ids, &run->options, run->cancel, &weights, result,
                         error);
}

/* ----------------------------------------------------------------- record */

/* config.json's `training_params`, with the guide's names. NULL: no memory. */
static json_t *training_params(const sentiment_train_options *options)
{
    const struct {
        const char *name;
        json_t *value;
    } entries[] = {
        {"learning_rate", json_real(options->learning_rate)},
        {"batch_size", json_integer(options->batch_size)},
        {"epochs", json_integer(options->epochs)},
        {"vocab_size", json_integer(options->vocab_size)},
        {"min_count", json_integer(options->min_count)},
        {"patience", json_integer(options->patience)},
        {"evaluations", json_integer(options->evaluations)},
        {"pretrain_epochs", json_integer(options->pretrain_epochs)},
        {"pretrain_learning_rate", json_real(options->pretrain_learning_rate)},
        {"weight_decay", json_real(options->weight_decay)},
        {"warmup", json_real(options->warmup)},
        {"dropout", json_real(options->dropout)},
        {"embedding_dropout", json_real(options->embedding_dropout)},
        {"word_dropout", json_real(options->word_dropout)},
        {"rare_dropout", json_real(options->rare_dropout)},
        {"embedding_std", json_real(options->embedding_std)},
        {"gradient_clip", json_real(options->gradient_clip)},
        {"class_balance", json_real(options->class_balance)},
        {"label_smoothing", json_real(options->label_smoothing)},
        {"ema_decay", json_real(options->ema_decay)},
        {"seed", json_integer((json_int_t)options->seed)},
        {"threads", json_integer(options->threads)},
    };
    json_t *object = json_object();
    int failed = !object;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        failed |= json_object_set_new(object, entries[i].name, entries[i].value);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

/* Sets a metadata entry to the text of a JSON value, which it releases. */
static sentiment_status record(sentiment_model *model, const char *key, json_t *value,
                               sentiment_error *error)
{
    char *text = value ? sn_json_text(&model->memory, value, 0) : NULL;
    json_decref(value);
    if (!text)
        return sn_fail_memory(error, "metadata");
    sentiment_status status = sn_model_set_metadata(model, key, text, error);
    sn_free(&model->memory, text);
    return status;
}

static sentiment_status record_run(training *run, const sn_torch_plugin *plugin,
                                   const sn_plugin_train_result *result, sentiment_error *error)
{
    sentiment_model *model = run->model;
    const struct {
        const char *key;
        json_t *value;
    } entries[] = {
        {"training_params", training_params(&run->options)},
        {"train_epochs_run", json_integer(result->epochs_run)},
        {"train_best_epoch", json_integer(result->best_epoch)},
        {"train_tokens", json_integer((json_int_t)run->train.used)},
        {"dev_accuracy", json_real(result->dev_accuracy)},
        {"dev_macro_f1", json_real(result->dev_macro_f1)},
    };
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        if (status == SENTIMENT_OK)
            status = record(model, entries[i].key, entries[i].value, error);
        else
            json_decref(entries[i].value);
    }
    if (status == SENTIMENT_OK)
        status = sn_model_set_metadata(model, "train_torch_version", plugin->torch_version, error);
    return status;
}

static sentiment_status complete_model(training *run, sentiment_error *error)
{
    json_t *config = json_pack("{s:o}", "training_params", training_params(&run->options));
    char *text = config ? sn_json_text(&run->memory, config, 0) : NULL;
    json_decref(config);
    if (!text)
        return sn_fail_memory(error, "the config");
    sentiment_status status =
        sn_model_assemble(run->model, &run->tokenizer, run->labels, run->label_count, text, error);
    sn_free(&run->memory, text);
    return status;
}

/* -------------------------------------------------------------------- run */

/* Replaces zeros that mean a default. */
static void resolve(sentiment_train_options *options)
{
    if (options->num_layers == 0)
        options->num_layers = 1;
    if (options->tokenizer == SENTIMENT_TOKENIZER_DEFAULT)
        options->tokenizer = SENTIMENT_TOKENIZER_WORDS;
    if (options->padding == SENTIMENT_PADDING_DEFAULT)
        options->padding = SENTIMENT_PADDING_NONE;
    if (options->evaluations == 0)
        options->evaluations = 1;
    if (options->embedding_std <= 0)
        options->embedding_std = 1;
    if (options->bidirectional)
        options->pretrain_epochs = 0;
    if (options->threads == SENTIMENT_ALL_THREADS)
        options->threads = sn_cpu_count();
    if (options->threads == 0)
        options->threads = 1;
}

sentiment_status sn_train(const sentiment_dataset *train, const sentiment_dataset *dev,
                          const char *const *labels, size_t label_count,
                          const sentiment_train_options *train_options,
                          const sentiment_model_options *options, sentiment_model **out,
                          sentiment_error *error)
{
    training run = {.memory = sn_model_memory(options),
                    .cancel = options ? options->cancel : NULL,
                    .labels = labels,
                    .label_count = label_count,
                    .options = *train_options};
    sn_plugin_train_result result = {0};
    const sn_torch_plugin *plugin = NULL;

    sentiment_status status = sn_train_check(train, dev, labels, label_count, train_options, error);
    resolve(&run.options);
    if (status == SENTIMENT_OK)
        status = sn_torch_plugin_get(&plugin, error);
    if (status == SENTIMENT_OK)
        status = make_vocabulary(&run, train, error);
    if (status == SENTIMENT_OK)
        status = encode(&run, train, "training", &run.train, error);
    if (status == SENTIMENT_OK)
        status = encode(&run, dev, "dev", &run.dev, error);
    if (status == SENTIMENT_OK)
        status = allocate_model(&run, error);
    if (status == SENTIMENT_OK)
        status = call_plugin(&run, plugin, train, dev, &result, error);
    if (status == SENTIMENT_OK)
        status = complete_model(&run, error);
    if (status == SENTIMENT_OK)
        status = record_run(&run, plugin, &result, error);
    if (status == SENTIMENT_OK) {
        run.model->log = options ? options->log : NULL;
        run.model->log_user = options ? options->log_user : NULL;
        *out = run.model;
        run.model = NULL;
    }
    run_free(&run);
    return status;
}
