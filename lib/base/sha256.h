/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4), for digests in metadata. It guards against accidents
 * and names files; it is no signature. Processors with instructions for it use
 * them; plain C is what they must equal. */
#ifndef SN_BASE_SHA256_H
#define SN_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* Takes `blocks` blocks of 64 bytes into the state. */
typedef void sn_sha256_blocks(uint32_t state[8], const uint8_t *data, size_t blocks);

typedef struct sn_sha256 {
    sn_sha256_blocks *blocks;
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
} sn_sha256;

void sn_sha256_start(sn_sha256 *hash);
void sn_sha256_add(sn_sha256 *hash, const void *data, size_t size);
/* 64 lower-case hex digits and a NUL. */
void sn_sha256_finish(sn_sha256 *hash, char hex[65]);

/* The two that do the work: plain C, and what this processor has (NULL: nothing). */
void sn_sha256_blocks_c(uint32_t state[8], const uint8_t *data, size_t blocks);
sn_sha256_blocks *sn_sha256_blocks_fast(void);
/* The constants of section 4.2.2. */
extern const uint32_t sn_sha256_constants[64];

#endif
