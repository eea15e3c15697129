/* SPDX-License-Identifier: Apache-2.0
 *
 * TorchScript archives, from their bytes to a model that the native engine runs
 * where the tensors are the classifier's. Nothing of the program is run. */
#include <string.h>

#include "bundles.h"
#include "formats/torchscript.h"
#include "model/model.h"

static sentiment_status read_bundle(fuzz_run *run, sn_bundle *bundle)
{
    const sn_read_options options = {.allow_missing_crc = run->flags & 1};
    _Bool marked = sn_torchscript_probe(run->data, run->size);
    sn_bytes bytes;
    sn_bytes_borrow(run->data, run->size, NULL, NULL, &bytes);
    *bundle = (sn_bundle){.memory = &run->memory};
    sentiment_status status = sn_torchscript_read(&bytes, &options, bundle, &run->error);
    /* What can be read has the mark that it is told by. */
    FUZZ_CHECK(status || marked);
    FUZZ_CHECK(status || (bundle->script.size == run->size && bytes.data == NULL));
    FUZZ_CHECK(status || !bundle->foreign || bundle->tensor_count == 0);
    return status;
}

static sentiment_status give_words(fuzz_run *run, sn_bundle *bundle)
{
    static const uint64_t offsets[] = {0, 1};
    bundle->words = (sn_words){.count = 1, .vocab_size = -1};
    bundle->words.bytes = (uint8_t *)sn_duplicate(&run->memory, "a", 1);
    bundle->words.offsets = sn_alloc(&run->memory, 2, sizeof *offsets);
    if (!bundle->words.bytes || !bundle->words.offsets)
        return sn_fail_memory(&run->error, "words");
    memcpy(bundle->words.offsets, offsets, sizeof offsets);
    bundle->has_words = 1;
    return SENTIMENT_OK;
}

static sentiment_status attempt(fuzz_run *run)
{
    const sentiment_model_options options = {.struct_size = sizeof options,
                                             .allocator = &run->allocator};
    sn_bundle bundle;
    sentiment_model *model = NULL;
    sentiment_status status = read_bundle(run, &bundle);
    if (status)
        return status;
    bundle_check(&bundle);
    fuzz_lift_limit(run);
    status = give_words(run, &bundle);
    if (!status)
        status = sn_model_from_bundle(&bundle, &options, &model, &run->error);
    if (!status)
        status = model_check(run, model);
    sentiment_model_free(model);
    sn_bundle_free(&bundle);
    return status;
}

/* As fuzz_pth.c; modules that are shared may be counted a thousand times, under
 * names of 512 bytes, and inflating takes a window. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 200, (size_t)1 << 20};
    return fuzz_input(&target, data, size);
}
