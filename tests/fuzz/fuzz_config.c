/* SPDX-License-Identifier: Apache-2.0
 *
 * config.json and the metadata of a native file, on top of weights that are
 * good: text up to the first NUL is the config (none of it: there is no
 * config); then come keys and values, each ended by a NUL. A model that loads
 * answers, and the config that it would be saved with loads as the same. */
#include <stdlib.h>
#include <string.h>

#include "bundles.h"
#include "formats/names.h"
#include "model/model.h"

/* Switches of an input. Answers take their time: only where they are asked for. */
enum { NATIVE = 1, TWO_LAYERS = 2, BIDIRECTIONAL = 4, ANSWER = 8 };
enum { VOCABULARY = 4, EMBEDDING = 2, HIDDEN = 3, CLASSES = 2, PAIRS = 16 };

typedef struct draft {
    sn_bundle bundle;
    sn_tensor tensors[32];
    char names[32][40];
    float numbers[256];
    sn_pair pairs[PAIRS];
} draft;

static void add(draft *made, const char *name, uint64_t rows, uint64_t columns)
{
    size_t index = made->bundle.tensor_count++;
    sn_tensor *tensor = &made->tensors[index];
    FUZZ_CHECK(index < 32 && strlen(name) < sizeof made->names[0]);
    memcpy(made->names[index], name, strlen(name) + 1);
    *tensor = (sn_tensor){.name = made->names[index],
                          .dtype = SN_F32,
                          .rank = columns ? 2 : 1,
                          .dims = {rows, columns},
                          .data = (const uint8_t *)made->numbers};
    FUZZ_CHECK(sn_tensor_set_contiguous(tensor));
}

static void add_lstm(draft *made, const char *suffix, uint64_t input)
{
    const struct {
        const char *name;
        uint64_t columns;
    } parts[] = {{"weight_ih", input}, {"weight_hh", HIDDEN}, {"bias_ih", 0}, {"bias_hh", 0}};
    for (size_t i = 0; i < 4; i++) {
        char name[40] = "lstm.";
        strcat(strcat(strcat(name, parts[i].name), "_"), suffix);
        add(made, name, 4 * HIDDEN, parts[i].columns);
    }
}

static void add_tensors(draft *made, uint8_t flags)
{
    uint64_t width = flags & BIDIRECTIONAL ? 2 * HIDDEN : HIDDEN;
    add(made, "embedding.weight", VOCABULARY, EMBEDDING);
    add(made, "fc.weight", CLASSES, width);
    add(made, "fc.bias", CLASSES, 0);
    add_lstm(made, "l0", EMBEDDING);
    if (flags & BIDIRECTIONAL)
        add_lstm(made, "l0_reverse", EMBEDDING);
    if (flags & TWO_LAYERS)
        add_lstm(made, "l1", width);
    if ((flags & TWO_LAYERS) && (flags & BIDIRECTIONAL))
        add_lstm(made, "l1_reverse", width);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const sn_pair *)a)->key, ((const sn_pair *)b)->key);
}

static _Bool is_utf8(const char *text)
{
    size_t size = strlen(text);
    return sn_name_utf8_check((const uint8_t *)text, size, 0) == size;
}

/* Cuts `text`, which ends in NUL, at its NULs: config, key, value, key, value... */
static void add_texts(draft *made, char *text, size_t size)
{
    char *end = text + size, *next = text + strlen(text) + 1;
    if (text[0] != '\0') {
        made->bundle.config = text;
        made->bundle.config_size = strlen(text);
    }
    while (next < end && made->bundle.metadata_count < PAIRS) {
        char *key = next, *value = key + strlen(key) + 1;
        /* Every reader holds strings to be UTF-8. */
        if (value >= end || !is_utf8(key) || !is_utf8(value))
            break;
        made->pairs[made->bundle.metadata_count++] = (sn_pair){key, value};
        next = value + strlen(value) + 1;
    }
    qsort(made->pairs, made->bundle.metadata_count, sizeof *made->pairs, by_key);
    /* No reader hands out a key twice. */
    for (size_t i = 1; i < made->bundle.metadata_count; i++)
        if (by_key(&made->pairs[i - 1], &made->pairs[i]) == 0)
            made->bundle.metadata_count = i;
}

static void make(fuzz_run *run, char *text, draft *made)
{
    static uint8_t bytes[] = "azeroone";
    static uint64_t offsets[] = {0, 1, 5, 8};
    *made = (draft){.bundle = {.memory = &run->memory, .format = "safetensors"}};
    made->bundle.native = run->flags & NATIVE;
    for (size_t i = 0; i < 256; i++)
        made->numbers[i] = (float)(i * 37 % 101) / 50 - 1;
    made->bundle.tensors = made->tensors;
    made->bundle.metadata = made->pairs;
    made->bundle.has_words = 1;
    made->bundle.words = (sn_words){bytes, offsets, NULL, 3, -1};
    add_tensors(made, run->flags);
    add_texts(made, text, run->size + 1);
}

/* The model again, from the config that it would be saved with. */
static sentiment_status check_rewritten(fuzz_run *run, const draft *made, sentiment_model *model,
                                        const sentiment_model_options *options)
{
    sn_bundle bundle = made->bundle;
    sentiment_model *again = NULL;
    bundle.config = model->config_json;
    bundle.config_size = strlen(model->config_json);
    bundle.native = 0;
    sentiment_status status = sn_model_from_bundle(&bundle, options, &again, &run->error);
    if (!status)
        model_check_same(model, again);
    fuzz_expect(run, status, __func__);
    sentiment_model_free(again);
    return status;
}

static sentiment_status attempt(fuzz_run *run)
{
    const sentiment_model_options options = {.struct_size = sizeof options,
                                             .allocator = &run->allocator};
    sentiment_model *model = NULL;
    draft *made = malloc(sizeof *made);
    char *text = malloc(run->size + 1);
    FUZZ_CHECK(made != NULL && text != NULL);
    memcpy(text, run->data, run->size);
    text[run->size] = '\0';
    make(run, text, made);
    sentiment_status status = sn_model_from_bundle(&made->bundle, &options, &model, &run->error);
    if (!status) {
        fuzz_lift_limit(run);
        if (run->flags & ANSWER)
            status = model_check(run, model);
        if (!status)
            status = check_rewritten(run, made, model, &options);
        sentiment_model_free(model);
    }
    free(text);
    free(made);
    return status;
}

/* The model alone takes some 8 KB; its config and metadata are kept as text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 64, 32768};
    return fuzz_input(&target, data, size);
}
