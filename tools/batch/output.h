/* SPDX-License-Identifier: Apache-2.0
 *
 * OUT.partial, where the answers of a batch job gather until they are complete
 * and the file takes its name. It can be cut back behind any block: compressed,
 * each block is a gzip member of its own. */
#ifndef TOOLS_BATCH_OUTPUT_H
#define TOOLS_BATCH_OUTPUT_H

#include <zlib.h>

#include "base/sha256.h"
#include "emit.h"

typedef struct batch_output {
    const char *name; /* OUT */
    char *partial;    /* OUT.partial */
    const char *open; /* the one of both that is open */
    int fd;           /* -1: none */
    bool gzip, packing;
    z_stream stream;
    uint64_t bytes; /* in the file, and their digest */
    sn_sha256 hash;
    uint64_t kept_bytes; /* those that are known to be good */
    sn_sha256 kept;
    emit out; /* answers go here */
} batch_output;

/* Looks which files there are; nothing is opened. False: the reason went to stderr. */
bool batch_output_init(batch_output *to, const char *name);
/* Whether the finished file, or the partial one, exists. */
bool batch_output_exists(const batch_output *to);
bool batch_output_begun(const batch_output *to);
/* Whether the partial one holds anything. */
bool batch_output_has_bytes(const batch_output *to);
/* Whether `fd` is the output, so that reading it would read what is written. */
bool batch_output_is(const batch_output *to, int fd);

/* Each below returns false when the reason went to stderr. */

/* Opens the finished file for reading, or the partial one for writing, made if missing. */
bool batch_output_open(batch_output *to, bool finished);
/* Whether the first `bytes` have that digest; reads on from where it was. */
bool batch_output_holds(batch_output *to, uint64_t bytes, const char *digest);
/* Whether nothing follows the bytes that hold. */
bool batch_output_ends(const batch_output *to);
/* Drops what is behind the bytes that hold. */
bool batch_output_cut(batch_output *to);
/* All answers so far are in the file, and may be cut behind. */
bool batch_output_end_block(batch_output *to);
void batch_output_digest(const batch_output *to, char hex[65]);
bool batch_output_sync(batch_output *to);
/* Gives the file its name, for good. */
bool batch_output_rename(batch_output *to);
/* Safe on zeroes behind `fd` -1. */
void batch_output_close(batch_output *to);

#endif
