/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes archives of stored entries: full local headers, data aligned to 64
 * bytes as PyTorch does, a fixed date, so that the same content gives the same
 * bytes. */
#ifndef SN_FORMATS_ZIP_WRITE_H
#define SN_FORMATS_ZIP_WRITE_H

#include "base/buffer.h"
#include "base/status.h"

typedef struct sn_zip_record {
    char name[40];
    uint32_t offset; /* of the local header */
    uint32_t size;
    uint32_t crc;
} sn_zip_record;

/* Zero-initialise, set `memory` and an empty `out`. */
typedef struct sn_zip_writer {
    const sn_memory *memory;
    sn_buffer *out;
    sn_zip_record *records;
    size_t count, capacity;
} sn_zip_writer;

/* One entry. `name` is ASCII, shorter than 40 bytes. Failed appends to `out`
 * are reported by sn_zip_writer_finish. */
sentiment_status sn_zip_writer_add(sn_zip_writer *writer, const char *name, const void *data,
                                   size_t size, sentiment_error *error);
/* The central directory. */
sentiment_status sn_zip_writer_finish(sn_zip_writer *writer, sentiment_error *error);
void sn_zip_writer_free(sn_zip_writer *writer);

#endif
