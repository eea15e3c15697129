/* SPDX-License-Identifier: Apache-2.0
 *
 * model.pth in both layouts, up to the tensors. What was read is written as
 * float32 and read again with the same numbers. */
#include <stdlib.h>
#include <string.h>

#include "bundles.h"
#include "formats/pth.h"

static sentiment_status read_bytes(fuzz_run *run, const uint8_t *data, size_t size,
                                   sn_bundle *bundle)
{
    const sn_read_options options = {.allow_missing_crc = run->flags & 1};
    sn_bytes bytes;
    sn_bytes_borrow(data, size, NULL, NULL, &bytes);
    *bundle = (sn_bundle){.memory = &run->memory};
    return sn_pth_read(&bytes, &options, bundle, &run->error);
}

/* Float32 copies of the tensors that have finite numbers; *count of them, all
 * in one block that the caller frees. */
static sn_tensor *narrow(const sn_bundle *bundle, float **block, size_t *count)
{
    size_t elements = 0;
    for (size_t i = 0; i < bundle->tensor_count; i++)
        elements += (size_t)bundle->tensors[i].elements;
    float *next = *block = malloc((elements + 1) * sizeof **block);
    sn_tensor *tensors = calloc(bundle->tensor_count + 1, sizeof *tensors);
    FUZZ_CHECK(next != NULL && tensors != NULL);
    *count = 0;
    for (size_t i = 0; i < bundle->tensor_count; i++) {
        sn_tensor *tensor = &tensors[*count];
        *tensor = bundle->tensors[i];
        if (sn_tensor_to_f32(&bundle->tensors[i], next, NULL) != SENTIMENT_OK)
            continue;
        tensor->dtype = SN_F32;
        tensor->data = (const uint8_t *)next;
        FUZZ_CHECK(sn_tensor_set_contiguous(tensor));
        next += tensor->elements;
        ++*count;
    }
    return tensors;
}

static sentiment_status check_rewritten(fuzz_run *run, const sn_bundle *bundle)
{
    sn_buffer out = {.memory = &run->memory};
    sn_bundle again = {.memory = &run->memory}, wanted = {.memory = &run->memory};
    float *block;
    wanted.tensors = narrow(bundle, &block, &wanted.tensor_count);
    sentiment_status status = SENTIMENT_OK;
    if (wanted.tensor_count) {
        status = sn_pth_write(wanted.tensors, wanted.tensor_count, &run->memory, &out, &run->error);
        if (!status)
            status = read_bytes(run, out.data, out.size, &again);
        if (!status)
            bundle_check_same(&wanted, &again);
        fuzz_expect(run, status, __func__);
    }
    sn_bundle_free(&again);
    sn_buffer_free(&out);
    free(wanted.tensors);
    free(block);
    return status;
}

static sentiment_status attempt(fuzz_run *run)
{
    sn_bundle bundle;
    sentiment_status status = read_bytes(run, run->data, run->size, &bundle);
    if (status)
        return status;
    bundle_check(&bundle);
    fuzz_lift_limit(run);
    status = check_rewritten(run, &bundle);
    sn_bundle_free(&bundle);
    return status;
}

/* The pickle's share (fuzz_pickle.c), and a tensor from a few bytes of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 200, 16384};
    return fuzz_input(&target, data, size);
}
