/* SPDX-License-Identifier: Apache-2.0
 *
 * See script.h. A state dict with a tensor too many is taken for the classifier
 * with a warning; a program is not, for it may compute with that tensor. */
#include "model/script.h"

#include <stdio.h>
#include <string.h>

#include "model/weights.h"

_Bool sn_script_is_foreign(const sn_bundle *bundle, char reason[SN_SCRIPT_REASON_SIZE])
{
    sentiment_error error = {.struct_size = sizeof error};
    sn_weight_map map = {0};
    reason[0] = '\0';
    if (bundle->foreign)
        snprintf(reason, SN_SCRIPT_REASON_SIZE, "%s", bundle->foreign);
    else if (sn_weights_find(bundle, &map, &error) != SENTIMENT_OK)
        snprintf(reason, SN_SCRIPT_REASON_SIZE, "%s", error.message);
    else if (map.ignored)
        snprintf(reason, SN_SCRIPT_REASON_SIZE, "tensor '%.200s' is none of the classifier's",
                 map.first_ignored);
    return reason[0] != '\0';
}

sentiment_status sn_script_allocate(const sn_settings *said, const char *reason,
                                    const sn_memory *memory, sentiment_model **out,
                                    sentiment_error *error)
{
    sentiment_model *model = NULL;
    sn_model_config config = {
        .vocab_size = (uint32_t)said->vocab_size,
        .embedding_dim = (uint32_t)said->embedding_dim,
        .hidden_size = (uint32_t)said->hidden_size,
        .num_classes = (uint32_t)said->num_classes,
        .num_layers = said->num_layers ? (uint32_t)said->num_layers : 1,
        .directions = said->directions ? (uint32_t)said->directions : 1,
        .max_length = said->max_length ? (uint32_t)said->max_length : SN_DEFAULT_LENGTH,
        .padding = said->padding ? said->padding : SN_DEFAULT_PADDING,
        .temperature = said->temperature > 0 ? said->temperature : 1,
    };
    if (!said->vocab_size)
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "config.json: the sizes in model_params are missing, and the TorchScript "
                       "program does not tell them (%.280s)",
                       reason);
    sentiment_status status = sn_model_allocate_bare(&config, memory, &model, error);
    if (status != SENTIMENT_OK)
        return status;
    model->foreign = sn_duplicate(memory, reason, strlen(reason));
    if (!model->foreign) {
        sn_model_release(model);
        return sn_fail_memory(error, "a model");
    }
    *out = model;
    return SENTIMENT_OK;
}

void sn_script_move(sn_bundle *bundle, sentiment_model *model)
{
    model->script = bundle->script;
    model->memory_bytes += bundle->script.size;
    bundle->script = (sn_bytes){0};
}
