/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment-lambda, the `bootstrap` of a custom runtime: loads the model, then
 * takes invocations one after the other until SIGTERM. It ends with 0 then, and
 * with 1 when the start failed or the Runtime API is lost; Lambda starts it anew. */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "deadline.h"
#include "event.h"
#include "log.h"
#include "model.h"
#include "runtime.h"

typedef struct function {
    transfer on;
    runtime api;
    invocation call;
    deadline *watch;
    sentiment_model *model;
    answer_maker maker;
} function;

/* A descriptor that is readable once SIGTERM came; before any thread is started. */
static int open_stop(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    signal(SIGPIPE, SIG_IGN);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL))
        return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static double milliseconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

/* Tells Lambda, and the log, why there was no start. */
static bool refuse_start(function *own, const char *kind, const char *problem)
{
    char type[64];
    snprintf(type, sizeof type, "Sentiment.%s", kind);
    log_text(LOG_ERROR, NULL, "start failed, %s: %s", type, problem);
    runtime_fail(&own->api, NULL, type, problem);
    return false;
}

static bool open_session(function *own)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_info info = {.struct_size = sizeof info};
    if (sentiment_session_create(own->model, NULL, &own->maker.session, &error) ||
        sentiment_model_get_info(own->model, &info, &error))
        return refuse_start(own, "Load", error.message);
    own->maker.classes = info.num_classes;
    const char *origin = getenv("CORS_ORIGIN");
    own->maker.origin = origin && *origin ? origin : "*";
    if (origin && origin[strspn(origin, "!\"#$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "[]_abcdefghijklmnopqrstuvwxyz~")])
        return refuse_start(own, "Setting", "CORS_ORIGIN: expected '*' or one origin");
    own->watch = deadline_create();
    return own->watch || refuse_start(own, "Memory", "no memory, or no thread can be started");
}

static bool start(function *own)
{
    char problem[PROBLEM_SIZE];
    const char *kind = NULL;
    double began = milliseconds();
    const char *host = getenv("AWS_LAMBDA_RUNTIME_API");
    int stop = open_stop();
    if (!host || !runtime_open(&own->api, &own->on, host)) {
        log_text(LOG_ERROR, NULL,
                 "AWS_LAMBDA_RUNTIME_API: expected HOST:PORT; this program is started by Lambda");
        return false;
    }
    if (stop < 0 || !transfer_open(&own->on, stop)) {
        log_text(LOG_ERROR, NULL, "no signalfd, or libcurl cannot be used");
        return false;
    }
    own->model = model_open(&own->on, &kind, problem);
    if (!own->model)
        return refuse_start(own, kind, problem);
    if (!open_session(own))
        return false;
    log_write(LOG_INFO, "started",
              json_pack("{ss sf}", "version", sentiment_version(), "milliseconds",
                        milliseconds() - began));
    return true;
}

static void log_answer(const function *own, const answer *reply, double began)
{
    json_t *line =
        json_pack("{ss si sI sf}", "requestId", own->call.id, "status", reply->status, "texts",
                  (json_int_t)reply->texts, "milliseconds", milliseconds() - began);
    if (line && own->call.trace[0])
        json_object_set_new(line, "traceId", json_string(own->call.trace));
    log_write(reply->status >= 500 ? LOG_WARN : LOG_INFO, "request", line);
}

/* Sends the answer of an event that came from API Gateway. */
static runtime_result answer_request(function *own, event_shape shape, const event_request *request)
{
    double began = milliseconds();
    deadline_start(own->watch, own->call.deadline);
    answer reply =
        shape == EVENT_FINE         ? answer_make(&own->maker, request, deadline_token(own->watch))
        : shape == EVENT_BAD_BASE64 ? answer_error(400, "the body is not base64, as the event says")
                                    : answer_error(503, "out of memory");
    deadline_stop(own->watch);
    char *text = answer_pack(&own->maker, &reply);
    if (!text)
        return runtime_fail(&own->api, own->call.id, "Sentiment.Memory", "out of memory");
    log_answer(own, &reply, began);
    runtime_result result = runtime_respond(&own->api, own->call.id, text, strlen(text));
    free(text);
    return result;
}

static runtime_result fail(function *own, const char *type, const char *message)
{
    log_text(LOG_ERROR, own->call.id, "%s: %s", type, message);
    return runtime_fail(&own->api, own->call.id, type, message);
}

/* One invocation, from its event to what Lambda is told. */
static runtime_result handle(function *own)
{
    const transfer_bytes *bytes = &own->call.event;
    event_request request;
    if (own->call.trace[0])
        setenv("_X_AMZN_TRACE_ID", own->call.trace, 1);
    if (bytes->too_large)
        return fail(own, "Sentiment.EventTooLarge", "the event is larger than any of Lambda");
    json_t *event = json_loadb(bytes->data ? bytes->data : "", bytes->size,
                               JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    event_shape shape = event_read(event, &request);
    runtime_result result =
        shape == EVENT_UNKNOWN
            ? fail(own, "Sentiment.UnknownEvent",
                   "expected an event of API Gateway (REST or HTTP API), or {\"body\": \"...\"}")
            : answer_request(own, shape, &request);
    event_release(&request);
    json_decref(event);
    return result;
}

static runtime_result serve(function *own)
{
    runtime_result result;
    do {
        result = runtime_next(&own->api, &own->call);
        if (result == RUNTIME_DONE)
            result = handle(own);
    } while (result == RUNTIME_DONE || result == RUNTIME_REFUSED);
    return result;
}

int main(void)
{
    function own = {.on = {.stop = -1}};
    log_start();
    bool good = start(&own);
    if (good)
        good = serve(&own) == RUNTIME_STOPPED;
    if (good)
        log_text(LOG_INFO, NULL, "ended by SIGTERM");
    deadline_free(own.watch);
    sentiment_session_free(own.maker.session);
    sentiment_model_free(own.model);
    free(own.call.event.data);
    transfer_close(&own.on);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
