/* SPDX-License-Identifier: Apache-2.0
 *
 * The zip archives that PyTorch writes, read from the central directory alone:
 * stored entries, zip64 or not. Anything that two readers could understand in
 * two ways is refused: bytes before or behind the archive, a comment, entries
 * that overlap or share a name, names that leave the archive. Nothing is ever
 * inflated but to check its CRC-32, and then nothing of it is kept. */
#ifndef SN_FORMATS_ZIP_H
#define SN_FORMATS_ZIP_H

#include "base/buffer.h"
#include "formats/bundle.h"
#include "formats/names.h"

#define SN_ZIP_MAX_ENTRIES 65536
/* Inflated bytes of one archive's deflated entries, which are program text: what
 * checking them may cost. */
#define SN_ZIP_MAX_INFLATED (1u << 28)

typedef struct sn_zip_entry {
    sn_name name;
    uint64_t local;  /* offset of the local header */
    uint64_t offset; /* of the data */
    uint64_t size;   /* of the data, as stored */
    uint64_t whole;  /* the same when inflated, as the directory says */
    uint32_t crc;
    uint16_t method; /* 0: stored */
} sn_zip_entry;

typedef struct sn_zip {
    const sn_memory *memory;
    const uint8_t *data;
    size_t size;
    sn_zip_entry *entries; /* sorted by name */
    size_t count;
} sn_zip;

/* Whether the bytes begin as an archive does. */
_Bool sn_zip_probe(const uint8_t *data, size_t size);
/* Reads and checks the directory. `data` must outlive the archive. */
sentiment_status sn_zip_open(sn_zip *zip, const uint8_t *data, size_t size,
                             const sn_memory *memory, sentiment_error *error);
void sn_zip_free(sn_zip *zip);
/* Whether the directory has an entry "FOLDER/name", in whatever folder. Looks at
 * nothing else: the archive may still be a bad one. */
_Bool sn_zip_lists(const uint8_t *data, size_t size, const char *name);
/* UNSUPPORTED unless every entry is stored; BAD_MODEL unless its CRC-32 holds. */
sentiment_status sn_zip_verify(const sn_zip *zip, const sn_read_options *options,
                               sentiment_error *error);
/* The same for one entry. */
sentiment_status sn_zip_verify_entry(const sn_zip *zip, const sn_zip_entry *entry,
                                     const sn_read_options *options, sentiment_error *error);
/* sn_zip_verify, but entries of "folder/packed/" may be deflated (zip_inflate.c). */
sentiment_status sn_zip_verify_packed(const sn_zip *zip, sn_name folder, const char *packed,
                                      const sn_read_options *options, sentiment_error *error);
/* The entry "folder/name", or NULL. */
const sn_zip_entry *sn_zip_find(const sn_zip *zip, sn_name folder, const char *name);
/* The same for the entry "folder/group/key". */
const sn_zip_entry *sn_zip_find_in(const sn_zip *zip, sn_name folder, const char *group,
                                   sn_name key);
/* The same for the entry "folder/data/key". */
const sn_zip_entry *sn_zip_find_data(const sn_zip *zip, sn_name folder, sn_name key);

#endif
