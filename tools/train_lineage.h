/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a trained model comes from, as a step of its lineage. */
#ifndef TOOLS_TRAIN_LINEAGE_H
#define TOOLS_TRAIN_LINEAGE_H

#include <jansson.h>

#include "dataset.h"

typedef struct lineage {
    char **argv; /* behind the subcommand */
    const dataset *train, *dev;
    bool interrupted;
} lineage;

/* NULL when memory ran out. */
json_t *lineage_step(const lineage *known);

#endif
