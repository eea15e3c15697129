/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of an HTTP/1.x request, read strictly (RFC 9112): what two servers
 * might read differently is refused, so that nothing can be smuggled past a
 * proxy. Pure functions over bytes: no sockets, no allocation. */
#ifndef TOOLS_SERVE_HTTP_PARSE_H
#define TOOLS_SERVE_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_MAX_FIELDS 100

/* Bytes of the head; never ended by NUL. */
typedef struct http_slice {
    const char *data;
    size_t size;
} http_slice;

typedef struct http_field {
    http_slice name, value;
} http_field;

typedef enum http_framing {
    HTTP_NO_BODY,
    HTTP_LENGTH, /* content_length bytes */
    HTTP_CHUNKED
} http_framing;

typedef struct http_head {
    http_slice method, path, query; /* query: behind the '?', may be empty */
    int minor;                      /* of HTTP/1.x */
    http_framing framing;
    uint64_t content_length;
    bool keep_alive;
    bool expects_continue;
    size_t field_count;
    http_field fields[HTTP_MAX_FIELDS];
} http_head;

/* Why a head is refused: a status, and a sentence for the client. */
typedef struct http_refusal {
    int status;
    const char *code, *reason;
} http_refusal;

/* Looks for the end of a head: bytes up to and with the empty line; 0: not yet
 * there. *scanned tells how far earlier calls have looked. */
size_t http_head_end(const char *data, size_t size, size_t *scanned);

/* Reads a whole head, the empty line included. NULL: it is good. */
const http_refusal *http_parse_head(const char *data, size_t size, http_head *head);

/* Value of a field by its lower-case name; NULL: absent. The first one where
 * there are many. */
const http_slice *http_find(const http_head *head, const char *name);
/* Equal but for the case of ASCII letters; `text` is lower-case. */
bool http_same(http_slice slice, const char *text);

/* Decoder of a chunked body. */
typedef struct http_chunks {
    int state;
    uint64_t left;   /* of this chunk */
    size_t overhead; /* bytes of sizes, extensions and trailers so far */
    size_t line;     /* bytes of the line at hand */
} http_chunks;

typedef enum http_progress { HTTP_MORE, HTTP_DATA, HTTP_DONE, HTTP_BAD } http_progress;

/* Takes bytes from the front: *used of them are consumed; with HTTP_DATA,
 * *data of *length bytes (inside the input) belong to the body. Call again
 * until HTTP_MORE, HTTP_DONE or HTTP_BAD. */
http_progress http_decode(http_chunks *chunks, const char *input, size_t size, size_t *used,
                          http_slice *data);

#endif
