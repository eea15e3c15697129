/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets a cancel token when an invocation's time is nearly over, so that its
 * client gets an answer before Lambda kills the process. One thread waits. */
#ifndef TOOLS_LAMBDA_DEADLINE_H
#define TOOLS_LAMBDA_DEADLINE_H

#include <sentiment/sentiment.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct deadline deadline;

/* NULL: no memory or no thread. */
deadline *deadline_create(void);
/* Starts the clock: at `ms`, milliseconds since 1970, less a margin for the answer; 0:
 * there is no end. Clears the token first. */
void deadline_start(deadline *watch, int64_t ms);
/* Stops the clock; the token stays as it is. */
void deadline_stop(deadline *watch);
/* What the work has to look at. */
const sentiment_cancel *deadline_token(const deadline *watch);
bool deadline_passed(const deadline *watch);
void deadline_free(deadline *watch);

#endif
