/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines out of a source, and chunks out of lines. A line ends at \n alone; the
 * last one may lack it. The buffer doubles for a long line and no byte is
 * searched for a newline twice, so the cost stays linear. */
#include "reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

const option_choice reader_formats[] = {
    {"lines", FORMAT_LINES}, {"jsonl", FORMAT_JSONL}, {"tsv", FORMAT_TSV}, {NULL, 0}};

chunk *chunk_create(void)
{
    return calloc(1, sizeof(chunk));
}

void chunk_free(chunk *records)
{
    if (!records)
        return;
    free(records->text);
    free(records->labels);
    free(records);
}

/* Makes room for `extra` bytes behind `used`; doubles, so appending is linear. */
static bool reserve(char **bytes, size_t *capacity, size_t used, size_t extra)
{
    if (*bytes && extra <= *capacity - used)
        return true;
    if (extra > SIZE_MAX / 4 || used > SIZE_MAX / 4)
        return false;
    size_t wanted = (used + extra) * 2 + 256;
    char *grown = realloc(*bytes, wanted);
    if (!grown)
        return false;
    *bytes = grown;
    *capacity = wanted;
    return true;
}

bool chunk_set_label(chunk *records, const char *label, size_t size)
{
    size_t used = records->label_offsets[records->count];
    if (!reserve(&records->labels, &records->labels_capacity, used, size))
        return false;
    memcpy(records->labels + used, label, size);
    records->label_offsets[records->count + 1] = used + size;
    return true;
}

bool chunk_add(chunk *records, const char *text, size_t size, uint32_t max_length)
{
    size_t at = records->count, used = records->offsets[at];
    if (!reserve(&records->text, &records->text_capacity, used, size))
        return false;
    memcpy(records->text + used, text, size);
    records->offsets[at + 1] = used + size;
    records->max_lengths[at] = max_length;
    records->errors[at].code = SENTIMENT_OK;
    records->count = at + 1;
    return true;
}

void chunk_add_error(chunk *records, sentiment_status code, const char *format, ...)
{
    size_t at = records->count++;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(records->errors[at].message, sizeof records->errors[at].message, format, arguments);
    va_end(arguments);
    records->errors[at].code = code;
    records->max_lengths[at] = 0;
    records->offsets[at + 1] = records->offsets[at];
    records->label_offsets[at + 1] = records->label_offsets[at];
}

static bool ends_with(const char *name, size_t size, const char *end)
{
    size_t length = strlen(end);
    return size >= length && memcmp(name + size - length, end, length) == 0;
}

static enum reader_format format_of(const char *path)
{
    size_t size = strlen(path);
    if (ends_with(path, size, ".gz"))
        size -= 3;
    if (ends_with(path, size, ".jsonl"))
        return FORMAT_JSONL;
    return ends_with(path, size, ".tsv") ? FORMAT_TSV : FORMAT_LINES;
}

bool reader_open(reader *in, const char *path, int32_t format, bool wants_label)
{
    *in = (reader){
        .wants_label = wants_label, .format = (enum reader_format)format, .left = UINT64_MAX};
    if (format == FORMAT_BY_NAME)
        in->format = format_of(path);
    return source_open(&in->in, path);
}

void reader_close(reader *in)
{
    source_close(&in->in);
    free(in->data);
    in->data = NULL;
}

/* Reads more bytes behind `end`: 1 done, 0 end of input, -1 failed. */
static int fill(reader *in)
{
    if (in->start > 0 && in->end - in->start <= in->capacity / 2) {
        memmove(in->data, in->data + in->start, in->end - in->start);
        in->scan -= in->start;
        in->end -= in->start;
        in->start = 0;
    }
    if (!reserve(&in->data, &in->capacity, in->end, SOURCE_BUFFER)) {
        message_no_memory();
        return -1;
    }
    ptrdiff_t got = source_read(&in->in, in->data + in->end, in->capacity - in->end);
    if (got > 0)
        in->end += (size_t)got;
    return got > 0 ? 1 : (int)got;
}

/* The next line, without its newline: 1 found, 0 end of input, -1 failed,
 * 2 nothing here yet and `may_wait` is false. */
static int next_line(reader *in, bool may_wait, const char **line, size_t *size)
{
    char *newline = NULL;
    int answer = 1;
    for (;;) {
        size_t left = in->end - in->scan;
        newline = left ? memchr(in->data + in->scan, '\n', left) : NULL;
        if (newline)
            break;
        in->scan = in->end;
        if (!may_wait && !source_ready(&in->in))
            return 2;
        answer = fill(in);
        if (answer < 0 || (answer == 0 && in->start == in->end))
            return answer;
        if (answer == 0)
            break;
    }
    *line = in->data + in->start;
    *size = (newline ? (size_t)(newline - in->data) : in->end) - in->start;
    if (in->hash)
        sn_sha256_add(in->hash, *line, *size + (newline ? 1 : 0));
    in->start += *size + (newline ? 1 : 0);
    in->scan = in->start;
    in->line++;
    return 1;
}

static bool read_header(reader *in)
{
    const char *line = NULL;
    size_t size = 0;
    int answer = next_line(in, true, &line, &size);
    if (answer == 0)
        message("%s: empty file, expected a header with a column 'text'", in->in.name);
    return answer == 1 && record_read_header(in, line, size);
}

reader_answer reader_next(reader *in, chunk *records)
{
    records->count = 0;
    if (in->failed)
        return READER_FAILED;
    if (in->format == FORMAT_TSV && !in->has_header && !read_header(in))
        return READER_FAILED;
    int answer = 1;
    while (records->count < CHUNK_RECORDS && records->offsets[records->count] < CHUNK_BYTES &&
           in->left > 0) {
        const char *line = NULL;
        size_t size = 0;
        answer = next_line(in, !in->eager || records->count == 0, &line, &size);
        if (answer != 1)
            break;
        records->lines[records->count] = in->line;
        if (!record_add(in, line, size, records)) {
            message_no_memory();
            return READER_FAILED;
        }
        in->left--;
    }
    in->failed = answer < 0;
    if (records->count > 0)
        return READER_CHUNK;
    return in->failed ? READER_FAILED : READER_END;
}

bool reader_skip(reader *in, uint64_t count, uint64_t *passed)
{
    int answer = 1;
    if (in->format == FORMAT_TSV && !in->has_header && !read_header(in))
        return false;
    for (; count > 0 && answer == 1; count--) {
        const char *line = NULL;
        size_t size = 0;
        answer = next_line(in, true, &line, &size);
        *passed += answer == 1;
    }
    return answer >= 0;
}
