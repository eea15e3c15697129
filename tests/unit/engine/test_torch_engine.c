/* SPDX-License-Identifier: Apache-2.0
 *
 * The torch engine against PyTorch's committed answers, and against itself:
 * batches, empty rows, explanations, devices, failures. Arguments: the folder
 * of golden models, and `required` where the plugin was built (else its
 * absence skips the test). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "engine/stream.h"
#include "engine/torch_loader.h"
#include "golden.h"
#include "support/faulty_allocator.h"
#include "support/scratch.h"

/* The bound. Sums of some hundred products of magnitude below 1 in
 * another order differ by about 1e-6. */
#define TOLERANCE 1e-5f

static const char *golden_folder;
static const char *const names[] = {"h1", "h37", "h272-float16", "two-layer",
                                    "h51-bidirectional", "two-layer-bidirectional"};
enum { NAMES = sizeof names / sizeof *names };

typedef struct fixture {
    sentiment_model *model;
    void *engine;
    golden golden;
} fixture;

static const sn_engine_options cpu = {.precision = SENTIMENT_PRECISION_FP32,
                                      .isa = SENTIMENT_ISA_C,
                                      .threads = 1};

static void open_fixture(const char *name, fixture *out)
{
    char path[SCRATCH_PATH_SIZE];
    sentiment_error error = {.struct_size = sizeof error};
    snprintf(path, sizeof path, "%s/%s", golden_folder, name);
    if (sn_model_load(path, NULL, &out->model, &error))
        fail_msg("%s: %s", path, error.message);
    if (sn_engine_torch.create(out->model, &cpu, &out->engine, &error))
        fail_msg("%s: %s", path, error.message);
    golden_read(path, &out->golden);
}

static void close_fixture(fixture *f)
{
    sn_engine_torch.destroy(f->engine);
    sn_model_release(f->model);
    golden_free(&f->golden);
}

static void near(const float *actual, const float *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(actual[i] - expected[i]) <= TOLERANCE))
            fail_msg("number %zu: %.9g, expected %.9g", i, (double)actual[i],
                     (double)expected[i]);
}

static float *run(void *engine, const sn_rows *rows, size_t classes)
{
    sentiment_error error = {.struct_size = sizeof error};
    float *logits = calloc(rows->rows * classes + 1, sizeof *logits);
    assert_non_null(logits);
    if (sn_engine_torch.run(engine, rows, logits, NULL, &error))
        fail_msg("%s", error.message);
    return logits;
}

static void test_golden(void **state)
{
    (void)state;
    for (size_t n = 0; n < NAMES; n++) {
        fixture f;
        open_fixture(names[n], &f);
        sn_rows rows = golden_rows(&f.golden, 0, f.golden.rows);
        float *logits = run(f.engine, &rows, f.golden.classes);
        near(logits, f.golden.logits, f.golden.rows * f.golden.classes);
        free(logits);
        close_fixture(&f);
    }
}

/* Rows without padding, of every length from none to 40, so that groups mix
 * lengths: bidirectional networks must not see what stands behind a row. */
static void test_mixed_lengths(void **state)
{
    (void)state;
    enum { ROWS = 41 };
    for (size_t n = 0; n < NAMES; n++) {
        int32_t ids[ROWS * ROWS];
        uint64_t offsets[ROWS + 1] = {0};
        uint32_t totals[ROWS];
        fixture f;
        open_fixture(names[n], &f);
        for (uint32_t row = 0; row < ROWS; row++) {
            totals[row] = row * 17 % ROWS;
            offsets[row + 1] = offsets[row] + totals[row];
            for (uint64_t i = offsets[row]; i < offsets[row + 1]; i++)
                ids[i] = (int32_t)((i * 7 + row) % f.model->config.vocab_size);
        }
        const sn_rows all = {ids, offsets, totals, ROWS};
        float *together = run(f.engine, &all, f.golden.classes);
        assert_memory_equal(together, f.model->weights.fc_bias,
                            f.golden.classes * sizeof(float)); /* row 0 is empty */
        for (size_t row = 0; row < ROWS; row++) {
            const sn_rows one = {ids, offsets + row, totals + row, 1};
            float *alone = run(f.engine, &one, f.golden.classes);
            near(together + row * f.golden.classes, alone, f.golden.classes);
            free(alone);
        }
        free(together);
        close_fixture(&f);
    }
}

static void explain_row(fixture *f, size_t row)
{
    const golden *g = &f->golden;
    size_t length = (size_t)(g->offsets[row + 1] - g->offsets[row]), classes = g->classes;
    sn_rows rows = golden_rows(g, row, 1);
    float *alone = run(f->engine, &rows, classes);
    float *logits = calloc((length + 2) * classes, sizeof *logits);
    assert_non_null(logits);
    float *bias = logits + classes, *contributions = bias + classes;
    assert_int_equal(sn_engine_torch.explain(f->engine, g->ids + g->offsets[row], length,
                                             g->totals[row], logits, bias, contributions, NULL),
                     SENTIMENT_OK);
    assert_memory_equal(logits, alone, classes * sizeof *logits);
    for (size_t c = 0; c < classes; c++) {
        double sum = bias[c];
        for (size_t t = 0; t < length; t++)
            sum += contributions[t * classes + c];
        float rounded = (float)sum;
        near(&rounded, &logits[c], 1);
    }
    if (length == g->totals[row])
        near(bias, f->model->weights.fc_bias, classes);
    free(logits);
    free(alone);
}

static void test_explain(void **state)
{
    (void)state;
    for (size_t n = 0; n < NAMES; n++) {
        fixture f;
        open_fixture(names[n], &f);
        for (size_t row = 0; row < f.golden.rows; row++)
            explain_row(&f, row);
        float logits[16], bias[16];
        assert_true(f.golden.classes <= 16);
        assert_int_equal(
            sn_engine_torch.explain(f.engine, NULL, 0, 0, logits, bias, NULL, NULL),
            SENTIMENT_OK);
        assert_memory_equal(logits, f.model->weights.fc_bias, f.golden.classes * sizeof(float));
        assert_memory_equal(bias, logits, f.golden.classes * sizeof(float));
        close_fixture(&f);
    }
}

static void test_describe(void **state)
{
    (void)state;
    fixture f;
    sn_engine_description description;
    open_fixture("h37", &f);
    sn_engine_torch.describe(f.engine, &description);
    assert_int_equal(description.isa, SENTIMENT_ISA_AUTO);
    assert_true(strchr(description.isa_name, '.') != NULL);
    assert_true(description.memory_bytes >= 4 * f.model->weights.parameters);
    close_fixture(&f);
}

static void test_cancel(void **state)
{
    (void)state;
    fixture f;
    sentiment_cancel *cancel = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    open_fixture("h37", &f);
    float *logits = calloc(f.golden.rows * f.golden.classes, sizeof *logits);
    sn_rows rows = golden_rows(&f.golden, 0, f.golden.rows);
    assert_int_equal(sentiment_cancel_create(&cancel, NULL), SENTIMENT_OK);
    assert_int_equal(sn_engine_torch.run(f.engine, &rows, logits, cancel, &error), SENTIMENT_OK);
    sentiment_cancel_request(cancel);
    assert_int_equal(sn_engine_torch.run(f.engine, &rows, logits, cancel, &error),
                     SENTIMENT_ERROR_CANCELLED);
    assert_int_equal(error.code, SENTIMENT_ERROR_CANCELLED);
    sentiment_cancel_free(cancel);
    free(logits);
    close_fixture(&f);
}

static void refuses(const sentiment_model *model, sn_engine_options options,
                    sentiment_status expected, const char *says)
{
    sentiment_error error = {.struct_size = sizeof error};
    void *engine = NULL;
    sentiment_model *writable = NULL;
    memcpy(&writable, &model, sizeof model);
    assert_int_equal(sn_engine_torch.create(writable, &options, &engine, &error), expected);
    assert_null(engine);
    assert_int_equal(error.code, expected);
    if (!strstr(error.message, says))
        fail_msg("\"%s\" does not say \"%s\"", error.message, says);
}

static void test_refusals(void **state)
{
    (void)state;
    fixture f;
    open_fixture("h37", &f);
    const char *const unknown[] = {"", "gpu", "CPU", "cuda:", "cuda:-1", "cuda:1x", "cuda:999"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        sn_engine_options options = cpu;
        options.device = unknown[i];
        refuses(f.model, options, SENTIMENT_ERROR_INVALID_ARGUMENT, "expected cpu, cuda");
    }
    sn_engine_options options = cpu;
    options.device = "cuda:99"; /* nobody has a hundred */
    refuses(f.model, options, SENTIMENT_ERROR_ENGINE_UNAVAILABLE, "CUDA");
    options = cpu;
    options.precision = SENTIMENT_PRECISION_INT8;
    refuses(f.model, options, SENTIMENT_ERROR_UNSUPPORTED, "int8");
    close_fixture(&f);
}

static void test_no_streams(void **state)
{
    (void)state;
    fixture f;
    open_fixture("h37", &f);
    sentiment_error error = {.struct_size = sizeof error};
    const sentiment_session_options options = {.struct_size = sizeof options,
                                               .engine = SENTIMENT_ENGINE_TORCH};
    sentiment_session *session = NULL;
    sentiment_stream *stream = NULL;
    assert_int_equal(sn_session_create(f.model, &options, &session, &error), SENTIMENT_OK);
    assert_int_equal(sn_stream_create(session, 0, &stream, &error), SENTIMENT_ERROR_UNSUPPORTED);
    assert_null(stream);
    assert_non_null(strstr(error.message, "torch"));
    sn_session_free(session);
    close_fixture(&f);
}

/* What libtorch throws becomes a status and one line. */
static void test_exceptions(void **state)
{
    (void)state;
    const sn_torch_plugin *plugin = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    void *engine = NULL;
    const float *const lstm[4] = {NULL};
    assert_int_equal(sn_torch_plugin_get(&plugin, NULL), SENTIMENT_OK);
    const sn_plugin_network huge = {.vocab_size = INT32_MAX, .embedding_dim = 65536,
                                    .hidden_size = 1, .num_classes = 1, .num_layers = 1,
                                    .directions = 1, .lstm = lstm};
    assert_int_equal(plugin->create(&huge, NULL, 1, &engine, &error),
                     SENTIMENT_ERROR_OUT_OF_MEMORY);
    assert_null(engine);
    assert_null(strchr(error.message, '\n'));

    fixture f;
    open_fixture("h37", &f);
    int32_t id = (int32_t)f.model->config.vocab_size;
    const uint64_t offsets[2] = {0, 1};
    const uint32_t total = 1;
    const sn_rows rows = {&id, offsets, &total, 1};
    float logits[16];
    assert_int_equal(sn_engine_torch.run(f.engine, &rows, logits, NULL, &error),
                     SENTIMENT_ERROR_INTERNAL);
    assert_non_null(strstr(error.message, "libtorch: "));
    assert_null(strchr(error.message, '\n'));
    close_fixture(&f);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    fixture f;
    open_fixture("h37", &f);
    sn_memory own = f.model->memory;
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        void *engine = NULL;
        f.model->memory = (sn_memory){hooks.user, hooks.allocate, hooks.reallocate,
                                      hooks.release};
        sentiment_status status = sn_engine_torch.create(f.model, &cpu, &engine, NULL);
        sn_engine_torch.destroy(engine);
        f.model->memory = own;
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty)) {
            assert_int_equal(status, SENTIMENT_OK);
            assert_true(n > 2);
            break;
        }
        assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
    }
    close_fixture(&f);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),   cmocka_unit_test(test_mixed_lengths),
        cmocka_unit_test(test_explain),  cmocka_unit_test(test_describe),
        cmocka_unit_test(test_cancel),   cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_no_streams),
        cmocka_unit_test(test_exceptions), cmocka_unit_test(test_out_of_memory),
    };
    const sn_torch_plugin *plugin = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    if (count < 2)
        return 2;
    golden_folder = arguments[1];
    if (sn_torch_plugin_get(&plugin, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return count > 2 ? 1 : 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
