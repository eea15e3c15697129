/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of saving that int8 adds. */
#ifndef SN_MODEL_SAVE_INT8_H
#define SN_MODEL_SAVE_INT8_H

#include "model/model.h"

/* Fills in the tensors of an int8 model, which borrow its weights; names and
 * table are the bundle's, also on failure. OUT_OF_MEMORY only. */
sentiment_status sn_save_int8_tensors(const sentiment_model *model, sn_bundle *bundle,
                                      sentiment_error *error);

#endif
