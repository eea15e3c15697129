/* SPDX-License-Identifier: Apache-2.0
 *
 * The normalizers of a tokenizer.json, each from the scratch's text to the
 * scratch's text. All of them return false if out of memory. */
#ifndef SN_TEXT_NORMALIZE_H
#define SN_TEXT_NORMALIZE_H

#include "text/rewrite.h"

_Bool sn_normalize(struct sn_pieces_scratch *scratch, sn_normalizer step);

/* A normalization form, without the characters that have one of the flags
 * `dropped` (SN_PIECE_*). */
typedef struct sn_form {
    _Bool compatible, composed;
    uint16_t dropped;
} sn_form;

_Bool sn_normalize_form(struct sn_pieces_scratch *scratch, sn_form form);

/* How many bytes from `at` on are ASCII, as far as that is quickly found out:
 * the byte behind them may be ASCII too. */
size_t sn_ascii_run(const uint8_t *text, size_t at, size_t size);

#endif
