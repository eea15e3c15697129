/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/formats/onnx*.c from below: graphs of PyTorch under failing allocations,
 * cut at every byte and with every byte changed; external data and where it may
 * lie; more nodes than a graph may have. That they are understood and refused
 * as they should be is checked from above, in tests/golden. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/onnx.h"
#include "formats/onnx_fields.h"
#include "formats/protobuf_write.h"
#include "golden_files.h"
#include "support/scratch.h"

static char folder[SCRATCH_PATH_SIZE];

static int make_folder(void **state)
{
    (void)state;
    scratch_make(folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static sentiment_status read_onnx(const uint8_t *data, size_t size, const char *path,
                                  const sn_memory *memory, sn_bundle *bundle,
                                  sentiment_error *error)
{
    sn_bytes bytes;
    const sn_read_options options = {.digest = 1};
    sn_bytes_borrow(data, size, NULL, NULL, &bytes);
    *bundle = (sn_bundle){.memory = memory};
    return sn_onnx_read(&bytes, path, &options, bundle, error);
}

/* Fails unless the file is refused with `code` and a message that says `says`. */
static void refuses(const golden_file *file, const char *path, sentiment_status code,
                    const char *says)
{
    sn_bundle bundle;
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(read_onnx(file->data, file->size, path, &sn_memory_default, &bundle, &error),
                     code);
    if (!strstr(error.message, says))
        fail_msg("\"%s\" does not say \"%s\"", error.message, says);
}

/* ------------------------------------------------------------------ probe */

static void test_probe(void **state)
{
    (void)state;
    static const uint8_t others[][8] = {"", "PK\x03\x04", "{\"a\": 1}", "\x80\x02}q\x01."};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(sn_onnx_probe(others[i], sizeof others[i]));
    static const char *const names[] = {"onnx/1.13-11-1.onnx", "onnx/old-20-2b.onnx",
                                        "onnx/new-18-1.onnx", "onnx/own-inputs.onnx"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        golden_file file = golden_read(names[i]);
        assert_true(sn_onnx_probe(file.data, file.size));
        assert_false(sn_onnx_probe(file.data, 3));
        golden_free(&file);
    }
    /* A model with a version and no producer. */
    static const uint8_t versioned[] = {0x08, 8, 0x28, 1, 0x3a, 0};
    assert_true(sn_onnx_probe(versioned, sizeof versioned));
}

static void test_weights_have_pytorchs_names(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "embedding.weight",        "lstm.weight_ih_l0",         "lstm.weight_hh_l0",
        "lstm.bias_ih_l0",         "lstm.bias_hh_l0",           "lstm.weight_ih_l0_reverse",
        "lstm.weight_hh_l0_reverse", "lstm.bias_ih_l0_reverse", "lstm.bias_hh_l0_reverse",
        "lstm.weight_ih_l1",       "lstm.weight_hh_l1",         "lstm.bias_ih_l1",
        "lstm.bias_hh_l1",         "lstm.weight_ih_l1_reverse", "lstm.weight_hh_l1_reverse",
        "lstm.bias_ih_l1_reverse", "lstm.bias_hh_l1_reverse",   "fc.weight",
        "fc.bias"};
    golden_file file = golden_read("onnx/1.13-17-2b.onnx");
    sn_bundle bundle;
    assert_int_equal(
        read_onnx(file.data, file.size, NULL, &sn_memory_default, &bundle, NULL), SENTIMENT_OK);
    assert_string_equal(bundle.format, "onnx");
    assert_false(bundle.native);
    assert_false(bundle.has_words);
    assert_int_equal(bundle.tensor_count, sizeof expected / sizeof expected[0]);
    for (size_t i = 0; i < bundle.tensor_count; i++)
        assert_string_equal(bundle.tensors[i].name, expected[i]);
    const sn_tensor *second = sn_bundle_find(&bundle, "lstm.weight_ih_l1_reverse");
    assert_int_equal(second->dims[0], 16);
    assert_int_equal(second->dims[1], 8);
    sn_bundle_free(&bundle);
    golden_free(&file);
}

/* ------------------------------------------------------------------ damage */

/* Cut to any length, and with any byte changed: an error, or a bundle. */
static void damage(const char *name, size_t step)
{
    golden_file file = golden_read(name);
    sentiment_error error = {.struct_size = sizeof error};
    sn_bundle bundle;
    for (size_t cut = 0; cut < file.size; cut += step) {
        uint8_t *part = golden_copy(file.data, cut);
        if (read_onnx(part, cut, NULL, &sn_memory_default, &bundle, &error) == SENTIMENT_OK)
            sn_bundle_free(&bundle);
        free(part);
    }
    for (size_t at = 0; at < file.size; at += step) {
        static const uint8_t masks[] = {0x01, 0x08, 0x40, 0x80, 0xff};
        for (size_t i = 0; i < sizeof masks; i++) {
            file.data[at] ^= masks[i];
            if (read_onnx(file.data, file.size, NULL, &sn_memory_default, &bundle, &error) ==
                SENTIMENT_OK)
                sn_bundle_free(&bundle);
            file.data[at] ^= masks[i];
        }
    }
    assert_int_equal(
        read_onnx(file.data, file.size, NULL, &sn_memory_default, &bundle, &error), SENTIMENT_OK);
    sn_bundle_free(&bundle);
    golden_free(&file);
}

static void test_damage(void **state)
{
    (void)state;
    damage("onnx/1.13-11-1.onnx", 1);
    damage("onnx/own-activations.onnx", 1);
    damage("onnx/own-typed.onnx", 1);
    damage("onnx/new-18-2b.onnx", 3);
    damage("onnx/1.13-unfolded-11-1.onnx", 7);
}

static void each_invalid(const golden_file *file)
{
    sn_bundle bundle;
    uint8_t *copy = golden_copy(file->data, file->size);
    if (read_onnx(copy, file->size, NULL, &sn_memory_default, &bundle, NULL) == SENTIMENT_OK)
        sn_bundle_free(&bundle);
    free(copy);
}

/* In blocks of their own size, for sanitizers. */
static void test_invalid(void **state)
{
    (void)state;
    assert_true(golden_each("invalid/onnx", each_invalid) > 150);
}

/* ------------------------------------------------------------- allocations */

static void fail_allocations(const char *name)
{
    char path[1024];
    golden_file file = golden_read(name);
    snprintf(path, sizeof path, "%s/%s", GOLDEN_FOLDER, name);
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sn_memory memory = golden_faulty_memory(&faulty);
        sn_bundle bundle;
        sentiment_status status = read_onnx(file.data, file.size, path, &memory, &bundle, NULL);
        if (status == SENTIMENT_OK)
            sn_bundle_free(&bundle);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty)) {
            assert_int_equal(status, SENTIMENT_OK);
            break;
        }
        assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
    }
    golden_free(&file);
}

static void test_allocations(void **state)
{
    (void)state;
    fail_allocations("onnx/1.13-unfolded-11-2b.onnx");
    fail_allocations("onnx/new-external-2b.onnx");
    fail_allocations("onnx/own-external.onnx");
    fail_allocations("onnx/own-typed.onnx");
    fail_allocations("onnx/own-activations.onnx");
}

/* ----------------------------------------------------------- external data */

static void test_external_data(void **state)
{
    (void)state;
    golden_file file = golden_read("onnx/own-external.onnx");
    golden_file weights = golden_read("onnx/own-external.weights");
    char path[SCRATCH_PATH_SIZE + 32], beside[SCRATCH_PATH_SIZE + 32];
    char elsewhere[SCRATCH_PATH_SIZE];
    sn_bundle bundle;
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    snprintf(beside, sizeof beside, "%s/own-external.weights", folder);
    refuses(&file, NULL, SENTIMENT_ERROR_UNSUPPORTED, "load the model by path");
    refuses(&file, path, SENTIMENT_ERROR_NOT_FOUND, "own-external.weights");
    scratch_write(beside, weights.data, weights.size);
    assert_int_equal(read_onnx(file.data, file.size, path, &sn_memory_default, &bundle, NULL),
                     SENTIMENT_OK);
    sn_bundle_free(&bundle);
    scratch_write(beside, weights.data, weights.size - 64);
    refuses(&file, path, SENTIMENT_ERROR_BAD_MODEL, "external data");
    /* A link that stays in the folder is as good as the file; one that leaves is not. */
    const char *real = scratch_path(folder, "real.weights");
    scratch_write(real, weights.data, weights.size);
    assert_int_equal(unlink(beside), 0);
    assert_int_equal(symlink("real.weights", beside), 0);
    assert_int_equal(read_onnx(file.data, file.size, path, &sn_memory_default, &bundle, NULL),
                     SENTIMENT_OK);
    sn_bundle_free(&bundle);
    scratch_make(elsewhere);
    real = scratch_path(elsewhere, "own-external.weights");
    scratch_write(real, weights.data, weights.size);
    assert_int_equal(unlink(beside), 0);
    assert_int_equal(symlink(real, beside), 0);
    refuses(&file, path, SENTIMENT_ERROR_BAD_MODEL, "no file below the model's own folder");
    scratch_remove(elsewhere);
    golden_free(&file);
    golden_free(&weights);
}

/* A model whose graph is `graph`. */
static golden_file wrap(sn_buffer *graph)
{
    sn_buffer model = {.memory = &sn_memory_default}, opset = {.memory = &sn_memory_default};
    sn_proto_put_number(&model, SN_MODEL_IR_VERSION, 8);
    sn_proto_put_message(&model, SN_MODEL_GRAPH, graph);
    sn_proto_put_number(&opset, SN_OPSET_VERSION, 17);
    sn_proto_put_message(&model, SN_MODEL_OPSET_IMPORT, &opset);
    golden_file made = {.data = golden_copy(model.data, model.size), .size = model.size};
    sn_buffer_free(&model);
    sn_buffer_free(&opset);
    sn_buffer_free(graph);
    return made;
}

static void put_value_info(sn_buffer *graph, uint32_t field, const char *name)
{
    const sn_memory *memory = &sn_memory_default;
    sn_buffer tensor = {.memory = memory}, type = {.memory = memory}, value = {.memory = memory};
    sn_proto_put_number(&tensor, SN_TYPE_ELEMENT, SN_ONNX_INT64);
    sn_proto_put_message(&type, SN_TYPE_TENSOR, &tensor);
    sn_proto_put_text(&value, SN_VALUE_NAME, name);
    sn_proto_put_message(&value, SN_VALUE_TYPE, &type);
    sn_proto_put_message(graph, field, &value);
    sn_buffer_free(&tensor);
    sn_buffer_free(&type);
    sn_buffer_free(&value);
}

/* An initializer of one float in the file `location`. */
static void put_external(sn_buffer *graph, const char *name, const char *location)
{
    const sn_memory *memory = &sn_memory_default;
    sn_buffer tensor = {.memory = memory}, entry = {.memory = memory};
    sn_proto_put_number(&tensor, SN_TENSOR_DIMS, 1);
    sn_proto_put_number(&tensor, SN_TENSOR_DATA_TYPE, SN_ONNX_FLOAT);
    sn_proto_put_text(&tensor, SN_TENSOR_NAME, name);
    sn_proto_put_text(&entry, SN_ENTRY_KEY, "location");
    sn_proto_put_text(&entry, SN_ENTRY_VALUE, location);
    sn_proto_put_message(&tensor, SN_TENSOR_EXTERNAL_DATA, &entry);
    sn_proto_put_number(&tensor, SN_TENSOR_DATA_LOCATION, 1);
    sn_proto_put_message(graph, SN_GRAPH_INITIALIZER, &tensor);
    sn_buffer_free(&tensor);
    sn_buffer_free(&entry);
}

/* ./././/w and the like: the bits of `number` tell how many slashes each part has. */
static void spell(size_t number, char out[64])
{
    char *at = out;
    for (size_t bit = 0; bit < 11; bit++)
        at += sprintf(at, number >> bit & 1 ? ".//" : "./");
    sprintf(at, "w");
}

/* More spellings of one path than there may be files: it is read once. */
static void test_spellings_of_a_path(void **state)
{
    (void)state;
    char path[SCRATCH_PATH_SIZE + 32], name[16], location[64];
    sn_buffer graph = {.memory = &sn_memory_default}, node = {.memory = &sn_memory_default};
    sn_buffer axis = {.memory = &sn_memory_default};
    scratch_write(scratch_path(folder, "w"), "\0\0\x80\x3f", 4);
    for (size_t i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "t%zu", i);
        spell(i, location);
        put_external(&graph, name, location);
        sn_proto_put_text(&node, SN_NODE_INPUT, name);
    }
    sn_proto_put_text(&node, SN_NODE_OUTPUT, "all");
    sn_proto_put_text(&node, SN_NODE_OP_TYPE, "Concat");
    sn_proto_put_text(&axis, SN_ATTRIBUTE_NAME, "axis");
    sn_proto_put_number(&axis, SN_ATTRIBUTE_I, 0);
    sn_proto_put_number(&axis, SN_ATTRIBUTE_TYPE, SN_ATTRIBUTE_IS_INT);
    sn_proto_put_message(&node, SN_NODE_ATTRIBUTE, &axis);
    sn_proto_put_message(&graph, SN_GRAPH_NODE, &node);
    put_value_info(&graph, SN_GRAPH_INPUT, "ids");
    put_value_info(&graph, SN_GRAPH_OUTPUT, "all");
    golden_file file = wrap(&graph);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    refuses(&file, path, SENTIMENT_ERROR_UNSUPPORTED, "the graph's output is a constant");
    golden_free(&file);
    sn_buffer_free(&node);
    sn_buffer_free(&axis);
}

/* ------------------------------------------------------------------ floods */

static void test_floods(void **state)
{
    (void)state;
    static const uint32_t fields[] = {SN_GRAPH_NODE, SN_GRAPH_INITIALIZER, SN_GRAPH_INPUT};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        sn_buffer graph = {.memory = &sn_memory_default};
        for (size_t n = 0; n < 70000; n++)
            sn_proto_put_bytes(&graph, fields[i], "", 0);
        golden_file file = wrap(&graph);
        refuses(&file, NULL, SENTIMENT_ERROR_UNSUPPORTED, "at most 65536");
        golden_free(&file);
    }
    /* Many names in one node. */
    sn_buffer graph = {.memory = &sn_memory_default}, node = {.memory = &sn_memory_default};
    for (size_t n = 0; n < 300000; n++)
        sn_proto_put_bytes(&node, SN_NODE_INPUT, "", 0);
    sn_proto_put_message(&graph, SN_GRAPH_NODE, &node);
    golden_file file = wrap(&graph);
    refuses(&file, NULL, SENTIMENT_ERROR_UNSUPPORTED, "at most 65536");
    golden_free(&file);
    sn_buffer_free(&node);
}

/* Refused before memory is taken for them: the second allocation fails. */
static void test_flood_of_metadata(void **state)
{
    (void)state;
    faulty_allocator faulty = {.fail_at = 2};
    sn_memory memory = golden_faulty_memory(&faulty);
    sentiment_error error = {.struct_size = sizeof error};
    sn_buffer model = {.memory = &sn_memory_default}, opset = {.memory = &sn_memory_default};
    sn_bundle bundle;
    sn_proto_put_number(&model, SN_MODEL_IR_VERSION, 8);
    sn_proto_put_bytes(&model, SN_MODEL_GRAPH, "", 0);
    sn_proto_put_number(&opset, SN_OPSET_VERSION, 17);
    sn_proto_put_message(&model, SN_MODEL_OPSET_IMPORT, &opset);
    for (size_t n = 0; n < 70000; n++)
        sn_proto_put_bytes(&model, SN_MODEL_METADATA, "", 0);
    assert_int_equal(read_onnx(model.data, model.size, NULL, &memory, &bundle, &error),
                     SENTIMENT_ERROR_BAD_MODEL);
    assert_non_null(strstr(error.message, "70000 entries"));
    assert_int_equal(faulty_allocator_live(&faulty), 0);
    sn_buffer_free(&model);
    sn_buffer_free(&opset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_weights_have_pytorchs_names),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_allocations),
        cmocka_unit_test_setup_teardown(test_external_data, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_spellings_of_a_path, make_folder, remove_folder),
        cmocka_unit_test(test_floods),
        cmocka_unit_test(test_flood_of_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
