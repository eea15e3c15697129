/* SPDX-License-Identifier: Apache-2.0
 *
 * See zip_write.h. Sizes are those of plain zip: an archive of 4 GiB or more
 * is refused. */
#include "formats/zip_write.h"

#include <string.h>
#include <zlib.h>

/* PyTorch's extra field that pads data to its alignment: "FB". */
#define PADDING_ID 0x4246
/* 1980-01-01, the first day that zip knows. */
#define FIXED_DATE 0x0021
#define VERSION_STORED 20

static sentiment_status too_large(sentiment_error *error)
{
    return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                   "a model.pth of 4 GiB or more cannot be written; save as .safetensors");
}

/* The fields that local and central headers share, from "version needed". */
static void put_common(sn_buffer *out, const sn_zip_record *record, uint16_t extra)
{
    sn_buffer_u16le(out, VERSION_STORED);
    sn_buffer_u16le(out, 0); /* flags */
    sn_buffer_u16le(out, 0); /* stored */
    sn_buffer_u16le(out, 0); /* time */
    sn_buffer_u16le(out, FIXED_DATE);
    sn_buffer_u32le(out, record->crc);
    sn_buffer_u32le(out, record->size);
    sn_buffer_u32le(out, record->size);
    sn_buffer_u16le(out, (uint16_t)strlen(record->name));
    sn_buffer_u16le(out, extra);
}

static void put_local(sn_buffer *out, const sn_zip_record *record)
{
    static const char filler[SN_ALIGNMENT + 1] =
        "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ";
    size_t header = record->offset + 30 + strlen(record->name) + 4;
    size_t padding = (SN_ALIGNMENT - header % SN_ALIGNMENT) % SN_ALIGNMENT;
    sn_buffer_u32le(out, 0x04034b50);
    put_common(out, record, (uint16_t)(4 + padding));
    sn_buffer_text(out, record->name);
    sn_buffer_u16le(out, PADDING_ID);
    sn_buffer_u16le(out, (uint16_t)padding);
    sn_buffer_append(out, filler, padding);
}

static void put_central(sn_buffer *out, const sn_zip_record *record)
{
    sn_buffer_u32le(out, 0x02014b50);
    sn_buffer_u16le(out, VERSION_STORED);
    put_common(out, record, 0);
    sn_buffer_u16le(out, 0); /* comment */
    sn_buffer_u16le(out, 0); /* disk */
    sn_buffer_u16le(out, 0); /* internal attributes */
    sn_buffer_u32le(out, 0); /* external attributes */
    sn_buffer_u32le(out, record->offset);
    sn_buffer_text(out, record->name);
}

static sn_zip_record *next_record(sn_zip_writer *writer)
{
    if (writer->count == writer->capacity) {
        size_t capacity = writer->capacity ? writer->capacity * 2 : 16;
        sn_zip_record *records =
            sn_realloc(writer->memory, writer->records, capacity, sizeof *records);
        if (!records)
            return NULL;
        writer->records = records;
        writer->capacity = capacity;
    }
    return &writer->records[writer->count];
}

sentiment_status sn_zip_writer_add(sn_zip_writer *writer, const char *name, const void *data,
                                   size_t size, sentiment_error *error)
{
    if (strlen(name) >= sizeof writer->records->name)
        return sn_fail(error, SENTIMENT_ERROR_INTERNAL, SN_NO_OFFSET, "zip entry name '%s'", name);
    if (writer->count >= UINT16_MAX - 1 || size >= UINT32_MAX || writer->out->size >= UINT32_MAX)
        return too_large(error);
    sn_zip_record *record = next_record(writer);
    if (!record)
        return sn_fail_memory(error, "the archive's directory");
    *record = (sn_zip_record){.offset = (uint32_t)writer->out->size, .size = (uint32_t)size};
    memcpy(record->name, name, strlen(name) + 1);
    record->crc = (uint32_t)crc32_z(crc32_z(0, NULL, 0), data, size);
    put_local(writer->out, record);
    sn_buffer_append(writer->out, data, size);
    writer->count++;
    return SENTIMENT_OK;
}

sentiment_status sn_zip_writer_finish(sn_zip_writer *writer, sentiment_error *error)
{
    sn_buffer *out = writer->out;
    size_t start = out->size;
    for (size_t i = 0; i < writer->count; i++)
        put_central(out, &writer->records[i]);
    size_t size = out->size - start;
    if (!out->failed && (start >= UINT32_MAX || size >= UINT32_MAX))
        return too_large(error);
    sn_buffer_u32le(out, 0x06054b50);
    sn_buffer_u32le(out, 0); /* disks */
    sn_buffer_u16le(out, (uint16_t)writer->count);
    sn_buffer_u16le(out, (uint16_t)writer->count);
    sn_buffer_u32le(out, (uint32_t)size);
    sn_buffer_u32le(out, (uint32_t)start);
    sn_buffer_u16le(out, 0); /* comment */
    return out->failed ? sn_fail_memory(error, "model.pth") : SENTIMENT_OK;
}

void sn_zip_writer_free(sn_zip_writer *writer)
{
    sn_free(writer->memory, writer->records);
    *writer = (sn_zip_writer){0};
}
