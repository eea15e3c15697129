/* SPDX-License-Identifier: Apache-2.0
 *
 * The tail in int8. What a step makes of its state depends on the bytes of h, of
 * which there are finitely many; under constant input they soon go round in a
 * circle, mostly of 1 to 60 steps, and the cells, pulled by the same gates over
 * and over, follow until not a bit differs from a circle ago. From there on all is
 * known exactly: nothing is estimated. The state is compared with two earlier
 * ones, which are renewed in turn ever less often, so that longer and longer
 * circles are found. */
#ifndef SN_NN_CYCLE_H
#define SN_NN_CYCLE_H

#include <stddef.h>

typedef struct sn_cycle {
    size_t taken[2]; /* after how many steps the earlier states were taken; 0: not yet */
    size_t next;     /* when the next one is */
    unsigned turn;   /* which one that will be */
    size_t period;   /* steps of a circle; 0: none was found yet */
    size_t left;     /* steps until it has been walked once more and summed up */
} sn_cycle;

/* After step number `done` (from 1) of constant input, in which no circle was
 * found: whether the state is to be kept, in place of the earlier one `*which`. */
_Bool sn_cycle_keep(sn_cycle *cycle, size_t done, unsigned *which);

/* The state equals the earlier one `which`: that is a circle. */
void sn_cycle_close(sn_cycle *cycle, size_t done, unsigned which);

#endif
