/* SPDX-License-Identifier: Apache-2.0
 *
 * The config.json that a model is saved with. What somebody wrote stays where
 * it stands; sizes go into model_params, which comes first; an option is added
 * only where it differs from what the guide does without being told. */
#include <stdlib.h>
#include <string.h>

#include "model/config.h"

json_t *sn_json_float(float value)
{
    json_t *exact = json_real((double)value);
    for (size_t digits = 6; exact && digits <= 9; digits++) {
        char *text = json_dumps(exact, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
        json_t *rounded = text ? sn_json_parse_value(text) : NULL;
        free(text);
        if (rounded && (float)json_number_value(rounded) == value) {
            json_decref(exact);
            return rounded;
        }
        json_decref(rounded);
    }
    return exact;
}

json_t *sn_json_labels(const sentiment_model *model)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < model->config.num_classes; i++) {
        if (json_array_append_new(list, json_string(model->labels[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static _Bool is_said(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return value && !json_is_null(value);
}

/* Takes over `value`; false if memory ran out. */
static _Bool add_option(json_t *config, json_t *params, json_t *where, const char *key,
                        json_t *value)
{
    if (!is_said(config, key) && !is_said(params, key))
        return json_object_set_new(where, key, value) == 0;
    json_decref(value);
    return 1;
}

static _Bool set_sizes(const sn_model_config *config, json_t *params)
{
    return json_object_set_new(params, "vocab_size", json_integer(config->vocab_size)) == 0 &&
           json_object_set_new(params, "embedding_dim", json_integer(config->embedding_dim)) == 0 &&
           json_object_set_new(params, "hidden_size", json_integer(config->hidden_size)) == 0 &&
           json_object_set_new(params, "num_classes", json_integer(config->num_classes)) == 0;
}

/* An int8 model is also made of one whose config says fp32: that is replaced. */
static _Bool set_precision(const sentiment_model *model, json_t *config, json_t *params)
{
    if (model->precision != SENTIMENT_PRECISION_INT8)
        return 1;
    json_object_del(params, "precision");
    return json_object_set_new(config, "precision",
                               json_string(sn_precision_name(model->precision))) == 0;
}

/* A model may have been loaded with another temperature than its config says. */
static void drop_temperature(float temperature, json_t *object)
{
    const json_t *said = json_object_get(object, SN_KEY_TEMPERATURE);
    if (json_is_number(said) && (float)json_number_value(said) != temperature)
        json_object_del(object, SN_KEY_TEMPERATURE);
}

/* The arguments of a network's constructor go into model_params. */
static _Bool add_options(const sentiment_model *model, int32_t tokenizer, json_t *config,
                         json_t *params)
{
    const sn_model_config *sizes = &model->config;
    _Bool fine = 1;
    drop_temperature(sizes->temperature, config);
    drop_temperature(sizes->temperature, params);
    if (sizes->num_layers != 1)
        fine = add_option(config, params, params, "num_layers", json_integer(sizes->num_layers));
    if (fine && sizes->directions == 2)
        fine = add_option(config, params, params, "bidirectional", json_true());
    if (fine && model->has_labels)
        fine = add_option(config, params, config, "labels", sn_json_labels(model));
    if (fine && sizes->padding != SN_DEFAULT_PADDING)
        fine = add_option(config, params, config, "padding",
                          json_string(sn_padding_name(sizes->padding)));
    if (fine && sizes->max_length != SN_DEFAULT_LENGTH)
        fine = add_option(config, params, config, "max_length", json_integer(sizes->max_length));
    if (fine && sizes->temperature != 1)
        fine = add_option(config, params, config, SN_KEY_TEMPERATURE,
                          sn_json_float(sizes->temperature));
    if (fine && tokenizer != SENTIMENT_TOKENIZER_WHITESPACE)
        fine = add_option(config, params, config, "tokenizer",
                          json_string(sn_tokenizer_name(tokenizer)));
    return fine && set_precision(model, config, params);
}

/* model_params first, then the other keys of `old` in their order. */
static json_t *rebuild(const sentiment_model *model, int32_t tokenizer, json_t *old)
{
    json_t *config = json_object();
    json_t *said = json_object_get(old, "model_params");
    json_t *params = json_is_object(said) ? json_deep_copy(said) : json_object();
    if (!params || !set_sizes(&model->config, params) ||
        json_object_set(config, "model_params", params) != 0 ||
        (old && json_object_update_missing(config, old) != 0) ||
        !add_options(model, tokenizer, config, params)) {
        json_decref(config);
        config = NULL;
    }
    /* The model has taken its metadata from there. */
    json_object_del(config, SN_CONFIG_KEY);
    json_decref(params);
    return config;
}

sentiment_status sn_config_complete(const sentiment_model *model, int32_t tokenizer_kind,
                                    const char *base, char **out, sentiment_error *error)
{
    json_t *old = NULL;
    if (base) {
        sentiment_status status =
            sn_json_parse_object(base, strlen(base), "config", 0, &old, error);
        if (status != SENTIMENT_OK)
            return status;
    }
    json_t *config = rebuild(model, tokenizer_kind, old);
    char *text = config ? sn_json_text(&model->memory, config, 0) : NULL;
    json_decref(config);
    json_decref(old);
    if (!text)
        return sn_fail_memory(error, "the configuration");
    *out = text;
    return SENTIMENT_OK;
}
