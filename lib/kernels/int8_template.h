/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of every int8 kernel, instantiated by the files int8_*.c. Before
 * including it, define what cell_template.h asks for, and
 *
 *   Q                  a vector of WIDTH sums, int32
 *   W                  the weights of one group for WIDTH units, int8
 *   X                  one group of inputs, ready for q_dot
 *   q_start(p)         where sums begin, given the sn_int8_matrix.start of their strip
 *   q_weights(p)       loads a W, unaligned
 *   q_inputs(bits)     the X of four biased bytes, the first one lowest
 *   q_dot(q, x, w)     adds the four products of each unit to its sum, exactly
 *   q_float(q)         to V, to the nearest float, ties to even
 *   q_bytes(p, v)      stores the biased bytes of WIDTH values of h: 128 + rint(127 h)
 *
 * A sum has at most SN_INT8_MAX_INPUTS (lib/nn/int8.h) terms and so fits its
 * 32 bits; on the way it may wrap around, since that loses nothing. */
#include <string.h>

#include "kernels/cell_template.h"
#include "kernels/instances.h"

typedef Q accumulators[MAX_ROWS][PAIR][SN_GATES];

/* Position of strip s in the packed weights. */
INLINE size_t strip_weights(size_t s, size_t groups)
{
    return (s / STRIPS * groups * SN_BLOCK_GATES + s % STRIPS * WIDTH) * SN_GROUP;
}

INLINE size_t count_groups(size_t inputs)
{
    return (inputs + SN_GROUP - 1) / SN_GROUP;
}

INLINE uint32_t load_group(const uint8_t *bytes)
{
    uint32_t bits;
    memcpy(&bits, bytes, sizeof bits);
    return bits;
}

/* acc[r][s] += W[s] x[r] over `groups` whole groups. */
INLINE void accumulate(int rows, int strips, const int8_t *const weights[PAIR], size_t groups,
                       const uint8_t *const x[MAX_ROWS], uint32_t flip, accumulators acc)
{
    for (size_t k = 0; k < groups; k++) {
        X input[MAX_ROWS];
        UNROLL for (int r = 0; r < rows; r++) input[r] =
            q_inputs(load_group(x[r] + k * SN_GROUP) ^ flip);
        UNROLL for (int s = 0; s < strips; s++)
        {
            const int8_t *at = weights[s] + k * SN_BLOCK_GATES * SN_GROUP;
            UNROLL for (int q = 0; q < SN_GATES; q++)
            {
                W w = q_weights(at + q * SN_BLOCK * SN_GROUP);
                UNROLL for (int r = 0; r < rows; r++) acc[r][s][q] =
                    q_dot(acc[r][s][q], input[r], w);
            }
        }
    }
}

/* The inputs behind the last whole group, filled up with anything: the weights
 * there are zero. */
INLINE void accumulate_tail(int rows, int strips, const int8_t *const weights[PAIR], size_t inputs,
                            const uint8_t *const x[MAX_ROWS], uint32_t flip, accumulators acc)
{
    size_t whole = inputs / SN_GROUP, left = inputs % SN_GROUP;
    uint8_t tails[MAX_ROWS][SN_GROUP] = {{0}};
    const uint8_t *tail[MAX_ROWS];
    const int8_t *behind[PAIR];
    if (left == 0)
        return;
    for (int r = 0; r < rows; r++)
        tail[r] = memcpy(tails[r], x[r] + whole * SN_GROUP, left);
    for (int s = 0; s < strips; s++)
        behind[s] = weights[s] + whole * SN_BLOCK_GATES * SN_GROUP;
    accumulate(rows, strips, behind, 1, tail, flip, acc);
}

/* Sums of zero terms, and where the weights of each strip lie. */
INLINE void begin(const sn_int8_matrix *matrix, size_t groups, int rows, size_t strip, int strips,
                  const int8_t *weights[PAIR], accumulators acc)
{
    UNROLL for (int s = 0; s < strips; s++)
    {
        weights[s] = matrix->weights + strip_weights(strip + (size_t)s, groups);
        UNROLL for (int q = 0; q < SN_GATES; q++)
        {
            Q start = q_start(matrix->start + strip_gates(strip + (size_t)s) + q * SN_BLOCK);
            UNROLL for (int r = 0; r < rows; r++) acc[r][s][q] = start;
        }
    }
}

/* `rows` rows from `row` on, `strips` strips from `strip` on. */
INLINE void step_tile(const sn_step *step, size_t row, int rows, size_t strip, int strips)
{
    size_t padded = step->blocks * SN_BLOCK, groups = count_groups(step->hidden);
    const uint8_t *x[MAX_ROWS];
    const int8_t *weights[PAIR];
    accumulators acc;
    begin(&step->int8, groups, rows, strip, strips, weights, acc);
    UNROLL for (int r = 0; r < rows; r++) x[r] = step->bytes + (row + (size_t)r) * padded;
    prefetch_gates(step, row, rows, strip, strips);
    accumulate(rows, strips, weights, groups, x, 0, acc);
    UNROLL for (int s = 0; s < strips; s++)
    {
        size_t lanes = strip_gates(strip + (size_t)s);
        size_t at = row * padded + (strip + (size_t)s) * WIDTH;
        V gate[SN_GATES][MAX_ROWS];
        UNROLL for (int r = 0; r < rows; r++)
        {
            const float *gates = step->gates[row + (size_t)r] + lanes;
            UNROLL for (int q = 0; q < SN_GATES; q++) gate[q][r] =
                v_fma(q_float(acc[r][s][q]), v_load(step->int8.scale + lanes + q * SN_BLOCK),
                      v_load(gates + q * SN_BLOCK));
        }
        update(rows, gate, padded, step->h_next + at, step->c + at, step->sum + at);
        UNROLL for (int r = 0; r < rows; r++)
            q_bytes(step->bytes_next + at + (size_t)r * padded, gate[3][r]);
    }
}

INLINE void project_tile(const sn_project *project, size_t row, int rows, size_t strip, int strips)
{
    const uint8_t *x[MAX_ROWS];
    const int8_t *weights[PAIR];
    accumulators acc;
    begin(&project->int8, count_groups(project->inputs), rows, strip, strips, weights, acc);
    UNROLL for (int r = 0; r < rows; r++) x[r] = project->bytes[row + (size_t)r];
    accumulate(rows, strips, weights, project->inputs / SN_GROUP, x, project->x_flip, acc);
    accumulate_tail(rows, strips, weights, project->inputs, x, project->x_flip, acc);
    UNROLL for (int s = 0; s < strips; s++)
    {
        size_t lanes = strip_gates(strip + (size_t)s);
        UNROLL for (int q = 0; q < SN_GATES; q++)
        {
            size_t at = lanes + (size_t)q * SN_BLOCK;
            V scale = v_mul(v_load(project->int8.scale + at), v_set(project->x_scale));
            V bias = v_load(project->bias + at);
            UNROLL for (int r = 0; r < rows; r++) v_store(
                project->out[row + (size_t)r] + at, v_fma(q_float(acc[r][s][q]), scale, bias));
        }
    }
}

void NAME(step_int8)(const sn_step *step)
{
    WALK(step_tile, step, step->descending)
}

void NAME(project_int8)(const sn_project *project)
{
    WALK(project_tile, project, 0)
}
