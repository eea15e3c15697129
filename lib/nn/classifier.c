/* SPDX-License-Identifier: Apache-2.0
 *
 * See classifier.h. Which passes a network needs: one for any stack that runs
 * forwards only; two for one bidirectional layer; and for stacked
 * bidirectional layers two a layer, with whole sequences between them. */
#include "nn/classifier.h"

#include <math.h>
#include <string.h>

/* Bytes that each sequence of a tile of stacked bidirectional layers may
 * take, unless a single row needs more. */
#define SEQUENCE_BYTES ((size_t)16 << 20)

static size_t row_width(const sn_lstm *lstm)
{
    return lstm->config.directions * lstm->config.padded;
}

/* A logit moves by at most sum_k |W[c][k]| times the move of a pooled unit. */
float sn_settle_tolerance(const sn_lstm *lstm, float logit_error)
{
    size_t width = row_width(lstm);
    float largest = 1.0f;
    for (size_t c = 0; c < lstm->config.classes; c++) {
        float sum = 0.0f;
        for (size_t k = 0; k < width; k++)
            sum += fabsf(lstm->fc_weight[c * width + k]);
        largest = sum > largest ? sum : largest;
    }
    return logit_error / largest;
}

sentiment_status sn_worker_init(const sn_lstm *lstm, size_t max_rows, sn_worker *out,
                                sentiment_error *error)
{
    sn_worker worker = {.memory = lstm->memory, .max_rows = max_rows};
    sentiment_status status = sn_scratch_create(lstm, max_rows, &worker.scratch, error);
    if (status)
        return status;
    worker.rows = sn_alloc(lstm->memory, max_rows, sizeof *worker.rows);
    worker.pooled = sn_alloc_aligned(lstm->memory, max_rows, row_width(lstm) * sizeof(float));
    if (!worker.rows || !worker.pooled) {
        sn_worker_free(&worker);
        return sn_fail_memory(error, "a session's rows");
    }
    *out = worker;
    return SENTIMENT_OK;
}

void sn_worker_free(sn_worker *worker)
{
    if (!worker->memory)
        return;
    sn_scratch_free(worker->scratch);
    sn_free(worker->memory, worker->rows);
    sn_free_aligned(worker->memory, worker->pooled);
    sn_free_aligned(worker->memory, worker->sequence[0]);
    sn_free_aligned(worker->memory, worker->sequence[1]);
    *worker = (sn_worker){0};
}

uint64_t sn_worker_bytes(const sn_worker *worker)
{
    return sn_scratch_bytes(worker->scratch) + worker->sequence_bytes * 2 +
           worker->max_rows * (sizeof(sn_row) + sizeof(float *));
}

/* Both sequences, at least `bytes` each. */
static _Bool reserve_sequences(sn_worker *worker, size_t bytes)
{
    if (bytes <= worker->sequence_bytes)
        return 1;
    worker->sequence_bytes = 0;
    for (int i = 0; i < 2; i++) {
        sn_free_aligned(worker->memory, worker->sequence[i]);
        worker->sequence[i] = sn_alloc_aligned(worker->memory, bytes, 1);
    }
    if (!worker->sequence[0] || !worker->sequence[1])
        return 0;
    worker->sequence_bytes = bytes;
    return 1;
}

/* The passes of stacked bidirectional layers over `count` rows from `first` on. */
static void run_layers(const sn_pass *stack, sn_worker *worker, size_t first, size_t count)
{
    const sn_lstm_config *config = &stack->lstm->config;
    size_t width = row_width(stack->lstm);
    sn_pass pass = *stack;
    pass.layers = 1;
    for (size_t layer = 0; layer < config->layers; layer++) {
        _Bool last = layer + 1 == config->layers;
        size_t at = 0;
        for (size_t r = first; r < first + count; r++) {
            sn_row *row = &worker->rows[r];
            row->input = layer ? worker->sequence[(layer - 1) % 2] + at : NULL;
            row->output = last ? NULL : worker->sequence[layer % 2] + at;
            row->pooled = last ? worker->pooled + r * width : NULL;
            at += row->total * width * sn_pass_width(stack->lstm);
        }
        pass.first_layer = layer;
        pass.visit = last ? stack->visit : NULL;
        for (pass.direction = 0; pass.direction < 2; pass.direction++)
            sn_pass_run(&pass, worker->scratch, worker->rows + first, count);
    }
}

/* Stacked bidirectional layers: as many rows at a time as the sequences hold. */
static sentiment_status run_stacked(const sn_pass *pass, sn_worker *worker, size_t count,
                                    sentiment_error *error)
{
    size_t width = row_width(pass->lstm) * sn_pass_width(pass->lstm);
    for (size_t first = 0; first < count;) {
        size_t rows = 0, bytes = 0;
        while (first + rows < count) {
            size_t more = worker->rows[first + rows].total * width;
            if (rows > 0 && bytes + more > SEQUENCE_BYTES)
                break;
            bytes += more;
            rows++;
        }
        if (!reserve_sequences(worker, bytes))
            return sn_fail_memory(error, "the sequences between layers");
        run_layers(pass, worker, first, rows);
        first += rows;
    }
    return SENTIMENT_OK;
}

/* Every pass over worker->rows[0..count), each row of which has a total. */
static sentiment_status run_passes(const sn_pass *pass, sn_worker *worker, size_t count,
                                   sentiment_error *error)
{
    const sn_lstm_config *config = &pass->lstm->config;
    if (config->directions == 2 && config->layers > 1) {
        sn_pass stacked = *pass;
        stacked.settle_tolerance = 0.0f;
        return run_stacked(&stacked, worker, count, error);
    }
    sn_pass all = *pass;
    all.layers = config->layers;
    all.direction = 0;
    for (size_t r = 0; r < count; r++) {
        worker->rows[r].input = worker->rows[r].output = NULL;
        worker->rows[r].pooled = worker->pooled + r * row_width(pass->lstm);
    }
    for (; all.direction < config->directions; all.direction++)
        sn_pass_run(&all, worker->scratch, worker->rows, count);
    return SENTIMENT_OK;
}

static sn_pass make_pass(const sn_classifier *classifier)
{
    return (sn_pass){.lstm = classifier->lstm,
                     .kernels = classifier->kernels,
                     .fold = classifier->fold,
                     .settle_tolerance = classifier->settle_tolerance,
                     .team = classifier->team};
}

static void apply_head(const sn_classifier *classifier, const float *pooled, float *logits)
{
    const sn_lstm *lstm = classifier->lstm;
    classifier->kernels->dots(lstm->fc_weight, lstm->config.classes, pooled, row_width(lstm),
                              logits);
    for (size_t c = 0; c < lstm->config.classes; c++)
        logits[c] += lstm->fc_bias[c];
}

sentiment_status sn_classifier_run(const sn_classifier *classifier, sn_worker *worker, size_t count,
                                   float *const *logits, sentiment_error *error)
{
    sn_pass pass = make_pass(classifier);
    sentiment_status status = run_passes(&pass, worker, count, error);
    for (size_t r = 0; r < count && !status; r++)
        apply_head(classifier, worker->pooled + r * row_width(classifier->lstm), logits[r]);
    return status;
}

/* One row through all layers, forwards. */
static void run_forwards(const sn_classifier *classifier, sn_worker *worker, const sn_row *row)
{
    sn_pass pass = make_pass(classifier);
    pass.layers = classifier->lstm->config.layers;
    sn_pass_run(&pass, worker->scratch, row, 1);
}

void sn_classifier_advance(const sn_classifier *classifier, sn_worker *worker, const int32_t *ids,
                           size_t count, sn_row_state *state)
{
    size_t total = state->time + count;
    run_forwards(
        classifier, worker,
        &(sn_row){.ids = ids, .length = total, .total = total, .from = state, .to = state});
}

void sn_classifier_answer(const sn_classifier *classifier, sn_worker *worker,
                          const sn_row_state *state, const int32_t *ids, size_t count, size_t total,
                          float *logits)
{
    run_forwards(classifier, worker,
                 &(sn_row){.ids = ids,
                           .length = state->time + count,
                           .total = total,
                           .pooled = worker->pooled,
                           .from = state});
    apply_head(classifier, worker->pooled, logits);
}

/* Turns each h into its share of every logit. */
typedef struct explanation {
    const sn_classifier *classifier;
    size_t length;
    double total;
    float *wide;     /* [directions*padded]: h in its direction's half, else zero */
    float *share;    /* [classes] */
    double *padding; /* [classes] a long sum: in double, rounded once */
    float *contributions;
} explanation;

static void explain_position(void *user, size_t direction, size_t position, size_t count,
                             const float *h)
{
    explanation *to = user;
    const sn_lstm *lstm = to->classifier->lstm;
    size_t classes = lstm->config.classes, padded = lstm->config.padded;
    memset(to->wide, 0, row_width(lstm) * sizeof(float));
    memcpy(to->wide + direction * padded, h, padded * sizeof(float));
    to->classifier->kernels->dots(lstm->fc_weight, classes, to->wide, row_width(lstm), to->share);
    for (size_t c = 0; c < classes; c++) {
        double share = (double)to->share[c] * (double)count / to->total;
        if (position < to->length)
            to->contributions[position * classes + c] += (float)share;
        else
            to->padding[c] += share;
    }
}

sentiment_status sn_classifier_explain(const sn_classifier *classifier, sn_worker *worker,
                                       float *logits, float *bias, float *contributions,
                                       sentiment_error *error)
{
    const sn_lstm *lstm = classifier->lstm;
    size_t classes = lstm->config.classes;
    const sn_row *row = &worker->rows[0];
    explanation to = {.classifier = classifier,
                      .length = row->length,
                      .total = (double)row->total,
                      .contributions = contributions};
    to.wide = sn_alloc_aligned(lstm->memory, row_width(lstm), sizeof(float));
    to.share = sn_alloc(lstm->memory, classes, sizeof *to.share);
    to.padding = sn_alloc_zero(lstm->memory, classes, sizeof *to.padding);
    sentiment_status status;
    if (!to.wide || !to.share || !to.padding) {
        status = sn_fail_memory(error, "an explanation");
    } else {
        memset(contributions, 0, row->length * classes * sizeof *contributions);
        sn_pass pass = make_pass(classifier);
        pass.visit = explain_position;
        pass.visit_user = &to;
        status = run_passes(&pass, worker, 1, error);
    }
    if (!status)
        apply_head(classifier, worker->pooled, logits);
    for (size_t c = 0; c < classes && !status; c++)
        bias[c] = (float)((double)lstm->fc_bias[c] + to.padding[c]);
    sn_free_aligned(lstm->memory, to.wide);
    sn_free(lstm->memory, to.share);
    sn_free(lstm->memory, to.padding);
    return status;
}
