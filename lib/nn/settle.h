/* SPDX-License-Identifier: Apache-2.0
 *
 * The settled tail. Under constant input many LSTMs run into a fixed point;
 * from there on every h is the same and the rest of the mean is known. The
 * state is looked at every few steps, and its net move since the last look
 * tells how far it still has to go: rounding makes single steps jitter, but
 * jitter does not add up, and drift does. */
#ifndef SN_NN_SETTLE_H
#define SN_NN_SETTLE_H

#include <stddef.h>

/* Steps between two looks, and between two looks at the long run. */
#define SN_SETTLE_STEPS 8
#define SN_SETTLE_LONG_STEPS 64

/* Net moves of the last three windows, newest last. */
typedef struct sn_settle {
    float move[3];
    unsigned windows; /* complete ones, up to 3 */
} sn_settle;

/* Takes the largest net move of any unit of the state over SN_SETTLE_STEPS of
 * constant input. True when stopping here moves the mean over `total`
 * positions, of which `remaining` are left, by no more than `tolerance`.
 *
 * Near a fixed point the moves shrink geometrically. With w0, w1, w2 the moves
 * of three successive windows and q the worse of w1/w0 and w2/w1, all later
 * moves add up to at most w2 (q + q^2 + ...) = w2 q/(1-q), which bounds how far
 * any later h lies from the present one; the mean feels remaining/total of
 * that. Where w2 is down at the level of rounding, only the two before it tell
 * the ratio. Since a unit that drifts steadily hides behind quicker ones, w2 must
 * also be so small that going on like that for ever would hardly be felt. It is
 * an estimate: windows that shrink are evidence, not proof, of the geometric
 * tail. */
_Bool sn_settle_observe(sn_settle *settle, float move, size_t remaining, size_t total,
                        float tolerance);

/* Takes the net move over SN_SETTLE_LONG_STEPS. True when it is no more than
 * what rounding does to numbers of size 1: the state stands still as far as
 * single precision can tell, though its moves no longer shrink. Drift that hides
 * below this is less than 4e-9 a step. */
_Bool sn_settle_stands_still(float move);

#endif
