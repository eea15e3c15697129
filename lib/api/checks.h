/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks that every public function makes of its arguments. Each failure is
 * INVALID_ARGUMENT and names the argument. */
#ifndef SN_API_CHECKS_H
#define SN_API_CHECKS_H

#include "base/status.h"

sentiment_status sn_null_argument(sentiment_error *error, const char *name);

/* Copies a caller's struct: a smaller one leaves the rest of `copy` as it is,
 * a larger one must have a zero tail. */
sentiment_status sn_take_struct(void *copy, size_t size, const void *given, const char *name,
                                sentiment_error *error);
/* Writes an output struct, as much of it as the caller's has room for. */
sentiment_status sn_give_struct(void *to, const void *filled, size_t size, const char *name,
                                sentiment_error *error);

/* 0 <= value <= last. */
sentiment_status sn_check_choice(int32_t value, int32_t last, const char *name,
                                 sentiment_error *error);
/* 0 or 1. */
sentiment_status sn_check_flag(uint32_t value, const char *name, sentiment_error *error);
/* A reserved field. */
sentiment_status sn_check_zero(uint32_t value, const char *name, sentiment_error *error);
/* Results that a call is to fill: there, and large enough. */
sentiment_status sn_check_result(const sentiment_result *results, sentiment_error *error);

#endif
