/* SPDX-License-Identifier: Apache-2.0
 *
 * Splitters: where the words of a text are. They allocate nothing and keep no
 * state but a position; lower-casing comes afterwards (tokenizer.c). The rules
 * are in docs/tokenizers.md. */
#ifndef SN_TEXT_SPLITTER_H
#define SN_TEXT_SPLITTER_H

#include <stddef.h>
#include <stdint.h>

/* One word: bytes [start, end) of the text. */
typedef struct sn_span {
    size_t start;
    size_t end;
    _Bool changes;     /* the word's bytes may not be those of the text: lower-case it */
    size_t apostrophe; /* bytes at its start that the word has as U+0027; 0: none */
} sn_span;

/* Finds the next word at or behind *position, moves *position behind it;
 * false if there is none. */
typedef _Bool (*sn_split_fn)(const uint8_t *text, size_t size, size_t *position, sn_span *span);

_Bool sn_split_whitespace(const uint8_t *text, size_t size, size_t *position, sn_span *span);
_Bool sn_split_words(const uint8_t *text, size_t size, size_t *position, sn_span *span);

/* The last position that parts the text as sn_tokenizer_cut promises, 0: none
 * (cut.c). Time is linear in what lies behind it. */
size_t sn_cut_whitespace(const uint8_t *text, size_t size);
size_t sn_cut_words(const uint8_t *text, size_t size);

/* First byte at or behind `position` that is not whitespace. */
size_t sn_skip_space(const uint8_t *text, size_t size, size_t position);

#endif
