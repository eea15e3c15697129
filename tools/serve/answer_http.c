/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers are put together in buffers of the loop and sent at once; what the
 * socket does not take goes through libevent. */
#include "answer_http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "bounds.h"
#include "cors.h"
#include "loop.h"
#include "routes.h"

/* Memory that the buffers of a loop keep between answers. */
#define KEEP_BYTES (256u << 10)

typedef struct reason {
    int status;
    const char *phrase;
} reason;

static const reason reasons[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

static const char *phrase_of(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].phrase;
    return "Unknown";
}

out *answer_body(connection *client)
{
    out_reset(&client->loop->body, KEEP_BYTES);
    return &client->loop->body;
}

out *answer_fields(connection *client)
{
    return &client->loop->extra;
}

static void put_field(out *to, const char *name, const char *value)
{
    out_text(to, name);
    out_bytes(to, ": ", 2);
    out_text(to, value);
    out_bytes(to, "\r\n", 2);
}

static void put_head(connection *client, int status, const char *type, size_t size)
{
    loop *own = client->loop;
    out *head = &own->head;
    out_reset(head, KEEP_BYTES);
    out_text(head, "HTTP/1.1 ");
    out_unsigned(head, (unsigned)status);
    out_char(head, ' ');
    out_text(head, phrase_of(status));
    out_bytes(head, "\r\n", 2);
    put_field(head, "Date", loop_date(own));
    if (status != 204) {
        put_field(head, "Content-Type", type);
        out_text(head, "Content-Length: ");
        out_unsigned(head, size);
        out_bytes(head, "\r\n", 2);
    }
    put_field(head, "X-Request-Id", client->id);
    out_bytes(head, own->extra.data, own->extra.used);
    cors_put_fields(client, head);
    if (!client->keep_alive)
        put_field(head, "Connection", "close");
    else if (client->head.minor == 0)
        put_field(head, "Connection", "keep-alive");
    out_bytes(head, "\r\n", 2);
}

/* Bytes that the socket took straight away; whatever goes wrong there, libevent
 * finds again. */
static size_t send_now(connection *client, http_slice head, http_slice body)
{
    if (client->secure || evbuffer_get_length(bufferevent_get_output(client->events)) > 0)
        return 0;
    struct iovec parts[2] = {{.iov_len = head.size}, {.iov_len = body.size}};
    memcpy(&parts[0].iov_base, &head.data, sizeof head.data);
    memcpy(&parts[1].iov_base, &body.data, sizeof body.data);
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = body.size ? 2 : 1};
    ssize_t sent =
        sendmsg(bufferevent_getfd(client->events), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0;
}

static void write_all(connection *client, http_slice head, http_slice body)
{
    size_t sent = send_now(client, head, body);
    if (sent < head.size)
        bufferevent_write(client->events, head.data + sent, head.size - sent);
    sent = sent > head.size ? sent - head.size : 0;
    if (sent < body.size)
        bufferevent_write(client->events, body.data + sent, body.size - sent);
    bounds_check_unsent(client);
}

void answer_bytes(connection *client, int status, const char *type, const char *data, size_t size)
{
    loop *own = client->loop;
    if (!client->id[0])
        loop_make_id(own, client->id);
    put_head(client, status, type, size);
    /* Without memory for a head there is nothing that could be said. */
    if (own->head.failed || own->extra.failed)
        client->keep_alive = false;
    else
        write_all(client, (http_slice){own->head.data, own->head.used},
                  (http_slice){data, client->head_only || status == 204 ? 0 : size});
    out_reset(&own->extra, KEEP_BYTES);
    serve_metrics_count_request(own->shard, client->route, status);
    connection_answered(client);
}

void answer_send(connection *client, int status, const char *type)
{
    out *body = &client->loop->body;
    if (body->failed) {
        static const char sorry[] = "{\"type\":\"about:blank\",\"title\":\"Service Unavailable\","
                                    "\"status\":503,\"error\":\"out of memory\","
                                    "\"code\":\"out_of_memory\",\"request_id\":\"\"}";
        answer_bytes(client, 503, "application/problem+json", sorry, sizeof sorry - 1);
        return;
    }
    answer_bytes(client, status, type, body->data ? body->data : "", body->used);
}

void answer_json(connection *client, int status)
{
    answer_send(client, status, "application/json");
}

/* 503 has many reasons; what is not one of these waits for a model. */
static serve_metrics_reason reason_of_503(const char *code)
{
    static const struct {
        const char *code;
        serve_metrics_reason reason;
    } known[] = {{"queue_full", SERVE_REASON_QUEUE_FULL},
                 {"too_many_connections", SERVE_REASON_CONNECTIONS},
                 {"too_many_bodies", SERVE_REASON_BODIES},
                 {"out_of_memory", SERVE_REASON_MEMORY}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].code, code) == 0)
            return known[i].reason;
    return SERVE_REASON_NOT_READY;
}

static serve_metrics_reason reason_of(int status, const char *code)
{
    switch (status) {
    case 401:
        return SERVE_REASON_UNAUTHORIZED;
    case 403:
        return SERVE_REASON_CROSS_ORIGIN;
    case 404:
    case 405:
        return SERVE_REASON_NOT_FOUND;
    case 413:
    case 431:
        return SERVE_REASON_TOO_LARGE;
    case 429:
        return SERVE_REASON_RATE_LIMITED;
    case 500:
        return SERVE_REASON_INTERNAL;
    case 503:
        return reason_of_503(code);
    case 504:
        return SERVE_REASON_DEADLINE;
    default:
        return strcmp(code, "invalid_utf8") == 0 ? SERVE_REASON_INVALID_UTF8
                                                 : SERVE_REASON_BAD_REQUEST;
    }
}

static void note(connection *client, int status, const char *code, const char *text)
{
    const server *owner = client->loop->server;
    /* 503 and 504 are the load's doing, 501 and 505 the client's. */
    serve_log_level level = status == 500 ? SERVE_LOG_ERROR : SERVE_LOG_WARNING;
    serve_metrics_count_failure(client->loop->shard, reason_of(status, code));
    if (!serve_log_wants(owner->log, level))
        return;
    serve_log_request about = {.request_id = {client->id, strlen(client->id)},
                               .trace = &client->trace,
                               .route = client->route < routes_count ? routes_names[client->route]
                                                                     : NULL,
                               .code = status};
    serve_log_write_error(owner->log, level, &about, SENTIMENT_OK, text);
}

static void send_problem(connection *client, const size_t *index, int status, const char *code,
                         const char *text)
{
    if (!client->id[0])
        loop_make_id(client->loop, client->id);
    note(client, status, code, text);
    out *to = answer_body(client);
    out_text(to, "{\"type\":\"about:blank\",\"title\":");
    out_json_name(to, phrase_of(status));
    out_text(to, ",\"status\":");
    out_unsigned(to, (unsigned)status);
    out_text(to, ",\"error\":");
    out_json_name(to, text);
    out_text(to, ",\"code\":");
    out_json_name(to, code);
    if (index) {
        out_text(to, ",\"index\":");
        out_unsigned(to, *index);
    }
    out_text(to, ",\"request_id\":");
    out_json_name(to, client->id);
    out_char(to, '}');
    answer_send(client, status, "application/problem+json");
}

void answer_problem(connection *client, int status, const char *code, const char *format, ...)
{
    char text[640];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    send_problem(client, NULL, status, code, text);
}

void answer_problem_at(connection *client, size_t index, int status, const char *code,
                       const char *format, ...)
{
    char text[640];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    send_problem(client, &index, status, code, text);
}

void answer_later(connection *client, unsigned seconds, int status, const char *code,
                  const char *text)
{
    out_format(answer_fields(client), "Retry-After: %u\r\n", seconds);
    send_problem(client, NULL, status, code, text);
}

void answer_refusal(connection *client, const http_refusal *refusal)
{
    client->keep_alive = false;
    client->head_only = false;
    client->head.field_count = 0;
    client->route = routes_count;
    if (refusal->status == 503)
        answer_later(client, 1, 503, refusal->code, refusal->reason);
    else
        send_problem(client, NULL, refusal->status, refusal->code, refusal->reason);
}
