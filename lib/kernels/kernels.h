/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of kernels. Every instantiation gives the same bits: lanes run
 * over hidden units, each fp32 sum runs over k in ascending order with one
 * fused multiply-add per term, int8 sums are exact, and exp is one polynomial.
 * Kernels neither allocate nor check: their callers have.
 *
 * Packed layouts. Hidden units come in blocks of SN_BLOCK; the last block is
 * filled up with units whose weights and gates are zero, and whose state
 * therefore stays zero. "padded" below is the hidden size filled up.
 *   weights  [block][k][gate][SN_BLOCK]      gate order i, f, g, o
 *   int8     [block][k / 4][gate][SN_BLOCK][k % 4], filled up with zeros
 *   gates    [block][gate][SN_BLOCK]         one row per text
 *   state    [padded]                        one row per text
 *
 * int8 (docs/quantization.md). The inputs of a sum are biased bytes: the byte
 * b stands for b - 128, which lies in [-127, 127], as every weight does. A h is
 * the byte 128 + rint(127 h). */
#ifndef SN_KERNELS_KERNELS_H
#define SN_KERNELS_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define SN_BLOCK 16
#define SN_GATES 4
/* Floats of one k of one block of packed weights. */
#define SN_BLOCK_GATES (SN_GATES * SN_BLOCK)
/* Inputs whose int8 weights for one unit lie side by side. */
#define SN_GROUP 4
/* x_flip of inputs that are signed bytes: makes biased ones of them. */
#define SN_FLIP_SIGNED 0x80808080u

/* A packed matrix in int8: row j is scale[j] * weights[j]. */
typedef struct sn_int8_matrix {
    const int8_t *weights; /* [blocks][groups][4][16][SN_GROUP] */
    const float *scale;    /* [blocks][4][16] */
    const int32_t *start;  /* [blocks][4][16] -128 times the sum of the row's weights, modulo
                            * 2^32: where a sum over biased bytes begins */
} sn_int8_matrix;

/* out[r] = bias + W x[r] for `rows` rows, in the packed order of gates. In int8:
 * out[r] = fma(sum, scale * x_scale, bias). */
typedef struct sn_project {
    const float *weights; /* fp32: [blocks][inputs][4][16] */
    sn_int8_matrix int8;  /* int8: the weights */
    const float *bias;    /* [blocks][4][16] */
    size_t blocks;
    size_t inputs;
    size_t rows;
    const float *const *x;       /* fp32: rows pointers to [inputs] */
    const uint8_t *const *bytes; /* int8: rows pointers to [inputs], any alignment */
    uint32_t x_flip;             /* int8: XORed onto each four of them */
    float x_scale;
    float *const *out; /* rows pointers to [blocks][4][16] */
} sn_project;

/* One time step for `rows` texts: the recurrent product, the pointwise part
 * and the running sum of h, fused (Hochreiter and Schmidhuber's LSTM with
 * forget gates, as torch.nn.LSTM writes it):
 *   i, f, g, o = gates + W_hh h
 *   c = sigmoid(f) c + sigmoid(i) tanh(g);  h = sigmoid(o) tanh(c);  sum += h
 * In int8 the recurrent product is fma(sum, scale, gates). */
typedef struct sn_step {
    const float *weights; /* fp32: [blocks][hidden][4][16] */
    sn_int8_matrix int8;  /* int8: the weights */
    size_t blocks;
    size_t hidden;
    size_t rows;
    const float *const *gates; /* rows pointers to [blocks][4][16] */
    const float *h;            /* fp32: [rows][padded], the state before */
    float *h_next;             /* [rows][padded], the state after; not h */
    const uint8_t *bytes;      /* int8: [rows][padded], the h before as biased bytes */
    uint8_t *bytes_next;       /* int8: [rows][padded], the h after; not bytes */
    float *c;                  /* [rows][padded] */
    float *sum;                /* [rows][padded] */
    _Bool descending;          /* last block first: callers alternate, so that each step begins
                                * with the weights that the one before has left in the cache */
} sn_step;

typedef struct sn_kernels {
    int32_t isa; /* enum sentiment_isa */
    void (*project)(const sn_project *project);
    void (*step)(const sn_step *step);
    void (*project_int8)(const sn_project *project);
    void (*step_int8)(const sn_step *step);
    /* out[r] = sum over k of weights[r][k] * x[k]: SN_BLOCK partial sums, k
     * modulo SN_BLOCK, added as a tree. n is a multiple of SN_BLOCK. */
    void (*dots)(const float *weights, size_t rows, const float *x, size_t n, float *out);
} sn_kernels;

/* The kernels of an instruction set that the machine has, with four products of
 * bytes in an instruction where sn_cpu_dot() says so; plain C's for any that is
 * not built in. */
const sn_kernels *sn_kernels_get(int32_t isa);

extern const sn_kernels sn_kernels_c;
extern const sn_kernels sn_kernels_avx2;
extern const sn_kernels sn_kernels_avx2_vnni;
extern const sn_kernels sn_kernels_avx512;
extern const sn_kernels sn_kernels_avx512_vnni;
extern const sn_kernels sn_kernels_neon;
extern const sn_kernels sn_kernels_neon_dotprod;

#endif
