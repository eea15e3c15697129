/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader and the writer of model.pth: every layout that PyTorch writes
 * gives the same numbers, every hostile file an error with a place in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "formats/pth.h"
#include "golden_files.h"

static const sn_read_options strict = {0};

static sentiment_status read_with(const uint8_t *data, size_t size, const sn_memory *memory,
                                  const sn_read_options *options, sn_bundle *bundle,
                                  sentiment_error *error)
{
    sn_bytes bytes;
    *bundle = (sn_bundle){.memory = memory};
    sn_bytes_borrow(data, size, NULL, NULL, &bytes);
    sentiment_status status = sn_pth_read(&bytes, options, bundle, error);
    if (status) {
        /* Nothing was taken over, nothing half-made is left. */
        assert_ptr_equal(bytes.data, data);
        assert_null(bundle->tensors);
        assert_null(bundle->names);
        assert_null(bundle->file.data);
        assert_null(bundle->format);
    } else {
        assert_ptr_equal(bundle->file.data, data);
    }
    return status;
}

static sentiment_status read_file(const golden_file *file, sn_bundle *bundle,
                                  sentiment_error *error)
{
    return read_with(file->data, file->size, &sn_memory_default, &strict, bundle, error);
}

static void expect_floats(const sn_bundle *bundle, const char *name, const float *expected,
                          size_t count)
{
    float values[16];
    const sn_tensor *tensor = sn_bundle_find(bundle, name);
    assert_non_null(tensor);
    assert_int_equal(tensor->elements, count);
    assert_int_equal(sn_tensor_to_f32(tensor, values, NULL), SENTIMENT_OK);
    assert_memory_equal(values, expected, count * sizeof *expected);
}

/* What every file of golden/pth holds. */
static void expect_golden(const sn_bundle *bundle)
{
    float a[12];
    static const float b[] = {1, -1};
    for (int i = 0; i < 12; i++)
        a[i] = (float)i / 2 - 2;
    expect_floats(bundle, "a", a, 12);
    expect_floats(bundle, "b", b, 2);
    const sn_tensor *tensor = sn_bundle_find(bundle, "a");
    assert_int_equal(tensor->rank, 2);
    assert_int_equal(tensor->dims[0], 3);
    assert_int_equal(tensor->dims[1], 4);
}

static void read_golden(const golden_file *file)
{
    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    if (read_file(file, &bundle, &error))
        fail_msg("%s: %s", file->name, error.message);
    _Bool legacy = strncmp(file->name, "legacy", 6) == 0;
    assert_string_equal(bundle.format, legacy ? "pytorch-legacy" : "pytorch");
    expect_golden(&bundle);
    sn_bundle_free(&bundle);
}

static void test_layouts(void **state)
{
    (void)state;
    assert_true(golden_each("pth", read_golden) >= 15);
}

static void test_types(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        sn_dtype dtype;
    } expected[] = {{"a", SN_F64},   {"b", SN_F16},   {"bf16", SN_BF16}, {"i64", SN_I64},
                    {"i32", SN_I32}, {"i16", SN_I16}, {"i8", SN_I8},     {"u8", SN_U8},
                    {"flag", SN_BOOL}, {"empty", SN_F32}};
    golden_file file = golden_read("pth/types.pth");
    sn_bundle bundle;
    assert_int_equal(read_file(&file, &bundle, NULL), SENTIMENT_OK);
    assert_int_equal(bundle.tensor_count, 10);
    for (size_t i = 0; i < 10; i++) {
        const sn_tensor *tensor = sn_bundle_find(&bundle, expected[i].name);
        assert_non_null(tensor);
        assert_int_equal(tensor->dtype, expected[i].dtype);
    }
    assert_int_equal(sn_bundle_find(&bundle, "empty")->elements, 0);
    assert_int_equal(sn_bundle_find(&bundle, "i64")->rank, 0);
    assert_int_equal(sn_bundle_find(&bundle, "i64")->data[0], 7);
    sn_bundle_free(&bundle);
    golden_free(&file);
}

/* Values that are no tensors are walked over. */
static void test_extras(void **state)
{
    (void)state;
    golden_file file = golden_read("pth/extras.pth");
    sn_bundle bundle;
    assert_int_equal(read_file(&file, &bundle, NULL), SENTIMENT_OK);
    assert_int_equal(bundle.tensor_count, 2);
    sn_bundle_free(&bundle);
    golden_free(&file);
}

static void read_guide(const golden_file *file)
{
    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    if (read_file(file, &bundle, &error))
        fail_msg("%s: %s", file->name, error.message);
    const sn_tensor *embedding = sn_bundle_find(&bundle, "embedding.weight");
    assert_non_null(embedding);
    assert_int_equal(embedding->rank, 2);
    assert_non_null(sn_bundle_find(&bundle, "lstm.weight_hh_l0"));
    assert_non_null(sn_bundle_find(&bundle, "fc.bias"));
    for (size_t i = 0; i < bundle.tensor_count; i++) {
        float *values = malloc(bundle.tensors[i].elements * sizeof *values);
        assert_non_null(values);
        assert_int_equal(sn_tensor_to_f32(&bundle.tensors[i], values, NULL), SENTIMENT_OK);
        free(values);
    }
    sn_bundle_free(&bundle);
}

static void test_guides(void **state)
{
    (void)state;
    assert_true(golden_each_guide("model.pth", read_guide) >= 20);
}

/* A message has a place in it: a byte, an entry or a tensor. */
static void expect_refused(const golden_file *file)
{
    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_status status = read_file(file, &bundle, &error);
    if (status != SENTIMENT_ERROR_BAD_MODEL && status != SENTIMENT_ERROR_UNSUPPORTED)
        fail_msg("%s was read with status %d", file->name, status);
    assert_int_equal(error.code, status);
    if (!strstr(error.message, "byte ") && !strstr(error.message, "entry "))
        fail_msg("%s: no place in \"%s\"", file->name, error.message);
    if (getenv("SHOW_MESSAGES"))
        print_message("%-32s %s\n", file->name, error.message);
}

static void test_invalid(void **state)
{
    (void)state;
    assert_true(golden_each("invalid/zip", expect_refused) >= 50);
    assert_true(golden_each("invalid/pth", expect_refused) >= 130);
}

static void expect_message(const char *name, sentiment_status code, const char *part)
{
    golden_file file = golden_read(name);
    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(read_file(&file, &bundle, &error), code);
    if (!strstr(error.message, part))
        fail_msg("%s: no \"%s\" in \"%s\"", name, part, error.message);
    golden_free(&file);
}

static void test_messages(void **state)
{
    (void)state;
    expect_message("invalid/pth/system.pth", SENTIMENT_ERROR_BAD_MODEL,
                   "data.pkl: byte 2: global 'os.system' is not allowed");
    expect_message("invalid/pth/quantized-tensor.pth", SENTIMENT_ERROR_UNSUPPORTED,
                   "convert the file of the unquantized model");
    expect_message("invalid/pth/quantized-packed.pth", SENTIMENT_ERROR_UNSUPPORTED,
                   "torch.ScriptObject");
    expect_message("invalid/pth/torchscript.pth", SENTIMENT_ERROR_UNSUPPORTED, "TorchScript");
    expect_message("invalid/pth/torchscript-code.pth", SENTIMENT_ERROR_UNSUPPORTED,
                   "m/code/__torch__.py");
    expect_message("invalid/pth/whole-module.pth", SENTIMENT_ERROR_BAD_MODEL, "state_dict()");
    expect_message("invalid/zip/tar.pth", SENTIMENT_ERROR_UNSUPPORTED, "tar");
    expect_message("invalid/zip/deflated-storage.pth", SENTIMENT_ERROR_UNSUPPORTED, "'m/data/0'");
    expect_message("invalid/zip/crc-wrong.pth", SENTIMENT_ERROR_BAD_MODEL, "expected 00000001");
    expect_message("invalid/pth/stride-0-huge.pth", SENTIMENT_ERROR_BAD_MODEL, "'fc.weight'");
}

static void test_missing_crc(void **state)
{
    (void)state;
    golden_file file = golden_read("invalid/zip/crc-missing.pth");
    sn_read_options lenient = {.allow_missing_crc = 1};
    sn_bundle bundle;
    assert_int_equal(read_with(file.data, file.size, &sn_memory_default, &lenient, &bundle, NULL),
                     SENTIMENT_OK);
    sn_bundle_free(&bundle);
    golden_free(&file);
    file = golden_read("invalid/zip/crc-wrong.pth");
    assert_int_equal(read_with(file.data, file.size, &sn_memory_default, &lenient, &bundle, NULL),
                     SENTIMENT_ERROR_BAD_MODEL);
    golden_free(&file);
}

static void test_cancel(void **state)
{
    (void)state;
    static const char *const names[] = {"pth/module.pth", "pth/legacy.pth"};
    sentiment_cancel *cancel;
    assert_int_equal(sentiment_cancel_create(&cancel, NULL), SENTIMENT_OK);
    sentiment_cancel_request(cancel);
    for (size_t i = 0; i < 2; i++) {
        golden_file file = golden_read(names[i]);
        sn_read_options options = {.cancel = cancel};
        sn_bundle bundle;
        assert_int_equal(
            read_with(file.data, file.size, &sn_memory_default, &options, &bundle, NULL),
            SENTIMENT_ERROR_CANCELLED);
        golden_free(&file);
    }
    sentiment_cancel_free(cancel);
}

/* Cut anywhere, a file is refused. */
static void test_truncated(void **state)
{
    (void)state;
    static const char *const names[] = {"pth/ordered.pth", "pth/legacy.pth"};
    for (size_t n = 0; n < 2; n++) {
        golden_file file = golden_read(names[n]);
        for (size_t size = 0; size < file.size; size++) {
            uint8_t *cut = golden_copy(file.data, size);
            sn_bundle bundle;
            sentiment_error error = {.struct_size = sizeof error};
            assert_int_equal(
                read_with(cut, size, &sn_memory_default, &strict, &bundle, &error),
                SENTIMENT_ERROR_BAD_MODEL);
            assert_true(strlen(error.message) > 0);
            free(cut);
        }
        golden_free(&file);
    }
}

/* One byte changed: refused, or read within bounds. The archive's CRC catches
 * what is inside an entry; the legacy layout has none. */
static void change_bytes(const char *name, uint8_t mask, _Bool check_values)
{
    golden_file file = golden_read(name);
    for (size_t i = 0; i < file.size; i++) {
        file.data[i] ^= mask;
        sn_bundle bundle;
        sentiment_error error = {.struct_size = sizeof error};
        sentiment_status status = read_file(&file, &bundle, &error);
        if (!status) {
            if (check_values)
                expect_golden(&bundle);
            for (size_t t = 0; t < bundle.tensor_count && bundle.tensors[t].dtype <= SN_BF16; t++) {
                assert_true(bundle.tensors[t].elements <= 64);
                float values[64];
                (void)sn_tensor_to_f32(&bundle.tensors[t], values, NULL);
            }
            sn_bundle_free(&bundle);
        } else {
            assert_true(strlen(error.message) > 0);
        }
        file.data[i] ^= mask;
    }
    golden_free(&file);
}

static void test_changed(void **state)
{
    (void)state;
    change_bytes("pth/ordered.pth", 0x01, 1);
    change_bytes("pth/ordered.pth", 0xff, 1);
    for (uint8_t bit = 0; bit < 8; bit++)
        change_bytes("pth/legacy.pth", (uint8_t)(1 << bit), 0);
}

static void fail_each_allocation(const char *name)
{
    golden_file file = golden_read(name);
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sn_memory memory = golden_faulty_memory(&faulty);
        sn_bundle bundle;
        sentiment_status status =
            read_with(file.data, file.size, &memory, &strict, &bundle, NULL);
        if (!status)
            sn_bundle_free(&bundle);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        assert_int_equal(status, faulty_allocator_failed(&faulty) ? SENTIMENT_ERROR_OUT_OF_MEMORY
                                                                  : SENTIMENT_OK);
        if (!faulty_allocator_failed(&faulty))
            break;
    }
    golden_free(&file);
}

static void test_memory(void **state)
{
    (void)state;
    fail_each_allocation("pth/module.pth");
    fail_each_allocation("pth/legacy.pth");
    fail_each_allocation("guide/two-layer-bidirectional/model.pth");
}

/* The machine's memory is linear in the file: 64 MiB are far away. */
static void test_memory_bound(void **state)
{
    (void)state;
    golden_file file = golden_read("invalid/pth/stack-flood.pth");
    faulty_allocator counter = {0};
    sn_memory memory = golden_faulty_memory(&counter);
    sn_bundle bundle;
    assert_int_equal(read_with(file.data, file.size, &memory, &strict, &bundle, NULL),
                     SENTIMENT_ERROR_BAD_MODEL);
    assert_true(faulty_allocator_calls(&counter) < 100);
    golden_free(&file);
}

/* ------------------------------------------------------------------ writing */

static const float numbers[] = {1.5f, -2, 0, 1e-30f, 3, 4};

static size_t make_tensors(sn_tensor tensors[3])
{
    memset(tensors, 0, 3 * sizeof *tensors);
    tensors[0] = (sn_tensor){.name = "fc.weight", .dtype = SN_F32, .rank = 2, .dims = {2, 3}};
    tensors[1] = (sn_tensor){.name = "fc.bias", .dtype = SN_F32, .rank = 1, .dims = {2}};
    tensors[2] = (sn_tensor){.name = "scalar", .dtype = SN_F32, .rank = 0};
    for (size_t i = 0; i < 3; i++) {
        tensors[i].data = (const uint8_t *)numbers;
        assert_true(sn_tensor_set_contiguous(&tensors[i]));
    }
    return 3;
}

static void test_write(void **state)
{
    (void)state;
    sn_tensor tensors[3];
    size_t count = make_tensors(tensors);
    sn_buffer first = {.memory = &sn_memory_default}, second = first;
    assert_int_equal(sn_pth_write(tensors, count, &sn_memory_default, &first, NULL), 0);
    assert_int_equal(sn_pth_write(tensors, count, &sn_memory_default, &second, NULL), 0);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);

    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    if (read_with(first.data, first.size, &sn_memory_default, &strict, &bundle, &error))
        fail_msg("%s", error.message);
    assert_int_equal(bundle.tensor_count, 3);
    expect_floats(&bundle, "fc.weight", numbers, 6);
    expect_floats(&bundle, "fc.bias", numbers, 2);
    expect_floats(&bundle, "scalar", numbers, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal((size_t)(bundle.tensors[i].data - first.data) % 64, 0);
        assert_int_equal(bundle.tensors[i].rank, tensors[i].rank);
        assert_string_equal(bundle.tensors[i].name, tensors[i].name);
    }
    sn_bundle_free(&bundle);
    sn_buffer_free(&first);
    sn_buffer_free(&second);
}

/* More tensors than one byte counts, and none of any size. */
static void test_write_many(void **state)
{
    (void)state;
    enum { MANY = 300 };
    static char names[MANY][16];
    static sn_tensor tensors[MANY];
    for (size_t i = 0; i < MANY; i++) {
        names[i][0] = (char)('a' + i % 26);
        names[i][1] = (char)('a' + i / 26);
        tensors[i] = (sn_tensor){.name = names[i],
                                 .dtype = SN_F32,
                                 .rank = 1,
                                 .dims = {i % 2},
                                 .data = (const uint8_t *)&numbers[i % 6]};
        assert_true(sn_tensor_set_contiguous(&tensors[i]));
    }
    sn_buffer out = {.memory = &sn_memory_default};
    assert_int_equal(sn_pth_write(tensors, MANY, &sn_memory_default, &out, NULL), 0);
    sn_bundle bundle;
    assert_int_equal(read_with(out.data, out.size, &sn_memory_default, &strict, &bundle, NULL), 0);
    assert_int_equal(bundle.tensor_count, MANY);
    expect_floats(&bundle, names[299], &numbers[299 % 6], 1);
    sn_bundle_free(&bundle);
    sn_buffer_free(&out);
}

static void test_write_refused(void **state)
{
    (void)state;
    sn_tensor tensors[3];
    size_t count = make_tensors(tensors);
    sn_buffer out = {.memory = &sn_memory_default};
    tensors[0].strides[0] = 5;
    assert_int_equal(sn_pth_write(tensors, count, &sn_memory_default, &out, NULL),
                     SENTIMENT_ERROR_INTERNAL);
    make_tensors(tensors);
    tensors[1].dtype = SN_F16;
    assert_int_equal(sn_pth_write(tensors, count, &sn_memory_default, &out, NULL),
                     SENTIMENT_ERROR_INTERNAL);
    sn_buffer_free(&out);
}

static void test_write_memory(void **state)
{
    (void)state;
    sn_tensor tensors[3];
    size_t count = make_tensors(tensors);
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sn_memory memory = golden_faulty_memory(&faulty);
        sn_buffer out = {.memory = &memory};
        sentiment_status status = sn_pth_write(tensors, count, &memory, &out, NULL);
        sn_buffer_free(&out);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        assert_int_equal(status, faulty_allocator_failed(&faulty) ? SENTIMENT_ERROR_OUT_OF_MEMORY
                                                                  : SENTIMENT_OK);
        if (!faulty_allocator_failed(&faulty))
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),       cmocka_unit_test(test_types),
        cmocka_unit_test(test_extras),        cmocka_unit_test(test_guides),
        cmocka_unit_test(test_invalid),       cmocka_unit_test(test_messages),
        cmocka_unit_test(test_missing_crc),   cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_truncated),     cmocka_unit_test(test_changed),
        cmocka_unit_test(test_memory),        cmocka_unit_test(test_memory_bound),
        cmocka_unit_test(test_write),         cmocka_unit_test(test_write_many),
        cmocka_unit_test(test_write_refused), cmocka_unit_test(test_write_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
