/* SPDX-License-Identifier: Apache-2.0
 *
 * Adam with decoupled weight decay (Kingma and Ba 2015; Loshchilov and Hutter
 * 2019) and the running average of the weights, in one pass over memory: a
 * step on a small batch costs as much here as in the network otherwise. */
#ifndef SN_SHIM_TORCH_OPTIMIZER_H
#define SN_SHIM_TORCH_OPTIMIZER_H

#include <vector>

#include <ATen/ATen.h>

namespace sn
{

class Optimizer
{
  public:
    /* `weights` stay the caller's; average_decay 0: no average is kept. */
    Optimizer(const std::vector<at::Tensor *> &weights, double weight_decay, double average_decay);

    /* One update from the weights' gradients, which are then dropped. The norm
     * of all gradients together is brought down to `clip`; 0: not at all. */
    void step(double rate, double clip);

    /* Exchanges the weights with their averages, if there are any, and back. */
    void exchange_averages();

  private:
    struct Slot {
        at::Tensor *weight;
        at::Tensor first, second, average;
    };
    /* Factors of one step, the same for every weight. */
    struct Factors {
        float scale, shrink, rate, second_correction, average_share;
    };
    Factors factors(double rate, double clip) const;
    double gradient_norm() const;
    static void update_cpu(Slot &slot, const Factors &factors);
    static void update_device(Slot &slot, const Factors &factors);

    std::vector<Slot> slots_;
    double weight_decay_, average_decay_;
    int64_t steps_ = 0;
};

} // namespace sn

#endif
