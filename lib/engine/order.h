/* SPDX-License-Identifier: Apache-2.0
 *
 * Longest rows first, equal ones in their own order: neighbours in a tile then
 * end together, and threads end together. */
#ifndef SN_ENGINE_ORDER_H
#define SN_ENGINE_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* Fills order[0..count) with row numbers, by descending total. `swap` is
 * scratch of the same size. Totals are at most 2^24-1; count below 2^32. */
void sn_order_rows(const uint32_t *totals, size_t count, uint32_t *order, uint32_t *swap);

#endif
