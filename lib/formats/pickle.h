/* SPDX-License-Identifier: Apache-2.0
 *
 * The pickle machine: protocols 0 to 5 read as inert data. Nothing is imported
 * or called: a global is a pair of names, a call is a node with a callable and
 * arguments. Values are nodes of one arena and refer to each other by number,
 * so that a shared value is stored once, a cycle is harmless and nothing
 * recurses. Memory is linear in the size of the pickle. */
#ifndef SN_FORMATS_PICKLE_H
#define SN_FORMATS_PICKLE_H

#include "base/cursor.h"
#include "base/memory.h"
#include "base/status.h"
#include "formats/names.h"

/* Limits. What real files need is far below each. */
#define SN_PICKLE_MAX_BYTES (1u << 29)
#define SN_PICKLE_MAX_NODES (1u << 25)
#define SN_PICKLE_MAX_MEMO (1u << 24)
#define SN_PICKLE_MAX_STACK (1u << 21)
#define SN_PICKLE_MAX_MARKS 256
#define SN_PICKLE_MAX_DEPTH 64

typedef enum sn_pickle_kind {
    SN_PICKLE_NOTHING, /* node 0 only */
    SN_PICKLE_NONE,
    SN_PICKLE_BOOL,
    SN_PICKLE_INT,        /* fits int64 */
    SN_PICKLE_BIG,        /* does not: two's complement bytes, or decimal text */
    SN_PICKLE_FLOAT,      /* value not kept */
    SN_PICKLE_STRING,     /* UTF-8 with surrogates */
    SN_PICKLE_BYTES,
    SN_PICKLE_TUPLE,
    SN_PICKLE_LIST,
    SN_PICKLE_DICT,
    SN_PICKLE_SET,
    SN_PICKLE_GLOBAL,     /* a: module, b: name */
    SN_PICKLE_CALL,       /* REDUCE; a: callable, b: arguments */
    SN_PICKLE_OBJECT,     /* NEWOBJ, INST, OBJ; a: class, b: arguments */
    SN_PICKLE_PERSISTENT, /* a: persistent id */
    SN_PICKLE_KINDS
} sn_pickle_kind;

/* Number of a node. 0: none. */
typedef uint32_t sn_pickle_id;

typedef struct sn_pickle_node {
    uint8_t kind;
    uint8_t role;   /* of a global, from the policy */
    uint16_t depth; /* of nesting below, 1 for a leaf */
    uint32_t at;    /* offset of the opcode that made it */
    uint32_t size;  /* bytes of text; items of a tuple */
    uint32_t first_run, last_run; /* what was appended, added or set */
    sn_pickle_id a, b;            /* see the kinds; a tuple's first item in `items` */
    sn_pickle_id state;           /* BUILD */
    union {
        int64_t integer;
        const uint8_t *data;
    } value;
} sn_pickle_node;

/* Items (or key, value, key, value...) that were added in one go. */
typedef struct sn_pickle_run {
    uint32_t start, count, next;
    _Bool pairs;
} sn_pickle_run;

/* What a global may be used for under a policy that lists them. */
typedef enum sn_pickle_role {
    SN_PICKLE_INERT,    /* a name that nothing is done with */
    SN_PICKLE_FUNCTION, /* may be called */
    SN_PICKLE_MAPPING,  /* may be called, gets items and state */
    SN_PICKLE_CLASS     /* may be called or made, gets a state */
} sn_pickle_role;

typedef struct sn_pickle_global {
    const char *module;
    const char *name;
    sn_pickle_role role;
} sn_pickle_global;

struct sn_pickle;

typedef struct sn_pickle_policy {
    /* Globals that may occur, and no other. NULL: every global, as inert data. */
    const sn_pickle_global *globals;
    size_t global_count;
    /* Besides: every name in this module and in those below it is a class. NULL: none. */
    const char *classes;
    _Bool persistent; /* persistent ids may occur */
    /* What to say behind "is not allowed"; may change the code from BAD_MODEL. */
    const char *(*advice)(const struct sn_pickle *pickle, sn_name module, sn_name name,
                          sentiment_status *code);
} sn_pickle_policy;

typedef struct sn_pickle_memo {
    uint32_t key;
    sn_pickle_id id; /* 0: free slot */
} sn_pickle_memo;

typedef struct sn_pickle {
    const sn_memory *memory;
    const sn_pickle_policy *policy;
    sentiment_error *error;
    const char *entry; /* for messages, such as "data.pkl" */
    uint64_t base;     /* offset of the pickle in its file, for error->offset */
    sn_cursor in;      /* after parsing: behind STOP */
    size_t opcode_at;
    sn_pickle_node *nodes;
    size_t node_count, node_capacity;
    sn_pickle_id *items;
    size_t item_count, item_capacity;
    sn_pickle_run *runs;
    size_t run_count, run_capacity;
    sn_pickle_memo *memo;
    size_t memo_count, memo_capacity;
    sn_pickle_id *stack;
    size_t stack_count, stack_capacity;
    uint32_t marks[SN_PICKLE_MAX_MARKS];
    size_t mark_count;
    uint8_t *text; /* decoded text of protocol 0 */
    size_t text_used;
    sn_pickle_id root;
} sn_pickle;

/* Reads one pickle from the start of `data` up to its STOP. `data`, `entry`,
 * `memory` and `policy` must outlive the machine. On failure the machine is
 * left freed. */
sentiment_status sn_pickle_read(sn_pickle *pickle, const uint8_t *data, size_t size,
                                const char *entry, uint64_t base,
                                const sn_pickle_policy *policy, const sn_memory *memory,
                                sentiment_error *error);
void sn_pickle_free(sn_pickle *pickle);

/* Bytes of the pickle just read, STOP included. */
size_t sn_pickle_used(const sn_pickle *pickle);
/* BAD_MODEL if anything stands behind STOP. */
sentiment_status sn_pickle_expect_end(const sn_pickle *pickle);

/* sn_fail with "entry: byte N: " before the message. */
SN_PRINTF(4, 5)
sentiment_status sn_pickle_fail_as(const sn_pickle *pickle, sentiment_status code, uint64_t at,
                                   const char *format, ...);
/* The same with BAD_MODEL. */
SN_PRINTF(3, 4)
sentiment_status sn_pickle_fail(const sn_pickle *pickle, uint64_t at, const char *format, ...);

/* ------------------------------------------------ reading what was read */

const sn_pickle_node *sn_pickle_get(const sn_pickle *pickle, sn_pickle_id id);
/* "a dict", "an integer", ... */
const char *sn_pickle_kind_name(const sn_pickle *pickle, sn_pickle_id id);
/* Bytes of a string; {NULL, 0} for anything else. */
sn_name sn_pickle_text(const sn_pickle *pickle, sn_pickle_id id);
_Bool sn_pickle_is_text(const sn_pickle *pickle, sn_pickle_id id, const char *text);
_Bool sn_pickle_is_global(const sn_pickle *pickle, sn_pickle_id id, const char *module,
                          const char *name);
/* Item of a tuple, 0 if it has no such item or is no tuple. */
sn_pickle_id sn_pickle_item(const sn_pickle *pickle, sn_pickle_id tuple, uint32_t index);
/* Items of a tuple, 0 for anything else. */
uint32_t sn_pickle_tuple_size(const sn_pickle *pickle, sn_pickle_id id);

/* Walks items of a tuple, list or set. */
typedef struct sn_pickle_walk {
    const sn_pickle *pickle;
    uint32_t at, left, next_run;
    _Bool pairs;
    sn_pickle_id list, later; /* sn_pickle_pairs: list of pairs; node that follows */
} sn_pickle_walk;

sn_pickle_walk sn_pickle_items(const sn_pickle *pickle, sn_pickle_id id);
/* The next item, 0 at the end. */
sn_pickle_id sn_pickle_next(sn_pickle_walk *walk);

/* Whether the node behaves as a dict: a dict, an object that had items set, or
 * a call of one of the standard dict classes. */
_Bool sn_pickle_is_mapping(const sn_pickle *pickle, sn_pickle_id id);
/* Walks key and value of a mapping, in order. */
sn_pickle_walk sn_pickle_pairs(const sn_pickle *pickle, sn_pickle_id id);
_Bool sn_pickle_next_pair(sn_pickle_walk *walk, sn_pickle_id *key, sn_pickle_id *value);
/* The value of a string key (the last one, as in Python), 0 if absent. */
sn_pickle_id sn_pickle_lookup(const sn_pickle *pickle, sn_pickle_id mapping, const char *key);

#endif
