/* SPDX-License-Identifier: Apache-2.0
 *
 * Bodies are hostile until read: bounded in depth and in values before a parser
 * sees them. Errors never quote them. One text is a batch of one: such a call
 * can be stopped, and its answer is the same to the bit. */
#include "predict.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "serve/json_measure.h"

#define MAX_DEPTH 32
#define MAX_TEXTS 4096
#define MAX_VALUES (2 * MAX_TEXTS)
#define MAX_TOKENS 65536
/* All numbers are read as real ones: what is ignored may be a whole number of any size. */
#define FLAGS (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL | JSON_DECODE_ANY)

/* The texts of a request, one behind the other, and the answers. */
typedef struct batch {
    size_t count;
    char *text;
    uint64_t *offsets;
    uint32_t *max_lengths;
    sentiment_result *results;
    float *probabilities;
    double seconds;
} batch;

/* The body as an object; NULL: `refusal` says why not. */
static json_t *read_object(const event_request *request, answer *refusal)
{
    json_error_t error;
    const char *body = request->body ? request->body : "";
    switch (json_measure(body, request->size, MAX_DEPTH, MAX_VALUES)) {
    case JSON_TOO_DEEP:
        *refusal = answer_error(400, "more than %d brackets inside each other", MAX_DEPTH);
        return NULL;
    case JSON_TOO_MANY:
        *refusal = answer_error(413, "the body has more than %d values", MAX_VALUES);
        return NULL;
    case JSON_FINE:
        break;
    }
    json_t *root = json_loadb(body, request->size, FLAGS, &error);
    if (root && !json_is_object(root)) {
        json_decref(root);
        root = NULL;
        *refusal = answer_error(400, "expected a JSON object with text or texts");
    } else if (!root && json_error_code(&error) == json_error_out_of_memory) {
        *refusal = answer_error(503, "out of memory");
    } else if (!root) {
        *refusal = answer_error(400, "the body is not valid JSON, at byte %d", error.position);
    }
    return root;
}

/* The member max_length: 1 to 65,536; absent or null: 0. */
static bool read_max_length(const json_t *root, uint32_t *length, answer *refusal)
{
    const json_t *value = json_object_get(root, "max_length");
    double number = json_real_value(value);
    *length = 0;
    if (!value || json_is_null(value))
        return true;
    if (!json_is_real(value) || !(number >= 1 && number <= MAX_TOKENS) ||
        number != (double)(uint32_t)number) {
        *refusal =
            answer_error(400, "max_length: expected a whole number from 1 to %d", MAX_TOKENS);
        return false;
    }
    *length = (uint32_t)number;
    return true;
}

static void drop(batch *work)
{
    free(work->text);
    free(work->offsets);
    free(work->max_lengths);
    free(work->results);
    free(work->probabilities);
}

static bool make_room(batch *work, size_t count, size_t bytes, size_t classes)
{
    work->count = count;
    work->text = malloc(bytes + 1);
    work->offsets = calloc(count + 1, sizeof *work->offsets);
    work->max_lengths = calloc(count + 1, sizeof *work->max_lengths);
    work->results = calloc(count + 1, sizeof *work->results);
    work->probabilities = calloc((count + 1) * classes, sizeof *work->probabilities);
    return work->text && work->offsets && work->max_lengths && work->results && work->probabilities;
}

static void add(batch *work, size_t at, const json_t *text, uint32_t max_length)
{
    size_t size = json_string_length(text);
    memcpy(work->text + work->offsets[at], json_string_value(text), size);
    work->offsets[at + 1] = work->offsets[at] + size;
    work->max_lengths[at] = max_length;
    work->results[at].struct_size = sizeof work->results[at];
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static sentiment_status ask(const answer_maker *maker, batch *work, const sentiment_cancel *cancel)
{
    if (sentiment_cancel_requested(cancel))
        return SENTIMENT_ERROR_CANCELLED;
    if (work->count == 0)
        return SENTIMENT_OK;
    return sentiment_session_predict_batch(maker->session, work->text, work->offsets, work->count,
                                           work->max_lengths, work->results, work->probabilities,
                                           NULL, cancel, NULL);
}

/* Asks the model; false: `refusal` says why there is no answer. */
static bool run(const answer_maker *maker, batch *work, const sentiment_cancel *cancel,
                answer *refusal)
{
    double started = now();
    sentiment_status status = ask(maker, work, cancel);
    work->seconds = now() - started;
    if (status == SENTIMENT_ERROR_CANCELLED)
        *refusal = answer_error(504, "the time of this request is over");
    else if (status == SENTIMENT_ERROR_OUT_OF_MEMORY)
        *refusal = answer_error(503, "out of memory");
    else if (status)
        *refusal = answer_error(500, "the model failed: %s", sentiment_status_name(status));
    for (size_t i = 0; !status && i < work->count; i++) {
        status = work->results[i].status;
        if (status)
            *refusal = answer_error(422, "text %zu: %s", i, sentiment_status_name(status));
    }
    return status == SENTIMENT_OK;
}

static json_t *pack_flags(uint32_t bits)
{
    static const char *const names[] = {"empty", "truncated", "all_unknown"};
    json_t *list = json_array();
    for (unsigned i = 0; i < 3; i++) {
        if (bits >> i & 1)
            json_array_append_new(list, json_string(names[i]));
    }
    return list;
}

static json_t *pack_one(const batch *work, uint32_t classes)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < classes; i++)
        json_array_append_new(list, json_real((double)work->probabilities[i]));
    const sentiment_result *result = work->results;
    json_t *body = json_pack("{si sf so}", "prediction", (int)result->prediction, "confidence",
                             (double)result->confidence, "probabilities", list);
    if (body && result->flags)
        json_object_set_new(body, "flags", pack_flags(result->flags));
    return body;
}

static json_t *pack_many(const batch *work)
{
    json_t *predictions = json_array(), *confidences = json_array(), *flags = json_array();
    uint32_t any = 0;
    for (size_t i = 0; i < work->count; i++) {
        json_array_append_new(predictions, json_integer(work->results[i].prediction));
        json_array_append_new(confidences, json_real((double)work->results[i].confidence));
        json_array_append_new(flags, pack_flags(work->results[i].flags));
        any |= work->results[i].flags;
    }
    json_t *body = json_pack("{so so sf}", "predictions", predictions, "confidences", confidences,
                             "processing_time", work->seconds);
    if (body && any)
        json_object_set(body, "flags", flags);
    json_decref(flags);
    return body;
}

static answer answer_one(const answer_maker *maker, const json_t *root, uint32_t max_length,
                         const sentiment_cancel *cancel)
{
    batch work = {0};
    answer reply = {.status = 200, .texts = 1};
    const json_t *text = json_object_get(root, "text");
    if (text && !json_is_null(text) && !json_is_string(text))
        return answer_error(400, "text: expected a string");
    if (json_string_length(text) == 0)
        return answer_error(400, "Text is required");
    if (!make_room(&work, 1, json_string_length(text), maker->classes)) {
        reply = answer_error(503, "out of memory");
    } else {
        add(&work, 0, text, max_length);
        if (run(maker, &work, cancel, &reply))
            reply.body = pack_one(&work, maker->classes);
    }
    drop(&work);
    return reply;
}

/* Bytes of all texts; false: `refusal` says which one is none. */
static bool measure(const json_t *texts, size_t *bytes, answer *refusal)
{
    size_t index;
    const json_t *text;
    *bytes = 0;
    if (!json_is_array(texts)) {
        *refusal = answer_error(400, "texts: expected a list of strings");
        return false;
    }
    if (json_array_size(texts) > MAX_TEXTS) {
        *refusal = answer_error(413, "%zu texts, at most %d", json_array_size(texts), MAX_TEXTS);
        return false;
    }
    json_array_foreach(texts, index, text)
    {
        if (!json_is_string(text)) {
            *refusal = answer_error(422, "texts[%zu]: expected a string", index);
            return false;
        }
        *bytes += json_string_length(text);
    }
    return true;
}

static answer answer_many(const answer_maker *maker, const json_t *texts, uint32_t max_length,
                          const sentiment_cancel *cancel)
{
    batch work = {0};
    size_t bytes = 0, count = json_array_size(texts);
    answer reply = {.status = 200, .texts = count};
    if (!measure(texts, &bytes, &reply))
        return reply;
    if (!make_room(&work, count, bytes, maker->classes)) {
        reply = answer_error(503, "out of memory");
    } else {
        for (size_t i = 0; i < count; i++)
            add(&work, i, json_array_get(texts, i), max_length);
        if (run(maker, &work, cancel, &reply))
            reply.body = pack_many(&work);
    }
    drop(&work);
    return reply;
}

answer predict_answer(const answer_maker *maker, const event_request *request,
                      const sentiment_cancel *cancel)
{
    answer reply;
    uint32_t max_length;
    json_t *root = read_object(request, &reply);
    if (!root)
        return reply;
    const json_t *texts = json_object_get(root, "texts");
    if (texts && json_object_get(root, "text"))
        reply = answer_error(400, "either text or texts, not both");
    else if (read_max_length(root, &max_length, &reply))
        reply = texts ? answer_many(maker, texts, max_length, cancel)
                      : answer_one(maker, root, max_length, cancel);
    json_decref(root);
    return reply;
}
