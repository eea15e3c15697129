/* SPDX-License-Identifier: Apache-2.0
 *
 * The C interface between libsentiment.so and its plugin libsentiment-onnx.so,
 * which brings the official ONNX checker. The handshake is that of plugin.h; no
 * exception crosses it. */
#ifndef SN_ENGINE_ONNX_PLUGIN_H
#define SN_ENGINE_ONNX_PLUGIN_H

#include <sentiment/sentiment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Name of the one exported function, an sn_plugin_fn. */
#define SN_ONNX_PLUGIN_SYMBOL "sentiment_onnx_plugin"

typedef struct sn_onnx_plugin {
    const char *build;        /* SN_PLUGIN_BUILD */
    const char *onnx_version; /* "1.12.0", static */

    /* Checks the file as onnx.checker.check_model(path, full_check=True) does.
     * BAD_MODEL: what it found wrong; UNSUPPORTED: the file is of a newer version
     * than this checker knows. */
    sentiment_status (*check)(const char *path, sentiment_error *error);
} sn_onnx_plugin;

#ifdef __cplusplus
}
#endif

#endif
