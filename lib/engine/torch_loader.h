/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin libsentiment-torch.so. Nothing of it is loaded before somebody
 * asks for the torch engine or for training. */
#ifndef SN_ENGINE_TORCH_LOADER_H
#define SN_ENGINE_TORCH_LOADER_H

#include "engine/plugin_loader.h"

#define SN_TORCH_PLUGIN_FILE "libsentiment-torch.so"

extern sn_plugin_kind sn_torch_plugin_kind;

/* The plugin of the process: see sn_plugin_get. */
sentiment_status sn_torch_plugin_get(const sn_torch_plugin **out, sentiment_error *error);

#endif
