/* SPDX-License-Identifier: Apache-2.0
 *
 * From a request to a queued job, and from a finished job to what its answer
 * has in common with others. */
#include "infer.h"

#include <string.h>

#include "answer_http.h"
#include "loop.h"
#include "recent.h"
#include "request_json.h"

/* Where --max-tokens does not say. */
#define MOST_TOKENS 4096

static http_slice user_of(const connection *client)
{
    const http_slice *user = http_find(&client->head, "x-user-id");
    return user ? *user : (http_slice){NULL, 0};
}

bool infer_name(connection *client, const json_t *root, const char *key, const char **name)
{
    size_t size = 0;
    if (!request_string(client, root, key, name, &size))
        return false;
    if (!*name || serve_registry_is_name(*name, size))
        return true;
    answer_problem(client, 404, "model_not_found", "there is no such model or version");
    return false;
}

serve_version *infer_version(connection *client, const char *name, const char *version)
{
    const server *owner = client->loop->server;
    if (atomic_load(&owner->state) == SERVER_LOADING) {
        answer_later(client, 1, 503, "loading", "the model is being loaded");
        return NULL;
    }
    http_slice user = user_of(client);
    const char *of = name ? name : owner->default_model;
    serve_version *found =
        version ? serve_registry_acquire_version(owner->registry, of, version)
                : serve_registry_acquire(owner->registry, of, user.data, user.size, NULL);
    if (!found && (name || version))
        answer_problem(client, 404, "model_not_found", "there is no such model or version");
    else if (!found)
        answer_later(client, 1, 503, "no_model", "the default model is not loaded");
    return found;
}

job *infer_job(connection *client, const char *name, const char *version, job_answer_fn answer)
{
    serve_version *chosen = infer_version(client, name, version);
    if (!chosen)
        return NULL;
    job *work = loop_job(client->loop);
    if (!work) {
        serve_registry_release(chosen);
        answer_later(client, 1, 503, "out_of_memory", "out of memory");
        return NULL;
    }
    http_slice user = user_of(client);
    work->version = chosen;
    work->answer = answer;
    const served *model = served_of(chosen);
    work->model_length = model->session.max_length;
    work->pads = model->session.padding == SENTIMENT_PADDING_MAX_LENGTH;
    if (!version)
        work->shadow = serve_registry_acquire_shadow(client->loop->server->registry, chosen->name,
                                                     user.data, user.size);
    return work;
}

void infer_drop(connection *client, job *work)
{
    loop_recycle(client->loop, work);
}

/* The largest max_length that a request may have. */
static uint32_t most_tokens(const config *settings, const job *work)
{
    if (settings->max_tokens)
        return settings->max_tokens;
    return work->model_length > MOST_TOKENS ? work->model_length : MOST_TOKENS;
}

bool infer_add(connection *client, job *work, const char *text, size_t size, uint32_t max_length,
               long index)
{
    const config *settings = client->loop->server->settings;
    uint32_t most = most_tokens(settings, work);
    if (max_length > most) {
        answer_problem(client, 400, "invalid_max_length",
                       "max_length: %u, more than the %u that this server allows",
                       (unsigned)max_length, (unsigned)most);
        return false;
    }
    if (size > settings->max_text_bytes) {
        if (index >= 0)
            answer_problem_at(client, (size_t)index, 413, "text_too_large",
                              "text %ld has %zu bytes, at most %u", index, size,
                              (unsigned)settings->max_text_bytes);
        else
            answer_problem(client, 413, "text_too_large", "the text has %zu bytes, at most %u",
                           size, (unsigned)settings->max_text_bytes);
        return false;
    }
    if (job_add(work, text, size, max_length))
        return true;
    answer_later(client, 1, 503, "out_of_memory", "out of memory");
    return false;
}

bool infer_count(connection *client, size_t count)
{
    size_t most = client->loop->server->settings->max_texts;
    if (count > most)
        answer_problem(client, 413, "too_many_texts", "%zu texts, at most %zu", count, most);
    return count <= most;
}

const char *infer_client(const connection *client)
{
    return client->key_name[0] ? client->key_name : client->peer;
}

void infer_submit(connection *client, job *work)
{
    const char *name = infer_client(client);
    serve_bucket *bucket = client->loop->server->bucket;
    uint32_t texts = (uint32_t)job_units(work, 0, work->count);
    uint32_t seconds = serve_bucket_take(bucket, name, strlen(name), texts, client->received);
    bool prepared = !seconds && job_prepare(work, served_of(work->version)->info.num_classes);
    if (prepared && connection_submit(client, work))
        return;
    infer_drop(client, work);
    if (seconds) {
        answer_later(client, seconds, 429, "rate_limited", "too many texts from this client");
        return;
    }
    serve_bucket_give(bucket, name, strlen(name), texts);
    if (prepared)
        answer_later(client, 1, 503, "queue_full", "too many texts wait");
    else
        answer_later(client, 1, 503, "out_of_memory", "out of memory");
}

static void answer_failure(connection *client, const job *work, size_t index,
                           sentiment_status status)
{
    uint64_t offset = work->results[index].error_offset;
    switch (status) {
    case SENTIMENT_ERROR_INVALID_UTF8:
        answer_problem_at(client, index, 422, "invalid_utf8",
                          "text %zu is not UTF-8 at its byte %llu", index,
                          (unsigned long long)offset);
        break;
    case SENTIMENT_ERROR_INVALID_ARGUMENT:
        answer_problem_at(client, index, 422, "invalid_text", "text %zu cannot be answered", index);
        break;
    case SENTIMENT_ERROR_OUT_OF_MEMORY:
        answer_later(client, 1, 503, "out_of_memory", "out of memory");
        break;
    case SENTIMENT_ERROR_UNSUPPORTED:
        answer_problem(client, 501, "unsupported", "this model cannot do that");
        break;
    default:
        answer_problem(client, 500, "internal", "the model failed");
        break;
    }
}

bool infer_check(connection *client, const job *work)
{
    if (work->status) {
        answer_failure(client, work, 0, work->status);
        return false;
    }
    for (size_t i = 0; i < work->count; i++) {
        if (work->results[i].status) {
            answer_failure(client, work, i, work->results[i].status);
            return false;
        }
        if (work->forbid_truncation && work->results[i].flags & SENTIMENT_FLAG_TRUNCATED) {
            answer_problem_at(client, i, 422, "text_too_long",
                              "text %zu has %llu tokens, more than its max_length", i,
                              (unsigned long long)work->results[i].tokens);
            return false;
        }
    }
    return true;
}

/* Milliseconds with three decimals. */
static void put_duration(out *to, const char *name, uint64_t nanoseconds)
{
    uint64_t microseconds = nanoseconds / 1000;
    char decimals[4] = {'.', (char)('0' + microseconds / 100 % 10),
                        (char)('0' + microseconds / 10 % 10), (char)('0' + microseconds % 10)};
    out_text(to, name);
    out_text(to, ";dur=");
    out_unsigned(to, microseconds / 1000);
    out_bytes(to, decimals, sizeof decimals);
}

void infer_fields(connection *client, const job *work)
{
    const server *owner = client->loop->server;
    out *to = answer_fields(client);
    out_text(to, "X-Model-Version: ");
    out_text(to, work->version->name);
    out_char(to, '/');
    out_text(to, work->version->version);
    if (work->started) {
        out_text(to, "\r\nServer-Timing: ");
        put_duration(to, "queue", work->started - work->queued_at);
        put_duration(to, ", compute", work->finished - work->started);
    }
    if (owner->cache)
        out_text(to, work->hits == work->count ? "\r\nX-Cache: hit" : "\r\nX-Cache: miss");
    out_text(to, "\r\n");
    serve_metrics_time(client->loop->shard, served_of(work->version)->metrics,
                       SERVE_TIME_PREDICTION, job_now() - work->received);
}

/* There is one writer: what is read was written by the same thread. */
static void add(atomic_uint_fast64_t *sum, uint64_t more)
{
    uint64_t now = atomic_load_explicit(sum, memory_order_relaxed);
    atomic_store_explicit(sum, now + more, memory_order_relaxed);
}

void infer_note(connection *client, const job *work)
{
    loop *own = client->loop;
    const server *owner = own->server;
    const served *payload = served_of(work->version);
    int model = payload->metrics;
    for (size_t i = 0; i < work->count; i++) {
        const sentiment_result *result = &work->results[i];
        serve_metrics_count_prediction(own->shard, model, result);
        serve_drift_add(payload->drift, result);
        recent_put(owner->recent, infer_client(client), client->id, i,
                   (recent_answer){work->version->number, result->prediction});
        add(&own->confidence, (uint64_t)((double)result->confidence * 1e6));
    }
    add(&own->texts, work->count);
    add(&own->nanoseconds, (job_now() - work->received) * work->count);
    if (!serve_log_wants(owner->log, SERVE_LOG_INFO))
        return;
    http_slice user = user_of(client);
    const serve_version *version = work->version;
    serve_log_request about = {.request_id = {client->id, strlen(client->id)},
                               .trace = &client->trace,
                               .user_id = {user.data, user.size},
                               .model = {version->name, strlen(version->name)},
                               .version = {version->version, strlen(version->version)},
                               .code = 200};
    double seconds = (double)(job_now() - work->received) * 1e-9;
    for (size_t i = 0; i < work->count; i++) {
        const char *text = work->text ? work->text + work->offsets[i] : "";
        size_t size = (size_t)(work->offsets[i + 1] - work->offsets[i]);
        serve_log_prediction line = {.text = {text, size},
                                     .text_length = serve_log_characters(text, size),
                                     .prediction = work->results[i].prediction,
                                     .confidence = work->results[i].confidence,
                                     .processing_time = seconds,
                                     .cache = !owner->cache               ? NULL
                                              : work->hits == work->count ? "hit"
                                                                          : "miss"};
        serve_log_write_prediction(owner->log, &about, &line);
    }
}

void infer_flags(out *to, uint32_t flags)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {{SENTIMENT_FLAG_EMPTY, "empty"},
                 {SENTIMENT_FLAG_TRUNCATED, "truncated"},
                 {SENTIMENT_FLAG_ALL_UNKNOWN, "all_unknown"}};
    const char *separator = "";
    out_char(to, '[');
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(flags & names[i].bit))
            continue;
        out_text(to, separator);
        out_json_name(to, names[i].name);
        separator = ",";
    }
    out_char(to, ']');
}
