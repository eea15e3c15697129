/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a file of digests, and holding a key against all of them: every digest
 * is compared to its end, whatever was found before. */
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "hash.h"

enum { DIGEST = 64, RANDOM_BYTES = 32, FILE_LIMIT = 1 << 20 };

typedef struct entry {
    char name[SERVE_KEYS_NAME_LIMIT + 1];
    char digest[DIGEST]; /* lower-case hexadecimal */
} entry;

struct serve_keys {
    size_t count;
    entry entries[];
};

static bool is_name(const char *name, size_t size)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-";
    if (size == 0 || size > SERVE_KEYS_NAME_LIMIT)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!memchr(allowed, name[i], sizeof allowed - 1))
            return false;
    return true;
}

/* ---------------------------------------------------------------- reading */

static bool read_digest(const char *text, size_t size, char digest[DIGEST])
{
    if (size != DIGEST)
        return false;
    for (size_t i = 0; i < DIGEST; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'F')
            c = (char)(c - 'A' + 'a');
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        digest[i] = c;
    }
    return true;
}

/* What is wrong with a line, or NULL. */
static const char *read_line(const char *line, size_t size, entry *out)
{
    const char *colon = memchr(line, ':', size);
    size_t length = colon ? (size_t)(colon - line) : 0;
    if (!colon)
        return "expected name:sha256";
    if (!is_name(line, length))
        return "the name must be 1 to 64 of A-Z a-z 0-9 . _ -";
    memcpy(out->name, line, length);
    out->name[length] = '\0';
    if (!read_digest(colon + 1, size - length - 1, out->digest))
        return "expected 64 hexadecimal digits after the name";
    return NULL;
}

static const char *find_double(const serve_keys *keys, const entry *added)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->entries[i].name, added->name) == 0)
            return "the name is there twice";
        if (memcmp(keys->entries[i].digest, added->digest, DIGEST) == 0)
            return "the digest is there twice";
    }
    return NULL;
}

static const char *add_line(serve_keys *keys, const char *line, size_t size)
{
    while (size > 0 && (line[size - 1] == ' ' || line[size - 1] == '\r'))
        size--;
    if (size == 0 || line[0] == '#')
        return NULL;
    if (keys->count == SERVE_KEYS_LIMIT)
        return "too many keys, at most 4096";
    entry *added = &keys->entries[keys->count];
    const char *wrong = read_line(line, size, added);
    if (!wrong)
        wrong = find_double(keys, added);
    keys->count += !wrong;
    return wrong;
}

/* Lines of a text, one more than its newlines. */
static size_t count_lines(const char *text, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines < SERVE_KEYS_LIMIT ? lines : SERVE_KEYS_LIMIT;
}

sentiment_status serve_keys_parse(const char *text, size_t size, serve_keys **keys,
                                  sentiment_error *error)
{
    serve_keys *made = calloc(1, sizeof *made + count_lines(text, size) * sizeof *made->entries);
    if (!made)
        return serve_fail_memory(error);
    const char *end = text + size;
    for (size_t number = 1; text < end; number++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const char *stop = newline ? newline : end;
        const char *wrong = add_line(made, text, (size_t)(stop - text));
        if (wrong) {
            free(made);
            return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, "line %zu: %s", number,
                              wrong);
        }
        text = newline ? newline + 1 : end;
    }
    *keys = made;
    return SENTIMENT_OK;
}

/* Reads to the end of the file; *size is FILE_LIMIT + 1 where it is larger. */
static sentiment_status read_all(int file, char *text, size_t *size)
{
    *size = 0;
    while (*size <= FILE_LIMIT) {
        ssize_t got = read(file, text + *size, FILE_LIMIT + 1 - *size);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return SENTIMENT_ERROR_IO;
        *size += got > 0 ? (size_t)got : 0;
    }
    return SENTIMENT_OK;
}

static sentiment_status read_keys(int file, const char *path, char *text, serve_keys **keys,
                                  sentiment_error *error)
{
    sentiment_error detail = {.struct_size = sizeof detail};
    struct stat about;
    size_t size = 0;
    if (fstat(file, &about) || (S_ISREG(about.st_mode) && read_all(file, text, &size)))
        return serve_fail(error, SENTIMENT_ERROR_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return serve_fail(error, SENTIMENT_ERROR_IO, "%s: not a regular file", path);
    if (about.st_mode & S_IWOTH)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                          "%s: anybody may write to it (chmod o-w)", path);
    if (size > FILE_LIMIT)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, "%s: larger than 1 MiB", path);
    sentiment_status status = serve_keys_parse(text, size, keys, &detail);
    return status ? serve_fail(error, status, "%s: %s", path, detail.message) : SENTIMENT_OK;
}

sentiment_status serve_keys_load(const char *path, serve_keys **keys, sentiment_error *error)
{
    char *text = malloc(FILE_LIMIT + 1);
    if (!text)
        return serve_fail_memory(error);
    /* O_NONBLOCK: a FIFO must not hold the server up. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    sentiment_status status = SENTIMENT_OK;
    if (file < 0)
        status = serve_fail(error, errno == ENOENT ? SENTIMENT_ERROR_NOT_FOUND : SENTIMENT_ERROR_IO,
                            "%s: %s", path, strerror(errno));
    else
        status = read_keys(file, path, text, keys, error);
    if (file >= 0)
        close(file);
    free(text);
    return status;
}

void serve_keys_free(serve_keys *keys)
{
    free(keys);
}

size_t serve_keys_count(const serve_keys *keys)
{
    return keys ? keys->count : 0;
}

/* --------------------------------------------------------------- checking */

/* 0 if the digests are the same. Words, because a file may hold thousands; what
 * passes through a volatile cannot make the compiler leave out the rest. */
static uint64_t differ(const char a[DIGEST], const char b[DIGEST])
{
    uint64_t all = 0;
    for (size_t i = 0; i < DIGEST; i += sizeof all) {
        uint64_t left, right;
        memcpy(&left, a + i, sizeof left);
        memcpy(&right, b + i, sizeof right);
        all |= left ^ right;
    }
    volatile uint64_t whole = all;
    return whole;
}

const char *serve_keys_check(const serve_keys *keys, const char *key, size_t size)
{
    char hex[DIGEST + 1];
    size_t found = SIZE_MAX;
    if (!keys || size > SERVE_KEYS_KEY_LIMIT)
        return NULL;
    serve_hash_sha256(key, size, hex);
    for (size_t i = 0; i < keys->count; i++) {
        /* All ones where they are the same: chosen without a branch. */
        size_t same = (size_t)0 - (size_t)(differ(hex, keys->entries[i].digest) == 0);
        found = (found & ~same) | (i & same);
    }
    explicit_bzero(hex, sizeof hex);
    return found == SIZE_MAX ? NULL : keys->entries[found].name;
}

/* Digests have one length: that of the secret stays hidden. */
int serve_keys_equal(const char *given, size_t given_size, const char *expected,
                     size_t expected_size)
{
    char a[DIGEST + 1], b[DIGEST + 1];
    serve_hash_sha256(given, given_size, a);
    serve_hash_sha256(expected, expected_size, b);
    int same = differ(a, b) == 0;
    explicit_bzero(a, sizeof a);
    explicit_bzero(b, sizeof b);
    return same;
}

/* ----------------------------------------------------------------- making */

sentiment_status serve_keys_generate(char key[SERVE_KEYS_KEY_SIZE], sentiment_error *error)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char random[RANDOM_BYTES + 1] = {0};
    if (getrandom(random, RANDOM_BYTES, 0) != RANDOM_BYTES)
        return serve_fail(error, SENTIMENT_ERROR_IO, "no random bytes: %s", strerror(errno));
    /* Base64 for URLs: 43 digits of 6 bits, the last one of 4. */
    for (size_t i = 0; i < SERVE_KEYS_KEY_SIZE - 1; i++) {
        size_t bit = i * 6, byte = bit / 8;
        unsigned pair = (unsigned)random[byte] << 8 | random[byte + 1];
        key[i] = digits[pair >> (10 - bit % 8) & 63];
    }
    key[SERVE_KEYS_KEY_SIZE - 1] = '\0';
    explicit_bzero(random, sizeof random);
    return SENTIMENT_OK;
}

sentiment_status serve_keys_make_line(const char *name, const char *key, size_t size,
                                      char line[SERVE_KEYS_LINE_SIZE], sentiment_error *error)
{
    char hex[DIGEST + 1];
    if (!is_name(name, strlen(name)))
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                          "the name must be 1 to 64 of A-Z a-z 0-9 . _ -");
    if (size < SERVE_KEYS_KEY_MINIMUM || size > SERVE_KEYS_KEY_LIMIT)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                          "the key has %zu bytes, expected %d to %d", size, SERVE_KEYS_KEY_MINIMUM,
                          SERVE_KEYS_KEY_LIMIT);
    serve_hash_sha256(key, size, hex);
    snprintf(line, SERVE_KEYS_LINE_SIZE, "%s:%s\n", name, hex);
    return SENTIMENT_OK;
}
