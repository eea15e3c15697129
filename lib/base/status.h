/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling the caller's sentiment_error. Every failure in the library goes
 * through sn_fail; nothing here allocates. */
#ifndef SN_BASE_STATUS_H
#define SN_BASE_STATUS_H

#include <sentiment/sentiment.h>

#if defined(__GNUC__)
#  define SN_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#  define SN_PRINTF(text, first)
#endif

#define SN_NO_OFFSET SENTIMENT_NO_OFFSET

/* Fills `error` (may be NULL) and returns `code`. */
SN_PRINTF(4, 5)
sentiment_status sn_fail(sentiment_error *error, sentiment_status code, uint64_t offset,
                         const char *format, ...);

/* sn_fail for an allocation of what `what` names. */
sentiment_status sn_fail_memory(sentiment_error *error, const char *what);

/* sn_fail for a failed system call: NOT_FOUND for ENOENT, else IO.
 * `system_error` is errno at the time. */
sentiment_status sn_fail_system(sentiment_error *error, int system_error, const char *path,
                                const char *action);

/* Puts "prefix: " before the message of a failure that is being passed on,
 * and returns its code. */
SN_PRINTF(3, 4)
sentiment_status sn_fail_in(sentiment_error *error, sentiment_status code, const char *format, ...);

#endif
