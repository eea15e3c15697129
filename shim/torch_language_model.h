/* SPDX-License-Identifier: Apache-2.0
 *
 * Pre-training: the embedding and the LSTM learn to predict the next word of
 * the training texts, before they learn classes. The head, a projection to the
 * embedding's own space, is dropped afterwards. Words are many, so each step
 * tells the right word from a sample of others (sampled softmax with its
 * correction, Jean et al. 2015). */
#ifndef SN_SHIM_TORCH_LANGUAGE_MODEL_H
#define SN_SHIM_TORCH_LANGUAGE_MODEL_H

#include "torch_network.h"
#include "torch_random.h"

namespace sn
{

class LanguageModel
{
  public:
    /* `counts`: how often each token id occurs in the training texts. */
    LanguageModel(const Network &network, const std::vector<double> &counts, Random &random);

    /* The head's weights, to be trained beside the network's. */
    std::vector<at::Tensor *> weights();
    /* Mean loss of predicting each batch's words. `words` are the batch's true
     * ids; `batch` may have forgotten some. `drop` is applied to the embedded
     * words and to the states. */
    at::Tensor loss(const Network &network, const Batch &batch, const std::vector<int64_t> &words,
                    Random &random, const Dropout &drop) const;

  private:
    at::Tensor sample(Random &random, at::Device device) const;

    at::Tensor projection_, projection_bias_; /* [dimension][hidden], [dimension] */
    at::Tensor bias_;                         /* [vocabulary] */
    at::Tensor correction_;                   /* [vocabulary] log of the expected draws */
    std::vector<double> cumulative_;          /* [vocabulary] of the sampling distribution */
};

} // namespace sn

#endif
