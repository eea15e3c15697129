/* SPDX-License-Identifier: Apache-2.0
 *
 * From an fp32 model to one of the same network in int8. Words, labels,
 * configuration and metadata are copied, since the two models may have
 * different allocators and lives. */
#include <string.h>

#include "model/lineage.h"
#include "model/metadata.h"
#include "model/quantized.h"
#include "model/tokenizer_json.h"

static sentiment_status copy_tokenizer(const sentiment_model *model, const sn_memory *memory,
                                       sn_tokenizer *out, sentiment_error *error)
{
    const sn_tokenizer *from = &model->tokenizer->tokenizer;
    const sn_vocabulary *words = &from->vocabulary;
    uint64_t limit = model->config.vocab_size;
    size_t size = 0;
    const char *text = sn_tokenizer_json_text(from, &size);
    if (text)
        return sn_tokenizer_json_build(memory, text, size, limit, out, error);
    int64_t *ids = sn_alloc(memory, words->count, sizeof *ids);
    if (!ids)
        return sn_fail_memory(error, "the vocabulary");
    for (size_t i = 0; i < words->count; i++)
        ids[i] = words->ids[i];
    out->kind = from->kind;
    sentiment_status status = sn_vocabulary_build(memory, words->bytes, words->offsets, ids,
                                                  words->count, limit, &out->vocabulary, error);
    sn_free(memory, ids);
    return status;
}

/* Keys that a saver writes anew tell of the original's file; the lineage goes on. The
 * original's golden answers are not those of its int8 self. */
static _Bool is_kept(const char *key)
{
    return strcmp(key, SN_KEY_GOLDEN) != 0 &&
           (strcmp(key, SN_KEY_LINEAGE) == 0 || !sn_metadata_is_reserved(key));
}

static sentiment_status copy_metadata(const sentiment_model *from, sentiment_model *to,
                                      sentiment_error *error)
{
    sn_pairs pairs = {.memory = &to->memory};
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; status == SENTIMENT_OK && i < from->metadata_count; i++)
        if (is_kept(from->metadata[i].key))
            status = sn_pairs_set(&pairs, from->metadata[i].key, from->metadata[i].value, error);
    to->metadata = pairs.items;
    to->metadata_count = pairs.count;
    to->memory_bytes += sn_pairs_bytes(&pairs);
    return status;
}

static sentiment_status complete(const sentiment_model *from, sentiment_model *to,
                                 sentiment_error *error)
{
    sn_tokenizer tokenizer = {0};
    sentiment_status status = copy_tokenizer(from, &to->memory, &tokenizer, error);
    if (status != SENTIMENT_OK)
        return status;
    status = sn_model_assemble(to, &tokenizer, (const char *const *)from->labels,
                               from->has_labels ? from->config.num_classes : 0, from->config_json,
                               error);
    if (status != SENTIMENT_OK) {
        sn_tokenizer_free(&tokenizer);
        return status;
    }
    return copy_metadata(from, to, error);
}

static void copy_floats(const sentiment_model *from, sentiment_model *to)
{
    const sn_model_config *config = &from->config;
    float *next = to->storage;
    size_t rows = 4 * (size_t)config->hidden_size;
    size_t head = config->num_classes * ((size_t)config->directions * config->hidden_size + 1);
    for (size_t i = 0; i < (size_t)config->num_layers * config->directions; i++, next += 2 * rows) {
        memcpy(next, from->weights.lstm[i].b_ih, rows * sizeof *next);
        memcpy(next + rows, from->weights.lstm[i].b_hh, rows * sizeof *next);
    }
    /* fc_weight, with fc_bias behind it. */
    memcpy(next, from->weights.fc_weight, head * sizeof *next);
}

sentiment_status sn_model_quantize(const sentiment_model *model,
                                   const sentiment_model_options *options, sentiment_model **out,
                                   sentiment_error *error)
{
    sn_memory memory = sn_model_memory(options);
    sentiment_model *made = NULL;
    if (model->precision == SENTIMENT_PRECISION_INT8)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "the model is int8 already; expected an fp32 model");
    sentiment_status status = sn_model_require_weights(model, "quantizing", error);
    if (status != SENTIMENT_OK)
        return status;
    status = sn_model_allocate_int8(&model->config, &memory, &made, error);
    if (status != SENTIMENT_OK)
        return status;
    /* What is saved from it has the original's file for a parent. */
    made->format = model->format;
    memcpy(made->sha256, model->sha256, sizeof made->sha256);
    made->log = options ? options->log : NULL;
    made->log_user = options ? options->log_user : NULL;
    copy_floats(model, made);
    status = sn_quantized_make(model, &made->memory, options ? options->cancel : NULL,
                               &made->quantized, error);
    if (status == SENTIMENT_OK)
        status = complete(model, made, error);
    if (status != SENTIMENT_OK) {
        sn_model_release(made);
        return status;
    }
    *out = made;
    return SENTIMENT_OK;
}
