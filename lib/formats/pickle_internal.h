/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the pickle machine share: the arena, the stack and the
 * memo. Each function checks its limits and reports at the current opcode. */
#ifndef SN_FORMATS_PICKLE_INTERNAL_H
#define SN_FORMATS_PICKLE_INTERNAL_H

#include "formats/pickle.h"

typedef sentiment_status (*sn_pickle_opcode_fn)(sn_pickle *p, uint32_t argument);

/* What an opcode does. `run` is NULL where there is no such opcode. */
typedef struct sn_pickle_opcode {
    sn_pickle_opcode_fn run;
    uint32_t argument;
} sn_pickle_opcode;

extern const sn_pickle_opcode sn_pickle_opcodes[256];

/* A string opcode's argument: width of the length, kind, Python 2's str. */
#define SN_PICKLE_LENGTH(width, kind) ((uint32_t)(width) | (uint32_t)(kind) << 8)
#define SN_PICKLE_LEGACY_STR SN_PICKLE_KINDS

/* A new node of the current opcode, not on the stack. */
sentiment_status sn_pickle_make(sn_pickle *p, sn_pickle_kind kind, sn_pickle_id *id);
/* The same, pushed. */
sentiment_status sn_pickle_make_push(sn_pickle *p, sn_pickle_kind kind, sn_pickle_id *id);
sentiment_status sn_pickle_push(sn_pickle *p, sn_pickle_id id);
/* Pops, but never what stands below the last mark. */
sentiment_status sn_pickle_pop(sn_pickle *p, sn_pickle_id *id);
/* The top of the stack, left there. */
sentiment_status sn_pickle_top(sn_pickle *p, sn_pickle_id *id);
sentiment_status sn_pickle_mark(sn_pickle *p);
/* Pops everything above the last mark, and the mark. The ids stay readable
 * until the next push. */
sentiment_status sn_pickle_pop_mark(sn_pickle *p, const sn_pickle_id **ids, size_t *count);

/* Appends ids to the pool of items. */
sentiment_status sn_pickle_store(sn_pickle *p, const sn_pickle_id *ids, size_t count,
                                 uint32_t *start);
/* Adds items (or pairs) to a container. */
sentiment_status sn_pickle_extend(sn_pickle *p, sn_pickle_id target, const sn_pickle_id *ids,
                                  size_t count, _Bool pairs);
/* Records that `child` is inside `parent`. */
sentiment_status sn_pickle_nest(sn_pickle *p, sn_pickle_id parent, sn_pickle_id child);

sentiment_status sn_pickle_memo_put(sn_pickle *p, uint32_t key, sn_pickle_id id);
/* 0 if there is no such entry. */
sn_pickle_id sn_pickle_memo_get(const sn_pickle *p, uint32_t key);

/* The next bytes, or a failure that tells how many are left. */
sentiment_status sn_pickle_take(sn_pickle *p, uint64_t size, const uint8_t **bytes);
sentiment_status sn_pickle_take_int(sn_pickle *p, size_t width, uint64_t *value);
/* The next line, without its end. */
sentiment_status sn_pickle_line(sn_pickle *p, sn_name *line);

/* Opcodes of pickle_scalars.c. */
sentiment_status sn_pickle_op_int(sn_pickle *p, uint32_t width);
sentiment_status sn_pickle_op_long(sn_pickle *p, uint32_t width);
sentiment_status sn_pickle_op_int_line(sn_pickle *p, uint32_t is_long);
sentiment_status sn_pickle_op_float(sn_pickle *p, uint32_t is_line);
sentiment_status sn_pickle_op_string(sn_pickle *p, uint32_t length_and_kind);
sentiment_status sn_pickle_op_unicode_line(sn_pickle *p, uint32_t unused);
sentiment_status sn_pickle_op_str_line(sn_pickle *p, uint32_t unused);
/* A memo index in decimal. */
sentiment_status sn_pickle_line_index(sn_pickle *p, uint32_t *index);
/* A tuple, not on the stack. */
sentiment_status sn_pickle_make_tuple(sn_pickle *p, const sn_pickle_id *ids, size_t count,
                                      sn_pickle_id *tuple);
/* A node of text; checks that it is UTF-8. */
sentiment_status sn_pickle_make_text(sn_pickle *p, sn_name text, sn_pickle_id *id);

/* Opcodes of pickle_objects.c. */
sentiment_status sn_pickle_op_global(sn_pickle *p, uint32_t unused);
sentiment_status sn_pickle_op_stack_global(sn_pickle *p, uint32_t unused);
sentiment_status sn_pickle_op_call(sn_pickle *p, uint32_t kind);
sentiment_status sn_pickle_op_newobj_ex(sn_pickle *p, uint32_t kind);
sentiment_status sn_pickle_op_inst(sn_pickle *p, uint32_t unused);
sentiment_status sn_pickle_op_obj(sn_pickle *p, uint32_t unused);
sentiment_status sn_pickle_op_build(sn_pickle *p, uint32_t unused);
sentiment_status sn_pickle_op_persistent(sn_pickle *p, uint32_t is_line);
/* Whether the node is a call of a dict class of a policy that lists globals. */
_Bool sn_pickle_is_listed_mapping(const sn_pickle *p, const sn_pickle_node *node);

#endif
