/* SPDX-License-Identifier: Apache-2.0
 *
 * See sample.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"

sentiment_model *sample_load(const char *path)
{
    sentiment_model *model = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    if (sn_model_load(path, NULL, &model, &error) != SENTIMENT_OK)
        fail_msg("%s", error.message);
    return model;
}

sentiment_model *sample_create(uint32_t layers, uint32_t bidirectional)
{
    sentiment_model *model = NULL;
    const sentiment_model_config config = {.struct_size = sizeof config,
                                           .vocab_size = SAMPLE_WORDS,
                                           .embedding_dim = 3,
                                           .hidden_size = 5,
                                           .num_classes = 3,
                                           .num_layers = layers,
                                           .bidirectional = bidirectional,
                                           .seed = 7};
    assert_int_equal(sn_model_create(&config, NULL, &model, NULL), SENTIMENT_OK);
    return model;
}

sentiment_model *sample_assemble(void)
{
    static const sn_model_config config = {.vocab_size = 4,
                                           .embedding_dim = 2,
                                           .hidden_size = 3,
                                           .num_classes = 2,
                                           .num_layers = 1,
                                           .directions = 1,
                                           .max_length = 128,
                                           .padding = SENTIMENT_PADDING_NONE,
                                           .temperature = 1.3f};
    static const char *const labels[] = {"schlecht", "tr\xc3\xa8s bien"};
    static const uint8_t words[] = "ab\xe2\x82\xac!";
    static const uint64_t offsets[] = {0, 2, 5, 6};
    static const int64_t ids[] = {3, 1, 2};
    sentiment_model *model = NULL;
    sn_tokenizer tokenizer = {.kind = SENTIMENT_TOKENIZER_WORDS};
    assert_int_equal(sn_model_allocate(&config, &sn_memory_default, &model, NULL), SENTIMENT_OK);
    for (size_t i = 0; i < model->weights.parameters; i++)
        model->storage[i] = (float)i * 0.125f - 2;
    assert_int_equal(sn_vocabulary_build(&sn_memory_default, words, offsets, ids, 3, 4,
                                         &tokenizer.vocabulary, NULL),
                     SENTIMENT_OK);
    assert_int_equal(sn_model_assemble(model, &tokenizer, labels, 2,
                                       "{\"training_params\":{\"learning_rate\":0.1}}", NULL),
                     SENTIMENT_OK);
    assert_int_equal(sn_model_set_metadata(model, "note", "train \"x\"", NULL),
                     SENTIMENT_OK);
    return model;
}

static void expect_equal_words(const sn_vocabulary *a, const sn_vocabulary *b)
{
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->offsets, b->offsets, (a->count + 1) * sizeof *a->offsets);
    assert_memory_equal(a->ids, b->ids, a->count * sizeof *a->ids);
    assert_memory_equal(a->bytes, b->bytes, a->offsets[a->count]);
}

void sample_expect_equal(const sentiment_model *a, const sentiment_model *b)
{
    assert_int_equal(a->config.vocab_size, b->config.vocab_size);
    assert_int_equal(a->config.embedding_dim, b->config.embedding_dim);
    assert_int_equal(a->config.hidden_size, b->config.hidden_size);
    assert_int_equal(a->config.num_classes, b->config.num_classes);
    assert_int_equal(a->config.num_layers, b->config.num_layers);
    assert_int_equal(a->config.directions, b->config.directions);
    assert_int_equal(a->config.max_length, b->config.max_length);
    assert_int_equal(a->config.padding, b->config.padding);
    assert_memory_equal(&a->config.temperature, &b->config.temperature, sizeof(float));
    assert_int_equal(a->weights.parameters, b->weights.parameters);
    assert_memory_equal(a->storage, b->storage, a->weights.parameters * sizeof(float));
    assert_int_equal(a->has_labels, b->has_labels);
    for (size_t i = 0; i < a->config.num_classes; i++)
        assert_string_equal(a->labels[i], b->labels[i]);
    assert_int_equal(a->tokenizer->tokenizer.kind, b->tokenizer->tokenizer.kind);
    expect_equal_words(&a->tokenizer->tokenizer.vocabulary, &b->tokenizer->tokenizer.vocabulary);
    assert_string_equal(a->config_json, b->config_json);
}
