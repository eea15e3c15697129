/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/model/config.c: what config.json and a native file's metadata may say,
 * in both places, and every way in which they can be wrong, contradict each
 * other or contradict the weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "parts.h"

static void takes_the_guides_defaults(void **state)
{
    (void)state;
    sentiment_model *model = load();
    assert_int_equal(model->config.padding, SENTIMENT_PADDING_MAX_LENGTH);
    assert_int_equal(model->config.max_length, 512);
    assert_true(model->config.temperature == 1);
    assert_false(model->has_labels);
    assert_string_equal(model->labels[1], "1");
    assert_int_equal(model->tokenizer->tokenizer.kind, SENTIMENT_TOKENIZER_WHITESPACE);
    assert_memory_equal(model->weights.embedding, numbers, 8 * sizeof(float));
    assert_memory_equal(model->weights.lstm[0].w_hh, numbers, 36 * sizeof(float));
    assert_memory_equal(model->weights.fc_bias, numbers, 2 * sizeof(float));
    assert_string_equal(model->format, "pytorch");
    sn_model_release(model);
}

/* One option at the top level, in model_params, and in both alike. */
static void expect_option(const char *option, void (*check)(const sentiment_model *model))
{
    static const char *const frames[] = {
        "{\"model_params\":{" SIZES "},%s}",
        "{\"model_params\":{" SIZES ",%s}}",
        "{\"x\":[1.5,null],%s,\"model_params\":{\"y\":{},%s," SIZES "}}",
    };
    for (size_t i = 0; i < 3; i++) {
        char text[1000];
        fresh(NULL);
        /* The third frame takes the option twice. */
        char *end = text;
        for (const char *at = frames[i]; *at; at++) {
            if (at[0] == '%') {
                end = stpcpy(end, option);
                at++;
            } else {
                *end++ = *at;
            }
        }
        *end = '\0';
        set_config(text);
        sentiment_model *model = load();
        check(model);
        sn_model_release(model);
    }
    fresh(NULL);
}

static void check_labels(const sentiment_model *model)
{
    assert_true(model->has_labels);
    assert_string_equal(model->labels[0], "no");
    assert_string_equal(model->labels[1], "\xc3\xa9");
}

static void check_none(const sentiment_model *model)
{
    assert_int_equal(model->config.padding, SENTIMENT_PADDING_NONE);
}

static void check_padded(const sentiment_model *model)
{
    assert_int_equal(model->config.padding, SENTIMENT_PADDING_MAX_LENGTH);
}

static void check_longest(const sentiment_model *model)
{
    assert_int_equal(model->config.max_length, 65536);
}

static void check_temperature(const sentiment_model *model)
{
    assert_true(model->config.temperature == 1.3f);
}

static void check_words(const sentiment_model *model)
{
    assert_int_equal(model->tokenizer->tokenizer.kind, SENTIMENT_TOKENIZER_WORDS);
}

static void check_nothing(const sentiment_model *model)
{
    assert_int_equal(model->config.directions, 1);
    assert_int_equal(model->config.max_length, 512);
}

static void takes_options_in_both_places(void **state)
{
    (void)state;
    expect_option("\"labels\":[\"no\",\"\\u00e9\"]", check_labels);
    expect_option("\"padding\":\"none\"", check_none);
    expect_option("\"padding\":\"max_length\"", check_padded);
    expect_option("\"max_length\":65536", check_longest);
    expect_option("\"temperature\":1.3", check_temperature);
    expect_option("\"tokenizer\":\"words\"", check_words);
    expect_option("\"bidirectional\":false", check_nothing);
    expect_option("\"bidirectional\":0", check_nothing);
    expect_option("\"num_layers\":1", check_nothing);
    expect_option("\"precision\":\"fp32\"", check_nothing);
    expect_option("\"labels\":null,\"max_length\":null,\"num_layers\":null", check_nothing);
    expect_option("\"dropout\":0.5", check_nothing);
}

static void keeps_other_keys(void **state)
{
    (void)state;
    set_config("{\"training_params\":{\"learning_rate\":0.1,\"n\":[1,null,true,\"\\u00e9\"]},"
               "\"model_params\":{\"extra\":1," SIZES "},\"z\":1e-300}");
    sentiment_model *model = load();
    assert_string_equal(model->config_json,
                        "{\"model_params\":{\"extra\":1," SIZES "},\"training_params\":"
                        "{\"learning_rate\":0.1,\"n\":[1,null,true,\"\xc3\xa9\"]},\"z\":1e-300}");
    sn_model_release(model);
}

/* config.json, code, words of the message */
static const struct {
    const char *text;
    sentiment_status code;
    const char *words;
} bad_configs[] = {
    {"", SENTIMENT_ERROR_BAD_MODEL, "not valid JSON"},
    {"[]", SENTIMENT_ERROR_BAD_MODEL, "expected a JSON object"},
    {"{\"a\":1,\"a\":2}", SENTIMENT_ERROR_BAD_MODEL, "duplicate"},
    {CONFIG "x", SENTIMENT_ERROR_BAD_MODEL, "not valid JSON"},
    {"{\"a\":NaN}", SENTIMENT_ERROR_BAD_MODEL, "not valid JSON"},
    {"{}", SENTIMENT_ERROR_BAD_MODEL, "'model_params' is missing"},
    {"{\"model_params\":[]}", SENTIMENT_ERROR_BAD_MODEL, "'model_params' is missing"},
    {"{\"model_params\":{\"embedding_dim\":2,\"hidden_size\":3,\"num_classes\":2}}",
     SENTIMENT_ERROR_BAD_MODEL, "lacks 'vocab_size'"},
    {"{\"model_params\":{\"vocab_size\":4,\"hidden_size\":3,\"num_classes\":2}}",
     SENTIMENT_ERROR_BAD_MODEL, "lacks 'embedding_dim'"},
    {"{\"model_params\":{\"vocab_size\":4,\"embedding_dim\":2,\"num_classes\":2}}",
     SENTIMENT_ERROR_BAD_MODEL, "lacks 'hidden_size'"},
    {"{\"model_params\":{\"vocab_size\":4,\"embedding_dim\":2,\"hidden_size\":3}}",
     SENTIMENT_ERROR_BAD_MODEL, "lacks 'num_classes'"},
};

static void refuses_bad_configs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_configs / sizeof bad_configs[0]; i++) {
        set_config(bad_configs[i].text);
        refuse(bad_configs[i].code, bad_configs[i].words);
    }
}

static void refuses_sizes_that_are_no_integers(void **state)
{
    (void)state;
    static const char *const values[] = {"4.0", "\"4\"", "true", "null", "[4]", "0", "-4",
                                         "4294967300", "1e3", "9223372036854775807"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "{\"model_params\":{\"vocab_size\":%s,\"embedding_dim\":2,\"hidden_size\":3,"
                 "\"num_classes\":2}}",
                 values[i]);
        set_config(text);
        refuse(SENTIMENT_ERROR_BAD_MODEL, "'vocab_size' must be an integer from 1 to");
    }
}

static const struct {
    const char *text;
    sentiment_status code;
    const char *words;
} bad_options[] = {
    {"\"num_layers\":0", SENTIMENT_ERROR_BAD_MODEL, "'num_layers'"},
    {"\"num_layers\":65", SENTIMENT_ERROR_BAD_MODEL, "'num_layers'"},
    {"\"num_layers\":1.0", SENTIMENT_ERROR_BAD_MODEL, "'num_layers'"},
    {"\"num_layers\":2", SENTIMENT_ERROR_SHAPE_MISMATCH, "num_layers is 2"},
    {"\"bidirectional\":true", SENTIMENT_ERROR_SHAPE_MISMATCH, "bidirectional"},
    {"\"bidirectional\":2", SENTIMENT_ERROR_BAD_MODEL, "'bidirectional'"},
    {"\"bidirectional\":\"no\"", SENTIMENT_ERROR_BAD_MODEL, "'bidirectional'"},
    {"\"labels\":\"ab\"", SENTIMENT_ERROR_BAD_MODEL, "'labels'"},
    {"\"labels\":[]", SENTIMENT_ERROR_BAD_MODEL, "'labels'"},
    {"\"labels\":[\"a\",1]", SENTIMENT_ERROR_BAD_MODEL, "label 1 is no string"},
    {"\"labels\":[\"a\"]", SENTIMENT_ERROR_SHAPE_MISMATCH, "labels is 1, but the weights have 2"},
    {"\"labels\":[\"a\",\"b\",\"c\"]", SENTIMENT_ERROR_SHAPE_MISMATCH, "labels is 3"},
    {"\"padding\":\"zero\"", SENTIMENT_ERROR_BAD_MODEL, "'padding'"},
    {"\"padding\":1", SENTIMENT_ERROR_BAD_MODEL, "'padding'"},
    {"\"max_length\":0", SENTIMENT_ERROR_BAD_MODEL, "'max_length'"},
    {"\"max_length\":65537", SENTIMENT_ERROR_BAD_MODEL, "'max_length'"},
    {"\"temperature\":0", SENTIMENT_ERROR_BAD_MODEL, "'temperature'"},
    {"\"temperature\":-1.5", SENTIMENT_ERROR_BAD_MODEL, "'temperature'"},
    {"\"temperature\":1e-60", SENTIMENT_ERROR_BAD_MODEL, "'temperature'"},
    {"\"temperature\":1e60", SENTIMENT_ERROR_BAD_MODEL, "'temperature'"},
    {"\"temperature\":\"1\"", SENTIMENT_ERROR_BAD_MODEL, "'temperature'"},
    {"\"precision\":\"bf16\"", SENTIMENT_ERROR_UNSUPPORTED, "'bf16'"},
    {"\"precision\":8", SENTIMENT_ERROR_BAD_MODEL, "'precision'"},
    {"\"precision\":\"int8\"", SENTIMENT_ERROR_BAD_MODEL, "'int8', but the weights are fp32"},
    {"\"tokenizer\":\"bpe\"", SENTIMENT_ERROR_UNSUPPORTED, "'bpe'"},
    {"\"tokenizer\":5", SENTIMENT_ERROR_BAD_MODEL, "'tokenizer'"},
    {"\"tokenizer\":{\"kind\":\"words\",\"options\":{\"a\":1}}", SENTIMENT_ERROR_UNSUPPORTED,
     "tokenizer options"},
};

static void refuses_bad_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_options / sizeof bad_options[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "{\"model_params\":{" SIZES "},%s}", bad_options[i].text);
        set_config(text);
        refuse(bad_options[i].code, bad_options[i].words);
        snprintf(text, sizeof text, "{\"model_params\":{" SIZES ",%s}}", bad_options[i].text);
        set_config(text);
        refuse(bad_options[i].code, bad_options[i].words);
    }
}

static void refuses_options_that_contradict(void **state)
{
    (void)state;
    static const char *const values[][2] = {
        {"\"labels\":[\"a\",\"b\"]", "\"labels\":[\"b\",\"a\"]"},
        {"\"padding\":\"none\"", "\"padding\":\"max_length\""},
        {"\"max_length\":1", "\"max_length\":2"},
        {"\"temperature\":1", "\"temperature\":2"},
        {"\"tokenizer\":\"words\"", "\"tokenizer\":\"whitespace\""},
        {"\"precision\":\"fp32\"", "\"precision\":\"int8\""},
        {"\"bidirectional\":false", "\"bidirectional\":1"},
        {"\"num_layers\":1", "\"num_layers\":2"},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "{\"model_params\":{" SIZES ",%s},%s}", values[i][0],
                 values[i][1]);
        set_config(text);
        refuse(SENTIMENT_ERROR_BAD_MODEL, "given twice");
    }
}

static void refuses_sizes_that_contradict_the_weights(void **state)
{
    (void)state;
    static const char *const names[] = {"vocab_size", "embedding_dim", "hidden_size",
                                        "num_classes"};
    static const int right[] = {4, 2, 3, 2};
    for (size_t i = 0; i < 4; i++) {
        char text[256], expected[64];
        int sizes[4];
        memcpy(sizes, right, sizeof sizes);
        sizes[i] += 7;
        snprintf(text, sizeof text,
                 "{\"model_params\":{\"vocab_size\":%d,\"embedding_dim\":%d,\"hidden_size\":%d,"
                 "\"num_classes\":%d}}",
                 sizes[0], sizes[1], sizes[2], sizes[3]);
        snprintf(expected, sizeof expected, "%s is %d, but the weights have %d", names[i],
                 sizes[i], right[i]);
        set_config(text);
        refuse(SENTIMENT_ERROR_SHAPE_MISMATCH, expected);
    }
}

/* -------------------------------------------------------- native metadata */

static void reads_native_metadata(void **state)
{
    (void)state;
    bundle.config = NULL;
    set_pair("labels", "[\"no\",\"\xc3\xa9\"]");
    set_pair("max_length", "65536");
    set_pair("padding", "none");
    set_pair("temperature", "1.3");
    set_pair("tokenizer", "{\"kind\":\"words\",\"options\":{},\"unicode\":\"14.0.0\"}");
    set_pair("zzz", "kept");
    sentiment_model *model = load();
    check_labels(model);
    check_longest(model);
    check_none(model);
    check_temperature(model);
    check_words(model);
    assert_int_equal(model->metadata_count, 6);
    assert_string_equal(model->metadata[5].value, "kept");
    sn_model_release(model);
}

static void refuses_metadata_that_contradicts(void **state)
{
    (void)state;
    set_config("{\"padding\":\"none\",\"model_params\":{" SIZES "}}");
    set_pair("padding", "max_length");
    refuse(SENTIMENT_ERROR_BAD_MODEL, "given twice");
    set_pair("labels", "[\"a\"");
    refuse(SENTIMENT_ERROR_BAD_MODEL, "'labels' is not valid JSON");
    set_pair("max_length", "\"5\"");
    refuse(SENTIMENT_ERROR_BAD_MODEL, "'max_length'");
    set_pair("tokenizer", "{}");
    refuse(SENTIMENT_ERROR_BAD_MODEL, "'tokenizer'");
}

/* Files of other programs use such keys in their own ways. */
static void ignores_foreign_metadata(void **state)
{
    (void)state;
    set_pair("padding", "left");
    bundle.native = 0;
    sentiment_model *model = load();
    check_padded(model);
    assert_int_equal(model->metadata_count, 1);
    sn_model_release(model);
}

/* Keys of the config that the metadata does not repeat are free for other uses. */
static void keeps_keys_of_others(void **state)
{
    (void)state;
    set_pair("bidirectional", "no idea");
    set_pair("num_layers", "9");
    set_pair("precision", "0.91");
    sentiment_model *model = load();
    assert_int_equal(model->config.num_layers, 1);
    assert_int_equal(model->precision, SENTIMENT_PRECISION_FP32);
    assert_int_equal(model->metadata_count, 3);
    assert_string_equal(model->metadata[2].value, "0.91");
    sn_model_release(model);
}

#define LOAD_TEST(name) cmocka_unit_test_setup(name, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOAD_TEST(takes_the_guides_defaults),
        LOAD_TEST(takes_options_in_both_places),
        LOAD_TEST(keeps_other_keys),
        LOAD_TEST(refuses_bad_configs),
        LOAD_TEST(refuses_sizes_that_are_no_integers),
        LOAD_TEST(refuses_bad_options),
        LOAD_TEST(refuses_options_that_contradict),
        LOAD_TEST(refuses_sizes_that_contradict_the_weights),
        LOAD_TEST(reads_native_metadata),
        LOAD_TEST(refuses_metadata_that_contradicts),
        LOAD_TEST(ignores_foreign_metadata),
        LOAD_TEST(keeps_keys_of_others),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
