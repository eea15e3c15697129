/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of its own for each test, with files in it. Helpers abort the test
 * program where the system fails them. */
#ifndef SUPPORT_SCRATCH_H
#define SUPPORT_SCRATCH_H

#include <stddef.h>

#define SCRATCH_PATH_SIZE 512

/* Makes a new empty folder under $TMPDIR (or /tmp). */
void scratch_make(char folder[SCRATCH_PATH_SIZE]);
/* Removes the folder with the files and folders in it, two levels deep. */
void scratch_remove(const char *folder);
/* "folder/name" in one of a few static buffers. */
const char *scratch_path(const char *folder, const char *name);
void scratch_write(const char *path, const void *data, size_t size);
/* The bytes of a file with a NUL behind them; free() them. */
void *scratch_read(const char *path, size_t *size);
/* Entries of a folder, hidden ones included. */
size_t scratch_count(const char *folder);

#endif
