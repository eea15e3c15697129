/* SPDX-License-Identifier: Apache-2.0
 *
 * The official ONNX checker, in the plugin libsentiment-onnx.so. */
#ifndef SN_ENGINE_ONNX_CHECK_H
#define SN_ENGINE_ONNX_CHECK_H

#include "base/status.h"

/* See sentiment_onnx_check. The plugin is opened by the first call that finds it. */
sentiment_status sn_onnx_check(const char *path, sentiment_error *error);

#endif
