/* SPDX-License-Identifier: Apache-2.0
 *
 * The threads of one session: they sleep between calls and die with it. */
#ifndef SN_ENGINE_POOL_H
#define SN_ENGINE_POOL_H

#include "base/memory.h"
#include "base/status.h"

typedef struct sn_pool sn_pool;

/* `worker` is 0 on the calling thread, 1 ... threads-1 on the pool's. */
typedef void (*sn_task_fn)(void *user, uint32_t worker);

/* A pool of `threads` workers, the caller counted in; threads >= 1. Fails with
 * OUT_OF_MEMORY, or INTERNAL when the system gives no thread. */
sentiment_status sn_pool_create(const sn_memory *memory, uint32_t threads, sn_pool **out,
                                sentiment_error *error);
void sn_pool_free(sn_pool *pool);
/* Runs the task once on each of the first `workers` (1 or more) and returns when all
 * are done. The others sleep on. */
void sn_pool_run(sn_pool *pool, uint32_t workers, sn_task_fn task, void *user);

#endif
