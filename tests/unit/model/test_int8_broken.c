/* SPDX-License-Identifier: Apache-2.0
 *
 * Native files of int8 models whose promises are broken, one at a time: scales,
 * values, types, scheme and precision. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "formats/formats.h"
#include "sample.h"
#include "support/scratch.h"

static char folder[SCRATCH_PATH_SIZE];
static sn_bundle broken;
/* What spoiled tensors point to. */
static union {
    int8_t bytes[256];
    float floats[64];
} spoiled;

static sn_tensor *tensor_named(const char *name)
{
    for (size_t i = 0; i < broken.tensor_count; i++)
        if (strcmp(broken.tensors[i].name, name) == 0)
            return &broken.tensors[i];
    fail_msg("%s", name);
    return NULL;
}

/* A tensor whose bytes may be changed. */
static sn_tensor *spoil(const char *name)
{
    sn_tensor *tensor = tensor_named(name);
    size_t size = (size_t)tensor->elements * sn_dtype_size(tensor->dtype);
    assert_true(size <= sizeof spoiled);
    memcpy(&spoiled, tensor->data, size);
    tensor->data = (const uint8_t *)&spoiled;
    return tensor;
}

static void set_pair(const char *key, const char *value)
{
    for (size_t i = 0; i < broken.metadata_count; i++)
        if (strcmp(broken.metadata[i].key, key) == 0) {
            sn_free(broken.memory, broken.metadata[i].value);
            broken.metadata[i].value = sn_duplicate(broken.memory, value, strlen(value));
            return;
        }
    fail_msg("%s", key);
}

static void begin(void)
{
    const sn_read_options options = {0};
    broken = (sn_bundle){.memory = &sn_memory_default};
    assert_int_equal(
        sn_formats_read_path(scratch_path(folder, "good.safetensors"), &options, &broken, NULL),
        SENTIMENT_OK);
}

/* Loads the bundle, forgets it and reads a fresh one. */
static void refuse(sentiment_status code, const char *text)
{
    sentiment_model *model = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_status status = sn_model_from_bundle(&broken, NULL, &model, &error);
    if (status != code || !strstr(error.message, text))
        fail_msg("got %d '%s', expected %d '%s'", status, status ? error.message : "", code, text);
    assert_null(model);
    sn_bundle_free(&broken);
    begin();
}

static int set_up(void **state)
{
    (void)state;
    sentiment_model *model = sample_create(1, 0), *made = NULL;
    scratch_make(folder);
    assert_int_equal(sn_model_quantize(model, NULL, &made, NULL), SENTIMENT_OK);
    assert_int_equal(sn_model_save(made, scratch_path(folder, "good.safetensors"), NULL, NULL),
                     SENTIMENT_OK);
    sn_model_release(model);
    sn_model_release(made);
    begin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sn_bundle_free(&broken);
    scratch_remove(folder);
    return 0;
}

static const char *const matrices[] = {"embedding.weight", "lstm.weight_ih_l0",
                                       "lstm.weight_hh_l0"};

static void refuses_missing_and_stray_scales(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char name[64], text[160];
        snprintf(name, sizeof name, "%s_scale", matrices[i]);
        snprintf(text, sizeof text, "tensor '%s' is missing", name);
        tensor_named(name)->name = "other";
        refuse(SENTIMENT_ERROR_BAD_MODEL, text);
        snprintf(text, sizeof text, "tensor '%s' has shape", name);
        tensor_named(name)->dims[0]--;
        assert_true(sn_tensor_set_contiguous(tensor_named(name)));
        refuse(SENTIMENT_ERROR_SHAPE_MISMATCH, text);
        snprintf(text, sizeof text, "tensor '%s' has shape", matrices[i]);
        sn_tensor *matrix = tensor_named(matrices[i]);
        matrix->rank = 1;
        matrix->dims[0] *= matrix->dims[1];
        assert_true(sn_tensor_set_contiguous(matrix));
        sentiment_model *model = NULL;
        assert_int_equal(sn_model_from_bundle(&broken, NULL, &model, NULL),
                         SENTIMENT_ERROR_SHAPE_MISMATCH);
        sn_bundle_free(&broken);
        begin();
    }
    /* The vocabulary's tensors have left room behind the others. */
    sn_tensor stray = *tensor_named("fc.bias");
    stray.name = "fc.weight_scale";
    broken.tensors[broken.tensor_count++] = stray;
    refuse(SENTIMENT_ERROR_BAD_MODEL, "'fc.weight_scale' has no place");
}

static void refuses_bad_scales(void **state)
{
    (void)state;
    static const struct {
        float value;
        const char *text;
    } bad[] = {{-1.0f, "element 4 is negative"},
               {-0.0f, "element 4 is negative"},
               {NAN, "element 4 is not a finite float32"},
               {INFINITY, "element 4 is not a finite float32"},
               {0.0f, "of row 4 is"}};
    for (size_t i = 0; i < 3; i++)
        for (size_t b = 0; b < sizeof bad / sizeof *bad; b++) {
            char name[64];
            snprintf(name, sizeof name, "%s_scale", matrices[i]);
            spoil(name);
            spoiled.floats[4] = bad[b].value;
            refuse(SENTIMENT_ERROR_BAD_MODEL, bad[b].text);
        }
}

static void refuses_bad_values(void **state)
{
    (void)state;
    spoil("embedding.weight");
    spoiled.bytes[10] = -128;
    refuse(SENTIMENT_ERROR_BAD_MODEL,
           "'embedding.weight': element 1 of row 3 is -128; expected -127 to 127");
    for (size_t i = 1; i < 3; i++) {
        sn_tensor *matrix = spoil(matrices[i]);
        spoiled.bytes[matrix->elements - 1] = -128;
        refuse(SENTIMENT_ERROR_BAD_MODEL, "of row 19 is -128");
    }
}

static void refuses_wrong_types(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        char name[64], text[160];
        tensor_named(matrices[i])->dtype = SN_U8;
        snprintf(text, sizeof text, "tensor '%s' has type uint8; expected int8", matrices[i]);
        refuse(SENTIMENT_ERROR_BAD_MODEL, text);
        snprintf(name, sizeof name, "%s_scale", matrices[i]);
        snprintf(text, sizeof text, "tensor '%s' has type float16; expected float32", name);
        tensor_named(name)->dtype = SN_F16;
        refuse(SENTIMENT_ERROR_BAD_MODEL, text);
    }
    /* Matrices in int8 without the key are some other program's. */
    broken.native = 0;
    for (size_t i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s_scale", matrices[i]);
        tensor_named(name)->name = "other";
    }
    refuse(SENTIMENT_ERROR_UNSUPPORTED, "'embedding.weight' has type int8");
}

static void refuses_other_schemes(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        sentiment_status code;
    } schemes[] = {
        {"{\"scheme\":\"int8-rows\",\"version\":2}", SENTIMENT_ERROR_UNSUPPORTED},
        {"{\"scheme\":\"int8-rows\",\"version\":0}", SENTIMENT_ERROR_UNSUPPORTED},
        {"{\"scheme\":\"int4\",\"version\":1}", SENTIMENT_ERROR_UNSUPPORTED},
        {"{\"scheme\":\"int8-rows\",\"version\":1,\"zero\":1}", SENTIMENT_ERROR_UNSUPPORTED},
        {"{\"scheme\":\"int8-rows\",\"version\":1.0}", SENTIMENT_ERROR_BAD_MODEL},
        {"{\"scheme\":\"int8-rows\"}", SENTIMENT_ERROR_BAD_MODEL},
        {"{\"version\":1}", SENTIMENT_ERROR_BAD_MODEL},
        {"int8", SENTIMENT_ERROR_BAD_MODEL},
        {"[]", SENTIMENT_ERROR_BAD_MODEL},
        {"", SENTIMENT_ERROR_BAD_MODEL},
    };
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        set_pair("quantization", schemes[i].value);
        refuse(schemes[i].code, "'quantization'");
    }
}

static void holds_the_precision_against_the_weights(void **state)
{
    (void)state;
    char *at = strstr(broken.config, "\"int8\"");
    assert_non_null(at);
    memcpy(at, "\"fp32\"", 6);
    refuse(SENTIMENT_ERROR_BAD_MODEL, "precision is 'fp32', but the weights are int8");
    /* Without it the weights decide. */
    at = strstr(broken.config, ",\"precision\":\"int8\"");
    assert_non_null(at);
    memset(at, ' ', strlen(",\"precision\":\"int8\""));
    sentiment_model *model = NULL;
    assert_int_equal(sn_model_from_bundle(&broken, NULL, &model, NULL), SENTIMENT_OK);
    assert_int_equal(model->precision, SENTIMENT_PRECISION_INT8);
    sn_model_release(model);
}

#define BROKEN_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BROKEN_TEST(refuses_missing_and_stray_scales),
        BROKEN_TEST(refuses_bad_scales),
        BROKEN_TEST(refuses_bad_values),
        BROKEN_TEST(refuses_wrong_types),
        BROKEN_TEST(refuses_other_schemes),
        BROKEN_TEST(holds_the_precision_against_the_weights),
    };
    return cmocka_run_group_tests_name("int8-broken", tests, NULL, NULL);
}
