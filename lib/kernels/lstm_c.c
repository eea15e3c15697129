/* SPDX-License-Identifier: Apache-2.0
 *
 * The fp32 kernels in plain C: the truth that every other instantiation must
 * match bit for bit. */
#include "kernels/vector_c.h"

#define MAX_ROWS 1

#include "kernels/lstm_template.h"
