/* SPDX-License-Identifier: Apache-2.0
 *
 * How deep and how large a JSON text is, before a parser allocates for it. */
#ifndef TOOLS_SERVE_JSON_MEASURE_H
#define TOOLS_SERVE_JSON_MEASURE_H

#include <stddef.h>

typedef enum json_shape { JSON_FINE, JSON_TOO_DEEP, JSON_TOO_MANY } json_shape;

/* Brackets inside each other, and commas, outside of strings. One pass over the
 * bytes, whatever they are. */
json_shape json_measure(const char *data, size_t size, size_t depth, size_t commas);

#endif
