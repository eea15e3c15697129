/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a connection. Every state has its time limit, by one timer; a
 * client that is slow to read is limited by libevent's timeout on writing. A
 * client that closes its side while its answer is being computed is gone, as
 * for other servers: its texts leave the queue. */
#include "connection.h"

#include <event2/buffer.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer_http.h"
#include "bounds.h"
#include "loop.h"
#include "routes.h"
#include "tls.h"

/* Bytes that libevent reads ahead of us, and that answers may pile up to. */
#define READ_AHEAD (128u << 10)
#define UNREAD_LIMIT (256u << 10)
#define LINGER_SECONDS 2.0
#define AT_ONCE 1e-6
/* Requests of one connection that are handled before the others get their turn. */
#define TURN 32
#define DRAIN_SECONDS 1.0
#define KEEP_BODY (64u << 10)
/* Connections beyond the limit that may be told so at a time. */
#define REFUSED_CONNECTIONS 64

static const http_refusal refused = {503, "too_many_connections", "too many connections"};
static const http_refusal slow_head = {408, "header_timeout", "the request's head took too long"};
static const http_refusal slow_body = {408, "body_timeout", "the request's body took too long"};
static const http_refusal long_head = {431, "header_too_large", "the request's head is too long"};
static const http_refusal long_body = {413, "body_too_large", "the request's body is too long"};
static const http_refusal busy = {503, "too_many_bodies", "too many bodies are being received"};
static const http_refusal bad_chunk = {400, "bad_chunk", "malformed chunked body"};
static const http_refusal no_memory = {503, "out_of_memory", "out of memory"};

static struct timeval time_of(double seconds)
{
    struct timeval time = {.tv_sec = (time_t)seconds};
    time.tv_usec = (suseconds_t)((seconds - (double)time.tv_sec) * 1e6);
    return time;
}

/* 0: no limit. */
static void set_timer(connection *client, double seconds)
{
    if (seconds <= 0) {
        event_del(client->timer);
        return;
    }
    const struct timeval after = time_of(seconds);
    event_add(client->timer, &after);
}

static void link_connection(loop *own, connection *client)
{
    client->next = own->connections;
    if (client->next)
        client->next->previous = client;
    own->connections = client;
    own->connection_count++;
    atomic_fetch_add(&own->server->connections, 1);
    serve_metrics_add(own->server->metrics, SERVE_VALUE_CONNECTIONS, 1);
}

static void unlink_connection(loop *own, connection *client)
{
    *(client->previous ? &client->previous->next : &own->connections) = client->next;
    if (client->next)
        client->next->previous = client->previous;
    own->connection_count--;
    atomic_fetch_sub(&own->server->connections, 1);
    serve_metrics_add(own->server->metrics, SERVE_VALUE_CONNECTIONS, -1);
}

job *connection_take(connection *client)
{
    job *work = client->job;
    client->job = NULL;
    if (!work)
        return NULL;
    work->connection = NULL;
    serve_metrics_add(client->loop->server->metrics, SERVE_VALUE_IN_FLIGHT, -1);
    return work;
}

/* Nobody waits for this job any more. */
static void abandon(connection *client)
{
    job *work = connection_take(client);
    if (work && batcher_cancel(client->loop->server->batcher, work))
        loop_recycle(client->loop, work);
}

void connection_free(connection *client)
{
    loop *own = client->loop;
    abandon(client);
    bounds_let_go(client);
    bounds_set_unsent(client, 0);
    if (client->events) {
        unlink_connection(own, client);
        bufferevent_free(client->events);
    }
    if (client->timer)
        event_free(client->timer);
    out_free(&client->body_bytes);
    free(client->raw);
    free(client);
    loop_check_end(own);
}

static void linger(connection *client)
{
    evutil_socket_t fd = bufferevent_getfd(client->events);
    client->state = CONNECTION_LINGER;
    if (client->secure)
        tls_end(client->events);
    shutdown(fd, SHUT_WR);
    bufferevent_enable(client->events, EV_READ);
    set_timer(client, LINGER_SECONDS);
}

/* Ready for the next request. */
static void next_request(connection *client)
{
    const config *settings = client->loop->server->settings;
    out_reset(&client->body_bytes, KEEP_BODY);
    bounds_let_go(client);
    client->state = CONNECTION_HEAD;
    client->begun = false;
    client->scanned = 0;
    client->body = (http_slice){"", 0};
    client->chunks = (http_chunks){0};
    client->key_name[0] = 0;
    client->id[0] = 0;
    client->trace.id[0] = 0;
    set_timer(client, client->loop->stage == LOOP_SERVING ? settings->idle_timeout : DRAIN_SECONDS);
}

void connection_answered(connection *client)
{
    if (client->keep_alive) {
        next_request(client);
        return;
    }
    client->state = CONNECTION_CLOSING;
    out_free(&client->body_bytes);
    bounds_let_go(client);
    set_timer(client, client->doomed ? AT_ONCE : client->loop->server->settings->write_timeout);
    if (bounds_unsent(client) == 0)
        linger(client);
}

static bool refuse(connection *client, const http_refusal *refusal)
{
    answer_refusal(client, refusal);
    return client->state == CONNECTION_HEAD;
}

/* Copies the head, so that its slices stay where they are. */
static bool keep_head(connection *client, const char *data, size_t size)
{
    if (size > client->raw_capacity) {
        char *larger = realloc(client->raw, size * 2);
        if (!larger)
            return false;
        client->raw = larger;
        client->raw_capacity = size * 2;
    }
    memcpy(client->raw, data, size);
    return true;
}

static void skip_empty_lines(struct evbuffer *input)
{
    char two[2];
    while (evbuffer_copyout(input, two, 2) == 2 && two[0] == '\r' && two[1] == '\n')
        evbuffer_drain(input, 2);
}

static bool handle(connection *client)
{
    client->received = job_now();
    routes_handle(client);
    return client->state == CONNECTION_HEAD;
}

static bool begin_body(connection *client)
{
    const config *settings = client->loop->server->settings;
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bool keep_alive = client->keep_alive, empty = client->head.framing == HTTP_NO_BODY;
    /* An answer before the body has been read is the last one. */
    client->keep_alive = keep_alive && empty;
    if (!routes_begin(client))
        return client->state == CONNECTION_HEAD;
    client->keep_alive = keep_alive;
    if (empty)
        return handle(client);
    if (client->head.framing == HTTP_LENGTH && client->head.content_length > settings->max_body)
        return refuse(client, &long_body);
    client->state = CONNECTION_BODY;
    set_timer(client, settings->body_timeout);
    struct evbuffer *input = bufferevent_get_input(client->events);
    if (client->head.expects_continue && evbuffer_get_length(input) == 0)
        bufferevent_write(client->events, go_on, sizeof go_on - 1);
    return true;
}

/* Each step returns true where there may be more to do. */
static bool read_head(connection *client)
{
    const config *settings = client->loop->server->settings;
    struct evbuffer *input = bufferevent_get_input(client->events);
    /* The two bytes of an empty line may come one by one. */
    if (client->scanned <= 1) {
        skip_empty_lines(input);
        client->scanned = 0;
    }
    size_t size = evbuffer_get_length(input);
    if (size == 0)
        return false;
    if (!client->begun) {
        client->begun = true;
        set_timer(client, settings->header_timeout);
    }
    size_t looked = size < settings->max_header ? size : settings->max_header;
    const char *data = (const char *)evbuffer_pullup(input, (ssize_t)looked);
    if (!data)
        return refuse(client, &no_memory);
    size_t end = http_head_end(data, looked, &client->scanned);
    if (end == 0 && looked == settings->max_header)
        return refuse(client, &long_head);
    if (end == 0)
        return false;
    if (!keep_head(client, data, end))
        return refuse(client, &no_memory);
    evbuffer_drain(input, end);
    const http_refusal *refusal = http_parse_head(client->raw, end, &client->head);
    client->keep_alive = client->head.keep_alive && client->loop->stage == LOOP_SERVING;
    return refusal ? refuse(client, refusal) : begin_body(client);
}

/* A short body is handled where it lies; of a long one pieces are taken as they
 * come, so that memory follows what was sent, not what was announced. */
static bool read_length(connection *client, struct evbuffer *input)
{
    size_t wanted = (size_t)client->head.content_length, here = evbuffer_get_length(input);
    out *pieces = &client->body_bytes;
    if (pieces->used == 0 && here >= wanted) {
        const unsigned char *data = evbuffer_pullup(input, (ssize_t)wanted);
        if (!data)
            return refuse(client, &no_memory);
        client->body = (http_slice){(const char *)data, wanted};
        /* What handles the body copies what it needs. */
        bool more = handle(client);
        evbuffer_drain(input, wanted);
        return more;
    }
    if (here < READ_AHEAD / 2 && here < wanted - pieces->used)
        return false;
    size_t part = here < wanted - pieces->used ? here : wanted - pieces->used;
    if (!bounds_hold(client, part))
        return refuse(client, &busy);
    char *at = out_reserve(pieces, part);
    if (!at)
        return refuse(client, &no_memory);
    evbuffer_remove(input, at, part);
    pieces->used += part;
    if (pieces->used < wanted)
        return false;
    client->body = (http_slice){pieces->data, wanted};
    return handle(client);
}

/* Takes what is there of a chunked body. */
static bool read_chunks(connection *client, struct evbuffer *input)
{
    const config *settings = client->loop->server->settings;
    for (;;) {
        struct evbuffer_iovec piece;
        if (evbuffer_peek(input, -1, NULL, &piece, 1) < 1 || piece.iov_len == 0)
            return false;
        size_t used = 0;
        http_slice data = {NULL, 0};
        http_progress progress =
            http_decode(&client->chunks, piece.iov_base, piece.iov_len, &used, &data);
        if (progress == HTTP_DATA && !bounds_hold(client, data.size))
            return refuse(client, &busy);
        if (progress == HTTP_DATA)
            out_bytes(&client->body_bytes, data.data, data.size);
        evbuffer_drain(input, used);
        if (progress == HTTP_BAD)
            return refuse(client, &bad_chunk);
        if (client->body_bytes.failed)
            return refuse(client, &no_memory);
        if (client->body_bytes.used + client->chunks.left > settings->max_body)
            return refuse(client, &long_body);
        if (progress == HTTP_DONE)
            break;
    }
    client->body = (http_slice){client->body_bytes.used ? client->body_bytes.data : "",
                                client->body_bytes.used};
    return handle(client);
}

static bool read_body(connection *client)
{
    struct evbuffer *input = bufferevent_get_input(client->events);
    return client->head.framing == HTTP_CHUNKED ? read_chunks(client, input)
                                                : read_length(client, input);
}

/* Handles what has been read, request by request. */
static void advance(connection *client)
{
    bool more = true;
    for (int steps = 0; more; steps++) {
        if (steps == 2 * TURN) {
            bufferevent_trigger(client->events, EV_READ, BEV_OPT_DEFER_CALLBACKS);
            return;
        }
        if (bounds_unsent(client) > UNREAD_LIMIT && client->state == CONNECTION_HEAD) {
            client->paused = true;
            bufferevent_disable(client->events, EV_READ);
            return;
        }
        more = client->state == CONNECTION_HEAD   ? read_head(client)
               : client->state == CONNECTION_BODY ? read_body(client)
                                                  : false;
    }
    if (client->state == CONNECTION_CLOSING || client->state == CONNECTION_LINGER) {
        struct evbuffer *input = bufferevent_get_input(client->events);
        evbuffer_drain(input, evbuffer_get_length(input));
    }
}

void connection_finish(connection *client)
{
    advance(client);
}

bool connection_submit(connection *client, job *work)
{
    const server *owner = client->loop->server;
    work->connection = client;
    work->received = client->received;
    client->job = work;
    client->state = CONNECTION_WAITING;
    serve_metrics_add(owner->metrics, SERVE_VALUE_IN_FLIGHT, 1);
    if (loop_submit(client->loop, work)) {
        double passed = (double)(job_now() - client->received) * 1e-9;
        double deadline = owner->settings->deadline;
        set_timer(client, deadline > 0 && deadline <= passed ? AT_ONCE : deadline - passed);
        return true;
    }
    connection_take(client);
    return false;
}

void connection_drain(connection *client)
{
    client->keep_alive = false;
    if (client->state == CONNECTION_HEAD && !client->begun)
        set_timer(client, DRAIN_SECONDS);
}

static void on_read(struct bufferevent *events, void *user)
{
    (void)events;
    advance(user);
}

/* All that was written has been sent. */
static void on_written(struct bufferevent *events, void *user)
{
    connection *client = user;
    bounds_set_unsent(client, 0);
    if (client->state == CONNECTION_CLOSING) {
        linger(client);
    } else if (client->paused) {
        client->paused = false;
        bufferevent_enable(events, EV_READ);
        advance(client);
    }
}

static void on_event(struct bufferevent *events, short what, void *user)
{
    connection *client = user;
    (void)events;
    /* TLS has been agreed on. */
    if (what & BEV_EVENT_CONNECTED)
        return;
    if (client->state == CONNECTION_WAITING)
        serve_metrics_count_failure(client->loop->shard, SERVE_REASON_CLIENT_GONE);
    connection_free(client);
}

static void on_timer(evutil_socket_t fd, short what, void *user)
{
    connection *client = user;
    (void)fd;
    (void)what;
    switch (client->state) {
    case CONNECTION_HEAD:
        if (client->begun)
            answer_refusal(client, &slow_head);
        else
            connection_free(client);
        break;
    case CONNECTION_BODY:
        answer_refusal(client, &slow_body);
        break;
    case CONNECTION_WAITING:
        abandon(client);
        answer_problem(client, 504, "deadline_exceeded", "no answer within the deadline");
        advance(client);
        break;
    case CONNECTION_CLOSING:
    case CONNECTION_LINGER:
        connection_free(client);
        break;
    }
}

static void set_up(connection *client, int fd)
{
    const config *settings = client->loop->server->settings;
    const struct timeval patience = time_of(settings->write_timeout);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    bufferevent_setcb(client->events, on_read, on_written, on_event, client);
    bufferevent_setwatermark(client->events, EV_READ, 0, READ_AHEAD);
    bufferevent_set_max_single_read(client->events, READ_AHEAD);
    bufferevent_set_timeouts(client->events, NULL, settings->write_timeout > 0 ? &patience : NULL);
    bufferevent_enable(client->events, EV_READ | EV_WRITE);
}

void connection_open(loop *own, int fd, const struct sockaddr *address)
{
    connection *client = calloc(1, sizeof *client);
    if (!client) {
        close(fd);
        return;
    }
    client->loop = own;
    client->timer = evtimer_new(own->base, on_timer, client);
    client->secure = own->server->tls && !own->admin;
    bool given = client->timer && client->secure;
    if (given)
        client->events = tls_accept(own->server->tls, own->base, fd);
    else if (client->timer)
        client->events = bufferevent_socket_new(own->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!client->events) {
        if (!given)
            close(fd);
        connection_free(client);
        return;
    }
    link_connection(own, client);
    peer_name(address, client->peer);
    set_up(client, fd);
    next_request(client);
    set_timer(client, own->server->settings->header_timeout);
    size_t count = own->admin ? 0 : atomic_load(&own->server->connections);
    if (count > own->server->most_connections + REFUSED_CONNECTIONS)
        connection_free(client);
    else if (count > own->server->most_connections)
        answer_refusal(client, &refused);
}
