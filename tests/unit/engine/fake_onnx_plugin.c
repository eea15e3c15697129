/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin like the ONNX checker, without onnx: it finds every file bad, and
 * says which one it was given. */
#include <string.h>

#include "base/status.h"
#include "engine/onnx_plugin.h"
#include "engine/plugin.h"

static sentiment_status check(const char *path, sentiment_error *error)
{
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET, "fake checker dislikes %s",
                   path);
}

__attribute__((visibility("default"))) sn_plugin_fn sentiment_onnx_plugin;

const void *sentiment_onnx_plugin(const char *build, sentiment_error *error)
{
    static const sn_onnx_plugin plugin = {
        .build = SN_PLUGIN_BUILD, .onnx_version = "fake", .check = check};
    if (strcmp(build, SN_PLUGIN_BUILD) == 0)
        return &plugin;
    sn_fail(error, SENTIMENT_ERROR_ENGINE_UNAVAILABLE, SN_NO_OFFSET, "another build");
    return NULL;
}
