/* SPDX-License-Identifier: Apache-2.0
 *
 * See tokenizer_json.h: the file as a whole, and what is neither words, steps
 * nor model. */
#include "model/tokenizer_json.h"

#include <stdio.h>
#include <string.h>

#include "model/model.h"
#include "model/tokenizer_json_parts.h"
#include "text/utf8.h"

static const char *const top_keys[] = {
    "version",        "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
    "post_processor", "decoder",    "model",   NULL};

static sentiment_status check_version(const json_t *root, sentiment_error *error)
{
    const json_t *version = json_object_get(root, "version");
    if (!version || (json_is_string(version) && strcmp(json_string_value(version), "1.0") == 0))
        return SENTIMENT_OK;
    if (!json_is_string(version))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "version must be a string");
    return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                      "version '%.40s' is not supported; expected 1.0",
                      json_string_value(version));
}

/* --------------------------------------------------------------- truncation */

/* Which end of a text is cut off, and what is done with pairs of texts. */
static sentiment_status read_truncation_names(const json_t *truncation, _Bool *left,
                                              sentiment_error *error)
{
    sn_slice direction, strategy;
    sentiment_status status =
        sn_tj_string(truncation, "truncation", "direction",
                     json_object_get(truncation, "direction") != NULL, &direction, error);
    if (status == SENTIMENT_OK)
        status = sn_tj_string(truncation, "truncation", "strategy", 1, &strategy, error);
    if (status != SENTIMENT_OK)
        return status;
    const char *name = direction.data ? (const char *)direction.data : "Right";
    *left = strcmp(name, "Left") == 0;
    if (!*left && strcmp(name, "Right") != 0)
        return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                          "truncation.direction '%.40s' is not supported; expected Left or Right",
                          name);
    name = (const char *)strategy.data;
    if (strcmp(name, "LongestFirst") != 0 && strcmp(name, "OnlyFirst") != 0)
        return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                          "truncation.strategy '%.40s' is not supported for single texts; "
                          "expected LongestFirst or OnlyFirst",
                          name);
    return SENTIMENT_OK;
}

/* A max_length beyond the library's own is no limit. */
static sentiment_status read_truncation(const json_t *root, sn_tokenizer *out,
                                        sentiment_error *error)
{
    static const char *const keys[] = {"direction", "max_length", "strategy", "stride", NULL};
    const json_t *truncation = json_object_get(root, "truncation");
    uint64_t length, stride;
    _Bool left;
    if (!truncation || json_is_null(truncation))
        return SENTIMENT_OK;
    if (!json_is_object(truncation))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                          "truncation must be an object or null");
    sentiment_status status = sn_tj_check_keys(truncation, "truncation", keys, error);
    if (status == SENTIMENT_OK)
        status = read_truncation_names(truncation, &left, error);
    if (status != SENTIMENT_OK)
        return status;
    if (!sn_json_integer(json_object_get(truncation, "max_length"), INT64_MAX, &length) ||
        length == 0)
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                          "truncation.max_length must be an integer from 1");
    if (!sn_json_integer(json_object_get(truncation, "stride"), length - 1, &stride))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                          "truncation.stride must be an integer from 0 and below max_length");
    out->max_length = length <= SN_MAX_LENGTH ? (uint32_t)length : 0;
    out->truncate_left = left;
    return SENTIMENT_OK;
}

/* ------------------------------------------------------------------ ignored */

static _Bool is_given(const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);
    return value && !json_is_null(value);
}

/* The parts that are for other uses: to fill up batches, to make texts of tokens,
 * to put special tokens around a text. */
static sentiment_status read_ignored(const json_t *root, sn_pipeline *pipeline,
                                     sentiment_error *error)
{
    static const char *const keys[] = {"decoder", "padding", "post_processor"};
    char *out = pipeline->ignored;
    size_t length = 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!is_given(root, keys[i]))
            continue;
        if (!json_is_object(json_object_get(root, keys[i])))
            return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "%s must be an object or null",
                              keys[i]);
        length += (size_t)snprintf(out + length, sizeof pipeline->ignored - length, "%s%s",
                                   length ? ", " : "", keys[i]);
    }
    return SENTIMENT_OK;
}

/* ---------------------------------------------------------- post-processors */

/* What a type may hold. The package looks at the keys before the type, so that
 * others could mean a different one. */
typedef struct processor {
    const char *type;
    const char *const keys[6];
    _Bool trims; /* moves offsets, though it adds no token here */
} processor;

static const processor processors[] = {
    {"BertProcessing", {"type", "sep", "cls", NULL}, 0},
    {"ByteLevel", {"type", "add_prefix_space", "trim_offsets", "use_regex", NULL}, 1},
    {"RobertaProcessing", {"type", "sep", "cls", "trim_offsets", "add_prefix_space", NULL}, 1},
    {"TemplateProcessing", {"type", "single", "pair", "special_tokens", NULL}, 0},
};

static const processor *find_processor(const char *type)
{
    for (size_t i = 0; i < sizeof processors / sizeof *processors; i++)
        if (strcmp(processors[i].type, type) == 0)
            return &processors[i];
    return NULL;
}

/* One that is no Sequence. */
static sentiment_status read_processor(const json_t *object, const char *path, sn_trim *out,
                                       sentiment_error *error)
{
    char shown[SN_SHOWN_SIZE];
    const char *type = NULL;
    sn_trim trim = {0};
    sentiment_status status = sn_tj_type(object, path, &type, error);
    if (status != SENTIMENT_OK)
        return status;
    const processor *kind = find_processor(type);
    if (!kind)
        return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                          "%s: post-processor '%s' is not supported here; expected "
                          "BertProcessing, ByteLevel, RobertaProcessing, TemplateProcessing or "
                          "one Sequence of them",
                          path, sn_utf8_quote((const uint8_t *)type, strlen(type), shown,
                                              sizeof shown));
    status = sn_tj_check_keys(object, path, kind->keys, error);
    if (status == SENTIMENT_OK && kind->trims)
        status = sn_tj_bool(object, path, "trim_offsets", -1, &trim.on, error);
    if (status == SENTIMENT_OK && kind->trims)
        status = sn_tj_bool(object, path, "add_prefix_space", -1, &trim.keeps_prefix_space, error);
    if (status != SENTIMENT_OK || !trim.on)
        return status;
    if (out->on)
        return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                          "%s: offsets that are trimmed twice are not supported", path);
    *out = trim;
    return SENTIMENT_OK;
}

static sentiment_status read_trims(const json_t *root, sn_trim *out, sentiment_error *error)
{
    static const char *const keys[] = {"type", "processors", NULL};
    const json_t *whole = json_object_get(root, "post_processor");
    const json_t *list = json_object_get(whole, "processors");
    const char *type = json_string_value(json_object_get(whole, "type"));
    if (!is_given(root, "post_processor"))
        return SENTIMENT_OK;
    if (!type || strcmp(type, "Sequence") != 0)
        return read_processor(whole, "post_processor", out, error);
    sentiment_status status = sn_tj_check_keys(whole, "post_processor", keys, error);
    if (status == SENTIMENT_OK && !json_is_array(list))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "post_processor.processors %s",
                          list ? "must be a list" : "is missing");
    for (size_t i = 0; status == SENTIMENT_OK && i < json_array_size(list); i++) {
        char path[64];
        snprintf(path, sizeof path, "post_processor.processors[%zu]", i);
        status = read_processor(json_array_get(list, i), path, out, error);
    }
    return status;
}

/* ----------------------------------------------------------------- building */

static sentiment_status keep_text(const char *text, size_t size, sn_pipeline *pipeline,
                                  sentiment_error *error)
{
    pipeline->text = sn_duplicate(&pipeline->memory, text, size);
    pipeline->text_size = size;
    return pipeline->text ? SENTIMENT_OK : sn_fail_memory(error, "the tokenizer");
}

static sentiment_status fill(const json_t *root, const sn_memory *memory, uint64_t limit,
                             sn_tokenizer *out, sentiment_error *error)
{
    sn_pipeline *pipeline = out->pipeline;
    sentiment_status status = sn_tj_check_keys(root, "", top_keys, error);
    if (status == SENTIMENT_OK)
        status = check_version(root, error);
    if (status == SENTIMENT_OK)
        status = sn_tj_read_kind(root, &pipeline->model, error);
    if (status == SENTIMENT_OK)
        status = sn_tj_read_steps(root, &pipeline->steps, error);
    if (status == SENTIMENT_OK)
        status = read_truncation(root, out, error);
    if (status == SENTIMENT_OK)
        status = read_ignored(root, pipeline, error);
    if (status == SENTIMENT_OK)
        status = read_trims(root, &pipeline->trim, error);
    if (status == SENTIMENT_OK)
        status = sn_tj_read_words(root, memory, limit, pipeline, &out->vocabulary, error);
    if (status != SENTIMENT_OK)
        return status;
    pipeline->splitters = pipeline->steps;
    pipeline->splitters.normalizer_count = 0;
    sn_lexicon lexicon = {&out->vocabulary, pipeline->added_first, pipeline->added_count};
    status = sn_tj_read_added(root, &lexicon, pipeline, error);
    return status == SENTIMENT_OK ? sn_tj_read_model(root, &lexicon, pipeline, error) : status;
}

sentiment_status sn_tokenizer_json_build(const sn_memory *memory, const char *text, size_t size,
                                         uint64_t limit, sn_tokenizer *out,
                                         sentiment_error *error)
{
    sn_tokenizer made = {.kind = SENTIMENT_TOKENIZER_HUGGINGFACE};
    json_t *root = NULL;
    sentiment_status status = sn_json_parse_with_nul(text, size, "tokenizer.json", &root, error);
    if (status != SENTIMENT_OK)
        return status;
    made.pipeline = sn_alloc_zero(memory, 1, sizeof *made.pipeline);
    if (!made.pipeline) {
        status = sn_fail_memory(error, "the tokenizer");
        goto out;
    }
    made.pipeline->memory = *memory;
    status = fill(root, memory, limit, &made, error);
    if (status == SENTIMENT_OK)
        status = keep_text(text, size, made.pipeline, error);
    if (status == SENTIMENT_OK) {
        *out = made;
        made = (sn_tokenizer){0};
    }
out:
    sn_tokenizer_free(&made);
    json_decref(root);
    return status;
}

const char *sn_tokenizer_json_text(const sn_tokenizer *tokenizer, size_t *size)
{
    if (!tokenizer->pipeline)
        return NULL;
    *size = tokenizer->pipeline->text_size;
    return tokenizer->pipeline->text;
}

const char *sn_tokenizer_json_ignored(const sn_tokenizer *tokenizer)
{
    const sn_pipeline *pipeline = tokenizer->pipeline;
    return pipeline && *pipeline->ignored ? pipeline->ignored : NULL;
}
