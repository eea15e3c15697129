/* SPDX-License-Identifier: Apache-2.0
 *
 * The fp32 kernels for AVX2 with FMA: a block is two strips. Three rows use 12
 * of the 16 registers for accumulators. */
#include "kernels/vector_avx2.h"

#define MAX_ROWS 3
#define NAME(function) sn_avx2_##function

#include "kernels/lstm_template.h"
