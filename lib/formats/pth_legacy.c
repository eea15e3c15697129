/* SPDX-License-Identifier: Apache-2.0
 *
 * The layout of torch.save before 1.6: five pickles (a magic number, a version,
 * the writer's system, the state dict, the list of storage keys), then for each
 * key an int64 count and that many elements. */
#include "base/cursor.h"
#include "base/status.h"
#include "formats/pth_internal.h"

/* 0x1950a86a20f9469cfc6c, as LONG1 stores it. */
static const uint8_t magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};
#define LEGACY_VERSION 1001

/* Reads one pickle and moves on. */
static sentiment_status next_pickle(const sn_pth *pth, sn_cursor *in, const char *what,
                                    sn_pickle *pickle)
{
    sentiment_status status = sn_pth_check_cancel(pth);
    if (!status)
        status = sn_pickle_read(pickle, in->data + in->position, sn_cursor_left(in), what,
                                in->position, &sn_pth_policy, pth->memory, pth->error);
    if (!status)
        in->position += sn_pickle_used(pickle);
    return status;
}

static sentiment_status read_magic(const sn_pth *pth, sn_cursor *in)
{
    sn_pickle pickle = {0};
    sentiment_status status = next_pickle(pth, in, "magic number", &pickle);
    if (status)
        return status;
    const sn_pickle_node *node = sn_pickle_get(&pickle, pickle.root);
    if (node->kind != SN_PICKLE_BIG ||
        sn_name_compare((sn_name){node->value.data, node->size},
                        (sn_name){magic, sizeof magic}) != 0)
        status = sn_pickle_fail(&pickle, 0, "a pickle, but not one of torch.save");
    sn_pickle_free(&pickle);
    return status;
}

static sentiment_status read_version(const sn_pth *pth, sn_cursor *in)
{
    sn_pickle pickle = {0};
    sentiment_status status = next_pickle(pth, in, "version", &pickle);
    if (status)
        return status;
    const sn_pickle_node *node = sn_pickle_get(&pickle, pickle.root);
    if (node->kind != SN_PICKLE_INT || node->value.integer != LEGACY_VERSION)
        status = sn_pickle_fail_as(&pickle, SENTIMENT_ERROR_UNSUPPORTED, 0,
                                   "not the version %d of this layout", LEGACY_VERSION);
    sn_pickle_free(&pickle);
    return status;
}

static sentiment_status read_system(const sn_pth *pth, sn_cursor *in)
{
    sn_pickle pickle = {0};
    sentiment_status status = next_pickle(pth, in, "system info", &pickle);
    if (status)
        return status;
    sn_pickle_id little = sn_pickle_lookup(&pickle, pickle.root, "little_endian");
    const sn_pickle_node *node = sn_pickle_get(&pickle, little);
    if (node->kind != SN_PICKLE_BOOL || !node->value.integer)
        status = sn_pickle_fail_as(&pickle, SENTIMENT_ERROR_UNSUPPORTED, 0,
                                   "expected little_endian to be true");
    sn_pickle_free(&pickle);
    return status;
}

/* int64 count and the elements, for one key of the list. */
static sentiment_status read_storage(const sn_pth *pth, sn_cursor *in, const sn_pickle *keys,
                                     sn_pickle_id key)
{
    char text[SN_QUOTE_SIZE];
    sn_name name = sn_pickle_text(keys, key);
    sn_pth_storage *storage = sn_pth_find_storage(pth, name);
    uint64_t count, at = in->position;
    sn_quote(text, name.data, name.size);
    if (!storage || storage->data)
        return sn_pickle_fail(keys, sn_pickle_get(keys, key)->at, "storage key %s is %s", text,
                              storage ? "listed twice" : "of no tensor");
    size_t element = sn_dtype_size(storage->dtype);
    if (!sn_take_le(in, 8, &count) || count > sn_cursor_left(in) / element)
        return sn_fail(pth->error, SENTIMENT_ERROR_BAD_MODEL, at,
                       "storage %s: byte %llu: it passes the end of the file", text,
                       (unsigned long long)at);
    const uint8_t *data = sn_take(in, count * element);
    return sn_pth_set_data(pth, storage, data, count * element, at);
}

static sentiment_status read_storages(const sn_pth *pth, sn_cursor *in)
{
    sn_pickle keys = {0};
    sn_pickle_id key;
    size_t found = 0;
    sentiment_status status = next_pickle(pth, in, "storage keys", &keys);
    if (status)
        return status;
    if (sn_pickle_get(&keys, keys.root)->kind != SN_PICKLE_LIST)
        status = sn_pickle_fail(&keys, 0, "expected a list of storage keys");
    sn_pickle_walk walk = sn_pickle_items(&keys, keys.root);
    while (!status && (key = sn_pickle_next(&walk)) != 0) {
        status = sn_pth_check_cancel(pth);
        if (!status)
            status = read_storage(pth, in, &keys, key);
        found++;
    }
    if (!status && found != pth->storage_count)
        status = sn_pickle_fail(&keys, 0, "%zu storages are listed, expected %zu", found,
                                pth->storage_count);
    sn_pickle_free(&keys);
    return status;
}

sentiment_status sn_pth_read_legacy(sn_pth *pth, const uint8_t *data, size_t size)
{
    sn_cursor in = {data, size, 0};
    sentiment_status status = read_magic(pth, &in);
    if (!status)
        status = read_version(pth, &in);
    if (!status)
        status = read_system(pth, &in);
    if (!status)
        status = next_pickle(pth, &in, "state dict", &pth->pickle);
    if (!status)
        status = sn_pth_collect(pth);
    if (!status)
        status = read_storages(pth, &in);
    if (!status && sn_cursor_left(&in) != 0)
        status = sn_fail(pth->error, SENTIMENT_ERROR_BAD_MODEL, in.position,
                         "byte %zu: %zu bytes stand behind the last storage", in.position,
                         sn_cursor_left(&in));
    return status;
}
