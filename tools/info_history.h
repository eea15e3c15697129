/* SPDX-License-Identifier: Apache-2.0
 *
 * Metadata for a person: the lineage as a step a paragraph, golden vectors as a
 * line, the rest as it stands. */
#ifndef TOOLS_INFO_HISTORY_H
#define TOOLS_INFO_HISTORY_H

#include <sentiment/sentiment.h>

#include "emit.h"

/* Name and version, where the model has them. */
void info_print_names(const sentiment_model *model, emit *out);
/* The rest. */
void info_print_metadata(const sentiment_model *model, emit *out);

#endif
