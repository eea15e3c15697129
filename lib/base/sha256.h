/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4), for digests in metadata. It guards against accidents
 * and names files; it is no signature. */
#ifndef SN_BASE_SHA256_H
#define SN_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct sn_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
} sn_sha256;

void sn_sha256_start(sn_sha256 *hash);
void sn_sha256_add(sn_sha256 *hash, const void *data, size_t size);
/* 64 lower-case hex digits and a NUL. */
void sn_sha256_finish(sn_sha256 *hash, char hex[65]);

#endif
