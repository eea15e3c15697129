/* SPDX-License-Identifier: Apache-2.0
 *
 * A walk over the fields of a protobuf message, with no schema beyond a table
 * of the fields that somebody wants. A message is a stretch of the file; those
 * inside it are only entered by whoever asks, so that nesting costs nothing.
 * Stricter than protobuf itself where two parsers could disagree: a singular
 * field that stands twice is refused, and so are groups. */
#ifndef SN_FORMATS_PROTOBUF_H
#define SN_FORMATS_PROTOBUF_H

#include "base/cursor.h"
#include "base/status.h"

/* How a field is laid out; the first four are the wire types. */
typedef enum sn_proto_wire {
    SN_PROTO_VARINT = 0,
    SN_PROTO_FIXED64 = 1,
    SN_PROTO_BYTES = 2,
    SN_PROTO_FIXED32 = 5
} sn_proto_wire;

/* One field of a message that is wanted. Numbers are below 64. */
typedef struct sn_proto_spec {
    uint8_t number; /* 0 ends a table */
    uint8_t wire;   /* of one value; repeated numbers may also come packed, as BYTES */
    _Bool repeated;
} sn_proto_spec;

/* A message being read. Positions count from the start of the file. */
typedef struct sn_proto {
    sn_cursor cursor; /* over the file, up to the message's end */
    const sn_proto_spec *specs;
    const char *what; /* names the message in errors, such as "node" */
    uint64_t seen;    /* bit n: field n has been there */
} sn_proto;

typedef struct sn_proto_field {
    uint32_t number;
    uint32_t wire;
    size_t offset;   /* of the field in the file */
    uint64_t value;  /* VARINT, FIXED64, FIXED32 */
    sn_cursor bytes; /* BYTES: over the file, from the first byte to the end */
} sn_proto_field;

/* 1: *out is the next wanted field, of the right wire type; 0: the end;
 * negative: the status that was reported. Unknown fields are passed over. */
int sn_proto_next(sn_proto *message, sn_proto_field *out, sentiment_error *error);

/* The next value of a repeated number whose field is `field`, be it packed or
 * not; zero *state before the first. Returns as sn_proto_next. */
int sn_proto_next_value(sn_proto_field *field, uint8_t wire, _Bool *state, uint64_t *out,
                        sentiment_error *error);

/* First byte and length of a BYTES field's content. */
static inline const uint8_t *sn_proto_data(const sn_proto_field *field, size_t *size)
{
    *size = sn_cursor_left(&field->bytes);
    return field->bytes.data + field->bytes.position;
}

/* The message inside a BYTES field. */
static inline sn_proto sn_proto_enter(const sn_proto_field *field, const sn_proto_spec *specs,
                                      const char *what)
{
    return (sn_proto){.cursor = field->bytes, .specs = specs, .what = what};
}

#endif
