/* SPDX-License-Identifier: Apache-2.0
 *
 * Files of tests/golden, for the tests of readers. A file is held in a block
 * of exactly its size, so that sanitizers see the first byte too many. */
#ifndef UNIT_FORMATS_GOLDEN_FILES_H
#define UNIT_FORMATS_GOLDEN_FILES_H

#include "base/file.h"
#include "base/memory.h"
#include "support/faulty_allocator.h"

typedef struct golden_file {
    char name[256]; /* without its folder */
    uint8_t *data;
    size_t size;
} golden_file;

/* Reads tests/golden/NAME; fails the test if it is not there. */
golden_file golden_read(const char *name);
void golden_free(golden_file *file);
/* Calls `each` with every file of tests/golden/FOLDER; returns their number. */
size_t golden_each(const char *folder, void (*each)(const golden_file *file));
/* Calls `each` with tests/golden/guide/NAME/FILE for every NAME. */
size_t golden_each_guide(const char *file, void (*each)(const golden_file *file));
/* A copy of the first `size` bytes in a block of that size. */
uint8_t *golden_copy(const uint8_t *data, size_t size);
/* An allocator of readers that `state` controls. */
sn_memory golden_faulty_memory(faulty_allocator *state);

#endif
