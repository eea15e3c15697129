/* SPDX-License-Identifier: Apache-2.0
 *
 * A drift baseline (docs/models.md) of a model and the texts that it was measured
 * on. What a baseline is, and what it is for, is in serve/drift.h. */
#ifndef TOOLS_BASELINE_H
#define TOOLS_BASELINE_H

#include <sentiment/sentiment.h>

#include <stddef.h>

/* Classifies all texts of a file (lines, JSON lines or TSV, by its name) and makes the
 * baseline of the answers, to be freed; `*count` is their number. Texts that cannot be
 * classified are skipped and counted in `*skipped`. NULL: the reason went to stderr. */
char *baseline_make(sentiment_model *model, const char *path, size_t *count, size_t *skipped);

#endif
