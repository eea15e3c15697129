/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread sleeps on a condition until the time that was set last. Lambda
 * counts on the clock of the day, so this does. */
#include "deadline.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Milliseconds that are left for writing the answer and sending it. */
#define MARGIN 200

struct deadline {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    sentiment_cancel *token;
    struct timespec end;
    bool running, leaving;
};

static bool is_over(const struct timespec *end)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec);
}

static void *wait_for_end(void *given)
{
    deadline *watch = given;
    pthread_mutex_lock(&watch->lock);
    while (!watch->leaving) {
        if (!watch->running) {
            pthread_cond_wait(&watch->changed, &watch->lock);
        } else if (is_over(&watch->end)) {
            watch->running = false;
            sentiment_cancel_request(watch->token);
        } else {
            pthread_cond_timedwait(&watch->changed, &watch->lock, &watch->end);
        }
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

deadline *deadline_create(void)
{
    deadline *watch = calloc(1, sizeof *watch);
    if (!watch)
        return NULL;
    if (sentiment_cancel_create(&watch->token, NULL)) {
        free(watch);
        return NULL;
    }
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->changed, NULL);
    if (pthread_create(&watch->thread, NULL, wait_for_end, watch)) {
        sentiment_cancel_free(watch->token);
        free(watch);
        return NULL;
    }
    return watch;
}

void deadline_start(deadline *watch, int64_t ms)
{
    int64_t end = ms > MARGIN ? ms - MARGIN : ms;
    pthread_mutex_lock(&watch->lock);
    sentiment_cancel_reset(watch->token);
    watch->end = (struct timespec){.tv_sec = end / 1000, .tv_nsec = end % 1000 * 1000000};
    watch->running = ms > 0;
    /* What is over already need not wait for the thread to see it. */
    if (watch->running && is_over(&watch->end))
        sentiment_cancel_request(watch->token);
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

void deadline_stop(deadline *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->running = false;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

const sentiment_cancel *deadline_token(const deadline *watch)
{
    return watch->token;
}

bool deadline_passed(const deadline *watch)
{
    return sentiment_cancel_requested(watch->token) != 0;
}

void deadline_free(deadline *watch)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->leaving = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    sentiment_cancel_free(watch->token);
    free(watch);
}
