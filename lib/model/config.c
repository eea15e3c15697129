/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads config.json: the guide's model_params, and the optional keys, which
 * may stand beside model_params or in it. A native file's metadata says the
 * same things once more, for programs that read no config; nowhere may two
 * places disagree. Keys of other people are kept, never judged. */
#include "model/config.h"
#include "model/quantized.h"
#include "model/weights.h"

#include <math.h>
#include <string.h>

#define INVALID SENTIMENT_ERROR_BAD_MODEL

/* How the metadata of a native file says a thing. Its other keys are anybody's. */
typedef enum manner { UNSAID, STRING, JSON } manner;

/* One optional key. `take` is given a value that is not null. */
typedef struct option {
    const char *key;
    manner metadata;
    sentiment_status (*take)(const char *key, const json_t *value, sn_settings *settings,
                             sentiment_error *error);
} option;

static sentiment_status contradicts(const char *key, sentiment_error *error)
{
    return sn_fail(error, INVALID, SN_NO_OFFSET,
                   "config.json: '%s' is given twice with different values", key);
}

/* An integer from 1 to `limit`, into a slot where 0 means "not said". */
static sentiment_status take_integer(const char *key, const json_t *value, uint64_t limit,
                                     uint64_t *slot, sentiment_error *error)
{
    uint64_t number;
    if (!sn_json_integer(value, limit, &number) || number == 0)
        return sn_fail(error, INVALID, SN_NO_OFFSET,
                       "config.json: '%s' must be an integer from 1 to %llu", key,
                       (unsigned long long)limit);
    if (*slot && *slot != number)
        return contradicts(key, error);
    *slot = number;
    return SENTIMENT_OK;
}

static sentiment_status take_layers(const char *key, const json_t *value, sn_settings *settings,
                                    sentiment_error *error)
{
    return take_integer(key, value, SN_MAX_LAYERS, &settings->num_layers, error);
}

static sentiment_status take_max_length(const char *key, const json_t *value,
                                        sn_settings *settings, sentiment_error *error)
{
    return take_integer(key, value, SN_MAX_LENGTH, &settings->max_length, error);
}

static sentiment_status take_bidirectional(const char *key, const json_t *value,
                                           sn_settings *settings, sentiment_error *error)
{
    uint64_t flag = json_is_true(value);
    if (!json_is_boolean(value) && !sn_json_integer(value, 1, &flag))
        return sn_fail(error, INVALID, SN_NO_OFFSET,
                       "config.json: '%s' must be true or false", key);
    if (settings->directions && settings->directions != flag + 1)
        return contradicts(key, error);
    settings->directions = flag + 1;
    return SENTIMENT_OK;
}

static sentiment_status take_labels(const char *key, const json_t *value, sn_settings *settings,
                                    sentiment_error *error)
{
    if (!json_is_array(value) || json_array_size(value) == 0)
        return sn_fail(error, INVALID, SN_NO_OFFSET,
                       "config.json: '%s' must be a list of strings", key);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!json_is_string(json_array_get(value, i)))
            return sn_fail(error, INVALID, SN_NO_OFFSET, "config.json: label %zu is no string", i);
    if (settings->labels)
        return json_equal(settings->labels, value) ? SENTIMENT_OK : contradicts(key, error);
    settings->labels = json_deep_copy(value);
    return settings->labels ? SENTIMENT_OK : sn_fail_memory(error, "the labels");
}

static sentiment_status take_temperature(const char *key, const json_t *value,
                                         sn_settings *settings, sentiment_error *error)
{
    float number = json_is_number(value) ? (float)json_number_value(value) : 0;
    if (!isfinite(number) || number <= 0)
        return sn_fail(error, INVALID, SN_NO_OFFSET,
                       "config.json: '%s' must be a number above 0", key);
    if (settings->temperature > 0 && settings->temperature != number)
        return contradicts(key, error);
    settings->temperature = number;
    return SENTIMENT_OK;
}

/* Value of a name in a list of names by value, 0 if it is not there. */
static int32_t find_name(const char *name, const char *const *names, int32_t count)
{
    for (int32_t i = 1; name && i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return 0;
}

static const char *const paddings[] = {
    [SENTIMENT_PADDING_NONE] = "none", [SENTIMENT_PADDING_MAX_LENGTH] = "max_length"};
static const char *const tokenizers[] = {[SENTIMENT_TOKENIZER_WHITESPACE] = "whitespace",
                                         [SENTIMENT_TOKENIZER_WORDS] = "words",
                                         [SENTIMENT_TOKENIZER_HUGGINGFACE] = "huggingface"};

static const char *const precisions[] = {
    [SENTIMENT_PRECISION_FP32] = "fp32", [SENTIMENT_PRECISION_INT8] = "int8"};

const char *sn_precision_name(int32_t precision)
{
    return precisions[precision];
}

const char *sn_padding_name(int32_t padding)
{
    return paddings[padding];
}

const char *sn_tokenizer_name(int32_t kind)
{
    return tokenizers[kind];
}

static sentiment_status take_padding(const char *key, const json_t *value, sn_settings *settings,
                                     sentiment_error *error)
{
    int32_t padding = find_name(json_string_value(value), paddings, 3);
    if (!padding)
        return sn_fail(error, INVALID, SN_NO_OFFSET,
                       "config.json: '%s' must be \"max_length\" or \"none\"", key);
    if (settings->padding && settings->padding != padding)
        return contradicts(key, error);
    settings->padding = padding;
    return SENTIMENT_OK;
}

/* "words", or in the metadata {"kind": "words", "options": {}, "unicode": "14.0.0"}. */
static sentiment_status take_tokenizer(const char *key, const json_t *value,
                                       sn_settings *settings, sentiment_error *error)
{
    const json_t *name = json_is_object(value) ? json_object_get(value, "kind") : value;
    if (!json_is_string(name))
        return sn_fail(error, INVALID, SN_NO_OFFSET, "config.json: '%s' names no kind", key);
    int32_t kind = find_name(json_string_value(name), tokenizers, 4);
    if (!kind)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "config.json: unsupported tokenizer '%.60s'; expected \"whitespace\", "
                       "\"words\" or \"huggingface\"",
                       json_string_value(name));
    if (json_object_size(json_object_get(value, "options")) != 0)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "config.json: unsupported tokenizer options");
    if (settings->tokenizer && settings->tokenizer != kind)
        return contradicts(key, error);
    settings->tokenizer = kind;
    return SENTIMENT_OK;
}

static sentiment_status take_precision(const char *key, const json_t *value, sn_settings *settings,
                                       sentiment_error *error)
{
    if (!json_is_string(value))
        return sn_fail(error, INVALID, SN_NO_OFFSET, "config.json: '%s' must be a string", key);
    int32_t precision = find_name(json_string_value(value), precisions, 3);
    if (!precision)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "config.json: unsupported precision '%.40s'; expected \"fp32\" or \"int8\"",
                       json_string_value(value));
    if (settings->precision && settings->precision != precision)
        return contradicts(key, error);
    settings->precision = precision;
    return SENTIMENT_OK;
}

/* {"scheme": "int8-rows", "version": 1}: of a native file's metadata alone. */
static sentiment_status check_quantization(const sn_bundle *bundle, sentiment_error *error)
{
    if (!sn_weights_quantized(bundle))
        return SENTIMENT_OK;
    const char *text = sn_bundle_metadata(bundle, SN_KEY_QUANTIZATION);
    json_t *value = sn_json_parse_value(text);
    const char *scheme = json_string_value(json_object_get(value, "scheme"));
    const json_t *version = json_object_get(value, "version");
    sentiment_status status = SENTIMENT_OK;
    if (!scheme || !json_is_integer(version))
        status = sn_fail(error, INVALID, SN_NO_OFFSET,
                         "metadata: '%s' is '%.100s'; expected an object with scheme and version",
                         SN_KEY_QUANTIZATION, text);
    else if (strcmp(scheme, SN_QUANTIZATION_SCHEME) != 0 || json_object_size(value) != 2 ||
             json_integer_value(version) != SN_QUANTIZATION_VERSION)
        status = sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                         "metadata: unsupported '%s' %.100s; this library reads the scheme %s, "
                         "version %d",
                         SN_KEY_QUANTIZATION, text, SN_QUANTIZATION_SCHEME,
                         SN_QUANTIZATION_VERSION);
    json_decref(value);
    return status;
}

static const option options[] = {
    {"num_layers", UNSAID, take_layers},     {"bidirectional", UNSAID, take_bidirectional},
    {"labels", JSON, take_labels},           {"padding", STRING, take_padding},
    {"max_length", JSON, take_max_length},   {"temperature", JSON, take_temperature},
    {"tokenizer", JSON, take_tokenizer},     {"precision", UNSAID, take_precision},
};

static sentiment_status take_from_metadata(const option *which, const sn_bundle *bundle,
                                           sn_settings *settings, sentiment_error *error)
{
    const char *text = sn_bundle_metadata(bundle, which->key);
    if (!text || which->metadata == UNSAID)
        return SENTIMENT_OK;
    json_t *value = which->metadata == STRING ? json_string(text) : sn_json_parse_value(text);
    if (!value)
        return sn_fail(error, INVALID, SN_NO_OFFSET, "metadata: '%s' is not valid JSON",
                       which->key);
    sentiment_status status = which->take(which->key, value, settings, error);
    json_decref(value);
    return status;
}

static sentiment_status take_option(const option *which, const sn_bundle *bundle,
                                    const json_t *config, const json_t *params,
                                    sn_settings *settings, sentiment_error *error)
{
    const json_t *places[] = {json_object_get(config, which->key),
                              json_object_get(params, which->key)};
    for (size_t i = 0; i < 2; i++) {
        if (!places[i] || json_is_null(places[i]))
            continue;
        sentiment_status status = which->take(which->key, places[i], settings, error);
        if (status != SENTIMENT_OK)
            return status;
    }
    return bundle->native ? take_from_metadata(which, bundle, settings, error) : SENTIMENT_OK;
}

static sentiment_status take_sizes(const json_t *params, sn_settings *settings,
                                   sentiment_error *error)
{
    const struct {
        const char *key;
        uint64_t limit;
        uint64_t *slot;
    } sizes[] = {
        {"vocab_size", SN_MAX_VOCABULARY, &settings->vocab_size},
        {"embedding_dim", SN_MAX_WIDTH, &settings->embedding_dim},
        {"hidden_size", SN_MAX_WIDTH, &settings->hidden_size},
        {"num_classes", SN_MAX_CLASSES, &settings->num_classes},
    };
    if (!json_is_object(params))
        return sn_fail(error, INVALID, SN_NO_OFFSET,
                       "config.json: the object 'model_params' is missing");
    for (size_t i = 0; i < 4; i++) {
        const json_t *value = json_object_get(params, sizes[i].key);
        if (!value)
            return sn_fail(error, INVALID, SN_NO_OFFSET, "config.json: model_params lacks '%s'",
                           sizes[i].key);
        sentiment_status status =
            take_integer(sizes[i].key, value, sizes[i].limit, sizes[i].slot, error);
        if (status != SENTIMENT_OK)
            return status;
    }
    return SENTIMENT_OK;
}

sentiment_status sn_settings_read(const sn_bundle *bundle, sn_settings *out,
                                  sentiment_error *error)
{
    sn_settings settings = {0};
    json_t *config = NULL;
    const json_t *params = NULL;
    sentiment_status status = SENTIMENT_OK;
    if (bundle->config) {
        status = sn_json_parse_object(bundle->config, bundle->config_size, "config.json", 0,
                                      &config, error);
        if (status != SENTIMENT_OK)
            return status;
        params = json_object_get(config, "model_params");
        status = take_sizes(params, &settings, error);
    }
    for (size_t i = 0; status == SENTIMENT_OK && i < sizeof options / sizeof options[0]; i++)
        status = take_option(&options[i], bundle, config, params, &settings, error);
    json_decref(config);
    if (status == SENTIMENT_OK)
        status = check_quantization(bundle, error);
    if (status != SENTIMENT_OK)
        sn_settings_free(&settings);
    else
        *out = settings;
    return status;
}

void sn_settings_free(sn_settings *settings)
{
    json_decref(settings->labels);
    *settings = (sn_settings){0};
}
