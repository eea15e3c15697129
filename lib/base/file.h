/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole files in, whole files out. All path and file system calls of the
 * library are here. */
#ifndef SN_BASE_FILE_H
#define SN_BASE_FILE_H

#include "base/memory.h"

/* Bytes of a file, or somebody's buffer, with the way to give them back. */
typedef struct sn_bytes {
    const uint8_t *data;
    size_t size;
    /* Private. */
    int origin;
    sn_memory memory;
    sentiment_release_fn release;
    void *release_user;
} sn_bytes;

/* Reads (or maps) a regular file of at most `limit` bytes. Directories,
 * devices and FIFOs are refused without blocking. */
sentiment_status sn_file_read(const char *path, const sn_memory *memory, _Bool use_mmap,
                              uint64_t limit, sn_bytes *out, sentiment_error *error);
/* The real path of `name`, a path that a file in `folder` gave, without links and empty parts,
 * to be freed: one that is absolute, has a part "..", or leads out of the folder through
 * symbolic links is BAD_MODEL. */
sentiment_status sn_path_find_inside(const char *folder, const char *name, const sn_memory *memory,
                                     char **out, sentiment_error *error);
/* A copy of the caller's bytes. */
sentiment_status sn_bytes_copy(const void *data, size_t size, const sn_memory *memory,
                               sn_bytes *out, sentiment_error *error);
/* The caller's own bytes, released through `release` (may be NULL). */
void sn_bytes_borrow(const void *data, size_t size, sentiment_release_fn release, void *user,
                     sn_bytes *out);
void sn_bytes_free(sn_bytes *bytes);

/* 1 a directory, 0 something else, negative an error that was reported. */
int sn_path_is_directory(const char *path, sentiment_error *error);
/* Whether something exists at the path. */
_Bool sn_path_exists(const char *path);
/* Makes one directory; an existing one is fine. */
sentiment_status sn_directory_make(const char *path, sentiment_error *error);
/* Removes a directory if it is empty. */
void sn_directory_remove(const char *path);
/* "folder/name", NULL if memory ran out. */
char *sn_path_join(const sn_memory *memory, const char *folder, const char *name);

/* A file that is written aside and takes its name only when it is complete and
 * on disk. Zero-initialise; sn_writer_abort is safe in every state. */
typedef struct sn_writer {
    const sn_memory *memory;
    char *path;      /* final name */
    char *temporary; /* name while being written */
    int descriptor;
    _Bool open;
    _Bool complete; /* synced and closed, not yet renamed */
} sn_writer;

sentiment_status sn_writer_open(sn_writer *writer, const char *path, const sn_memory *memory,
                                sentiment_error *error);
sentiment_status sn_writer_write(sn_writer *writer, const void *data, size_t size,
                                 sentiment_error *error);
/* Writes everything to disk and closes, without renaming. */
sentiment_status sn_writer_sync(sn_writer *writer, sentiment_error *error);
/* sn_writer_sync if needed, then takes the final name. */
sentiment_status sn_writer_commit(sn_writer *writer, sentiment_error *error);
/* Removes what was written unless committed; frees. */
void sn_writer_abort(sn_writer *writer);

#endif
