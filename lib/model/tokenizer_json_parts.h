/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of the reader of tokenizer.json: how fields are taken and refused,
 * and the readers of its parts. Every message begins with the file's name and
 * the place in it. */
#ifndef SN_MODEL_TOKENIZER_JSON_PARTS_H
#define SN_MODEL_TOKENIZER_JSON_PARTS_H

#include "formats/json.h"
#include "text/pipeline.h"

/* Room for a word in a message. */
#define SN_SHOWN_SIZE 80

/* sn_fail with "tokenizer.json: " before the message. */
SN_PRINTF(3, 4)
sentiment_status sn_tj_fail(sentiment_error *error, sentiment_status code, const char *format, ...);

/* Refuses keys of the object at `path` that are not among `keys`, which NULL ends. */
sentiment_status sn_tj_check_keys(const json_t *object, const char *path, const char *const *keys,
                                  sentiment_error *error);
/* The boolean `key` of the object at `path`. `fallback`: its value where it is
 * missing, -1: it may not be. */
sentiment_status sn_tj_bool(const json_t *object, const char *path, const char *key, int fallback,
                            _Bool *out, sentiment_error *error);
/* The string `key`; it lives as long as the object. Absent or null, it is NULL,
 * unless it is required. */
sentiment_status sn_tj_string(const json_t *object, const char *path, const char *key,
                              _Bool required, sn_slice *out, sentiment_error *error);
/* The `type` of a component at `path`. */
sentiment_status sn_tj_type(const json_t *object, const char *path, const char **out,
                            sentiment_error *error);

/* A JSON string's bytes. */
static inline sn_slice sn_tj_slice(const json_t *string)
{
    return (sn_slice){(const uint8_t *)json_string_value(string), json_string_length(string)};
}

/* "normalizer" and "pre_tokenizer". */
sentiment_status sn_tj_read_steps(const json_t *root, sn_steps *out, sentiment_error *error);

/* The words of model.vocab, and behind them the added tokens that are none of
 * those. Sets pipeline->added_first and added_count. Ids lie in [0, limit). */
sentiment_status sn_tj_read_words(const json_t *root, const sn_memory *memory, uint64_t limit,
                                  sn_pipeline *pipeline, sn_vocabulary *out,
                                  sentiment_error *error);
/* Where the added tokens are looked for; the steps are there. */
sentiment_status sn_tj_read_added(const json_t *root, const sn_lexicon *lexicon,
                                  sn_pipeline *pipeline, sentiment_error *error);
/* What kind of model "model" is. */
sentiment_status sn_tj_read_kind(const json_t *root, sn_word_model *out, sentiment_error *error);
/* "model", but for its vocabulary. */
sentiment_status sn_tj_read_model(const json_t *root, const sn_lexicon *lexicon,
                                  sn_pipeline *pipeline, sentiment_error *error);

#endif
