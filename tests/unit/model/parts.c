/* SPDX-License-Identifier: Apache-2.0
 *
 * See parts.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "parts.h"

float numbers[256];
uint8_t words[11] = "zeroonetwo";
static uint64_t word_ends[] = {0, 4, 7, 10};
int64_t word_ids[3] = {0, 1, 3};

/* A bundle in static memory, fresh for each use. */
sn_tensor tensors[MAX_TENSORS];
static char config[4096];
static sn_pair pairs[8];
sn_bundle bundle;

void add(const char *name, uint64_t rows, uint64_t columns)
{
    sn_tensor *tensor = &tensors[bundle.tensor_count++];
    *tensor = (sn_tensor){.name = name, .dtype = SN_F32, .rank = columns ? 2 : 1};
    tensor->dims[0] = rows;
    tensor->dims[1] = columns;
    tensor->data = (const uint8_t *)numbers;
    assert_true(sn_tensor_set_contiguous(tensor));
}

void set_config(const char *text)
{
    assert_true(strlen(text) < sizeof config);
    strcpy(config, text);
    bundle.config = config;
    bundle.config_size = strlen(text);
}

int fresh(void **state)
{
    (void)state;
    for (size_t i = 0; i < 256; i++)
        numbers[i] = (float)i / 16 - 8;
    word_ids[0] = 0, word_ids[1] = 1, word_ids[2] = 3;
    word_ends[1] = 4, word_ends[2] = 7;
    memcpy(words, "zeroonetwo", 10);
    bundle = (sn_bundle){.memory = &sn_memory_default,
                         .format = "pytorch",
                         .tensors = tensors,
                         .words = {words, word_ends, word_ids, 3, 4},
                         .has_words = 1,
                         .metadata = pairs};
    set_config(CONFIG);
    add("embedding.weight", 4, 2);
    add("lstm.weight_ih_l0", 12, 2);
    add("lstm.weight_hh_l0", 12, 3);
    add("lstm.bias_ih_l0", 12, 0);
    add("lstm.bias_hh_l0", 12, 0);
    add("fc.weight", 2, 3);
    add("fc.bias", 2, 0);
    return 0;
}

sn_tensor *tensor_named(const char *name)
{
    for (size_t i = 0; i < bundle.tensor_count; i++)
        if (strcmp(tensors[i].name, name) == 0)
            return &tensors[i];
    fail();
    return NULL;
}

sentiment_model *load(void)
{
    sentiment_model *model = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    if (sn_model_from_bundle(&bundle, NULL, &model, &error) != SENTIMENT_OK)
        fail_msg("%s", error.message);
    return model;
}

void refuse(sentiment_status code, const char *text)
{
    sentiment_model *model = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_status status = sn_model_from_bundle(&bundle, NULL, &model, &error);
    if (status != code || !strstr(error.message, text))
        fail_msg("config %s: got %d '%s', expected %d '%s'", config, status,
                 status ? error.message : "", code, text);
    assert_null(model);
    fresh(NULL);
}

void set_pair(const char *key, const char *value)
{
    bundle.native = 1;
    pairs[bundle.metadata_count++] = (sn_pair){(char *)(uintptr_t)key, (char *)(uintptr_t)value};
}
