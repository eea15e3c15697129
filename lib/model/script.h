/* SPDX-License-Identifier: Apache-2.0
 *
 * Models that came as a TorchScript archive: with weights where its tensors are
 * those of the classifier, without where its program is something else. */
#ifndef SN_MODEL_SCRIPT_H
#define SN_MODEL_SCRIPT_H

#include "model/config.h"

#define SN_SCRIPT_REASON_SIZE 496

/* Whether the archive's tensors are not exactly those of the classifier, and why. */
_Bool sn_script_is_foreign(const sn_bundle *bundle, char reason[SN_SCRIPT_REASON_SIZE]);
/* A model without weights whose sizes are those of config.json. */
sentiment_status sn_script_allocate(const sn_settings *said, const char *reason,
                                    const sn_memory *memory, sentiment_model **out,
                                    sentiment_error *error);
/* Moves the archive, if there is one, from the bundle into its model. */
void sn_script_move(sn_bundle *bundle, sentiment_model *model);

#endif
