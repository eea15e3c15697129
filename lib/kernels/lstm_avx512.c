/* SPDX-License-Identifier: Apache-2.0
 *
 * The fp32 kernels for AVX-512: a strip is a whole block. Six rows use 24 of
 * the 32 registers for accumulators. */
#include "kernels/vector_avx512.h"

#define MAX_ROWS 6
#define NAME(function) sn_avx512_##function

#include "kernels/lstm_template.h"
