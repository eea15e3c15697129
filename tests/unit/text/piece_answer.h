/* SPDX-License-Identifier: Apache-2.0
 *
 * The line format in which the tests of pieces.h ask and are answered, the same
 * as in piece_reference.py. */
#ifndef TEXT_PIECE_ANSWER_H
#define TEXT_PIECE_ANSWER_H

#include <stdio.h>

#include "text/pieces.h"

/* Reads steps: a letter per normalizer (CDKk forms, l s c h a), a colon, a letter
 * per splitter (B W S P0-P4 L0-L3). Returns what stands behind them, NULL if
 * malformed. */
const char *piece_steps(const char *question, sn_steps *steps);

/* Writes the pieces of a question `steps text-in-hex`, separated by spaces: of
 * each character `bytes(hex)@from,to.`. False if the question is malformed. */
_Bool piece_answer(const char *question, sn_pieces *pieces, FILE *out);

#endif
