/* SPDX-License-Identifier: Apache-2.0
 *
 * How a step changes the text: from left to right it says of each character
 * what becomes of it. As long as every character keeps its length, the text is
 * changed in place and every byte knows its place by itself; the first one that
 * does not moves the text to the other buffer, with a place for each byte. */
#ifndef SN_TEXT_REWRITE_H
#define SN_TEXT_REWRITE_H

#include "text/pieces.h"

/* A text and where its bytes came from. */
typedef struct sn_side {
    uint8_t *bytes;
    uint64_t *from, *to;
    size_t capacity; /* of bytes */
    size_t placed;   /* of from and to */
} sn_side;

typedef struct sn_list {
    size_t *begins, *ends;
    size_t capacity;
    size_t count;
} sn_list;

/* A character of a segment that is being decomposed, sorted and composed. */
typedef struct sn_segment_char {
    uint32_t code;
    uint32_t class;
    int64_t change; /* see sn_rewrite_put */
} sn_segment_char;

struct sn_pieces_scratch {
    const sn_memory *memory; /* of this call */
    sn_side *now, *next;     /* into sides */
    sn_list *pieces, *cut;   /* into lists */
    size_t size;             /* of the text in `now` */
    _Bool moved;             /* it has places */
    sn_side sides[2];
    sn_list lists[2];
    sn_segment_char *segment, *sorted;
    size_t segment_capacity, sorted_capacity;
};

typedef struct sn_rewrite {
    struct sn_pieces_scratch *scratch;
    uint8_t *source;
    const uint64_t *from, *to; /* of the source; NULL: its bytes have not moved */
    size_t size;
    size_t taken; /* bytes of the source that have been dealt with */
    _Bool moved;  /* the other buffer is being written, `written` bytes so far */
    size_t written;
} sn_rewrite;

sn_rewrite sn_rewrite_begin(struct sn_pieces_scratch *scratch);
/* The next `size` bytes, whole characters, stay. Here and below: false if out of
 * memory. */
_Bool sn_rewrite_keep(sn_rewrite *rewrite, size_t size);
/* One character. `change` counts as in the package: 0 replaces the next one of
 * the source, -n replaces it and drops n behind it, 1 is put in and shares the
 * place of what was dealt with last. */
_Bool sn_rewrite_put(sn_rewrite *rewrite, uint32_t code, int64_t change);
/* One character put in, which shares the place of the next one. */
_Bool sn_rewrite_put_before(sn_rewrite *rewrite, uint32_t code);
/* What sn_rewrite_put would take of the source, without the character. */
_Bool sn_rewrite_drop(sn_rewrite *rewrite, int64_t change);
/* How much has been written. */
static inline size_t sn_rewrite_position(const sn_rewrite *rewrite)
{
    return rewrite->moved ? rewrite->written : rewrite->taken;
}
/* Keeps the rest; the result is the scratch's text. */
_Bool sn_rewrite_end(sn_rewrite *rewrite);

/* Room for `size` bytes, and for as many places if `places`. What is there stays. */
_Bool sn_side_reserve(const sn_memory *memory, sn_side *side, size_t size, _Bool places);
void sn_side_free(const sn_memory *memory, sn_side *side);
_Bool sn_list_reserve(const sn_memory *memory, sn_list *list);

/* Adds a piece unless it is empty. */
static inline _Bool sn_list_add(const sn_memory *memory, sn_list *list, size_t begin, size_t end)
{
    if (begin == end)
        return 1;
    if (list->count == list->capacity && !sn_list_reserve(memory, list))
        return 0;
    list->begins[list->count] = begin;
    list->ends[list->count++] = end;
    return 1;
}

/* Length of the character that a byte of well-formed UTF-8 begins. */
static inline size_t sn_lead_length(uint8_t lead)
{
    return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

#endif
