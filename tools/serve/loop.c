/* SPDX-License-Identifier: Apache-2.0
 *
 * Event loops. All of them listen on one socket, so that nothing is lost when
 * they stop; whichever wakes first accepts. */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "listen.h"
#include "shadow.h"

/* Jobs that are kept for reuse, and how long an answer may be to keep its memory. */
#define SPARE_JOBS 256
/* Milliseconds between two looks for the end while draining. */
#define REAP_EVERY 20
/* Milliseconds without accepting after that failed. */
#define RETRY_AFTER 50
/* Connections that are taken in one go; then those that are there have their turn. */
#define ACCEPTED_AT_ONCE 32

static void pause_accepting(loop *own, struct evconnlistener *listener, long microseconds)
{
    const struct timeval pause = {0, microseconds};
    evconnlistener_disable(listener);
    event_add(own->retry, &pause);
}

static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                     int size, void *user)
{
    loop *own = user;
    (void)size;
    connection_open(own, fd, address);
    if (++own->accepted % ACCEPTED_AT_ONCE == 0)
        pause_accepting(own, listener, 0);
}

/* No files left, most likely: to try again at once would only burn time. */
static void not_accepted(struct evconnlistener *listener, void *user)
{
    pause_accepting(user, listener, RETRY_AFTER * 1000);
}

static void on_retry(evutil_socket_t fd, short what, void *user)
{
    loop *own = user;
    (void)fd;
    (void)what;
    if (own->listener)
        evconnlistener_enable(own->listener);
}

/* Connections that the system has accepted and we have not, before the socket goes. */
static void accept_last(loop *own)
{
    struct sockaddr_storage address;
    int listening = evconnlistener_get_fd(own->listener);
    for (;;) {
        socklen_t size = sizeof address;
        int fd =
            accept4(listening, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && errno == EINTR)
            continue;
        if (fd < 0)
            return;
        connection_open(own, fd, (struct sockaddr *)&address);
    }
}

void loop_check_end(loop *own)
{
    if (own->stage != LOOP_SERVING && own->connection_count == 0)
        event_base_loopbreak(own->base);
}

static void begin_draining(loop *own)
{
    const struct timeval every = {0, REAP_EVERY * 1000};
    accept_last(own);
    listen_end(evconnlistener_get_fd(own->listener));
    evconnlistener_free(own->listener);
    own->listener = NULL;
    connection *next = NULL;
    for (connection *client = own->connections; client; client = next) {
        next = client->next;
        connection_drain(client);
    }
    event_add(own->reaper, &every);
}

static void enter(loop *own, loop_stage stage)
{
    if (own->stage == LOOP_SERVING && stage != LOOP_SERVING) {
        own->stage = LOOP_DRAINING;
        begin_draining(own);
    }
    if (stage == LOOP_ENDING) {
        own->stage = stage;
        while (own->connections)
            connection_free(own->connections);
    }
    loop_check_end(own);
}

static void on_reaper(evutil_socket_t fd, short what, void *user)
{
    (void)fd;
    (void)what;
    loop_check_end(user);
}

/* Finished jobs in the order in which they finished. */
static job *take_finished(loop *own)
{
    pthread_mutex_lock(&own->lock);
    job *newest = own->finished;
    own->finished = NULL;
    pthread_mutex_unlock(&own->lock);
    job *ordered = NULL;
    while (newest) {
        job *work = newest;
        newest = work->next;
        work->next = ordered;
        ordered = work;
    }
    return ordered;
}

static void answer_finished(loop *own)
{
    job *next = NULL;
    for (job *work = take_finished(own); work; work = next) {
        next = work->next;
        work->next = NULL;
        connection *client = work->connection;
        if (client) {
            connection_take(client);
            work->answer(client, work);
        }
        if (work->is_shadow)
            shadow_end(own, work);
        if (!client || !shadow_begin(own, work))
            loop_recycle(own, work);
        if (client)
            connection_finish(client);
    }
}

/* Its event was made active behind those of all sockets that were ready: their requests
 * are computed together. */
static void on_help(evutil_socket_t fd, short what, void *user)
{
    loop *own = user;
    (void)fd;
    (void)what;
    own->owed = 0;
    batcher_help(own->server->batcher, own->number, own->shard);
    answer_finished(own);
}

bool loop_submit(loop *own, job *work)
{
    if (own->admin)
        return batcher_submit(own->server->batcher, work);
    uint64_t before = own->owed;
    bool taken = batcher_submit_helping(own->server->batcher, work, &own->owed);
    if (before == 0 && own->owed > 0)
        event_active(own->help, 0, 0);
    return taken;
}

static void on_wake(evutil_socket_t fd, short what, void *user)
{
    loop *own = user;
    uint64_t count = 0;
    (void)what;
    if (read(fd, &count, sizeof count) < 0 && errno != EAGAIN && errno != EINTR)
        return;
    answer_finished(own);
    int asked = atomic_load(&own->asked);
    if (asked != (int)own->stage)
        enter(own, (loop_stage)asked);
}

static void wake(loop *own)
{
    const uint64_t one = 1;
    ssize_t written = 0;
    do {
        written = write(own->wake_fd, &one, sizeof one);
    } while (written < 0 && errno == EINTR);
}

void loop_ask(loop *own, loop_stage stage)
{
    atomic_store(&own->asked, (int)stage);
    wake(own);
}

void loop_finish(job *work)
{
    loop *own = work->loop;
    pthread_mutex_lock(&own->lock);
    bool first = own->finished == NULL;
    work->next = own->finished;
    own->finished = work;
    pthread_mutex_unlock(&own->lock);
    /* In on_help() it looks by itself. */
    if (first && !pthread_equal(own->thread, pthread_self()))
        wake(own);
}

static void *run(void *user)
{
    loop *own = user;
    own->shard = serve_metrics_join(own->server->metrics);
    event_base_loop(own->base, EVLOOP_NO_EXIT_ON_EMPTY);
    serve_metrics_leave(own->server->metrics, own->shard);
    atomic_store(&own->ended, true);
    return NULL;
}

static struct event_base *make_base(void)
{
    struct event_config *choice = event_config_new();
    if (!choice)
        return NULL;
    event_config_set_flag(choice, EVENT_BASE_FLAG_NOLOCK);
    struct event_base *base = event_base_new_with_config(choice);
    event_config_free(choice);
    return base;
}

static bool make_events(loop *own, int fd)
{
    own->base = make_base();
    own->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!own->base || own->wake_fd < 0)
        return false;
    own->wake = event_new(own->base, own->wake_fd, EV_READ | EV_PERSIST, on_wake, own);
    own->reaper = event_new(own->base, -1, EV_PERSIST, on_reaper, own);
    /* It listens already; any other number would shorten its queue to libevent's. */
    own->listener = evconnlistener_new(own->base, accepted, own, LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    own->retry = evtimer_new(own->base, on_retry, own);
    own->help = event_new(own->base, -1, 0, on_help, own);
    if (own->listener)
        evconnlistener_set_error_cb(own->listener, not_accepted);
    return own->wake && own->reaper && own->retry && own->help && own->listener &&
           event_add(own->wake, NULL) == 0;
}

/* Random numbers for ids: from an id, nobody can tell another. */
static bool fill_ids(loop *own)
{
    if (getrandom(own->ids, sizeof own->ids, 0) != sizeof own->ids)
        return false;
    own->id_count = LOOP_IDS;
    return true;
}

loop *loop_create(server *owner, int fd, uint32_t number, bool admin)
{
    loop *own = calloc(1, sizeof *own);
    if (!own)
        return NULL;
    own->server = owner;
    own->number = number;
    own->admin = admin;
    own->wake_fd = -1;
    own->date_second = -1;
    pthread_mutex_init(&own->lock, NULL);
    if (fill_ids(own) && make_events(own, fd))
        return own;
    loop_free(own);
    return NULL;
}

bool loop_start(loop *own)
{
    own->running = pthread_create(&own->thread, NULL, run, own) == 0;
    return own->running;
}

void loop_join(loop *own)
{
    if (own->running)
        pthread_join(own->thread, NULL);
    own->running = false;
}

void loop_free(loop *own)
{
    if (!own)
        return;
    loop_join(own);
    while (own->connections)
        connection_free(own->connections);
    job *next = NULL;
    for (job *work = own->finished; work; work = next) {
        next = work->next;
        job_free(work);
    }
    for (job *work = own->spare; work; work = next) {
        next = work->next;
        job_free(work);
    }
    if (own->listener)
        evconnlistener_free(own->listener);
    if (own->wake)
        event_free(own->wake);
    if (own->reaper)
        event_free(own->reaper);
    if (own->retry)
        event_free(own->retry);
    if (own->help)
        event_free(own->help);
    if (own->base)
        event_base_free(own->base);
    if (own->wake_fd >= 0)
        close(own->wake_fd);
    out_free(&own->body);
    out_free(&own->head);
    out_free(&own->extra);
    pthread_mutex_destroy(&own->lock);
    free(own);
}

job *loop_job(loop *own)
{
    job *work = own->spare;
    if (!work)
        return job_create(own);
    own->spare = work->next;
    own->spare_count--;
    work->next = NULL;
    return work;
}

void loop_recycle(loop *own, job *work)
{
    if (own->spare_count == SPARE_JOBS) {
        job_free(work);
        return;
    }
    job_reset(work);
    work->next = own->spare;
    own->spare = work;
    own->spare_count++;
}

const char *loop_date(loop *own)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != own->date_second) {
        struct tm parts;
        gmtime_r(&now.tv_sec, &parts);
        strftime(own->date, sizeof own->date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        own->date_second = now.tv_sec;
    }
    return own->date;
}

void loop_make_id(loop *own, char id[17])
{
    static const char digits[] = "0123456789abcdef";
    /* Once it has given numbers, so many are never refused (getrandom(2)). */
    while (own->id_count == 0)
        fill_ids(own);
    uint64_t value = own->ids[--own->id_count];
    for (int i = 15; i >= 0; i--, value >>= 4)
        id[i] = digits[value & 15];
    id[16] = 0;
}
