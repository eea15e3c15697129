/* SPDX-License-Identifier: Apache-2.0
 *
 * A trie of byte strings: the longest string that begins a text, or, built over
 * the strings' reversals with failure links (Aho and Corasick), the longest one
 * that begins at every place of a text that is read from its end. The strings
 * come from files: building is linear in their bytes, reading linear in the
 * text, however they were chosen. Immutable once built. */
#ifndef SN_TEXT_TRIE_H
#define SN_TEXT_TRIE_H

#include "base/memory.h"
#include "base/status.h"

#define SN_TRIE_NONE UINT32_MAX

typedef struct sn_slice {
    const uint8_t *data;
    size_t size;
} sn_slice;

/* Nodes stand in breadth-first order: the children of node n are nodes
 * [node n .first, node n+1 .first), by label. Node 0 is the root. */
typedef struct sn_trie_node {
    uint32_t first;
    uint32_t value; /* number of the string that ends here, or NONE; in a backward
                     * trie of the longest such string */
    uint32_t fail;  /* backward only: the longest other suffix that is a node */
    uint8_t label;
} sn_trie_node;

typedef struct sn_trie {
    sn_trie_node *nodes; /* count, and one behind the last; NULL: no strings */
    size_t count;
    uint32_t roots[256]; /* child of the root by label, 0: none */
} sn_trie;

/* Builds the trie of the strings, of which none is empty; the slices are not
 * kept. A string given twice is BAD_MODEL: twins[0] and [1] are their numbers. */
sentiment_status sn_trie_build(const sn_memory *memory, const sn_slice *strings, size_t count,
                               _Bool backward, sn_trie *out, size_t twins[2],
                               sentiment_error *error);
void sn_trie_free(const sn_memory *memory, sn_trie *trie);

/* The child of a node, 0: none. */
uint32_t sn_trie_child(const sn_trie *trie, uint32_t node, uint8_t label);

/* Where a backward trie goes from a node with the byte before the last one read. */
static inline uint32_t sn_trie_step(const sn_trie *trie, uint32_t node, uint8_t label)
{
    while (node != 0) {
        uint32_t child = sn_trie_child(trie, node, label);
        if (child != 0)
            return child;
        node = trie->nodes[node].fail;
    }
    return trie->roots[label];
}

/* Number of the longest string that the bytes begin with, or NONE; *length: its
 * bytes. */
uint32_t sn_trie_longest(const sn_trie *trie, const uint8_t *bytes, size_t size, size_t *length);

/* Bytes of memory held. */
static inline uint64_t sn_trie_bytes(const sn_trie *trie)
{
    return trie->nodes ? (trie->count + 1) * (uint64_t)sizeof *trie->nodes : 0;
}

#endif
