/* SPDX-License-Identifier: Apache-2.0
 *
 * The model that is used when nobody names one. */
#ifndef SN_MODEL_DEFAULT_H
#define SN_MODEL_DEFAULT_H

#include "base/memory.h"

/* The path of the default model, to be freed: that of the environment variable
 * SENTIMENT_MODEL, whether or not something is there, else of the bundled model.
 * NOT_FOUND tells every place. */
sentiment_status sn_default_model(const sn_memory *memory, char **out, sentiment_error *error);

#endif
