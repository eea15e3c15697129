/* SPDX-License-Identifier: Apache-2.0
 *
 * What every bundle must be, whichever reader made it, and what every model
 * that loads must do. */
#ifndef FUZZ_BUNDLES_H
#define FUZZ_BUNDLES_H

#include "formats/bundle.h"
#include "harness.h"

/* Tensors and words lie inside the bundle's own memory and make sense; the
 * floating ones convert to finite numbers or fail with a message. */
void bundle_check(const sn_bundle *bundle);
/* The same tensors, bit for bit, and the same words; in any order of tensors. */
void bundle_check_same(const sn_bundle *a, const sn_bundle *b);

/* Switch of an input: model_check looks at the model's int8 self too. */
#define FUZZ_INT8 0x80

/* Runs a small model over a few texts: on plain C and on the best instruction
 * set the answers have the same bits, they are finite, and probabilities add up
 * to 1. Large models are left alone. The model stays the caller's. */
sentiment_status model_check(fuzz_run *run, sentiment_model *model);
/* The same tensors, words and settings. */
void model_check_same(sentiment_model *a, sentiment_model *b);

/* Switches of an input: what a model is saved as. */
#define FUZZ_SAVE_ONNX 0x20
#define FUZZ_SAVE_FOLDER 0x40
/* Saves a model and loads it as the same. Goes through the file system. */
sentiment_status model_check_saved(fuzz_run *run, sentiment_model *model,
                                   const sentiment_model_options *options);

#endif
