/* SPDX-License-Identifier: Apache-2.0
 *
 * TorchScript programs: on the torch engine against PyTorch's committed answers,
 * against themselves in batches, and where they misbehave; on the native engine
 * the classifier with its weights, and nothing else. Arguments: the folder of
 * golden archives, and `required` where the plugin was built. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "engine/engine.h"
#include "engine/torch_loader.h"
#include "golden.h"
#include "support/faulty_allocator.h"
#include "support/scratch.h"

/* Sums of some hundred products of magnitude below 1 in another order differ by
 * about 1e-6. */
#define TOLERANCE 1e-5f

static const char *golden_folder;
static const sn_engine_options cpu = {.precision = SENTIMENT_PRECISION_FP32,
                                      .isa = SENTIMENT_ISA_C,
                                      .threads = 1,
                                      .fold_bytes = 1 << 20};

static sentiment_model *load(const char *name)
{
    char path[2 * SCRATCH_PATH_SIZE];
    sentiment_model *model = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    snprintf(path, sizeof path, "%s/%s.pt", golden_folder, name);
    if (sn_model_load(path, NULL, &model, &error))
        fail_msg("%s: %s", path, error.message);
    return model;
}

static void *start(const sn_engine *engine, sentiment_model *model)
{
    void *state = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    if (engine->create(model, &cpu, &state, &error))
        fail_msg("%s: %s", engine->name, error.message);
    return state;
}

static void near(const float *actual, const float *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(actual[i] - expected[i]) <= TOLERANCE))
            fail_msg("number %zu: %.9g, expected %.9g", i, (double)actual[i],
                     (double)expected[i]);
}

static void check_golden(const sn_engine *engine, const char *group, const char *how)
{
    char name[128];
    golden want;
    snprintf(name, sizeof name, "%s/%s", golden_folder, group);
    golden_read(name, &want);
    snprintf(name, sizeof name, "%s/%s", group, how);
    sentiment_model *model = load(name);
    void *state = start(engine, model);
    float *logits = calloc(want.rows * want.classes, sizeof *logits);
    assert_non_null(logits);
    sn_rows rows = golden_rows(&want, 0, want.rows);
    assert_int_equal(engine->run(state, &rows, logits, NULL, NULL), SENTIMENT_OK);
    near(logits, want.logits, want.rows * want.classes);
    free(logits);
    engine->destroy(state);
    sn_model_release(model);
    golden_free(&want);
}

static void test_golden(void **state)
{
    (void)state;
    static const char *const files[][2] = {
        {"one", "script-1.13"},           {"one", "script-2.15"},
        {"one", "trace-2.15"},            {"one", "freeze-script-1.13"},
        {"one", "freeze-trace-1.13"},     {"one", "optimized-trace-1.13"},
        {"two", "freeze-trace-1.13"},     {"two", "freeze-trace-2.15"},
        {"two-bidirectional", "trace-2.15"},
        {"two-bidirectional", "freeze-trace-1.13"},
        {"two-bidirectional", "freeze-trace-2.15"},
        {"h1", "trace-1.13"},             {"h1", "freeze-trace-1.13"},
        {"h1", "optimized-trace-2.15"},   {"wrapped", "trace-1.13"},
        {"wrapped", "freeze-trace-1.13"}, {"equal-biases", "freeze-trace-1.13"},
        {"equal-biases", "freeze-trace-2.15"},
        {"float64", "freeze-trace-1.13"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        check_golden(&sn_engine_torch, files[i][0], files[i][1]);
        check_golden(&sn_engine_native, files[i][0], files[i][1]);
    }
    check_golden(&sn_engine_torch, "foreign", "bag-1.13");
    check_golden(&sn_engine_torch, "foreign", "bag-2.15");
    check_golden(&sn_engine_torch, "foreign", "pair"); /* (logits, something) */
    check_golden(&sn_engine_torch, "foreign", "half"); /* in float64, here */
}

/* Rows of many lengths at once: none may see another, and each answer must find its
 * row again. */
static void check_batch(const char *name)
{
    enum { ROWS = 60, LONGEST = 12 };
    int32_t ids[ROWS * LONGEST];
    uint64_t offsets[ROWS + 1] = {0};
    uint32_t totals[ROWS];
    float together[ROWS * 3], alone[3];
    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t length = row * 7 % LONGEST;
        totals[row] = row % 3 ? length : LONGEST; /* a third is padded */
        offsets[row + 1] = offsets[row] + length;
        for (uint64_t i = offsets[row]; i < offsets[row + 1]; i++)
            ids[i] = (int32_t)((i * 5 + row) % 30);
    }
    sentiment_model *model = load(name);
    void *state = start(&sn_engine_torch, model);
    const sn_rows all = {ids, offsets, totals, ROWS};
    assert_int_equal(sn_engine_torch.run(state, &all, together, NULL, NULL), SENTIMENT_OK);
    for (size_t row = 0; row < ROWS; row++) {
        const sn_rows one = {ids, offsets + row, totals + row, 1};
        assert_int_equal(sn_engine_torch.run(state, &one, alone, NULL, NULL), SENTIMENT_OK);
        near(together + row * 3, alone, 3);
    }
    sn_engine_torch.destroy(state);
    sn_model_release(model);
}

static void test_batches(void **state)
{
    (void)state;
    check_batch("one/script-2.15");
    check_batch("two-bidirectional/freeze-trace-1.13");
    check_batch("foreign/bag-1.13");
}

/* No position at all: the bias where the weights are known, else token 0. */
static void test_empty_rows(void **state)
{
    (void)state;
    const uint64_t offsets[3] = {0, 0, 1};
    const uint32_t totals[2] = {0, 1};
    const int32_t zero = 0;
    const sn_rows rows = {&zero, offsets, totals, 2};
    float logits[6];
    sentiment_model *model = load("one/trace-2.15");
    void *engine = start(&sn_engine_torch, model);
    assert_int_equal(sn_engine_torch.run(engine, &rows, logits, NULL, NULL), SENTIMENT_OK);
    assert_memory_equal(logits, model->weights.fc_bias, 3 * sizeof *logits);
    assert_memory_not_equal(logits, logits + 3, 3 * sizeof *logits);
    sn_engine_torch.destroy(engine);
    sn_model_release(model);

    model = load("foreign/bag-2.15");
    engine = start(&sn_engine_torch, model);
    assert_int_equal(sn_engine_torch.run(engine, &rows, logits, NULL, NULL), SENTIMENT_OK);
    near(logits, logits + 3, 3);
    sn_engine_torch.destroy(engine);
    sn_model_release(model);
}

static void misbehaves(const char *name, const char *says)
{
    const int32_t ids[] = {1, 2, 3, 4};
    const uint64_t offsets[] = {0, 2, 4};
    const uint32_t totals[] = {2, 2};
    const sn_rows rows = {ids, offsets, totals, 2};
    sentiment_error error = {.struct_size = sizeof error};
    float logits[6];
    sentiment_model *model = load(name);
    void *engine = start(&sn_engine_torch, model);
    sentiment_status status = sn_engine_torch.run(engine, &rows, logits, NULL, &error);
    if (status != SENTIMENT_ERROR_UNSUPPORTED && status != SENTIMENT_ERROR_BAD_MODEL)
        fail_msg("%s: status %d, \"%s\"", name, status, error.message);
    if (!strstr(error.message, says) || strchr(error.message, '\n'))
        fail_msg("%s: \"%s\" does not say \"%s\"", name, error.message, says);
    sn_engine_torch.destroy(engine);
    sn_model_release(model);
}

static void test_misbehaviour(void **state)
{
    (void)state;
    misbehaves("foreign/integers", "answers with a tensor of Long; expected logits, a "
                                   "floating-point tensor of shape [2, 3]");
    misbehaves("foreign/shape", "a tensor of shape [2, 2]; expected");
    misbehaves("foreign/number", "a value of type Int; expected");
    misbehaves("foreign/raises", "this program does not want to");
    misbehaves("foreign/twoinputs", "running the TorchScript program: ");
}

/* An id that the program's own embedding has not, whatever config.json says. */
static void test_foreign_exception(void **state)
{
    (void)state;
    const int32_t id = 1000000;
    const uint64_t offsets[] = {0, 1};
    const uint32_t total = 1;
    const sn_rows rows = {&id, offsets, &total, 1};
    sentiment_error error = {.struct_size = sizeof error};
    float logits[3];
    sentiment_model *model = load("one/script-1.13");
    void *engine = start(&sn_engine_torch, model);
    assert_int_equal(sn_engine_torch.run(engine, &rows, logits, NULL, &error),
                     SENTIMENT_ERROR_BAD_MODEL);
    assert_non_null(strstr(error.message, "index out of range"));
    /* It runs on with what it can do. */
    const int32_t good = 1;
    const sn_rows again = {&good, offsets, &total, 1};
    assert_int_equal(sn_engine_torch.run(engine, &again, logits, NULL, &error), SENTIMENT_OK);
    sn_engine_torch.destroy(engine);
    sn_model_release(model);
}

/* Bytes that our reader was never asked about: libtorch's refusal is an error too. */
static void test_damaged(void **state)
{
    (void)state;
    const sn_torch_plugin *plugin = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    void *engine = NULL;
    sentiment_model *model = load("one/script-1.13");
    assert_int_equal(sn_torch_plugin_get(&plugin, NULL), SENTIMENT_OK);
    for (size_t size = 0; size < model->script.size; size += 997) {
        const sn_plugin_script cut = {model->script.data, size, 3, NULL};
        assert_int_equal(plugin->create_script(&cut, NULL, 1, &engine, &error),
                         SENTIMENT_ERROR_BAD_MODEL);
        assert_null(engine);
        assert_non_null(strstr(error.message, "loading the TorchScript program: "));
        assert_null(strchr(error.message, '\n'));
    }
    const sn_plugin_script whole = {model->script.data, model->script.size, 3, NULL};
    assert_int_equal(plugin->create_script(&whole, "cuda:99", 1, &engine, &error),
                     SENTIMENT_ERROR_ENGINE_UNAVAILABLE);
    sn_model_release(model);
}

static void test_refusals(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    void *engine = NULL;
    const int32_t id = 1;
    float numbers[9];
    sentiment_model *model = load("foreign/bag-1.13");
    assert_int_equal(sn_engine_native.create(model, &cpu, &engine, &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_null(engine);
    assert_non_null(strstr(error.message, "this TorchScript program is not the classifier"));
    assert_non_null(strstr(error.message, "--engine torch if you trust it"));
    sn_engine_options int8 = cpu;
    int8.precision = SENTIMENT_PRECISION_INT8;
    assert_int_equal(sn_engine_native.create(model, &int8, &engine, &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_int_equal(sn_engine_torch.create(model, &int8, &engine, &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    engine = start(&sn_engine_torch, model);
    assert_int_equal(sn_engine_torch.explain(engine, &id, 1, 1, numbers, numbers + 3, numbers + 6,
                                             &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "TorchScript"));
    sn_engine_description description;
    sn_engine_torch.describe(engine, &description);
    assert_true(description.memory_bytes > model->script.size);
    sn_engine_torch.destroy(engine);
    sn_model_release(model);
}

static void test_cancel(void **state)
{
    (void)state;
    sentiment_cancel *cancel = NULL;
    const int32_t id = 1;
    const uint64_t offsets[] = {0, 1};
    const uint32_t total = 1;
    const sn_rows rows = {&id, offsets, &total, 1};
    float logits[3];
    sentiment_model *model = load("one/freeze-trace-1.13");
    void *engine = start(&sn_engine_torch, model);
    assert_int_equal(sentiment_cancel_create(&cancel, NULL), SENTIMENT_OK);
    assert_int_equal(sn_engine_torch.run(engine, &rows, logits, cancel, NULL), SENTIMENT_OK);
    sentiment_cancel_request(cancel);
    assert_int_equal(sn_engine_torch.run(engine, &rows, logits, cancel, NULL),
                     SENTIMENT_ERROR_CANCELLED);
    sentiment_cancel_free(cancel);
    sn_engine_torch.destroy(engine);
    sn_model_release(model);
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),       cmocka_unit_test(test_batches),
        cmocka_unit_test(test_empty_rows),   cmocka_unit_test(test_misbehaviour),
        cmocka_unit_test(test_damaged),      cmocka_unit_test(test_foreign_exception),
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_cancel),
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
