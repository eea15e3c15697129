/* SPDX-License-Identifier: Apache-2.0
 *
 * Folders and files below the folder of models. Every step down goes by name from
 * an open folder and follows no symbolic link, so that nothing outside is read
 * whatever lies there. Messages show names below the root, never the root. */
#ifndef TOOLS_SERVE_REGISTRY_FILES_H
#define TOOLS_SERVE_REGISTRY_FILES_H

#include <sentiment/sentiment.h>

#include <stdbool.h>
#include <stddef.h>

/* Opens root, root/name or root/name/version (NULL ends the way): a descriptor to be
 * closed, or -1 with the status in `*status`. */
int serve_files_open(const char *root, const char *name, const char *version,
                     sentiment_status *status, sentiment_error *error);
/* Reads a regular file of at most `limit` bytes; `*data` has a NUL behind it and is
 * to be freed. `shown` is what messages call the file. NOT_FOUND, BAD_MODEL (not a
 * regular file, or too large), IO, OUT_OF_MEMORY, CANCELLED. */
sentiment_status serve_files_read(int folder, const char *name, const char *shown, size_t limit,
                                  const sentiment_cancel *cancel, char **data, size_t *size,
                                  sentiment_error *error);
/* The SHA-256 of a regular file, without keeping it. */
sentiment_status serve_files_digest(int folder, const char *name, const char *shown,
                                    const sentiment_cancel *cancel, char hex[65],
                                    sentiment_error *error);
/* Whether a regular file of that name is there. */
bool serve_files_is_file(int folder, const char *name);

/* Calls `visit` with each name in a folder but . and .., in no order, until it returns
 * false. IO where the folder cannot be read. */
sentiment_status serve_files_each(int folder, bool (*visit)(void *user, const char *name),
                                  void *user, sentiment_error *error);
/* Writes a file aside, syncs it and gives it its name. IO. */
sentiment_status serve_files_write(int folder, const char *name, const char *data, size_t size,
                                   sentiment_error *error);

#endif
