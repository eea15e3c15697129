/* SPDX-License-Identifier: Apache-2.0
 *
 * From a bundle to a model: the configuration against the weights, the words
 * against the embedding. After this nothing in a model is doubted any more. */
#include <string.h>

#include "formats/formats.h"
#include "model/config.h"
#include "model/lineage.h"
#include "model/metadata.h"
#include "model/script.h"
#include "model/tokenizer_json.h"
#include "model/weights.h"

static sentiment_status compare_size(const char *key, uint64_t said, uint64_t found,
                                     sentiment_error *error)
{
    if (said == 0 || said == found)
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_SHAPE_MISMATCH, SN_NO_OFFSET,
                   "config.json: %s is %llu, but the weights have %llu", key,
                   (unsigned long long)said, (unsigned long long)found);
}

static sentiment_status compare_sizes(const sn_settings *said, const sn_weight_map *map,
                                      sentiment_error *error)
{
    const struct {
        const char *key;
        uint64_t said, found;
    } sizes[] = {
        {"vocab_size", said->vocab_size, map->vocab_size},
        {"embedding_dim", said->embedding_dim, map->embedding_dim},
        {"hidden_size", said->hidden_size, map->hidden_size},
        {"num_classes", said->num_classes, map->num_classes},
        {"num_layers", said->num_layers, map->num_layers},
        {"the number of directions (bidirectional)", said->directions, map->directions},
        {"the number of labels", said->labels ? json_array_size(said->labels) : 0,
         map->num_classes},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        sentiment_status status = compare_size(sizes[i].key, sizes[i].said, sizes[i].found, error);
        if (status != SENTIMENT_OK)
            return status;
    }
    return SENTIMENT_OK;
}

static sentiment_status compare_precision(const sn_settings *said, const sn_weight_map *map,
                                          sentiment_error *error)
{
    int32_t found = map->quantized ? SENTIMENT_PRECISION_INT8 : SENTIMENT_PRECISION_FP32;
    if (!said->precision || said->precision == found)
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                   "config.json: precision is '%s', but the weights are %s",
                   sn_precision_name(said->precision), sn_precision_name(found));
}

static sn_model_config make_config(const sn_settings *said, const sn_weight_map *map)
{
    return (sn_model_config){
        .vocab_size = map->vocab_size,
        .embedding_dim = map->embedding_dim,
        .hidden_size = map->hidden_size,
        .num_classes = map->num_classes,
        .num_layers = map->num_layers,
        .directions = map->directions,
        .max_length = said->max_length ? (uint32_t)said->max_length : SN_DEFAULT_LENGTH,
        .padding = said->padding ? said->padding : SN_DEFAULT_PADDING,
        .temperature = said->temperature > 0 ? said->temperature : 1,
    };
}

#define WEIGHTS "model.pth"

/* Puts the name of one of a folder's files before a message; a native file has
 * everything in one, and a TorchScript archive may have any name. */
static sentiment_status fail_in_file(const sn_bundle *bundle, const char *name,
                                     sentiment_status status, sentiment_error *error)
{
    _Bool own = status == SENTIMENT_ERROR_OUT_OF_MEMORY || status == SENTIMENT_ERROR_CANCELLED;
    _Bool whole = bundle->native || strcmp(bundle->format, "safetensors") == 0;
    _Bool named = bundle->script.size || strcmp(bundle->format, "onnx") == 0;
    if (own || whole || (named && strcmp(name, WEIGHTS) == 0))
        return status;
    return sn_fail_in(error, status, "%s", name);
}

/* "huggingface" goes with a tokenizer.json, and the other kinds without one. */
static sentiment_status check_kind(const sn_bundle *bundle, const sn_settings *said,
                                   sentiment_error *error)
{
    _Bool described = said->tokenizer == SENTIMENT_TOKENIZER_HUGGINGFACE;
    if (!said->tokenizer || described == (bundle->tokenizer_json != NULL))
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                   "config.json: tokenizer is \"%s\", but there is %s tokenizer.json",
                   sn_tokenizer_name(said->tokenizer), described ? "no" : "a");
}

static sentiment_status build_tokenizer(const sn_bundle *bundle, const sn_settings *said,
                                        const sentiment_model *model, sn_tokenizer *out,
                                        sentiment_error *error)
{
    const sn_words *words = &bundle->words;
    uint64_t rows = model->config.vocab_size;
    sentiment_status status = check_kind(bundle, said, error);
    if (status != SENTIMENT_OK)
        return status;
    if (bundle->tokenizer_json)
        return sn_tokenizer_json_build(&model->memory, bundle->tokenizer_json,
                                       bundle->tokenizer_json_size, rows, out, error);
    if (!bundle->has_words)
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "the file has weights but no vocabulary; expected the tensors vocab.bytes "
                       "and vocab.offsets, or tokenizer.json");
    if (words->vocab_size > 0 && (uint64_t)words->vocab_size > rows)
        return sn_fail(error, SENTIMENT_ERROR_SHAPE_MISMATCH, SN_NO_OFFSET,
                       "the tokenizer has vocab_size %lld, but the embedding has %llu rows",
                       (long long)words->vocab_size, (unsigned long long)rows);
    out->kind = said->tokenizer ? said->tokenizer : SENTIMENT_TOKENIZER_WHITESPACE;
    return sn_vocabulary_build(&model->memory, words->bytes, words->offsets, words->ids,
                               words->count, rows, &out->vocabulary, error);
}

/* Tokenizer, labels and config.json of a model whose weights are there. */
static sentiment_status complete(const sn_bundle *bundle, const sn_settings *said,
                                 sentiment_model *model, sentiment_error *error)
{
    sn_tokenizer tokenizer = {0};
    size_t count = json_array_size(said->labels);
    const char **labels = sn_alloc(&model->memory, count, sizeof *labels);
    if (!labels)
        return sn_fail_memory(error, "the labels");
    for (size_t i = 0; i < count; i++)
        labels[i] = json_string_value(json_array_get(said->labels, i));
    sentiment_status status = build_tokenizer(bundle, said, model, &tokenizer, error);
    if (status != SENTIMENT_OK) {
        /* Messages about a tokenizer.json name it themselves. */
        if (!bundle->tokenizer_json && said->tokenizer != SENTIMENT_TOKENIZER_HUGGINGFACE)
            status = fail_in_file(bundle, "tokenizer.pkl", status, error);
    } else {
        status = sn_model_assemble(model, &tokenizer, labels, count, bundle->config, error);
        if (status != SENTIMENT_OK)
            sn_tokenizer_free(&tokenizer);
    }
    sn_free(&model->memory, labels);
    return status;
}

static sentiment_status copy_metadata(const sn_bundle *bundle, sentiment_model *model,
                                      sentiment_error *error)
{
    sn_pairs pairs = {.memory = &model->memory};
    sentiment_status status =
        sn_pairs_copy(&pairs, bundle->metadata, bundle->metadata_count, error);
    if (status == SENTIMENT_OK && !bundle->metadata_count)
        status = sn_config_take_metadata(bundle, &pairs, error);
    /* Other people's safetensors and ONNX files may mean anything by our keys. */
    if (!bundle->native && (strcmp(bundle->format, "safetensors") == 0 ||
                            strcmp(bundle->format, "onnx") == 0))
        sn_lineage_forget(&pairs);
    if (status == SENTIMENT_OK)
        status = sn_lineage_settle(&pairs, error);
    model->memory_bytes += sn_pairs_bytes(&pairs);
    model->metadata = pairs.items;
    model->metadata_count = pairs.count;
    return status;
}

/* What was odd, but no reason to refuse. */
static void warn(const sn_bundle *bundle, const sn_weight_map *map, const sentiment_model *model)
{
    const char *tokenizer = bundle->native ? sn_bundle_metadata(bundle, "tokenizer") : NULL;
    json_t *value = tokenizer ? sn_json_parse_value(tokenizer) : NULL;
    const char *unicode = json_string_value(json_object_get(value, "unicode"));
    if (model->foreign)
        sn_model_log(model, SENTIMENT_LOG_WARNING,
                     "the TorchScript program is not the classifier, only the torch engine can "
                     "run it: %s",
                     model->foreign);
    if (map->ignored)
        sn_model_log(model, SENTIMENT_LOG_WARNING,
                     "%zu tensors are none of the classifier's and were ignored: '%s'%s",
                     map->ignored, map->first_ignored, map->ignored > 1 ? ", ..." : "");
    if (unicode && strcmp(unicode, sn_unicode_version) != 0)
        sn_model_log(model, SENTIMENT_LOG_WARNING,
                     "the model was saved with Unicode %s, this library has %s", unicode,
                     sn_unicode_version);
    json_decref(value);
}

/* A model of the right sizes, its weights still to be filled; one without weights
 * for a program that is not the classifier. */
static sentiment_status allocate(const sn_bundle *bundle, const sn_settings *said,
                                 const sn_memory *memory, sn_weight_map *map,
                                 sentiment_model **out, sentiment_error *error)
{
    char reason[SN_SCRIPT_REASON_SIZE];
    if (bundle->script.size && sn_script_is_foreign(bundle, reason))
        return sn_script_allocate(said, reason, memory, out, error);
    sentiment_status status = sn_weights_find(bundle, map, error);
    if (status != SENTIMENT_OK)
        return fail_in_file(bundle, WEIGHTS, status, error);
    status = compare_sizes(said, map, error);
    if (status == SENTIMENT_OK)
        status = compare_precision(said, map, error);
    if (status != SENTIMENT_OK)
        return status;
    sn_model_config config = make_config(said, map);
    return (map->quantized ? sn_model_allocate_int8
                           : sn_model_allocate)(&config, memory, out, error);
}

static sentiment_status build(const sn_bundle *bundle, const sentiment_model_options *options,
                              const sn_settings *said, sentiment_model **out,
                              sentiment_error *error)
{
    const sentiment_cancel *cancel = options ? options->cancel : NULL;
    sn_memory memory = sn_model_memory(options);
    sentiment_model *model = NULL;
    sn_weight_map map = {0};
    sentiment_status status = allocate(bundle, said, &memory, &map, &model, error);
    if (status != SENTIMENT_OK)
        return status;
    model->format = bundle->format;
    memcpy(model->sha256, bundle->sha256, sizeof model->sha256);
    model->log = options ? options->log : NULL;
    model->log_user = options ? options->log_user : NULL;
    if (!model->foreign)
        status = sn_weights_fill(&map, model, cancel, error);
    if (status != SENTIMENT_OK)
        status = fail_in_file(bundle, WEIGHTS, status, error);
    else
        status = complete(bundle, said, model, error);
    if (status == SENTIMENT_OK)
        status = copy_metadata(bundle, model, error);
    if (status != SENTIMENT_OK) {
        sn_model_release(model);
        return status;
    }
    warn(bundle, &map, model);
    *out = model;
    return SENTIMENT_OK;
}

/* Takes the caller's temperature over what the file says; whether that is another one. */
static _Bool retune(const sentiment_model_options *options, sn_settings *said)
{
    float stated = said->temperature > 0 ? said->temperature : 1;
    if (!options || !(options->temperature > 0) || options->temperature == stated)
        return 0;
    said->temperature = options->temperature;
    return 1;
}

sentiment_status sn_model_from_bundle(const sn_bundle *bundle,
                                      const sentiment_model_options *options,
                                      sentiment_model **out, sentiment_error *error)
{
    sn_settings said;
    sentiment_model *model = NULL;
    sentiment_status status = sn_settings_read(bundle, &said, error);
    if (status != SENTIMENT_OK)
        return status;
    _Bool retuned = retune(options, &said);
    status = build(bundle, options, &said, &model, error);
    sn_settings_free(&said);
    if (status == SENTIMENT_OK && retuned)
        status = sn_metadata_retune(model, error);
    if (status == SENTIMENT_OK)
        *out = model;
    else
        sn_model_release(model);
    return status;
}

static sn_read_options read_options(const sentiment_model_options *options)
{
    if (!options)
        return (sn_read_options){0};
    return (sn_read_options){.use_mmap = options->use_mmap != 0,
                             .allow_missing_crc = options->allow_missing_crc != 0,
                             .digest = options->digest != 0,
                             .cancel = options->cancel};
}

sentiment_status sn_model_load(const char *path, const sentiment_model_options *options,
                               sentiment_model **out, sentiment_error *error)
{
    sn_memory memory = sn_model_memory(options);
    sn_bundle bundle = {.memory = &memory};
    sn_read_options how = read_options(options);
    sentiment_status status = sn_formats_read_path(path, &how, &bundle, error);
    if (status != SENTIMENT_OK)
        return status;
    status = sn_model_from_bundle(&bundle, options, out, error);
    if (status == SENTIMENT_OK)
        sn_script_move(&bundle, *out);
    sn_bundle_free(&bundle);
    return status == SENTIMENT_OK ? status : sn_fail_in(error, status, "%s", path);
}

sentiment_status sn_model_load_bytes(sn_bytes *bytes, const sentiment_model_options *options,
                                     sentiment_model **out, sentiment_error *error)
{
    sn_memory memory = sn_model_memory(options);
    sn_bundle bundle = {.memory = &memory};
    sn_read_options how = read_options(options);
    sentiment_model *model = NULL;
    sn_bytes view;
    /* The reader owns a view, so that a failure releases nothing of the caller's. */
    sn_bytes_borrow(bytes->data, bytes->size, NULL, NULL, &view);
    sentiment_status status = sn_formats_read_bytes(&view, &how, &bundle, error);
    if (status != SENTIMENT_OK)
        return status;
    status = sn_model_from_bundle(&bundle, options, &model, error);
    sn_bundle_free(&bundle);
    if (status != SENTIMENT_OK)
        return status;
    if (bytes->release)
        model->source = *bytes;
    else
        sn_bytes_free(bytes);
    *bytes = (sn_bytes){0};
    *out = model;
    return SENTIMENT_OK;
}
