/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/log.c in the format of Google Cloud Logging: lines to the letter, but
 * for their time. What holds for both formats is in test_log.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/log.h"
#include "serve/log_line.h"
#include "support/scratch.h"

#define ID "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"
#define TRACE "\"logging.googleapis.com/trace\":\"projects/shop-1/traces/" ID "\","
#define SPAN_FIELD "\"logging.googleapis.com/spanId\":\"" SPAN "\","
#define SAMPLED "\"logging.googleapis.com/trace_sampled\":"

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

static serve_log *open_log(const char *project)
{
    const serve_log_options options = {.path = path, .format = SERVE_LOG_GCP, .project = project};
    sentiment_error error = {.struct_size = sizeof error};
    serve_log *log = NULL;
    if (serve_log_open(&options, &log, &error))
        fail_msg("%s", error.message);
    return log;
}

/* Closes the log and holds its lines to these, which begin behind the time. */
static void close_with(serve_log *log, const char *const *expected, size_t count)
{
    static const char start[] = "{\"time\":\"";
    size_t size = 0;
    assert_int_equal(serve_log_close(log, 10), 0);
    char *data = scratch_read(path, &size), *line = data;
    for (size_t i = 0; i < count; i++) {
        char *end = strchr(line, '\n');
        assert_non_null(end);
        *end = 0;
        assert_memory_equal(line, start, sizeof start - 1);
        line += sizeof start - 1;
        assert_int_equal(line[LOG_LINE_TIME - 2], 'Z');
        assert_string_equal(line + LOG_LINE_TIME - 1, expected[i]);
        line = end + 1;
    }
    assert_int_equal(*line, 0);
    free(data);
}

static const serve_log_prediction prediction = {
    .text_length = 7, .prediction = 2, .confidence = 0.875f, .processing_time = 0.000125};

static void names_the_trace(void **state)
{
    (void)state;
    const trace_context whole = {ID, SPAN, true}, bare = {ID, "", false}, none = {"", "", true};
    static const char *const expected[] = {
        "\",\"severity\":\"INFO\",\"message\":\"prediction 2, confidence 0.875\","
        "\"event_type\":\"prediction\"," TRACE SPAN_FIELD SAMPLED "true,\"text_length\":7,"
        "\"prediction\":2,\"confidence\":0.875,\"processing_time\":0.000125,\"user_id\":\"alice\"}",
        "\",\"severity\":\"ERROR\",\"message\":\"it \\\"broke\\\"\",\"event_type\":\"error\"," TRACE
            SAMPLED "false,\"error\":\"it \\\"broke\\\"\",\"context\":{\"user_id\":\"alice\"}}",
        ("\",\"severity\":\"WARNING\",\"message\":\"less\",\"event_type\":\"error\","
         "\"error\":\"less\",\"context\":{\"user_id\":\"alice\"}}")};
    serve_log_request request = {.user_id = {"alice", 5}, .trace = &whole};
    serve_log *log = open_log("shop-1");
    serve_log_write_prediction(log, &request, &prediction);
    request.trace = &bare;
    serve_log_write_error(log, SERVE_LOG_ERROR, &request, SENTIMENT_OK, "it \"broke\"");
    request.trace = &none;
    serve_log_write_error(log, SERVE_LOG_WARNING, &request, SENTIMENT_OK, "less");
    close_with(log, expected, 3);
}

static void does_without_a_request(void **state)
{
    (void)state;
    static const char *const names[] = {"avg_confidence"};
    static const double values[] = {0.85};
    static const char *const expected[] = {
        "\",\"severity\":\"INFO\",\"message\":\"metrics\",\"event_type\":\"metrics\","
        "\"metrics\":{\"avg_confidence\":0.85}}",
        "\",\"severity\":\"WARNING\",\"message\":\"on 8000\",\"event_type\":\"server\"}",
        "\",\"severity\":\"ERROR\",\"message\":\"bad\",\"event_type\":\"error\","
        "\"error\":\"bad\",\"context\":{\"user_id\":null,\"status\":\"input/output error\"}}"};
    serve_log *log = open_log("shop-1");
    serve_log_write_metrics(log, names, values, 1);
    serve_log_write_event(log, SERVE_LOG_WARNING, "on %d", 8000);
    serve_log_write_error(log, SERVE_LOG_ERROR, NULL, SENTIMENT_ERROR_IO, "bad");
    close_with(log, expected, 3);
}

/* Without one a trace has no name. */
static void needs_a_project(void **state)
{
    (void)state;
    const trace_context whole = {ID, SPAN, true};
    const serve_log_request request = {.trace = &whole};
    static const char *const expected[] = {
        "\",\"severity\":\"WARNING\",\"message\":\"less\",\"event_type\":\"error\","
        "\"error\":\"less\",\"context\":{\"user_id\":null}}"};
    serve_log *log = open_log(NULL);
    serve_log_write_error(log, SERVE_LOG_WARNING, &request, SENTIMENT_OK, "less");
    close_with(log, expected, 1);
}

static void refuses_options(void **state)
{
    (void)state;
    char large[SERVE_LOG_PROJECT_LIMIT + 2] = "";
    sentiment_error error = {.struct_size = sizeof error};
    serve_log *log = NULL;
    memset(large, 'p', sizeof large - 1);
    serve_log_options wrong = {.to_stderr = true, .format = SERVE_LOG_GCP, .project = large};
    assert_int_equal(serve_log_open(&wrong, &log, &error), SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_string_equal(error.message, "a project's id has at most 100 bytes");
    wrong = (serve_log_options){.to_stderr = true, .format = (serve_log_format)9};
    assert_int_equal(serve_log_open(&wrong, &log, &error), SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_string_equal(error.message, "no such format: 9");
    assert_null(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_the_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(does_without_a_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(needs_a_project, set_up, tear_down),
        cmocka_unit_test(refuses_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
