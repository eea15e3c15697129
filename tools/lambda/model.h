/* SPDX-License-Identifier: Apache-2.0
 *
 * The model of the function: from S3 (MODEL_S3_URI), from a path (MODEL_PATH),
 * or the file beside the program; held against MODEL_SHA256 before it is read. */
#ifndef TOOLS_LAMBDA_MODEL_H
#define TOOLS_LAMBDA_MODEL_H

#include <sentiment/sentiment.h>

#include "s3.h"

/* The name of the model in a package. */
#define MODEL_NAME "model.safetensors"

/* Loads it; NULL: `problem` says what, where, and what was expected. `kind` becomes a
 * word for the error: Download, Digest or Load. */
sentiment_model *model_open(transfer *on, const char **kind, char problem[PROBLEM_SIZE]);

#endif
