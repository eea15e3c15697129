/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a model comes from: the metadata key `lineage`, a JSON array of steps,
 * oldest first, each an object (docs/models.md). */
#ifndef SN_MODEL_LINEAGE_H
#define SN_MODEL_LINEAGE_H

#include "model/metadata.h"

#define SN_KEY_LINEAGE "lineage"
/* Version 0.1 had keys of their own, such as `lineage.command`, for the one step it knew. */
#define SN_LINEAGE_PREFIX "lineage."

/* What a growing lineage may take: beyond either, the steps behind the first one
 * make room, and a step "omitted" tells how many. A single new step is refused
 * beyond its own limit. */
#define SN_LINEAGE_STEPS 256
#define SN_LINEAGE_BYTES ((size_t)1 << 20)
#define SN_LINEAGE_STEP_BYTES ((size_t)1 << 16)

/* For metadata as it was read: refuses a lineage that is no array of objects,
 * and folds the keys of version 0.1 into a first step. */
sentiment_status sn_lineage_settle(sn_pairs *pairs, sentiment_error *error);

/* Removes a lineage that is not ours, and golden vectors likewise. */
void sn_lineage_forget(sn_pairs *pairs);

/* Sets the lineage of what is saved from a model: the model's own, and where
 * `step` (the text of a JSON object) is not NULL, that step behind it, completed
 * with library, date and parent. A key that the step gives as null is left out. */
sentiment_status sn_lineage_extend(const sentiment_model *model, const char *step, sn_pairs *pairs,
                                   sentiment_error *error);

#endif
