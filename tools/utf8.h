/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking over bytes that should be UTF-8, for printing: what is not valid is
 * shown as U+FFFD and never reaches a terminal or a JSON reader raw. */
#ifndef TOOLS_UTF8_H
#define TOOLS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One step: `length` bytes (1 to 4) that are one character, or a maximal bad
 * sequence (Unicode 3.9, best practice) where `valid` is false. */
typedef struct utf8_step {
    size_t length;
    uint32_t character;
    bool valid;
} utf8_step;

/* `size` must be at least 1. */
utf8_step utf8_next(const char *text, size_t size);

#endif
