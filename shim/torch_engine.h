/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions behind the plugin's table, each as plugin.h describes it. */
#ifndef SN_SHIM_TORCH_ENGINE_H
#define SN_SHIM_TORCH_ENGINE_H

#include "engine/plugin.h"

namespace sn
{

sentiment_status engine_create(const sn_plugin_network *network, const char *device,
                               uint32_t threads, void **state, sentiment_error *error);
void engine_destroy(void *state);
sentiment_status engine_run(void *state, const sn_plugin_rows *rows, float *logits,
                            const sentiment_cancel *cancel, sentiment_error *error);
sentiment_status engine_explain(void *state, const int32_t *ids, size_t length, uint32_t total,
                                float *logits, float *bias, float *contributions,
                                sentiment_error *error);
sentiment_status engine_train(const sn_plugin_network *network, const sn_plugin_dataset *train,
                              const sn_plugin_dataset *dev, const sentiment_train_options *options,
                              const sentiment_cancel *cancel, const sn_plugin_weights *weights,
                              sn_plugin_train_result *result, sentiment_error *error);

sentiment_status script_create(const sn_plugin_script *script, const char *device,
                               uint32_t threads, void **state, sentiment_error *error);
void script_destroy(void *state);
sentiment_status script_run(void *state, const sn_plugin_rows *rows, float *logits,
                            const sentiment_cancel *cancel, sentiment_error *error);

/* libtorch's own setting, one for the whole process: the last session to run
 * decides. */
void use_threads(uint32_t threads);

} // namespace sn

#endif
