/* SPDX-License-Identifier: Apache-2.0
 *
 * See network.h. */
#include "network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/random.h"

static void *allocate(size_t count, size_t size)
{
    void *out = calloc(count, size);
    if (!out)
        abort();
    return out;
}

static float *numbers(uint64_t *seed, size_t count, float scale)
{
    float *out = allocate(count, sizeof *out);
    random_fill(seed, out, count, scale);
    return out;
}

static size_t inputs_of(const sn_lstm_config *config, size_t i)
{
    return i < config->directions ? NETWORK_EMBEDDING : config->directions * config->hidden;
}

static sn_int8_rows quantize(const float *matrix, size_t rows, size_t columns)
{
    int8_t *weights = allocate(rows * columns, 1);
    float *scale = allocate(rows, sizeof *scale);
    for (size_t r = 0; r < rows; r++)
        scale[r] = sn_int8_quantize(matrix + r * columns, columns, weights + r * columns);
    return (sn_int8_rows){weights, scale};
}

static void quantize_all(network *net)
{
    size_t rows = 4 * net->config.hidden;
    net->embedding_int8 = quantize(net->embedding, NETWORK_WORDS, NETWORK_EMBEDDING);
    for (size_t i = 0; i < net->config.layers * net->config.directions; i++) {
        sn_lstm_source *source = &net->sources[i];
        source->w_ih_int8 = quantize(source->w_ih, rows, inputs_of(&net->config, i));
        source->w_hh_int8 = quantize(source->w_hh, rows, net->config.hidden);
    }
}

void network_make(network *net, size_t hidden, size_t layers, size_t directions, float scale,
                  _Bool int8, uint64_t fold_bytes)
{
    uint64_t seed = hidden * 100 + layers * 10 + directions;
    *net = (network){.config = {.vocab_size = NETWORK_WORDS,
                                .embedding_dim = NETWORK_EMBEDDING,
                                .hidden = hidden,
                                .layers = layers,
                                .directions = directions,
                                .classes = NETWORK_CLASSES},
                     .int8 = int8};
    sn_lstm_config_derive(&net->config);
    net->embedding = numbers(&seed, NETWORK_WORDS * NETWORK_EMBEDDING, 1.0f);
    net->fc_weight = numbers(&seed, NETWORK_CLASSES * directions * hidden, scale);
    net->fc_bias = numbers(&seed, NETWORK_CLASSES, scale);
    net->sources = allocate(layers * directions, sizeof *net->sources);
    for (size_t i = 0; i < layers * directions; i++) {
        net->sources[i].w_ih = numbers(&seed, 4 * hidden * inputs_of(&net->config, i), scale);
        net->sources[i].w_hh = numbers(&seed, 4 * hidden * hidden, scale);
        net->sources[i].b_ih = numbers(&seed, 4 * hidden, scale);
        net->sources[i].b_hh = numbers(&seed, 4 * hidden, scale);
    }
    if (int8)
        quantize_all(net);
    sentiment_status status =
        int8 ? sn_lstm_pack_int8(&sn_memory_default, &net->config, &net->embedding_int8,
                                 net->sources, net->fc_weight, net->fc_bias, &net->lstm, NULL)
             : sn_lstm_pack(&sn_memory_default, &net->config, net->embedding, net->sources,
                            net->fc_weight, net->fc_bias, &net->lstm, NULL);
    if (status || sn_fold_init(&net->lstm, fold_bytes, &net->fold, NULL))
        abort();
}

/* Frees what a pointer to const was given for. */
static void free_const(const void *array)
{
    union {
        const void *in;
        void *out;
    } cast = {array};
    free(cast.out);
}

static void free_rows(const sn_int8_rows *rows)
{
    free_const(rows->weights);
    free_const(rows->scale);
}

void network_free(network *net)
{
    for (size_t i = 0; i < net->config.layers * net->config.directions; i++) {
        const sn_lstm_source *source = &net->sources[i];
        free_const(source->w_ih);
        free_const(source->w_hh);
        free_const(source->b_ih);
        free_const(source->b_hh);
        free_rows(&source->w_ih_int8);
        free_rows(&source->w_hh_int8);
    }
    free_rows(&net->embedding_int8);
    sn_fold_free(&net->fold);
    sn_lstm_free(&net->lstm);
    free(net->embedding);
    free(net->fc_weight);
    free(net->fc_bias);
    free(net->sources);
}

/* A matrix in either precision. */
typedef struct matrix {
    const float *plain;
    const sn_int8_rows *int8; /* NULL: plain */
    size_t columns;
} matrix;

static double weight(const matrix *of, size_t row, size_t column)
{
    size_t at = row * of->columns + column;
    if (of->int8)
        return (double)of->int8->weights[at] * (double)of->int8->scale[row];
    return (double)of->plain[at];
}

/* What a layer multiplies of an h. */
static double seen(const network *net, double h)
{
    return net->int8 ? rint(127.0 * h) / 127.0 : h;
}

/* One direction of one layer in double: x [total][inputs] -> y [total][hidden]. */
static void reference_layer(const network *net, size_t i, size_t total, const double *x,
                            size_t x_stride, double *y, size_t y_stride)
{
    const sn_lstm_source *w = &net->sources[i];
    size_t hidden = net->config.hidden, inputs = inputs_of(&net->config, i);
    const matrix w_ih = {w->w_ih, net->int8 ? &w->w_ih_int8 : NULL, inputs};
    const matrix w_hh = {w->w_hh, net->int8 ? &w->w_hh_int8 : NULL, hidden};
    double *h = allocate(hidden, sizeof *h), *c = allocate(hidden, sizeof *c);
    double *gate = allocate(4 * hidden, sizeof *gate);
    for (size_t step = 0; step < total; step++) {
        size_t t = i % net->config.directions ? total - 1 - step : step;
        for (size_t j = 0; j < 4 * hidden; j++) {
            gate[j] = (double)w->b_ih[j] + (double)w->b_hh[j];
            for (size_t k = 0; k < inputs; k++)
                gate[j] += weight(&w_ih, j, k) * x[t * x_stride + k];
            for (size_t k = 0; k < hidden; k++)
                gate[j] += weight(&w_hh, j, k) * seen(net, h[k]);
        }
        for (size_t u = 0; u < hidden; u++) {
            double in = 1 / (1 + exp(-gate[u])), f = 1 / (1 + exp(-gate[hidden + u]));
            double g = tanh(gate[2 * hidden + u]), o = 1 / (1 + exp(-gate[3 * hidden + u]));
            c[u] = f * c[u] + in * g;
            h[u] = o * tanh(c[u]);
            y[t * y_stride + u] = h[u];
        }
    }
    free(h);
    free(c);
    free(gate);
}

static void embed(const network *net, const int32_t *ids, size_t length, size_t total, double *x,
                  size_t stride)
{
    const matrix embedding = {net->embedding, net->int8 ? &net->embedding_int8 : NULL,
                              NETWORK_EMBEDDING};
    for (size_t t = 0; t < total; t++)
        for (size_t k = 0; k < NETWORK_EMBEDDING; k++)
            x[t * stride + k] = weight(&embedding, t < length ? (size_t)ids[t] : 0, k);
}

void network_reference(const network *net, const int32_t *ids, size_t length, size_t total,
                       double logits[NETWORK_CLASSES])
{
    size_t outputs = net->config.directions * net->config.hidden;
    size_t stride = outputs > NETWORK_EMBEDDING ? outputs : NETWORK_EMBEDDING;
    double *x = allocate(total * stride, sizeof *x), *y = allocate(total * stride, sizeof *y);
    embed(net, ids, length, total, x, stride);
    for (size_t i = 0; i < net->config.layers * net->config.directions; i++) {
        size_t direction = i % net->config.directions;
        reference_layer(net, i, total, x, stride, y + direction * net->config.hidden, stride);
        if (direction + 1 == net->config.directions)
            for (size_t k = 0; k < total * stride; k++)
                x[k] =
                    i + 1 == net->config.layers * net->config.directions ? y[k] : seen(net, y[k]);
    }
    for (size_t c = 0; c < NETWORK_CLASSES; c++) {
        logits[c] = (double)net->fc_bias[c];
        for (size_t k = 0; k < outputs; k++) {
            double mean = 0;
            for (size_t t = 0; t < total; t++)
                mean += x[t * stride + k] / (double)total;
            logits[c] += mean * (double)net->fc_weight[c * outputs + k];
        }
    }
    free(x);
    free(y);
}
