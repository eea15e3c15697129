/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/model in int8: what quantizing keeps, changes and refuses; native files of
 * such models and round trips of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "formats/formats.h"
#include "model/metadata.h"
#include "model/quantized.h"
#include "model/tokenizer_json.h"
#include "sample.h"
#include "support/faulty_allocator.h"
#include "support/scratch.h"

static char folder[SCRATCH_PATH_SIZE];

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

static sentiment_model *quantize(const sentiment_model *model)
{
    sentiment_model *made = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    if (sn_model_quantize(model, NULL, &made, &error) != SENTIMENT_OK)
        fail_msg("%s", error.message);
    return made;
}

/* Quantizes and lets go of the original. */
static sentiment_model *take_quantized(sentiment_model *model)
{
    sentiment_model *made = quantize(model);
    sn_model_release(model);
    return made;
}

static void save(const sentiment_model *model, const char *path)
{
    sentiment_error error = {.struct_size = sizeof error};
    if (sn_model_save(model, path, NULL, &error) != SENTIMENT_OK)
        fail_msg("%s", error.message);
}

static const char *metadata(const sentiment_model *model, const char *key)
{
    const sn_pairs pairs = {&model->memory, model->metadata, model->metadata_count};
    return sn_pairs_get(&pairs, key);
}

/* Floats of an int8 model: biases and linear layer. */
static size_t plain_floats(const sentiment_model *model)
{
    size_t width = (size_t)model->config.directions * model->config.hidden_size;
    return model->config.num_layers * 8 * width + model->config.num_classes * (width + 1);
}

static void expect_equal(const sentiment_model *a, const sentiment_model *b)
{
    assert_memory_equal(&a->config, &b->config, sizeof a->config);
    assert_int_equal(a->weights.parameters, b->weights.parameters);
    assert_int_equal(a->precision, SENTIMENT_PRECISION_INT8);
    assert_int_equal(b->precision, SENTIMENT_PRECISION_INT8);
    assert_memory_equal(a->storage, b->storage, plain_floats(a) * sizeof(float));
    assert_int_equal(a->quantized->weight_count, b->quantized->weight_count);
    assert_memory_equal(a->quantized->weights, b->quantized->weights, a->quantized->weight_count);
    assert_int_equal(a->quantized->scale_count, b->quantized->scale_count);
    assert_memory_equal(a->quantized->scales, b->quantized->scales,
                        a->quantized->scale_count * sizeof(float));
    for (size_t i = 0; i < a->config.num_classes; i++)
        assert_string_equal(a->labels[i], b->labels[i]);
    assert_string_equal(a->config_json, b->config_json);
}

/* ------------------------------------------------------------- quantizing */

static void expect_rows(const float *source, size_t rows, size_t columns, const sn_int8_rows *made)
{
    for (size_t r = 0; r < rows; r++) {
        int8_t expected[64];
        assert_true(columns <= sizeof expected);
        float scale = sn_int8_quantize(source + r * columns, columns, expected);
        assert_memory_equal(&made->scale[r], &scale, sizeof scale);
        assert_memory_equal(made->weights + r * columns, expected, columns);
    }
}

static void quantizes_the_matrices_and_nothing_else(void **state)
{
    (void)state;
    sentiment_model *model = sample_create(3, 1), *made = quantize(model);
    expect_rows(model->weights.embedding, SAMPLE_WORDS, 3, &made->quantized->embedding);
    for (size_t i = 0; i < 6; i++) {
        const sn_lstm_weights *from = &model->weights.lstm[i], *to = &made->weights.lstm[i];
        expect_rows(from->w_ih, 20, i < 2 ? 3 : 10, &made->quantized->lstm[i].w_ih);
        expect_rows(from->w_hh, 20, 5, &made->quantized->lstm[i].w_hh);
        assert_memory_equal(from->b_ih, to->b_ih, 20 * sizeof(float));
        assert_memory_equal(from->b_hh, to->b_hh, 20 * sizeof(float));
        assert_null(to->w_ih);
        assert_null(to->w_hh);
    }
    assert_null(made->weights.embedding);
    assert_memory_equal(model->weights.fc_weight, made->weights.fc_weight, 30 * sizeof(float));
    assert_memory_equal(model->weights.fc_bias, made->weights.fc_bias, 3 * sizeof(float));
    assert_int_equal(made->weights.parameters, model->weights.parameters);
    assert_true(made->memory_bytes < model->memory_bytes);
    sn_model_release(model);
    sn_model_release(made);
}

static void keeps_words_labels_and_history(void **state)
{
    (void)state;
    sentiment_model *model = sample_assemble();
    assert_int_equal(sn_model_set_metadata(model, "golden", "[]", NULL), SENTIMENT_OK);
    const char *path = scratch_path(folder, "a.safetensors");
    const sentiment_save_options how = {.struct_size = sizeof how,
                                        .lineage_json = "{\"action\":\"test\",\"created\":\"x\"}"};
    const sentiment_model_options digest = {.struct_size = sizeof digest, .digest = 1};
    assert_int_equal(sn_model_save(model, path, &how, NULL), SENTIMENT_OK);
    sn_model_release(model);
    assert_int_equal(sn_model_load(path, &digest, &model, NULL), SENTIMENT_OK);
    sentiment_model *made = quantize(model);
    assert_null(metadata(made, "golden"));
    assert_null(metadata(made, "data_sha256"));
    assert_string_equal(metadata(made, "note"), "train \"x\"");
    assert_string_equal(metadata(made, "lineage"), metadata(model, "lineage"));
    assert_string_equal(made->sha256, model->sha256);
    assert_string_equal(made->format, "safetensors");
    assert_string_equal(made->labels[0], "schlecht");
    assert_true(made->has_labels);
    assert_true(made->config.temperature == model->config.temperature);
    assert_int_equal(made->config.padding, SENTIMENT_PADDING_NONE);
    assert_int_equal(made->tokenizer->tokenizer.kind, SENTIMENT_TOKENIZER_WORDS);
    sn_model_release(model);
    const sn_vocabulary *words = &made->tokenizer->tokenizer.vocabulary;
    assert_int_equal(words->count, 3);
    assert_int_equal(sn_vocabulary_find(words, (const uint8_t *)"ab", 2), 3);
    assert_non_null(strstr(made->config_json, "\"learning_rate\":0.1"));
    assert_non_null(strstr(made->config_json, "\"precision\":\"int8\""));
    sn_model_release(made);
}

/* A tokenizer.json goes along as a text, in memory and in a file. */
static void keeps_a_tokenizer_json(void **state)
{
    (void)state;
    static const char text[] = "{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"a\",\"vocab\":"
                               "{\"a\":0,\"b\":2}},\"pre_tokenizer\":{\"type\":\"Whitespace\"}}";
    sentiment_model *model = sample_create(1, 0);
    sn_tokenizer tokenizer = {0};
    sentiment_error error = {.struct_size = sizeof error};
    if (sn_tokenizer_json_build(&model->tokenizer->memory, text, sizeof text - 1, SAMPLE_WORDS,
                                &tokenizer, &error))
        fail_msg("%s", error.message);
    sn_tokenizer_free(&model->tokenizer->tokenizer);
    model->tokenizer->tokenizer = tokenizer;
    sentiment_model *made = take_quantized(model);
    save(made, scratch_path(folder, "a.safetensors"));
    sentiment_model *models[] = {made, sample_load(scratch_path(folder, "a.safetensors"))};
    for (size_t i = 0; i < 2; i++) {
        size_t size = 0;
        const sn_tokenizer *own = &models[i]->tokenizer->tokenizer;
        assert_int_equal(own->kind, SENTIMENT_TOKENIZER_HUGGINGFACE);
        assert_string_equal(sn_tokenizer_json_text(own, &size), text);
        assert_int_equal(size, sizeof text - 1);
        sn_model_release(models[i]);
    }
}

/* Wherever the original said that it was fp32. */
static void replaces_the_precision(void **state)
{
    (void)state;
    sentiment_model *model = sample_create(1, 0);
    static const char *const said[] = {
        "{\"model_params\":{\"vocab_size\":11,\"embedding_dim\":3,\"hidden_size\":5,"
        "\"num_classes\":3,\"precision\":\"fp32\"}}",
        "{\"model_params\":{\"vocab_size\":11,\"embedding_dim\":3,\"hidden_size\":5,"
        "\"num_classes\":3},\"precision\":\"fp32\"}"};
    for (size_t i = 0; i < 2; i++) {
        sn_free(&model->memory, model->config_json);
        model->config_json = sn_duplicate(&model->memory, said[i], strlen(said[i]));
        sentiment_model *made = quantize(model);
        assert_null(strstr(made->config_json, "fp32"));
        assert_non_null(strstr(made->config_json, "\"precision\":\"int8\""));
        save(made, scratch_path(folder, "a.safetensors"));
        sn_model_release(made);
        sn_model_release(sample_load(scratch_path(folder, "a.safetensors")));
    }
    sn_model_release(model);
}

static void refuses_what_cannot_be_quantized(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *made = take_quantized(sample_create(1, 0)), *again = NULL;
    assert_int_equal(sn_model_quantize(made, NULL, &again, &error), SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "int8 already"));
    assert_null(again);
    sn_model_release(made);
    /* The last width whose largest sum is below 2^31. */
    assert_true(INT64_C(133144) * 127 * 127 <= INT32_MAX);
    assert_true(INT64_C(133145) * 127 * 127 > INT32_MAX);
    sn_model_config config = {.vocab_size = 1,
                              .embedding_dim = 133144,
                              .hidden_size = 133144,
                              .num_classes = 1,
                              .num_layers = 1,
                              .directions = 2};
    assert_int_equal(sn_quantized_check(&config, NULL), SENTIMENT_OK);
    config.num_layers = 2;
    assert_int_equal(sn_quantized_check(&config, &error), SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "266288"));
    config.num_layers = 1;
    config.hidden_size++;
    assert_int_equal(sn_quantized_check(&config, &error), SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "hidden_size: 133145"));
    config.hidden_size--;
    config.embedding_dim++;
    assert_int_equal(sn_quantized_check(&config, &error), SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "embedding_dim: 133145"));
}

static void stops_when_cancelled(void **state)
{
    (void)state;
    sentiment_model *model = sample_create(1, 0), *made = NULL;
    sentiment_cancel *cancel;
    assert_int_equal(sentiment_cancel_create(&cancel, NULL), SENTIMENT_OK);
    const sentiment_model_options options = {.struct_size = sizeof options, .cancel = cancel};
    const char *path = scratch_path(folder, "a.safetensors");
    assert_int_equal(sn_model_quantize(model, &options, &made, NULL), SENTIMENT_OK);
    save(made, path);
    sn_model_release(made);
    made = NULL;
    sentiment_cancel_request(cancel);
    assert_int_equal(sn_model_quantize(model, &options, &made, NULL), SENTIMENT_ERROR_CANCELLED);
    assert_int_equal(sn_model_load(path, &options, &made, NULL), SENTIMENT_ERROR_CANCELLED);
    assert_null(made);
    sentiment_cancel_free(cancel);
    sn_model_release(model);
}

/* ------------------------------------------------------------------- files */

static void expect_round_trip(sentiment_model *model)
{
    const char *first = scratch_path(folder, "a.safetensors");
    const char *second = scratch_path(folder, "b.safetensors");
    size_t size_a, size_b;
    save(model, first);
    sentiment_model *loaded = sample_load(first);
    expect_equal(model, loaded);
    save(loaded, second);
    char *a = scratch_read(first, &size_a), *b = scratch_read(second, &size_b);
    assert_int_equal(size_a, size_b);
    assert_memory_equal(a, b, size_a);
    free(a);
    free(b);
    assert_string_equal(metadata(loaded, "quantization"),
                        "{\"scheme\":\"int8-rows\",\"version\":1}");
    assert_true(loaded->memory_bytes >= model->memory_bytes);
    sn_model_release(loaded);
    sn_model_release(model);
}

static void keeps_everything(void **state)
{
    (void)state;
    expect_round_trip(take_quantized(sample_create(1, 0)));
    expect_round_trip(take_quantized(sample_create(3, 1)));
    expect_round_trip(take_quantized(sample_assemble()));
}

static void read(const char *path, sn_bundle *bundle)
{
    const sn_read_options options = {0};
    *bundle = (sn_bundle){.memory = &sn_memory_default};
    assert_int_equal(sn_formats_read_path(path, &options, bundle, NULL), SENTIMENT_OK);
}

static void writes_the_documented_tensors(void **state)
{
    (void)state;
    sentiment_model *model = take_quantized(sample_assemble());
    const char *path = scratch_path(folder, "a.safetensors");
    sn_bundle bundle;
    save(model, path);
    read(path, &bundle);
    static const struct {
        const char *name;
        sn_dtype dtype;
        uint64_t rows, columns;
    } expected[] = {
        {"embedding.weight_scale", SN_F32, 4, 0},
        {"lstm.weight_ih_l0_scale", SN_F32, 12, 0},
        {"lstm.weight_hh_l0_scale", SN_F32, 12, 0},
        {"lstm.bias_ih_l0", SN_F32, 12, 0},
        {"lstm.bias_hh_l0", SN_F32, 12, 0},
        {"fc.weight", SN_F32, 2, 3},
        {"fc.bias", SN_F32, 2, 0},
        {"embedding.weight", SN_I8, 4, 2},
        {"lstm.weight_ih_l0", SN_I8, 12, 2},
        {"lstm.weight_hh_l0", SN_I8, 12, 3},
    };
    assert_int_equal(bundle.tensor_count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < bundle.tensor_count; i++) {
        const sn_tensor *tensor = &bundle.tensors[i];
        assert_string_equal(tensor->name, expected[i].name);
        assert_int_equal(tensor->dtype, expected[i].dtype);
        assert_int_equal(tensor->rank, expected[i].columns ? 2 : 1);
        assert_int_equal(tensor->dims[0], expected[i].rows);
        if (tensor->dtype == SN_F32)
            assert_int_equal((uintptr_t)(tensor->data - bundle.file.data) % sizeof(float), 0);
    }
    sn_bundle_free(&bundle);
    sn_model_release(model);
}

static void refuses_other_formats(void **state)
{
    (void)state;
    sentiment_model *model = take_quantized(sample_create(1, 0));
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(sn_model_save(model, scratch_path(folder, "guide"), NULL, &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "the fp32 model that this one was made from"));
    assert_int_equal(scratch_count(folder), 0);
    sn_model_release(model);
}

/* ------------------------------------------------------------ allocations */

static sentiment_status make_save_load(const sentiment_model *model, const char *path,
                                       const sentiment_model_options *options)
{
    sentiment_model *made = NULL, *loaded = NULL;
    sentiment_status status = sn_model_quantize(model, options, &made, NULL);
    if (status == SENTIMENT_OK)
        status = sn_model_save(made, path, NULL, NULL);
    if (status == SENTIMENT_OK)
        status = sn_model_load(path, options, &loaded, NULL);
    if (status == SENTIMENT_OK)
        expect_equal(made, loaded);
    sn_model_release(made);
    sn_model_release(loaded);
    return status;
}

static void survives_every_failed_allocation(void **state)
{
    (void)state;
    sentiment_model *model = sample_assemble();
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        const sentiment_model_options options = {.struct_size = sizeof options,
                                                 .allocator = &hooks};
        sentiment_status status =
            make_save_load(model, scratch_path(folder, "a.safetensors"), &options);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty)) {
            assert_int_equal(status, SENTIMENT_OK);
            assert_true(n > 60);
            break;
        }
        assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
    }
    sn_model_release(model);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantizes_the_matrices_and_nothing_else),
        FILE_TEST(keeps_words_labels_and_history),
        FILE_TEST(keeps_a_tokenizer_json),
        FILE_TEST(replaces_the_precision),
        cmocka_unit_test(refuses_what_cannot_be_quantized),
        FILE_TEST(stops_when_cancelled),
        FILE_TEST(keeps_everything),
        FILE_TEST(writes_the_documented_tensors),
        FILE_TEST(refuses_other_formats),
        FILE_TEST(survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name("int8", tests, NULL, NULL);
}
