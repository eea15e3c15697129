/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment_model_options.temperature: what a model loaded with another one answers,
 * forgets and saves, in every format; and what is refused. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/scratch.h"

#define TEXT "word_1 word_5 word_7"

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

static sentiment_model *load(const char *path, float temperature)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = {.struct_size = sizeof options, .temperature = temperature};
    sentiment_model *model = NULL;
    if (sentiment_model_load(path, &options, &model, &error))
        fail_msg("%s", error.message);
    return model;
}

static void save(const sentiment_model *model, const char *path, const char *metadata)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_save_options how = {.struct_size = sizeof how, .metadata_json = metadata};
    if (sentiment_model_save(model, path, &how, &error))
        fail_msg("%s", error.message);
}

static float temperature_of(const sentiment_model *model)
{
    sentiment_model_info info = {.struct_size = sizeof info};
    assert_int_equal(sentiment_model_get_info(model, &info, NULL), SENTIMENT_OK);
    return info.temperature;
}

/* A saved model at temperature 1 that tells of its answers. */
static const char *make(void)
{
    const sentiment_model_config config = {.struct_size = sizeof config,
                                           .vocab_size = 20,
                                           .embedding_dim = 5,
                                           .hidden_size = 6,
                                           .num_classes = CLASSES,
                                           .padding = SENTIMENT_PADDING_NONE,
                                           .seed = 3};
    const char *path = scratch_path(folder, "made.safetensors");
    sentiment_model *model = NULL;
    assert_int_equal(sentiment_model_create(&config, NULL, &model, NULL), SENTIMENT_OK);
    save(model, path, "{\"golden\":\"g\",\"baseline\":\"b\",\"note\":\"n\"}");
    sentiment_model_free(model);
    return path;
}

static void predict(sentiment_model *model, float probabilities[CLASSES], float logits[CLASSES])
{
    sentiment_session *session = NULL;
    sentiment_result result = {.struct_size = sizeof result};
    assert_int_equal(sentiment_session_create(model, NULL, &session, NULL), SENTIMENT_OK);
    assert_int_equal(sentiment_session_predict(session, TEXT, strlen(TEXT), 0, &result,
                                               probabilities, logits, NULL),
                     SENTIMENT_OK);
    sentiment_session_free(session);
}

static void divides_the_logits(void **state)
{
    (void)state;
    const char *path = make();
    float plain[CLASSES], flat[CLASSES], logits[CLASSES], same[CLASSES];
    double weights[CLASSES], sum = 0;
    sentiment_model *model = load(path, 0), *other = load(path, 2.5f);
    predict(model, plain, logits);
    predict(other, flat, same);
    assert_memory_equal(logits, same, sizeof logits);
    for (size_t i = 0; i < CLASSES; i++)
        sum += weights[i] = exp((double)logits[i] / 2.5);
    for (size_t i = 0; i < CLASSES; i++) {
        /* One rounding to float of a number below 1. */
        assert_true(fabs(weights[i] / sum - (double)flat[i]) < 6e-8);
        assert_true(plain[i] != flat[i]);
    }
    sentiment_model_free(model);
    sentiment_model_free(other);
}

static void forgets_the_old_answers(void **state)
{
    (void)state;
    const char *path = make();
    sentiment_model *same = load(path, 1), *other = load(path, 2);
    assert_string_equal(sentiment_model_get_metadata(same, "golden"), "g");
    assert_string_equal(sentiment_model_get_metadata(same, "baseline"), "b");
    assert_null(sentiment_model_get_metadata(other, "golden"));
    assert_null(sentiment_model_get_metadata(other, "baseline"));
    assert_string_equal(sentiment_model_get_metadata(other, "note"), "n");
    assert_string_equal(sentiment_model_get_metadata(other, "temperature"), "2.0");
    sentiment_model_free(same);
    sentiment_model_free(other);
}

/* Three formats one after the other, back to 1, and through int8. */
static void is_saved_everywhere(void **state)
{
    (void)state;
    static const char *const names[] = {"t.safetensors", "folder", "t.onnx"};
    sentiment_model *model = load(make(), 1.3f), *quantized = NULL;
    for (size_t i = 0; i < 3; i++) {
        const char *path = scratch_path(folder, names[i]);
        save(model, path, NULL);
        sentiment_model_free(model);
        model = load(path, 0);
        assert_true(temperature_of(model) == 1.3f);
        sentiment_model *reset = load(path, 1);
        save(reset, path, NULL);
        sentiment_model_free(reset);
        reset = load(path, 0);
        assert_true(temperature_of(reset) == 1);
        sentiment_model_free(reset);
    }
    assert_int_equal(sentiment_model_quantize(model, NULL, &quantized, NULL), SENTIMENT_OK);
    const char *path = scratch_path(folder, "int8.safetensors");
    save(quantized, path, NULL);
    sentiment_model_free(quantized);
    sentiment_model_free(model);
    model = load(path, 0);
    assert_true(temperature_of(model) == 1.3f);
    sentiment_model_free(model);
}

/* A config.json that states one, in either place, is corrected and not contradicted. */
static void replaces_what_a_config_says(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"temperature\": 3, \"extra\": 1, \"model_params\": {\"vocab_size\": 20, "
        "\"embedding_dim\": 5, \"hidden_size\": 6, \"num_classes\": 3}, \"padding\": \"none\"}",
        "{\"extra\": 1, \"model_params\": {\"vocab_size\": 20, \"temperature\": 3, "
        "\"embedding_dim\": 5, \"hidden_size\": 6, \"num_classes\": 3}, \"padding\": \"none\"}",
    };
    sentiment_model *model = load(make(), 0);
    const char *path = scratch_path(folder, "guide");
    const char *config = scratch_path(folder, "guide/config.json");
    save(model, path, NULL);
    sentiment_model_free(model);
    for (size_t i = 0; i < 2; i++) {
        scratch_write(config, texts[i], strlen(texts[i]));
        model = load(path, 0.5f);
        save(model, path, NULL);
        sentiment_model_free(model);
        char *written = scratch_read(config, &(size_t){0});
        assert_null(strstr(written, "\"temperature\": 3"));
        assert_non_null(strstr(written, "\"temperature\": 0.5"));
        assert_non_null(strstr(written, "\"extra\": 1"));
        free(written);
        model = load(path, 0);
        assert_true(temperature_of(model) == 0.5f);
        sentiment_model_free(model);
    }
}

static void refuses_other_numbers(void **state)
{
    (void)state;
    static const float wrong[] = {-1, -0.5f, INFINITY, -INFINITY, NAN};
    const char *path = make();
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = {.struct_size = sizeof options};
    sentiment_model *model = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options.temperature = wrong[i];
        assert_int_equal(sentiment_model_load(path, &options, &model, &error),
                         SENTIMENT_ERROR_INVALID_ARGUMENT);
        assert_non_null(strstr(error.message, "temperature is "));
    }
    options.temperature = 0;
    options.reserved = 1;
    assert_int_equal(sentiment_model_load(path, &options, &model, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "reserved"));
    assert_null(model);
}

static void is_an_option_of_loading(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = {.struct_size = sizeof options, .temperature = 2};
    const sentiment_model_config config = {.struct_size = sizeof config,
                                           .vocab_size = 2,
                                           .embedding_dim = 1,
                                           .hidden_size = 1,
                                           .num_classes = 2};
    sentiment_model *model = load(make(), 0), *out = NULL;
    assert_int_equal(sentiment_model_create(&config, &options, &out, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "option of loading"));
    assert_int_equal(sentiment_model_quantize(model, &options, &out, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_null(out);
    sentiment_model_free(model);
}

/* A program that was built with a header that had no temperature yet. */
static void takes_the_older_struct(void **state)
{
    (void)state;
    sentiment_model_options options = {
        .struct_size = offsetof(sentiment_model_options, temperature), .temperature = 9};
    sentiment_model *model = NULL;
    assert_int_equal(sentiment_model_load(make(), &options, &model, NULL), SENTIMENT_OK);
    assert_true(temperature_of(model) == 1);
    sentiment_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(divides_the_logits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgets_the_old_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_saved_everywhere, set_up, tear_down),
        cmocka_unit_test_setup_teardown(replaces_what_a_config_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_other_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_an_option_of_loading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_the_older_struct, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
