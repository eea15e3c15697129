/* SPDX-License-Identifier: Apache-2.0
 *
 * See zip.h. Section numbers are those of the format's APPNOTE 6.3.10. */
#include "formats/zip.h"

#include <string.h>
#include <zlib.h>

#include "base/cursor.h"
#include "base/status.h"

enum {
    LOCAL_SIGNATURE = 0x04034b50,
    CENTRAL_SIGNATURE = 0x02014b50,
    END_SIGNATURE = 0x06054b50,
    END64_SIGNATURE = 0x06064b50,
    LOCATOR_SIGNATURE = 0x07064b50,
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    ZIP64_EXTRA = 1
};

#define SATURATED32 0xffffffffu
#define SATURATED16 0xffffu
/* Bytes that zlib's crc32 is given between looks at the cancel token. */
#define CRC_BLOCK (1u << 24)

/* Where the central directory is. */
typedef struct {
    uint64_t count;
    uint64_t size;
    uint64_t offset;
    uint64_t end; /* first byte of the end records */
} directory;

static sentiment_status bad(sentiment_error *error, uint64_t at, const char *what)
{
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, at, "zip archive: byte %llu: %s",
                   (unsigned long long)at, what);
}

static sentiment_status bad_entry(sentiment_error *error, const sn_zip_entry *entry, uint64_t at,
                                  const char *what)
{
    char text[SN_QUOTE_SIZE];
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, at, "zip entry %s: byte %llu: %s",
                   sn_quote(text, entry->name.data, entry->name.size), (unsigned long long)at,
                   what);
}

_Bool sn_zip_probe(const uint8_t *data, size_t size)
{
    return size >= 4 && memcmp(data, "PK\3\4", 4) == 0;
}

static uint64_t field(const uint8_t *record, size_t offset, size_t width)
{
    return sn_load_le(record + offset, width);
}

/* Section 4.3.14: the zip64 record stands right before its locator, and agrees
 * with the end record wherever that one is not saturated. */
static sentiment_status read_end64(const sn_zip *zip, uint64_t locator, directory *found,
                                   sentiment_error *error)
{
    const uint8_t *place = zip->data + locator;
    uint64_t at = field(place, 8, 8);
    if (locator < END64_SIZE || at != locator - END64_SIZE || field(place, 4, 4) != 0 ||
        field(place, 16, 4) != 1)
        return bad(error, locator, "the zip64 locator does not point at the record before it");
    const uint8_t *record = zip->data + at;
    if (field(record, 0, 4) != END64_SIGNATURE || field(record, 4, 8) != END64_SIZE - 12)
        return bad(error, at, "no zip64 end record where the locator says");
    directory large = {.count = field(record, 32, 8),
                       .size = field(record, 40, 8),
                       .offset = field(record, 48, 8),
                       .end = at};
    if (field(record, 16, 8) != 0 || field(record, 24, 8) != large.count)
        return bad(error, at, "the archive is split into several files");
    if ((found->count != SATURATED16 && found->count != large.count) ||
        (found->size != SATURATED32 && found->size != large.size) ||
        (found->offset != SATURATED32 && found->offset != large.offset))
        return bad(error, at, "the zip64 end record contradicts the end record");
    *found = large;
    return SENTIMENT_OK;
}

/* The end record is the last 22 bytes: no comment, nothing behind it. */
static sentiment_status read_end(const sn_zip *zip, directory *found, sentiment_error *error)
{
    if (zip->size < END_SIZE)
        return bad(error, 0, "too short for an archive");
    uint64_t at = zip->size - END_SIZE;
    const uint8_t *record = zip->data + at;
    if (field(record, 0, 4) != END_SIGNATURE)
        return bad(error, at, "expected the end record as the last 22 bytes (the file is "
                              "truncated, or has a comment or bytes behind the archive)");
    if (field(record, 20, 2) != 0)
        return bad(error, at, "the archive has a comment");
    if (field(record, 4, 4) != 0 || field(record, 8, 2) != field(record, 10, 2))
        return bad(error, at, "the archive is split into several files");
    *found = (directory){field(record, 10, 2), field(record, 12, 4), field(record, 16, 4), at};
    if (at < LOCATOR_SIZE || field(record - LOCATOR_SIZE, 0, 4) != LOCATOR_SIGNATURE)
        return SENTIMENT_OK;
    return read_end64(zip, at - LOCATOR_SIZE, found, error);
}

/* The directory ends where the end records begin, and has no more entries than
 * fit in it: the count can be trusted for an allocation. */
static sentiment_status check_directory(const directory *found, sentiment_error *error)
{
    if (found->offset > found->end || found->size != found->end - found->offset)
        return bad(error, found->end, "the central directory does not end at the end record");
    if (found->count > found->size / CENTRAL_SIZE || found->count > SN_ZIP_MAX_ENTRIES)
        return bad(error, found->end, "more entries than the central directory can hold");
    if (found->count == 0)
        return bad(error, found->end, "an archive without entries");
    return SENTIMENT_OK;
}

/* Section 4.5.3: the extra field holds, in this order, those of size,
 * compressed size and offset that are saturated in the header. */
static _Bool read_zip64_extra(sn_cursor extra, uint64_t *values[3])
{
    uint64_t id, size, wanted = 0;
    for (size_t i = 0; i < 3; i++)
        wanted += *values[i] == SATURATED32;
    while (wanted && sn_take_le(&extra, 2, &id) && sn_take_le(&extra, 2, &size)) {
        sn_cursor body = {sn_take(&extra, size), (size_t)size, 0};
        if (!body.data)
            return 0;
        if (id != ZIP64_EXTRA)
            continue;
        for (size_t i = 0; i < 3; i++)
            if (*values[i] == SATURATED32 && !sn_take_le(&body, 8, values[i]))
                return 0;
        return 1;
    }
    return wanted == 0;
}

/* Names are relative paths without "..", as every writer makes them. */
static _Bool is_safe_name(sn_name name)
{
    if (name.size == 0 || name.data[0] == '/' || memchr(name.data, '\0', name.size) ||
        memchr(name.data, '\\', name.size))
        return 0;
    size_t start = 0;
    for (size_t i = 0; i <= name.size; i++) {
        if (i < name.size && name.data[i] != '/')
            continue;
        if (i - start == 2 && memcmp(name.data + start, "..", 2) == 0)
            return 0;
        start = i + 1;
    }
    return 1;
}

/* The local header names the same entry and leads to the data. Its CRC and
 * sizes may be zero, and are not looked at. */
static sentiment_status read_local(const sn_zip *zip, const directory *found, sn_zip_entry *entry,
                                   sentiment_error *error)
{
    sn_cursor in = {zip->data, (size_t)found->offset, 0};
    const uint8_t *header = sn_seek(&in, entry->local) ? sn_take(&in, LOCAL_SIZE) : NULL;
    if (!header || field(header, 0, 4) != LOCAL_SIGNATURE)
        return bad_entry(error, entry, entry->local, "no local header where the directory says");
    const uint8_t *name = sn_take(&in, field(header, 26, 2));
    if (!name || field(header, 26, 2) != entry->name.size ||
        memcmp(name, entry->name.data, entry->name.size) != 0 ||
        field(header, 8, 2) != entry->method)
        return bad_entry(error, entry, entry->local,
                         "the local header contradicts the central directory");
    if (!sn_take(&in, field(header, 28, 2)) || entry->size > sn_cursor_left(&in))
        return bad_entry(error, entry, entry->local, "the data passes the end of the archive");
    entry->offset = in.position;
    return SENTIMENT_OK;
}

/* One record of the central directory. */
static sentiment_status read_entry(const sn_zip *zip, const directory *found, sn_cursor *in,
                                   sn_zip_entry *entry, sentiment_error *error)
{
    uint64_t at = in->position;
    const uint8_t *record = sn_take(in, CENTRAL_SIZE);
    if (!record || field(record, 0, 4) != CENTRAL_SIGNATURE)
        return bad(error, at, "no entry of the central directory where one is expected");
    *entry = (sn_zip_entry){.name = {NULL, (size_t)field(record, 28, 2)},
                            .method = (uint16_t)field(record, 10, 2),
                            .crc = (uint32_t)field(record, 16, 4),
                            .local = field(record, 42, 4)};
    uint64_t stored = field(record, 20, 4), extra_size = field(record, 30, 2);
    entry->size = field(record, 24, 4);
    entry->name.data = sn_take(in, entry->name.size);
    sn_cursor extra = {sn_take(in, extra_size), (size_t)extra_size, 0};
    if (!entry->name.data || !extra.data || !sn_take(in, field(record, 32, 2)))
        return bad(error, at, "an entry passes the end of the central directory");
    if (!is_safe_name(entry->name))
        return bad_entry(error, entry, at, "a name that is empty, absolute or leads outside");
    if (field(record, 8, 2) & 1)
        return bad_entry(error, entry, at, "the entry is encrypted");
    uint64_t *wide[3] = {&entry->size, &stored, &entry->local};
    if (!read_zip64_extra(extra, wide))
        return bad_entry(error, entry, at, "its zip64 sizes are missing");
    if (entry->method == 0 && stored != entry->size)
        return bad_entry(error, entry, at, "a stored entry with two different sizes");
    entry->whole = entry->size;
    entry->size = stored;
    return read_local(zip, found, entry, error);
}

static int by_offset(const void *a, const void *b)
{
    const sn_zip_entry *first = a, *second = b;
    return (first->local > second->local) - (first->local < second->local);
}

static int by_name(const void *a, const void *b)
{
    const sn_zip_entry *first = a, *second = b;
    return sn_name_compare(first->name, second->name);
}

/* The first entry opens the file, no two share a byte, no two share a name. */
static sentiment_status check_entries(sn_zip *zip, sentiment_error *error)
{
    sn_sort(zip->entries, zip->count, sizeof *zip->entries, by_offset);
    if (zip->entries[0].local != 0)
        return bad(error, 0, "bytes stand before the first entry");
    for (size_t i = 1; i < zip->count; i++) {
        const sn_zip_entry *before = &zip->entries[i - 1];
        if (zip->entries[i].local < before->offset + before->size)
            return bad_entry(error, &zip->entries[i], zip->entries[i].local,
                             "it overlaps the entry before it");
    }
    sn_sort(zip->entries, zip->count, sizeof *zip->entries, by_name);
    for (size_t i = 1; i < zip->count; i++)
        if (by_name(&zip->entries[i - 1], &zip->entries[i]) == 0)
            return bad_entry(error, &zip->entries[i], zip->entries[i].local,
                             "a second entry of this name");
    return SENTIMENT_OK;
}

sentiment_status sn_zip_open(sn_zip *zip, const uint8_t *data, size_t size,
                             const sn_memory *memory, sentiment_error *error)
{
    directory found = {0};
    *zip = (sn_zip){.memory = memory, .data = data, .size = size};
    sentiment_status status = read_end(zip, &found, error);
    if (!status)
        status = check_directory(&found, error);
    if (status)
        return status;
    zip->entries = sn_alloc_zero(memory, (size_t)found.count, sizeof *zip->entries);
    if (!zip->entries)
        return sn_fail_memory(error, "the archive's entries");
    sn_cursor in = {data, (size_t)found.end, (size_t)found.offset};
    for (; zip->count < found.count && !status; zip->count++)
        status = read_entry(zip, &found, &in, &zip->entries[zip->count], error);
    if (!status && in.position != found.end)
        status = bad(error, in.position, "the central directory has more than its entries");
    if (!status)
        status = check_entries(zip, error);
    if (status)
        sn_zip_free(zip);
    return status;
}

void sn_zip_free(sn_zip *zip)
{
    if (zip->memory)
        sn_free(zip->memory, zip->entries);
    *zip = (sn_zip){0};
}

_Bool sn_zip_lists(const uint8_t *data, size_t size, const char *name)
{
    const sn_zip zip = {.data = data, .size = size};
    directory found = {0};
    size_t length = strlen(name);
    if (!sn_zip_probe(data, size) || read_end(&zip, &found, NULL) ||
        check_directory(&found, NULL))
        return 0;
    sn_cursor in = {data, (size_t)found.end, (size_t)found.offset};
    for (uint64_t i = 0; i < found.count; i++) {
        const uint8_t *record = sn_take(&in, CENTRAL_SIZE);
        sn_name entry = {NULL, record ? (size_t)field(record, 28, 2) : 0};
        entry.data = record ? sn_take(&in, entry.size) : NULL;
        if (!entry.data || !sn_take(&in, field(record, 30, 2)) ||
            !sn_take(&in, field(record, 32, 2)))
            return 0;
        const uint8_t *slash = memchr(entry.data, '/', entry.size);
        size_t folder = slash ? (size_t)(slash - entry.data) + 1 : 0;
        if (slash && entry.size - folder == length &&
            memcmp(entry.data + folder, name, length) == 0)
            return 1;
    }
    return 0;
}

sentiment_status sn_zip_verify_entry(const sn_zip *zip, const sn_zip_entry *entry,
                                     const sn_read_options *options, sentiment_error *error)
{
    char text[SN_QUOTE_SIZE];
    if (entry->method != 0)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, entry->local,
                       "zip entry %s is compressed (method %u), expected stored: PyTorch "
                       "compresses nothing but code",
                       sn_quote(text, entry->name.data, entry->name.size), entry->method);
    if (options->allow_missing_crc && entry->crc == 0)
        return SENTIMENT_OK;
    uint64_t done = 0;
    uLong crc = crc32(0, NULL, 0);
    while (done < entry->size) {
        if (options->cancel && sentiment_cancel_requested(options->cancel))
            return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
        uint64_t left = entry->size - done, step = left < CRC_BLOCK ? left : CRC_BLOCK;
        crc = crc32(crc, zip->data + entry->offset + done, (uInt)step);
        done += step;
    }
    if (crc == entry->crc)
        return SENTIMENT_OK;
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, entry->offset,
                   "zip entry %s: byte %llu: its CRC-32 is %08lx, expected %08lx%s",
                   sn_quote(text, entry->name.data, entry->name.size),
                   (unsigned long long)entry->offset, (unsigned long)crc,
                   (unsigned long)entry->crc,
                   entry->crc ? "" : " (none was recorded: allow_missing_crc accepts that)");
}

sentiment_status sn_zip_verify(const sn_zip *zip, const sn_read_options *options,
                               sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; i < zip->count && !status; i++)
        status = sn_zip_verify_entry(zip, &zip->entries[i], options, error);
    return status;
}

/* Compares an entry's name with the concatenation of parts. */
static int compare_parts(sn_name name, const sn_name *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t common = name.size < parts[i].size ? name.size : parts[i].size;
        int order = sn_name_compare((sn_name){name.data, common}, parts[i]);
        if (order != 0)
            return order;
        name.data += common;
        name.size -= common;
    }
    return name.size != 0;
}

static const sn_zip_entry *find_parts(const sn_zip *zip, const sn_name *parts, size_t count)
{
    size_t low = 0, high = zip->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_parts(zip->entries[middle].name, parts, count);
        if (order == 0)
            return &zip->entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static sn_name name_of(const char *text)
{
    return (sn_name){(const uint8_t *)text, strlen(text)};
}

const sn_zip_entry *sn_zip_find(const sn_zip *zip, sn_name folder, const char *name)
{
    const sn_name parts[] = {folder, name_of("/"), name_of(name)};
    return find_parts(zip, parts, 3);
}

const sn_zip_entry *sn_zip_find_in(const sn_zip *zip, sn_name folder, const char *group,
                                   sn_name key)
{
    const sn_name parts[] = {folder, name_of("/"), name_of(group), name_of("/"), key};
    return find_parts(zip, parts, 5);
}

const sn_zip_entry *sn_zip_find_data(const sn_zip *zip, sn_name folder, sn_name key)
{
    return sn_zip_find_in(zip, folder, "data", key);
}
