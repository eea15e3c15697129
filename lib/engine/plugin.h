/* SPDX-License-Identifier: Apache-2.0
 *
 * The C interface between libsentiment.so and its plugin
 * libsentiment-torch.so. Both are built from one tree: the handshake compares
 * SN_PLUGIN_BUILD and refuses any other. No exception crosses it; every
 * function that can fail returns a sentiment_status and fills `error`. */
#ifndef SN_ENGINE_PLUGIN_H
#define SN_ENGINE_PLUGIN_H

#include <sentiment/sentiment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of every plugin the one exported function: its table, which begins with the
 * plugin's own build; NULL and a filled error if `build` is another. */
typedef const void *sn_plugin_fn(const char *build, sentiment_error *error);

/* Name of this plugin's. */
#define SN_TORCH_PLUGIN_SYMBOL "sentiment_torch_plugin"

/* The network, as pointers into the model: see sn_model_weights for shapes. */
typedef struct sn_plugin_network {
    uint32_t vocab_size, embedding_dim, hidden_size, num_classes, num_layers, directions;
    const float *embedding;
    /* num_layers*directions*4 pointers: w_ih, w_hh, b_ih, b_hh of each. */
    const float *const *lstm;
    const float *fc_weight;
    const float *fc_bias;
} sn_plugin_network;

/* Rows of ids: row r is ids[offsets[r] .. offsets[r+1]), followed by token 0
 * up to totals[r] positions; the mean runs over totals[r] (0: pooled = 0). */
typedef struct sn_plugin_rows {
    const int32_t *ids;
    const uint64_t *offsets; /* rows+1 */
    const uint32_t *totals;  /* rows, totals[r] >= length of row r */
    size_t rows;
} sn_plugin_rows;

/* A TorchScript archive, which create_script executes: only what somebody asked for
 * by name may be put here. */
typedef struct sn_plugin_script {
    const void *data; /* needed until create_script returns */
    size_t size;
    uint32_t num_classes;
    /* Logits of a row without any position; NULL: those of the one token 0. */
    const float *empty;
} sn_plugin_script;

/* Texts as token ids, unknown words already 0. */
typedef struct sn_plugin_dataset {
    const int32_t *ids;
    const uint64_t *offsets; /* count+1 */
    const int32_t *labels;
    size_t count;
} sn_plugin_dataset;

/* Where training leaves its best epoch: arrays of the right sizes, writable. */
typedef struct sn_plugin_weights {
    float *embedding;
    float *const *lstm; /* as in sn_plugin_network */
    float *fc_weight;
    float *fc_bias;
} sn_plugin_weights;

typedef struct sn_plugin_train_result {
    uint32_t epochs_run;
    uint32_t best_epoch; /* 0: no epoch was completed */
    double dev_accuracy;
    double dev_macro_f1;
    double seconds;
} sn_plugin_train_result;

typedef struct sn_torch_plugin {
    const char *build;         /* SN_PLUGIN_BUILD */
    const char *torch_version; /* "1.13.1", static */

    /* Copies the weights to `device` ("cpu", "cuda", "cuda:N"; NULL: cpu).
     * `threads` intra-op threads on the CPU. */
    sentiment_status (*create)(const sn_plugin_network *network, const char *device,
                               uint32_t threads, void **state, sentiment_error *error);
    void (*destroy)(void *state);
    /* logits: rows x num_classes. `cancel` may be NULL. */
    sentiment_status (*run)(void *state, const sn_plugin_rows *rows, float *logits,
                            const sentiment_cancel *cancel, sentiment_error *error);
    /* One row: logits, bias (fc bias plus the padding's share), and
     * contributions[length][num_classes]. */
    sentiment_status (*explain)(void *state, const int32_t *ids, size_t length, uint32_t total,
                                float *logits, float *bias, float *contributions,
                                sentiment_error *error);
    /* Trains from scratch; sizes in `network` (its pointers are NULL). On
     * cancel after the first look at the dev set: SENTIMENT_OK with the best weights so far. */
    sentiment_status (*train)(const sn_plugin_network *network, const sn_plugin_dataset *train,
                              const sn_plugin_dataset *dev, const sentiment_train_options *options,
                              const sentiment_cancel *cancel, const sn_plugin_weights *weights,
                              sn_plugin_train_result *result, sentiment_error *error);

    /* The same three for a program: forward(ids [rows][total] int64) must give logits
     * [rows][num_classes]. Rows of one total go through it together. */
    sentiment_status (*create_script)(const sn_plugin_script *script, const char *device,
                                      uint32_t threads, void **state, sentiment_error *error);
    void (*destroy_script)(void *state);
    sentiment_status (*run_script)(void *state, const sn_plugin_rows *rows, float *logits,
                                   const sentiment_cancel *cancel, sentiment_error *error);
} sn_torch_plugin;

#ifdef __cplusplus
}
#endif

#endif
