/* SPDX-License-Identifier: Apache-2.0
 *
 * One line of each input format into one record of a chunk. */
#ifndef TOOLS_RECORD_H
#define TOOLS_RECORD_H

#include "reader.h"

/* Each adds exactly one record, good or bad; false when memory ran out. */
bool record_add(const reader *in, const char *line, size_t size, chunk *records);
/* Finds the columns of a TSV; false: the reason went to stderr. */
bool record_read_header(reader *in, const char *line, size_t size);

#endif
