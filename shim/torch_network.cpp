/* SPDX-License-Identifier: Apache-2.0
 *
 * See torch_network.h. Three ways to the mean: rows of one length need no
 * mask; in rows of different lengths a unidirectional LSTM never sees what
 * stands behind a row's end, so a weighted sum is enough; a bidirectional one
 * would, so its rows are packed. */
#include "torch_network.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include <ATen/Context.h>

#include "torch_guard.h"

namespace sn
{

namespace
{

/* Gates of one group, in floats: 256 MiB. */
constexpr int64_t group_floats = int64_t{1} << 26;

at::Tensor copy_weight(const float *data, at::IntArrayRef shape, at::Device device)
{
    at::Tensor tensor = at::empty(shape, at::kFloat);
    std::memcpy(tensor.data_ptr<float>(), data,
                static_cast<size_t>(tensor.numel()) * sizeof(float));
    return tensor.to(device);
}

at::Tensor as_tensor(const std::vector<int64_t> &values, at::IntArrayRef shape)
{
    at::Tensor tensor = at::empty(shape, at::kLong);
    std::copy(values.begin(), values.end(), tensor.data_ptr<int64_t>());
    return tensor;
}

std::vector<at::Tensor> initial_state(const Network &network, int64_t rows)
{
    at::Tensor zero = at::zeros({network.layers * network.directions, rows, network.hidden},
                                at::TensorOptions().dtype(at::kFloat).device(network.device));
    return {zero, zero};
}

at::Tensor embed(const Network &network, const at::Tensor &ids, const Dropout &dropout)
{
    at::Tensor embedded = at::embedding(network.embedding, ids.to(network.device));
    return dropout ? dropout(embedded) : embedded;
}

/* Rows one behind the other by position: all first tokens, all second ones of
 * the rows that have one, ... Needs rows of descending total. */
at::Tensor packed_states(const Network &network, const Batch &batch, bool training,
                         const Dropout &dropout)
{
    std::vector<int64_t> ids, sizes;
    int64_t alive = batch.rows;
    for (int64_t t = 0; t < batch.length; t++) {
        while (batch.totals[static_cast<size_t>(alive - 1)] <= t)
            alive--;
        for (int64_t row = 0; row < alive; row++)
            ids.push_back(batch.ids[static_cast<size_t>(row * batch.length + t)]);
        sizes.push_back(alive);
    }
    at::Tensor counts = as_tensor(sizes, {batch.length});
    at::Tensor data = embed(network, as_tensor(ids, {static_cast<int64_t>(ids.size())}), dropout);
    at::Tensor packed =
        std::get<0>(at::lstm(data, counts, initial_state(network, batch.rows), network.lstm, true,
                             network.layers, 0.0, training, true));
    return std::get<0>(at::_pad_packed_sequence(packed, counts, true, 0.0, batch.length));
}

/* Whether a row of this total may share a pass with one of the largest: at
 * most a quarter of the work on it may be wasted. */
bool similar(int64_t total, int64_t largest)
{
    return largest - total <= 8 || total * 4 >= largest * 3;
}

} // namespace

std::vector<at::Tensor *> Network::weights()
{
    std::vector<at::Tensor *> all{&embedding};
    for (at::Tensor &tensor : lstm)
        all.push_back(&tensor);
    all.push_back(&fc_weight);
    all.push_back(&fc_bias);
    return all;
}

at::Device find_device(const char *name)
{
    std::string device = name ? name : "cpu";
    if (device == "cpu")
        return at::Device(at::kCPU);
    std::string index = device.size() > 5 && device.compare(0, 5, "cuda:") == 0 ? device.substr(5)
                        : device == "cuda"                                      ? "0"
                                                                                : "";
    if (index.empty() || index.size() > 2 ||
        index.find_first_not_of("0123456789") != std::string::npos)
        throw Refusal(SENTIMENT_ERROR_INVALID_ARGUMENT,
                      "device \"" + device + "\" is unknown; expected cpu, cuda or cuda:N");
    if (!at::hasCUDA())
        throw Refusal(SENTIMENT_ERROR_ENGINE_UNAVAILABLE,
                      "device \"" + device +
                          "\": this libtorch has no CUDA, or found no driver and device for it");
    size_t count = static_cast<size_t>(at::getNumGPUs());
    unsigned long wanted = std::stoul(index);
    if (wanted >= count)
        throw Refusal(SENTIMENT_ERROR_ENGINE_UNAVAILABLE,
                      "device \"" + device + "\": there is no CUDA device " + index + ", " +
                          std::to_string(count) + " found");
    return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(wanted));
}

Network make_network(const sn_plugin_network &sizes, at::Device device)
{
    Network network;
    network.vocabulary = sizes.vocab_size;
    network.dimension = sizes.embedding_dim;
    network.hidden = sizes.hidden_size;
    network.classes = sizes.num_classes;
    network.layers = sizes.num_layers;
    network.directions = sizes.directions;
    network.device = device;
    return network;
}

Network copy_network(const sn_plugin_network &source, at::Device device)
{
    Network network = make_network(source, device);
    int64_t gates = 4 * network.hidden, width = network.directions * network.hidden;
    network.embedding =
        copy_weight(source.embedding, {network.vocabulary, network.dimension}, device);
    for (int64_t part = 0; part < network.layers * network.directions; part++) {
        const float *const *from = source.lstm + 4 * part;
        int64_t input = part < network.directions ? network.dimension : width;
        network.lstm.push_back(copy_weight(from[0], {gates, input}, device));
        network.lstm.push_back(copy_weight(from[1], {gates, network.hidden}, device));
        network.lstm.push_back(copy_weight(from[2], {gates}, device));
        network.lstm.push_back(copy_weight(from[3], {gates}, device));
    }
    network.fc_weight = copy_weight(source.fc_weight, {network.classes, width}, device);
    network.fc_bias = copy_weight(source.fc_bias, {network.classes}, device);
    return network;
}

at::Tensor hidden_states(const Network &network, const Batch &batch, bool training,
                         const Dropout &embedded_dropout)
{
    if (!batch.equal && network.directions == 2)
        return packed_states(network, batch, training, embedded_dropout);
    at::Tensor ids = as_tensor(batch.ids, {batch.rows, batch.length});
    return std::get<0>(at::lstm(embed(network, ids, embedded_dropout),
                                initial_state(network, batch.rows), network.lstm, true,
                                network.layers, 0.0, training, network.directions == 2, true));
}

at::Tensor pool(const Network &network, const Batch &batch, const at::Tensor &states)
{
    if (batch.equal)
        return states.mean(1);
    at::Tensor share = at::zeros({batch.rows, 1, batch.length}, at::kFloat);
    float *values = share.data_ptr<float>();
    for (int64_t row = 0; row < batch.rows; row++) {
        int64_t total = batch.totals[static_cast<size_t>(row)];
        std::fill_n(values + row * batch.length, total, 1.0f / static_cast<float>(total));
    }
    return at::bmm(share.to(network.device), states).squeeze(1);
}

std::vector<Group> group_rows(const Network &network, const sn_plugin_rows &rows)
{
    std::vector<size_t> order(rows.rows);
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return rows.totals[a] > rows.totals[b]; });
    int64_t position_floats = 4 * network.hidden * network.directions + network.dimension;
    std::vector<Group> groups;
    int64_t largest = 0;
    for (size_t row : order) {
        int64_t total = rows.totals[row];
        if (total == 0)
            break;
        bool fits = !groups.empty() && similar(total, largest) &&
                    static_cast<int64_t>(groups.back().rows.size() + 1) * largest <=
                        group_floats / position_floats;
        if (!fits) {
            groups.emplace_back();
            largest = total;
        }
        groups.back().rows.push_back(row);
    }
    return groups;
}

Batch make_batch(const sn_plugin_rows &rows, const std::vector<size_t> &members)
{
    Batch batch;
    batch.rows = static_cast<int64_t>(members.size());
    batch.length = 1;
    for (size_t row : members) {
        batch.totals.push_back(rows.totals[row]);
        batch.length = std::max(batch.length, batch.totals.back());
    }
    batch.equal = std::all_of(batch.totals.begin(), batch.totals.end(),
                              [&](int64_t total) { return total == batch.length; });
    batch.ids.resize(members.size() * static_cast<size_t>(batch.length));
    for (size_t i = 0; i < members.size(); i++)
        std::copy(rows.ids + rows.offsets[members[i]], rows.ids + rows.offsets[members[i] + 1],
                  batch.ids.begin() + static_cast<int64_t>(i) * batch.length);
    return batch;
}

bool predict(const Network &network, const sn_plugin_rows &rows, float *logits,
             const sentiment_cancel *cancel)
{
    size_t classes = static_cast<size_t>(network.classes);
    at::Tensor bias = network.fc_bias.to(at::kCPU);
    for (size_t row = 0; row < rows.rows; row++)
        if (rows.totals[row] == 0)
            std::copy_n(bias.data_ptr<float>(), classes, logits + row * classes);
    for (const Group &group : group_rows(network, rows)) {
        if (sentiment_cancel_requested(cancel))
            return false;
        Batch batch = make_batch(rows, group.rows);
        at::Tensor pooled = pool(network, batch, hidden_states(network, batch, false));
        at::Tensor answer =
            at::linear(pooled, network.fc_weight, network.fc_bias).to(at::kCPU).contiguous();
        for (size_t i = 0; i < group.rows.size(); i++)
            std::copy_n(answer.data_ptr<float>() + i * classes, classes,
                        logits + group.rows[i] * classes);
    }
    return true;
}

} // namespace sn
