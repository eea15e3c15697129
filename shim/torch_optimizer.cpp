/* SPDX-License-Identifier: Apache-2.0
 *
 * See torch_optimizer.h. Names follow the paper: first and second moment, with
 * beta1 0.9, beta2 0.999 and epsilon 1e-8 as PyTorch has them. */
#include "torch_optimizer.h"

#include <algorithm>
#include <cmath>

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

namespace sn
{

namespace
{

constexpr float beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
/* Elements that are worth a thread of their own. */
constexpr int64_t grain = 1 << 15;

} // namespace

Optimizer::Optimizer(const std::vector<at::Tensor *> &weights, double weight_decay,
                     double average_decay)
    : weight_decay_(weight_decay), average_decay_(average_decay)
{
    for (at::Tensor *weight : weights) {
        Slot slot{weight, at::zeros_like(*weight), at::zeros_like(*weight), {}};
        if (average_decay > 0)
            slot.average = weight->detach().clone();
        slots_.push_back(std::move(slot));
    }
}

double Optimizer::gradient_norm() const
{
    double sum = 0;
    for (const Slot &slot : slots_) {
        double norm = slot.weight->grad().norm().item<double>();
        sum += norm * norm;
    }
    return std::sqrt(sum);
}

Optimizer::Factors Optimizer::factors(double rate, double clip) const
{
    double steps = static_cast<double>(steps_), scale = 1;
    if (clip > 0)
        scale = std::min(1.0, clip / (gradient_norm() + 1e-6));
    /* Early averages follow the weights closely, or they would be stuck at
     * their random start. */
    double decay = std::min(average_decay_, (1 + steps) / (10 + steps));
    return {static_cast<float>(scale), static_cast<float>(1 - rate * weight_decay_),
            static_cast<float>(rate / (1 - std::pow(0.9, steps))),
            static_cast<float>(1 / std::sqrt(1 - std::pow(0.999, steps))),
            static_cast<float>(1 - decay)};
}

void Optimizer::step(double rate, double clip)
{
    c10::NoGradGuard no_gradients;
    steps_++;
    Factors common = factors(rate, clip);
    for (Slot &slot : slots_) {
        if (slot.weight->is_cpu())
            update_cpu(slot, common);
        else
            update_device(slot, common);
        slot.weight->mutable_grad().reset();
    }
}

void Optimizer::update_cpu(Slot &slot, const Factors &factors)
{
    at::Tensor gradient = slot.weight->grad().contiguous();
    const float *g = gradient.data_ptr<float>();
    float *weight = slot.weight->data_ptr<float>();
    float *first = slot.first.data_ptr<float>(), *second = slot.second.data_ptr<float>();
    float *average = slot.average.defined() ? slot.average.data_ptr<float>() : nullptr;
    const Factors f = factors;
    at::parallel_for(0, slot.weight->numel(), grain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++) {
            float slope = g[i] * f.scale;
            first[i] += (1 - beta1) * (slope - first[i]);
            second[i] += (1 - beta2) * (slope * slope - second[i]);
            weight[i] = weight[i] * f.shrink -
                        f.rate * first[i] / (std::sqrt(second[i]) * f.second_correction + epsilon);
        }
        for (int64_t i = begin; average && i < end; i++)
            average[i] += f.average_share * (weight[i] - average[i]);
    });
}

void Optimizer::update_device(Slot &slot, const Factors &factors)
{
    at::Tensor slope = slot.weight->grad() * factors.scale;
    slot.first.lerp_(slope, 1 - beta1);
    slot.second.mul_(beta2).addcmul_(slope, slope, 1 - beta2);
    at::Tensor spread = slot.second.sqrt().mul_(factors.second_correction).add_(epsilon);
    slot.weight->mul_(factors.shrink).addcdiv_(slot.first, spread, -factors.rate);
    if (slot.average.defined())
        slot.average.lerp_(*slot.weight, factors.average_share);
}

void Optimizer::exchange_averages()
{
    for (Slot &slot : slots_)
        if (slot.average.defined())
            std::swap(*slot.weight, slot.average);
}

} // namespace sn
