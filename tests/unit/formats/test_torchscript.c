/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of TorchScript archives: what PyTorch writes of the classifier gives
 * its tensors under their names, what is something else gives none and says why,
 * every hostile file an error with a place in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/pth.h"
#include "formats/torchscript.h"
#include "golden_files.h"

static const sn_read_options strict = {0};

static sentiment_status read_with(const uint8_t *data, size_t size, const sn_memory *memory,
                                  const sn_read_options *options, sn_bundle *bundle,
                                  sentiment_error *error)
{
    sn_bytes bytes;
    *bundle = (sn_bundle){.memory = memory};
    sn_bytes_borrow(data, size, NULL, NULL, &bytes);
    sentiment_status status = sn_torchscript_read(&bytes, options, bundle, error);
    if (status) {
        /* Nothing was taken over, nothing half-made is left. */
        assert_ptr_equal(bytes.data, data);
        assert_null(bundle->script.data);
        assert_null(bundle->format);
    } else {
        assert_ptr_equal(bundle->script.data, data);
        assert_int_equal(bundle->script.size, size);
        assert_string_equal(bundle->format, "torchscript");
    }
    if (status || bundle->foreign) {
        assert_null(bundle->tensors);
        assert_null(bundle->names);
        assert_int_equal(bundle->tensor_count, 0);
    }
    return status;
}

static sentiment_status read_file(const golden_file *file, sn_bundle *bundle,
                                  sentiment_error *error)
{
    return read_with(file->data, file->size, &sn_memory_default, &strict, bundle, error);
}

/* Both hold the same numbers under the same names. */
static void expect_equal(const char *name, const sn_bundle *script, const sn_bundle *state)
{
    float a[1024], b[1024];
    if (script->foreign)
        fail_msg("%s: %s", name, script->foreign);
    assert_int_equal(script->tensor_count, state->tensor_count);
    for (size_t i = 0; i < state->tensor_count; i++) {
        const sn_tensor *want = &state->tensors[i];
        const sn_tensor *have = sn_bundle_find(script, want->name);
        if (!have)
            fail_msg("%s: no %s", name, want->name);
        assert_int_equal(have->rank, want->rank);
        assert_memory_equal(have->dims, want->dims, want->rank * sizeof *want->dims);
        assert_true(want->elements <= 1024);
        assert_int_equal(sn_tensor_to_f32(have, a, NULL), SENTIMENT_OK);
        assert_int_equal(sn_tensor_to_f32(want, b, NULL), SENTIMENT_OK);
        assert_memory_equal(a, b, want->elements * sizeof *a);
    }
}

/* Every archive of a golden folder against its model.pth. */
static const char *golden_folder;
static sn_bundle golden_state;

static void compare_archive(const golden_file *file)
{
    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    const char *dot = strrchr(file->name, '.');
    if (!dot || strcmp(dot, ".pt") != 0)
        return;
    assert_true(sn_torchscript_probe(file->data, file->size));
    if (read_file(file, &bundle, &error))
        fail_msg("%s/%s: %s", golden_folder, file->name, error.message);
    expect_equal(file->name, &bundle, &golden_state);
    sn_bundle_free(&bundle);
}

static void test_classifiers(void **state)
{
    (void)state;
    static const char *const folders[] = {"one", "two", "two-bidirectional", "h1",
                                          "wrapped", "equal-biases", "float64"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[64];
        sn_bytes bytes;
        golden_folder = folders[i];
        snprintf(path, sizeof path, "torchscript/%s/model.pth", folders[i]);
        golden_file file = golden_read(path);
        assert_false(sn_torchscript_probe(file.data, file.size));
        sn_bytes_borrow(file.data, file.size, NULL, NULL, &bytes);
        golden_state = (sn_bundle){.memory = &sn_memory_default};
        assert_int_equal(sn_pth_read(&bytes, &strict, &golden_state, NULL), SENTIMENT_OK);
        snprintf(path, sizeof path, "torchscript/%s", folders[i]);
        assert_true(golden_each(path, compare_archive) >= 5);
        sn_bundle_free(&golden_state);
        golden_free(&file);
    }
}

static void expect_foreign(const char *name, const char *says)
{
    char path[64];
    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    snprintf(path, sizeof path, "torchscript/%s.pt", name);
    golden_file file = golden_read(path);
    if (read_file(&file, &bundle, &error))
        fail_msg("%s: %s", name, error.message);
    if (!bundle.foreign)
        fail_msg("%s was not found foreign", name);
    if (!strstr(bundle.foreign, says))
        fail_msg("%s: no \"%s\" in \"%s\"", name, says, bundle.foreign);
    sn_bundle_free(&bundle);
    golden_free(&file);
}

static void test_foreign(void **state)
{
    (void)state;
    expect_foreign("foreign/deep", "its constants are not");
    expect_foreign("foreign/half", "its constants are not");
    expect_foreign("foreign/number", "no tensors");
    expect_foreign("foreign/loads", "makes its state itself");
    expect_foreign("foreign/scaled", "besides those of its modules");
    expect_foreign("foreign/square", "as many classes as inputs");
    expect_foreign("foreign/zero-biases", "its constants are not");
    expect_foreign("quantized/trace", "quantized");
    expect_foreign("odd/foreign-tensor-list", "attribute");
    expect_foreign("odd/foreign-integers", "attribute");
    expect_foreign("odd/foreign-complex", "attribute");
    expect_foreign("odd/foreign-quantized", "attribute");
    expect_foreign("odd/foreign-negated", "attribute");
    expect_foreign("odd/foreign-own-state", "makes its state itself");
    expect_foreign("odd/foreign-empty", "no tensors");
    expect_foreign("odd/foreign-constant", "besides those of its modules");
    expect_foreign("odd/foreign-many", "more tensors than any");
    expect_foreign("odd/foreign-frozen-short", "its constants are not");
    expect_foreign("odd/foreign-frozen-order", "its constants are not");
    expect_foreign("odd/foreign-frozen-list", "no floating-point tensor");
    expect_foreign("odd/foreign-frozen-vectors", "its constants are not");
}

/* Named tensors are passed on as they are: whether they are the classifier's is
 * lib/model's to say. */
static void test_other_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *tensor;
        size_t count;
    } files[] = {{"foreign/attention", "attention.weight", 9},
                 {"foreign/bag-1.13", "fc.bias", 3},
                 {"odd/foreign-more", "more", 8},
                 {"odd/foreign-less", "lstm.bias_ih_l0", 6},
                 {"odd/foreign-two", "b.embedding.weight", 14},
                 {"odd/foreign-frozen-empty", NULL, 0}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[64];
        sn_bundle bundle;
        snprintf(path, sizeof path, "torchscript/%s.pt", files[i].name);
        golden_file file = golden_read(path);
        assert_int_equal(read_file(&file, &bundle, NULL), SENTIMENT_OK);
        if (files[i].tensor)
            assert_non_null(sn_bundle_find(&bundle, files[i].tensor));
        if (files[i].count)
            assert_int_equal(bundle.tensor_count, files[i].count);
        sn_bundle_free(&bundle);
        golden_free(&file);
    }
}

static void expect_small(const sn_bundle *bundle, const char *name, uint64_t rows,
                         uint64_t columns, float first)
{
    float values[16];
    const sn_tensor *tensor = sn_bundle_find(bundle, name);
    if (!tensor)
        fail_msg("no %s", name);
    assert_int_equal(tensor->rank, columns ? 2 : 1);
    assert_int_equal(tensor->dims[0], rows);
    assert_int_equal(tensor->elements, rows * (columns ? columns : 1));
    assert_int_equal(sn_tensor_to_f32(tensor, values, NULL), SENTIMENT_OK);
    for (size_t i = 0; i < tensor->elements; i++)
        assert_true(values[i] == first + (float)i / 8);
}

/* Archives made by hand that hold the small classifier all the same. */
static void read_odd(const golden_file *file)
{
    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    if (strncmp(file->name, "foreign", 7) == 0)
        return;
    if (read_file(file, &bundle, &error))
        fail_msg("%s: %s", file->name, error.message);
    if (bundle.foreign)
        fail_msg("%s: %s", file->name, bundle.foreign);
    assert_int_equal(bundle.tensor_count, 7);
    expect_small(&bundle, "embedding.weight", 3, 2, 1);
    expect_small(&bundle, "lstm.weight_ih_l0", 4, 2, 2);
    expect_small(&bundle, "lstm.weight_hh_l0", 4, 1, 3);
    expect_small(&bundle, "lstm.bias_ih_l0", 4, 0, 4);
    expect_small(&bundle, "lstm.bias_hh_l0", 4, 0, 5);
    expect_small(&bundle, "fc.weight", 2, 1, 6);
    expect_small(&bundle, "fc.bias", 2, 0, 7);
    sn_bundle_free(&bundle);
}

static void test_odd(void **state)
{
    (void)state;
    assert_true(golden_each("torchscript/odd", read_odd) >= 25);
}

/* A message has a place in it: a byte, an entry or a folder. */
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
    assert_true(golden_each("invalid/torchscript", expect_refused) >= 65);
}

static void expect_message(const char *name, sentiment_status code, const char *part)
{
    char path[64];
    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    snprintf(path, sizeof path, "invalid/torchscript/%s.pt", name);
    golden_file file = golden_read(path);
    assert_int_equal(read_file(&file, &bundle, &error), code);
    if (!strstr(error.message, part))
        fail_msg("%s: no \"%s\" in \"%s\"", name, part, error.message);
    golden_free(&file);
}

static void test_messages(void **state)
{
    (void)state;
    const sentiment_status bad = SENTIMENT_ERROR_BAD_MODEL;
    expect_message("no-constants", bad, "no entry constants.pkl");
    expect_message("no-data", bad, "no entry data.pkl");
    expect_message("no-storage", bad, "storage '6' has no entry 'data/...'");
    expect_message("storage-short", bad, "20 bytes, expected 6 elements");
    expect_message("storage-deflated", SENTIMENT_ERROR_UNSUPPORTED, "'m/data/0' is compressed");
    expect_message("pickle-deflated", SENTIMENT_ERROR_UNSUPPORTED, "is compressed");
    expect_message("code-other-method", SENTIMENT_ERROR_UNSUPPORTED, "method 12");
    expect_message("code-crc", bad, "'m/code/__torch__.py': byte");
    expect_message("code-crc", bad, "its CRC-32 is wrong");
    expect_message("code-cut", bad, "damaged");
    expect_message("code-tail", bad, "damaged");
    expect_message("code-noise", bad, "damaged");
    expect_message("code-says-less", bad, "more than the directory says");
    expect_message("code-says-more", bad, "less than the directory says");
    expect_message("bomb-lies", bad, "more than the directory says");
    expect_message("bomb-huge", bad, "256 MiB");
    expect_message("bombs-in-sum", bad, "'m/code/2.py'");
    expect_message("big-endian", SENTIMENT_ERROR_UNSUPPORTED, "little");
    expect_message("system", bad, "data.pkl: byte 2: global 'os.system' is not allowed");
    expect_message("near-miss-class", bad, "'__torch__x.M' is not allowed");
    expect_message("constants-system", bad, "constants.pkl: byte 3: global 'os.system'");
    expect_message("circle", bad, "in a circle");
    expect_message("circle-of-two", bad, "in a circle");
    expect_message("shared-bomb", bad, "more than 1048576 attributes");
    expect_message("too-deep", bad, "nested deeper");
    expect_message("name-long-in-all", bad, "longer than 511 bytes");
    expect_message("name-twice", bad, "two values under the key 'w'");
    expect_message("name-twice-dotted", bad, "two values under the key 'a.w'");
    expect_message("tensor-stride-0", bad, "tensor 'w'");
}

static void test_cancel(void **state)
{
    (void)state;
    sentiment_cancel *cancel;
    sn_bundle bundle;
    golden_file file = golden_read("torchscript/odd/plain.pt");
    assert_int_equal(sentiment_cancel_create(&cancel, NULL), SENTIMENT_OK);
    sn_read_options options = {.cancel = cancel};
    assert_int_equal(
        read_with(file.data, file.size, &sn_memory_default, &options, &bundle, NULL),
        SENTIMENT_OK);
    sn_bundle_free(&bundle);
    sentiment_cancel_request(cancel);
    assert_int_equal(
        read_with(file.data, file.size, &sn_memory_default, &options, &bundle, NULL),
        SENTIMENT_ERROR_CANCELLED);
    sentiment_cancel_free(cancel);
    golden_free(&file);
}

/* Checksums that were never written are zero, also of what is deflated. */
static void test_missing_crc(void **state)
{
    (void)state;
    golden_file file = golden_read("invalid/torchscript/code-noise.pt");
    const sn_read_options lenient = {.allow_missing_crc = 1};
    sn_bundle bundle;
    assert_int_equal(read_with(file.data, file.size, &sn_memory_default, &lenient, &bundle, NULL),
                     SENTIMENT_OK);
    sn_bundle_free(&bundle);
    golden_free(&file);
}

static void test_truncated(void **state)
{
    (void)state;
    golden_file file = golden_read("torchscript/odd/settings.pt");
    for (size_t size = 0; size < file.size; size++) {
        uint8_t *cut = golden_copy(file.data, size);
        sn_bundle bundle;
        sentiment_error error = {.struct_size = sizeof error};
        assert_false(sn_torchscript_probe(cut, size));
        assert_int_equal(read_with(cut, size, &sn_memory_default, &strict, &bundle, &error),
                         SENTIMENT_ERROR_BAD_MODEL);
        assert_true(strlen(error.message) > 0);
        free(cut);
    }
    golden_free(&file);
}

/* One byte changed and the archive's sums not looked at: refused, or read within
 * bounds, so that every number can be asked for. */
static void change_bytes(const char *name, uint8_t mask)
{
    golden_file file = golden_read(name);
    const sn_read_options lenient = {.allow_missing_crc = 1};
    for (size_t i = 0; i < file.size; i++) {
        file.data[i] ^= mask;
        sn_bundle bundle;
        sentiment_error error = {.struct_size = sizeof error};
        (void)sn_torchscript_probe(file.data, file.size);
        if (read_with(file.data, file.size, &sn_memory_default, &lenient, &bundle, &error)) {
            assert_true(strlen(error.message) > 0);
        } else {
            for (size_t t = 0; t < bundle.tensor_count; t++) {
                float values[1024];
                assert_true(bundle.tensors[t].elements <= 1024);
                (void)sn_tensor_to_f32(&bundle.tensors[t], values, NULL);
            }
            sn_bundle_free(&bundle);
        }
        file.data[i] ^= mask;
    }
    golden_free(&file);
}

/* Sets every checksum of the central directory to zero: "none was recorded". */
static void forget_sums(golden_file *file)
{
    static const uint8_t signature[] = {0x50, 0x4b, 0x01, 0x02};
    for (size_t i = 0; i + 46 <= file->size; i++)
        if (memcmp(file->data + i, signature, sizeof signature) == 0)
            memset(file->data + i + 16, 0, 4);
}

static void test_changed(void **state)
{
    (void)state;
    change_bytes("torchscript/odd/plain.pt", 0x01);
    change_bytes("torchscript/odd/frozen.pt", 0xff);
    change_bytes("torchscript/two/freeze-trace-2.15.pt", 0x10);
}

static void test_changed_without_sums(void **state)
{
    (void)state;
    static const char *const names[] = {"torchscript/odd/settings.pt",
                                        "torchscript/odd/frozen.pt"};
    const sn_read_options lenient = {.allow_missing_crc = 1};
    for (size_t n = 0; n < 2; n++) {
        golden_file file = golden_read(names[n]);
        forget_sums(&file);
        size_t read = 0;
        for (size_t i = 0; i < file.size * 8; i++) {
            file.data[i / 8] ^= (uint8_t)(1 << i % 8);
            sn_bundle bundle;
            if (!read_with(file.data, file.size, &sn_memory_default, &lenient, &bundle, NULL)) {
                read++;
                for (size_t t = 0; t < bundle.tensor_count; t++) {
                    float values[1024];
                    assert_true(bundle.tensors[t].elements <= 1024);
                    (void)sn_tensor_to_f32(&bundle.tensors[t], values, NULL);
                }
                sn_bundle_free(&bundle);
            }
            file.data[i / 8] ^= (uint8_t)(1 << i % 8);
        }
        assert_true(read > 1000); /* the pickles themselves were reached */
        golden_free(&file);
    }
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
    fail_each_allocation("torchscript/one/script-2.15.pt");
    fail_each_allocation("torchscript/two-bidirectional/freeze-trace-1.13.pt");
    fail_each_allocation("torchscript/one/optimized-trace-1.13.pt");
    fail_each_allocation("torchscript/foreign/scaled.pt");
    fail_each_allocation("torchscript/odd/foreign-frozen-list.pt");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classifiers), cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_other_names), cmocka_unit_test(test_odd),
        cmocka_unit_test(test_invalid),     cmocka_unit_test(test_messages),
        cmocka_unit_test(test_cancel),      cmocka_unit_test(test_missing_crc),
        cmocka_unit_test(test_truncated),   cmocka_unit_test(test_changed),
        cmocka_unit_test(test_memory),      cmocka_unit_test(test_changed_without_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
