/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/base/tensor.c: sizes without overflow, every floating type converted
 * exactly, strides followed, and no NaN or infinity let through. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/tensor.h"

static sn_tensor vector(sn_dtype dtype, const void *data, uint64_t count)
{
    sn_tensor tensor = {.name = "t", .dtype = dtype, .rank = 1, .dims = {count}, .data = data};
    assert_true(sn_tensor_set_contiguous(&tensor));
    return tensor;
}

static void computes_strides(void **state)
{
    (void)state;
    sn_tensor tensor = {.name = "t", .dtype = SN_F32, .rank = 3, .dims = {2, 3, 5}};
    assert_true(sn_tensor_set_contiguous(&tensor));
    assert_int_equal(tensor.elements, 30);
    assert_int_equal(tensor.strides[0], 15);
    assert_int_equal(tensor.strides[1], 5);
    assert_int_equal(tensor.strides[2], 1);
    tensor.rank = 0;
    assert_true(sn_tensor_set_contiguous(&tensor));
    assert_int_equal(tensor.elements, 1);
}

static void refuses_overflow(void **state)
{
    (void)state;
    sn_tensor tensor = {.name = "t", .dtype = SN_F64, .rank = 2};
    tensor.dims[0] = tensor.dims[1] = (uint64_t)1 << 32;
    assert_false(sn_tensor_set_contiguous(&tensor));
    tensor.dims[0] = (uint64_t)1 << 30;
    tensor.dims[1] = (uint64_t)1 << 32;
    assert_false(sn_tensor_set_contiguous(&tensor));
    tensor.dims[0] = 0;
    tensor.dims[1] = UINT64_MAX;
    assert_true(sn_tensor_set_contiguous(&tensor));
    assert_int_equal(tensor.elements, 0);
}

/* binary16 bit patterns with their values (IEEE 754, table of extremes). */
static void converts_half(void **state)
{
    (void)state;
    static const uint16_t bits[] = {0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0400,
                                    0x03ff, 0x0001, 0x8001, 0x3555, 0xfbff};
    static const float expected[] = {0,         -0.0f,     1,          -2,         65504, 0x1p-14f,
                                     0x1.ff8p-15f, 0x1p-24f, -0x1p-24f, 0x1.554p-2f, -65504};
    float out[11];
    sn_tensor tensor = vector(SN_F16, bits, 11);
    assert_int_equal(sn_tensor_to_f32(&tensor, out, NULL), SENTIMENT_OK);
    assert_memory_equal(out, expected, sizeof expected);
}

static void converts_the_others(void **state)
{
    (void)state;
    static const uint16_t brain[] = {0x3f80, 0xc049, 0x0001};
    static const double wide[] = {0.1, -1e-300, 3};
    float out[3];
    sn_tensor tensor = vector(SN_BF16, brain, 3);
    assert_int_equal(sn_tensor_to_f32(&tensor, out, NULL), SENTIMENT_OK);
    assert_true(out[0] == 1 && out[1] == -3.140625f && out[2] == 0x1p-133f);
    tensor = vector(SN_F64, wide, 3);
    assert_int_equal(sn_tensor_to_f32(&tensor, out, NULL), SENTIMENT_OK);
    assert_true(out[0] == 0.1f && out[1] == 0 && out[2] == 3);
}

static void reads_unaligned(void **state)
{
    (void)state;
    char raw[13];
    const float values[] = {1.5f, -2.25f, 1e-40f};
    float out[3];
    memcpy(raw + 1, values, sizeof values);
    sn_tensor tensor = vector(SN_F32, raw + 1, 3);
    assert_int_equal(sn_tensor_to_f32(&tensor, out, NULL), SENTIMENT_OK);
    assert_memory_equal(out, values, sizeof values);
}

static void follows_strides(void **state)
{
    (void)state;
    const float values[] = {1, 2, 3, 4, 5, 6};
    const float transposed[] = {1, 4, 2, 5, 3, 6}, sliced[] = {2, 5};
    float out[6];
    sn_tensor tensor = {.name = "t", .dtype = SN_F32, .rank = 2, .dims = {3, 2}};
    tensor.strides[0] = 1;
    tensor.strides[1] = 3;
    tensor.elements = 6;
    tensor.data = (const uint8_t *)values;
    assert_int_equal(sn_tensor_to_f32(&tensor, out, NULL), SENTIMENT_OK);
    assert_memory_equal(out, transposed, sizeof transposed);
    sn_tensor column = vector(SN_F32, values + 1, 2);
    column.strides[0] = 3;
    assert_int_equal(sn_tensor_to_f32(&column, out, NULL), SENTIMENT_OK);
    assert_memory_equal(out, sliced, sizeof sliced);
}

static void refuse_value(sn_dtype dtype, const void *data)
{
    float out[1];
    sentiment_error error = {.struct_size = sizeof error};
    sn_tensor tensor = vector(dtype, data, 1);
    assert_int_equal(sn_tensor_to_f32(&tensor, out, &error), SENTIMENT_ERROR_BAD_MODEL);
    assert_non_null(strstr(error.message, "'t'"));
}

static void refuses_what_is_not_finite(void **state)
{
    (void)state;
    const float nan32 = NAN, infinite = -INFINITY;
    const double too_large = 1e39, nan64 = NAN;
    const uint16_t half = 0x7c00, half_nan = 0xfe00, brain = 0x7f80;
    refuse_value(SN_F32, &nan32);
    refuse_value(SN_F32, &infinite);
    refuse_value(SN_F64, &too_large);
    refuse_value(SN_F64, &nan64);
    refuse_value(SN_F16, &half);
    refuse_value(SN_F16, &half_nan);
    refuse_value(SN_BF16, &brain);
}

static void refuses_integers(void **state)
{
    (void)state;
    static const sn_dtype integers[] = {SN_I64, SN_I32, SN_I16, SN_I8,  SN_U64,
                                        SN_U32, SN_U16, SN_U8,  SN_BOOL};
    uint64_t zero = 0;
    float out[1];
    for (size_t i = 0; i < 9; i++) {
        sentiment_error error = {.struct_size = sizeof error};
        sn_tensor tensor = vector(integers[i], &zero, 1);
        assert_int_equal(sn_tensor_to_f32(&tensor, out, &error), SENTIMENT_ERROR_UNSUPPORTED);
        assert_non_null(strstr(error.message, sn_dtype_name(integers[i])));
    }
}

static void copies_bytes(void **state)
{
    (void)state;
    static const int8_t data[6] = {-128, -1, 0, 1, 100, 127};
    int8_t out[6];
    sn_tensor tensor = {.name = "t", .dtype = SN_I8, .rank = 2, .dims = {2, 3}};
    tensor.data = (const uint8_t *)data;
    assert_true(sn_tensor_set_contiguous(&tensor));
    sn_tensor_to_i8(&tensor, out);
    assert_memory_equal(out, data, sizeof data);
    /* Transposed: [3][2]. */
    tensor.dims[0] = 3, tensor.dims[1] = 2;
    tensor.strides[0] = 1, tensor.strides[1] = 3;
    static const int8_t turned[6] = {-128, 1, -1, 100, 0, 127};
    sn_tensor_to_i8(&tensor, out);
    assert_memory_equal(out, turned, sizeof turned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_strides),  cmocka_unit_test(refuses_overflow),
        cmocka_unit_test(converts_half),     cmocka_unit_test(converts_the_others),
        cmocka_unit_test(reads_unaligned),   cmocka_unit_test(follows_strides),
        cmocka_unit_test(refuses_integers),  cmocka_unit_test(refuses_what_is_not_finite),
        cmocka_unit_test(copies_bytes),
    };
    return cmocka_run_group_tests_name("tensor", tests, NULL, NULL);
}
