/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds and opens plugins: shared libraries that bring a large dependency, and
 * that nothing loads before somebody asks for what they do. */
#ifndef SN_ENGINE_PLUGIN_LOADER_H
#define SN_ENGINE_PLUGIN_LOADER_H

#include <pthread.h>

#include "base/memory.h"
#include "base/status.h"
#include "engine/plugin.h"

/* One plugin, as a static variable that says what it is called. */
typedef struct sn_plugin_kind {
    const char *file;   /* such as "libsentiment-torch.so" */
    const char *symbol; /* of the one exported function, an sn_plugin_fn */
    const char *user;   /* who needs it, for messages: "the torch engine" */
    const char *option; /* of the build that makes it */
    pthread_mutex_t lock; /* PTHREAD_MUTEX_INITIALIZER; guards what follows */
    const void *opened;   /* NULL until it has been found */
} sn_plugin_kind;

/* The plugin's table. The first call that finds it opens it, for as long as the
 * process lives: their libraries do not survive being unloaded. Searched for in
 * the folders of SENTIMENT_PLUGIN_PATH (separated by ':'), beside this library, in
 * `sentiment` below that, and where `meson install` puts plugins. Without one:
 * ENGINE_UNAVAILABLE, a message with every place and how to get the plugin. */
sentiment_status sn_plugin_get(sn_plugin_kind *kind, const void **out, sentiment_error *error);

/* The search itself, in a ':'-separated list of folders; empty ones are
 * skipped. The first plugin that opens and is of this build wins. */
sentiment_status sn_plugin_search(const sn_plugin_kind *kind, const char *folders,
                                  const void **out, sentiment_error *error);

#endif
