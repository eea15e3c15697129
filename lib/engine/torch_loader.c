/* SPDX-License-Identifier: Apache-2.0
 *
 * See torch_loader.h. */
#include "engine/torch_loader.h"

sn_plugin_kind sn_torch_plugin_kind = {.file = SN_TORCH_PLUGIN_FILE,
                                       .symbol = SN_TORCH_PLUGIN_SYMBOL,
                                       .user = "the torch engine",
                                       .option = "-Dtorch=enabled",
                                       .lock = PTHREAD_MUTEX_INITIALIZER};

sentiment_status sn_torch_plugin_get(const sn_torch_plugin **out, sentiment_error *error)
{
    const void *plugin = NULL;
    sentiment_status status = sn_plugin_get(&sn_torch_plugin_kind, &plugin, error);
    if (status == SENTIMENT_OK)
        *out = plugin;
    return status;
}
