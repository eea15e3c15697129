/* SPDX-License-Identifier: Apache-2.0
 *
 * Opcodes of the pickle machine that move the stack, fill the memo and make
 * containers, and the table of all opcodes. */
#include "formats/pickle_internal.h"

/* ----------------------------------------------------- stack, memo, frames */

static sentiment_status op_proto(sn_pickle *p, uint32_t highest)
{
    uint64_t protocol = 0;
    sentiment_status status = sn_pickle_take_int(p, 1, &protocol);
    if (!status && protocol > highest)
        status = sn_pickle_fail(p, p->opcode_at, "pickle protocol %u, expected 0 to %u",
                                (unsigned)protocol, highest);
    return status;
}

static sentiment_status op_frame(sn_pickle *p, uint32_t width)
{
    uint64_t size = 0;
    sentiment_status status = sn_pickle_take_int(p, width, &size);
    if (!status && size > sn_cursor_left(&p->in))
        status = sn_pickle_fail(p, p->opcode_at, "a frame of %llu bytes where %zu are left",
                                (unsigned long long)size, sn_cursor_left(&p->in));
    return status;
}

static sentiment_status op_mark(sn_pickle *p, uint32_t unused)
{
    (void)unused;
    return sn_pickle_mark(p);
}

static sentiment_status op_pop(sn_pickle *p, uint32_t unused)
{
    sn_pickle_id id;
    (void)unused;
    if (p->mark_count && p->marks[p->mark_count - 1] == p->stack_count) {
        p->mark_count--;
        return SENTIMENT_OK;
    }
    return sn_pickle_pop(p, &id);
}

static sentiment_status op_pop_mark(sn_pickle *p, uint32_t unused)
{
    const sn_pickle_id *ids;
    size_t count;
    (void)unused;
    return sn_pickle_pop_mark(p, &ids, &count);
}

static sentiment_status op_dup(sn_pickle *p, uint32_t unused)
{
    sn_pickle_id id;
    (void)unused;
    sentiment_status status = sn_pickle_top(p, &id);
    return status ? status : sn_pickle_push(p, id);
}

/* PUT, BINPUT and MEMOIZE; width 0 is the text form. */
static sentiment_status op_put(sn_pickle *p, uint32_t width)
{
    uint64_t value = 0;
    uint32_t index = 0;
    sn_pickle_id id = 0;
    sentiment_status status =
        width ? sn_pickle_take_int(p, width, &value) : sn_pickle_line_index(p, &index);
    if (!status)
        status = sn_pickle_top(p, &id);
    return status ? status : sn_pickle_memo_put(p, width ? (uint32_t)value : index, id);
}

static sentiment_status op_memoize(sn_pickle *p, uint32_t unused)
{
    sn_pickle_id id = 0;
    (void)unused;
    sentiment_status status = sn_pickle_top(p, &id);
    return status ? status : sn_pickle_memo_put(p, (uint32_t)p->memo_count, id);
}

static sentiment_status op_get(sn_pickle *p, uint32_t width)
{
    uint64_t value = 0;
    uint32_t index = 0;
    sentiment_status status =
        width ? sn_pickle_take_int(p, width, &value) : sn_pickle_line_index(p, &index);
    if (status)
        return status;
    index = width ? (uint32_t)value : index;
    sn_pickle_id id = sn_pickle_memo_get(p, index);
    if (!id)
        return sn_pickle_fail(p, p->opcode_at, "memo entry %u was never set", index);
    return sn_pickle_push(p, id);
}

static sentiment_status op_refused(sn_pickle *p, uint32_t is_buffer)
{
    return sn_pickle_fail(p, p->opcode_at, "%s, which live outside the file, are not supported",
                          is_buffer ? "out-of-band buffers" : "extension codes");
}

/* --------------------------------------------------------------- containers */

static sentiment_status op_leaf(sn_pickle *p, uint32_t kind)
{
    sn_pickle_id id;
    return sn_pickle_make_push(p, (sn_pickle_kind)kind, &id);
}

static sentiment_status op_bool(sn_pickle *p, uint32_t value)
{
    sn_pickle_id id;
    sentiment_status status = sn_pickle_make_push(p, SN_PICKLE_BOOL, &id);
    if (!status)
        p->nodes[id].value.integer = value;
    return status;
}

sentiment_status sn_pickle_make_tuple(sn_pickle *p, const sn_pickle_id *ids, size_t count,
                                      sn_pickle_id *tuple)
{
    uint32_t start = 0;
    sentiment_status status = sn_pickle_make(p, SN_PICKLE_TUPLE, tuple);
    for (size_t i = 0; i < count && !status; i++)
        status = sn_pickle_nest(p, *tuple, ids[i]);
    if (!status)
        status = sn_pickle_store(p, ids, count, &start);
    if (status)
        return status;
    p->nodes[*tuple].a = start;
    p->nodes[*tuple].size = (uint32_t)count;
    return SENTIMENT_OK;
}

static sentiment_status op_tuple(sn_pickle *p, uint32_t count)
{
    sn_pickle_id ids[3] = {0}, tuple = 0;
    sentiment_status status = SENTIMENT_OK;
    for (uint32_t i = count; i-- > 0 && !status;)
        status = sn_pickle_pop(p, &ids[i]);
    if (!status)
        status = sn_pickle_make_tuple(p, ids, count, &tuple);
    return status ? status : sn_pickle_push(p, tuple);
}

static sentiment_status op_tuple_mark(sn_pickle *p, uint32_t unused)
{
    const sn_pickle_id *ids;
    size_t count;
    sn_pickle_id tuple = 0;
    (void)unused;
    sentiment_status status = sn_pickle_pop_mark(p, &ids, &count);
    if (!status)
        status = sn_pickle_make_tuple(p, ids, count, &tuple);
    return status ? status : sn_pickle_push(p, tuple);
}

static sentiment_status expect_pairs(sn_pickle *p, size_t count)
{
    if (count % 2 == 0)
        return SENTIMENT_OK;
    return sn_pickle_fail(p, p->opcode_at, "%zu items where keys and values come in pairs",
                          count);
}

/* LIST, DICT and FROZENSET: a container of what stands above the mark. */
static sentiment_status op_collect(sn_pickle *p, uint32_t kind)
{
    const sn_pickle_id *ids;
    size_t count;
    sn_pickle_id id = 0;
    sentiment_status status = sn_pickle_pop_mark(p, &ids, &count);
    if (!status && kind == SN_PICKLE_DICT)
        status = expect_pairs(p, count);
    if (!status)
        status = sn_pickle_make(p, (sn_pickle_kind)kind, &id);
    if (!status)
        status = sn_pickle_extend(p, id, ids, count, kind == SN_PICKLE_DICT);
    return status ? status : sn_pickle_push(p, id);
}

/* Fails unless the target takes items of this sort of container. */
static sentiment_status expect_container(sn_pickle *p, sn_pickle_id target, sn_pickle_kind kind)
{
    const sn_pickle_node *node = &p->nodes[target];
    _Bool fits = node->kind == kind;
    if (!fits && (node->kind == SN_PICKLE_CALL || node->kind == SN_PICKLE_OBJECT))
        fits = !p->policy->globals ||
               (kind == SN_PICKLE_DICT && sn_pickle_is_listed_mapping(p, node));
    if (fits)
        return SENTIMENT_OK;
    return sn_pickle_fail(p, p->opcode_at, "items for %s, which holds none of this sort",
                          sn_pickle_kind_name(p, target));
}

/* APPEND, SETITEM: one item, or one key and value. */
static sentiment_status op_add(sn_pickle *p, uint32_t kind)
{
    sn_pickle_id ids[2] = {0}, target = 0;
    size_t count = kind == SN_PICKLE_DICT ? 2 : 1;
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = count; i-- > 0 && !status;)
        status = sn_pickle_pop(p, &ids[i]);
    if (!status)
        status = sn_pickle_top(p, &target);
    if (!status)
        status = expect_container(p, target, (sn_pickle_kind)kind);
    return status ? status
                  : sn_pickle_extend(p, target, ids, count, kind == SN_PICKLE_DICT);
}

/* APPENDS, SETITEMS, ADDITEMS: everything above the mark. */
static sentiment_status op_add_all(sn_pickle *p, uint32_t kind)
{
    const sn_pickle_id *ids;
    size_t count;
    sn_pickle_id target = 0;
    sentiment_status status = sn_pickle_pop_mark(p, &ids, &count);
    if (!status && kind == SN_PICKLE_DICT)
        status = expect_pairs(p, count);
    if (!status)
        status = sn_pickle_top(p, &target);
    if (!status)
        status = expect_container(p, target, (sn_pickle_kind)kind);
    return status ? status
                  : sn_pickle_extend(p, target, ids, count, kind == SN_PICKLE_DICT);
}

#define TEXT(width) SN_PICKLE_LENGTH(width, SN_PICKLE_STRING)
#define BYTES(width) SN_PICKLE_LENGTH(width, SN_PICKLE_BYTES)
#define STR(width) SN_PICKLE_LENGTH(width, SN_PICKLE_LEGACY_STR)

const sn_pickle_opcode sn_pickle_opcodes[256] = {
    ['('] = {op_mark, 0},
    ['0'] = {op_pop, 0},
    ['1'] = {op_pop_mark, 0},
    ['2'] = {op_dup, 0},
    ['F'] = {sn_pickle_op_float, 1},
    ['G'] = {sn_pickle_op_float, 0},
    ['I'] = {sn_pickle_op_int_line, 0},
    ['L'] = {sn_pickle_op_int_line, 1},
    ['K'] = {sn_pickle_op_int, 1},
    ['M'] = {sn_pickle_op_int, 2},
    ['J'] = {sn_pickle_op_int, 4},
    [0x8a] = {sn_pickle_op_long, 1},
    [0x8b] = {sn_pickle_op_long, 4},
    ['N'] = {op_leaf, SN_PICKLE_NONE},
    [0x88] = {op_bool, 1},
    [0x89] = {op_bool, 0},
    ['S'] = {sn_pickle_op_str_line, 0},
    ['T'] = {sn_pickle_op_string, STR(4)},
    ['U'] = {sn_pickle_op_string, STR(1)},
    ['V'] = {sn_pickle_op_unicode_line, 0},
    ['X'] = {sn_pickle_op_string, TEXT(4)},
    [0x8c] = {sn_pickle_op_string, TEXT(1)},
    [0x8d] = {sn_pickle_op_string, TEXT(8)},
    ['B'] = {sn_pickle_op_string, BYTES(4)},
    ['C'] = {sn_pickle_op_string, BYTES(1)},
    [0x8e] = {sn_pickle_op_string, BYTES(8)},
    [0x96] = {sn_pickle_op_string, BYTES(8)},
    [')'] = {op_leaf, SN_PICKLE_TUPLE},
    [']'] = {op_leaf, SN_PICKLE_LIST},
    ['}'] = {op_leaf, SN_PICKLE_DICT},
    [0x8f] = {op_leaf, SN_PICKLE_SET},
    ['t'] = {op_tuple_mark, 0},
    [0x85] = {op_tuple, 1},
    [0x86] = {op_tuple, 2},
    [0x87] = {op_tuple, 3},
    ['l'] = {op_collect, SN_PICKLE_LIST},
    ['d'] = {op_collect, SN_PICKLE_DICT},
    [0x91] = {op_collect, SN_PICKLE_SET},
    ['a'] = {op_add, SN_PICKLE_LIST},
    ['e'] = {op_add_all, SN_PICKLE_LIST},
    ['s'] = {op_add, SN_PICKLE_DICT},
    ['u'] = {op_add_all, SN_PICKLE_DICT},
    [0x90] = {op_add_all, SN_PICKLE_SET},
    ['c'] = {sn_pickle_op_global, 0},
    [0x93] = {sn_pickle_op_stack_global, 0},
    ['R'] = {sn_pickle_op_call, SN_PICKLE_CALL},
    [0x81] = {sn_pickle_op_call, SN_PICKLE_OBJECT},
    [0x92] = {sn_pickle_op_newobj_ex, SN_PICKLE_OBJECT},
    ['i'] = {sn_pickle_op_inst, 0},
    ['o'] = {sn_pickle_op_obj, 0},
    ['b'] = {sn_pickle_op_build, 0},
    ['P'] = {sn_pickle_op_persistent, 1},
    ['Q'] = {sn_pickle_op_persistent, 0},
    ['p'] = {op_put, 0},
    ['q'] = {op_put, 1},
    ['r'] = {op_put, 4},
    [0x94] = {op_memoize, 0},
    ['g'] = {op_get, 0},
    ['h'] = {op_get, 1},
    ['j'] = {op_get, 4},
    [0x80] = {op_proto, 5},
    [0x95] = {op_frame, 8},
    [0x82] = {op_refused, 0},
    [0x83] = {op_refused, 0},
    [0x84] = {op_refused, 0},
    [0x97] = {op_refused, 1},
    [0x98] = {op_refused, 1},
};
