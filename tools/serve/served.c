/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions of a version. Each is warmed by texts of several lengths, so that
 * the first request finds its memory allocated. */
#include "served.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"

/* The part of the difference by which the known cost of a token falls. */
#define COST_DECAY 8

served *served_of(const serve_version *version)
{
    return version->payload;
}

void served_free(served *payload)
{
    if (!payload)
        return;
    for (size_t i = 0; payload->sessions && i < payload->threads; i++)
        sentiment_session_free(payload->sessions[i]);
    free(payload->sessions);
    sentiment_tokenizer_free(payload->tokenizer);
    sentiment_model_free(payload->model);
    serve_drift_free(payload->drift);
    free(payload);
}

/* A short text and a batch; what fails here would fail every request. */
static sentiment_status warm(sentiment_session *session, sentiment_error *error)
{
    static const char text[] = "I love this product! It is not bad at all, thank you very much.";
    static const uint64_t offsets[] = {0, 20, sizeof text - 1, sizeof text - 1};
    sentiment_result results[3] = {{.struct_size = sizeof results[0]}};
    return sentiment_session_predict_batch(session, text, offsets, 3, NULL, results, NULL, NULL,
                                           NULL, error);
}

static sentiment_status make_sessions(serve_version *version, const setup *chosen, served *payload,
                                      sentiment_error *error)
{
    sentiment_session_options options = setup_session_options(chosen);
    options.threads = 1;
    payload->session.struct_size = sizeof payload->session;
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; !status && i < payload->threads; i++) {
        status = sentiment_session_create(version->model, &options, &payload->sessions[i], error);
        if (!status)
            status = warm(payload->sessions[i], error);
    }
    return status ? status
                  : sentiment_session_get_info(payload->sessions[0], &payload->session, error);
}

static void join_metrics(const serve_version *version, served *payload, serve_metrics *metrics)
{
    const char *labels[SERVE_METRICS_CLASSES] = {NULL};
    size_t classes = payload->info.num_classes;
    for (size_t i = 0; i < classes && i < SERVE_METRICS_CLASSES; i++)
        labels[i] = sentiment_model_get_label(version->model, (int32_t)i);
    serve_metrics_model model = {
        .name = version->name,
        .version = version->version,
        .format = payload->info.format,
        .precision = payload->session.precision == SENTIMENT_PRECISION_INT8 ? "int8" : "fp32",
        .sha256 = version->sha256,
        .labels = labels,
        .class_count = classes < SERVE_METRICS_CLASSES ? classes : SERVE_METRICS_CLASSES};
    payload->metrics = serve_metrics_add_model(metrics, &model);
}

sentiment_status served_prepare(serve_version *version, const setup *chosen, size_t threads,
                                serve_metrics *metrics, sentiment_error *error)
{
    served *payload = calloc(1, sizeof *payload);
    if (!payload)
        return serve_fail_memory(error);
    payload->threads = threads;
    payload->number = version->number;
    payload->model = sentiment_model_retain(version->model);
    payload->sessions = calloc(threads, sizeof *payload->sessions);
    payload->info.struct_size = sizeof payload->info;
    sentiment_status status = payload->sessions ? SENTIMENT_OK : serve_fail_memory(error);
    if (!status)
        status = sentiment_model_get_info(version->model, &payload->info, error);
    if (!status)
        status = make_sessions(version, chosen, payload, error);
    if (status) {
        served_free(payload);
        return status;
    }
    /* Metadata by this name may be something else: then there is no drift to tell. */
    const char *baseline = sentiment_model_get_metadata(version->model, SERVE_DRIFT_KEY);
    if (baseline)
        serve_drift_create(baseline, payload->info.num_classes, 0, &payload->drift, NULL);
    payload->tokenizer = sentiment_model_get_tokenizer(version->model);
    join_metrics(version, payload, metrics);
    version->payload = payload;
    return SENTIMENT_OK;
}

uint64_t served_token_cost(const served *payload)
{
    return atomic_load_explicit(&payload->cost, memory_order_relaxed);
}

/* Up at once, down slowly. Threads may overwrite each other's: it is an estimate. */
void served_note_cost(served *payload, uint64_t nanoseconds, uint64_t tokens)
{
    uint64_t seen = nanoseconds / tokens + 1, known = served_token_cost(payload);
    uint64_t next = seen >= known ? seen : known - (known - seen) / COST_DECAY;
    atomic_store_explicit(&payload->cost, next, memory_order_relaxed);
}
