/* SPDX-License-Identifier: Apache-2.0
 *
 * What the templates of fp32 and int8 share: the pointwise part of an LSTM cell
 * and the walk over tiles. Before including it, define
 *
 *   V                  a vector of WIDTH floats; WIDTH divides SN_BLOCK
 *   MAX_ROWS           rows whose accumulators fit the registers, 1 to 6
 *   NAME(function)     the name of an instantiation's function
 *   v_load v_store     unaligned
 *   v_set              one float in every lane
 *   v_add v_sub v_mul v_div   IEEE
 *   v_fma(a, b, c)     a*b + c with one rounding
 *   v_min v_max        the second operand where the comparison is not true
 *   v_round            to the nearest integer, ties to even
 *   v_scale(a, n)      a 2^n for integral -126 <= n <= 127
 *
 * A strip is WIDTH hidden units of one block: the unit of work whose four
 * gates are accumulated in registers and whose state is then updated at once,
 * so that no intermediate tensor is ever written. */
#include "kernels/kernels.h"

#define STRIPS (SN_BLOCK / WIDTH)
/* Strips done together when there is one row, to keep enough independent
 * multiply-adds in flight. */
#define PAIR 2

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#  define SANITIZED 1
#elif defined(__has_feature)
#  if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#    define SANITIZED 1
#  endif
#endif
#ifndef SANITIZED
#  define SANITIZED 0
#endif

/* Vectors stay in registers when all loops over them are unrolled and all calls
 * inlined. Plain C has none, and would only grow by it: fifteen times. With the
 * checks of a sanitizer in it, such code takes minutes to compile. */
#if MAX_ROWS == 1 || SANITIZED
#  define UNROLL
#  define INLINE static
#else
#  if defined(__clang__)
#    define UNROLL _Pragma("clang loop unroll(full)")
#  else
#    define UNROLL _Pragma("GCC unroll 16")
#  endif
#  define INLINE static inline __attribute__((always_inline))
#endif

/* Position of strip s in a row of gates. */
INLINE size_t strip_gates(size_t s)
{
    return s / STRIPS * SN_BLOCK_GATES + s % STRIPS * WIDTH;
}

/* e^x for |x| <= 29. Cody and Waite's reduction with ln 2 in two parts and the
 * degree-5 polynomial of the Cephes library's expf; 1 ulp or so. */
INLINE V v_exp(V x)
{
    V n = v_round(v_mul(x, v_set(1.44269504f)));
    V r = v_fma(n, v_set(-0.693359375f), x);
    r = v_fma(n, v_set(2.12194440e-4f), r);
    V p = v_set(1.9875691500e-4f);
    p = v_fma(p, r, v_set(1.3981999507e-3f));
    p = v_fma(p, r, v_set(8.3334519073e-3f));
    p = v_fma(p, r, v_set(4.1665795894e-2f));
    p = v_fma(p, r, v_set(1.6666665459e-1f));
    p = v_fma(p, r, v_set(5.0000001201e-1f));
    p = v_fma(p, v_mul(r, r), v_add(r, v_set(1.0f)));
    return v_scale(p, n);
}

/* e^-x with x held in [-29, 29]: beyond, sigmoid is 0 or 1 to 3e-13, and the
 * products of two such terms stay far from overflow. A NaN becomes e^29. */
INLINE V v_exp_negative(V x)
{
    x = v_min(v_max(x, v_set(-29.0f)), v_set(29.0f));
    return v_exp(v_sub(v_set(0.0f), x));
}

/* sigmoid(a) tanh(b) with a single division: with p = e^-a and q = e^-2b,
 * 1/(1+p) (1-q)/(1+q). */
INLINE V v_sigmoid_tanh(V a, V b)
{
    V one = v_set(1.0f);
    V p = v_exp_negative(a);
    V q = v_exp_negative(v_add(b, b));
    return v_div(v_sub(one, q), v_mul(v_add(one, p), v_add(one, q)));
}

/* The pointwise part for one row of one strip; gives the new h. */
INLINE V update(const V gate[SN_GATES], float *h_next, float *c, float *sum)
{
    V one = v_set(1.0f);
    V forget = v_div(one, v_add(one, v_exp_negative(gate[1])));
    V cell = v_fma(forget, v_load(c), v_sigmoid_tanh(gate[0], gate[2]));
    V hidden = v_sigmoid_tanh(gate[3], cell);
    v_store(c, cell);
    v_store(h_next, hidden);
    v_store(sum, v_add(v_load(sum), hidden));
    return hidden;
}

INLINE void load_gates(V gate[SN_GATES], const float *gates)
{
    UNROLL for (int q = 0; q < SN_GATES; q++) gate[q] = v_load(gates + q * SN_BLOCK);
}

/* Asks for the gates that the next strips of the same rows begin with: folded
 * rows lie anywhere in memory, and no hardware guesses them. */
INLINE void prefetch_gates(const sn_step *step, size_t row, int rows, size_t strip, int strips)
{
    size_t next = step->descending ? strip - (size_t)strips : strip + (size_t)strips;
    if (next >= step->blocks * STRIPS) /* below zero wraps around */
        return;
    for (int r = 0; r < rows; r++)
        for (int s = 0; s < strips; s++)
            for (int q = 0; q < SN_GATES; q++)
                __builtin_prefetch(step->gates[row + (size_t)r] + strip_gates(next + (size_t)s) +
                                   q * SN_BLOCK);
}

/* Walks rows x strips in tiles whose sizes are compile-time constants: strips
 * outside, so that a strip's weights are reused by all rows from the nearest
 * cache; rows split evenly, so that no tile is left with a single row. The
 * order of strips changes no result: no strip reads what another writes. */
#define WALK(tile, arguments, descending)                                                          \
  size_t strips = (arguments)->blocks * STRIPS;                                                    \
  if ((arguments)->rows == 1) {                                                                    \
    size_t pairs = strips / PAIR;                                                                  \
    for (size_t p = 0; p < pairs; p++)                                                             \
      tile(arguments, 0, 1, ((descending) ? pairs - 1 - p : p) * PAIR, PAIR);                      \
    for (size_t s = pairs * PAIR; s < strips; s++)                                                 \
      tile(arguments, 0, 1, s, 1);                                                                 \
    return;                                                                                        \
  }                                                                                                \
  for (size_t n = 0; n < strips; n++) {                                                            \
    size_t s = (descending) ? strips - 1 - n : n;                                                  \
    size_t row = 0, tiles = ((arguments)->rows + MAX_ROWS - 1) / MAX_ROWS;                         \
    for (; tiles > 0; tiles--) {                                                                   \
      size_t rows = ((arguments)->rows - row + tiles - 1) / tiles;                                 \
      switch (rows) {                                                                              \
        WALK_CASES(tile, arguments)                                                                \
      }                                                                                            \
      row += rows;                                                                                 \
    }                                                                                              \
  }
#define WALK_CASE(tile, arguments, n)                                                              \
  case n:                                                                                          \
    tile(arguments, row, n, s, 1);                                                                 \
    break;
/* The sizes of tiles, 1 to MAX_ROWS, as cases of their own. */
#if MAX_ROWS >= 2
#  define WALK_CASE_2(tile, arguments) WALK_CASE(tile, arguments, 2)
#else
#  define WALK_CASE_2(tile, arguments)
#endif
#if MAX_ROWS >= 3
#  define WALK_CASE_3(tile, arguments) WALK_CASE(tile, arguments, 3)
#else
#  define WALK_CASE_3(tile, arguments)
#endif
#if MAX_ROWS >= 4
#  define WALK_CASE_4(tile, arguments) WALK_CASE(tile, arguments, 4)
#else
#  define WALK_CASE_4(tile, arguments)
#endif
#if MAX_ROWS >= 5
#  define WALK_CASE_5(tile, arguments) WALK_CASE(tile, arguments, 5)
#else
#  define WALK_CASE_5(tile, arguments)
#endif
#if MAX_ROWS >= 6
#  define WALK_CASE_6(tile, arguments) WALK_CASE(tile, arguments, 6)
#else
#  define WALK_CASE_6(tile, arguments)
#endif
#define WALK_CASES(tile, arguments)                                                                \
  WALK_CASE(tile, arguments, 1)                                                                    \
  WALK_CASE_2(tile, arguments)                                                                     \
  WALK_CASE_3(tile, arguments)                                                                     \
  WALK_CASE_4(tile, arguments)                                                                     \
  WALK_CASE_5(tile, arguments)                                                                     \
  WALK_CASE_6(tile, arguments)
