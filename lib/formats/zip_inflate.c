/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks the deflated entries of an archive: they are inflated through a small
 * window for their CRC-32 and kept nowhere. What an archive may make us inflate
 * is bounded by what its directory says, and that by SN_ZIP_MAX_INFLATED. */
#define ZLIB_CONST /* zlib's input is const then */
#include <string.h>
#include <zlib.h>

#include "formats/zip.h"

#define DEFLATED 8
/* Bytes that are inflated at a time. */
#define STEP 16384u

static voidpf take_memory(voidpf memory, uInt items, uInt size)
{
    return sn_alloc(memory, items, size);
}

static void release_memory(voidpf memory, voidpf pointer)
{
    sn_free(memory, pointer);
}

static sentiment_status bad(const sn_zip_entry *entry, const char *what, sentiment_error *error)
{
    char text[SN_QUOTE_SIZE];
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, entry->offset,
                   "zip entry %s: byte %llu: %s",
                   sn_quote(text, entry->name.data, entry->name.size),
                   (unsigned long long)entry->offset, what);
}

/* Gives the stream the next part of the entry; its count has fewer bits than a size. */
static void feed(z_stream *stream, uint64_t *left)
{
    if (stream->avail_in)
        return;
    stream->avail_in = (uInt)(*left < STEP ? *left : STEP);
    *left -= stream->avail_in;
}

/* Inflates the whole entry. It must have the size and the sum of the directory,
 * and nothing may stand behind its end. */
static sentiment_status drain(z_stream *stream, const sn_zip_entry *entry,
                              const sn_read_options *options, sentiment_error *error)
{
    uint8_t window[STEP];
    uint64_t left = entry->size, made = 0;
    uLong crc = crc32(0, NULL, 0);
    int result = Z_OK;
    while (result == Z_OK) {
        if (sentiment_cancel_requested(options->cancel))
            return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
        feed(stream, &left);
        stream->next_out = window;
        stream->avail_out = sizeof window;
        result = inflate(stream, Z_NO_FLUSH);
        if (result == Z_MEM_ERROR)
            return sn_fail_memory(error, "inflating");
        size_t step = sizeof window - stream->avail_out;
        crc = crc32(crc, window, (uInt)step);
        made += step;
        if (made > entry->whole)
            return bad(entry, "it inflates to more than the directory says", error);
    }
    if (result != Z_STREAM_END || stream->avail_in || left)
        return bad(entry, "its deflated data is damaged", error);
    if (made != entry->whole)
        return bad(entry, "it inflates to less than the directory says", error);
    return crc == entry->crc ? SENTIMENT_OK : bad(entry, "its CRC-32 is wrong", error);
}

static sentiment_status verify_deflated(const sn_zip *zip, const sn_zip_entry *entry,
                                        const sn_read_options *options, sentiment_error *error)
{
    sn_memory memory = *zip->memory;
    z_stream stream = {.zalloc = take_memory, .zfree = release_memory, .opaque = &memory};
    stream.next_in = zip->data + entry->offset;
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return sn_fail_memory(error, "inflating");
    sentiment_status status = drain(&stream, entry, options, error);
    inflateEnd(&stream);
    return status;
}

static _Bool is_packed(const sn_zip_entry *entry, sn_name folder, const char *packed)
{
    sn_name name = entry->name;
    size_t length = strlen(packed), prefix = folder.size + 1 + length;
    return entry->method == DEFLATED && name.size > prefix &&
           memcmp(name.data, folder.data, folder.size) == 0 && name.data[folder.size] == '/' &&
           memcmp(name.data + folder.size + 1, packed, length) == 0 && name.data[prefix] == '/';
}

/* Before anything is inflated. */
static sentiment_status check_total(const sn_zip *zip, sn_name folder, const char *packed,
                                    sentiment_error *error)
{
    uint64_t total = 0;
    for (size_t i = 0; i < zip->count; i++) {
        const sn_zip_entry *entry = &zip->entries[i];
        if (!is_packed(entry, folder, packed))
            continue;
        if (entry->whole > SN_ZIP_MAX_INFLATED - total)
            return bad(entry, "the archive's code inflates to more than 256 MiB", error);
        total += entry->whole;
    }
    return SENTIMENT_OK;
}

sentiment_status sn_zip_verify_packed(const sn_zip *zip, sn_name folder, const char *packed,
                                      const sn_read_options *options, sentiment_error *error)
{
    sentiment_status status = check_total(zip, folder, packed, error);
    for (size_t i = 0; i < zip->count && !status; i++) {
        const sn_zip_entry *entry = &zip->entries[i];
        if (!is_packed(entry, folder, packed))
            status = sn_zip_verify_entry(zip, entry, options, error);
        else if (!options->allow_missing_crc || entry->crc != 0)
            status = verify_deflated(zip, entry, options, error);
    }
    return status;
}
