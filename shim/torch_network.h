/* SPDX-License-Identifier: Apache-2.0
 *
 * The guide's network on libtorch tensors: embedding, LSTM, mean over the
 * positions, linear layer. Plain tensors and at:: operators, no modules: the
 * same forward pass serves prediction, explanation and training. */
#ifndef SN_SHIM_TORCH_NETWORK_H
#define SN_SHIM_TORCH_NETWORK_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "engine/plugin.h"

namespace sn
{

struct Network {
    int64_t vocabulary, dimension, hidden, classes, layers, directions;
    at::Device device{at::kCPU};
    at::Tensor embedding;         /* [vocabulary][dimension] */
    std::vector<at::Tensor> lstm; /* per layer and direction: w_ih w_hh b_ih b_hh */
    at::Tensor fc_weight;         /* [classes][directions*hidden] */
    at::Tensor fc_bias;           /* [classes] */

    /* Every weight, in the order of the model's storage. */
    std::vector<at::Tensor *> weights();
};

/* One group of rows, laid out for one pass. Rows have `totals` positions, of
 * which those behind a row's ids hold token 0. */
struct Batch {
    int64_t rows, length; /* length: the largest total, >= 1 */
    bool equal;           /* every row has `length` positions */
    std::vector<int64_t> totals;
    std::vector<int64_t> ids; /* [rows][length], 0 where a row has ended */
};

/* "cpu", "cuda", "cuda:N" or NULL for cpu; Refusal if it is not there. */
at::Device find_device(const char *name);

/* Sizes only. */
Network make_network(const sn_plugin_network &sizes, at::Device device);
/* Sizes and copies of the weights on the device. */
Network copy_network(const sn_plugin_network &source, at::Device device);

/* Applied to the embedded tokens and to the pooled state; empty: nothing. */
using Dropout = std::function<at::Tensor(const at::Tensor &)>;

/* States of the last layer, [rows][length][directions*hidden]. What stands
 * behind a row's total has no meaning. */
at::Tensor hidden_states(const Network &network, const Batch &batch, bool training,
                         const Dropout &embedded_dropout = {});
/* Mean of the states over each row's positions, [rows][directions*hidden]. */
at::Tensor pool(const Network &network, const Batch &batch, const at::Tensor &states);

/* Rows that go through the network together. */
struct Group {
    std::vector<size_t> rows;
};
/* Splits rows into groups of similar total, longest first, none of them
 * larger than what keeps the LSTM's buffers bounded. Rows of total 0 are in no
 * group. */
std::vector<Group> group_rows(const Network &network, const sn_plugin_rows &rows);
Batch make_batch(const sn_plugin_rows &rows, const std::vector<size_t> &members);

/* Logits of all rows, [rows][classes] in `logits`; false if cancelled. */
bool predict(const Network &network, const sn_plugin_rows &rows, float *logits,
             const sentiment_cancel *cancel);

} // namespace sn

#endif
