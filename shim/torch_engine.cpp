/* SPDX-License-Identifier: Apache-2.0
 *
 * Prediction and explanation: weights are copied to the device once, calls run
 * in inference mode and in full fp32 (no TF32), so that the answers are those
 * of PyTorch on a CPU within rounding. */
#include "torch_engine.h"

#include <algorithm>
#include <memory>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include "torch_guard.h"
#include "torch_network.h"

namespace sn
{

namespace
{

struct State {
    Network network;
    uint32_t threads;
};

void copy_out(const at::Tensor &tensor, float *out)
{
    at::Tensor values = tensor.to(at::kCPU).contiguous();
    std::copy_n(values.data_ptr<float>(), values.numel(), out);
}

/* logits = bias + sum over tokens of contributions: a position's share of the
 * mean, seen through the linear layer. Padded positions join the bias. */
void explain_row(const Network &network, const sn_plugin_rows &rows, size_t length, float *logits,
                 float *bias, float *contributions)
{
    int64_t total = rows.totals[0], tokens = static_cast<int64_t>(length);
    Batch batch = make_batch(rows, {0});
    at::Tensor states = hidden_states(network, batch, false);
    at::Tensor shares =
        at::matmul(states[0], network.fc_weight.t()).div_(static_cast<double>(total));
    copy_out(at::linear(pool(network, batch, states), network.fc_weight, network.fc_bias), logits);
    copy_out(shares.narrow(0, tokens, total - tokens).sum(0) + network.fc_bias, bias);
    copy_out(shares.narrow(0, 0, tokens), contributions);
}

} // namespace

void use_threads(uint32_t threads)
{
    int wanted = static_cast<int>(std::min<uint32_t>(threads, 1024));
    if (at::get_num_threads() != wanted)
        at::set_num_threads(wanted);
}

sentiment_status engine_create(const sn_plugin_network *network, const char *device,
                               uint32_t threads, void **state, sentiment_error *error)
{
    return guarded("creating a torch engine", error, [&] {
        c10::InferenceMode inference;
        auto made = std::make_unique<State>();
        made->network = copy_network(*network, find_device(device));
        made->threads = std::max<uint32_t>(threads, 1);
        *state = made.release();
        return SENTIMENT_OK;
    });
}

void engine_destroy(void *state)
{
    guarded("destroying a torch engine", nullptr, [&] {
        delete static_cast<State *>(state);
        return SENTIMENT_OK;
    });
}

sentiment_status engine_run(void *state, const sn_plugin_rows *rows, float *logits,
                            const sentiment_cancel *cancel, sentiment_error *error)
{
    return guarded("running a torch engine", error, [&]() -> sentiment_status {
        const State &self = *static_cast<State *>(state);
        c10::InferenceMode inference;
        at::NoTF32Guard exact;
        use_threads(self.threads);
        if (!predict(self.network, *rows, logits, cancel))
            throw Refusal(SENTIMENT_ERROR_CANCELLED, "cancelled");
        return SENTIMENT_OK;
    });
}

sentiment_status engine_explain(void *state, const int32_t *ids, size_t length, uint32_t total,
                                float *logits, float *bias, float *contributions,
                                sentiment_error *error)
{
    return guarded("explaining with a torch engine", error, [&]() -> sentiment_status {
        const State &self = *static_cast<State *>(state);
        c10::InferenceMode inference;
        at::NoTF32Guard exact;
        use_threads(self.threads);
        if (total == 0) {
            copy_out(self.network.fc_bias, logits);
            copy_out(self.network.fc_bias, bias);
            return SENTIMENT_OK;
        }
        const uint64_t offsets[2] = {0, length};
        explain_row(self.network, {ids, offsets, &total, 1}, length, logits, bias, contributions);
        return SENTIMENT_OK;
    });
}

} // namespace sn
