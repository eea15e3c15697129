/* SPDX-License-Identifier: Apache-2.0
 *
 * See pool.h. A round number tells workers that there is a new task. Signals
 * are blocked in the pool's threads: they belong to the host. */
#include "engine/pool.h"

#include <pthread.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

typedef struct member {
    sn_pool *pool;
    uint32_t number;
    pthread_t thread;
} member;

struct sn_pool {
    const sn_memory *memory;
    uint32_t threads; /* the caller counted in */
    uint32_t started; /* members whose thread runs */
    pid_t process;    /* where they run: a child of fork() has none of them */
    member *members;  /* [threads], the first is the caller and unused */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_cond_t done;
    uint64_t round;
    uint32_t workers; /* of the round */
    uint32_t busy;
    _Bool stop;
    sn_task_fn task;
    void *user;
};

static void *work(void *argument)
{
    member *self = argument;
    sn_pool *pool = self->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->round == seen && !pool->stop)
            pthread_cond_wait(&pool->wake, &pool->lock);
        if (pool->stop)
            break;
        seen = pool->round;
        if (self->number >= pool->workers)
            continue;
        pthread_mutex_unlock(&pool->lock);
        pool->task(pool->user, self->number);
        pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static _Bool start_threads(sn_pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (pool->started = 1; pool->started < pool->threads; pool->started++) {
        member *next = &pool->members[pool->started];
        *next = (member){.pool = pool, .number = pool->started};
        if (pthread_create(&next->thread, NULL, work, next) != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pool->started == pool->threads;
}

sentiment_status sn_pool_create(const sn_memory *memory, uint32_t threads, sn_pool **out,
                                sentiment_error *error)
{
    sn_pool *pool = sn_alloc_zero(memory, 1, sizeof *pool);
    member *members = sn_alloc_zero(memory, threads, sizeof *members);
    if (!pool || !members) {
        sn_free(memory, pool);
        sn_free(memory, members);
        return sn_fail_memory(error, "a session's threads");
    }
    pool->memory = memory;
    pool->threads = threads;
    pool->process = getpid();
    pool->members = members;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    if (!start_threads(pool)) {
        uint32_t got = pool->started;
        sn_pool_free(pool);
        return sn_fail(error, SENTIMENT_ERROR_INTERNAL, SN_NO_OFFSET,
                       "the system gave %u of %u threads", got, threads);
    }
    *out = pool;
    return SENTIMENT_OK;
}

static void end_threads(sn_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stop = 1;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 1; i < pool->started; i++)
        pthread_join(pool->members[i].thread, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
}

void sn_pool_free(sn_pool *pool)
{
    if (!pool)
        return;
    /* After fork() the waiting threads are in the parent alone: to join them, or
     * to destroy the condition they wait for, would hang. */
    if (getpid() == pool->process)
        end_threads(pool);
    sn_free(pool->memory, pool->members);
    sn_free(pool->memory, pool);
}

void sn_pool_run(sn_pool *pool, uint32_t workers, sn_task_fn task, void *user)
{
    if (workers > pool->threads)
        workers = pool->threads;
    if (workers > 1) {
        pthread_mutex_lock(&pool->lock);
        pool->task = task;
        pool->user = user;
        pool->workers = workers;
        pool->busy = workers - 1;
        pool->round++;
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
    }
    task(user, 0);
    if (workers > 1) {
        pthread_mutex_lock(&pool->lock);
        while (pool->busy > 0)
            pthread_cond_wait(&pool->done, &pool->lock);
        pthread_mutex_unlock(&pool->lock);
    }
}
