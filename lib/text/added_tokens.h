/* SPDX-License-Identifier: Apache-2.0
 *
 * Added tokens of a tokenizer.json: strings that are cut out of a text before
 * anything else is done to it, leftmost and longest first. One matcher looks at
 * the text as it was given, another one at the normalized text. */
#ifndef SN_TEXT_ADDED_TOKENS_H
#define SN_TEXT_ADDED_TOKENS_H

#include "text/trie.h"

typedef struct sn_added_token {
    size_t size; /* bytes to be found */
    int32_t id;
    _Bool single_word; /* no part of a word */
    _Bool lstrip;      /* takes the whitespace before it, too */
    _Bool rstrip;      /* and behind it */
} sn_added_token;

typedef struct sn_matcher {
    sn_trie trie;          /* of the reversed strings */
    sn_added_token *items; /* by number of the string */
    size_t count;
    _Bool strips_left;  /* some item does */
    _Bool strips_right;
    _Bool has_space;    /* some string contains U+0020 */
} sn_matcher;

/* Copies the items; strings[i] is what is looked for to find items[i], and not
 * empty. Twins as in sn_trie_build. */
sentiment_status sn_matcher_build(const sn_memory *memory, const sn_slice *strings,
                                  const sn_added_token *items, size_t count, sn_matcher *out,
                                  size_t twins[2], sentiment_error *error);
void sn_matcher_free(const sn_memory *memory, sn_matcher *matcher);

/* A string found at `start`: the longest that begins there. */
typedef struct sn_hit {
    size_t start;
    uint32_t item;
} sn_hit;

/* Scratch of a search, reused from text to text. */
typedef struct sn_hits {
    sn_hit *items; /* by falling start */
    size_t count;
    size_t capacity;
} sn_hits;

/* A part of a text: an added token's id, or -1 for what lies between them. */
typedef struct sn_part {
    size_t begin;
    size_t end;
    int32_t id;
} sn_part;

/* Where a walk over the parts of a text is. */
typedef struct sn_parts {
    const sn_matcher *matcher;
    const uint8_t *text;
    size_t size;
    sn_hits *hits;
    size_t searched; /* hits before it overlap one that was taken */
    size_t done;     /* the text before it is in parts */
    size_t space_end; /* of the last whitespace looked over, which began */
    size_t space_start;
    sn_part pending; /* follows the text before it */
    _Bool has_pending;
    _Bool ended;
} sn_parts;

/* Finds every string in the text; false if memory ran out. */
_Bool sn_parts_begin(const sn_matcher *matcher, const sn_memory *memory, const uint8_t *text,
                     size_t size, sn_hits *hits, sn_parts *out);
/* The next part, none of them empty; false if there is none left. */
_Bool sn_parts_next(sn_parts *parts, sn_part *out);

#endif
