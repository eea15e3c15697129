/* SPDX-License-Identifier: Apache-2.0
 *
 * See torch_loader.h. A folder without the file is passed over; a file that
 * cannot be used is remembered, and the search goes on: the message then tells
 * what was wrong with each. */
#include "engine/torch_loader.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

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
static sn_torch_plugin_fn entry_of(void *handle)
{
    void *symbol = dlsym(handle, SN_TORCH_PLUGIN_SYMBOL);
    sn_torch_plugin_fn entry = NULL;
    _Static_assert(sizeof entry == sizeof symbol, "POSIX: dlsym returns functions too");
    memcpy(&entry, &symbol, sizeof entry);
    return entry;
}

/* A file without our symbol is closed again. A plugin stays open for ever, also
 * one of another build: it has brought libtorch in, which cannot leave. */
static const sn_torch_plugin *open_plugin(const char *path, report *log)
{
    sentiment_error error = {.struct_size = sizeof error};
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *reason = dlerror();
        note(log, path, reason ? reason : "dlopen failed");
        return NULL;
    }
    sn_torch_plugin_fn entry = entry_of(handle);
    if (!entry) {
        note(log, path, "no " SN_TORCH_PLUGIN_SYMBOL " in it");
        dlclose(handle);
        return NULL;
    }
    const sn_torch_plugin *plugin = entry(SN_PLUGIN_BUILD, &error);
    if (plugin && plugin->build && strcmp(plugin->build, SN_PLUGIN_BUILD) == 0)
        return plugin;
    if (plugin)
        snprintf(error.message, sizeof error.message,
                 "the plugin is of build %.60s, the library of build " SN_PLUGIN_BUILD,
                 plugin->build ? plugin->build : "(none)");
    note(log, path, error.message);
    return NULL;
}

static const sn_torch_plugin *try_folder(const char *folder, size_t size, report *log)
{
    char path[PATH_MAX];
    const char *slash = folder[size - 1] == '/' ? "" : "/";
    if (size >= sizeof path) {
        note(log, "a folder of the search path", "its name is too long");
        return NULL;
    }
    int length =
        snprintf(path, sizeof path, "%.*s%s%s", (int)size, folder, slash, SN_TORCH_PLUGIN_FILE);
    if (length < 0 || (size_t)length >= sizeof path) {
        note(log, "a folder of the search path", "its name is too long");
        return NULL;
    }
    if (!sn_path_exists(path)) {
        note(log, path, "not there");
        return NULL;
    }
    return open_plugin(path, log);
}

sentiment_status sn_torch_plugin_search(const char *folders, const sn_torch_plugin **out,
                                        sentiment_error *error)
{
    report log = {.length = 0};
    while (*folders) {
        size_t size = strcspn(folders, ":");
        const sn_torch_plugin *plugin = size ? try_folder(folders, size, &log) : NULL;
        if (plugin) {
            *out = plugin;
            return SENTIMENT_OK;
        }
        folders += size;
        folders += *folders == ':';
    }
    return sn_fail(error, SENTIMENT_ERROR_ENGINE_UNAVAILABLE, SN_NO_OFFSET,
                   "the torch engine needs " SN_TORCH_PLUGIN_FILE
                   ": install it, or build with -Dtorch=enabled; SENTIMENT_PLUGIN_PATH names "
                   "more folders (%s)",
                   log.length ? log.text : "no folder to search");
}

/* "folder of this library:the same with /sentiment:", empty if unknown. */
static void own_folders(char *out, size_t capacity)
{
    static const char anchor = 0;
    Dl_info info;
    out[0] = '\0';
    const char *slash =
        dladdr(&anchor, &info) && info.dli_fname ? strrchr(info.dli_fname, '/') : NULL;
    if (!slash)
        return;
    int size = (int)(slash - info.dli_fname) + 1;
    int length =
        snprintf(out, capacity, "%.*s:%.*ssentiment:", size, info.dli_fname, size, info.dli_fname);
    if (length < 0 || (size_t)length >= capacity)
        out[0] = '\0';
}

/* secure_getenv: a privileged program takes no code from its caller's folders. */
static sentiment_status search_everywhere(const sn_torch_plugin **out, sentiment_error *error)
{
    char own[2 * PATH_MAX];
    const char *given = secure_getenv("SENTIMENT_PLUGIN_PATH");
    own_folders(own, sizeof own);
    given = given ? given : "";
    size_t size = strlen(given) + strlen(own) + sizeof SN_PLUGIN_DIRECTORY + 2;
    char *folders = sn_alloc(&sn_memory_default, size, 1);
    if (!folders)
        return sn_fail_memory(error, "the plugin's search path");
    snprintf(folders, size, "%s:%s%s", given, own, SN_PLUGIN_DIRECTORY);
    sentiment_status status = sn_torch_plugin_search(folders, out, error);
    sn_free(&sn_memory_default, folders);
    return status;
}

sentiment_status sn_torch_plugin_get(const sn_torch_plugin **out, sentiment_error *error)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const sn_torch_plugin *opened;
    sentiment_status status = SENTIMENT_OK;
    pthread_mutex_lock(&lock);
    if (!opened)
        status = search_everywhere(&opened, error);
    if (status == SENTIMENT_OK)
        *out = opened;
    pthread_mutex_unlock(&lock);
    return status;
}
