/* SPDX-License-Identifier: Apache-2.0
 *
 * See torch_language_model.h. */
#include "torch_language_model.h"

#include <algorithm>
#include <cmath>

namespace sn
{

namespace
{

/* Words drawn per step for all of the batch's predictions together. */
constexpr int draws = 1500;
/* Words are drawn in proportion to count^power (Mikolov et al. 2013). */
constexpr double power = 0.75;

/* Positions of a batch behind which there is a word to predict, and those words. */
void targets_of(const Batch &batch, const std::vector<int64_t> &words,
                std::vector<int64_t> *positions, std::vector<int64_t> *targets)
{
    for (int64_t row = 0; row < batch.rows; row++)
        for (int64_t t = 0; t + 1 < batch.totals[static_cast<size_t>(row)]; t++) {
            positions->push_back(row * batch.length + t);
            targets->push_back(words[static_cast<size_t>(row * batch.length + t + 1)]);
        }
}

at::Tensor indices(const std::vector<int64_t> &values, at::Device device)
{
    at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kLong);
    std::copy(values.begin(), values.end(), tensor.data_ptr<int64_t>());
    return tensor.to(device);
}

} // namespace

LanguageModel::LanguageModel(const Network &network, const std::vector<double> &counts,
                             Random &random)
{
    double bound = 1 / std::sqrt(static_cast<double>(network.hidden)), sum = 0;
    projection_ = at::empty({network.dimension, network.hidden}, at::kFloat);
    float *values = projection_.data_ptr<float>();
    for (int64_t i = 0; i < projection_.numel(); i++)
        values[i] = static_cast<float>((2 * random.uniform() - 1) * bound);
    projection_bias_ = at::zeros({network.dimension}, at::kFloat);
    bias_ = at::zeros({network.vocabulary}, at::kFloat);
    for (at::Tensor *weight : weights())
        *weight = weight->to(network.device).requires_grad_(true);

    for (double count : counts)
        cumulative_.push_back(sum += std::pow(std::max(count, 1.0), power));
    at::Tensor correction = at::empty({network.vocabulary}, at::kFloat);
    for (size_t i = 0; i < counts.size(); i++)
        correction.data_ptr<float>()[i] =
            static_cast<float>(std::log(std::pow(std::max(counts[i], 1.0), power) / sum * draws));
    for (double &value : cumulative_)
        value /= sum;
    correction_ = correction.to(network.device);
}

std::vector<at::Tensor *> LanguageModel::weights()
{
    return {&projection_, &projection_bias_, &bias_};
}

at::Tensor LanguageModel::sample(Random &random, at::Device device) const
{
    std::vector<int64_t> drawn(draws);
    for (int64_t &word : drawn) {
        auto at = std::upper_bound(cumulative_.begin(), cumulative_.end() - 1, random.uniform());
        word = at - cumulative_.begin();
    }
    std::sort(drawn.begin(), drawn.end());
    drawn.erase(std::unique(drawn.begin(), drawn.end()), drawn.end());
    return indices(drawn, device);
}

at::Tensor LanguageModel::loss(const Network &network, const Batch &batch,
                               const std::vector<int64_t> &words, Random &random,
                               const Dropout &drop) const
{
    std::vector<int64_t> positions, wanted;
    targets_of(batch, words, &positions, &wanted);
    if (positions.empty())
        return {};
    at::Tensor states = hidden_states(network, batch, true, drop);
    states =
        states.reshape({-1, network.hidden}).index_select(0, indices(positions, network.device));
    at::Tensor guess = at::linear(drop(states), projection_, projection_bias_);
    at::Tensor targets = indices(wanted, network.device);
    at::Tensor others = sample(random, network.device);

    at::Tensor right = (guess * at::embedding(network.embedding, targets)).sum(1) +
                       bias_.index_select(0, targets) - correction_.index_select(0, targets);
    at::Tensor wrong =
        at::addmm(bias_.index_select(0, others) - correction_.index_select(0, others), guess,
                  at::embedding(network.embedding, others).t());
    /* A drawn word that is the right one does not count against itself. */
    wrong = wrong.masked_fill(targets.unsqueeze(1).eq(others.unsqueeze(0)), -1e9);
    at::Tensor all = at::cat({right.unsqueeze(1), wrong}, 1);
    return (at::logsumexp(all, at::IntArrayRef{1}) - right).mean();
}

} // namespace sn
