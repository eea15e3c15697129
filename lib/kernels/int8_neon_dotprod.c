/* SPDX-License-Identifier: Apache-2.0
 *
 * The int8 kernels for NEON with the dot product extension: sdot adds four
 * products of signed bytes at once, without saturating. Six rows use 24 of the
 * 32 registers for sums. */
#include "kernels/vector_neon.h"

#define MAX_ROWS 6
#define NAME(function) sn_neon_dotprod_##function
#define q_dot(q, x, w) vdotq_s32(q, w, x)

#include "kernels/int8_template.h"
