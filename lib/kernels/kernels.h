/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of kernels. Every instantiation gives the same bits: lanes run
 * over hidden units, each sum runs over k in ascending order with one fused
 * multiply-add per term, and exp is one polynomial. Kernels neither allocate
 * nor check: their callers have.
 *
 * Packed layouts. Hidden units come in blocks of SN_BLOCK; the last block is
 * filled up with units whose weights and gates are zero, and whose state
 * therefore stays zero. "padded" below is the hidden size filled up.
 *   weights  [block][k][gate][SN_BLOCK]      gate order i, f, g, o
 *   gates    [block][gate][SN_BLOCK]         one row per text
 *   state    [padded]                        one row per text
 */
#ifndef SN_KERNELS_KERNELS_H
#define SN_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define SN_BLOCK 16
#define SN_GATES 4
/* Floats of one k of one block of packed weights. */
#define SN_BLOCK_GATES (SN_GATES * SN_BLOCK)

/* out[r] = bias + W x[r] for `rows` rows, in the packed order of gates. */
typedef struct sn_project {
    const float *weights; /* [blocks][inputs][4][16] */
    const float *bias;    /* [blocks][4][16] */
    size_t blocks;
    size_t inputs;
    size_t rows;
    const float *const *x; /* rows pointers to [inputs] */
    float *const *out;     /* rows pointers to [blocks][4][16] */
} sn_project;

/* One time step for `rows` texts: the recurrent product, the pointwise part
 * and the running sum of h, fused (Hochreiter and Schmidhuber's LSTM with
 * forget gates, as torch.nn.LSTM writes it):
 *   i, f, g, o = gates + W_hh h
 *   c = sigmoid(f) c + sigmoid(i) tanh(g);  h = sigmoid(o) tanh(c);  sum += h
 */
typedef struct sn_step {
    const float *weights; /* [blocks][hidden][4][16] */
    size_t blocks;
    size_t hidden;
    size_t rows;
    const float *const *gates; /* rows pointers to [blocks][4][16] */
    const float *h;            /* [rows][padded], the state before */
    float *h_next;             /* [rows][padded], the state after; not h */
    float *c;                  /* [rows][padded] */
    float *sum;                /* [rows][padded] */
    _Bool descending;          /* last block first: callers alternate, so that each step begins
                                * with the weights that the one before has left in the cache */
} sn_step;

typedef struct sn_kernels {
    int32_t isa; /* enum sentiment_isa */
    void (*project)(const sn_project *project);
    void (*step)(const sn_step *step);
    /* out[r] = sum over k of weights[r][k] * x[k]: SN_BLOCK partial sums, k
     * modulo SN_BLOCK, added as a tree. n is a multiple of SN_BLOCK. */
    void (*dots)(const float *weights, size_t rows, const float *x, size_t n, float *out);
} sn_kernels;

/* The kernels of the best instruction set that is at most `isa` and built in.
 * `isa` must be one that the machine has. */
const sn_kernels *sn_kernels_get(int32_t isa);

extern const sn_kernels sn_kernels_c;
extern const sn_kernels sn_kernels_avx2;
extern const sn_kernels sn_kernels_avx512;

#endif
