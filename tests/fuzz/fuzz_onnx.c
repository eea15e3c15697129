/* SPDX-License-Identifier: Apache-2.0
 *
 * ONNX graphs, from their bytes to a model that answers; there is no folder, and
 * so no external data. A network that was read is written at any operator set
 * and read again with the same weights and words. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bundles.h"
#include "formats/onnx.h"
#include "model/model.h"

/* Switches of an input: an operator set to write, FUZZ_INT8, and with SAVE the
 * format to save the model in. */
enum { OPSET = 15, SAVE = 16 };

static sentiment_status read_bundle(fuzz_run *run, const void *data, size_t size,
                                    sn_bundle *bundle)
{
    const sn_read_options options = {.digest = 1};
    sn_bytes bytes;
    sn_bytes_borrow(data, size, NULL, NULL, &bytes);
    *bundle = (sn_bundle){.memory = &run->memory};
    return sn_onnx_read(&bytes, NULL, &options, bundle, &run->error);
}

/* The writer takes float32 only. */
static _Bool can_be_written(const sn_bundle *bundle)
{
    for (size_t i = 0; i < bundle->tensor_count; i++)
        if (bundle->tensors[i].dtype != SN_F32)
            return 0;
    return 1;
}

static sentiment_status check_written(fuzz_run *run, const sn_bundle *bundle, int descriptor)
{
    off_t size = lseek(descriptor, 0, SEEK_END);
    void *data = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    sn_bundle again;
    FUZZ_CHECK(data != MAP_FAILED && sn_onnx_probe(data, (size_t)size));
    sentiment_status status = read_bundle(run, data, (size_t)size, &again);
    if (!status) {
        bundle_check(&again);
        bundle_check_same(bundle, &again);
        sn_bundle_free(&again);
    }
    munmap(data, (size_t)size);
    return status;
}

/* Without metadata: what of it stays is for the saver of models to say. */
static sentiment_status check_rewritten(fuzz_run *run, const sn_bundle *from)
{
    char path[] = "memory";
    sn_bundle bundle = *from;
    sn_writer writer = {.memory = &run->memory, .path = path, .open = 1};
    uint32_t opset = 11 + (run->flags & OPSET) % 10u;
    writer.descriptor = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(writer.descriptor >= 0);
    bundle.metadata_count = 0;
    sentiment_status status = sn_onnx_write(&bundle, opset, &writer, NULL, &run->error);
    FUZZ_CHECK(!status || status == SENTIMENT_ERROR_OUT_OF_MEMORY ||
               status == SENTIMENT_ERROR_UNSUPPORTED);
    if (!status) {
        status = check_written(run, &bundle, writer.descriptor);
        fuzz_expect(run, status, __func__);
    }
    close(writer.descriptor);
    return status == SENTIMENT_ERROR_UNSUPPORTED ? SENTIMENT_OK : status;
}

/* Words for the graphs of others. */
static sentiment_status give_words(fuzz_run *run, sn_bundle *bundle)
{
    static const uint64_t offsets[] = {0, 1, 5, 8};
    sn_words *words = &bundle->words;
    if (bundle->has_words || bundle->tokenizer_json)
        return SENTIMENT_OK;
    *words = (sn_words){.count = 3, .vocab_size = -1};
    words->bytes = (uint8_t *)sn_duplicate(&run->memory, "azeroone", 8);
    words->offsets = sn_alloc(&run->memory, 4, sizeof *words->offsets);
    if (!words->bytes || !words->offsets)
        return sn_fail_memory(&run->error, "words");
    memcpy(words->offsets, offsets, sizeof offsets);
    bundle->has_words = 1;
    return SENTIMENT_OK;
}

static sentiment_status check_model(fuzz_run *run, const sn_bundle *bundle)
{
    const sentiment_model_options options = {.struct_size = sizeof options,
                                             .allocator = &run->allocator};
    sentiment_model *model = NULL;
    sentiment_status status = sn_model_from_bundle(bundle, &options, &model, &run->error);
    if (status)
        return status;
    status = model_check(run, model);
    if (!status && (run->flags & SAVE))
        status = model_check_saved(run, model, &options);
    sentiment_model_free(model);
    return status;
}

static sentiment_status attempt(fuzz_run *run)
{
    sn_bundle bundle;
    (void)sn_onnx_probe(run->data, run->size);
    sentiment_status status = read_bundle(run, run->data, run->size, &bundle);
    if (status)
        return status;
    bundle_check(&bundle);
    fuzz_lift_limit(run);
    if (can_be_written(&bundle))
        status = check_rewritten(run, &bundle);
    if (!status)
        status = give_words(run, &bundle);
    if (!status)
        status = check_model(run, &bundle);
    sn_bundle_free(&bundle);
    return status;
}

/* Folding constants is good for a megabyte in a small file (onnx.c). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 256, (size_t)3 << 20};
    return fuzz_input(&target, data, size);
}
