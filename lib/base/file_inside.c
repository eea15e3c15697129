/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that another file names. What a stranger's file may make this library
 * read is bounded by the folder that the stranger's file lies in. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"

#ifndef PATH_MAX
#  define PATH_MAX 4096
#endif

/* Whether the path is relative and never goes up. */
static _Bool stays_below(const char *name)
{
    if (*name == '\0' || *name == '/')
        return 0;
    while (*name) {
        size_t length = strcspn(name, "/");
        if (length == 2 && memcmp(name, "..", 2) == 0)
            return 0;
        name += length;
        name += strspn(name, "/");
    }
    return 1;
}

/* Whether `path` lies below `folder`, both without symbolic links. */
static _Bool lies_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    while (length && folder[length - 1] == '/')
        length--;
    return strncmp(path, folder, length) == 0 && path[length] == '/';
}

static sentiment_status leaves(const char *name, sentiment_error *error)
{
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                   "'%.200s' is no file below the model's own folder", name);
}

sentiment_status sn_path_find_inside(const char *folder, const char *name, const sn_memory *memory,
                                     char **out, sentiment_error *error)
{
    char real_folder[PATH_MAX], real_path[PATH_MAX];
    if (!stays_below(name))
        return leaves(name, error);
    char *path = sn_path_join(memory, folder, name);
    if (!path)
        return sn_fail_memory(error, "a path");
    sentiment_status status = SENTIMENT_OK;
    if (!realpath(folder, real_folder))
        status = sn_fail_system(error, errno, folder, "find");
    else if (!realpath(path, real_path))
        status = sn_fail_system(error, errno, path, "find");
    else if (!lies_below(real_path, real_folder))
        status = leaves(name, error);
    sn_free(memory, path);
    if (status != SENTIMENT_OK)
        return status;
    *out = sn_duplicate(memory, real_path, strlen(real_path));
    return *out ? SENTIMENT_OK : sn_fail_memory(error, "a path");
}
