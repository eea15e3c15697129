/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /predict and POST /predict_batch: the guide's requests and answers.
 * `flags` is there where a text has some: it was empty, cut off, or all of its
 * words are unknown. */
#include "answer_http.h"
#include "handlers.h"
#include "infer.h"
#include "loop.h"
#include "request_json.h"

static void answer_one(connection *client, job *work)
{
    if (!infer_check(client, work))
        return;
    const sentiment_result *result = &work->results[0];
    infer_note(client, work);
    infer_fields(client, work);
    out *to = answer_body(client);
    out_text(to, "{\"prediction\":");
    out_integer(to, result->prediction);
    out_text(to, ",\"confidence\":");
    out_json_float(to, result->confidence);
    out_text(to, ",\"probabilities\":");
    out_json_floats(to, work->probabilities, work->classes);
    out_text(to, ",\"processing_time\":");
    out_json_seconds(to, job_now() - work->received);
    if (result->flags) {
        out_text(to, ",\"flags\":");
        infer_flags(to, result->flags);
    }
    out_char(to, '}');
    answer_json(client, 200);
}

static void put_flags(out *to, const job *work)
{
    uint32_t any = 0;
    for (size_t i = 0; i < work->count; i++)
        any |= work->results[i].flags;
    if (!any)
        return;
    out_text(to, ",\"flags\":[");
    for (size_t i = 0; i < work->count; i++) {
        if (i)
            out_char(to, ',');
        infer_flags(to, work->results[i].flags);
    }
    out_char(to, ']');
}

static void answer_many(connection *client, job *work)
{
    if (!infer_check(client, work))
        return;
    infer_note(client, work);
    infer_fields(client, work);
    out *to = answer_body(client);
    out_text(to, "{\"predictions\":[");
    for (size_t i = 0; i < work->count; i++) {
        if (i)
            out_char(to, ',');
        out_integer(to, work->results[i].prediction);
    }
    out_text(to, "],\"confidences\":[");
    for (size_t i = 0; i < work->count; i++) {
        if (i)
            out_char(to, ',');
        out_json_float(to, work->results[i].confidence);
    }
    out_text(to, "],\"processing_time\":");
    out_json_seconds(to, job_now() - work->received);
    put_flags(to, work);
    out_char(to, '}');
    answer_json(client, 200);
}

/* What both requests may have besides texts: the model, its version, truncate. */
static job *begin(connection *client, const json_t *root, uint32_t *max_length,
                  job_answer_fn answer)
{
    const char *name = NULL, *version = NULL;
    bool truncate = true;
    if (!request_max_length(client, root, max_length) ||
        !request_flag(client, root, "truncate", &truncate) ||
        !infer_name(client, root, "model", &name) || !infer_name(client, root, "version", &version))
        return NULL;
    job *work = infer_job(client, name, version, answer);
    if (work)
        work->forbid_truncation = !truncate;
    return work;
}

void predict_text(connection *client, const json_t *root, job_answer_fn answer, bool explains)
{
    const char *text = NULL;
    size_t size = 0;
    uint32_t max_length = 0;
    if (!request_string(client, root, "text", &text, &size))
        return;
    if (size == 0) {
        answer_problem(client, 400, "text_required", "Text is required");
        return;
    }
    job *work = begin(client, root, &max_length, answer);
    if (!work)
        return;
    work->explains = explains;
    if (infer_add(client, work, text, size, max_length, -1))
        infer_submit(client, work);
    else
        infer_drop(client, work);
}

void predict_one(connection *client, json_t *root)
{
    predict_text(client, root, answer_one, false);
}

/* The texts of a list; false after an answer. */
static bool add_all(connection *client, job *work, const json_t *texts, uint32_t max_length)
{
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *item = json_array_get(texts, i);
        if (!json_is_string(item)) {
            answer_problem_at(client, i, 422, "invalid_item", "texts[%zu]: expected a string", i);
            return false;
        }
        if (!infer_add(client, work, json_string_value(item), json_string_length(item), max_length,
                       (long)i))
            return false;
    }
    return true;
}

void predict_many(connection *client, json_t *root)
{
    uint32_t max_length = 0;
    const json_t *texts = json_object_get(root, "texts");
    if (!json_is_array(texts)) {
        answer_problem(client, 400, texts ? "invalid_type" : "texts_required",
                       "texts: expected a list of strings");
        return;
    }
    if (!infer_count(client, json_array_size(texts)))
        return;
    job *work = begin(client, root, &max_length, answer_many);
    if (!work)
        return;
    if (!add_all(client, work, texts, max_length)) {
        infer_drop(client, work);
    } else if (work->count == 0) {
        /* Nothing to compute: the guide's loop over no texts. */
        work->received = client->received;
        answer_many(client, work);
        infer_drop(client, work);
    } else {
        infer_submit(client, work);
    }
}

void handle_predict(connection *client)
{
    request_json(client, predict_one);
}

void handle_predict_batch(connection *client)
{
    request_json(client, predict_many);
}
