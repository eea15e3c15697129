#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes create_expected.h: what the documented generator (docs/file-format.md)
gives, from an implementation of its own in plain Python. Python's floats are
IEEE 754 doubles, so every bit must agree.

    python3 make_create_expected.py > create_expected.h
"""
import hashlib
import math
import struct

MASK = (1 << 64) - 1


def rotate(value, by):
    return (value << by | value >> (64 - by)) & MASK


class Generator:
    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & MASK
            z = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9 & MASK
            z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
            self.state.append(z ^ z >> 31)
        self.spare = None

    def next(self):
        s = self.state
        result = rotate(s[1] * 5 & MASK, 7) * 9 & MASK
        t = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)
        return result

    def uniform(self, bound):
        return (2 * ((self.next() >> 40) * 2.0**-24) - 1) * bound

    def normal(self):
        if self.spare is not None:
            value, self.spare = self.spare, None
            return value
        while True:
            a = (self.next() >> 11) * 2.0**-52 - 1
            b = (self.next() >> 11) * 2.0**-52 - 1
            s = a * a + b * b
            if 2.0**-1000 <= s < 1:
                break
        scale = math.sqrt(-2 * logarithm(s) / s)
        self.spare = b * scale
        return a * scale


def logarithm(x):
    m, exponent = math.frexp(x)  # m in [1/2, 1)
    m, exponent = m * 2, exponent - 1
    if m >= 4.0 / 3.0:
        m, exponent = m * 0.5, exponent + 1
    t = (m - 1) / (m + 1)
    total = 0.0
    for k in range(23, 0, -2):
        total = total * (t * t) + 1.0 / k
    value = exponent * 0.69314718055994530942 + 2 * t * total
    assert abs(value - math.log(x)) <= 4e-16 * max(1, abs(value))
    return value


def digest(seed, vocab, embedding, hidden, classes, layers, directions):
    generator = Generator(seed)
    bound = 1 / math.sqrt(hidden)
    count = 0
    for layer in range(layers):
        columns = directions * hidden if layer else embedding
        count += directions * 4 * hidden * (columns + hidden + 2)
    count += classes * (directions * hidden + 1)
    values = [generator.normal() for _ in range(vocab * embedding)]
    values += [generator.uniform(bound) for _ in range(count)]
    return hashlib.sha256(struct.pack("<%df" % len(values), *values)).hexdigest()


CASES = [
    (0, 1, 1, 1, 1, 1, 1),
    (42, 600, 16, 32, 3, 1, 1),
    (2**64 - 1, 37, 5, 51, 2, 3, 2),
]

print("/* SPDX-License-Identifier: Apache-2.0")
print(" *")
print(" * Written by make_create_expected.py; do not edit. */")
print("static const uint64_t expected_numbers[] = {")
generator = Generator(1)
for _ in range(4):
    print("    0x%016xu," % generator.next())
print("};")
print("/* seed, vocab_size, embedding_dim, hidden_size, num_classes, num_layers, directions,")
print(" * SHA-256 of the weights in the order of the arena, as little-endian float32 */")
print("static const struct {")
print("    uint64_t seed;")
print("    uint32_t sizes[6];")
print("    const char *sha256;")
print("} expected_digests[] = {")
for case in CASES:
    print("    {%du, {%s}," % (case[0], ", ".join(map(str, case[1:]))))
    print('     "%s"},' % digest(*case))
print("};")
