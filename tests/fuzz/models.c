/* SPDX-License-Identifier: Apache-2.0
 *
 * See bundles.h: the part about models that have loaded. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bundles.h"
#include "model/model.h"

/* Multiplications that an input may cost: tokens times parameters. */
#define WORK ((uint64_t)1 << 21)
#define MOST_TOKENS 24
#define MOST_CLASSES 64

static const char *const texts[] = {
    "", "a", "word_1 word_2 word_1", "Good, sch\xc3\xb6n! zero one two... \xf0\x9f\x98\x80",
};

enum { TEXTS = sizeof texts / sizeof *texts };

/* What one session says of one text. */
typedef struct answer {
    sentiment_status status;
    sentiment_result result;
    float probabilities[MOST_CLASSES], logits[MOST_CLASSES];
} answer;

/* Every failure but OUT_OF_MEMORY is one that this model may well have. */
static void check_answer(const answer *got, uint32_t classes)
{
    double sum = 0;
    if (got->status != SENTIMENT_OK) {
        FUZZ_CHECK(got->status == SENTIMENT_ERROR_BAD_MODEL);
        return;
    }
    for (uint32_t c = 0; c < classes; c++) {
        FUZZ_CHECK(isfinite(got->logits[c]));
        FUZZ_CHECK(got->probabilities[c] >= 0 && got->probabilities[c] <= 1);
        sum += (double)got->probabilities[c];
    }
    FUZZ_CHECK(fabs(sum - 1) < 1e-5);
    uint32_t best = (uint32_t)got->result.prediction;
    FUZZ_CHECK(best < classes && got->result.confidence == got->probabilities[best]);
    for (uint32_t c = 0; c < classes; c++)
        FUZZ_CHECK(got->logits[c] < got->logits[best] ||
                   (got->logits[c] == got->logits[best] && c >= best));
}

static void check_same_answer(const answer *a, const answer *b, uint32_t classes)
{
    FUZZ_CHECK(a->status == b->status);
    if (a->status != SENTIMENT_OK)
        return;
    FUZZ_CHECK(memcmp(a->probabilities, b->probabilities, classes * sizeof(float)) == 0);
    FUZZ_CHECK(memcmp(a->logits, b->logits, classes * sizeof(float)) == 0);
    FUZZ_CHECK(a->result.prediction == b->result.prediction);
    FUZZ_CHECK(a->result.tokens == b->result.tokens);
    FUZZ_CHECK(a->result.flags == b->result.flags && a->result.unknown == b->result.unknown);
}

/* How a session is to compute. */
typedef struct manner {
    int32_t isa, precision;
    uint32_t max_length;
} manner;

static sentiment_status answer_all(fuzz_run *run, sentiment_model *model, manner how,
                                   answer *answers)
{
    sentiment_session_options options = {.struct_size = sizeof options};
    sentiment_session *session = NULL;
    options.engine = SENTIMENT_ENGINE_NATIVE;
    options.isa = how.isa;
    options.precision = how.precision;
    options.fold_bytes = 1 << 16;
    sentiment_status status = sentiment_session_create(model, &options, &session, &run->error);
    for (size_t i = 0; !status && i < TEXTS; i++) {
        answer *got = &answers[i];
        got->result.struct_size = sizeof got->result;
        got->status =
            sentiment_session_predict(session, texts[i], strlen(texts[i]), how.max_length,
                                      &got->result, got->probabilities, got->logits, &run->error);
        if (got->status == SENTIMENT_ERROR_OUT_OF_MEMORY)
            status = got->status;
    }
    sentiment_session_free(session);
    return status;
}

/* The answers on plain C, which are also those of the best instruction set. */
static sentiment_status check_precision(fuzz_run *run, sentiment_model *model, int32_t precision,
                                        uint32_t max_length, answer *plain)
{
    answer best[TEXTS] = {0};
    uint32_t classes = model->config.num_classes;
    manner how = {SENTIMENT_ISA_C, precision, max_length};
    sentiment_status status = answer_all(run, model, how, plain);
    how.isa = SENTIMENT_ISA_AUTO;
    if (!status)
        status = answer_all(run, model, how, best);
    for (size_t i = 0; !status && i < TEXTS; i++) {
        check_answer(&plain[i], classes);
        check_same_answer(&plain[i], &best[i], classes);
    }
    return status;
}

/* A session in int8 answers as the quantized model does. */
static sentiment_status check_int8(fuzz_run *run, sentiment_model *model, uint32_t max_length)
{
    const sentiment_model_options options = {.struct_size = sizeof options,
                                             .allocator = &run->allocator};
    answer expected[TEXTS] = {0}, got[TEXTS] = {0};
    sentiment_model *small = NULL;
    sentiment_status status = sn_model_quantize(model, &options, &small, &run->error);
    if (!status)
        status = check_precision(run, model, SENTIMENT_PRECISION_INT8, max_length, expected);
    if (!status)
        status = check_precision(run, small, SENTIMENT_PRECISION_DEFAULT, max_length, got);
    for (size_t i = 0; !status && i < TEXTS; i++)
        check_same_answer(&expected[i], &got[i], model->config.num_classes);
    sentiment_model_free(small);
    return status;
}

sentiment_status model_check(fuzz_run *run, sentiment_model *model)
{
    answer answers[TEXTS] = {0};
    uint32_t tokens = model->config.max_length;
    if (tokens > MOST_TOKENS)
        tokens = MOST_TOKENS;
    if (model->config.num_classes > MOST_CLASSES || model->weights.parameters == 0 ||
        model->weights.parameters > WORK / tokens)
        return SENTIMENT_OK;
    sentiment_status status =
        check_precision(run, model, SENTIMENT_PRECISION_DEFAULT, tokens, answers);
    if (!status && (run->flags & FUZZ_INT8) && model->precision == SENTIMENT_PRECISION_FP32)
        status = check_int8(run, model, tokens);
    fuzz_expect(run, status, __func__);
    return status;
}

void model_check_same(sentiment_model *a, sentiment_model *b)
{
    const sn_model_config *x = &a->config, *y = &b->config;
    FUZZ_CHECK(x->vocab_size == y->vocab_size && x->embedding_dim == y->embedding_dim);
    FUZZ_CHECK(x->hidden_size == y->hidden_size && x->num_classes == y->num_classes);
    FUZZ_CHECK(x->num_layers == y->num_layers && x->directions == y->directions);
    FUZZ_CHECK(x->max_length == y->max_length && x->padding == y->padding);
    FUZZ_CHECK(x->temperature == y->temperature && a->has_labels == b->has_labels);
    FUZZ_CHECK(a->weights.parameters == b->weights.parameters && a->precision == b->precision);
    for (uint32_t c = 0; c < x->num_classes; c++)
        FUZZ_CHECK(strcmp(a->labels[c], b->labels[c]) == 0);
    if (a->precision == SENTIMENT_PRECISION_FP32)
        FUZZ_CHECK(memcmp(a->storage, b->storage, a->weights.parameters * sizeof(float)) == 0);
    const sn_vocabulary *v = &a->tokenizer->tokenizer.vocabulary;
    const sn_vocabulary *w = &b->tokenizer->tokenizer.vocabulary;
    FUZZ_CHECK(a->tokenizer->tokenizer.kind == b->tokenizer->tokenizer.kind);
    FUZZ_CHECK(v->count == w->count);
    for (size_t i = 0; i < v->count; i++)
        FUZZ_CHECK(sn_vocabulary_find(w, v->bytes + v->offsets[i],
                                      (size_t)(v->offsets[i + 1] - v->offsets[i])) == v->ids[i]);
    FUZZ_CHECK(strcmp(a->config_json, b->config_json) == 0);
}

/* ------------------------------------------------------------------ saving */

/* In a folder that lives in memory where there is one: saving waits for disks. */
static const char *path_of(const fuzz_run *run, char path[80])
{
    const char *suffix = run->flags & FUZZ_SAVE_FOLDER ? ""
                         : run->flags & FUZZ_SAVE_ONNX ? ".onnx"
                                                       : ".safetensors";
    snprintf(path, 80, "%s/sentiment-fuzz-%ld%s",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", (long)getpid(), suffix);
    return path;
}

static void remove_saved(const char *path)
{
    static const char *const files[] = {"model.pth", "tokenizer.pkl", "tokenizer.json",
                                        "config.json"};
    char name[120];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(name, sizeof name, "%s/%s", path, files[i]);
        unlink(name);
    }
    unlink(path);
    rmdir(path);
}

sentiment_status model_check_saved(fuzz_run *run, sentiment_model *model,
                                   const sentiment_model_options *options)
{
    char path[80];
    sentiment_model *again = NULL;
    sentiment_status status = sentiment_model_save(model, path_of(run, path), NULL, &run->error);
    /* Not every model fits into every format. */
    if (status == SENTIMENT_ERROR_UNSUPPORTED)
        status = SENTIMENT_OK;
    else if (!status)
        status = sentiment_model_load(path, options, &again, &run->error);
    fuzz_expect(run, status, __func__);
    if (again)
        model_check_same(model, again);
    sentiment_model_free(again);
    remove_saved(path);
    return status;
}
