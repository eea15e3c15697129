/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of a file or of standard input, gzip unpacked where the content says
 * so. Unlike gzread it returns what a pipe has so far, so that a person or a
 * program that types one line gets its answer. */
#ifndef TOOLS_SOURCE_H
#define TOOLS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "base/sha256.h"

#define SOURCE_BUFFER 65536

typedef struct source {
    int fd;
    const char *name;     /* for messages */
    uint64_t size;        /* of the file, 0 where unknown */
    uint64_t read_bytes;  /* of the file, as stored */
    sn_sha256 *hash;      /* fed with the stored bytes; may be NULL */
    int stop_fd;          /* once it is readable, waiting ends as a failure; 0: none */
    bool started;         /* the first bytes were looked at */
    bool gzip, unpacking; /* gzip content; inside a member */
    bool ended;           /* nothing more in the file */
    z_stream stream;
    size_t next, filled; /* unread part of `input` */
    uint8_t input[SOURCE_BUFFER];
} source;

/* Opens a file, or standard input for "-". False: the reason went to stderr. */
bool source_open(source *in, const char *path);
void source_close(source *in);
/* Bytes read, 0 at the end, -1 on failure (the reason went to stderr). */
ptrdiff_t source_read(source *in, char *bytes, size_t size);
/* Whether source_read would return at once. */
bool source_ready(const source *in);

#endif
