/* SPDX-License-Identifier: Apache-2.0
 *
 * The fp32 kernels for NEON, which every aarch64 has. Six rows use 24 of the 32
 * registers for accumulators. */
#include "kernels/vector_neon.h"

#define MAX_ROWS 6
#define NAME(function) sn_neon_##function

#include "kernels/lstm_template.h"
