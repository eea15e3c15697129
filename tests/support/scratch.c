/* SPDX-License-Identifier: Apache-2.0
 *
 * See scratch.h. */
#include "support/scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void insist(int condition, const char *what)
{
    if (!condition) {
        perror(what);
        abort();
    }
}

void scratch_make(char folder[SCRATCH_PATH_SIZE])
{
    const char *base = getenv("TMPDIR");
    snprintf(folder, SCRATCH_PATH_SIZE, "%s/sentiment-test-XXXXXX", base && *base ? base : "/tmp");
    insist(mkdtemp(folder) != NULL, folder);
}

const char *scratch_path(const char *folder, const char *name)
{
    static char paths[8][SCRATCH_PATH_SIZE];
    static size_t next;
    char *path = paths[next++ % 8];
    int length = snprintf(path, SCRATCH_PATH_SIZE, "%s/%s", folder, name);
    insist(length > 0 && length < SCRATCH_PATH_SIZE, folder);
    return path;
}

static _Bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Calls `visit` with each entry's path; returns their number. */
static size_t each_entry(const char *folder, void (*visit)(const char *path))
{
    size_t count = 0;
    DIR *stream = opendir(folder);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        if (is_dots(entry->d_name))
            continue;
        count++;
        if (visit)
            visit(scratch_path(folder, entry->d_name));
    }
    if (stream)
        closedir(stream);
    return count;
}

static void remove_file(const char *path)
{
    unlink(path);
}

static void remove_entry(const char *path)
{
    char own[SCRATCH_PATH_SIZE];
    snprintf(own, sizeof own, "%s", path);
    if (unlink(own) == 0)
        return;
    each_entry(own, remove_file);
    rmdir(own);
}

void scratch_remove(const char *folder)
{
    each_entry(folder, remove_entry);
    rmdir(folder);
}

size_t scratch_count(const char *folder)
{
    return each_entry(folder, NULL);
}

void scratch_write(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    insist(file != NULL, path);
    insist(fwrite(data, 1, size, file) == size, path);
    insist(fclose(file) == 0, path);
}

void *scratch_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    insist(file != NULL && fseek(file, 0, SEEK_END) == 0, path);
    long length = ftell(file);
    insist(length >= 0, path);
    rewind(file);
    char *data = malloc((size_t)length + 1);
    insist(data && fread(data, 1, (size_t)length, file) == (size_t)length, path);
    data[length] = '\0';
    fclose(file);
    *size = (size_t)length;
    return data;
}
