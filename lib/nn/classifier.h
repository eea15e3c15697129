/* SPDX-License-Identifier: Apache-2.0
 *
 * The whole network for a tile of rows: embedding, LSTM stack, mean over the
 * positions, linear head. logits = fc_bias + fc_weight mean_t(h_t). */
#ifndef SN_NN_CLASSIFIER_H
#define SN_NN_CLASSIFIER_H

#include "nn/pass.h"

/* What all threads of a session share. */
typedef struct sn_classifier {
    const sn_lstm *lstm;
    const sn_kernels *kernels;
    sn_fold *fold;
    float settle_tolerance; /* 0: run every step */
    sn_team *team;          /* of a call with one row, begun by its caller; else NULL */
} sn_classifier;

/* Scratch of one thread: state, pooled rows, sequences between layers. */
typedef struct sn_worker {
    const sn_memory *memory;
    sn_scratch *scratch;
    size_t max_rows;
    sn_row *rows;       /* [max_rows] filled by the caller of sn_classifier_run */
    float *pooled;      /* [max_rows][directions*padded] */
    uint8_t *sequence[2]; /* outputs of the layer below and of this one */
    size_t sequence_bytes;
} sn_worker;

/* Tolerance that keeps every logit within `logit_error` of running all steps. */
float sn_settle_tolerance(const sn_lstm *lstm, float logit_error);

sentiment_status sn_worker_init(const sn_lstm *lstm, size_t max_rows, sn_worker *out,
                                sentiment_error *error);
void sn_worker_free(sn_worker *worker);
uint64_t sn_worker_bytes(const sn_worker *worker);

/* Runs worker->rows[0..count): ids, length and total are set; pooled, input
 * and output are this function's. logits: per row a pointer to [classes].
 * Fails with OUT_OF_MEMORY only, and only for stacked bidirectional layers. */
sentiment_status sn_classifier_run(const sn_classifier *classifier, sn_worker *worker, size_t count,
                                   float *const *logits, sentiment_error *error);

/* A row whose ids come in parts, in a network that runs forwards. Reads `count`
 * more ids; the first `worker` will do. */
void sn_classifier_advance(const sn_classifier *classifier, sn_worker *worker, const int32_t *ids,
                           size_t count, sn_row_state *state);
/* The logits of the row so far with `count` more ids and token 0 behind them up
 * to `total` (1 or more) positions: the bits that sn_classifier_run gives for
 * all of it. The state stays as it is. */
void sn_classifier_answer(const sn_classifier *classifier, sn_worker *worker,
                          const sn_row_state *state, const int32_t *ids, size_t count, size_t total,
                          float *logits);

/* One row (worker->rows[0]) with contributions [length][classes] and bias
 * [classes]; the logits are the same bits as those of sn_classifier_run. */
sentiment_status sn_classifier_explain(const sn_classifier *classifier, sn_worker *worker,
                                       float *logits, float *bias, float *contributions,
                                       sentiment_error *error);

#endif
