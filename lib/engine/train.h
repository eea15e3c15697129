/* SPDX-License-Identifier: Apache-2.0
 *
 * Training, the C side: everything but the network itself, which the torch
 * plugin trains. */
#ifndef SN_ENGINE_TRAIN_H
#define SN_ENGINE_TRAIN_H

#include "model/model.h"

/* The recipe of the bundled model; struct_size is set too. */
void sn_train_defaults(sentiment_train_options *options);

/* Checks values and data: INVALID_ARGUMENT names what is wrong and what was
 * expected. No pointer is NULL, labels included. */
sentiment_status sn_train_check(const sentiment_dataset *train, const sentiment_dataset *dev,
                                const char *const *labels, size_t label_count,
                                const sentiment_train_options *options, sentiment_error *error);

/* sentiment_model_train, with both option structs complete. `options` may be
 * NULL. A model of padding none unless the options say otherwise. */
sentiment_status sn_train(const sentiment_dataset *train, const sentiment_dataset *dev,
                          const char *const *labels, size_t label_count,
                          const sentiment_train_options *train_options,
                          const sentiment_model_options *options, sentiment_model **out,
                          sentiment_error *error);

#endif
