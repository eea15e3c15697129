/* SPDX-License-Identifier: Apache-2.0
 *
 * See settle.h. */
#include "nn/settle.h"

static _Bool settled(const sn_settle *settle, size_t remaining, size_t total, float tolerance)
{
    const float *w = settle->window;
    if (w[2] == 0.0f && w[1] == 0.0f)
        return 1;
    if (!(w[1] < w[0] && w[2] < w[1]))
        return 0;
    float first = w[1] / w[0], second = w[2] / w[1];
    float q = first > second ? first : second;
    float drift = (float)SN_SETTLE_STEPS * w[2] * q / (1.0f - q);
    return drift * ((float)remaining / (float)total) <= tolerance;
}

_Bool sn_settle_observe(sn_settle *settle, float move, size_t remaining, size_t total,
                        float tolerance)
{
    if (move > settle->running)
        settle->running = move;
    if (++settle->steps < SN_SETTLE_STEPS)
        return 0;
    settle->window[0] = settle->window[1];
    settle->window[1] = settle->window[2];
    settle->window[2] = settle->running;
    settle->running = 0.0f;
    settle->steps = 0;
    if (settle->windows < 3)
        settle->windows++;
    return settle->windows == 3 && settled(settle, remaining, total, tolerance);
}
