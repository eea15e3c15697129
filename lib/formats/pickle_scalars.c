/* SPDX-License-Identifier: Apache-2.0
 *
 * Opcodes of the pickle machine that make numbers and strings. Strings are
 * views of the file, but for escaped text lines of protocol 0. */
#include <string.h>

#include "formats/pickle_internal.h"

sentiment_status sn_pickle_op_int(sn_pickle *p, uint32_t width)
{
    uint64_t value = 0;
    sn_pickle_id id;
    sentiment_status status = sn_pickle_take_int(p, width, &value);
    if (!status)
        status = sn_pickle_make_push(p, SN_PICKLE_INT, &id);
    if (!status)
        p->nodes[id].value.integer = width == 4 ? (int32_t)(uint32_t)value : (int64_t)value;
    return status;
}

/* Whether two's complement bytes fit int64, and their value. */
static _Bool small_integer(const uint8_t *bytes, size_t size, int64_t *value)
{
    uint8_t sign = size && bytes[size - 1] & 0x80 ? 0xff : 0;
    uint64_t bits = sign ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++) {
        if (i >= 8 && bytes[i] != sign)
            return 0;
        if (i < 8) {
            bits &= ~((uint64_t)0xff << (8 * i));
            bits |= (uint64_t)bytes[i] << (8 * i);
        }
    }
    if (size > 8 && (bits >> 63 != 0) != (sign != 0))
        return 0;
    memcpy(value, &bits, sizeof *value);
    return 1;
}

/* LONG1 and LONG4. An integer of any length costs one node. */
sentiment_status sn_pickle_op_long(sn_pickle *p, uint32_t width)
{
    uint64_t size = 0;
    const uint8_t *bytes = NULL;
    sn_pickle_id id;
    int64_t value;
    sentiment_status status = sn_pickle_take_int(p, width, &size);
    if (!status)
        status = sn_pickle_take(p, size, &bytes);
    if (!status)
        status = sn_pickle_make_push(p, SN_PICKLE_BIG, &id);
    if (status)
        return status;
    sn_pickle_node *node = &p->nodes[id];
    if (small_integer(bytes, (size_t)size, &value)) {
        node->kind = SN_PICKLE_INT;
        node->value.integer = value;
    } else {
        node->value.data = bytes;
        node->size = (uint32_t)size;
    }
    return SENTIMENT_OK;
}

/* Reads [+-]digits. 1: *value; 0: does not fit int64; -1: no integer. */
static int parse_decimal(sn_name text, int64_t *value)
{
    size_t at = text.size && (text.data[0] == '-' || text.data[0] == '+');
    _Bool negative = at && text.data[0] == '-', fits = 1;
    uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + negative;
    if (at == text.size)
        return -1;
    for (; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9')
            return -1;
        uint64_t digit = (uint64_t)(text.data[at] - '0');
        if (magnitude > (limit - digit) / 10)
            fits = 0;
        else
            magnitude = magnitude * 10 + digit;
    }
    uint64_t bits = negative ? 0 - magnitude : magnitude;
    memcpy(value, &bits, sizeof *value);
    return fits;
}

static sentiment_status push_bool(sn_pickle *p, _Bool value)
{
    sn_pickle_id id;
    sentiment_status status = sn_pickle_make_push(p, SN_PICKLE_BOOL, &id);
    if (!status)
        p->nodes[id].value.integer = value;
    return status;
}

/* INT ("01" and "00" are booleans) and LONG (may end in L). */
sentiment_status sn_pickle_op_int_line(sn_pickle *p, uint32_t is_long)
{
    sn_name line;
    sn_pickle_id id;
    int64_t value = 0;
    sentiment_status status = sn_pickle_line(p, &line);
    if (status)
        return status;
    if (!is_long && (sn_name_is(line, "01") || sn_name_is(line, "00")))
        return push_bool(p, line.data[1] == '1');
    if (is_long && sn_name_ends(line, "L"))
        line.size--;
    int fits = parse_decimal(line, &value);
    if (fits < 0)
        return sn_pickle_fail(p, p->opcode_at, "a text integer that is no integer");
    status = sn_pickle_make_push(p, fits ? SN_PICKLE_INT : SN_PICKLE_BIG, &id);
    if (status)
        return status;
    if (fits)
        p->nodes[id].value.integer = value;
    else
        p->nodes[id].value.data = line.data;
    p->nodes[id].size = fits ? 0 : (uint32_t)line.size;
    return SENTIMENT_OK;
}

sentiment_status sn_pickle_line_index(sn_pickle *p, uint32_t *index)
{
    sn_name line;
    int64_t value;
    sentiment_status status = sn_pickle_line(p, &line);
    if (status)
        return status;
    if (parse_decimal(line, &value) != 1 || value < 0 || value > UINT32_MAX)
        return sn_pickle_fail(p, p->opcode_at, "a memo index that is not in 0...%u", UINT32_MAX);
    *index = (uint32_t)value;
    return SENTIMENT_OK;
}

/* Nothing that we read is a float; its value is not kept. */
sentiment_status sn_pickle_op_float(sn_pickle *p, uint32_t is_line)
{
    const uint8_t *bytes;
    sn_name line;
    sn_pickle_id id;
    sentiment_status status = is_line ? sn_pickle_line(p, &line) : sn_pickle_take(p, 8, &bytes);
    return status ? status : sn_pickle_make_push(p, SN_PICKLE_FLOAT, &id);
}

static sentiment_status push_view(sn_pickle *p, sn_pickle_kind kind, sn_name text)
{
    sn_pickle_id id;
    sentiment_status status = sn_pickle_make_push(p, kind, &id);
    if (status)
        return status;
    p->nodes[id].value.data = text.data;
    p->nodes[id].size = (uint32_t)text.size;
    return SENTIMENT_OK;
}

static sentiment_status check_text(sn_pickle *p, sn_name text)
{
    size_t bad = sn_name_utf8_check(text.data, text.size, 1);
    if (bad == text.size)
        return SENTIMENT_OK;
    return sn_pickle_fail(p, p->opcode_at, "a string that is not UTF-8 at its byte %zu", bad);
}

sentiment_status sn_pickle_make_text(sn_pickle *p, sn_name text, sn_pickle_id *id)
{
    sentiment_status status = check_text(p, text);
    if (!status)
        status = sn_pickle_make(p, SN_PICKLE_STRING, id);
    if (status)
        return status;
    p->nodes[*id].value.data = text.data;
    p->nodes[*id].size = (uint32_t)text.size;
    return SENTIMENT_OK;
}

static _Bool is_ascii(sn_name text)
{
    uint8_t all = 0;
    for (size_t i = 0; i < text.size; i++)
        all |= text.data[i];
    return all < 0x80;
}

/* BINUNICODE, BINBYTES, BINSTRING and their widths. Python 2's str is text
 * where Python 3 reads it as text: where it is ASCII. */
sentiment_status sn_pickle_op_string(sn_pickle *p, uint32_t length_and_kind)
{
    uint64_t size = 0;
    sn_name text = {NULL, 0};
    uint32_t kind = length_and_kind >> 8;
    sentiment_status status = sn_pickle_take_int(p, length_and_kind & 0xff, &size);
    if (!status)
        status = sn_pickle_take(p, size, &text.data);
    if (status)
        return status;
    text.size = (size_t)size;
    if (kind == SN_PICKLE_LEGACY_STR)
        kind = is_ascii(text) ? SN_PICKLE_STRING : SN_PICKLE_BYTES;
    else if (kind == SN_PICKLE_STRING)
        status = check_text(p, text);
    return status ? status : push_view(p, (sn_pickle_kind)kind, text);
}

/* STRING: a quoted str of Python 2. With escapes in it, it is kept raw as
 * bytes, so that it never passes for a word. */
sentiment_status sn_pickle_op_str_line(sn_pickle *p, uint32_t unused)
{
    sn_name line;
    (void)unused;
    sentiment_status status = sn_pickle_line(p, &line);
    if (status)
        return status;
    if (line.size < 2 || (line.data[0] != '\'' && line.data[0] != '"') ||
        line.data[line.size - 1] != line.data[0])
        return sn_pickle_fail(p, p->opcode_at, "a string without its quotes");
    sn_name text = {line.data + 1, line.size - 2};
    _Bool plain = is_ascii(text) && (text.size == 0 || !memchr(text.data, '\\', text.size));
    return push_view(p, plain ? SN_PICKLE_STRING : SN_PICKLE_BYTES, text);
}

static size_t put_utf8(uint8_t *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    size_t tails = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (uint8_t)(leads[tails] | code >> (6 * tails));
    for (size_t i = 1; i <= tails; i++)
        out[i] = (uint8_t)(0x80 | (code >> (6 * (tails - i)) & 0x3f));
    return tails + 1;
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* One character of Python's raw-unicode-escape: \uXXXX, \UXXXXXXXX, or a byte
 * of Latin-1. Returns bytes consumed, 0 on a bad escape. */
static size_t raw_character(const uint8_t *text, size_t left, uint32_t *code)
{
    *code = text[0];
    if (text[0] != '\\' || left < 2 || (text[1] != 'u' && text[1] != 'U'))
        return 1;
    size_t digits = text[1] == 'u' ? 4 : 8;
    if (left < 2 + digits)
        return 0;
    uint32_t value = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = hex_digit(text[2 + i]);
        if (digit < 0)
            return 0;
        value = value << 4 | (uint32_t)digit;
    }
    *code = value;
    return value > 0x10ffff ? 0 : 2 + digits;
}

/* A decoded line is at most twice as long as the line: room for all that is
 * left, taken once, holds every later line as well. */
static sentiment_status reserve_text(sn_pickle *p, size_t line_size)
{
    if (p->text)
        return SENTIMENT_OK;
    p->text = sn_alloc(p->memory, line_size + sn_cursor_left(&p->in), 2);
    return p->text ? SENTIMENT_OK : sn_fail_memory(p->error, p->entry);
}

sentiment_status sn_pickle_op_unicode_line(sn_pickle *p, uint32_t unused)
{
    sn_name line;
    (void)unused;
    sentiment_status status = sn_pickle_line(p, &line);
    if (!status)
        status = reserve_text(p, line.size);
    if (status)
        return status;
    uint8_t *out = p->text + p->text_used;
    size_t size = 0, at = 0;
    while (at < line.size) {
        uint32_t code;
        size_t used = raw_character(line.data + at, line.size - at, &code);
        if (used == 0)
            return sn_pickle_fail(p, p->opcode_at, "a bad escape at byte %zu of a string", at);
        size += put_utf8(out + size, code);
        at += used;
        /* A backslash that starts no escape takes the next byte with it. */
        if (used == 1 && code == '\\' && at < line.size)
            size += put_utf8(out + size, line.data[at++]);
    }
    p->text_used += size;
    return push_view(p, SN_PICKLE_STRING, (sn_name){out, size});
}
