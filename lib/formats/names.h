/* SPDX-License-Identifier: Apache-2.0
 *
 * Small helpers for names that come out of untrusted files: compare, sort in
 * bounded time, check UTF-8, quote in a message. No allocation. */
#ifndef SN_FORMATS_NAMES_H
#define SN_FORMATS_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Bytes somewhere in a file, not NUL-terminated. */
typedef struct sn_name {
    const uint8_t *data;
    size_t size;
} sn_name;

/* Room for a quoted name. */
#define SN_QUOTE_SIZE 72

/* Less than, equal to or greater than 0, by bytes. */
int sn_name_compare(sn_name a, sn_name b);
_Bool sn_name_is(sn_name name, const char *text);
_Bool sn_name_starts(sn_name name, const char *text);
_Bool sn_name_ends(sn_name name, const char *text);
/* Whether the text, which is not empty, stands somewhere in the bytes. */
_Bool sn_name_contains(sn_name name, const char *text);

/* Heap sort: n log n comparisons whatever the input is, in place. Items are at
 * most 64 bytes. */
typedef int (*sn_compare_fn)(const void *a, const void *b);
void sn_sort(void *items, size_t count, size_t item_size, sn_compare_fn compare);

/* Length of the UTF-8 sequence at the start of `data`, 0 if there is none that
 * is well-formed. `surrogates`: accept U+D800..DFFF as three bytes. */
size_t sn_name_utf8_sequence(const uint8_t *data, size_t size, _Bool surrogates);
/* Offset of the first byte that is not UTF-8, `size` if all is well. */
size_t sn_name_utf8_check(const uint8_t *data, size_t size, _Bool surrogates);

/* The name between single quotes for an error message: cut where it is long, a
 * question mark for what does not print. Returns `out`. */
const char *sn_quote(char out[SN_QUOTE_SIZE], const uint8_t *data, size_t size);

#endif
