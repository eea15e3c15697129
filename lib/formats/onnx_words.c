/* SPDX-License-Identifier: Apache-2.0
 *
 * See onnx_words.h. What is written reads back to the same bytes: a surrogate
 * stays the three bytes that it was, and is never joined with its neighbour. */
#include "formats/onnx_words.h"

#include <stdio.h>
#include <string.h>

#include "formats/names.h"

#define ESCAPE_SIZE 6 /* \uXXXX */

static sentiment_status bad(sentiment_error *error, const char *what, size_t line)
{
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                   "onnx: metadata 'vocabulary': line %zu %s", line + 1, what);
}

/* ---------------------------------------------------------------- writing */

/* Controls, which end lines and strings, and surrogates, which are not UTF-8. */
static _Bool is_escaped(const uint8_t *bytes, size_t length)
{
    return (length == 1 && (bytes[0] < 0x20 || bytes[0] == 0x7f)) ||
           (length == 3 && bytes[0] == 0xed && bytes[1] >= 0xa0);
}

static void put_escape(const uint8_t *bytes, size_t length, sn_buffer *text)
{
    char escape[ESCAPE_SIZE + 1];
    unsigned code = bytes[0];
    if (length == 3)
        code = (bytes[0] & 15u) << 12 | (bytes[1] & 63u) << 6 | (bytes[2] & 63u);
    snprintf(escape, sizeof escape, "\\u%04x", code & 0xffff);
    sn_buffer_text(text, escape);
}

static _Bool put_word(const uint8_t *word, size_t size, sn_buffer *text)
{
    size_t plain = 0, at = 0;
    while (at < size) {
        size_t length = sn_name_utf8_sequence(word + at, size - at, 1);
        if (!length)
            return 0;
        _Bool escaped = is_escaped(word + at, length);
        if (escaped || word[at] == '\\') {
            sn_buffer_append(text, word + plain, at - plain);
            plain = at + length;
            if (escaped)
                put_escape(word + at, length, text);
            else
                sn_buffer_text(text, "\\\\");
        }
        at += length;
    }
    sn_buffer_append(text, word + plain, size - plain);
    sn_buffer_u8(text, '\n');
    return 1;
}

static void put_ids(const sn_words *words, sn_buffer *ids)
{
    size_t in_place = 0;
    while (in_place < words->count && words->ids[in_place] == (int64_t)in_place)
        in_place++;
    for (size_t i = 0; in_place < words->count && i < words->count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%s%lld", i ? " " : "", (long long)words->ids[i]);
        sn_buffer_text(ids, number);
    }
}

sentiment_status sn_onnx_words_write(const sn_words *words, sn_buffer *text, sn_buffer *ids,
                                     sentiment_error *error)
{
    for (size_t i = 0; i < words->count; i++) {
        size_t size = (size_t)(words->offsets[i + 1] - words->offsets[i]);
        if (!put_word(words->bytes + words->offsets[i], size, text))
            return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                           "onnx: word %zu of the vocabulary is not UTF-8", i);
    }
    if (words->ids)
        put_ids(words, ids);
    return text->failed || ids->failed ? sn_fail_memory(error, "the vocabulary") : SENTIMENT_OK;
}

/* ---------------------------------------------------------------- reading */

/* Value of four hexadecimal digits, -1 if they are none. */
static int32_t hex_value(const uint8_t *digits)
{
    int32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        uint8_t c = digits[i];
        int32_t digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* UTF-8 of a code point below 0x10000, surrogates included; its length. */
static size_t put_code(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 63));
        return 2;
    }
    out[0] = (uint8_t)(0xe0 | code >> 12);
    out[1] = (uint8_t)(0x80 | (code >> 6 & 63));
    out[2] = (uint8_t)(0x80 | (code & 63));
    return 3;
}

/* Length of the escape at the start of `text`, with what it stands for in `out`;
 * 0 if it is none. */
static size_t take_escape(const uint8_t *text, size_t size, uint8_t *out, size_t *length)
{
    if (size >= 2 && text[1] == '\\') {
        out[0] = '\\';
        *length = 1;
        return 2;
    }
    if (size < ESCAPE_SIZE || text[1] != 'u' || hex_value(text + 2) < 0)
        return 0;
    *length = put_code((uint32_t)hex_value(text + 2), out);
    return ESCAPE_SIZE;
}

/* The words are never longer than their text, so that they fit into `out`. */
static sentiment_status take_words(const uint8_t *text, size_t size, sn_words *out,
                                   sentiment_error *error)
{
    size_t used = 0, line = 0;
    for (size_t at = 0; at < size;) {
        if (text[at] == '\n') {
            out->offsets[++line] = used;
            at++;
        } else if (text[at] == '\\') {
            size_t length = 0;
            size_t taken = take_escape(text + at, size - at, out->bytes + used, &length);
            if (!taken)
                return bad(error, "has a backslash that begins neither \\\\ nor \\uXXXX", line);
            at += taken;
            used += length;
        } else {
            out->bytes[used++] = text[at++];
        }
    }
    return SENTIMENT_OK;
}

/* Decimal numbers with one space between them. */
static sentiment_status take_ids(const char *text, sn_words *out, sentiment_error *error)
{
    for (size_t i = 0; i < out->count; i++) {
        int64_t value = 0;
        size_t digits = 0;
        for (; digits < 18 && *text >= '0' && *text <= '9'; digits++)
            value = value * 10 + (*text++ - '0');
        if (!digits || *text != (i + 1 < out->count ? ' ' : '\0'))
            return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                           "onnx: metadata 'vocabulary_ids': number %zu of %zu is missing, or "
                           "something else stands in its place",
                           i + 1, out->count);
        out->ids[i] = value;
        text += *text == ' ';
    }
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_words_read(const sn_memory *memory, const uint8_t *text, size_t size,
                                    const char *ids, sn_words *out, sentiment_error *error)
{
    sn_words words = {.vocab_size = -1};
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; i < size; i++)
        words.count += text[i] == '\n';
    if (size && text[size - 1] != '\n')
        return bad(error, "does not end in a line feed", words.count);
    words.bytes = sn_alloc(memory, size, 1);
    words.offsets = sn_alloc_zero(memory, words.count + 1, sizeof *words.offsets);
    words.ids = ids ? sn_alloc(memory, words.count, sizeof *words.ids) : NULL;
    if (!words.bytes || !words.offsets || (ids && !words.ids))
        status = sn_fail_memory(error, "the vocabulary");
    if (status == SENTIMENT_OK)
        status = take_words(text, size, &words, error);
    if (status == SENTIMENT_OK && ids)
        status = take_ids(ids, &words, error);
    if (status != SENTIMENT_OK)
        sn_words_free(memory, &words);
    else
        *out = words;
    return status;
}
