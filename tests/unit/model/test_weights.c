/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/model/weights.c and load.c: names, shapes and values of the tensors and
 * the words against the embedding, each spoiled in turn; the allocator, the
 * log and the cancel token of loading. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "parts.h"
#include "support/faulty_allocator.h"

/* ----------------------------------------------------------------- weights */

static void infers_layers_and_directions(void **state)
{
    (void)state;
    bundle.tensor_count = 0;
    bundle.config = NULL;
    add("embedding.weight", 4, 2);
    add("fc.weight", 2, 6);
    add("fc.bias", 2, 0);
    static const char *const names[][4] = {
        {"lstm.weight_ih_l1", "lstm.weight_hh_l1", "lstm.bias_ih_l1", "lstm.bias_hh_l1"},
        {"lstm.weight_ih_l0_reverse", "lstm.weight_hh_l0_reverse", "lstm.bias_ih_l0_reverse",
         "lstm.bias_hh_l0_reverse"},
        {"lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0"},
        {"lstm.weight_ih_l1_reverse", "lstm.weight_hh_l1_reverse", "lstm.bias_ih_l1_reverse",
         "lstm.bias_hh_l1_reverse"},
    };
    for (size_t i = 0; i < 4; i++) {
        add(names[i][0], 12, i == 0 || i == 3 ? 6 : 2);
        add(names[i][1], 12, 3);
        add(names[i][2], 12, 0);
        add(names[i][3], 12, 0);
        tensors[bundle.tensor_count - 1].data = (const uint8_t *)&numbers[i];
    }
    sentiment_model *model = load();
    assert_int_equal(model->config.num_layers, 2);
    assert_int_equal(model->config.directions, 2);
    /* By layer, forward first: l0, l0_reverse, l1, l1_reverse. */
    static const size_t order[] = {2, 1, 0, 3};
    for (size_t i = 0; i < 4; i++)
        assert_true(model->weights.lstm[i].b_hh[0] == numbers[order[i]]);
    sn_model_release(model);
    tensor_named("lstm.weight_ih_l1")->dims[1] = 3;
    refuse(SENTIMENT_ERROR_SHAPE_MISMATCH, "'lstm.weight_ih_l1' has shape [12, 3]; expected "
                                           "[12, 6]");
}

static void passes_over_a_common_prefix(void **state)
{
    (void)state;
    static const char *const names[] = {
        "module.embedding.weight", "module.lstm.weight_ih_l0", "module.lstm.weight_hh_l0",
        "module.lstm.bias_ih_l0",  "module.lstm.bias_hh_l0",   "module.fc.weight",
        "module.fc.bias"};
    for (size_t i = 0; i < 7; i++)
        tensors[i].name = names[i];
    sn_model_release(load());
    tensors[6].name = "fc.bias";
    refuse(SENTIMENT_ERROR_BAD_MODEL, "'embedding.weight' is missing");
}

static void takes_missing_biases_as_zeros(void **state)
{
    (void)state;
    tensors[3] = tensors[5];
    tensors[4] = tensors[6];
    bundle.tensor_count = 5;
    sentiment_model *model = load();
    for (size_t i = 0; i < 12; i++)
        assert_true(model->weights.lstm[0].b_ih[i] == 0 && model->weights.lstm[0].b_hh[i] == 0);
    assert_memory_equal(model->weights.fc_weight, numbers, 6 * sizeof(float));
    sn_model_release(model);
}

static void names_the_missing_tensor(void **state)
{
    (void)state;
    for (size_t i = 0; i < 7; i++) {
        char text[80];
        const char *name = tensors[i].name;
        snprintf(text, sizeof text, "'%s' is missing", name);
        tensors[i].name = "other";
        refuse(SENTIMENT_ERROR_BAD_MODEL, text);
    }
}

static void refuses_strays(void **state)
{
    (void)state;
    add("lstm.weight_hr_l0", 2, 3);
    refuse(SENTIMENT_ERROR_UNSUPPORTED, "proj_size");
    add("lstm.weight_ih_l2", 12, 3);
    refuse(SENTIMENT_ERROR_BAD_MODEL, "'lstm.weight_ih_l2' has no place");
    add("fc.weight_g", 1, 0);
    refuse(SENTIMENT_ERROR_BAD_MODEL, "'fc.weight_g' has no place");
    add("lstm.weight_ih_l0_reverse", 12, 2);
    refuse(SENTIMENT_ERROR_BAD_MODEL, "'lstm.weight_ih_l0_reverse' has no place");
    add("lstm.weight_hh_l0_reverse", 12, 3);
    refuse(SENTIMENT_ERROR_BAD_MODEL, "'lstm.weight_ih_l0_reverse' is missing");
    add("lstm.weight_hh_l1", 12, 3);
    refuse(SENTIMENT_ERROR_BAD_MODEL, "'lstm.weight_ih_l1' is missing");
}

static char logged[512];

static void keep_message(void *user, int32_t level, const char *message)
{
    assert_ptr_equal(user, logged);
    assert_int_equal(level, SENTIMENT_LOG_WARNING);
    snprintf(logged, sizeof logged, "%s", message);
}

static void warns_of_ignored_tensors(void **state)
{
    (void)state;
    sentiment_model_options options = {.struct_size = sizeof options,
                                       .log = keep_message,
                                       .log_user = logged};
    sentiment_model *model = NULL;
    add("criterion.weight", 2, 0);
    tensors[7].data = NULL;
    assert_int_equal(sn_model_from_bundle(&bundle, &options, &model, NULL), SENTIMENT_OK);
    assert_non_null(strstr(logged, "'criterion.weight'"));
    sn_model_release(model);
}

static void refuses_wrong_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < 7; i++) {
        for (uint32_t d = 0; d < tensors[i].rank; d++) {
            /* These define the sizes; the others must follow. */
            bundle.config = NULL;
            tensors[i].dims[d]++;
            assert_true(sn_tensor_set_contiguous(&tensors[i]));
            if (i == 0 && d == 0)
                sn_model_release(load());
            else
                refuse(SENTIMENT_ERROR_SHAPE_MISMATCH, "has shape");
            fresh(NULL);
        }
        tensors[i].rank = 3;
        tensors[i].dims[1] = tensors[i].dims[1] ? tensors[i].dims[1] : 1;
        tensors[i].dims[2] = 1;
        assert_true(sn_tensor_set_contiguous(&tensors[i]));
        refuse(SENTIMENT_ERROR_SHAPE_MISMATCH, tensors[i].name);
        tensors[i].dims[0] = 0;
        assert_true(sn_tensor_set_contiguous(&tensors[i]));
        sentiment_model *model = NULL;
        assert_true(sn_model_from_bundle(&bundle, NULL, &model, NULL) < 0);
        fresh(NULL);
    }
}

/* numpy's broadcast and torch's expand: many elements, little memory. */
static void refuses_elements_that_share_memory(void **state)
{
    (void)state;
    tensors[0].strides[0] = 0;
    refuse(SENTIMENT_ERROR_BAD_MODEL, "share the memory");
    tensors[2].strides[0] = 1;
    refuse(SENTIMENT_ERROR_BAD_MODEL, "share the memory");
    /* A transposed matrix is fine. */
    tensors[2].strides[0] = 1;
    tensors[2].strides[1] = 12;
    sn_model_release(load());
}

static void refuses_what_is_not_finite(void **state)
{
    (void)state;
    static float poisoned[48];
    for (size_t i = 0; i < 7; i++) {
        memset(poisoned, 0, sizeof poisoned);
        poisoned[tensors[i].elements - 1] = i % 2 ? NAN : INFINITY;
        tensors[i].data = (const uint8_t *)poisoned;
        refuse(SENTIMENT_ERROR_BAD_MODEL, tensors[i].name);
    }
}

static void refuses_integer_weights(void **state)
{
    (void)state;
    tensors[0].dtype = SN_I8;
    refuse(SENTIMENT_ERROR_UNSUPPORTED, "int8");
}

/* ------------------------------------------------------------------- words */

static void checks_the_vocabulary(void **state)
{
    (void)state;
    bundle.has_words = 0;
    refuse(SENTIMENT_ERROR_BAD_MODEL, "no vocabulary");
    bundle.words.vocab_size = 5;
    refuse(SENTIMENT_ERROR_SHAPE_MISMATCH, "vocab_size 5, but the embedding has 4 rows");
    bundle.words.vocab_size = -1;
    sn_model_release(load());
    bundle.words.vocab_size = 3;
    sn_model_release(load());
    bundle.words.count = 0;
    sn_model_release(load());
    fresh(NULL);
    word_ids[1] = 4;
    refuse(SENTIMENT_ERROR_BAD_MODEL, "one");
    word_ids[1] = -1;
    refuse(SENTIMENT_ERROR_BAD_MODEL, "one");
    word_ids[2] = INT64_C(1) << 32;
    refuse(SENTIMENT_ERROR_BAD_MODEL, "two");
    memcpy(words, "zerotwotwo", 10);
    refuse(SENTIMENT_ERROR_BAD_MODEL, "two");
    word_ids[1] = 3;
    sn_model_release(load());
}

/* ------------------------------------------------------------------ hooks */

static void stops_when_cancelled(void **state)
{
    (void)state;
    sentiment_model_options options = {.struct_size = sizeof options};
    sentiment_model *model = NULL;
    sentiment_cancel *cancel;
    assert_int_equal(sentiment_cancel_create(&cancel, NULL), SENTIMENT_OK);
    sentiment_cancel_request(cancel);
    options.cancel = cancel;
    assert_int_equal(sn_model_from_bundle(&bundle, &options, &model, NULL),
                     SENTIMENT_ERROR_CANCELLED);
    sentiment_cancel_free(cancel);
}

static void survives_every_failed_allocation(void **state)
{
    (void)state;
    set_config("{\"model_params\":{" SIZES "},\"labels\":[\"a\",\"b\"],\"padding\":\"none\"}");
    set_pair("k", "v");
    set_pair("l", "w");
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        sentiment_model_options options = {.struct_size = sizeof options, .allocator = &hooks};
        sentiment_model *model = NULL;
        sentiment_status status = sn_model_from_bundle(&bundle, &options, &model, NULL);
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

#define LOAD_TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOAD_TEST(infers_layers_and_directions),
        LOAD_TEST(passes_over_a_common_prefix),
        LOAD_TEST(takes_missing_biases_as_zeros),
        LOAD_TEST(names_the_missing_tensor),
        LOAD_TEST(refuses_strays),
        LOAD_TEST(warns_of_ignored_tensors),
        LOAD_TEST(refuses_wrong_shapes),
        LOAD_TEST(refuses_elements_that_share_memory),
        LOAD_TEST(refuses_what_is_not_finite),
        LOAD_TEST(refuses_integer_weights),
        LOAD_TEST(checks_the_vocabulary),
        LOAD_TEST(stops_when_cancelled),
        LOAD_TEST(survives_every_failed_allocation),
    };
    return cmocka_run_group_tests_name("weights", tests, NULL, NULL);
}
