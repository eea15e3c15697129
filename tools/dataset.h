/* SPDX-License-Identifier: Apache-2.0
 *
 * A labelled TSV in memory, for training. */
#ifndef TOOLS_DATASET_H
#define TOOLS_DATASET_H

#include "labels.h"
#include "reader.h"

typedef struct dataset {
    char *text;
    size_t text_capacity;
    uint64_t *offsets; /* [count + 1] */
    int32_t *labels;
    size_t rows_capacity;
    uint64_t count;
    char sha256[65]; /* of the file as stored */
} dataset;

/* Reads all rows. With `collect`, unknown labels join the list, which is then
 * sorted; else they are errors. False: the reason went to stderr. */
bool dataset_load(dataset *data, const char *path, labels *names, bool collect);
void dataset_free(dataset *data);
/* Looks for a bad row in a chunk: reports it and returns false. */
bool dataset_check(const reader *in, const chunk *records);
/* Reports an unknown label of record i. */
void dataset_unknown_label(const reader *in, const chunk *records, size_t i);

#endif
