/* SPDX-License-Identifier: Apache-2.0
 *
 * See order.h. A radix sort by bytes: linear, stable, no allocation. */
#include "engine/order.h"

#include <string.h>

static void sort_by_byte(const uint32_t *totals, size_t count, unsigned shift, const uint32_t *from,
                         uint32_t *to)
{
    size_t first[257] = {0};
    for (size_t i = 0; i < count; i++)
        first[256 - ((totals[from[i]] >> shift) & 255)]++;
    for (size_t b = 1; b < 257; b++)
        first[b] += first[b - 1];
    for (size_t i = 0; i < count; i++)
        to[first[255 - ((totals[from[i]] >> shift) & 255)]++] = from[i];
}

void sn_order_rows(const uint32_t *totals, size_t count, uint32_t *order, uint32_t *swap)
{
    uint32_t any = 0;
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
        any |= totals[i] ^ totals[0];
    }
    for (unsigned shift = 0; shift < 24; shift += 8) {
        if (((any >> shift) & 255) == 0)
            continue;
        sort_by_byte(totals, count, shift, order, swap);
        memcpy(order, swap, count * sizeof *order);
    }
}
