/* SPDX-License-Identifier: Apache-2.0
 *
 * The three files of a guide folder together, from bytes to answers: two bytes
 * of length (little-endian) and a config.json, the same and a tokenizer.pkl,
 * and the rest is model.pth. */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "bundles.h"
#include "formats/pth.h"
#include "formats/tokenizer_pkl.h"
#include "model/model.h"

typedef struct files {
    const uint8_t *config, *tokenizer, *weights;
    uint64_t config_size, tokenizer_size, weights_size;
} files;

static _Bool divide(const fuzz_run *run, files *out)
{
    sn_cursor in = {run->data, run->size, 0};
    if (!sn_take_le(&in, 2, &out->config_size))
        return 0;
    out->config = sn_take(&in, out->config_size);
    if (!out->config || !sn_take_le(&in, 2, &out->tokenizer_size))
        return 0;
    out->tokenizer = sn_take(&in, out->tokenizer_size);
    out->weights_size = sn_cursor_left(&in);
    out->weights = sn_take(&in, out->weights_size);
    return out->tokenizer != NULL;
}

static sentiment_status read_files(fuzz_run *run, const files *from, sn_bundle *bundle)
{
    const sn_read_options options = {.allow_missing_crc = run->flags & 1};
    sn_bytes bytes;
    sn_bytes_borrow(from->weights, (size_t)from->weights_size, NULL, NULL, &bytes);
    bundle->config_size = (size_t)from->config_size;
    bundle->config = sn_duplicate(&run->memory, from->config, bundle->config_size);
    if (!bundle->config)
        return sn_fail_memory(&run->error, "config.json");
    sentiment_status status =
        sn_tokenizer_pkl_read(from->tokenizer, (size_t)from->tokenizer_size, &run->memory,
                              &bundle->words, &run->error);
    bundle->has_words = status == SENTIMENT_OK;
    return status ? status : sn_pth_read(&bytes, &options, bundle, &run->error);
}

static sentiment_status attempt(fuzz_run *run)
{
    const sentiment_model_options options = {.struct_size = sizeof options,
                                             .allocator = &run->allocator};
    sn_bundle bundle = {.memory = &run->memory};
    sentiment_model *model = NULL;
    files from = {0};
    if (!divide(run, &from))
        return sn_fail(&run->error, SENTIMENT_ERROR_BAD_MODEL, 0, "no three files");
    sentiment_status status = read_files(run, &from, &bundle);
    if (!status)
        status = sn_model_from_bundle(&bundle, &options, &model, &run->error);
    if (!status) {
        fuzz_lift_limit(run);
        status = model_check(run, model);
    }
    sentiment_model_free(model);
    sn_bundle_free(&bundle);
    return status;
}

/* As fuzz_pth.c, with a vocabulary and weights in float32 on top. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 256, 32768};
    return fuzz_input(&target, data, size);
}
