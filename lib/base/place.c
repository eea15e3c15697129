/* SPDX-License-Identifier: Apache-2.0
 *
 * See place.h. A program's own name may be what its caller typed, without a
 * folder: then the system's link to it tells. */
#include "base/place.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

static _Bool keep_folder(const char *path, char *out, size_t capacity)
{
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) + 1 : 0;
    if (size == 0 || size >= capacity)
        return 0;
    memmove(out, path, size);
    out[size] = '\0';
    return 1;
}

_Bool sn_own_folder(char *out, size_t capacity)
{
    static const char anchor = 0;
    Dl_info info;
    if (dladdr(&anchor, &info) && info.dli_fname && keep_folder(info.dli_fname, out, capacity))
        return 1;
    ssize_t length = readlink("/proc/self/exe", out, capacity - 1);
    out[length > 0 ? length : 0] = '\0';
    if (keep_folder(out, out, capacity))
        return 1;
    out[0] = '\0';
    return 0;
}
