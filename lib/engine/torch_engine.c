/* SPDX-License-Identifier: Apache-2.0
 *
 * The torch engine: the plugin's functions behind the engine's vtable. Every
 * decision about tensors is in the plugin; here are the checks that need no
 * libtorch and the life of the state. */
#include "engine/engine.h"

#include "engine/torch_loader.h"

typedef struct torch_state {
    sn_memory memory;
    const sn_torch_plugin *plugin;
    void *state; /* the plugin's own */
    _Bool is_script;
    uint64_t memory_bytes;
} torch_state;

/* The plugin's state of a network whose weights we have. */
static sentiment_status create_network(const sentiment_model *model,
                                       const sn_engine_options *options, torch_state *made,
                                       sentiment_error *error)
{
    const sn_model_config *config = &model->config;
    size_t parts = (size_t)config->num_layers * config->directions;
    const float **lstm = sn_alloc(&model->memory, parts, 4 * sizeof *lstm);
    if (!lstm)
        return sn_fail_memory(error, "a torch engine");
    for (size_t i = 0; i < parts; i++) {
        const sn_lstm_weights *part = &model->weights.lstm[i];
        lstm[4 * i] = part->w_ih;
        lstm[4 * i + 1] = part->w_hh;
        lstm[4 * i + 2] = part->b_ih;
        lstm[4 * i + 3] = part->b_hh;
    }
    const sn_plugin_network network = {
        .vocab_size = config->vocab_size,
        .embedding_dim = config->embedding_dim,
        .hidden_size = config->hidden_size,
        .num_classes = config->num_classes,
        .num_layers = config->num_layers,
        .directions = config->directions,
        .embedding = model->weights.embedding,
        .lstm = lstm,
        .fc_weight = model->weights.fc_weight,
        .fc_bias = model->weights.fc_bias,
    };
    made->memory_bytes = model->weights.parameters * sizeof(float);
    sentiment_status status =
        made->plugin->create(&network, options->device, options->threads, &made->state, error);
    sn_free(&model->memory, lstm);
    return status;
}

/* The plugin's state of a program. This is where code of a file is executed, because
 * the caller has asked for the torch engine. */
static sentiment_status create_script(const sentiment_model *model,
                                      const sn_engine_options *options, torch_state *made,
                                      sentiment_error *error)
{
    const sn_plugin_script script = {.data = model->script.data,
                                     .size = model->script.size,
                                     .num_classes = model->config.num_classes,
                                     .empty = model->weights.fc_bias};
    made->is_script = 1;
    made->memory_bytes = model->script.size;
    return made->plugin->create_script(&script, options->device, options->threads, &made->state,
                                       error);
}

static sentiment_status torch_create(sentiment_model *model, const sn_engine_options *options,
                                     void **out, sentiment_error *error)
{
    const sn_torch_plugin *plugin = NULL;
    if (options->precision != SENTIMENT_PRECISION_FP32 || model->quantized)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "the torch engine runs fp32 only; int8 needs the native engine");
    sentiment_status status = sn_torch_plugin_get(&plugin, error);
    if (status)
        return status;
    torch_state *made = sn_alloc_zero(&model->memory, 1, sizeof *made);
    if (!made)
        return sn_fail_memory(error, "a torch engine");
    made->memory = model->memory;
    made->plugin = plugin;
    status = model->script.size ? create_script(model, options, made, error)
                                : create_network(model, options, made, error);
    if (status) {
        sn_free(&model->memory, made);
        return status;
    }
    *out = made;
    return SENTIMENT_OK;
}

static void torch_destroy(void *state)
{
    torch_state *self = state;
    if (!self)
        return;
    sn_memory memory = self->memory;
    if (self->is_script)
        self->plugin->destroy_script(self->state);
    else
        self->plugin->destroy(self->state);
    sn_free(&memory, self);
}

static sentiment_status torch_run(void *state, const sn_rows *rows, float *logits,
                                  const sentiment_cancel *cancel, sentiment_error *error)
{
    torch_state *self = state;
    return self->is_script ? self->plugin->run_script(self->state, rows, logits, cancel, error)
                           : self->plugin->run(self->state, rows, logits, cancel, error);
}

static sentiment_status torch_explain(void *state, const int32_t *ids, size_t length,
                                      uint32_t total, float *logits, float *bias,
                                      float *contributions, sentiment_error *error)
{
    torch_state *self = state;
    if (self->is_script)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "a TorchScript program cannot tell what each token adds; where it is the "
                       "classifier, the native engine can");
    return self->plugin->explain(self->state, ids, length, total, logits, bias, contributions,
                                 error);
}

static void torch_describe(const void *state, sn_engine_description *out)
{
    const torch_state *self = state;
    *out = (sn_engine_description){.isa = SENTIMENT_ISA_AUTO,
                                   .isa_name = self->plugin->torch_version,
                                   .memory_bytes = self->memory_bytes + sizeof *self};
}

const sn_engine sn_engine_torch = {
    .id = SENTIMENT_ENGINE_TORCH,
    .name = "torch",
    .create = torch_create,
    .destroy = torch_destroy,
    .run = torch_run,
    .explain = torch_explain,
    .describe = torch_describe,
};
