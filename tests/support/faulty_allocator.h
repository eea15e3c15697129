/* SPDX-License-Identifier: Apache-2.0
 *
 * An allocator that counts its blocks and fails at a chosen allocation: how
 * tests walk through every out-of-memory path and look for leaks. May be used
 * from several threads.
 *
 *     for (size_t n = 1;; n++) {
 *         faulty_allocator faulty = {.fail_at = n};
 *         sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
 *         ... the work; a failure must be OUT_OF_MEMORY ...
 *         assert_int_equal(faulty_allocator_live(&faulty), 0);
 *         if (!faulty_allocator_failed(&faulty))
 *             break;
 *     }
 */
#ifndef SUPPORT_FAULTY_ALLOCATOR_H
#define SUPPORT_FAULTY_ALLOCATOR_H

#include <stdatomic.h>

#include <sentiment/sentiment.h>

/* Zero-initialised it never fails and only counts. */
typedef struct faulty_allocator {
    size_t fail_at;      /* this allocation fails (1 is the first); 0: none does */
    _Bool all_after;     /* and so do all after it */
    atomic_size_t calls; /* allocations and reallocations asked for */
    atomic_size_t live;  /* blocks not released yet */
} faulty_allocator;

/* Hooks for sentiment_model_options.allocator; `state` must outlive their blocks. */
sentiment_allocator faulty_allocator_hooks(faulty_allocator *state);
size_t faulty_allocator_live(const faulty_allocator *state);
size_t faulty_allocator_calls(const faulty_allocator *state);
/* Whether the chosen allocation was reached. */
_Bool faulty_allocator_failed(const faulty_allocator *state);

#endif
