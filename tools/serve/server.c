/* SPDX-License-Identifier: Apache-2.0
 *
 * From the start to the end: sockets first, so that probes are answered while
 * the model loads; signals are taken by this thread alone. SIGTERM: not ready
 * any more, serve on for a while, accept no more, finish, leave. A second one
 * does not wait. */
#include "server.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "access.h"
#include "listen.h"
#include "loop.h"
#include "models.h"
#include "notify.h"
#include "recent.h"
#include "routes.h"
#include "served.h"
#include "tls.h"

/* Milliseconds between looks at whether the loops have ended. */
#define LOOK_EVERY 5
/* Seconds that a version which is not used any more may keep its memory. */
#define LOOK_AROUND 1.0
/* Seconds for the log to be written when all else has ended. */
#define LOG_SECONDS 2

/* Listening sockets; -1: none. */
typedef struct sockets {
    int main, admin;
} sockets;

/* The last request of a version may have ended on an event loop, which has no time
 * to give megabytes back: its payload holds the model until bury() comes. */
static void retire(void *user, serve_version *version)
{
    server *own = user;
    served *payload = version->payload;
    if (!payload)
        return;
    payload->next = atomic_load(&own->retired);
    while (!atomic_compare_exchange_weak(&own->retired, &payload->next, payload)) {
    }
}

static void bury(server *own)
{
    served *next = NULL;
    for (served *payload = atomic_exchange(&own->retired, NULL); payload; payload = next) {
        next = payload->next;
        serve_cache_forget(own->cache, payload->number);
        serve_metrics_retire_model(own->metrics, payload->metrics);
        served_free(payload);
    }
}

static int fail(const sentiment_error *error)
{
    message_error(error);
    return EXIT_FAILED;
}

static int open_modules(server *own)
{
    sentiment_error error = {.struct_size = sizeof error, .offset = SENTIMENT_NO_OFFSET};
    if (sentiment_cancel_create(&own->cancel, &error) != SENTIMENT_OK)
        return fail(&error);
    const serve_registry_options registry = {
        .root = own->settings->models, .retire = retire, .user = own, .cancel = own->cancel};
    const config *settings = own->settings;
    const serve_log_options log = {.path = settings->log_file,
                                   .to_stderr = !settings->log_file || settings->log_stderr,
                                   .level = (serve_log_level)settings->log_level,
                                   .format = (serve_log_format)settings->log_format,
                                   .project = settings->log_project,
                                   .with_text = settings->log_text};
    const serve_bucket_options rate = {.rate = settings->rate, .burst = settings->burst};
    if (serve_log_open(&log, &own->log, &error) != SENTIMENT_OK ||
        (settings->rate > 0 && serve_bucket_create(&rate, &own->bucket, &error) != SENTIMENT_OK) ||
        (settings->tls_key && tls_create(settings->tls_certificate, settings->tls_key, &own->tls,
                                         &error) != SENTIMENT_OK) ||
        (settings->cache > 0 &&
         serve_cache_create((size_t)settings->cache, &own->cache, &error) != SENTIMENT_OK) ||
        (settings->api_keys &&
         serve_keys_load(settings->api_keys, &own->keys, &error) != SENTIMENT_OK) ||
        serve_metrics_create(routes_names, routes_count, &own->metrics, &error) != SENTIMENT_OK ||
        serve_registry_create(&registry, &own->registry, &error) != SENTIMENT_OK)
        return fail(&error);
    const batcher_options batches = {.workers = (uint32_t)own->workers,
                                     .helpers = (uint32_t)own->main_loops,
                                     .tokens = own->settings->batch_tokens,
                                     .wait = own->settings->batch_wait,
                                     .limit = own->settings->queue,
                                     .cache = own->cache,
                                     .metrics = own->metrics,
                                     .finished = loop_finish};
    own->batcher = batcher_create(&batches);
    serve_metrics_set(own->metrics, SERVE_VALUE_QUEUE_LIMIT, own->settings->queue);
    own->recent = recent_create();
    return own->batcher && own->recent ? EXIT_DONE : message_no_memory();
}

static bool add_loop(server *own, int fd, bool admin)
{
    loop *added = loop_create(own, fd, (uint32_t)own->loop_count, admin);
    if (!added || !loop_start(added)) {
        loop_free(added);
        return false;
    }
    own->loops[own->loop_count++] = added;
    return true;
}

static int start_loops(server *own, const sockets *listening)
{
    uint32_t count = (uint32_t)own->main_loops;
    own->loops = calloc((size_t)count + 1, sizeof *own->loops);
    bool good = own->loops != NULL;
    for (uint32_t i = 0; good && i < count; i++)
        good = add_loop(own, listening->main, false);
    if (good && listening->admin >= 0)
        good = add_loop(own, listening->admin, true);
    return good ? EXIT_DONE : message_no_memory();
}

static void ask_all(server *own, loop_stage stage)
{
    for (size_t i = 0; i < own->loop_count; i++)
        loop_ask(own->loops[i], stage);
}

/* Waits for a signal, at most so many seconds; 0: none came. */
static int next_signal(const sigset_t *signals, double seconds)
{
    struct timespec most = {.tv_sec = (time_t)seconds};
    most.tv_nsec = (long)((seconds - (double)most.tv_sec) * 1e9);
    int number = sigtimedwait(signals, NULL, &most);
    return number > 0 ? number : 0;
}

static bool all_ended(server *own)
{
    for (size_t i = 0; i < own->loop_count; i++)
        if (!atomic_load(&own->loops[i]->ended))
            return false;
    return true;
}

/* Waits for an end signal; false: the time is over. */
static bool ends_within(const sigset_t *signals, double seconds)
{
    uint64_t until = job_now() + (uint64_t)(seconds * 1e9);
    for (uint64_t now = job_now(); now < until; now = job_now()) {
        int number = next_signal(signals, (double)(until - now) * 1e-9);
        if (number == SIGTERM || number == SIGINT)
            return true;
    }
    return false;
}

/* The guide's log_model_metrics: what all loops have answered so far. */
static void log_metrics(const server *own)
{
    static const char *const names[] = {"total_predictions", "avg_confidence",
                                        "avg_processing_time"};
    double texts = 0, confidence = 0, seconds = 0;
    for (size_t i = 0; i < own->loop_count; i++) {
        const loop *one = own->loops[i];
        texts += (double)atomic_load_explicit(&one->texts, memory_order_relaxed);
        confidence += (double)atomic_load_explicit(&one->confidence, memory_order_relaxed) * 1e-6;
        seconds += (double)atomic_load_explicit(&one->nanoseconds, memory_order_relaxed) * 1e-9;
    }
    const double values[] = {texts, texts > 0 ? confidence / texts : 0,
                             texts > 0 ? seconds / texts : 0};
    if (own->settings->log_metrics > 0)
        serve_log_write_metrics(own->log, names, values, sizeof names / sizeof *names);
}

static void drain(server *own, const sigset_t *signals)
{
    const config *settings = own->settings;
    atomic_store(&own->state, SERVER_DRAINING);
    serve_log_write_event(own->log, SERVE_LOG_INFO, "draining");
    notify_manager("STOPPING=1");
    bool hurry = ends_within(signals, settings->drain_delay);
    ask_all(own, LOOP_DRAINING);
    uint64_t until = job_now() + (uint64_t)(settings->drain_timeout * 1e9);
    while (!hurry && !all_ended(own) && job_now() < until)
        hurry = ends_within(signals, LOOK_EVERY * 1e-3);
    sentiment_cancel_request(own->cancel);
    ask_all(own, LOOP_ENDING);
    for (size_t i = 0; i < own->loop_count; i++)
        loop_join(own->loops[i]);
    log_metrics(own);
}

static void close_all(server *own)
{
    sentiment_cancel_request(own->cancel);
    ask_all(own, LOOP_ENDING);
    for (size_t i = 0; i < own->loop_count; i++)
        loop_join(own->loops[i]);
    batcher_free(own->batcher);
    for (size_t i = 0; i < own->loop_count; i++)
        loop_free(own->loops[i]);
    free(own->loops);
    serve_registry_free(own->registry);
    own->registry = NULL;
    sentiment_cancel_free(own->cancel);
    bury(own);
    serve_cache_free(own->cache);
    recent_free(own->recent);
    serve_bucket_free(own->bucket);
    serve_keys_free(own->keys);
    tls_free(own->tls);
    pthread_mutex_destroy(&own->models_lock);
    pthread_rwlock_destroy(&own->keys_lock);
    serve_metrics_free(own->metrics);
    serve_log_close(own->log, LOG_SECONDS);
}

static void note(server *own, const char *what, sentiment_status status,
                 const sentiment_error *error)
{
    if (status)
        serve_log_write_error(own->log, SERVE_LOG_ERROR, NULL, status, error->message);
    else
        serve_log_write_event(own->log, SERVE_LOG_INFO, "%s", what);
}

typedef struct change {
    server *own;
    sentiment_status (*make)(server *own, sentiment_error *error);
    sentiment_status status;
    sentiment_error error;
    atomic_bool done;
} change;

static void *make_change(void *user)
{
    change *one = user;
    one->status = one->make(one->own, &one->error);
    atomic_store(&one->done, true);
    return NULL;
}

/* Loads models in a thread of their own, since that may take minutes, and this one is to
 * hear that the server shall end: then loading stops, and the value is true. */
static bool ends_while(change *one)
{
    pthread_t thread;
    sigset_t ends;
    bool ended = false;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    if (pthread_create(&thread, NULL, make_change, one) != 0) {
        make_change(one);
        return false;
    }
    while (!atomic_load(&one->done)) {
        if (!ends_within(&ends, LOOK_EVERY * 1e-3))
            continue;
        ended = true;
        sentiment_cancel_request(one->own->cancel);
    }
    pthread_join(thread, NULL);
    return ended;
}

/* SIGHUP: all that lies in files is read again. True: a signal to end came meanwhile. */
static bool reload(server *own)
{
    sentiment_error error = {.struct_size = sizeof error, .offset = SENTIMENT_NO_OFFSET};
    serve_log_reopen(own->log);
    notify_manager("RELOADING=1");
    sentiment_status status = access_reload(own, &error);
    note(own, "keys were read again", status, &error);
    if (own->settings->admin_token) {
        status = access_reload_token(own, &error);
        note(own, "the admin's token was read again", status, &error);
    }
    if (own->tls) {
        status = tls_reload(own->tls, &error);
        note(own, "the certificate was read again", status, &error);
    }
    change models = {.own = own, .make = models_reload, .error = error};
    bool ended = ends_while(&models);
    note(own, "models were read again", models.status, &models.error);
    notify_manager("READY=1");
    return ended;
}

static void operate(server *own, const sigset_t *signals)
{
    double every = own->settings->log_metrics > 0 ? own->settings->log_metrics : 86400;
    uint64_t due = job_now() + (uint64_t)(every * 1e9);
    int number = 0;
    while (number != SIGTERM && number != SIGINT) {
        uint64_t now = job_now();
        double left = now < due ? (double)(due - now) * 1e-9 : 0;
        number = next_signal(signals, left < LOOK_AROUND ? left : LOOK_AROUND);
        if (number == SIGHUP && reload(own))
            number = SIGTERM;
        bury(own);
        if (job_now() < due)
            continue;
        log_metrics(own);
        due = job_now() + (uint64_t)(every * 1e9);
    }
}

/* The line that tells where: also for those who asked for any port. */
static void announce(const server *own, const sockets *listening)
{
    char name[128];
    if (listening->admin >= 0) {
        listen_name(listening->admin, name, sizeof name);
        printf("admin on http://%s\n", name);
    }
    listen_name(listening->main, name, sizeof name);
    printf("listening on http%s://%s\n", own->tls ? "s" : "", name);
    fflush(stdout);
    serve_log_write_event(own->log, SERVE_LOG_INFO, "listening on %s, %zu workers", name,
                          own->workers);
}

static int serve(server *own, const sigset_t *signals, const sockets *listening)
{
    sentiment_error error = {.struct_size = sizeof error, .offset = SENTIMENT_NO_OFFSET};
    change models = {.own = own, .make = models_load, .error = error};
    bool ended = false;
    int status = open_modules(own);
    if (status == EXIT_DONE)
        status = start_loops(own, listening);
    if (status == EXIT_DONE) {
        announce(own, listening);
        ended = ends_while(&models);
        if (models.status != SENTIMENT_OK && !ended)
            status = fail(&models.error);
    }
    if (status == EXIT_DONE && !ended) {
        atomic_store(&own->state, SERVER_READY);
        serve_log_write_event(own->log, SERVE_LOG_INFO, "ready");
        notify_manager("READY=1");
        operate(own, signals);
        drain(own, signals);
    }
    close_all(own);
    return status;
}

/* The admin port is for those on this machine who have the token. */
static bool open_sockets(server *own, sockets *listening)
{
    const config *settings = own->settings;
    sentiment_error error = {.struct_size = sizeof error, .offset = SENTIMENT_NO_OFFSET};
    if (settings->admin_token) {
        if (access_read_token(settings->admin_token, own->admin_token, &error) != SENTIMENT_OK)
            return fail(&error), false;
        listening->admin = listen_open("127.0.0.1", settings->admin_port);
        if (listening->admin < 0)
            return false;
    }
    listening->main = listen_inherited();
    if (listening->main < 0)
        listening->main = listen_open(settings->host, settings->port);
    return listening->main >= 0;
}

/* Connections are files: as many as may be, less those for all else. */
static size_t most_connections(size_t wanted)
{
    const size_t others = 256;
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return wanted;
    if (files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        getrlimit(RLIMIT_NOFILE, &files);
    }
    size_t most = files.rlim_cur > 2 * others ? (size_t)files.rlim_cur - others : others;
    return wanted < most ? wanted : most;
}

int server_run(const config *settings)
{
    server own = {.settings = settings};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    own.most_connections = most_connections(settings->max_connections);
    pthread_mutex_init(&own.models_lock, NULL);
    pthread_rwlock_init(&own.keys_lock, NULL);
    own.workers = settings->model.threads ? settings->model.threads : config_processors();
    own.main_loops = settings->loops ? settings->loops : (config_processors() + 3) / 4;
    /* Seeded before there are threads: hostile keys must not be able to collide. */
    json_object_seed(0);
    if (!settings->models &&
        !setup_model_path(&settings->model, own.model_path, sizeof own.model_path))
        return EXIT_FAILED;
    sockets listening = {-1, -1};
    int status = EXIT_FAILED;
    if (open_sockets(&own, &listening))
        status = serve(&own, &signals, &listening);
    if (listening.main >= 0)
        close(listening.main);
    if (listening.admin >= 0)
        close(listening.admin);
    return status;
}
