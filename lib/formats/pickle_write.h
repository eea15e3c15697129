/* SPDX-License-Identifier: Apache-2.0
 *
 * Pickle opcodes of protocol 2, for the two pickles that we write. Failed
 * appends show in the buffer. */
#ifndef SN_FORMATS_PICKLE_WRITE_H
#define SN_FORMATS_PICKLE_WRITE_H

#include "base/buffer.h"

/* One opcode without argument, such as "}" or "R". */
void sn_pickle_put(sn_buffer *out, const char *opcodes);
/* A str: UTF-8 in which lone surrogates are three bytes. At most 2^32-1 bytes. */
void sn_pickle_put_string(sn_buffer *out, const void *data, size_t size);
void sn_pickle_put_text(sn_buffer *out, const char *text);
void sn_pickle_put_int(sn_buffer *out, int64_t value);
void sn_pickle_put_global(sn_buffer *out, const char *module, const char *name);
/* Remembers the top of the stack; recalls it. */
void sn_pickle_put_memo(sn_buffer *out, uint8_t slot);
void sn_pickle_put_recall(sn_buffer *out, uint8_t slot);

#endif
