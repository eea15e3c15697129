/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps of a padded tail that need not be made. In fp32 the state settles, by an
 * estimate (settle.h); in int8 it runs in a circle, exactly (cycle.h). */
#ifndef SN_NN_TAIL_H
#define SN_NN_TAIL_H

#include "nn/scratch.h"

/* The next `steps` steps leave the state where it is and have the mean `h`
 * [padded], which is valid until the next step. */
typedef struct sn_tail {
    size_t steps;
    const float *h;
} sn_tail;

/* After a step of slot `s`, before its time moves on; `steps` 0: go on. */
sn_tail sn_tail_look(const sn_pass *pass, sn_scratch *scratch, size_t s);

#endif
