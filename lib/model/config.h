/* SPDX-License-Identifier: Apache-2.0
 *
 * config.json and the metadata of a native file: what they say about a model,
 * and the config.json that a model is saved with. */
#ifndef SN_MODEL_CONFIG_H
#define SN_MODEL_CONFIG_H

#include "formats/json.h"
#include "model/metadata.h"

/* The key of config.json that is ours. */
#define SN_CONFIG_KEY "libsentiment"

/* What was said; sizes are checked against the weights later. */
typedef struct sn_settings {
    uint64_t vocab_size, embedding_dim, hidden_size, num_classes; /* 0: not said */
    uint64_t num_layers;                                          /* 0: not said */
    uint64_t directions;                                          /* 0: not said, 1 or 2 */
    uint64_t max_length;                                          /* 0: not said */
    int32_t padding;                                              /* DEFAULT: not said */
    int32_t tokenizer;                                            /* DEFAULT: not said */
    int32_t precision;                                            /* DEFAULT: not said */
    float temperature;                                            /* 0: not said */
    json_t *labels;                                               /* array, or NULL */
} sn_settings;

/* Reads bundle->config (required where it exists: the guide's four sizes) and
 * the metadata of a native file. One key given twice must say the same. */
sentiment_status sn_settings_read(const sn_bundle *bundle, sn_settings *out,
                                  sentiment_error *error);
void sn_settings_free(sn_settings *settings);

/* "none", "max_length"; "whitespace", "words", "huggingface"; "fp32", "int8". */
const char *sn_padding_name(int32_t padding);
const char *sn_tokenizer_name(int32_t kind);
const char *sn_precision_name(int32_t precision);

/* A JSON real that reads back as this float, with no digit too many; NULL if
 * memory ran out. */
json_t *sn_json_float(float value);
/* The labels as a JSON array; NULL if memory ran out. */
json_t *sn_json_labels(const sentiment_model *model);

/* Adds the metadata that bundle->config brings along, where it does. */
sentiment_status sn_config_take_metadata(const sn_bundle *bundle, sn_pairs *pairs,
                                         sentiment_error *error);
/* Adds what sn_config_take_metadata would take; nothing where there is none. */
sentiment_status sn_config_give_metadata(json_t *config, const sn_pairs *pairs,
                                         sentiment_error *error);

/* config.json of a model with sizes and labels: `base` (may be NULL) with the
 * sizes in model_params, and every option that differs from the guide's. */
sentiment_status sn_config_complete(const sentiment_model *model, int32_t tokenizer_kind,
                                    const char *base, char **out, sentiment_error *error);

#endif
