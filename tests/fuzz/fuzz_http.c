/* SPDX-License-Identifier: Apache-2.0
 *
 * A request of HTTP as the server reads it: its head, found and parsed, the trace that it
 * names, then a chunked body, then JSON. However the bytes arrive in pieces, the same comes of
 * them; what is read of a head lies in it and holds no byte that could end a line;
 * and written again, it is read as the same. The switches are the length of the
 * pieces. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "serve/http_parse.h"
#include "serve/json_measure.h"
#include "serve/trace.h"

#define DEPTH 8
#define COMMAS 64

static void check_slice(http_slice slice, const char *data, size_t size)
{
    FUZZ_CHECK(slice.data >= data && slice.data + slice.size <= data + size);
    for (size_t i = 0; i < slice.size; i++)
        FUZZ_CHECK(slice.data[i] != '\r' && slice.data[i] != '\n' && slice.data[i] != '\0');
}

static int same(http_slice a, http_slice b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static void append(char *text, size_t *used, const char *data, size_t size)
{
    memcpy(text + *used, data, size);
    *used += size;
}

/* A head of our own that says the same. */
static char *write_head(const http_head *head, size_t size, size_t *used)
{
    char *text = malloc(size * 2 + 64);
    FUZZ_CHECK(text != NULL);
    *used = 0;
    append(text, used, head->method.data, head->method.size);
    append(text, used, " ", 1);
    append(text, used, head->path.data, head->path.size);
    append(text, used, "?", head->query.size > 0);
    append(text, used, head->query.data, head->query.size);
    append(text, used, head->minor ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n", 11);
    for (size_t i = 0; i < head->field_count; i++) {
        append(text, used, head->fields[i].name.data, head->fields[i].name.size);
        append(text, used, ":", 1);
        append(text, used, head->fields[i].value.data, head->fields[i].value.size);
        append(text, used, "\r\n", 2);
    }
    append(text, used, "\r\n", 2);
    return text;
}

/* Digits only, as many as there have to be. */
static void check_trace(const http_head *head)
{
    static const char digits[] = "0123456789abcdef";
    trace_context trace;
    trace_read(head, &trace);
    FUZZ_CHECK(!trace.id[0] || strlen(trace.id) == TRACE_ID_DIGITS);
    FUZZ_CHECK(!trace.span[0] || (trace.id[0] && strlen(trace.span) == TRACE_SPAN_DIGITS));
    FUZZ_CHECK(strspn(trace.id, digits) == strlen(trace.id));
    FUZZ_CHECK(strspn(trace.span, digits) == strlen(trace.span));
    FUZZ_CHECK(trace.id[0] || !trace.sampled);
}

static void check_head(const http_head *head, const char *data, size_t size)
{
    http_head again;
    size_t used = 0;
    check_slice(head->method, data, size);
    check_slice(head->path, data, size);
    check_slice(head->query, data, size);
    check_trace(head);
    for (size_t i = 0; i < head->field_count; i++) {
        check_slice(head->fields[i].name, data, size);
        check_slice(head->fields[i].value, data, size);
    }
    char *text = write_head(head, size, &used);
    FUZZ_CHECK(http_parse_head(text, used, &again) == NULL);
    FUZZ_CHECK(same(head->method, again.method) && same(head->path, again.path));
    FUZZ_CHECK(head->framing == again.framing && head->content_length == again.content_length);
    FUZZ_CHECK(head->keep_alive == again.keep_alive && head->field_count == again.field_count);
    free(text);
}

/* The body of chunks that come in pieces; *length bytes of it in `out`. */
static http_progress decode(const char *data, size_t size, size_t step, char *out, size_t *length,
                            size_t *end)
{
    http_chunks chunks = {0};
    http_progress progress = HTTP_MORE;
    *length = *end = 0;
    while (*end < size && progress != HTTP_DONE && progress != HTTP_BAD) {
        size_t here = size - *end < step ? size - *end : step, used = 0;
        http_slice piece = {NULL, 0};
        progress = http_decode(&chunks, data + *end, here, &used, &piece);
        FUZZ_CHECK(used > 0 && used <= here);
        if (progress == HTTP_DATA) {
            check_slice((http_slice){piece.data, 0}, data + *end, here);
            FUZZ_CHECK(piece.data + piece.size == data + *end + used);
            append(out, length, piece.data, piece.size);
        }
        *end += used;
    }
    return progress == HTTP_DATA ? HTTP_MORE : progress;
}

static size_t check_chunks(const char *data, size_t size, size_t step, char *body)
{
    size_t length[2] = {0, 0}, end[2] = {0, 0};
    char *other = malloc(size + 1);
    FUZZ_CHECK(other != NULL);
    http_progress whole = decode(data, size, size ? size : 1, body, &length[0], &end[0]);
    http_progress parts = decode(data, size, step, other, &length[1], &end[1]);
    FUZZ_CHECK(whole == parts && length[0] == length[1] && end[0] == end[1]);
    FUZZ_CHECK(memcmp(body, other, length[0]) == 0);
    free(other);
    return length[0];
}

static size_t depth_of(const json_t *value, size_t *values)
{
    size_t deepest = 0, index = 0;
    const char *key = NULL;
    json_t *item = NULL;
    ++*values;
    json_array_foreach(value, index, item)
    {
        size_t depth = depth_of(item, values);
        deepest = depth > deepest ? depth : deepest;
    }
    if (json_is_object(value)) {
        void *at = json_object_iter((json_t *)(uintptr_t)value);
        for (; at; at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
            key = json_object_iter_key(at);
            FUZZ_CHECK(key != NULL);
            size_t depth = depth_of(json_object_iter_value(at), values);
            deepest = depth > deepest ? depth : deepest;
        }
    }
    return deepest + (json_is_array(value) || json_is_object(value));
}

/* What is measured as fine is fine, and what is too much is too much. */
static void check_json(const char *data, size_t size)
{
    json_shape shape = json_measure(data, size, DEPTH, COMMAS);
    json_t *value = json_loadb(
        data, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    if (!value)
        return;
    size_t values = 0, depth = depth_of(value, &values);
    /* Each value but the first follows a comma or an opening bracket. */
    if (shape == JSON_FINE)
        FUZZ_CHECK(depth <= DEPTH && values <= 1 + COMMAS + values / 2 + 1);
    if (shape == JSON_TOO_DEEP)
        FUZZ_CHECK(depth > DEPTH);
    if (shape == JSON_TOO_MANY)
        FUZZ_CHECK(values > COMMAS);
    json_decref(value);
}

/* The end of the head, looked for as bytes come in. */
static size_t find_end(const char *data, size_t size, size_t step)
{
    size_t scanned = 0, end = 0;
    for (size_t here = step < size ? step : size; !end; here += step) {
        here = here < size ? here : size;
        end = http_head_end(data, here, &scanned);
        FUZZ_CHECK(end <= here);
        if (here == size)
            break;
    }
    return end;
}

static sentiment_status attempt(fuzz_run *run)
{
    const char *data = (const char *)run->data;
    size_t step = (size_t)run->flags % 16 + 1, scanned = 0;
    http_head head;
    size_t end = http_head_end(data, run->size, &scanned);
    FUZZ_CHECK(find_end(data, run->size, step) == end);
    const char *rest = data + end;
    size_t left = run->size - end;
    const http_refusal *refusal = http_parse_head(data, end, &head);
    FUZZ_CHECK(end > 0 || refusal);
    if (refusal)
        FUZZ_CHECK(refusal->status >= 400 && refusal->status <= 505 && refusal->code[0]);
    else
        check_head(&head, data, end);
    char *body = malloc(left + 1);
    FUZZ_CHECK(body != NULL);
    size_t length = check_chunks(rest, left, step, body);
    check_json(body, length);
    check_json(rest, left);
    free(body);
    return SENTIMENT_OK;
}

/* Neither the parser nor the decoder allocates; what the target does is its own. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 0, 0};
    return fuzz_input(&target, data, size);
}
