/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/model/create.c and random.c: the weights of a seed agree bit for bit
 * with an implementation of the documented generator in another language;
 * sizes out of range, cancelling and failing allocations end in errors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "model/random.h"
#include "sample.h"
#include "support/faulty_allocator.h"

#include "create_expected.h"

static void generates_the_documented_numbers(void **state)
{
    (void)state;
    sn_random random;
    sn_random_seed(&random, 1);
    for (size_t i = 0; i < 4; i++)
        assert_true(sn_random_next(&random) == expected_numbers[i]);
}

static sentiment_model_config config_of(size_t i)
{
    const uint32_t *sizes = expected_digests[i].sizes;
    return (sentiment_model_config){.struct_size = sizeof(sentiment_model_config),
                                    .vocab_size = sizes[0],
                                    .embedding_dim = sizes[1],
                                    .hidden_size = sizes[2],
                                    .num_classes = sizes[3],
                                    .num_layers = sizes[4],
                                    .bidirectional = sizes[5] - 1,
                                    .seed = expected_digests[i].seed};
}

static void gives_the_same_weights_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expected_digests / sizeof expected_digests[0]; i++) {
        const sentiment_model_config config = config_of(i);
        sentiment_model *model = NULL;
        sn_sha256 hash;
        char hex[65];
        assert_int_equal(sn_model_create(&config, NULL, &model, NULL), SENTIMENT_OK);
        sn_sha256_start(&hash);
        sn_sha256_add(&hash, model->storage, model->weights.parameters * sizeof(float));
        sn_sha256_finish(&hash, hex);
        assert_string_equal(hex, expected_digests[i].sha256);
        sn_model_release(model);
    }
}

/* Of n independent deviates the mean has deviation 1/sqrt(n) and the mean
 * square sqrt(2/n); five of each leave one chance in a million, once. */
static void draws_from_the_right_distributions(void **state)
{
    (void)state;
    enum { N = 100000 };
    double sum = 0, squares = 0, largest = 0;
    sn_random random;
    sn_random_seed(&random, 99);
    for (size_t i = 0; i < N; i++) {
        double value = sn_random_normal(&random);
        sum += value;
        squares += value * value;
    }
    assert_true(fabs(sum / N) < 5 / sqrt(N));
    assert_true(fabs(squares / N - 1) < 5 * sqrt(2.0 / N));
    for (size_t i = 0; i < N; i++) {
        double value = sn_random_uniform(&random, 0.5);
        assert_true(value >= -0.5 && value < 0.5);
        largest = fmax(largest, fabs(value));
    }
    assert_true(largest > 0.499);
}

static void is_complete(void **state)
{
    (void)state;
    size_t size;
    sentiment_model *model = sample_create(0, 0);
    const sn_vocabulary *vocabulary = &model->tokenizer->tokenizer.vocabulary;
    assert_int_equal(model->config.num_layers, 1);
    assert_int_equal(model->config.directions, 1);
    assert_int_equal(model->config.max_length, 512);
    assert_int_equal(model->config.padding, SENTIMENT_PADDING_MAX_LENGTH);
    assert_true(model->config.temperature == 1);
    assert_int_equal(model->weights.parameters, 11 * 3 + 20 * 3 + 20 * 5 + 40 + 15 + 3);
    assert_ptr_equal(model->weights.fc_bias + 3, model->storage + model->weights.parameters);
    assert_int_equal((uintptr_t)model->storage % SN_ALIGNMENT, 0);
    assert_true(model->memory_bytes > model->weights.parameters * sizeof(float));
    assert_string_equal(model->format, "memory");
    assert_string_equal(model->labels[2], "2");
    assert_false(model->has_labels);
    assert_int_equal(vocabulary->count, SAMPLE_WORDS);
    assert_int_equal(sn_vocabulary_find(vocabulary, (const uint8_t *)"word_10", 7), 10);
    assert_memory_equal(sn_vocabulary_word(vocabulary, 0, &size), "word_0", 6);
    assert_int_equal(size, 6);
    assert_string_equal(model->config_json,
                        "{\"model_params\":{\"vocab_size\":11,\"embedding_dim\":3,"
                        "\"hidden_size\":5,\"num_classes\":3}}");
    sn_model_release(model);
}

static void refuse(sentiment_model_config config, const char *words)
{
    sentiment_model *model = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(sn_model_create(&config, NULL, &model, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, words));
    assert_null(model);
}

static void refuses_sizes_out_of_range(void **state)
{
    (void)state;
    sentiment_model_config good = config_of(1), bad = good;
    bad.vocab_size = 0;
    refuse(bad, "vocab_size is 0");
    bad = good;
    bad.vocab_size = UINT32_MAX;
    refuse(bad, "vocab_size is 4294967295");
    bad = good;
    bad.embedding_dim = 0;
    refuse(bad, "embedding_dim");
    bad = good;
    bad.hidden_size = SN_MAX_WIDTH + 1;
    refuse(bad, "hidden_size");
    bad = good;
    bad.num_classes = 65537;
    refuse(bad, "num_classes");
    bad = good;
    bad.num_layers = 65;
    refuse(bad, "num_layers");
    bad = good;
    bad.bidirectional = 2;
    refuse(bad, "bidirectional");
    bad = good;
    bad.max_length = 65537;
    refuse(bad, "max_length");
    bad = good;
    bad.padding = 3;
    refuse(bad, "padding");
}

/* An allocator that refuses more than it has, whatever the system promises. */
static void *allocate_little(void *user, size_t size)
{
    (void)user;
    return size > 1 << 20 ? NULL : sn_memory_default.allocate(NULL, size);
}

static void fails_on_sizes_beyond_memory(void **state)
{
    (void)state;
    sentiment_allocator hooks = {sizeof hooks, 0, NULL, allocate_little,
                                 sn_memory_default.reallocate, sn_memory_default.release};
    sentiment_model_options options = {.struct_size = sizeof options, .allocator = &hooks};
    sentiment_model_config huge = config_of(1);
    sentiment_model *model = NULL;
    huge.vocab_size = SN_MAX_VOCABULARY;
    huge.embedding_dim = huge.hidden_size = SN_MAX_WIDTH;
    huge.num_layers = SN_MAX_LAYERS;
    huge.bidirectional = 1;
    assert_int_equal(sn_model_create(&huge, &options, &model, NULL),
                     SENTIMENT_ERROR_OUT_OF_MEMORY);
}

static void stops_when_cancelled(void **state)
{
    (void)state;
    sentiment_model_options options = {.struct_size = sizeof options};
    sentiment_model_config config = config_of(1);
    sentiment_model *model = NULL;
    sentiment_cancel *cancel;
    assert_int_equal(sentiment_cancel_create(&cancel, NULL), SENTIMENT_OK);
    sentiment_cancel_request(cancel);
    options.cancel = cancel;
    assert_int_equal(sn_model_create(&config, &options, &model, NULL), SENTIMENT_ERROR_CANCELLED);
    assert_null(model);
    sentiment_cancel_free(cancel);
}

static void survives_every_failed_allocation(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        sentiment_model_options options = {.struct_size = sizeof options, .allocator = &hooks};
        sentiment_model_config config = config_of(2);
        sentiment_model *model = NULL;
        sentiment_status status = sn_model_create(&config, &options, &model, NULL);
        sn_model_release(model);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty)) {
            assert_int_equal(status, SENTIMENT_OK);
            assert_true(n > 10);
            break;
        }
        assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generates_the_documented_numbers),
        cmocka_unit_test(gives_the_same_weights_everywhere),
        cmocka_unit_test(draws_from_the_right_distributions),
        cmocka_unit_test(is_complete),
        cmocka_unit_test(refuses_sizes_out_of_range),
        cmocka_unit_test(fails_on_sizes_beyond_memory),
        cmocka_unit_test(stops_when_cancelled),
        cmocka_unit_test(survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name("create", tests, NULL, NULL);
}
