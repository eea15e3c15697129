/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a trained model comes from, as metadata for its file. */
#ifndef TOOLS_TRAIN_LINEAGE_H
#define TOOLS_TRAIN_LINEAGE_H

#include "dataset.h"

typedef struct lineage {
    char **argv; /* behind the subcommand */
    const dataset *train, *dev;
    bool interrupted;
} lineage;

/* A JSON object of strings, to be freed; NULL when memory ran out. */
char *lineage_json(const lineage *known);

#endif
