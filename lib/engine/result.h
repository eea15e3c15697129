/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling sentiment_result and the caller's arrays. */
#ifndef SN_ENGINE_RESULT_H
#define SN_ENGINE_RESULT_H

#include "engine/session.h"

/* Bits of enum sentiment_flag for a text of so many tokens, of which `used` are
 * read and `unknown` of those have no word. */
uint32_t sn_result_flags(uint64_t tokens, uint64_t used, uint64_t unknown);

/* Writes a result, as much of it as the caller's struct_size has room for. */
void sn_result_put(const sn_batch *batch, size_t item, const sentiment_result *result);

/* Logits to prediction, confidence, probabilities. Logits that are not finite
 * are BAD_MODEL: the weights overflow. `result` holds what is known already. */
sentiment_status sn_result_finish(const sn_batch *batch, size_t item, const sn_model_config *config,
                                  const float *logits, sentiment_result *result,
                                  sentiment_error *error);

/* An item without answer: status, offset, zeros elsewhere; of a single one the
 * result alone. */
void sn_result_fail(const sn_batch *batch, size_t item, const sn_model_config *config,
                    sentiment_status status, uint64_t offset);

#endif
