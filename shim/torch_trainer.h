/* SPDX-License-Identifier: Apache-2.0
 *
 * One network being trained: its steps, its order of texts, its figures on the
 * dev set. When to stop and what to keep is engine_train's business. */
#ifndef SN_SHIM_TORCH_TRAINER_H
#define SN_SHIM_TORCH_TRAINER_H

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/plugin.h"
#include "torch_language_model.h"
#include "torch_network.h"
#include "torch_optimizer.h"
#include "torch_random.h"

namespace sn
{

struct Scores {
    double accuracy, macro_f1;
};

class Trainer
{
  public:
    Trainer(const sn_plugin_network &sizes, const sn_plugin_dataset &train,
            const sn_plugin_dataset &dev, const sentiment_train_options &options);

    /* Batches of an epoch, as indices of texts: texts of similar length
     * together, otherwise in random order. */
    std::vector<std::vector<size_t>> make_epoch();
    /* One update towards the next words; the mean loss. */
    double pretrain_step(const std::vector<size_t> &members, double rate);
    /* Begins the training of classes: moments and averages start afresh. */
    void start_classes();
    /* One update towards the classes; the mean loss of the batch. */
    double step(const std::vector<size_t> &members, double rate);
    /* The dev set under the weights, or under their averages. False if cancelled. */
    bool evaluate(bool averages, const sentiment_cancel *cancel, Scores *scores);
    /* Copies the weights, or their averages. */
    void store(bool averages, const sn_plugin_weights &out);

  private:
    at::Tensor drop(const at::Tensor &values, double probability);
    void forget_words(Batch &batch, double dropout);
    at::Tensor loss(const std::vector<size_t> &members);
    double update(const at::Tensor &loss, Optimizer &optimizer, double rate);

    const sentiment_train_options &options_;
    const sn_plugin_dataset &train_, &dev_;
    std::vector<uint32_t> train_totals_, dev_totals_, train_lengths_;
    std::vector<double> counts_;  /* occurrences of each token id in the training texts */
    std::vector<double> forgets_; /* chance that a token id is read as unknown for its rarity */
    Random order_, masks_;
    Network network_;
    std::unique_ptr<LanguageModel> language_; /* while pre-training */
    std::unique_ptr<Optimizer> optimizer_;
    at::Tensor class_weights_;
};

} // namespace sn

#endif
