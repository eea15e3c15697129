/* SPDX-License-Identifier: Apache-2.0
 *
 * The native engine: packed weights and folded rows are made once per model;
 * a session has kernels, threads and one worker of scratch for each. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/cpu.h"
#include "engine/engine.h"
#include "engine/order.h"
#include "engine/pool.h"
#include "model/quantized.h"
#include "nn/classifier.h"

/* Rows of a tile: enough to reuse each weight many times, few enough for the
 * state to stay in the second-level cache. */
#define TILE_ROWS 24
/* What stopping in a settled state may cost any logit. */
#define SETTLE_LOGIT_ERROR 5e-7f
/* Bytes of recurrent weights that a single text reads in all its steps: fewer are not
 * worth waking threads for. */
#define TEAM_BYTES ((uint64_t)8 << 20)
/* Blocks of units that each member of a team has at least. */
#define TEAM_BLOCKS 2
/* Slots of sentiment_model.prepared. */
#define SLOT_FP32 0
#define SLOT_INT8 1

/* Shared by all sessions of a model. */
typedef struct prepared {
    sn_memory memory;
    sn_quantized *quantized; /* of an fp32 model that runs in int8; else NULL */
    sn_lstm lstm;
    sn_fold fold;
} prepared;

typedef struct native {
    const sn_memory *memory;
    sn_classifier classifier;
    uint32_t threads;
    sn_pool *pool;      /* the session's */
    uint32_t team;      /* threads that may share a single text */
    sn_worker *workers; /* [threads] */
    uint32_t *order;    /* [capacity], and as many again for sorting */
    size_t capacity;
} native;

static void destroy_prepared(void *data)
{
    prepared *weights = data;
    sn_memory memory = weights->memory;
    sn_fold_free(&weights->fold);
    sn_lstm_free(&weights->lstm);
    sn_quantized_free(weights->quantized);
    sn_free(&memory, weights);
}

/* The weights as packing takes them; `quantized` is NULL for fp32. */
static void fill_sources(const sentiment_model *model, const sn_quantized *quantized,
                         sn_lstm_source *sources)
{
    for (size_t i = 0; i < (size_t)model->config.num_layers * model->config.directions; i++) {
        const sn_lstm_weights *lstm = &model->weights.lstm[i];
        sources[i] = (sn_lstm_source){
            .w_ih = lstm->w_ih, .w_hh = lstm->w_hh, .b_ih = lstm->b_ih, .b_hh = lstm->b_hh};
        if (quantized) {
            sources[i].w_ih_int8 = quantized->lstm[i].w_ih;
            sources[i].w_hh_int8 = quantized->lstm[i].w_hh;
        }
    }
}

static sentiment_status pack_model(const sentiment_model *model, const sn_quantized *quantized,
                                   prepared *weights, sentiment_error *error)
{
    const sn_model_config *from = &model->config;
    sn_lstm_config config = {.vocab_size = from->vocab_size,
                             .embedding_dim = from->embedding_dim,
                             .hidden = from->hidden_size,
                             .layers = from->num_layers,
                             .directions = from->directions,
                             .classes = from->num_classes};
    sn_lstm_config_derive(&config);
    sn_lstm_source *sources =
        sn_alloc(&model->memory, config.layers * config.directions, sizeof *sources);
    if (!sources)
        return sn_fail_memory(error, "the packed weights");
    fill_sources(model, quantized, sources);
    sentiment_status status;
    if (quantized)
        status = sn_lstm_pack_int8(&weights->memory, &config, &quantized->embedding, sources,
                                   model->weights.fc_weight, model->weights.fc_bias, &weights->lstm,
                                   error);
    else
        status =
            sn_lstm_pack(&weights->memory, &config, model->weights.embedding, sources,
                         model->weights.fc_weight, model->weights.fc_bias, &weights->lstm, error);
    sn_free(&model->memory, sources);
    return status;
}

static sentiment_status prepare(sentiment_model *model, int32_t precision, uint64_t fold_bytes,
                                prepared **out, sentiment_error *error)
{
    prepared *weights = sn_alloc_zero(&model->memory, 1, sizeof *weights);
    if (!weights)
        return sn_fail_memory(error, "the packed weights");
    weights->memory = model->memory;
    sentiment_status status = SENTIMENT_OK;
    if (precision == SENTIMENT_PRECISION_INT8 && !model->quantized)
        status = sn_quantized_make(model, &weights->memory, NULL, &weights->quantized, error);
    if (!status)
        status = pack_model(model, model->quantized ? model->quantized : weights->quantized,
                            weights, error);
    if (!status)
        status = sn_fold_init(&weights->lstm, fold_bytes, &weights->fold, error);
    if (status) {
        destroy_prepared(weights);
        return status;
    }
    *out = weights;
    return SENTIMENT_OK;
}

/* The model's prepared weights of a precision, made by the first session that asks. */
static sentiment_status prepared_of(sentiment_model *model, int32_t precision, uint64_t fold_bytes,
                                    prepared **out, sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    pthread_mutex_lock(&model->lock);
    sn_prepared *slot =
        &model->prepared[precision == SENTIMENT_PRECISION_INT8 ? SLOT_INT8 : SLOT_FP32];
    if (!slot->data) {
        prepared *made = NULL;
        status = prepare(model, precision, fold_bytes, &made, error);
        if (!status)
            *slot = (sn_prepared){made, destroy_prepared};
    }
    *out = slot->data;
    pthread_mutex_unlock(&model->lock);
    return status;
}

static void native_destroy(void *state)
{
    native *engine = state;
    if (!engine)
        return;
    for (uint32_t i = 0; engine->workers && i < engine->threads; i++)
        sn_worker_free(&engine->workers[i]);
    sn_free(engine->memory, engine->workers);
    sn_free(engine->memory, engine->order);
    sn_free(engine->memory, engine);
}

static sentiment_status create_workers(native *engine, sentiment_error *error)
{
    engine->workers = sn_alloc_zero(engine->memory, engine->threads, sizeof *engine->workers);
    if (!engine->workers)
        return sn_fail_memory(error, "a session's threads");
    sentiment_status status = SENTIMENT_OK;
    for (uint32_t i = 0; i < engine->threads && !status; i++)
        status = sn_worker_init(engine->classifier.lstm, TILE_ROWS, &engine->workers[i], error);
    return status;
}

/* Threads that wait for one another need a processor each. */
static uint32_t team_size(const sn_lstm_config *config, uint32_t threads)
{
    size_t parts = config->blocks / TEAM_BLOCKS;
    uint32_t size = threads < SN_TEAM_MAX ? threads : SN_TEAM_MAX;
    if (size > parts)
        size = (uint32_t)parts;
    uint32_t processors = size > 1 ? sn_cpu_count() : 1;
    return size < processors ? size : processors;
}

static sentiment_status native_create(sentiment_model *model, const sn_engine_options *options,
                                      void **state, sentiment_error *error)
{
    if (options->precision != SENTIMENT_PRECISION_INT8 && model->quantized)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "the model has int8 weights; for precision fp32 load the model that it "
                       "was made from");
    if (options->device && strcmp(options->device, "cpu") != 0)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "the native engine runs on the cpu, not on '%s'; expected engine torch "
                       "for other devices",
                       options->device);
    prepared *weights = NULL;
    sentiment_status status = sn_model_require_weights(model, "the native engine", error);
    if (status)
        return status;
    status = prepared_of(model, options->precision, options->fold_bytes, &weights, error);
    if (status)
        return status;
    native *engine = sn_alloc_zero(&model->memory, 1, sizeof *engine);
    if (!engine)
        return sn_fail_memory(error, "a session");
    engine->memory = &model->memory;
    engine->threads = options->threads;
    engine->pool = options->pool;
    engine->team = team_size(&weights->lstm.config, options->threads);
    engine->classifier = (sn_classifier){
        .lstm = &weights->lstm, .kernels = sn_kernels_get(options->isa), .fold = &weights->fold};
    if (!options->disable_settled_tail)
        engine->classifier.settle_tolerance =
            sn_settle_tolerance(&weights->lstm, SETTLE_LOGIT_ERROR);
    status = create_workers(engine, error);
    if (status) {
        native_destroy(engine);
        return status;
    }
    *state = engine;
    return SENTIMENT_OK;
}

/* One call of run, shared by the threads. */
typedef struct shared_run {
    native *engine;
    const sn_rows *rows;
    float *logits;
    const sentiment_cancel *cancel;
    size_t count; /* rows to run: those with a total */
    size_t tile;  /* rows of a tile */
    atomic_size_t next;
    _Atomic int32_t status;
    sentiment_error error; /* of the worker that set the status */
} shared_run;

static void fill_row(const sn_rows *rows, size_t r, sn_row *out)
{
    *out = (sn_row){.ids = rows->ids + rows->offsets[r],
                    .length = (size_t)(rows->offsets[r + 1] - rows->offsets[r]),
                    .total = rows->totals[r]};
}

static sentiment_status run_tile(shared_run *job, uint32_t number, size_t first, size_t count,
                                 sentiment_error *error)
{
    native *engine = job->engine;
    sn_worker *worker = &engine->workers[number];
    size_t classes = engine->classifier.lstm->config.classes;
    float *logits[TILE_ROWS];
    for (size_t i = 0; i < count; i++) {
        size_t r = engine->order[first + i];
        fill_row(job->rows, r, &worker->rows[i]);
        logits[i] = job->logits + r * classes;
    }
    return sn_classifier_run(&engine->classifier, worker, count, logits, error);
}

/* Tiles are taken from a shared counter until none is left or one has failed. */
static void run_tiles(void *user, uint32_t worker)
{
    shared_run *job = user;
    for (;;) {
        size_t first = atomic_fetch_add(&job->next, job->tile);
        if (first >= job->count || atomic_load(&job->status))
            return;
        size_t count = job->count - first < job->tile ? job->count - first : job->tile;
        sentiment_error error = {.struct_size = sizeof error};
        sentiment_status status = SENTIMENT_OK;
        if (sentiment_cancel_requested(job->cancel))
            status = sn_fail(&error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET,
                             "cancelled while predicting");
        else
            status = run_tile(job, worker, first, count, &error);
        int32_t none = SENTIMENT_OK;
        if (status && atomic_compare_exchange_strong(&job->status, &none, status))
            job->error = error;
    }
}

/* A single row on all of a team's threads. */
typedef struct team_run {
    shared_run *job;
    sn_team team;
} team_run;

static void run_team(void *user, uint32_t worker)
{
    team_run *run = user;
    if (worker == 0) {
        run_tiles(run->job, 0);
        sn_team_end(&run->team);
    } else {
        sn_team_assist(&run->team, worker);
    }
}

static _Bool is_worth_a_team(const native *engine, uint32_t total)
{
    const sn_lstm *lstm = engine->classifier.lstm;
    uint64_t units = lstm->config.blocks * SN_BLOCK;
    uint64_t step = SN_GATES * units * units * (lstm->int8 ? 1 : sizeof(float));
    uint64_t steps = (uint64_t)total * lstm->config.layers * lstm->config.directions;
    return engine->team > 1 && step * steps >= TEAM_BYTES;
}

static void run_single(native *engine, shared_run *job)
{
    if (!is_worth_a_team(engine, job->rows->totals[engine->order[0]])) {
        run_tiles(job, 0);
        return;
    }
    team_run run = {.job = job};
    sn_team_begin(&run.team, engine->team);
    engine->classifier.team = &run.team;
    sn_pool_run(engine->pool, engine->team, run_team, &run);
    engine->classifier.team = NULL;
}

static _Bool reserve_order(native *engine, size_t count)
{
    if (count <= engine->capacity)
        return 1;
    size_t both;
    if (count > UINT32_MAX || !sn_multiply(count, 2, &both))
        return 0;
    uint32_t *order = sn_realloc(engine->memory, engine->order, both, sizeof *order);
    if (!order)
        return 0;
    engine->order = order;
    engine->capacity = count;
    return 1;
}

static sentiment_status native_run(void *state, const sn_rows *rows, float *logits,
                                   const sentiment_cancel *cancel, sentiment_error *error)
{
    native *engine = state;
    const sn_lstm *lstm = engine->classifier.lstm;
    if (!reserve_order(engine, rows->rows))
        return sn_fail_memory(error, "the order of a batch");
    sn_order_rows(rows->totals, rows->rows, engine->order, engine->order + rows->rows);
    shared_run job = {.engine = engine,
                      .rows = rows,
                      .logits = logits,
                      .cancel = cancel,
                      .count = rows->rows,
                      .error = {.struct_size = sizeof job.error}};
    for (; job.count > 0; job.count--) { /* the mean over nothing is 0 */
        size_t r = engine->order[job.count - 1];
        if (rows->totals[r] > 0)
            break;
        memcpy(logits + r * lstm->config.classes, lstm->fc_bias,
               lstm->config.classes * sizeof *logits);
    }
    size_t share = (job.count + engine->threads - 1) / engine->threads;
    job.tile = share < TILE_ROWS ? share + (share == 0) : TILE_ROWS;
    if (job.count == 1)
        run_single(engine, &job);
    else if (job.count <= job.tile)
        run_tiles(&job, 0);
    else
        sn_pool_run(engine->pool, engine->threads, run_tiles, &job);
    sentiment_status status = atomic_load(&job.status);
    return status ? sn_fail(error, status, job.error.offset, "%s", job.error.message)
                  : SENTIMENT_OK;
}

static sentiment_status native_explain(void *state, const int32_t *ids, size_t length,
                                       uint32_t total, float *logits, float *bias,
                                       float *contributions, sentiment_error *error)
{
    native *engine = state;
    const sn_lstm *lstm = engine->classifier.lstm;
    if (total == 0) {
        memcpy(bias, lstm->fc_bias, lstm->config.classes * sizeof *bias);
        memcpy(logits, lstm->fc_bias, lstm->config.classes * sizeof *logits);
        return SENTIMENT_OK;
    }
    engine->workers[0].rows[0] = (sn_row){.ids = ids, .length = length, .total = total};
    return sn_classifier_explain(&engine->classifier, &engine->workers[0], logits, bias,
                                 contributions, error);
}

static void native_describe(const void *state, sn_engine_description *out)
{
    const native *engine = state;
    *out = (sn_engine_description){.isa = engine->classifier.kernels->isa};
    out->isa_name = sn_isa_name(out->isa);
    for (uint32_t i = 0; i < engine->threads; i++)
        out->memory_bytes += sn_worker_bytes(&engine->workers[i]);
    out->memory_bytes += engine->capacity * 2 * sizeof *engine->order;
}

static sentiment_status place_create(void *state, void **place, sentiment_error *error)
{
    native *engine = state;
    const sn_lstm *lstm = engine->classifier.lstm;
    if (lstm->config.directions > 1)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "the model is bidirectional: it reads a text from its end too, which a "
                       "stream does not know; expected a model that only runs forwards");
    sn_row_state *out = sn_alloc(engine->memory, 1, sizeof *out);
    if (!out)
        return sn_fail_memory(error, "the state of a stream");
    sentiment_status status = sn_row_state_init(lstm, out, error);
    if (status) {
        sn_free(engine->memory, out);
        return status;
    }
    *place = out;
    return SENTIMENT_OK;
}

static void place_destroy(void *place)
{
    if (!place)
        return;
    const sn_memory *memory = ((sn_row_state *)place)->memory;
    sn_row_state_free(place);
    sn_free(memory, place);
}

static void place_copy(void *to, const void *from)
{
    sn_row_state_copy(to, from);
}

static sentiment_status place_advance(void *state, void *place, const int32_t *ids, size_t count,
                                      sentiment_error *error)
{
    native *engine = state;
    (void)error;
    sn_classifier_advance(&engine->classifier, &engine->workers[0], ids, count, place);
    return SENTIMENT_OK;
}

static sentiment_status place_answer(void *state, const void *place, const int32_t *ids,
                                     size_t count, uint32_t total, float *logits,
                                     sentiment_error *error)
{
    native *engine = state;
    const sn_lstm *lstm = engine->classifier.lstm;
    (void)error;
    if (total == 0)
        memcpy(logits, lstm->fc_bias, lstm->config.classes * sizeof *logits);
    else
        sn_classifier_answer(&engine->classifier, &engine->workers[0], place, ids, count, total,
                             logits);
    return SENTIMENT_OK;
}

static const sn_engine_stream native_stream = {
    .create = place_create,
    .destroy = place_destroy,
    .copy = place_copy,
    .advance = place_advance,
    .answer = place_answer,
};

const sn_engine sn_engine_native = {
    .id = SENTIMENT_ENGINE_NATIVE,
    .name = "native",
    .create = native_create,
    .destroy = native_destroy,
    .run = native_run,
    .explain = native_explain,
    .describe = native_describe,
    .stream = &native_stream,
};
