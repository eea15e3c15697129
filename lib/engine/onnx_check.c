/* SPDX-License-Identifier: Apache-2.0
 *
 * See onnx_check.h. Whether there is such a file is asked before the plugin is
 * searched for, so that the answer does not depend on it. */
#include "engine/onnx_check.h"

#include "base/file.h"
#include "engine/onnx_plugin.h"
#include "engine/plugin_loader.h"

static sn_plugin_kind kind = {.file = "libsentiment-onnx.so",
                              .symbol = SN_ONNX_PLUGIN_SYMBOL,
                              .user = "the ONNX checker",
                              .option = "-Donnx=enabled",
                              .lock = PTHREAD_MUTEX_INITIALIZER};

sentiment_status sn_onnx_check(const char *path, sentiment_error *error)
{
    const void *table = NULL;
    sn_bytes bytes = {0};
    /* Mapped, not read: it is enough that it is a regular file that can be opened. */
    sentiment_status status =
        sn_file_read(path, &sn_memory_default, 1, UINT64_MAX, &bytes, error);
    sn_bytes_free(&bytes);
    if (status == SENTIMENT_OK)
        status = sn_plugin_get(&kind, &table, error);
    if (status != SENTIMENT_OK)
        return status;
    const sn_onnx_plugin *plugin = table;
    status = plugin->check(path, error);
    return status == SENTIMENT_OK ? status : sn_fail_in(error, status, "%s", path);
}
