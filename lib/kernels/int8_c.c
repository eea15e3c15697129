/* SPDX-License-Identifier: Apache-2.0
 *
 * The int8 kernels in plain C: sums of products of integers, exact by
 * definition, which every other instantiation must match bit for bit. */
#include "kernels/vector_c.h"

typedef struct sums {
    int32_t lane[SN_BLOCK];
} sums;

typedef struct weights_group {
    int8_t byte[SN_BLOCK][SN_GROUP];
} weights_group;

typedef struct input_group {
    int32_t value[SN_GROUP];
} input_group;

static inline weights_group q_weights(const int8_t *p)
{
    weights_group out;
    memcpy(&out, p, sizeof out);
    return out;
}

static inline input_group q_inputs(uint32_t bits)
{
    uint8_t bytes[SN_GROUP];
    input_group out;
    memcpy(bytes, &bits, sizeof bytes);
    for (int i = 0; i < SN_GROUP; i++)
        out.value[i] = (int32_t)bytes[i] - 128;
    return out;
}

static inline sums q_dot(sums q, input_group x, weights_group w)
{
    for (int j = 0; j < SN_BLOCK; j++)
        for (int i = 0; i < SN_GROUP; i++)
            q.lane[j] += x.value[i] * w.byte[j][i];
    return q;
}

static inline block q_float(sums q)
{
    EACH((float)q.lane[j]);
}

static inline void q_bytes(uint8_t *p, block h)
{
    for (int j = 0; j < SN_BLOCK; j++)
        p[j] = (uint8_t)((int32_t)rintf(127.0f * h.lane[j]) + 128);
}

#define Q sums
#define W weights_group
#define X input_group
#define MAX_ROWS 1
/* The inputs lose their bias one by one: the sums begin at zero. */
#define q_start(p) ((void)(p), (sums){{0}})

#include "kernels/int8_template.h"
