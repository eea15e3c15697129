/* SPDX-License-Identifier: Apache-2.0
 *
 * API keys. A file holds a line `name:sha256` for each, 64 hexadecimal digits
 * of the key's SHA-256; empty lines and lines that begin with # are skipped. Keys
 * themselves are nowhere kept and never in a message. The digests have no salt: keys
 * are made by serve_keys_generate from 256 random bits, which no table can hold,
 * and one digest a request does for any number of keys. */
#ifndef TOOLS_SERVE_KEYS_H
#define TOOLS_SERVE_KEYS_H

#include <sentiment/sentiment.h>

#include <stddef.h>

/* Keys in a file, bytes of a name ([A-Za-z0-9._-]), and bytes of a key. */
#define SERVE_KEYS_LIMIT 4096
#define SERVE_KEYS_NAME_LIMIT 64
#define SERVE_KEYS_KEY_MINIMUM 16
#define SERVE_KEYS_KEY_LIMIT 512
/* A generated key with its NUL, and a line with newline and NUL. */
#define SERVE_KEYS_KEY_SIZE 44
#define SERVE_KEYS_LINE_SIZE (SERVE_KEYS_NAME_LIMIT + 1 + 64 + 2)

/* Immutable once loaded: any number of threads may check. To reload, load another
 * one and swap. */
typedef struct serve_keys serve_keys;

/* A file with a wrong line, or a name or digest twice, is refused as a whole; the
 * message has the line's number, not its content. So is one that anybody may write
 * to. NOT_FOUND, IO, INVALID_ARGUMENT or OUT_OF_MEMORY. */
sentiment_status serve_keys_load(const char *path, serve_keys **keys, sentiment_error *error);
/* The same from memory. */
sentiment_status serve_keys_parse(const char *text, size_t size, serve_keys **keys,
                                  sentiment_error *error);
void serve_keys_free(serve_keys *keys);
size_t serve_keys_count(const serve_keys *keys);

/* The name that a key has, NULL if it has none; lives as long as `keys`. Takes the
 * same time for every key of a length, right or wrong. NULL for `keys`: no key is
 * right. */
const char *serve_keys_check(const serve_keys *keys, const char *key, size_t size);
/* Whether two secrets are the same (such as the admin's token), in a time that
 * depends on the length of `given` alone. */
int serve_keys_equal(const char *given, size_t given_size, const char *expected,
                     size_t expected_size);

/* A new key: 43 characters of A-Z a-z 0-9 - _. IO where the system gives no random
 * bytes. */
sentiment_status serve_keys_generate(char key[SERVE_KEYS_KEY_SIZE], sentiment_error *error);
/* The line for a key, newline and NUL at its end. INVALID_ARGUMENT: the name has
 * other characters or is too long, the key is shorter than 16 bytes or longer than
 * 512. */
sentiment_status serve_keys_make_line(const char *name, const char *key, size_t size,
                                      char line[SERVE_KEYS_LINE_SIZE], sentiment_error *error);

#endif
