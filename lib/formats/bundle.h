/* SPDX-License-Identifier: Apache-2.0
 *
 * What every reader produces and every writer takes: named tensors, words,
 * configuration. It knows nothing of what the tensors mean; lib/model does. */
#ifndef SN_FORMATS_BUNDLE_H
#define SN_FORMATS_BUNDLE_H

#include "base/file.h"
#include "base/status.h"
#include "base/tensor.h"

/* The vocabulary as it stands in a file: word i is
 * bytes[offsets[i] .. offsets[i+1]) with token id ids[i]. Words are UTF-8, in
 * which a pickle may have left lone surrogates (as three bytes each). */
typedef struct sn_words {
    uint8_t *bytes;
    uint64_t *offsets; /* count+1 */
    int64_t *ids;      /* NULL: word i has id i */
    size_t count;
    int64_t vocab_size; /* as declared by the file, -1: not declared */
} sn_words;

/* One string of a native file's __metadata__. */
typedef struct sn_pair {
    char *key;
    char *value;
} sn_pair;

typedef struct sn_bundle {
    const sn_memory *memory; /* set by the caller before reading */
    const char *format;      /* static: see sentiment_model_info.format */
    sn_bytes file;           /* backs tensors[].data */
    void *decoded;           /* more backing memory, where a reader had to unpack */
    sn_tensor *tensors;
    size_t tensor_count;
    sn_words words;
    _Bool has_words;
    char *tokenizer_json;    /* text of a tokenizer.json, NUL-terminated; NULL if none. It
                              * stands in for the words */
    size_t tokenizer_json_size;
    sn_bytes script;         /* a TorchScript archive as it was read, which then backs
                              * tensors[].data; empty if none */
    const char *foreign;     /* static: why the tensors of the archive cannot be the
                              * classifier's; there are none then. NULL: perhaps they are */
    char sha256[65];         /* of the file with the weights; empty unless asked for */
    char *config;            /* JSON text of config.json, NUL-terminated; NULL if none */
    size_t config_size;
    _Bool native;            /* a file of ours: its metadata speaks our language */
    sn_pair *metadata;       /* sorted by key */
    size_t metadata_count;
    char *names;             /* backs tensors[].name */
} sn_bundle;

/* Limits and switches of a read. */
typedef struct sn_read_options {
    _Bool use_mmap;
    _Bool allow_missing_crc;
    _Bool digest; /* compute bundle->sha256, and check the digests that a file states */
    const sentiment_cancel *cancel; /* may be NULL */
} sn_read_options;

/* SHA-256 of the bytes where `options` ask for it, else the empty string. */
sentiment_status sn_bytes_digest(const sn_bytes *bytes, const sn_read_options *options,
                                 char digest[65], sentiment_error *error);

/* Releases everything; the bundle can be used again. */
void sn_bundle_free(sn_bundle *bundle);
void sn_words_free(const sn_memory *memory, sn_words *words);
/* The tensor of this name, or NULL. */
const sn_tensor *sn_bundle_find(const sn_bundle *bundle, const char *name);
/* The metadata value of this key, or NULL. */
const char *sn_bundle_metadata(const sn_bundle *bundle, const char *key);

#endif
