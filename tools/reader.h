/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts from a file, a chunk at a time: lines, JSON lines or TSV, in order, in
 * bounded memory (a chunk and the longest line). A bad record takes its place
 * in the chunk with its reason. */
#ifndef TOOLS_READER_H
#define TOOLS_READER_H

#include "options.h"
#include "source.h"

#define CHUNK_RECORDS 1024
#define CHUNK_BYTES (1u << 20)

enum reader_format { FORMAT_BY_NAME, FORMAT_LINES, FORMAT_JSONL, FORMAT_TSV };

/* Names for --input-format. */
extern const option_choice reader_formats[];

typedef struct record_error {
    sentiment_status code; /* SENTIMENT_OK: the record is good */
    char message[160];
} record_error;

/* Up to CHUNK_RECORDS records. Text i is text[offsets[i] .. offsets[i+1]),
 * empty for a bad record. Labels likewise, where the reader wants them. */
typedef struct chunk {
    size_t count;
    char *text;
    size_t text_capacity;
    char *labels;
    size_t labels_capacity;
    uint64_t offsets[CHUNK_RECORDS + 1];
    uint64_t label_offsets[CHUNK_RECORDS + 1];
    uint64_t lines[CHUNK_RECORDS];       /* where each record stands, from 1 */
    uint32_t max_lengths[CHUNK_RECORDS]; /* 0: none given */
    record_error errors[CHUNK_RECORDS];
} chunk;

typedef struct reader {
    source in;
    enum reader_format format;
    bool wants_label; /* TSV only: rows need a label column */
    bool eager;       /* end a chunk rather than wait for more input */
    bool has_header;
    bool failed;     /* reading broke off behind the last chunk */
    uint64_t left;   /* records still wanted; reader_open: all */
    sn_sha256 *hash; /* fed with the lines as they are used; may be NULL */
    size_t text_column, label_column, columns;
    uint64_t line; /* lines read so far */
    char *data;    /* [start, end) is unread, [start, scan) holds no newline */
    size_t capacity, start, scan, end;
} reader;

typedef enum reader_answer { READER_CHUNK, READER_END, READER_FAILED } reader_answer;

/* "-" is standard input. False: the reason went to stderr. */
bool reader_open(reader *in, const char *path, int32_t format, bool wants_label);
void reader_close(reader *in);
/* Fills the chunk with the next records, at least one with READER_CHUNK.
 * READER_FAILED: the reason went to stderr. */
reader_answer reader_next(reader *in, chunk *records);
/* Passes over `count` records unseen, fewer where the input ends; *passed grows by their
 * number. False: the reason went to stderr. */
bool reader_skip(reader *in, uint64_t count, uint64_t *passed);

chunk *chunk_create(void);
void chunk_free(chunk *records);
/* Both return false when memory ran out. A label is set before its text is added. */
bool chunk_add(chunk *records, const char *text, size_t size, uint32_t max_length);
bool chunk_set_label(chunk *records, const char *label, size_t size);
/* The next record is bad. */
void chunk_add_error(chunk *records, sentiment_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
