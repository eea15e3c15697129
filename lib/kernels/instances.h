/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions that the templates make, by instruction set. Each is what the
 * member of sn_kernels of the same name tells. */
#ifndef SN_KERNELS_INSTANCES_H
#define SN_KERNELS_INSTANCES_H

#include "kernels/kernels.h"

#define SN_KERNELS_FP32(isa)                                                                       \
  void sn_##isa##_project(const sn_project *project);                                              \
  void sn_##isa##_step(const sn_step *step);                                                       \
  void sn_##isa##_dots(const float *weights, size_t rows, const float *x, size_t n, float *out)
#define SN_KERNELS_INT8(isa)                                                                       \
  void sn_##isa##_project_int8(const sn_project *project);                                         \
  void sn_##isa##_step_int8(const sn_step *step)

SN_KERNELS_FP32(c);
SN_KERNELS_FP32(avx2);
SN_KERNELS_FP32(avx512);
SN_KERNELS_FP32(neon);
SN_KERNELS_INT8(c);
SN_KERNELS_INT8(avx2);
SN_KERNELS_INT8(avx2_vnni);
SN_KERNELS_INT8(avx512);
SN_KERNELS_INT8(avx512_vnni);
SN_KERNELS_INT8(neon);
SN_KERNELS_INT8(neon_dotprod);

#endif
