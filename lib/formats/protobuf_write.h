/* SPDX-License-Identifier: Apache-2.0
 *
 * Appends protobuf fields to a buffer. The order of the fields is the
 * caller's, so that the same calls give the same bytes. */
#ifndef SN_FORMATS_PROTOBUF_WRITE_H
#define SN_FORMATS_PROTOBUF_WRITE_H

#include "base/buffer.h"

void sn_proto_put_varint(sn_buffer *buffer, uint64_t value);
/* A number as VARINT. */
void sn_proto_put_number(sn_buffer *buffer, uint32_t field, uint64_t value);
/* A float as FIXED32. */
void sn_proto_put_float(sn_buffer *buffer, uint32_t field, float value);
/* Tag and length of BYTES; the content is appended behind. */
void sn_proto_put_head(sn_buffer *buffer, uint32_t field, uint64_t size);
void sn_proto_put_bytes(sn_buffer *buffer, uint32_t field, const void *data, size_t size);
void sn_proto_put_text(sn_buffer *buffer, uint32_t field, const char *text);
/* The content of `inner` as a message, which is emptied; its failure is passed on. */
void sn_proto_put_message(sn_buffer *buffer, uint32_t field, sn_buffer *inner);

#endif
