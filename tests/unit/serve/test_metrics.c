/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/metrics*.c: what is counted is what a scrape shows, in bounded
 * series with sound labels, however many threads count and versions come and go.
 * With promtool's path as argument, Prometheus' own checker reads it too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "serve/metrics.h"

static const char *promtool;
static const char *const routes[] = {"/predict", "/metrics"};
static const char *const labels[] = {"negative", "neutral", "positive"};
static const serve_metrics_model english = {"english", "1", "safetensors", "int8", "ab12",
                                            labels,    3};

static serve_metrics *make(void)
{
    serve_metrics *metrics = NULL;
    assert_int_equal(serve_metrics_create(routes, 2, &metrics, NULL), SENTIMENT_OK);
    return metrics;
}

static char *scrape(serve_metrics *metrics)
{
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(serve_metrics_write(metrics, &text, &size, NULL), SENTIMENT_OK);
    assert_int_equal(strlen(text), size);
    return text;
}

/* The number behind a series; -1 if there is no such series, or two. */
static double find(const char *text, const char *series)
{
    char line[512];
    snprintf(line, sizeof line, "\n%s ", series);
    const char *at = strstr(text, line);
    if (!at || strstr(at + 1, line))
        return -1;
    return strtod(at + strlen(line), NULL);
}

static void shows(serve_metrics *metrics, const char *series, double expected)
{
    char *text = scrape(metrics);
    double value = find(text, series);
    if (value != expected)
        fail_msg("%s: %.17g, expected %.17g in\n%s", series, value, expected, text);
    free(text);
}

static void predict(serve_metrics_shard *shard, int model, int32_t class, float confidence,
                    uint32_t flags)
{
    const sentiment_result result = {
        .prediction = class, .confidence = confidence, .flags = flags, .tokens = 9, .unknown = 2};
    serve_metrics_count_prediction(shard, model, &result);
}

static void adds_the_shards_up(void **state)
{
    (void)state;
    serve_metrics *metrics = make();
    serve_metrics_shard *one = serve_metrics_join(metrics), *two = serve_metrics_join(metrics);
    int model = serve_metrics_add_model(metrics, &english);
    assert_ptr_not_equal(one, two);
    predict(one, model, 2, 0.5f, 0);
    predict(two, model, 2, 0.7f, SENTIMENT_FLAG_TRUNCATED);
    predict(two, model, 0, 1.0f, 0);
    const sentiment_result failed = {.status = SENTIMENT_ERROR_INVALID_UTF8};
    serve_metrics_count_prediction(one, model, &failed);
#define OF "{model=\"english\",version=\"1\""
    shows(metrics, "nlp_predictions_total" OF ",prediction=\"positive\"}", 2);
    shows(metrics, "nlp_predictions_total" OF ",prediction=\"negative\"}", 1);
    shows(metrics, "nlp_predictions_total" OF ",prediction=\"neutral\"}", 0);
    shows(metrics, "nlp_predictions_total" OF ",prediction=\"other\"}", -1);
    shows(metrics, "nlp_truncated_total" OF "}", 1);
    shows(metrics, "nlp_oov_tokens_total" OF "}", 6);
    shows(metrics, "nlp_input_tokens_sum" OF "}", 27);
    shows(metrics, "nlp_prediction_confidence_bucket" OF ",le=\"0.5\"}", 1);
    shows(metrics, "nlp_prediction_confidence_bucket" OF ",le=\"0.99\"}", 2);
    shows(metrics, "nlp_prediction_confidence_bucket" OF ",le=\"1\"}", 3);
    serve_metrics_leave(metrics, one);
    assert_ptr_equal(serve_metrics_join(metrics), one);
    shows(metrics, "nlp_predictions_total" OF ",prediction=\"positive\"}", 2);
    serve_metrics_free(metrics);
}

static void counts_everything_else(void **state)
{
    (void)state;
    serve_metrics *metrics = make();
    serve_metrics_shard *shard = serve_metrics_join(metrics);
    int model = serve_metrics_add_model(metrics, &english);
    serve_metrics_count_batch(shard, model, 3);
    serve_metrics_count_cache(shard, model, true);
    serve_metrics_count_cache(shard, model, false);
    serve_metrics_count_cache(shard, model, false);
    shows(metrics, "nlp_feedback_accuracy" OF "}", -1);
    serve_metrics_count_feedback(shard, model, true);
    serve_metrics_count_feedback(shard, model, true);
    serve_metrics_count_feedback(shard, model, true);
    serve_metrics_count_feedback(shard, model, false);
    serve_metrics_count_shadow(shard, model, false);
    serve_metrics_count_shadow(shard, model, true);
    serve_metrics_count_request(shard, 0, 200);
    serve_metrics_count_request(shard, 0, 299);
    serve_metrics_count_request(shard, 0, -5);
    serve_metrics_count_request(shard, 2, 404);
    serve_metrics_count_request(shard, 9999, 404);
    serve_metrics_count_failure(shard, SERVE_REASON_QUEUE_FULL);
    serve_metrics_count_failure(shard, SERVE_REASONS);
    serve_metrics_set(metrics, SERVE_VALUE_QUEUE_DEPTH, 7);
    serve_metrics_add(metrics, SERVE_VALUE_QUEUE_DEPTH, -3);
    serve_metrics_set(metrics, SERVE_VALUE_LOG_DROPPED, 12);
    serve_metrics_set(metrics, SERVE_VALUE_RELOADS_FAILED, 5);
    serve_metrics_set_drift(metrics, model, SERVE_FEATURE_LENGTH, 0.125);
    serve_metrics_set_share(metrics, model, SERVE_ROLE_CANARY, 0.25);
    shows(metrics, "nlp_batch_size_bucket" OF ",le=\"2\"}", 0);
    shows(metrics, "nlp_batch_size_bucket" OF ",le=\"4\"}", 1);
    shows(metrics, "nlp_cache_hits_total" OF "}", 1);
    shows(metrics, "nlp_cache_misses_total" OF "}", 2);
    shows(metrics, "nlp_feedback_total" OF "}", 4);
    shows(metrics, "nlp_feedback_correct_total" OF "}", 3);
    shows(metrics, "nlp_feedback_accuracy" OF "}", 0.75);
    shows(metrics, "nlp_shadow_predictions_total" OF "}", 2);
    shows(metrics, "nlp_shadow_disagreements_total" OF "}", 1);
    shows(metrics, "nlp_http_requests_total{route=\"/predict\",code=\"200\"}", 1);
    shows(metrics, "nlp_http_requests_total{route=\"/predict\",code=\"other\"}", 2);
    shows(metrics, "nlp_http_requests_total{route=\"other\",code=\"404\"}", 2);
    shows(metrics, "nlp_http_requests_total{route=\"/metrics\",code=\"200\"}", -1);
    shows(metrics, "nlp_request_failures_total{reason=\"queue_full\"}", 1);
    shows(metrics, "nlp_request_failures_total{reason=\"internal\"}", 0);
    shows(metrics, "nlp_queue_depth", 4);
    shows(metrics, "nlp_log_lines_dropped_total", 12);
    shows(metrics, "nlp_model_reloads_total{result=\"success\"}", 0);
    shows(metrics, "nlp_model_reloads_total{result=\"failure\"}", 5);
    shows(metrics, "nlp_drift_psi" OF ",feature=\"length\"}", 0.125);
    shows(metrics, "nlp_drift_psi" OF ",feature=\"confidence\"}", -1);
    shows(metrics, "nlp_model_traffic_share" OF ",label=\"canary\"}", 0.25);
    shows(metrics, "nlp_model_traffic_share" OF ",label=\"stable\"}", -1);
    shows(metrics,
          "nlp_model_info" OF ",format=\"safetensors\",precision=\"int8\",sha256=\"ab12\"}", 1);
    serve_metrics_free(metrics);
}

/* Every edge belongs to its own bucket; what is above the last is in +Inf alone. */
static void sorts_durations_into_buckets(void **state)
{
    (void)state;
    serve_metrics *metrics = make();
    serve_metrics_shard *shard = serve_metrics_join(metrics);
    int model = serve_metrics_add_model(metrics, &english);
    serve_metrics_time(shard, model, SERVE_TIME_QUEUE, 0);
    serve_metrics_time(shard, model, SERVE_TIME_QUEUE, 100000);
    serve_metrics_time(shard, model, SERVE_TIME_QUEUE, 100001);
    serve_metrics_time(shard, model, SERVE_TIME_QUEUE, 5000000000u);
    serve_metrics_time(shard, model, SERVE_TIME_QUEUE, 6000000000u);
    serve_metrics_time(shard, model, SERVE_TIMERS, 1);
    shows(metrics, "nlp_queue_duration_seconds_bucket" OF ",le=\"0.0001\"}", 2);
    shows(metrics, "nlp_queue_duration_seconds_bucket" OF ",le=\"0.00025\"}", 3);
    shows(metrics, "nlp_queue_duration_seconds_bucket" OF ",le=\"2.5\"}", 3);
    shows(metrics, "nlp_queue_duration_seconds_bucket" OF ",le=\"5\"}", 4);
    shows(metrics, "nlp_queue_duration_seconds_bucket" OF ",le=\"+Inf\"}", 5);
    shows(metrics, "nlp_queue_duration_seconds_count" OF "}", 5);
    shows(metrics, "nlp_prediction_duration_seconds_count" OF "}", 0);
    char *text = scrape(metrics);
    double sum = find(text, "nlp_queue_duration_seconds_sum" OF "}");
    /* Five summands of at most 11 in all: rounding stays below 1e-13. */
    assert_true(fabs(sum - 11.000200001) < 1e-13);
    free(text);
    serve_metrics_free(metrics);
}

static void makes_labels_sound(void **state)
{
    (void)state;
    static const char *const same[] = {"a", "a"}, *const taken[] = {"other", "b"};
    char long_name[200];
    serve_metrics *metrics = make();
    serve_metrics_model model = {.name = "a\"b\\c\nd\xff", .version = "\xc3\xa9", .class_count = 1};
    serve_metrics_add_model(metrics, &model);
    shows(metrics, "nlp_model_loaded{model=\"a\\\"b\\\\c d\xef\xbf\xbd\",version=\"\xc3\xa9\"}", 1);
    model = (serve_metrics_model){"m", "1", NULL, NULL, NULL, same, 2};
    serve_metrics_add_model(metrics, &model);
    shows(metrics, "nlp_predictions_total{model=\"m\",version=\"1\",prediction=\"0\"}", 0);
    shows(metrics, "nlp_predictions_total{model=\"m\",version=\"1\",prediction=\"1\"}", 0);
    model = (serve_metrics_model){"m", "2", NULL, NULL, NULL, taken, 2};
    serve_metrics_add_model(metrics, &model);
    shows(metrics, "nlp_predictions_total{model=\"m\",version=\"2\",prediction=\"0\"}", 0);
    /* 63 bytes and then one of two bytes, which must not be cut in half. */
    memset(long_name, 'x', 63);
    strcpy(long_name + 63, "\xc3\xa9tail");
    model = (serve_metrics_model){.name = long_name, .version = "1"};
    serve_metrics_add_model(metrics, &model);
    long_name[63] = '\0';
    char series[300];
    snprintf(series, sizeof series, "nlp_model_loaded{model=\"%s\",version=\"1\"}", long_name);
    shows(metrics, series, 1);
    serve_metrics_free(metrics);
}

static void keeps_and_reuses_rooms(void **state)
{
    (void)state;
    serve_metrics *metrics = make();
    serve_metrics_shard *shard = serve_metrics_join(metrics);
    int rooms[SERVE_METRICS_MODELS];
    char version[16];
    for (int i = 0; i < SERVE_METRICS_MODELS; i++) {
        snprintf(version, sizeof version, "%d", i);
        serve_metrics_model model = {.name = "m", .version = version, .class_count = 2};
        rooms[i] = serve_metrics_add_model(metrics, &model);
        predict(shard, rooms[i], 1, 0.6f, 0);
    }
    shows(metrics, "nlp_predictions_total{model=\"m\",version=\"30\",prediction=\"1\"}", 1);
    shows(metrics, "nlp_model_loaded{model=\"m\",version=\"31\"}", -1);
    shows(metrics, "nlp_predictions_total{model=\"other\",version=\"other\",prediction=\"other\"}",
          1);
    /* The same version twice: one room, in use until both are gone. */
    serve_metrics_model fifth = {.name = "m", .version = "5", .class_count = 2};
    assert_int_equal(serve_metrics_add_model(metrics, &fifth), rooms[5]);
    serve_metrics_set_share(metrics, rooms[5], SERVE_ROLE_STABLE, 1);
    serve_metrics_retire_model(metrics, rooms[5]);
    shows(metrics, "nlp_model_loaded{model=\"m\",version=\"5\"}", 1);
    serve_metrics_retire_model(metrics, rooms[5]);
    shows(metrics, "nlp_model_loaded{model=\"m\",version=\"5\"}", 0);
    shows(metrics, "nlp_model_traffic_share{model=\"m\",version=\"5\",label=\"stable\"}", -1);
    shows(metrics, "nlp_predictions_total{model=\"m\",version=\"5\",prediction=\"1\"}", 1);
    serve_metrics_retire_model(metrics, rooms[4]);
    /* A new one takes the room that was left first, and starts at nothing. */
    serve_metrics_model late = {.name = "late", .version = "1", .class_count = 2};
    assert_int_equal(serve_metrics_add_model(metrics, &late), rooms[5]);
    shows(metrics, "nlp_predictions_total{model=\"m\",version=\"5\",prediction=\"1\"}", -1);
    shows(metrics, "nlp_predictions_total{model=\"late\",version=\"1\",prediction=\"1\"}", 0);
    shows(metrics, "nlp_prediction_confidence_count{model=\"late\",version=\"1\"}", 0);
    serve_metrics_free(metrics);
}

static size_t count_lines(serve_metrics *metrics)
{
    size_t lines = 0;
    char *text = scrape(metrics);
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    free(text);
    return lines;
}

static void bounds_the_series(void **state)
{
    (void)state;
    serve_metrics *metrics = make();
    serve_metrics_shard *shard = serve_metrics_join(metrics);
    size_t full = 0;
    for (int i = 0; i < 1000; i++) {
        char version[16];
        snprintf(version, sizeof version, "%d", i);
        serve_metrics_model model = {.name = "m", .version = version, .class_count = 3};
        int room = serve_metrics_add_model(metrics, &model);
        predict(shard, room, 1 + i % 2, 0.6f, 0);
        serve_metrics_count_request(shard, 0, i);
        serve_metrics_retire_model(metrics, room);
        if (i == 599)
            full = count_lines(metrics);
    }
    assert_int_equal(count_lines(metrics), full);
    serve_metrics_free(metrics);
}

static void takes_what_is_not_there(void **state)
{
    (void)state;
    const char *many[SERVE_METRICS_ROUTES] = {0};
    sentiment_error error = {.struct_size = sizeof error};
    serve_metrics *metrics = make(), *none = NULL;
    serve_metrics_shard *shards[SERVE_METRICS_SHARDS], *shard = NULL;
    assert_int_equal(serve_metrics_create(many, SERVE_METRICS_ROUTES, &none, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_null(none);
    assert_string_equal(error.message, "48 routes, at most 47");
    for (size_t i = 0; i < SERVE_METRICS_SHARDS; i++)
        assert_non_null(shards[i] = serve_metrics_join(metrics));
    assert_null(serve_metrics_join(metrics));
    predict(NULL, 0, 1, 1, 0);
    serve_metrics_time(NULL, 0, SERVE_TIME_QUEUE, 1);
    serve_metrics_count_request(NULL, 0, 200);
    serve_metrics_count_failure(NULL, SERVE_REASON_INTERNAL);
    shard = shards[0];
    predict(shard, -1, 1, 1, 0);
    predict(shard, SERVE_METRICS_MODELS, 1, 1, 0);
    serve_metrics_set_drift(metrics, -1, SERVE_FEATURE_LENGTH, 1);
    serve_metrics_set_share(metrics, SERVE_METRICS_MODELS, SERVE_ROLE_STABLE, 1);
    serve_metrics_retire_model(metrics, -1);
    int model = serve_metrics_add_model(metrics, &english);
    predict(shard, model, -1, 0.5f, 0);
    predict(shard, model, 1000, 0.5f, 0);
    predict(shard, model, 3, 0.5f, 0);
    shows(metrics, "nlp_predictions_total" OF ",prediction=\"other\"}", 3);
    serve_metrics_leave(metrics, NULL);
    serve_metrics_free(metrics);
    serve_metrics_free(NULL);
}

/* ---------------------------------------------------------------- threads */

enum { THREADS = 4, ROUNDS = 20000 };

static void *count_much(void *metrics)
{
    serve_metrics_shard *shard = serve_metrics_join(metrics);
    for (int i = 0; i < ROUNDS; i++) {
        predict(shard, 0, i % 3, 0.75f, 0);
        serve_metrics_count_request(shard, 0, 200);
        serve_metrics_add(metrics, SERVE_VALUE_IN_FLIGHT, i % 2 ? 2 : -1);
    }
    serve_metrics_leave(metrics, shard);
    return NULL;
}

static void loses_nothing_between_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    serve_metrics *metrics = make();
    double last = 0;
    assert_int_equal(serve_metrics_add_model(metrics, &english), 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_much, metrics), 0);
    for (int i = 0; i < 20; i++) {
        char *text = scrape(metrics);
        double count = find(text, "nlp_prediction_confidence_count" OF "}");
        assert_true(count >= last);
        assert_true(count == find(text, "nlp_prediction_confidence_bucket" OF ",le=\"+Inf\"}"));
        last = count;
        free(text);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    shows(metrics, "nlp_prediction_confidence_count" OF "}", THREADS * ROUNDS);
    shows(metrics, "nlp_prediction_confidence_sum" OF "}", THREADS * ROUNDS * 0.75);
    shows(metrics, "nlp_http_requests_total{route=\"/predict\",code=\"200\"}", THREADS * ROUNDS);
    shows(metrics, "nlp_http_requests_in_flight", THREADS * ROUNDS / 2);
    serve_metrics_free(metrics);
}

/* --------------------------------------------------------------- promtool */

static int run_promtool(const char *text)
{
    int ends[2], status = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[0], 0);
        close(ends[0]);
        close(ends[1]);
        execl(promtool, promtool, "check", "metrics", (char *)NULL);
        _exit(127);
    }
    close(ends[0]);
    for (size_t left = strlen(text); left > 0;) {
        ssize_t wrote = write(ends[1], text, left);
        assert_true(wrote > 0);
        text += wrote;
        left -= (size_t)wrote;
    }
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void pleases_promtool(void **state)
{
    (void)state;
    if (!promtool) {
        print_message("skipped: no promtool here (Debian package prometheus)\n");
        skip();
    }
    serve_metrics *metrics = make();
    serve_metrics_shard *shard = serve_metrics_join(metrics);
    serve_metrics_model odd = {.name = "a\"\\\n\xff", .version = "", .class_count = 40};
    int models[] = {serve_metrics_add_model(metrics, &english),
                    serve_metrics_add_model(metrics, &odd)};
    for (int i = 0; i < 100; i++) {
        predict(shard, models[i % 2], i % 50, (float)i / 100, (uint32_t)i % 4);
        serve_metrics_time(shard, models[i % 2], (serve_metrics_timer)(i % SERVE_TIMERS),
                           (uint64_t)1 << i % 40);
        serve_metrics_count_batch(shard, models[i % 2], (size_t)i);
        serve_metrics_count_request(shard, (size_t)i % 3, 200 + 4 * i);
        serve_metrics_count_feedback(shard, models[i % 2], i % 3);
    }
    serve_metrics_set_drift(metrics, models[0], SERVE_FEATURE_PREDICTION, 0.1);
    serve_metrics_set_share(metrics, models[1], SERVE_ROLE_STABLE, 1);
    char *text = scrape(metrics);
    assert_int_equal(run_promtool(text), 0);
    /* The checker does find things. */
    assert_int_not_equal(run_promtool("nlp-truncated_total 1\n"), 0);
    free(text);
    serve_metrics_free(metrics);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adds_the_shards_up),
        cmocka_unit_test(counts_everything_else),
        cmocka_unit_test(sorts_durations_into_buckets),
        cmocka_unit_test(makes_labels_sound),
        cmocka_unit_test(keeps_and_reuses_rooms),
        cmocka_unit_test(bounds_the_series),
        cmocka_unit_test(takes_what_is_not_there),
        cmocka_unit_test(loses_nothing_between_threads),
        cmocka_unit_test(pleases_promtool),
    };
    promtool = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests_name("serve metrics", tests, NULL, NULL);
}
