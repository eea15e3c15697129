/* SPDX-License-Identifier: Apache-2.0
 *
 * The protocol is HTTP/1.1 without TLS, on a connection that stays open. What
 * fails on the way is tried again with growing pauses; status 500 means, as
 * documented, that the process has to end. */
#include "runtime.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"

#define VERSION "2018-06-01"
#define TRIES 5
#define FIRST_PAUSE 100 /* milliseconds; doubles each time */
/* Lambda bounds an event at 6 MB; one that is larger is refused, not stored. */
#define MOST_EVENT (16u << 20)
#define MOST_REPLY (64u << 10)

bool runtime_open(runtime *api, transfer *on, const char *host)
{
    api->on = on;
    if (!*host || strpbrk(host, "/?#@ ") || strlen(host) > 255)
        return false;
    snprintf(api->base, sizeof api->base, "http://%s/" VERSION "/runtime", host);
    return true;
}

/* The value of a header line if it is the one of this name; copied, cut to the room. */
static bool take_header(const char *line, size_t size, const char *name, char *value, size_t room)
{
    size_t length = strlen(name);
    if (size <= length || strncasecmp(line, name, length) != 0 || line[length] != ':')
        return false;
    const char *start = line + length + 1, *end = line + size;
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (end > start && (unsigned char)end[-1] <= ' ')
        end--;
    size_t taken = (size_t)(end - start) < room ? (size_t)(end - start) : room - 1;
    memcpy(value, start, taken);
    value[taken] = '\0';
    return true;
}

static size_t read_header(char *line, size_t size, size_t count, void *given)
{
    invocation *call = given;
    size_t length = size * count;
    char number[32];
    take_header(line, length, "Lambda-Runtime-Aws-Request-Id", call->id, sizeof call->id);
    take_header(line, length, "Lambda-Runtime-Trace-Id", call->trace, sizeof call->trace);
    if (take_header(line, length, "Lambda-Runtime-Deadline-Ms", number, sizeof number))
        call->deadline = strtoll(number, NULL, 10);
    return length;
}

/* An id goes into a path. */
static bool is_id(const char *id)
{
    static const char allowed[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";
    return *id && id[strspn(id, allowed)] == '\0' && strcmp(id, ".") != 0 && strcmp(id, "..") != 0;
}

static bool may_retry(int code, long status)
{
    return code > 0 || status == 429 || status == 502 || status == 503 || status == 504;
}

/* Runs what `prepare` sets up until there is an answer that stands. */
static runtime_result run(runtime *api, void (*prepare)(CURL *, void *), void *with,
                          const char *url, long *status)
{
    int pause = FIRST_PAUSE;
    for (int tried = 1;; tried++) {
        prepare(transfer_prepare(api->on, url), with);
        int code = transfer_run(api->on);
        if (code == TRANSFER_STOPPED)
            return RUNTIME_STOPPED;
        *status = code ? 0 : transfer_status(api->on);
        if (!may_retry(code, *status))
            return RUNTIME_DONE;
        log_text(LOG_WARN, NULL, "Runtime API, try %d of %d: %s (status %ld)", tried, TRIES,
                 code ? api->on->error : "no answer that stands", *status);
        if (tried == TRIES)
            return RUNTIME_LOST;
        if (transfer_pause(api->on, pause))
            return RUNTIME_STOPPED;
        pause *= 2;
    }
}

static void prepare_next(CURL *easy, void *given)
{
    invocation *call = given;
    call->id[0] = call->trace[0] = '\0';
    call->deadline = 0;
    call->event.size = 0;
    call->event.most = MOST_EVENT;
    call->event.too_large = false;
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, read_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, transfer_collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &call->event);
}

runtime_result runtime_next(runtime *api, invocation *call)
{
    char url[600];
    long status = 0;
    snprintf(url, sizeof url, "%s/invocation/next", api->base);
    runtime_result result = run(api, prepare_next, call, url, &status);
    if (result)
        return result;
    if (status != 200 || !is_id(call->id)) {
        log_text(LOG_ERROR, NULL, "Runtime API: next: status %ld, %s", status,
                 *call->id ? "an id that is none" : "no request id");
        return RUNTIME_LOST;
    }
    return RUNTIME_DONE;
}

/* What is posted. */
typedef struct posting {
    const char *body;
    size_t size;
    struct curl_slist *headers;
    transfer_bytes reply;
} posting;

static void prepare_post(CURL *easy, void *given)
{
    posting *post = given;
    post->reply.size = 0;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, post->body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->size);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, post->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, transfer_collect);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &post->reply);
}

static runtime_result post_to(runtime *api, const char *url, const char *id, posting *post)
{
    long status = 0;
    post->reply.most = MOST_REPLY;
    api->on->deaf = true;
    runtime_result result = run(api, prepare_post, post, url, &status);
    api->on->deaf = false;
    if (!result && status == 500)
        result = RUNTIME_LOST;
    else if (!result && status >= 300)
        result = RUNTIME_REFUSED;
    if (result == RUNTIME_REFUSED || result == RUNTIME_LOST)
        log_text(LOG_ERROR, id, "Runtime API: %s: status %ld: %.200s", strrchr(url, '/') + 1,
                 status, post->reply.size ? post->reply.data : "");
    free(post->reply.data);
    curl_slist_free_all(post->headers);
    return result;
}

runtime_result runtime_respond(runtime *api, const char *id, const char *body, size_t size)
{
    char url[800];
    posting post = {.body = body, .size = size};
    post.headers = curl_slist_append(NULL, "Content-Type: application/json");
    /* Without this, libcurl would wait for a 100 that nobody sends. */
    struct curl_slist *more = curl_slist_append(post.headers, "Expect:");
    post.headers = more ? more : post.headers;
    snprintf(url, sizeof url, "%s/invocation/%s/response", api->base, id);
    return post_to(api, url, id, &post);
}

runtime_result runtime_fail(runtime *api, const char *id, const char *type, const char *message)
{
    char url[800], header[200], clean[1024];
    snprintf(header, sizeof header, "Lambda-Runtime-Function-Error-Type: %s", type);
    snprintf(clean, sizeof clean, "%s", message);
    log_make_ascii(clean);
    json_t *body = json_pack("{ss ss s[]}", "errorMessage", clean, "errorType", type, "stackTrace");
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    if (!text)
        return RUNTIME_LOST;
    posting post = {.body = text, .size = strlen(text)};
    post.headers = curl_slist_append(NULL, header);
    struct curl_slist *more =
        curl_slist_append(post.headers, "Content-Type: application/vnd.aws.lambda.error+json");
    post.headers = more ? more : post.headers;
    if (id)
        snprintf(url, sizeof url, "%s/invocation/%s/error", api->base, id);
    else
        snprintf(url, sizeof url, "%s/init/error", api->base);
    runtime_result result = post_to(api, url, id, &post);
    free(text);
    return result;
}
