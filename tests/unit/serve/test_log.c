/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/log*.c: the fields of every kind of line, hostile bytes, and that
 * nothing which happens to a file, a pipe or a disk holds a caller up or goes
 * uncounted: lines written and lines dropped always add up to lines logged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "serve/log.h"
#include "serve/log_line.h"
#include "support/scratch.h"

static char folder[SCRATCH_PATH_SIZE], path[SCRATCH_PATH_SIZE + 8];

static int set_up(void **state)
{
    (void)state;
    scratch_make(folder);
    snprintf(path, sizeof path, "%s/log", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static serve_log *open_log(serve_log_options options)
{
    sentiment_error error = {.struct_size = sizeof error};
    serve_log *log = NULL;
    if (!options.path)
        options.path = path;
    if (serve_log_open(&options, &log, &error))
        fail_msg("%s", error.message);
    return log;
}

/* The lines of a file as an array of objects; each must be valid JSON. */
static json_t *read_lines(const char *from)
{
    size_t size = 0;
    char *data = scratch_read(from, &size), *line = data;
    json_t *lines = json_array();
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        json_error_t error;
        json_t *object = json_loadb(line, (size_t)(end - line), JSON_ALLOW_NUL, &error);
        if (!json_is_object(object))
            fail_msg("%s in: %.*s", error.text, (int)(end - line), line);
        json_array_append_new(lines, object);
    }
    assert_int_equal(line - data, size);
    free(data);
    return lines;
}

/* Fields as text: strings bare, the rest as JSON; "-" where there is none. */
static void has(const json_t *object, const char *key, const char *expected)
{
    const json_t *value = json_object_get(object, key);
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)) : NULL;
    if (json_is_string(value))
        assert_string_equal(json_string_value(value), expected);
    else
        assert_string_equal(text ? text : "-", expected);
    free(text);
}

static void waits_for(const serve_log *log, uint64_t lines)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < 20000 && serve_log_lines(log) + serve_log_dropped(log) < lines; i++)
        nanosleep(&moment, NULL);
    assert_int_equal(serve_log_lines(log) + serve_log_dropped(log), lines);
}

/* ------------------------------------------------------------------- lines */

static const serve_log_request request = {.request_id = {"req-1", 5},
                                          .user_id = {"alice", 5},
                                          .model = {"english", 7},
                                          .version = {"3", 1},
                                          .route = "/predict",
                                          .code = 200};
static const serve_log_prediction prediction = {.text = {"so good", 7},
                                                .text_length = 7,
                                                .prediction = 2,
                                                .confidence = 0.875f,
                                                .processing_time = 0.000125,
                                                .cache = "miss"};

static void writes_the_guides_fields(void **state)
{
    (void)state;
    static const char *const names[] = {"total_predictions", "avg_confidence", "odd"};
    static const double values[] = {3, 0.85, (double)INFINITY};
    char before[LOG_LINE_TIME], after[LOG_LINE_TIME];
    log_line_time(before, time(NULL), 0);
    serve_log *log = open_log((serve_log_options){0});
    serve_log_write_prediction(log, &request, &prediction);
    serve_log_write_prediction(log, NULL, &prediction);
    serve_log_write_error(log, SERVE_LOG_ERROR, &request, SENTIMENT_ERROR_IO, "it \"broke\"");
    serve_log_write_error(log, SERVE_LOG_WARNING, NULL, SENTIMENT_OK, "less");
    serve_log_write_metrics(log, names, values, 3);
    serve_log_write_event(log, SERVE_LOG_INFO, "listening on %s:%d", "localhost", 8000);
    assert_int_equal(serve_log_close(log, 10), 0);
    log_line_time(after, time(NULL) + 1, 0);
    json_t *lines = read_lines(path), *line = json_array_get(lines, 0);
    assert_int_equal(json_array_size(lines), 6);
    has(line, "event_type", "prediction");
    has(line, "level", "info");
    has(line, "text_length", "7");
    has(line, "prediction", "2");
    has(line, "confidence", "0.875");
    has(line, "processing_time", "0.000125");
    has(line, "user_id", "alice");
    has(line, "request_id", "req-1");
    has(line, "model", "english");
    has(line, "version", "3");
    has(line, "route", "/predict");
    has(line, "code", "200");
    has(line, "cache", "miss");
    has(line, "text", "-");
    const char *stamp = json_string_value(json_object_get(line, "timestamp"));
    assert_int_equal(strlen(stamp), LOG_LINE_TIME - 1);
    assert_true(strcmp(before, stamp) <= 0 && strcmp(stamp, after) <= 0);
    line = json_array_get(lines, 1);
    has(line, "user_id", "null");
    has(line, "request_id", "-");
    line = json_array_get(lines, 2);
    has(line, "event_type", "error");
    has(line, "level", "error");
    has(line, "error", "it \"broke\"");
    has(json_object_get(line, "context"), "user_id", "alice");
    has(json_object_get(line, "context"), "status", sentiment_status_name(SENTIMENT_ERROR_IO));
    line = json_array_get(lines, 3);
    has(line, "level", "warning");
    has(json_object_get(line, "context"), "user_id", "null");
    has(json_object_get(line, "context"), "status", "-");
    line = json_object_get(json_array_get(lines, 4), "metrics");
    has(line, "total_predictions", "3");
    has(line, "avg_confidence", "0.85");
    has(line, "odd", "null");
    has(json_array_get(lines, 5), "event_type", "server");
    has(json_array_get(lines, 5), "message", "listening on localhost:8000");
    json_decref(lines);
}

static void stands_hostile_bytes(void **state)
{
    (void)state;
    char large[3000];
    serve_log *log = open_log((serve_log_options){.with_text = true});
    serve_log_request with = request;
    serve_log_prediction of = prediction;
    with.user_id = (serve_log_text){"a\0b\xff\xc3\n\"\\\x1b\x7f\xc2\x9b", 12};
    with.request_id = (serve_log_text){"", 0};
    serve_log_write_prediction(log, &with, &of);
    /* 255 bytes, then a character of two that does not fit in 256. */
    memset(large, 'x', sizeof large);
    memcpy(large + 255, "\xc3\xa9", 2);
    with.user_id = (serve_log_text){large, sizeof large};
    memset(large + 1000, '\xe2', 500);
    of.text = (serve_log_text){large, sizeof large};
    serve_log_write_prediction(log, &with, &of);
    /* All that can be long and needs most room at once. */
    memset(large, 1, sizeof large);
    with.request_id = with.model = with.version = with.user_id;
    serve_log_write_prediction(log, &with, &of);
    serve_log_write_error(log, SERVE_LOG_ERROR, &with, SENTIMENT_OK, "\xf0\x9f\x98");
    assert_int_equal(serve_log_close(log, 10), 0);
    json_t *lines = read_lines(path), *line = json_array_get(lines, 0);
    assert_int_equal(json_array_size(lines), 4);
    const json_t *user = json_object_get(line, "user_id");
    const char expected[] = "a\0b\xef\xbf\xbd\xef\xbf\xbd\n\"\\\x1b\x7f\xc2\x9b";
    assert_int_equal(json_string_length(user), sizeof expected - 1);
    assert_memory_equal(json_string_value(user), expected, sizeof expected - 1);
    has(line, "request_id", "");
    has(line, "text", "so good");
    line = json_array_get(lines, 1);
    assert_int_equal(json_string_length(json_object_get(line, "user_id")), 255);
    /* 1000 bytes, then 24 bad ones, three bytes each. */
    assert_int_equal(json_string_length(json_object_get(line, "text")), 1000 + 24 * 3);
    line = json_array_get(lines, 2);
    assert_int_equal(json_string_length(json_object_get(line, "text")), 1024);
    assert_int_equal(json_string_length(json_object_get(line, "model")), 256);
    has(json_array_get(lines, 3), "error", "\xef\xbf\xbd");
    json_decref(lines);
}

static void keeps_to_its_level(void **state)
{
    (void)state;
    serve_log *log = open_log((serve_log_options){.level = SERVE_LOG_WARNING});
    assert_false(serve_log_wants(log, SERVE_LOG_INFO));
    assert_true(serve_log_wants(log, SERVE_LOG_ERROR));
    assert_false(serve_log_wants(log, SERVE_LOG_OFF));
    serve_log_write_prediction(log, &request, &prediction);
    serve_log_write_event(log, SERVE_LOG_DEBUG, "no");
    serve_log_write_event(log, SERVE_LOG_WARNING, "yes");
    assert_int_equal(serve_log_close(log, 10), 0);
    json_t *lines = read_lines(path);
    assert_int_equal(json_array_size(lines), 1);
    json_decref(lines);
    log = open_log((serve_log_options){.level = SERVE_LOG_OFF});
    serve_log_write_error(log, SERVE_LOG_ERROR, NULL, 0, "no");
    assert_int_equal(serve_log_close(log, 10), 0);
    assert_int_equal(serve_log_characters("", 0), 0);
    assert_int_equal(serve_log_characters("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10), 4);
    serve_log_write_event(NULL, SERVE_LOG_ERROR, "no");
    serve_log_write_prediction(NULL, NULL, &prediction);
    serve_log_reopen(NULL);
    assert_int_equal(serve_log_close(NULL, 1), 0);
    assert_int_equal(serve_log_lines(NULL) + serve_log_dropped(NULL), 0);
    /* Without a place for lines there are none. */
    const serve_log_options nowhere = {.level = SERVE_LOG_DEBUG};
    assert_int_equal(serve_log_open(&nowhere, &log, NULL), SENTIMENT_OK);
    assert_false(serve_log_wants(log, SERVE_LOG_ERROR));
    assert_int_equal(serve_log_close(log, 0), 0);
}

/* -------------------------------------------------------------- the threads */

enum { THREADS = 4, LINES = 5000 };

typedef struct talker {
    serve_log *log;
    int number;
} talker;

static void *talk(void *pointer)
{
    const talker *self = pointer;
    serve_log_request of = request;
    char user[16];
    snprintf(user, sizeof user, "%d", self->number);
    of.user_id = (serve_log_text){user, strlen(user)};
    for (int i = 0; i < LINES; i++) {
        serve_log_prediction line = prediction;
        line.prediction = i;
        serve_log_write_prediction(self->log, &of, &line);
    }
    return NULL;
}

/* A small ring, so that lines are dropped: those that are there are whole, and in
 * each thread's order. */
static void keeps_lines_of_threads_apart(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    talker talkers[THREADS];
    json_int_t last[THREADS] = {-1, -1, -1, -1};
    serve_log *log = open_log((serve_log_options){.ring_bytes = 1 << 16});
    for (int i = 0; i < THREADS; i++) {
        talkers[i] = (talker){log, i};
        assert_int_equal(pthread_create(&threads[i], NULL, talk, &talkers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    uint64_t dropped = serve_log_close(log, 60);
    json_t *lines = read_lines(path), *line;
    size_t index;
    assert_int_equal(json_array_size(lines) + dropped, THREADS * LINES);
    assert_true(json_array_size(lines) > 0);
    json_array_foreach(lines, index, line)
    {
        int number = atoi(json_string_value(json_object_get(line, "user_id")));
        json_int_t value = json_integer_value(json_object_get(line, "prediction"));
        assert_true(value > last[number]);
        last[number] = value;
    }
    json_decref(lines);
}

/* With room for all of them nothing is dropped. */
static void loses_nothing_with_room(void **state)
{
    (void)state;
    serve_log *log = open_log((serve_log_options){.ring_bytes = 1 << 22});
    talker alone = {log, 0};
    talk(&alone);
    assert_int_equal(serve_log_close(log, 60), 0);
    json_t *lines = read_lines(path);
    assert_int_equal(json_array_size(lines), LINES);
    json_decref(lines);
}

/* ------------------------------------------------------------ what goes wrong */

static void counts_what_a_full_disk_refuses(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK))
        skip();
    serve_log *log = open_log((serve_log_options){.path = "/dev/full"});
    for (int i = 0; i < 100; i++)
        serve_log_write_prediction(log, &request, &prediction);
    waits_for(log, 100);
    assert_int_equal(serve_log_lines(log), 0);
    assert_int_equal(serve_log_close(log, 10), 100);
}

static void survives_a_broken_pipe(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    serve_log *log = NULL;
    const serve_log_options options = {.path = path};
    assert_int_equal(mkfifo(path, 0600), 0);
    /* Nobody reads: an error, not a wait. */
    assert_int_equal(serve_log_open(&options, &log, &error), SENTIMENT_ERROR_IO);
    assert_null(log);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    log = open_log(options);
    serve_log_write_event(log, SERVE_LOG_INFO, "read");
    waits_for(log, 1);
    assert_int_equal(serve_log_lines(log), 1);
    close(reader);
    serve_log_write_event(log, SERVE_LOG_INFO, "not read");
    waits_for(log, 2);
    assert_int_equal(serve_log_dropped(log), 1);
    assert_int_equal(serve_log_close(log, 10), 1);
}

/* A reader that does not read: the ring fills up, then lines are dropped; closing
 * ends all the same. */
static void is_not_held_up_by_a_reader(void **state)
{
    (void)state;
    enum { MANY = 3000 };
    char drained[4096];
    size_t taken = 0;
    assert_int_equal(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    serve_log *log = open_log((serve_log_options){.ring_bytes = 1 << 16});
    for (int i = 0; i < MANY; i++)
        serve_log_write_prediction(log, &request, &prediction);
    assert_true(serve_log_dropped(log) > 0);
    uint64_t dropped = serve_log_close(log, 0.1);
    for (ssize_t got; (got = read(reader, drained, sizeof drained)) > 0;)
        for (ssize_t i = 0; i < got; i++)
            taken += drained[i] == '\n';
    assert_int_equal(taken + dropped, MANY);
    close(reader);
}

/* Fills a pipe until no more than a page or two are left. */
static void fill_pipe(const int ends[2])
{
    char block[4096];
    memset(block, 'x', sizeof block);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    while (write(ends[1], block, sizeof block) > 0)
        continue;
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
    assert_int_equal(read(ends[0], block, sizeof block), sizeof block);
}

/* The same on stderr, which is another program's pipe and blocks. */
static void is_not_held_up_by_stderr(void **state)
{
    (void)state;
    enum { MANY = 500 };
    char drained[4096];
    int ends[2], kept = dup(STDERR_FILENO);
    size_t taken = 0;
    assert_int_equal(pipe(ends), 0);
    fill_pipe(ends);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    serve_log *log = open_log((serve_log_options){.to_stderr = true});
    for (int i = 0; i < MANY; i++)
        serve_log_write_prediction(log, &request, &prediction);
    uint64_t dropped = serve_log_close(log, 0.1);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], drained, sizeof drained)) > 0;)
        for (ssize_t i = 0; i < got; i++)
            taken += drained[i] == '\n';
    close(ends[0]);
    assert_true(dropped > 0);
    assert_int_equal(taken + dropped, MANY);
}

static void opens_a_new_file(void **state)
{
    (void)state;
    char old[sizeof path + 8], gone[sizeof path + 8];
    snprintf(old, sizeof old, "%s.1", path);
    snprintf(gone, sizeof gone, "%s.2", path);
    serve_log *log = open_log((serve_log_options){0});
    serve_log_write_event(log, SERVE_LOG_INFO, "first");
    waits_for(log, 1);
    assert_int_equal(rename(path, old), 0);
    serve_log_write_event(log, SERVE_LOG_INFO, "second");
    waits_for(log, 2);
    serve_log_reopen(log);
    serve_log_write_event(log, SERVE_LOG_INFO, "third");
    waits_for(log, 3);
    assert_int_equal(serve_log_reopen_failures(log), 0);
    /* Where the name has become a folder, the file that is open goes on. */
    assert_int_equal(rename(path, gone), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    serve_log_reopen(log);
    serve_log_write_event(log, SERVE_LOG_INFO, "fourth");
    waits_for(log, 4);
    assert_int_equal(serve_log_reopen_failures(log), 1);
    assert_int_equal(serve_log_close(log, 10), 0);
    json_t *before = read_lines(old), *after = read_lines(gone);
    assert_int_equal(json_array_size(before), 2);
    assert_int_equal(json_array_size(after), 2);
    has(json_array_get(before, 1), "message", "second");
    has(json_array_get(after, 0), "message", "third");
    json_decref(before);
    json_decref(after);
}

static void writes_to_stderr_too(void **state)
{
    (void)state;
    char copy[sizeof path + 8];
    snprintf(copy, sizeof copy, "%s.err", path);
    int file = open(copy, O_WRONLY | O_CREAT | O_APPEND, 0600), kept = dup(STDERR_FILENO);
    assert_true(file >= 0 && kept >= 0);
    dup2(file, STDERR_FILENO);
    serve_log *log = open_log((serve_log_options){.to_stderr = true});
    serve_log_write_event(log, SERVE_LOG_INFO, "both");
    uint64_t dropped = serve_log_close(log, 10);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(file);
    assert_int_equal(dropped, 0);
    for (size_t i = 0; i < 2; i++) {
        json_t *lines = read_lines(i ? copy : path);
        assert_int_equal(json_array_size(lines), 1);
        has(json_array_get(lines, 0), "message", "both");
        json_decref(lines);
    }
}

static void refuses_paths(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    serve_log *log = NULL;
    serve_log_options options = {.path = folder};
    assert_int_equal(serve_log_open(&options, &log, &error), SENTIMENT_ERROR_IO);
    options.path = "/nonexistent/log";
    assert_int_equal(serve_log_open(&options, &log, &error), SENTIMENT_ERROR_IO);
    assert_string_equal(error.message, "/nonexistent/log: No such file or directory");
    options = (serve_log_options){.level = SERVE_LOG_OFF + 1};
    assert_int_equal(serve_log_open(&options, &log, &error), SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_null(log);
    /* What is there already stays. */
    scratch_write(path, "{}\n", 3);
    log = open_log((serve_log_options){0});
    serve_log_write_event(log, SERVE_LOG_INFO, "more");
    assert_int_equal(serve_log_close(log, 10), 0);
    json_t *lines = read_lines(path);
    assert_int_equal(json_array_size(lines), 2);
    json_decref(lines);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(writes_the_guides_fields), LOG_TEST(stands_hostile_bytes),
        LOG_TEST(keeps_to_its_level),       LOG_TEST(keeps_lines_of_threads_apart),
        LOG_TEST(loses_nothing_with_room),  LOG_TEST(counts_what_a_full_disk_refuses),
        LOG_TEST(survives_a_broken_pipe),   LOG_TEST(is_not_held_up_by_a_reader),
        LOG_TEST(is_not_held_up_by_stderr), LOG_TEST(opens_a_new_file),
        LOG_TEST(writes_to_stderr_too),     LOG_TEST(refuses_paths),
    };
    return cmocka_run_group_tests_name("serve log", tests, NULL, NULL);
}
