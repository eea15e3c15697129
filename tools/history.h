/* SPDX-License-Identifier: Apache-2.0
 *
 * What a saved model tells about itself: name and version, one more step of its
 * lineage, golden vectors (docs/models.md). The same for every subcommand that
 * saves. */
#ifndef TOOLS_HISTORY_H
#define TOOLS_HISTORY_H

#include <jansson.h>

#include "options.h"

typedef struct history {
    const char *name, *version; /* NULL: as the model says already */
    const char *baseline;       /* likewise; for drift (serve/drift.h) */
    const char *meant; /* what messages call a path that has a suffix for a while; else NULL */
} history;

/* --name, --model-version; the target is a history. */
extern const option_spec history_options[];

/* Saves with metadata, a step of the lineage and golden vectors; where the model
 * has vectors already they must hold, and travel as they are. Takes over `step`
 * (NULL: memory ran out); `options` chooses the rest, such as the format. False:
 * the reason went to stderr. */
bool history_save(sentiment_model *model, const char *path, const history *given, json_t *step,
                  const sentiment_save_options *options);
/* Whether history_save could make a file there, as far as can be told without the
 * model; false: the reason went to stderr. Long work should not end at a folder
 * that does not exist, or at a name that is no UTF-8. */
bool history_can_save(const char *path, const history *given);

#endif
