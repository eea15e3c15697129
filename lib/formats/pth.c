/* SPDX-License-Identifier: Apache-2.0
 *
 * See pth.h: the choice of the layout, the zip layout, the table of storages,
 * and the bundle. Tensors are read in pth_tensor.c. */
#include "formats/pth.h"

#include <string.h>

#include "base/status.h"
#include "formats/pth_internal.h"

/* PyTorch's keys are numbers. A long one, again and again by its memo number,
 * would cost its length with each comparison. */
#define MAX_KEY 255

static int by_key(const void *a, const void *b)
{
    const sn_pth_storage *first = a, *second = b;
    return sn_name_compare(first->key, second->key);
}

sentiment_status sn_pth_check_cancel(const sn_pth *pth)
{
    const sentiment_cancel *cancel = pth->options->cancel;
    if (!cancel || !sentiment_cancel_requested(cancel))
        return SENTIMENT_OK;
    return sn_fail(pth->error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
}

/* ('storage', Class, key, location, count[, view]) */
static sentiment_status read_storage(const sn_pth *pth, sn_pickle_id id, sn_pth_storage *storage)
{
    const sn_pickle *p = &pth->pickle;
    sn_pickle_id tuple = sn_pickle_get(p, id)->a;
    uint32_t at = sn_pickle_get(p, id)->at, size = sn_pickle_tuple_size(p, tuple);
    const sn_pickle_node *count = sn_pickle_get(p, sn_pickle_item(p, tuple, 4));
    if ((size != 5 && size != 6) || !sn_pickle_is_text(p, sn_pickle_item(p, tuple, 0), "storage"))
        return sn_pickle_fail(p, at, "a persistent id that is no ('storage', class, key, "
                                     "location, count)");
    *storage = (sn_pth_storage){.at = at, .key = sn_pickle_text(p, sn_pickle_item(p, tuple, 2))};
    if (!sn_pth_storage_dtype(p, sn_pickle_item(p, tuple, 1), &storage->dtype))
        return sn_pickle_fail(p, at, "a storage of an unknown class");
    if (storage->key.size > MAX_KEY)
        return sn_pickle_fail(p, at, "a storage key of %zu bytes, at most %d are accepted",
                              storage->key.size, MAX_KEY);
    if (storage->key.size == 0)
        return sn_pickle_fail(p, at, "a storage key that is %s, expected a string with something "
                                     "in it",
                              sn_pickle_kind_name(p, sn_pickle_item(p, tuple, 2)));
    if (count->kind != SN_PICKLE_INT || count->value.integer < 0)
        return sn_pickle_fail(p, at, "a storage size that is no integer from 0 up");
    storage->count = (uint64_t)count->value.integer;
    if (size == 6 && sn_pickle_get(p, sn_pickle_item(p, tuple, 5))->kind != SN_PICKLE_NONE)
        return sn_pickle_fail_as(p, SENTIMENT_ERROR_UNSUPPORTED, at,
                                 "a storage that is a view of another (PyTorch before 0.4): "
                                 "save the file again with a newer version");
    return SENTIMENT_OK;
}

/* Whether the storage has a class, but none that is read. */
static _Bool is_foreign(const sn_pickle *p, sn_pickle_id id)
{
    sn_dtype dtype;
    sn_pickle_id class = sn_pickle_item(p, sn_pickle_get(p, id)->a, 1);
    return sn_pickle_get(p, class)->kind == SN_PICKLE_GLOBAL &&
           !sn_pth_storage_dtype(p, class, &dtype);
}

/* Leaves each key once; two descriptions of one key must agree. */
static sentiment_status merge_storages(sn_pth *pth)
{
    char text[SN_QUOTE_SIZE];
    size_t kept = 0;
    sn_sort(pth->storages, pth->storage_count, sizeof *pth->storages, by_key);
    for (size_t i = 0; i < pth->storage_count; i++) {
        sn_pth_storage *storage = &pth->storages[i];
        sn_pth_storage *last = kept ? &pth->storages[kept - 1] : NULL;
        if (!last || by_key(last, storage) != 0)
            pth->storages[kept++] = *storage;
        else if (last->dtype != storage->dtype || last->count != storage->count)
            return sn_pickle_fail(&pth->pickle, storage->at,
                                  "storage %s has two types or sizes",
                                  sn_quote(text, storage->key.data, storage->key.size));
    }
    pth->storage_count = kept;
    return SENTIMENT_OK;
}

sentiment_status sn_pth_collect(sn_pth *pth)
{
    const sn_pickle *p = &pth->pickle;
    size_t count = 0;
    for (size_t i = 0; i < p->node_count; i++)
        count += p->nodes[i].kind == SN_PICKLE_PERSISTENT;
    pth->storages = sn_alloc_zero(pth->memory, count, sizeof *pth->storages);
    if (!pth->storages)
        return sn_fail_memory(pth->error, "the storages of model.pth");
    for (size_t i = 0; i < p->node_count; i++) {
        if (p->nodes[i].kind != SN_PICKLE_PERSISTENT ||
            (pth->lenient && is_foreign(p, (sn_pickle_id)i)))
            continue;
        sn_pth_storage *storage = &pth->storages[pth->storage_count];
        sentiment_status status = read_storage(pth, (sn_pickle_id)i, storage);
        if (status)
            return status;
        pth->storage_count++;
    }
    return merge_storages(pth);
}

sn_pth_storage *sn_pth_find_storage(const sn_pth *pth, sn_name key)
{
    size_t low = 0, high = pth->storage_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = sn_name_compare(pth->storages[middle].key, key);
        if (order == 0)
            return &pth->storages[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

sentiment_status sn_pth_set_data(const sn_pth *pth, sn_pth_storage *storage, const uint8_t *data,
                                 uint64_t size, uint64_t at)
{
    char text[SN_QUOTE_SIZE];
    size_t element = sn_dtype_size(storage->dtype);
    if (size % element != 0 || storage->count != size / element)
        return sn_fail(pth->error, SENTIMENT_ERROR_BAD_MODEL, at,
                       "storage %s: byte %llu: %llu bytes, expected %llu elements of %s",
                       sn_quote(text, storage->key.data, storage->key.size),
                       (unsigned long long)at, (unsigned long long)size,
                       (unsigned long long)storage->count, sn_dtype_name(storage->dtype));
    storage->data = data;
    return SENTIMENT_OK;
}

/* -------------------------------------------------------------- zip layout */

static _Bool is_in_folder(sn_name name, sn_name folder)
{
    return name.size > folder.size && name.data[folder.size] == '/' &&
           memcmp(name.data, folder.data, folder.size) == 0;
}

/* "model" or whatever the file was called when it was saved. */
sentiment_status sn_pth_find_folder(const sn_zip *zip, sn_name *folder, sentiment_error *error)
{
    char text[SN_QUOTE_SIZE];
    const uint8_t *slash = memchr(zip->entries[0].name.data, '/', zip->entries[0].name.size);
    *folder = (sn_name){zip->entries[0].name.data, 0};
    if (slash)
        folder->size = (size_t)(slash - folder->data);
    for (size_t i = 0; i < zip->count; i++) {
        sn_name name = zip->entries[i].name;
        if (!is_in_folder(name, *folder) || folder->size == 0)
            return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, zip->entries[i].local,
                           "zip entry %s: not in one folder with the rest, as PyTorch writes it",
                           sn_quote(text, name.data, name.size));
    }
    if (sn_zip_find(zip, *folder, "data.pkl"))
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                   "zip archive: no entry data.pkl in its folder %s",
                   sn_quote(text, folder->data, folder->size));
}

/* A program is read by torchscript.c; as a state dict it is refused. */
static sentiment_status check_no_program(const sn_zip *zip, sn_name folder,
                                         sentiment_error *error)
{
    char text[SN_QUOTE_SIZE];
    for (size_t i = 0; i < zip->count; i++) {
        sn_name name = zip->entries[i].name;
        sn_name inner = {name.data + folder.size + 1, name.size - folder.size - 1};
        if (sn_name_is(inner, "constants.pkl") || sn_name_starts(inner, "code/"))
            return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                           "a part of a TorchScript archive (entry %s), which is a program; "
                           "expected a state dict, as torch.save(model.state_dict(), ...) writes, "
                           "or a whole archive of torch.jit.save",
                           sn_quote(text, name.data, name.size));
    }
    return SENTIMENT_OK;
}

/* Newer files say in which order their bytes are. */
sentiment_status sn_pth_check_byte_order(const sn_zip *zip, sn_name folder,
                                         sentiment_error *error)
{
    const sn_zip_entry *entry = sn_zip_find(zip, folder, "byteorder");
    if (!entry ||
        sn_name_is((sn_name){zip->data + entry->offset, (size_t)entry->size}, "little"))
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, entry->offset,
                   "zip entry 'byteorder': byte %llu: expected 'little'",
                   (unsigned long long)entry->offset);
}

sentiment_status sn_pth_locate(sn_pth *pth, const sn_zip *zip, sn_name folder, const char *group)
{
    char text[SN_QUOTE_SIZE];
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; i < pth->storage_count && !status; i++) {
        sn_pth_storage *storage = &pth->storages[i];
        const sn_zip_entry *entry = sn_zip_find_in(zip, folder, group, storage->key);
        if (!entry)
            return sn_pickle_fail(&pth->pickle, storage->at, "storage %s has no entry '%s/...'",
                                  sn_quote(text, storage->key.data, storage->key.size), group);
        status = sn_pth_set_data(pth, storage, zip->data + entry->offset, entry->size,
                                 entry->offset);
    }
    return status;
}

static sentiment_status read_zip(sn_pth *pth, const uint8_t *data, size_t size)
{
    sn_zip zip = {0};
    sn_name folder = {0};
    sentiment_status status = sn_zip_open(&zip, data, size, pth->memory, pth->error);
    if (!status)
        status = sn_pth_find_folder(&zip, &folder, pth->error);
    if (!status)
        status = check_no_program(&zip, folder, pth->error);
    if (!status)
        status = sn_zip_verify(&zip, pth->options, pth->error);
    if (!status)
        status = sn_pth_check_byte_order(&zip, folder, pth->error);
    if (!status) {
        const sn_zip_entry *entry = sn_zip_find(&zip, folder, "data.pkl");
        status = sn_pickle_read(&pth->pickle, data + entry->offset, (size_t)entry->size,
                                "data.pkl", entry->offset, &sn_pth_policy, pth->memory,
                                pth->error);
    }
    if (!status)
        status = sn_pickle_expect_end(&pth->pickle);
    if (!status)
        status = sn_pth_collect(pth);
    if (!status)
        status = sn_pth_locate(pth, &zip, folder, "data");
    sn_zip_free(&zip);
    return status;
}

/* ------------------------------------------------------------------ bundle */

/* Keys of tensors become C strings that others compare with strcmp. */
static sentiment_status check_key(const sn_pth *pth, sn_pickle_id key, sn_pickle_id value)
{
    const sn_pickle *p = &pth->pickle;
    char text[SN_QUOTE_SIZE];
    uint32_t at = sn_pickle_get(p, key ? key : value)->at;
    sn_name name = sn_pickle_text(p, key);
    if (sn_pickle_get(p, key)->kind != SN_PICKLE_STRING)
        return sn_pickle_fail(p, at, "a tensor under a key that is %s, expected a string",
                              sn_pickle_kind_name(p, key));
    if ((name.size && memchr(name.data, '\0', name.size)) ||
        sn_name_utf8_check(name.data, name.size, 0) != name.size)
        return sn_pickle_fail(p, at, "the key %s holds a NUL or a surrogate",
                              sn_quote(text, name.data, name.size));
    return SENTIMENT_OK;
}

/* Counts the tensors and the bytes of their names. */
static sentiment_status measure(const sn_pth *pth, size_t *count, size_t *bytes)
{
    const sn_pickle *p = &pth->pickle;
    sn_pickle_walk walk = sn_pickle_pairs(p, p->root);
    sn_pickle_id key, value;
    *count = *bytes = 0;
    while (sn_pickle_next_pair(&walk, &key, &value)) {
        if (!sn_pth_is_tensor(pth, value))
            continue;
        sentiment_status status = check_key(pth, key, value);
        if (status)
            return status;
        size_t size = sn_pickle_text(p, key).size + 1;
        /* One long name may stand in the dict again and again by its memo number. */
        if (size > p->in.size - *bytes)
            return sn_pickle_fail(p, sn_pickle_get(p, p->root)->at,
                                  "the names of tensors are longer than the file that holds them");
        *count += 1;
        *bytes += size;
    }
    if (*count == 0)
        return sn_pickle_fail(p, sn_pickle_get(p, p->root)->at,
                              "no tensor in the dict, expected a state dict");
    return SENTIMENT_OK;
}

static int by_name(const void *a, const void *b)
{
    return sn_name_compare(*(const sn_name *)a, *(const sn_name *)b);
}

/* Two values for one name would be read differently by different readers. */
sentiment_status sn_pth_check_unique(const sn_pth *pth, const sn_tensor *tensors, size_t count)
{
    char text[SN_QUOTE_SIZE];
    sentiment_status status = SENTIMENT_OK;
    sn_name *names = sn_alloc(pth->memory, count, sizeof *names);
    if (!names)
        return sn_fail_memory(pth->error, "the names of tensors");
    for (size_t i = 0; i < count; i++)
        names[i] = (sn_name){(const uint8_t *)tensors[i].name, strlen(tensors[i].name)};
    sn_sort(names, count, sizeof *names, by_name);
    for (size_t i = 1; i < count && !status; i++)
        if (by_name(&names[i - 1], &names[i]) == 0)
            status = sn_pickle_fail(&pth->pickle, 0, "two values under the key %s",
                                    sn_quote(text, names[i].data, names[i].size));
    sn_free(pth->memory, names);
    return status;
}

static sentiment_status fill(const sn_pth *pth, sn_tensor *tensors, char *names)
{
    const sn_pickle *p = &pth->pickle;
    sn_pickle_walk walk = sn_pickle_pairs(p, p->root);
    sn_pickle_id key, value;
    sentiment_status status = SENTIMENT_OK;
    while (!status && sn_pickle_next_pair(&walk, &key, &value)) {
        if (!sn_pth_is_tensor(pth, value))
            continue;
        sn_name name = sn_pickle_text(p, key);
        if (name.size)
            memcpy(names, name.data, name.size);
        names[name.size] = '\0';
        tensors->name = names;
        names += name.size + 1;
        status = sn_pth_read_tensor(pth, value, tensors++);
    }
    return status;
}

sentiment_status sn_pth_make_tensors(const sn_pth *pth, sn_bundle *bundle)
{
    const sn_pickle *p = &pth->pickle;
    size_t count, bytes;
    if (!sn_pickle_is_mapping(p, p->root))
        return sn_pickle_fail(p, sn_pickle_get(p, p->root)->at,
                              "the file holds %s, expected a state dict",
                              sn_pickle_kind_name(p, p->root));
    sentiment_status status = measure(pth, &count, &bytes);
    if (status)
        return status;
    sn_tensor *tensors = sn_alloc_zero(pth->memory, count, sizeof *tensors);
    char *names = sn_alloc(pth->memory, bytes, 1);
    if (!tensors || !names)
        status = sn_fail_memory(pth->error, "the tensors of model.pth");
    if (!status)
        status = fill(pth, tensors, names);
    if (!status)
        status = sn_pth_check_unique(pth, tensors, count);
    if (status) {
        sn_free(pth->memory, tensors);
        sn_free(pth->memory, names);
        return status;
    }
    bundle->tensors = tensors;
    bundle->tensor_count = count;
    bundle->names = names;
    return SENTIMENT_OK;
}

static sentiment_status refuse_unknown(const uint8_t *data, size_t size, sentiment_error *error)
{
    /* A tar archive has its magic in the header of its first member. */
    if (size >= 512 && memcmp(data + 257, "ustar", 5) == 0)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, 0,
                       "byte 0: the tar layout of PyTorch before 0.1.10; save the file again with "
                       "a newer version");
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, 0,
                   "byte 0: no PyTorch file, expected a zip archive or a pickle");
}

sentiment_status sn_pth_read(sn_bytes *bytes, const sn_read_options *options, sn_bundle *bundle,
                             sentiment_error *error)
{
    sn_pth pth = {.memory = bundle->memory, .options = options, .error = error};
    _Bool zip = sn_zip_probe(bytes->data, bytes->size);
    _Bool legacy = bytes->size >= 2 && bytes->data[0] == 0x80 && bytes->data[1] <= 5;
    sentiment_status status = sn_pth_check_cancel(&pth);
    if (!status && zip)
        status = read_zip(&pth, bytes->data, bytes->size);
    else if (!status && legacy)
        status = sn_pth_read_legacy(&pth, bytes->data, bytes->size);
    else if (!status)
        status = refuse_unknown(bytes->data, bytes->size, error);
    if (!status)
        status = sn_pth_make_tensors(&pth, bundle);
    if (!status) {
        bundle->format = zip ? "pytorch" : "pytorch-legacy";
        bundle->file = *bytes;
        *bytes = (sn_bytes){0};
    }
    sn_pickle_free(&pth.pickle);
    sn_free(pth.memory, pth.storages);
    return status;
}
