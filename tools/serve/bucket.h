/* SPDX-License-Identifier: Apache-2.0
 *
 * How many texts a client may send: a token bucket for each, filled at a rate up
 * to a burst. The table is bounded: the client that was away longest makes room
 * for a new one, and starts anew when it comes back. It knows no clock and no
 * addresses: the caller gives the time and the name of the client. */
#ifndef TOOLS_SERVE_BUCKET_H
#define TOOLS_SERVE_BUCKET_H

#include <sentiment/sentiment.h>

#include <stddef.h>
#include <stdint.h>

typedef struct serve_bucket serve_bucket;

typedef struct serve_bucket_options {
    double rate;    /* texts a second, above 0 */
    double burst;   /* texts at once, at least 1; 0: the rate, but at least 1 */
    size_t clients; /* remembered at a time; 0: 65,536; at most 16,777,216 */
} serve_bucket_options;

/* All memory is taken here. INVALID_ARGUMENT or OUT_OF_MEMORY. */
sentiment_status serve_bucket_create(const serve_bucket_options *options, serve_bucket **bucket,
                                     sentiment_error *error);
/* No other thread may use it any more. NULL is fine. */
void serve_bucket_free(serve_bucket *bucket);

/* Takes `texts` from the client's bucket; 0: they may pass. Else nothing is taken
 * and the value is Retry-After: whole seconds (1 or more) until the same request
 * would pass. One that is larger than the burst passes when the bucket is full,
 * and leaves a debt that is filled up first. `now` is a clock that does not go
 * back, in nanoseconds; one that does is taken as standing still. From any thread:
 * a lock for a part of the table, held for a lookup. NULL for `bucket`: no limit. */
uint32_t serve_bucket_take(serve_bucket *bucket, const char *client, size_t size, uint32_t texts,
                           uint64_t now);
/* Gives back what was taken for texts that were not answered after all. */
void serve_bucket_give(serve_bucket *bucket, const char *client, size_t size, uint32_t texts);
/* Clients in the table. */
size_t serve_bucket_clients(serve_bucket *bucket);

#endif
