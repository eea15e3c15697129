/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a fuzz target over its committed corpus as an ordinary test, without
 * libFuzzer: replay FOLDER. Every file as it is; of the small ones also each
 * beginning and each with one bit turned, evenly thinned out to a fixed number
 * of runs, so that the test takes seconds and is the same every time. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

/* Runs of changed files for the whole corpus, and the largest file changed. */
#define CHANGED_RUNS ((size_t)6000)
#define CHANGED_SIZE ((size_t)2048)

/* Which run ended the program. */
static char place[300];

static void tell_place(int number)
{
    ssize_t wrote = write(STDERR_FILENO, place, strlen(place));
    (void)wrote;
    signal(number, SIG_DFL);
    raise(number);
}

static void insist(_Bool condition, const char *what)
{
    if (!condition) {
        perror(what);
        exit(1);
    }
}

static void set_place(const char *name, size_t change)
{
    snprintf(place, sizeof place, "replay: in %.200s, change %zu (0: none)\n", name, change);
}

/* A block of exactly that size, so that AddressSanitizer sees its end. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    insist(copy != NULL, "malloc");
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

/* Every `stride`-th of the changes: first cuts, then bits. The header stays. */
static size_t run_changed(const char *name, uint8_t *data, size_t size, size_t runs)
{
    size_t cuts = size - FUZZ_HEADER, changes = cuts * 9, done = 0;
    size_t stride = changes / runs + 1;
    for (size_t i = stride / 2; i < changes; i += stride, done++) {
        set_place(name, i + 1);
        if (i < cuts) {
            run(data, FUZZ_HEADER + i);
            continue;
        }
        size_t bit = i - cuts;
        uint8_t *byte = &data[FUZZ_HEADER + bit / 8];
        *byte ^= (uint8_t)(1u << bit % 8);
        run(data, size);
        *byte ^= (uint8_t)(1u << bit % 8);
    }
    return done;
}

static size_t run_file(const char *folder, const char *name, size_t runs)
{
    static uint8_t data[1 << 20];
    char path[1024];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    insist(length > 0 && (size_t)length < sizeof path, folder);
    FILE *file = fopen(path, "rb");
    insist(file != NULL, path);
    size_t size = fread(data, 1, sizeof data, file);
    insist(!ferror(file) && size < sizeof data, path);
    fclose(file);
    set_place(name, 0);
    run(data, size);
    if (size <= FUZZ_HEADER || size > CHANGED_SIZE)
        return 1;
    return 1 + run_changed(name, data, size, runs);
}

static int is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    struct dirent **entries = NULL;
    size_t runs = 0;
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    signal(SIGABRT, tell_place);
    signal(SIGSEGV, tell_place);
    int count = scandir(argv[1], &entries, is_file, alphasort);
    insist(count > 0, argv[1]);
    for (int i = 0; i < count; i++) {
        runs += run_file(argv[1], entries[i]->d_name, CHANGED_RUNS / (size_t)count + 1);
        free(entries[i]);
    }
    free(entries);
    printf("%d files, %zu runs\n", count, runs);
    return 0;
}
