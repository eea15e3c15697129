/* SPDX-License-Identifier: Apache-2.0
 *
 * The random numbers of training: SplitMix64 (Steele, Lea, Flood 2014), so
 * that order, masks and first weights depend on the seed alone, not on
 * libtorch's version, its threads or the device. Not for cryptography. */
#ifndef SN_SHIM_TORCH_RANDOM_H
#define SN_SHIM_TORCH_RANDOM_H

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace sn
{

class Random
{
  public:
    explicit Random(uint64_t seed) : state_(seed)
    {
    }

    uint64_t next()
    {
        uint64_t value = state_ += UINT64_C(0x9e3779b97f4a7c15);
        value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
        return value ^ (value >> 31);
    }

    /* In [0, 1), a multiple of 2^-53. */
    double uniform()
    {
        return static_cast<double>(next() >> 11) * 0x1p-53;
    }

    /* In [0, bound); the bias of the remainder, bound/2^64, is nothing here. */
    uint64_t below(uint64_t bound)
    {
        return next() % bound;
    }

    /* Standard normal, by Box and Muller; the second value is not kept. */
    double normal()
    {
        double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
        return radius * std::cos(6.283185307179586 * uniform());
    }

    /* Fisher-Yates, from the end. */
    template <typename Value> void shuffle(std::vector<Value> &values)
    {
        for (size_t i = values.size(); i > 1; i--)
            std::swap(values[i - 1], values[below(i)]);
    }

  private:
    uint64_t state_;
};

} // namespace sn

#endif
