/* SPDX-License-Identifier: Apache-2.0
 *
 * The cancel token: one lock-free flag, so that a signal handler may set it.
 * It lives on the floor below everything that watches it. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/status.h"

struct sentiment_cancel {
    atomic_int requested;
};

sentiment_status sentiment_cancel_create(sentiment_cancel **cancel, sentiment_error *error)
{
    if (!cancel)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "cancel is NULL; expected where to put the token");
    sentiment_cancel *made = malloc(sizeof *made);
    if (!made)
        return sn_fail_memory(error, "a cancel token");
    atomic_init(&made->requested, 0);
    *cancel = made;
    return SENTIMENT_OK;
}

void sentiment_cancel_request(sentiment_cancel *cancel)
{
    if (cancel)
        atomic_store_explicit(&cancel->requested, 1, memory_order_relaxed);
}

void sentiment_cancel_reset(sentiment_cancel *cancel)
{
    if (cancel)
        atomic_store_explicit(&cancel->requested, 0, memory_order_relaxed);
}

int32_t sentiment_cancel_requested(const sentiment_cancel *cancel)
{
    return cancel && atomic_load_explicit(&cancel->requested, memory_order_relaxed);
}

void sentiment_cancel_free(sentiment_cancel *cancel)
{
    free(cancel);
}
