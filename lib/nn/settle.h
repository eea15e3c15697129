/* SPDX-License-Identifier: Apache-2.0
 *
 * The settled tail. Under constant input many LSTMs run into a fixed point;
 * from there on every h is the same and the rest of the mean is known. */
#ifndef SN_NN_SETTLE_H
#define SN_NN_SETTLE_H

#include <stddef.h>

/* Steps of one window of observation. */
#define SN_SETTLE_STEPS 8

/* Largest moves of the state in the last three complete windows, newest last,
 * and in the running one. */
typedef struct sn_settle {
    float window[3];
    float running;
    unsigned steps;
    unsigned windows; /* complete ones, up to 3 */
} sn_settle;

/* Takes the largest move of any unit of h or c in one step of constant input.
 * True when the state may be taken as settled for `remaining` of `total`
 * positions within `tolerance`.
 *
 * Near a fixed point the moves shrink geometrically. With w0, w1, w2 the
 * largest moves of three successive windows of n steps and q the worse of w1/w0
 * and w2/w1, all later moves add up to at most n w2 (q + q^2 + ...) =
 * n w2 q/(1-q), which bounds how far any later h lies from the present one; a
 * mean over `total` positions feels remaining/total of that. It is an estimate:
 * three windows that shrink are evidence, not proof, of the geometric tail. */
_Bool sn_settle_observe(sn_settle *settle, float move, size_t remaining, size_t total,
                        float tolerance);

#endif
