/* SPDX-License-Identifier: Apache-2.0
 *
 * What the answers of a batch job depend on besides its input: the first line of
 * its journal. Threads and the instruction set are not among that: the native
 * engine gives the same bits with any. */
#ifndef TOOLS_BATCH_ASKED_H
#define TOOLS_BATCH_ASKED_H

#include <jansson.h>

#include "setup.h"

/* NULL: the reason went to stderr. */
json_t *batch_asked(const setup *chosen, const sentiment_session *session, bool explain);

#endif
