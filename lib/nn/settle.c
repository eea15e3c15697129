/* SPDX-License-Identifier: Apache-2.0
 *
 * See settle.h. */
#include "nn/settle.h"

/* Net moves of this size are mostly rounding, and their ratio to the move before
 * says nothing of how fast the state settles. */
#define JITTER 0x1p-21f
/* What a hidden drift may move the mean of a unit: about JITTER / 2 in every
 * window of 500 positions, since less cannot be told from jitter. */
#define STEADY_DRIFT 0x1p-17f

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

/* What the mean would feel if the last move went on without shrinking: a slow
 * unit hides behind quick ones for as long as it moves less than they do. */
static float steady_drift(float move, size_t remaining, size_t total)
{
    float windows = (float)remaining / (float)SN_SETTLE_STEPS;
    return move * windows * 0.5f * ((float)remaining / (float)total);
}

static _Bool geometric(const sn_settle *settle, size_t remaining, size_t total, float tolerance)
{
    const float *w = settle->move;
    if (w[2] == 0.0f && w[1] == 0.0f)
        return 1;
    if (steady_drift(w[2], remaining, total) > STEADY_DRIFT)
        return 0;
    float future = future_moves(w);
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
