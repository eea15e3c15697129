/* SPDX-License-Identifier: Apache-2.0
 *
 * Written by make_create_expected.py; do not edit. */
static const uint64_t expected_numbers[] = {
    0xb3f2af6d0fc710c5u,
    0x853b559647364ceau,
    0x92f89756082a4514u,
    0x642e1c7bc266a3a7u,
};
/* seed, vocab_size, embedding_dim, hidden_size, num_classes, num_layers, directions,
 * SHA-256 of the weights in the order of the arena, as little-endian float32 */
static const struct {
    uint64_t seed;
    uint32_t sizes[6];
    const char *sha256;
} expected_digests[] = {
    {0u, {1, 1, 1, 1, 1, 1},
     "3a43680e7f50b00a0c5962791b1c2bde85203f30bf4c10f24eac40d6d0d8d28c"},
    {42u, {600, 16, 32, 3, 1, 1},
     "2c2bee91ef3f1b26e587286dc385183827d286d929e7ad87b233b9fdee9bb3e2"},
    {18446744073709551615u, {37, 5, 51, 2, 3, 2},
     "7163e9797bf4239ab35445c9bc063032d845bfcc531f0512ee5e64510a341683"},
};
