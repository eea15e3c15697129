/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes model.pth as torch.save does: an OrderedDict of contiguous float32
 * tensors, each with a storage of its own. The opcodes are those that
 * torch.load(weights_only=True) takes. */
#include <stdio.h>

#include "base/status.h"
#include "formats/pickle_write.h"
#include "formats/pth.h"
#include "formats/zip_write.h"

/* Memo slots of what every tensor refers to. */
enum { SLOT_DICT_CLASS, SLOT_REBUILD, SLOT_STORAGE_WORD, SLOT_STORAGE_CLASS, SLOT_LOCATION };

/* The slot's value on the stack: made and remembered by the first tensor. */
static _Bool recall(sn_buffer *out, size_t index, uint8_t slot)
{
    if (index != 0)
        sn_pickle_put_recall(out, slot);
    return index != 0;
}

/* ('storage', torch.FloatStorage, key, 'cpu', count) as a persistent id. */
static void put_storage(sn_buffer *out, const sn_tensor *tensor, size_t index)
{
    char key[24];
    sn_pickle_put(out, "(");
    if (!recall(out, index, SLOT_STORAGE_WORD)) {
        sn_pickle_put_text(out, "storage");
        sn_pickle_put_memo(out, SLOT_STORAGE_WORD);
    }
    if (!recall(out, index, SLOT_STORAGE_CLASS)) {
        sn_pickle_put_global(out, "torch", "FloatStorage");
        sn_pickle_put_memo(out, SLOT_STORAGE_CLASS);
    }
    snprintf(key, sizeof key, "%zu", index);
    sn_pickle_put_text(out, key);
    if (!recall(out, index, SLOT_LOCATION)) {
        sn_pickle_put_text(out, "cpu");
        sn_pickle_put_memo(out, SLOT_LOCATION);
    }
    sn_pickle_put_int(out, (int64_t)tensor->elements);
    sn_pickle_put(out, "tQ");
}

static void put_sizes(sn_buffer *out, const uint64_t *sizes, uint32_t rank)
{
    sn_pickle_put(out, "(");
    for (uint32_t d = 0; d < rank; d++)
        sn_pickle_put_int(out, (int64_t)sizes[d]);
    sn_pickle_put(out, "t");
}

/* name: _rebuild_tensor_v2(storage, 0, sizes, strides, False, OrderedDict()) */
static void put_tensor(sn_buffer *out, const sn_tensor *tensor, size_t index)
{
    sn_pickle_put_text(out, tensor->name);
    if (!recall(out, index, SLOT_REBUILD)) {
        sn_pickle_put_global(out, "torch._utils", "_rebuild_tensor_v2");
        sn_pickle_put_memo(out, SLOT_REBUILD);
    }
    sn_pickle_put(out, "(");
    put_storage(out, tensor, index);
    sn_pickle_put_int(out, 0);
    put_sizes(out, tensor->dims, tensor->rank);
    put_sizes(out, tensor->strides, tensor->rank);
    sn_pickle_put(out, "\x89");
    sn_pickle_put_recall(out, SLOT_DICT_CLASS);
    sn_pickle_put(out, ")RtR");
}

static void put_state_dict(sn_buffer *out, const sn_tensor *tensors, size_t count)
{
    sn_pickle_put(out, "\x80\x02");
    sn_pickle_put_global(out, "collections", "OrderedDict");
    sn_pickle_put_memo(out, SLOT_DICT_CLASS);
    sn_pickle_put(out, ")R(");
    for (size_t i = 0; i < count; i++)
        put_tensor(out, &tensors[i], i);
    sn_pickle_put(out, "u.");
}

static sentiment_status check_tensor(const sn_tensor *tensor, sentiment_error *error)
{
    sn_tensor contiguous = *tensor;
    _Bool fits = sn_tensor_set_contiguous(&contiguous) &&
                 contiguous.elements == tensor->elements && tensor->elements <= INT64_MAX / 4;
    for (uint32_t d = 0; d < tensor->rank && fits; d++)
        fits = tensor->dims[d] <= 1 || contiguous.strides[d] == tensor->strides[d];
    if (fits && tensor->dtype == SN_F32)
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_INTERNAL, SN_NO_OFFSET,
                   "tensor '%.100s' is not contiguous float32", tensor->name);
}

sentiment_status sn_pth_write(const sn_tensor *tensors, size_t count, const sn_memory *memory,
                              sn_buffer *out, sentiment_error *error)
{
    sn_buffer pickle = {.memory = memory};
    sn_zip_writer zip = {.memory = memory, .out = out};
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; i < count && !status; i++)
        status = check_tensor(&tensors[i], error);
    if (!status) {
        put_state_dict(&pickle, tensors, count);
        if (pickle.failed)
            status = sn_fail_memory(error, "data.pkl");
    }
    if (!status)
        status = sn_zip_writer_add(&zip, "model/data.pkl", pickle.data, pickle.size, error);
    if (!status)
        status = sn_zip_writer_add(&zip, "model/byteorder", "little", 6, error);
    for (size_t i = 0; i < count && !status; i++) {
        char name[40];
        snprintf(name, sizeof name, "model/data/%zu", i);
        status = sn_zip_writer_add(&zip, name, tensors[i].data, (size_t)tensors[i].elements * 4,
                                   error);
    }
    if (!status)
        status = sn_zip_writer_add(&zip, "model/version", "3\n", 2, error);
    if (!status)
        status = sn_zip_writer_finish(&zip, error);
    sn_zip_writer_free(&zip);
    sn_buffer_free(&pickle);
    return status;
}
