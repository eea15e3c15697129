/* SPDX-License-Identifier: Apache-2.0
 *
 * See golden_files.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden_files.h"

golden_file golden_read(const char *name)
{
    char path[1024];
    golden_file file = {0};
    snprintf(path, sizeof path, "%s/%s", GOLDEN_FOLDER, name);
    FILE *stream = fopen(path, "rb");
    if (!stream)
        fail_msg("%s is missing", path);
    fseek(stream, 0, SEEK_END);
    file.size = (size_t)ftell(stream);
    rewind(stream);
    file.data = malloc(file.size ? file.size : 1);
    assert_non_null(file.data);
    assert_int_equal(fread(file.data, 1, file.size, stream), file.size);
    fclose(stream);
    const char *slash = strrchr(name, '/');
    snprintf(file.name, sizeof file.name, "%s", slash ? slash + 1 : name);
    return file;
}

void golden_free(golden_file *file)
{
    free(file->data);
    file->data = NULL;
}

static void visit(const char *name, const char *label, void (*each)(const golden_file *file))
{
    golden_file file = golden_read(name);
    snprintf(file.name, sizeof file.name, "%s", label);
    each(&file);
    golden_free(&file);
}

static size_t walk(const char *folder, const char *inner, void (*each)(const golden_file *file))
{
    char path[1024];
    size_t count = 0;
    struct dirent *entry;
    snprintf(path, sizeof path, "%s/%s", GOLDEN_FOLDER, folder);
    DIR *directory = opendir(path);
    if (!directory)
        fail_msg("%s is missing", path);
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s%s%s", folder, entry->d_name, inner[0] ? "/" : "", inner);
        visit(path, entry->d_name, each);
        count++;
    }
    closedir(directory);
    return count;
}

size_t golden_each(const char *folder, void (*each)(const golden_file *file))
{
    return walk(folder, "", each);
}

size_t golden_each_guide(const char *file, void (*each)(const golden_file *file))
{
    return walk("guide", file, each);
}

uint8_t *golden_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

sn_memory golden_faulty_memory(faulty_allocator *state)
{
    sentiment_allocator hooks = faulty_allocator_hooks(state);
    return (sn_memory){hooks.user, hooks.allocate, hooks.reallocate, hooks.release};
}
