/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of every fp32 kernel, instantiated by the files lstm_*.c;
 * cell_template.h tells what they define. */
#include "kernels/cell_template.h"
#include "kernels/instances.h"

typedef V accumulators[MAX_ROWS][PAIR][SN_GATES];

/* Position of strip s in the packed weights. */
INLINE size_t strip_weights(size_t s, size_t inputs)
{
    return s / STRIPS * inputs * SN_BLOCK_GATES + s % STRIPS * WIDTH;
}

INLINE void load_gates(V gate[SN_GATES], const float *gates)
{
    UNROLL for (int q = 0; q < SN_GATES; q++) gate[q] = v_load(gates + q * SN_BLOCK);
}

/* acc[r][s] += W[s] x[r], over k in ascending order. */
INLINE void accumulate(int rows, int strips, const float *const weights[PAIR], size_t inputs,
                       const float *const x[MAX_ROWS], accumulators acc)
{
    for (size_t k = 0; k < inputs; k++) {
        UNROLL for (int s = 0; s < strips; s++)
        {
            const float *w = weights[s] + k * SN_BLOCK_GATES;
            V w0 = v_load(w), w1 = v_load(w + SN_BLOCK);
            V w2 = v_load(w + 2 * SN_BLOCK), w3 = v_load(w + 3 * SN_BLOCK);
            UNROLL for (int r = 0; r < rows; r++)
            {
                V value = v_set(x[r][k]);
                acc[r][s][0] = v_fma(value, w0, acc[r][s][0]);
                acc[r][s][1] = v_fma(value, w1, acc[r][s][1]);
                acc[r][s][2] = v_fma(value, w2, acc[r][s][2]);
                acc[r][s][3] = v_fma(value, w3, acc[r][s][3]);
            }
        }
    }
}

/* `rows` rows from `row` on, `strips` strips from `strip` on. */
INLINE void step_tile(const sn_step *step, size_t row, int rows, size_t strip, int strips)
{
    size_t padded = step->blocks * SN_BLOCK;
    const float *x[MAX_ROWS], *weights[PAIR];
    accumulators acc;
    UNROLL for (int s = 0; s < strips; s++) weights[s] =
        step->weights + strip_weights(strip + (size_t)s, step->hidden);
    UNROLL for (int r = 0; r < rows; r++)
    {
        x[r] = step->h + (row + (size_t)r) * padded;
        UNROLL for (int s = 0; s < strips; s++)
            load_gates(acc[r][s], step->gates[row + (size_t)r] + strip_gates(strip + (size_t)s));
    }
    prefetch_gates(step, row, rows, strip, strips);
    accumulate(rows, strips, weights, step->hidden, x, acc);
    UNROLL for (int s = 0; s < strips; s++)
    {
        size_t at = row * padded + (strip + (size_t)s) * WIDTH;
        V gate[SN_GATES][MAX_ROWS];
        UNROLL for (int q = 0; q < SN_GATES; q++)
            UNROLL for (int r = 0; r < rows; r++) gate[q][r] = acc[r][s][q];
        update(rows, gate, padded, step->h_next + at, step->c + at, step->sum + at);
    }
}

INLINE void project_tile(const sn_project *project, size_t row, int rows, size_t strip, int strips)
{
    const float *x[MAX_ROWS], *weights[PAIR];
    accumulators acc;
    UNROLL for (int s = 0; s < strips; s++) weights[s] =
        project->weights + strip_weights(strip + (size_t)s, project->inputs);
    UNROLL for (int r = 0; r < rows; r++)
    {
        x[r] = project->x[row + (size_t)r];
        UNROLL for (int s = 0; s < strips; s++)
            load_gates(acc[r][s], project->bias + strip_gates(strip + (size_t)s));
    }
    accumulate(rows, strips, weights, project->inputs, x, acc);
    UNROLL for (int r = 0; r < rows; r++)
    {
        UNROLL for (int s = 0; s < strips; s++)
        {
            float *out = project->out[row + (size_t)r] + strip_gates(strip + (size_t)s);
            UNROLL for (int q = 0; q < SN_GATES; q++) v_store(out + q * SN_BLOCK, acc[r][s][q]);
        }
    }
}

void NAME(step)(const sn_step *step)
{
    WALK(step_tile, step, step->descending)
}

void NAME(project)(const sn_project *project)
{
    WALK(project_tile, project, 0)
}

/* Adds the SN_BLOCK partial sums as a tree: lane j takes lane j+8, +4, +2, +1. */
static float sum_tree(const V partial[STRIPS])
{
    float lanes[SN_BLOCK];
    for (size_t s = 0; s < STRIPS; s++)
        v_store(lanes + s * WIDTH, partial[s]);
    for (size_t half = SN_BLOCK / 2; half > 0; half /= 2)
        for (size_t j = 0; j < half; j++)
            lanes[j] += lanes[j + half];
    return lanes[0];
}

void NAME(dots)(const float *weights, size_t rows, const float *x, size_t n, float *out)
{
    for (size_t r = 0; r < rows; r++) {
        V partial[STRIPS];
        for (size_t s = 0; s < STRIPS; s++)
            partial[s] = v_set(0.0f);
        for (size_t k = 0; k < n; k += SN_BLOCK)
            for (size_t s = 0; s < STRIPS; s++)
                partial[s] = v_fma(v_load(weights + r * n + k + s * WIDTH),
                                   v_load(x + k + s * WIDTH), partial[s]);
        out[r] = sum_tree(partial);
    }
}
