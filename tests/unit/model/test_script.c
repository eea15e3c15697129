/* SPDX-License-Identifier: Apache-2.0
 *
 * Models from TorchScript archives: with weights where the archive holds the
 * classifier, without where its program is something else; what needs weights
 * then says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/model.h"
#include "support/faulty_allocator.h"
#include "support/scratch.h"

static char folder[SCRATCH_PATH_SIZE];
static char warning[512];

static void note(void *user, int32_t level, const char *message)
{
    (void)user;
    assert_int_equal(level, SENTIMENT_LOG_WARNING);
    snprintf(warning, sizeof warning, "%s", message);
}

static const char *golden(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/torchscript/%s", GOLDEN_FOLDER, name);
    return path;
}

static sentiment_model *load(const char *name)
{
    sentiment_model *model = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = {.struct_size = sizeof options, .log = note};
    warning[0] = '\0';
    if (sn_model_load(golden(name), &options, &model, &error))
        fail_msg("%s", error.message);
    assert_string_equal(model->format, "torchscript");
    assert_true(model->script.size > 0);
    assert_true(model->memory_bytes > model->script.size);
    return model;
}

/* The archive and the state dict of one module: the same arena, bit for bit. */
static void expect_weights(const char *name, const char *other)
{
    sentiment_model *script = load(name), *state = NULL;
    assert_int_equal(sn_model_load(golden(other), NULL, &state, NULL), SENTIMENT_OK);
    assert_null(script->foreign);
    assert_string_equal(warning, "");
    assert_int_equal(state->script.size, 0);
    assert_int_equal(script->weights.parameters, state->weights.parameters);
    assert_memory_equal(&script->config, &state->config, sizeof script->config);
    assert_memory_equal(script->storage, state->storage,
                        state->weights.parameters * sizeof(float));
    sn_model_release(script);
    sn_model_release(state);
}

static void test_weights(void **state)
{
    (void)state;
    expect_weights("one/script-2.15.pt", "one");
    expect_weights("one/optimized-trace-1.13.pt", "one/model.pth");
    expect_weights("two-bidirectional/freeze-trace-2.15.pt", "two-bidirectional");
    expect_weights("wrapped/trace-1.13.pt", "wrapped");
    expect_weights("equal-biases/freeze-trace-1.13.pt", "equal-biases");
    expect_weights("float64/freeze-trace-1.13.pt", "float64");
}

static void expect_foreign(const char *name, const char *says)
{
    sentiment_model *model = load(name), *quantized = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    if (!model->foreign || !strstr(model->foreign, says))
        fail_msg("%s: no \"%s\" in \"%s\"", name, says, model->foreign);
    assert_non_null(strstr(warning, model->foreign));
    assert_int_equal(model->weights.parameters, 0);
    assert_null(model->weights.embedding);
    assert_null(model->weights.fc_bias);
    assert_int_equal(model->config.num_classes, 3);
    assert_int_equal(model->config.vocab_size, 30);
    assert_string_equal(model->labels[2], "2");
    const char *path = scratch_path(folder, "saved.safetensors");
    assert_int_equal(sn_model_save(model, path, NULL, &error), SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "saving: this TorchScript program is not"));
    assert_non_null(strstr(error.message, "--engine torch"));
    assert_int_equal(scratch_count(folder), 0);
    assert_int_equal(sn_model_quantize(model, NULL, &quantized, &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "quantizing: this TorchScript program is not"));
    assert_null(quantized);
    sn_model_release(model);
}

static void test_foreign(void **state)
{
    (void)state;
    expect_foreign("foreign/bag-2.15.pt", "'lstm.weight_hh_l0' is missing");
    expect_foreign("foreign/attention.pt", "'attention.weight' is none of the classifier's");
    expect_foreign("foreign/scaled.pt", "tensors besides");
    expect_foreign("foreign/square.pt", "transposed");
    expect_foreign("foreign/loads.pt", "state itself");
    expect_foreign("quantized/trace.pt", "quantized");
}

/* A golden archive beside a config.json of this text; the message, or "". */
static const char *load_with_config(const char *archive, const char *config,
                                    sentiment_model **model)
{
    static sentiment_error error;
    size_t size, words_size;
    void *bytes = scratch_read(golden(archive), &size);
    void *words = scratch_read(golden("foreign/tokenizer.pkl"), &words_size);
    scratch_write(scratch_path(folder, "any-name"), bytes, size);
    scratch_write(scratch_path(folder, "tokenizer.pkl"), words, words_size);
    scratch_write(scratch_path(folder, "config.json"), config, strlen(config));
    free(bytes);
    free(words);
    *model = NULL;
    error = (sentiment_error){.struct_size = sizeof error};
    return sn_model_load(scratch_path(folder, "any-name"), NULL, model, &error) ? error.message
                                                                                : "";
}

#define SIZES "\"vocab_size\":30,\"embedding_dim\":3,\"hidden_size\":2"

static void test_config(void **state)
{
    (void)state;
    sentiment_model *model;
    const char *sizes = "{\"model_params\":{" SIZES ",\"num_classes\":4,\"num_layers\":7,"
                        "\"bidirectional\":true},\"padding\":\"none\",\"max_length\":9}";
    assert_string_equal(load_with_config("foreign/bag-1.13.pt", sizes, &model), "");
    assert_int_equal(model->config.num_classes, 4);
    assert_int_equal(model->config.num_layers, 7);
    assert_int_equal(model->config.directions, 2);
    assert_int_equal(model->config.padding, SENTIMENT_PADDING_NONE);
    assert_int_equal(model->config.max_length, 9);
    sn_model_release(model);
    /* Sizes that contradict weights, labels that contradict sizes, words beyond them. */
    assert_non_null(strstr(load_with_config("wrapped/trace-1.13.pt", sizes, &model),
                           "num_classes is 4, but the weights have 3"));
    const char *labels = "{\"model_params\":{" SIZES ",\"num_classes\":4},\"labels\":[\"a\"]}";
    assert_non_null(strstr(load_with_config("foreign/bag-1.13.pt", labels, &model),
                           "1 labels were given for 4 classes"));
    const char *few = "{\"model_params\":{\"vocab_size\":5,\"embedding_dim\":3,"
                      "\"hidden_size\":2,\"num_classes\":4}}";
    assert_non_null(strstr(load_with_config("foreign/bag-1.13.pt", few, &model), "vocab_size 30"));
    assert_non_null(strstr(load_with_config("foreign/bag-1.13.pt", "{}", &model), "model_params"));
    scratch_remove(folder);
    scratch_make(folder);
}

static void fail_each_allocation(const char *name)
{
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        sentiment_model_options options = {.struct_size = sizeof options, .allocator = &hooks};
        sentiment_model *model = NULL;
        sentiment_status status = sn_model_load(golden(name), &options, &model, NULL);
        sn_model_release(model);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        assert_int_equal(status, faulty_allocator_failed(&faulty) ? SENTIMENT_ERROR_OUT_OF_MEMORY
                                                                  : SENTIMENT_OK);
        if (!faulty_allocator_failed(&faulty))
            break;
    }
}

static void test_memory(void **state)
{
    (void)state;
    fail_each_allocation("wrapped/trace-1.13.pt");
    fail_each_allocation("h1/freeze-trace-1.13.pt");
    fail_each_allocation("foreign/bag-1.13.pt");
}

/* The archive stays mapped while the model lives. */
static void test_mapped(void **state)
{
    (void)state;
    sentiment_model_options options = {.struct_size = sizeof options, .use_mmap = 1};
    sentiment_model *model = NULL;
    size_t size;
    uint8_t *bytes = scratch_read(golden("one/trace-2.15.pt"), &size);
    assert_int_equal(sn_model_load(golden("one/trace-2.15.pt"), &options, &model, NULL), 0);
    assert_int_equal(model->script.size, size);
    assert_memory_equal(model->script.data, bytes, size);
    sn_model_release(model);
    free(bytes);
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights), cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_config),  cmocka_unit_test(test_memory),
        cmocka_unit_test(test_mapped),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
