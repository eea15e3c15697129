/* SPDX-License-Identifier: Apache-2.0
 *
 * See plugin_loader.h. A folder without the file is passed over; a file that
 * cannot be used is remembered, and the search goes on: the message then tells
 * what was wrong with each. */
#include "engine/plugin_loader.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/place.h"

#ifndef PATH_MAX
#  define PATH_MAX 4096
#endif

/* What the search has to say if it fails; clipped where it becomes too long. */
typedef struct report {
    char text[320];
    size_t length;
} report;

static void note(report *log, const char *path, const char *reason)
{
    size_t left = sizeof log->text - log->length;
    int length =
        snprintf(log->text + log->length, left, "%s%s: %s", log->length ? "; " : "", path, reason);
    if (length > 0)
        log->length += (size_t)length < left ? (size_t)length : left - 1;
}

/* dlsym gives a data pointer; C has no cast to a function, but a copy works. */
static sn_plugin_fn *entry_of(void *handle, const char *name)
{
    void *symbol = dlsym(handle, name);
    sn_plugin_fn *entry = NULL;
    _Static_assert(sizeof entry == sizeof symbol, "POSIX: dlsym returns functions too");
    memcpy(&entry, &symbol, sizeof entry);
    return entry;
}

/* The build stands first in every plugin's table. */
static const char *build_of(const void *plugin)
{
    const char *build;
    memcpy(&build, plugin, sizeof build);
    return build;
}

/* A file without our symbol is closed again. A plugin stays open for ever, also
 * one of another build: it has brought in libraries that cannot leave. */
static const void *open_plugin(const sn_plugin_kind *kind, const char *path, report *log)
{
    sentiment_error error = {.struct_size = sizeof error};
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *reason = dlerror();
        note(log, path, reason ? reason : "dlopen failed");
        return NULL;
    }
    sn_plugin_fn *entry = entry_of(handle, kind->symbol);
    if (!entry) {
        snprintf(error.message, sizeof error.message, "no %s in it", kind->symbol);
        note(log, path, error.message);
        dlclose(handle);
        return NULL;
    }
    const void *plugin = entry(SN_PLUGIN_BUILD, &error);
    const char *build = plugin ? build_of(plugin) : NULL;
    if (build && strcmp(build, SN_PLUGIN_BUILD) == 0)
        return plugin;
    if (plugin)
        snprintf(error.message, sizeof error.message,
                 "the plugin is of build %.60s, the library of build " SN_PLUGIN_BUILD,
                 build ? build : "(none)");
    note(log, path, error.message);
    return NULL;
}

static const void *try_folder(const sn_plugin_kind *kind, const char *folder, size_t size,
                              report *log)
{
    char path[PATH_MAX];
    const char *slash = folder[size - 1] == '/' ? "" : "/";
    if (size >= sizeof path) {
        note(log, "a folder of the search path", "its name is too long");
        return NULL;
    }
    int length = snprintf(path, sizeof path, "%.*s%s%s", (int)size, folder, slash, kind->file);
    if (length < 0 || (size_t)length >= sizeof path) {
        note(log, "a folder of the search path", "its name is too long");
        return NULL;
    }
    if (!sn_path_exists(path)) {
        note(log, path, "not there");
        return NULL;
    }
    return open_plugin(kind, path, log);
}

sentiment_status sn_plugin_search(const sn_plugin_kind *kind, const char *folders,
                                  const void **out, sentiment_error *error)
{
    report log = {.length = 0};
    while (*folders) {
        size_t size = strcspn(folders, ":");
        const void *plugin = size ? try_folder(kind, folders, size, &log) : NULL;
        if (plugin) {
            *out = plugin;
            return SENTIMENT_OK;
        }
        folders += size;
        folders += *folders == ':';
    }
    return sn_fail(error, SENTIMENT_ERROR_ENGINE_UNAVAILABLE, SN_NO_OFFSET,
                   "%s needs %s: install it, or build with %s; SENTIMENT_PLUGIN_PATH names more "
                   "folders (%s)",
                   kind->user, kind->file, kind->option,
                   log.length ? log.text : "no folder to search");
}

/* "folder of this library:the same with sentiment:", empty if unknown. */
static void own_folders(char *out, size_t capacity)
{
    char folder[SN_PLACE_BYTES];
    int length = -1;
    if (sn_own_folder(folder, sizeof folder))
        length = snprintf(out, capacity, "%s:%ssentiment:", folder, folder);
    if (length < 0 || (size_t)length >= capacity)
        out[0] = '\0';
}

/* secure_getenv: a privileged program takes no code from its caller's folders. */
static sentiment_status search_everywhere(const sn_plugin_kind *kind, const void **out,
                                          sentiment_error *error)
{
    char own[2 * SN_PLACE_BYTES];
    const char *given = secure_getenv("SENTIMENT_PLUGIN_PATH");
    own_folders(own, sizeof own);
    given = given ? given : "";
    size_t size = strlen(given) + strlen(own) + sizeof SN_PLUGIN_DIRECTORY + 2;
    char *folders = sn_alloc(&sn_memory_default, size, 1);
    if (!folders)
        return sn_fail_memory(error, "the plugin's search path");
    snprintf(folders, size, "%s:%s%s", given, own, SN_PLUGIN_DIRECTORY);
    sentiment_status status = sn_plugin_search(kind, folders, out, error);
    sn_free(&sn_memory_default, folders);
    return status;
}

sentiment_status sn_plugin_get(sn_plugin_kind *kind, const void **out, sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    pthread_mutex_lock(&kind->lock);
    if (!kind->opened)
        status = search_everywhere(kind, &kind->opened, error);
    if (status == SENTIMENT_OK)
        *out = kind->opened;
    pthread_mutex_unlock(&kind->lock);
    return status;
}
