/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment_onnx_check: argument checks and delegation, nothing else. */
#include "api/checks.h"
#include "engine/onnx_check.h"

sentiment_status sentiment_onnx_check(const char *path, sentiment_error *error)
{
    if (!path)
        return sn_null_argument(error, "path");
    return sn_onnx_check(path, error);
}
