/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds and opens the plugin libsentiment-torch.so. Nothing of it is loaded
 * before somebody asks for the torch engine or for training. */
#ifndef SN_ENGINE_TORCH_LOADER_H
#define SN_ENGINE_TORCH_LOADER_H

#include "base/memory.h"
#include "base/status.h"
#include "engine/plugin.h"

#define SN_TORCH_PLUGIN_FILE "libsentiment-torch.so"

/* The plugin of the process: opened by the first call that finds it, never
 * unloaded (libtorch does not survive that). Searched for in the folders of
 * SENTIMENT_PLUGIN_PATH (separated by ':'), beside this library, in `sentiment`
 * below that, and in the folder where `meson install` puts it. Without one:
 * ENGINE_UNAVAILABLE, a message with every place and how to get the plugin. */
sentiment_status sn_torch_plugin_get(const sn_torch_plugin **out, sentiment_error *error);

/* The search itself, in a ':'-separated list of folders; empty ones are
 * skipped. The first plugin that opens and is of this build wins. */
sentiment_status sn_torch_plugin_search(const char *folders, const sn_torch_plugin **out,
                                        sentiment_error *error);

#endif
