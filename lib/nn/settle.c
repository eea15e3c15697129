/* SPDX-License-Identifier: Apache-2.0
 *
 * See settle.h. */
#include "nn/settle.h"

/* Net moves of this size are mostly rounding, and their ratio to the move before
 * says nothing of how fast the state settles. */
#define JITTER 0x1p-21f

/* All that is still to come after the last window, were the moves to go on
 * shrinking as they did; negative where they do not shrink. */
static float future_moves(const float *w)
{
    if (!(w[1] < w[0] && w[2] < w[1]))
        return -1.0f;
    float first = w[1] / w[0], second = w[2] / w[1];
    if (w[2] <= JITTER)
        return w[1] * first * first / (1.0f - first);
    float q = first > second ? first : second;
    return w[2] * q / (1.0f - q);
}

static _Bool geometric(const sn_settle *settle, size_t remaining, size_t total, float tolerance)
{
    if (settle->move[2] == 0.0f && settle->move[1] == 0.0f)
        return 1;
    float future = future_moves(settle->move);
    return future >= 0.0f && future * ((float)remaining / (float)total) <= tolerance;
}

_Bool sn_settle_observe(sn_settle *settle, float move, size_t remaining, size_t total,
                        float tolerance)
{
    settle->move[0] = settle->move[1];
    settle->move[1] = settle->move[2];
    settle->move[2] = move;
    if (settle->windows < 3)
        settle->windows++;
    return settle->windows == 3 && geometric(settle, remaining, total, tolerance);
}

_Bool sn_settle_stands_still(float move)
{
    return move <= 0x1p-22f;
}
