/* SPDX-License-Identifier: Apache-2.0
 *
 * The tokens that a model makes of one piece of text, on their way into the
 * tokens of the text. */
#ifndef SN_TEXT_SYMBOLS_H
#define SN_TEXT_SYMBOLS_H

#include "base/memory.h"

/* A token begins where the one before it ends. */
typedef struct sn_symbol {
    int32_t id;
    uint32_t size; /* bytes */
} sn_symbol;

/* Reused from piece to piece. */
typedef struct sn_symbols {
    sn_symbol *items;
    size_t count;
    size_t capacity;
} sn_symbols;

/* Pieces longer than this are refused: sizes are 32 bits wide. */
#define SN_MAX_PIECE ((size_t)1 << 30)

/* Room for this many symbols; false if memory ran out. */
static inline _Bool sn_symbols_reserve(const sn_memory *memory, sn_symbols *symbols, size_t count)
{
    if (count <= symbols->capacity)
        return 1;
    size_t capacity = count < 64 ? 64 : count + count / 2;
    sn_symbol *items =
        (sn_symbol *)sn_realloc(memory, symbols->items, capacity, sizeof *items);
    if (!items)
        return 0;
    symbols->items = items;
    symbols->capacity = capacity;
    return 1;
}

/* Appends a symbol. */
static inline _Bool sn_symbols_push(const sn_memory *memory, sn_symbols *symbols, int32_t id,
                                    size_t size)
{
    if (!sn_symbols_reserve(memory, symbols, symbols->count + 1))
        return 0;
    symbols->items[symbols->count++] = (sn_symbol){id, (uint32_t)size};
    return 1;
}

#endif
