/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two layouts of model.pth share: the pickled state dict, and the
 * table of storages that it names. A layout finds each storage's bytes. */
#ifndef SN_FORMATS_PTH_INTERNAL_H
#define SN_FORMATS_PTH_INTERNAL_H

#include "formats/pickle.h"
#include "formats/pth.h"
#include "formats/zip.h"

/* One run of numbers in the file; tensors are views of it. */
typedef struct sn_pth_storage {
    sn_name key;
    uint64_t count; /* of elements */
    const uint8_t *data;
    uint32_t at; /* of its persistent id */
    sn_dtype dtype;
} sn_pth_storage;

typedef struct sn_pth {
    const sn_memory *memory;
    const sn_read_options *options;
    sentiment_error *error;
    sn_pickle pickle; /* the state dict */
    sn_pth_storage *storages; /* sorted by key, each once */
    size_t storage_count;
    /* Storages of classes that are not read (quantized, complex) are passed over
     * instead of refused: tensors must not be made of them. */
    _Bool lenient;
} sn_pth;

/* Globals of a state dict; any other is refused by name. */
extern const sn_pickle_policy sn_pth_policy;

/* The folder of an archive, in which everything stands. */
sentiment_status sn_pth_find_folder(const sn_zip *zip, sn_name *folder, sentiment_error *error);
/* UNSUPPORTED if the archive says that its bytes are not in our order. */
sentiment_status sn_pth_check_byte_order(const sn_zip *zip, sn_name folder,
                                         sentiment_error *error);
/* Finds the entry "folder/group/key" of each storage. */
sentiment_status sn_pth_locate(sn_pth *pth, const sn_zip *zip, sn_name folder, const char *group);

/* Collects the storages of the pickle. Their data is not known yet. */
sentiment_status sn_pth_collect(sn_pth *pth);
sn_pth_storage *sn_pth_find_storage(const sn_pth *pth, sn_name key);
/* Gives a storage its bytes, of which there must be exactly as many as it
 * needs. `at`: where they are in the file. */
sentiment_status sn_pth_set_data(const sn_pth *pth, sn_pth_storage *storage, const uint8_t *data,
                                 uint64_t size, uint64_t at);
/* CANCELLED if the caller asked for it. */
sentiment_status sn_pth_check_cancel(const sn_pth *pth);

/* Makes tensors and names from the state dict, all storages having data. */
sentiment_status sn_pth_make_tensors(const sn_pth *pth, sn_bundle *bundle);
/* Reads a tensor value (pth_tensor.c). */
sentiment_status sn_pth_read_tensor(const sn_pth *pth, sn_pickle_id id, sn_tensor *tensor);
/* Whether the value of a state dict is meant to be a tensor. */
_Bool sn_pth_is_tensor(const sn_pth *pth, sn_pickle_id id);
/* BAD_MODEL if two tensors have one name. */
sentiment_status sn_pth_check_unique(const sn_pth *pth, const sn_tensor *tensors, size_t count);
/* The type of a storage class; false if it is none. */
_Bool sn_pth_storage_dtype(const sn_pickle *pickle, sn_pickle_id id, sn_dtype *dtype);

/* The layout before PyTorch 1.6: fills storages and pickle (pth_legacy.c). */
sentiment_status sn_pth_read_legacy(sn_pth *pth, const uint8_t *data, size_t size);

#endif
