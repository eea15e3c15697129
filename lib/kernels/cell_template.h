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
 * and, where two are not the right number, PAIR.
 *
 * A strip is WIDTH hidden units of one block: the unit of work whose four
 * gates are accumulated in registers and whose state is then updated at once,
 * so that no intermediate tensor is ever written. */
#include "kernels/kernels.h"

#define STRIPS (SN_BLOCK / WIDTH)
/* Strips done together when there is one row, to keep enough independent
 * multiply-adds in flight: a pair, or as many as the instantiation says. */
#ifndef PAIR
#  define PAIR 2
#endif

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

/* A macro's loop over the rows of a tile: operation by operation, so that their
 * long chains of dependent operations run side by side. */
#define EACH_ROW UNROLL for (int r = 0; r < rows; r++)

/* x = e^-x with x held in [-29, 29]: beyond, sigmoid is 0 or 1 to 3e-13, and the
 * products of two such terms stay far from overflow. A NaN becomes e^29. Cody and
 * Waite's reduction with ln 2 in two parts and the degree-5 polynomial of the
 * Cephes library's expf; 1 ulp or so. */
INLINE void exp_negative(int rows, V x[MAX_ROWS])
{
    V n[MAX_ROWS], p[MAX_ROWS], square[MAX_ROWS];
    EACH_ROW x[r] = v_min(v_max(x[r], v_set(-29.0f)), v_set(29.0f));
    EACH_ROW x[r] = v_sub(v_set(0.0f), x[r]);
    EACH_ROW n[r] = v_round(v_mul(x[r], v_set(1.44269504f)));
    EACH_ROW x[r] = v_fma(n[r], v_set(-0.693359375f), x[r]);
    EACH_ROW x[r] = v_fma(n[r], v_set(2.12194440e-4f), x[r]);
    EACH_ROW p[r] = v_fma(v_set(1.9875691500e-4f), x[r], v_set(1.3981999507e-3f));
    EACH_ROW p[r] = v_fma(p[r], x[r], v_set(8.3334519073e-3f));
    EACH_ROW p[r] = v_fma(p[r], x[r], v_set(4.1665795894e-2f));
    EACH_ROW p[r] = v_fma(p[r], x[r], v_set(1.6666665459e-1f));
    EACH_ROW p[r] = v_fma(p[r], x[r], v_set(5.0000001201e-1f));
    EACH_ROW square[r] = v_mul(x[r], x[r]);
    EACH_ROW x[r] = v_add(x[r], v_set(1.0f));
    EACH_ROW p[r] = v_fma(p[r], square[r], x[r]);
    EACH_ROW x[r] = v_scale(p[r], n[r]);
}

/* a = sigmoid(a) tanh(b) with a single division: with p = e^-a and q = e^-2b,
 * 1/(1+p) (1-q)/(1+q). */
INLINE void sigmoid_tanh(int rows, V a[MAX_ROWS], V b[MAX_ROWS])
{
    V one = v_set(1.0f);
    EACH_ROW b[r] = v_add(b[r], b[r]);
    exp_negative(rows, a);
    exp_negative(rows, b);
    EACH_ROW a[r] = v_div(v_sub(one, b[r]), v_mul(v_add(one, a[r]), v_add(one, b[r])));
}

/* The pointwise part for the rows of one strip: gates i, f, g, o to the new h, which
 * is left in gate o. h_next, c and sum are those of the first row. */
INLINE void update(int rows, V gate[SN_GATES][MAX_ROWS], size_t padded, float *h_next, float *c,
                   float *sum)
{
    V one = v_set(1.0f), cell[MAX_ROWS];
    exp_negative(rows, gate[1]);
    EACH_ROW gate[1][r] = v_div(one, v_add(one, gate[1][r]));
    sigmoid_tanh(rows, gate[0], gate[2]);
    EACH_ROW cell[r] = v_fma(gate[1][r], v_load(c + (size_t)r * padded), gate[0][r]);
    EACH_ROW v_store(c + (size_t)r * padded, cell[r]);
    sigmoid_tanh(rows, gate[3], cell);
    EACH_ROW v_store(h_next + (size_t)r * padded, gate[3][r]);
    EACH_ROW v_store(sum + (size_t)r * padded, v_add(v_load(sum + (size_t)r * padded), gate[3][r]));
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
