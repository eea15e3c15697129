/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays that end where a page begins that nobody may touch, and whose start
 * is aligned to nothing but their element: kernels that read or write past
 * them die at once. */
#ifndef SUPPORT_GUARDED_H
#define SUPPORT_GUARDED_H

#include <stddef.h>

/* `count` floats; released with guarded_free(array, count). Aborts the test
 * program when the system gives no memory. */
float *guarded_floats(size_t count);
void guarded_free(float *array, size_t count);
/* The same in bytes, which are as aligned as their number is. */
void *guarded_bytes(size_t count);
void guarded_bytes_free(void *array, size_t count);

#endif
