/* SPDX-License-Identifier: Apache-2.0
 *
 * A small created model and its texts, for the tests of the public API. */
#ifndef TEST_API_SUPPORT_H
#define TEST_API_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sentiment/sentiment.h>

#define CLASSES 3

/* 100 words, hidden 37, padding as given; `allocator` may be NULL. */
static inline sentiment_model *small_model(int32_t padding, const sentiment_allocator *allocator)
{
    sentiment_model *model = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = {.struct_size = sizeof options, .allocator = allocator};
    sentiment_model_config config = {.struct_size = sizeof config,
                                     .vocab_size = 100,
                                     .embedding_dim = 7,
                                     .hidden_size = 37,
                                     .num_classes = CLASSES,
                                     .padding = padding,
                                     .max_length = 20,
                                     .seed = 5};
    if (sentiment_model_create(&config, &options, &model, &error))
        fail_msg("%s", error.message);
    return model;
}

static inline sentiment_session *small_session(sentiment_model *model, uint32_t threads)
{
    sentiment_session *session = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_session_options options = {.struct_size = sizeof options, .threads = threads};
    if (sentiment_session_create(model, &options, &session, &error))
        fail_msg("%s", error.message);
    return session;
}

#endif
