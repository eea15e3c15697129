/* SPDX-License-Identifier: Apache-2.0
 *
 * oneDNN's LSTM primitive as a rival: onednn.c WEIGHTS PRECISION THREADS, with
 * precision fp32, bf16 or int8. WEIGHTS is what bench.py writes: six uint64
 * (V, E, H, C, and two zeros), then fp32 embedding [V][E], W_ih [4H][E], W_hh
 * [4H][H], bias [4H], fc [C][H], fc bias [C]. Embedding, mean and linear layer
 * are a few loops around the primitive. Speaks the protocol of worker.h.
 *
 * oneDNN's int8 LSTM has one scale for embeddings and hidden state alike, so
 * that its answers are rougher than ours; what is measured is its speed. */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dnnl.h>

#include "worker.h"

#define GATES 4
#define ARGUMENTS 7

typedef struct lstm {
    size_t vocab, embed, hidden, classes;
    const float *embedding, *w_ih, *w_hh, *bias, *fc, *fc_bias;
    dnnl_data_type_t data, weights; /* of states, of matrices */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    size_t batch, length; /* that the primitive was made for */
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t arguments[ARGUMENTS];
    void *source; /* [length][batch][embed] */
    void *output; /* [length][batch][hidden] */
} lstm;

static int fine(dnnl_status_t status, const char *what)
{
    if (status != dnnl_success)
        fprintf(stderr, "oneDNN: %s: status %d\n", what, (int)status);
    return status == dnnl_success;
}

static dnnl_memory_desc_t describe(int rank, const dnnl_dim_t *dims, dnnl_data_type_t type,
                                   dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t desc;
    dnnl_memory_desc_init_by_tag(&desc, rank, dims, type, tag);
    return desc;
}

static void *data_of(dnnl_memory_t memory)
{
    void *data = NULL;
    dnnl_memory_get_data_handle(memory, &data);
    return data;
}

static dnnl_memory_t memory_of(lstm *self, const dnnl_memory_desc_t *desc)
{
    dnnl_memory_t memory = NULL;
    return fine(dnnl_memory_create(&memory, desc, self->engine, DNNL_MEMORY_ALLOCATE), "memory")
               ? memory
               : NULL;
}

/* PyTorch's [4H][columns] as fp32 [columns][4][H], then whatever layout and type
 * the primitive asks for, scaled by its attribute. */
static dnnl_memory_t place_matrix(lstm *self, const float *matrix, size_t columns,
                                  const dnnl_memory_desc_t *wanted, dnnl_primitive_attr_t scales)
{
    const dnnl_dim_t dims[DNNL_MAX_NDIMS] = {1, 1, (dnnl_dim_t)columns, GATES,
                                             (dnnl_dim_t)self->hidden};
    dnnl_memory_desc_t plain = describe(5, dims, dnnl_f32, dnnl_ldigo);
    dnnl_memory_t from = memory_of(self, &plain), to = memory_of(self, wanted);
    dnnl_primitive_desc_t how = NULL;
    dnnl_primitive_t reorder = NULL;
    if (!from || !to)
        return NULL;
    float *out = data_of(from);
    for (size_t row = 0; row < GATES * self->hidden; row++)
        for (size_t k = 0; k < columns; k++)
            out[k * GATES * self->hidden + row] = matrix[row * columns + k];
    dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    int good = fine(dnnl_reorder_primitive_desc_create(&how, &plain, self->engine, wanted,
                                                       self->engine, scales),
                    "reorder") &&
               fine(dnnl_primitive_create(&reorder, how), "reorder") &&
               fine(dnnl_primitive_execute(reorder, self->stream, 2, arguments), "reorder") &&
               fine(dnnl_stream_wait(self->stream), "reorder");
    dnnl_primitive_destroy(reorder);
    dnnl_primitive_desc_destroy(how);
    dnnl_memory_destroy(from);
    return good ? to : NULL;
}

/* 127 over the largest weight of each gate row, of both matrices together. */
static dnnl_primitive_attr_t int8_attributes(const lstm *self)
{
    dnnl_primitive_attr_t attributes = NULL;
    size_t rows = GATES * self->hidden;
    float *scales = malloc(rows * sizeof *scales);
    if (!scales || dnnl_primitive_attr_create(&attributes) != dnnl_success)
        return NULL;
    for (size_t row = 0; row < rows; row++) {
        float largest = 1e-9f;
        for (size_t k = 0; k < self->embed; k++)
            largest = fmaxf(largest, fabsf(self->w_ih[row * self->embed + k]));
        for (size_t k = 0; k < self->hidden; k++)
            largest = fmaxf(largest, fabsf(self->w_hh[row * self->hidden + k]));
        scales[row] = 127.0f / largest;
    }
    /* Bits 3 and 4 of the mask: one scale for each gate and unit. */
    fine(dnnl_primitive_attr_set_rnn_data_qparams(attributes, 127.0f, 128.0f), "data scales");
    fine(dnnl_primitive_attr_set_rnn_weights_qparams(attributes, (dnnl_dim_t)rows, 0x18, scales),
         "weight scales");
    free(scales);
    return attributes;
}

static void forget(lstm *self)
{
    for (int i = 0; i < ARGUMENTS; i++)
        if (self->arguments[i].memory)
            dnnl_memory_destroy(self->arguments[i].memory);
    if (self->primitive)
        dnnl_primitive_destroy(self->primitive);
    memset(self->arguments, 0, sizeof self->arguments);
    self->primitive = NULL;
}

static dnnl_memory_desc_t queried(dnnl_primitive_desc_t how, dnnl_query_t what, int index)
{
    return *dnnl_primitive_desc_query_md(how, what, index);
}

static int prepare(void *user, const worker_case *work)
{
    lstm *self = user;
    if (self->primitive && self->batch == work->batch && self->length == work->length)
        return 1;
    forget(self);
    self->batch = work->batch;
    self->length = work->length;
    const dnnl_dim_t t = (dnnl_dim_t)work->length, n = (dnnl_dim_t)work->batch;
    const dnnl_dim_t e = (dnnl_dim_t)self->embed, h = (dnnl_dim_t)self->hidden;
    const dnnl_dim_t source[DNNL_MAX_NDIMS] = {t, n, e}, output[DNNL_MAX_NDIMS] = {t, n, h};
    const dnnl_dim_t w_ih[DNNL_MAX_NDIMS] = {1, 1, e, GATES, h};
    const dnnl_dim_t w_hh[DNNL_MAX_NDIMS] = {1, 1, h, GATES, h};
    const dnnl_dim_t bias[DNNL_MAX_NDIMS] = {1, 1, GATES, h};
    dnnl_data_type_t result = self->data == dnnl_u8 ? dnnl_f32 : self->data;
    dnnl_memory_desc_t source_desc = describe(3, source, self->data, dnnl_tnc);
    dnnl_memory_desc_t output_desc = describe(3, output, result, dnnl_tnc);
    dnnl_memory_desc_t w_ih_desc = describe(5, w_ih, self->weights, dnnl_format_tag_any);
    dnnl_memory_desc_t w_hh_desc = describe(5, w_hh, self->weights, dnnl_format_tag_any);
    dnnl_memory_desc_t bias_desc = describe(4, bias, dnnl_f32, dnnl_ldgo);
    dnnl_rnn_desc_t desc;
    dnnl_primitive_desc_t how = NULL;
    dnnl_primitive_attr_t attributes = self->data == dnnl_u8 ? int8_attributes(self) : NULL;
    if (!fine(dnnl_lstm_forward_desc_init(&desc, dnnl_forward_inference,
                                          dnnl_unidirectional_left2right, &source_desc, NULL, NULL,
                                          &w_ih_desc, &w_hh_desc, &bias_desc, &output_desc, NULL,
                                          NULL, 0),
              "lstm description") ||
        !fine(dnnl_primitive_desc_create(&how, &desc, attributes, self->engine, NULL), "lstm") ||
        !fine(dnnl_primitive_create(&self->primitive, how), "lstm"))
        return 0;
    dnnl_memory_desc_t place_ih = queried(how, dnnl_query_weights_md, 0);
    dnnl_memory_desc_t place_hh = queried(how, dnnl_query_weights_md, 1);
    self->arguments[0] = (dnnl_exec_arg_t){DNNL_ARG_SRC_LAYER, memory_of(self, &source_desc)};
    self->arguments[1] = (dnnl_exec_arg_t){
        DNNL_ARG_WEIGHTS_LAYER,
        place_matrix(self, self->w_ih, self->embed, &place_ih, attributes)};
    self->arguments[2] = (dnnl_exec_arg_t){
        DNNL_ARG_WEIGHTS_ITER,
        place_matrix(self, self->w_hh, self->hidden, &place_hh, attributes)};
    self->arguments[3] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, memory_of(self, &bias_desc)};
    self->arguments[4] = (dnnl_exec_arg_t){DNNL_ARG_DST_LAYER, memory_of(self, &output_desc)};
    for (int i = 0; i < 5; i++)
        if (!self->arguments[i].memory)
            return 0;
    memcpy(data_of(self->arguments[3].memory), self->bias,
           GATES * self->hidden * sizeof *self->bias);
    self->source = data_of(self->arguments[0].memory);
    self->output = data_of(self->arguments[4].memory);
    dnnl_primitive_desc_destroy(how);
    dnnl_primitive_attr_destroy(attributes);
    return 1;
}

static uint16_t to_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static float from_bf16(uint16_t value)
{
    uint32_t bits = (uint32_t)value << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

/* One embedding row into the place of a token. */
static void put_row(const lstm *self, const float *row, size_t place)
{
    for (size_t k = 0; k < self->embed; k++) {
        size_t at = place * self->embed + k;
        if (self->data == dnnl_f32)
            ((float *)self->source)[at] = row[k];
        else if (self->data == dnnl_bf16)
            ((uint16_t *)self->source)[at] = to_bf16(row[k]);
        else
            ((uint8_t *)self->source)[at] =
                (uint8_t)fminf(255.0f, fmaxf(0.0f, rintf(row[k] * 127.0f + 128.0f)));
    }
}

static int run(void *user, const worker_case *work, float *logits)
{
    lstm *self = user;
    size_t batch = work->batch, hidden = self->hidden;
    float mean[4096];
    for (size_t t = 0; t < work->length; t++)
        for (size_t r = 0; r < batch; r++)
            put_row(self, self->embedding + (size_t)work->ids[r * work->length + t] * self->embed,
                    t * batch + r);
    if (!fine(dnnl_primitive_execute(self->primitive, self->stream, 5, self->arguments), "run") ||
        !fine(dnnl_stream_wait(self->stream), "run"))
        return 0;
    for (size_t r = 0; r < batch; r++) {
        memset(mean, 0, hidden * sizeof *mean);
        for (size_t t = 0; t < work->length; t++)
            for (size_t k = 0; k < hidden; k++) {
                size_t at = (t * batch + r) * hidden + k;
                mean[k] += self->data == dnnl_bf16 ? from_bf16(((uint16_t *)self->output)[at])
                                                   : ((float *)self->output)[at];
            }
        for (size_t c = 0; c < self->classes; c++) {
            float sum = 0;
            for (size_t k = 0; k < hidden; k++)
                sum += self->fc[c * hidden + k] * mean[k];
            logits[r * self->classes + c] = sum / (float)work->length + self->fc_bias[c];
        }
    }
    return 1;
}

static int read_weights(lstm *self, const char *path)
{
    size_t size;
    const uint64_t *head = worker_read_file(path, &size);
    if (!head || size < 48)
        return 0;
    self->vocab = head[0];
    self->embed = head[1];
    self->hidden = head[2];
    self->classes = head[3];
    const float *next = (const float *)(head + 6);
    self->embedding = next;
    self->w_ih = self->embedding + self->vocab * self->embed;
    self->w_hh = self->w_ih + GATES * self->hidden * self->embed;
    self->bias = self->w_hh + GATES * self->hidden * self->hidden;
    self->fc = self->bias + GATES * self->hidden;
    self->fc_bias = self->fc + self->classes * self->hidden;
    return self->hidden <= 4096 &&
           (size_t)((const char *)(self->fc_bias + self->classes) - (const char *)head) == size;
}

int main(int argc, char **argv)
{
    static lstm self;
    if (argc != 4 || !read_weights(&self, argv[1])) {
        fprintf(stderr, "usage: onednn WEIGHTS fp32|bf16|int8 THREADS\n");
        return 2;
    }
    _Bool int8 = strcmp(argv[2], "int8") == 0, bf16 = strcmp(argv[2], "bf16") == 0;
    self.data = int8 ? dnnl_u8 : bf16 ? dnnl_bf16 : dnnl_f32;
    self.weights = int8 ? dnnl_s8 : bf16 ? dnnl_bf16 : dnnl_f32;
    omp_set_num_threads(atoi(argv[3]));
    if (!fine(dnnl_engine_create(&self.engine, dnnl_cpu, 0), "engine") ||
        !fine(dnnl_stream_create(&self.stream, self.engine, dnnl_stream_default_flags), "stream"))
        return 1;
    return worker_serve(prepare, run, &self, self.classes);
}
