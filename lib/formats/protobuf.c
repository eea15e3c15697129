/* SPDX-License-Identifier: Apache-2.0
 *
 * See protobuf.h. The encoding is that of protobuf.dev/programming-guides/encoding:
 * tags of field number and wire type, varints of at most ten bytes, lengths
 * held against what is left of the message before anything is done with them. */
#include "formats/protobuf.h"

#include <stdarg.h>
#include <stdio.h>

#define VARINT_BYTES 10
#define MAX_FIELD_NUMBER 536870911u

SN_PRINTF(3, 4)
static int bad(sentiment_error *error, size_t offset, const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, offset, "protobuf: %s", text);
}

/* False if the number is cut off, or needs more than 64 bits. */
static _Bool take_varint(sn_cursor *cursor, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < VARINT_BYTES; i++) {
        const uint8_t *byte = sn_take(cursor, 1);
        if (!byte || (i == VARINT_BYTES - 1 && *byte > 1))
            return 0;
        value |= (uint64_t)(*byte & 0x7f) << (7 * i);
        if (*byte < 0x80) {
            *out = value;
            return 1;
        }
    }
    return 0;
}

/* A number of this wire type; false if it is cut off. */
static _Bool take_number(sn_cursor *cursor, uint32_t wire, uint64_t *out)
{
    if (wire == SN_PROTO_VARINT)
        return take_varint(cursor, out);
    return sn_take_le(cursor, wire == SN_PROTO_FIXED64 ? 8 : 4, out);
}

/* Tag and content of the field that comes next. */
static int take_field(sn_proto *message, sn_proto_field *out, sentiment_error *error)
{
    sn_cursor *cursor = &message->cursor;
    size_t offset = cursor->position;
    uint64_t tag, size;
    *out = (sn_proto_field){.offset = offset};
    if (!take_varint(cursor, &tag) || tag >> 3 == 0 || tag >> 3 > MAX_FIELD_NUMBER)
        return bad(error, offset, "no field begins here in a message '%s'", message->what);
    out->number = (uint32_t)(tag >> 3);
    out->wire = (uint32_t)(tag & 7);
    switch (out->wire) {
    case SN_PROTO_VARINT:
    case SN_PROTO_FIXED64:
    case SN_PROTO_FIXED32:
        if (!take_number(cursor, out->wire, &out->value))
            return bad(error, offset, "field %u of '%s' holds no number", out->number,
                       message->what);
        return 1;
    case SN_PROTO_BYTES:
        if (!take_varint(cursor, &size) || size > sn_cursor_left(cursor))
            return bad(error, offset, "field %u of '%s' is longer than the message around it",
                       out->number, message->what);
        out->bytes = (sn_cursor){cursor->data, cursor->position + (size_t)size, cursor->position};
        cursor->position += (size_t)size;
        return 1;
    default:
        return bad(error, offset, "field %u of '%s' has the unsupported wire type %u",
                   out->number, message->what, out->wire);
    }
}

static const sn_proto_spec *find_spec(const sn_proto *message, uint32_t number)
{
    for (const sn_proto_spec *spec = message->specs; spec->number; spec++)
        if (spec->number == number)
            return spec;
    return NULL;
}

int sn_proto_next(sn_proto *message, sn_proto_field *out, sentiment_error *error)
{
    while (sn_cursor_left(&message->cursor)) {
        int taken = take_field(message, out, error);
        if (taken < 0)
            return taken;
        const sn_proto_spec *spec = find_spec(message, out->number);
        if (!spec)
            continue;
        _Bool packed = spec->repeated && out->wire == SN_PROTO_BYTES;
        if (out->wire != spec->wire && !packed)
            return bad(error, out->offset, "field %u of '%s' has wire type %u, expected %u",
                       out->number, message->what, out->wire, spec->wire);
        uint64_t bit = (uint64_t)1 << spec->number;
        if (!spec->repeated && message->seen & bit)
            return bad(error, out->offset, "field %u of '%s' stands twice", out->number,
                       message->what);
        message->seen |= bit;
        return 1;
    }
    return 0;
}

int sn_proto_next_value(sn_proto_field *field, uint8_t wire, _Bool *state, uint64_t *out,
                        sentiment_error *error)
{
    if (field->wire != SN_PROTO_BYTES) {
        if (*state)
            return 0;
        *state = 1;
        *out = field->value;
        return 1;
    }
    if (!sn_cursor_left(&field->bytes))
        return 0;
    if (!take_number(&field->bytes, wire, out))
        return bad(error, field->bytes.position, "field %u ends inside a number", field->number);
    return 1;
}
