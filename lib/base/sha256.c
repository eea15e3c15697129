/* SPDX-License-Identifier: Apache-2.0
 *
 * See sha256.h; names and order follow FIPS 180-4, section 6.2. */
#include "base/sha256.h"

#include <string.h>

/* Fractional parts of the cube roots of the first 64 primes (section 4.2.2). */
const uint32_t sn_sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t value, unsigned by)
{
    return value >> by | value << (32 - by);
}

static uint32_t load_be(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void schedule(const uint8_t *block, uint32_t w[64])
{
    for (size_t t = 0; t < 16; t++)
        w[t] = load_be(block + 4 * t);
    for (size_t t = 16; t < 64; t++) {
        uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
        uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;
        w[t] = s1 + w[t - 7] + s0 + w[t - 16];
    }
}

/* Round i of eight. Instead of moving all words by one, as the standard says it,
 * each round finds them one place further: word a of round i is v[-i mod 8]. */
static inline void turn(uint32_t v[8], size_t i, uint32_t constant_and_word)
{
    uint32_t a = v[(8 - i) % 8], b = v[(9 - i) % 8], c = v[(10 - i) % 8];
    uint32_t e = v[(12 - i) % 8], f = v[(13 - i) % 8], g = v[(14 - i) % 8];
    uint32_t sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    uint32_t choice = (e & f) ^ (~e & g);
    uint32_t t1 = v[(15 - i) % 8] + sum1 + choice + constant_and_word;
    uint32_t sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    uint32_t majority = (a & b) ^ (a & c) ^ (b & c);
    v[(11 - i) % 8] += t1;
    v[(15 - i) % 8] = t1 + sum0 + majority;
}

static void compress(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64], v[8];
    schedule(block, w);
    memcpy(v, state, sizeof v);
    for (size_t t = 0; t < 64; t += 8) {
        turn(v, 0, sn_sha256_constants[t] + w[t]);
        turn(v, 1, sn_sha256_constants[t + 1] + w[t + 1]);
        turn(v, 2, sn_sha256_constants[t + 2] + w[t + 2]);
        turn(v, 3, sn_sha256_constants[t + 3] + w[t + 3]);
        turn(v, 4, sn_sha256_constants[t + 4] + w[t + 4]);
        turn(v, 5, sn_sha256_constants[t + 5] + w[t + 5]);
        turn(v, 6, sn_sha256_constants[t + 6] + w[t + 6]);
        turn(v, 7, sn_sha256_constants[t + 7] + w[t + 7]);
    }
    for (size_t i = 0; i < 8; i++)
        state[i] += v[i];
}

void sn_sha256_blocks_c(uint32_t state[8], const uint8_t *data, size_t blocks)
{
    for (size_t i = 0; i < blocks; i++)
        compress(state, data + 64 * i);
}

void sn_sha256_start(sn_sha256 *hash)
{
    /* Fractional parts of the square roots of the first 8 primes (section 5.3.3). */
    sn_sha256_blocks *fast = sn_sha256_blocks_fast();
    *hash = (sn_sha256){.blocks = fast ? fast : sn_sha256_blocks_c,
                        .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                  0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sn_sha256_add(sn_sha256 *hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t filled = (size_t)(hash->bytes % 64);
    hash->bytes += size;
    if (filled) {
        size_t take = size < 64 - filled ? size : 64 - filled;
        if (take)
            memcpy(hash->block + filled, bytes, take);
        if (filled + take < 64)
            return;
        hash->blocks(hash->state, hash->block, 1);
        bytes += take;
        size -= take;
    }
    hash->blocks(hash->state, bytes, size / 64);
    if (size % 64)
        memcpy(hash->block, bytes + size / 64 * 64, size % 64);
}

void sn_sha256_finish(sn_sha256 *hash, char hex[65])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t bits = hash->bytes * 8;
    uint8_t padding[72] = {0x80};
    /* One 1 bit, then zeros until eight bytes are left in a block. */
    size_t zeros = 64 - (size_t)((hash->bytes + 8) % 64);
    for (size_t i = 0; i < 8; i++)
        padding[zeros + i] = (uint8_t)(bits >> (56 - 8 * i));
    sn_sha256_add(hash, padding, zeros + 8);
    for (size_t i = 0; i < 64; i++)
        hex[i] = digits[hash->state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[64] = '\0';
}
