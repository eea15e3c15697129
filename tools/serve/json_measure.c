/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass over JSON, for its brackets and commas. It judges nothing else: what
 * is wrong otherwise, the parser finds. */
#include "json_measure.h"

#include <stdbool.h>

json_shape json_measure(const char *data, size_t size, size_t depth, size_t commas)
{
    size_t open = 0, seen = 0;
    bool inside = false;
    for (size_t i = 0; i < size; i++) {
        char byte = data[i];
        if (inside) {
            if (byte == '\\')
                i++;
            else if (byte == '"')
                inside = false;
        } else if (byte == '"') {
            inside = true;
        } else if (byte == '[' || byte == '{') {
            if (++open > depth)
                return JSON_TOO_DEEP;
        } else if (byte == ']' || byte == '}') {
            open -= open > 0;
        } else if (byte == ',' && ++seen > commas) {
            return JSON_TOO_MANY;
        }
    }
    return JSON_FINE;
}
