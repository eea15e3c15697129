/* SPDX-License-Identifier: Apache-2.0
 *
 * Shadow versions: they see a share of the requests after these have been
 * answered, and only their agreement is counted. */
#ifndef TOOLS_SERVE_SHADOW_H
#define TOOLS_SERVE_SHADOW_H

#include "job.h"

struct loop;

/* Sends an answered job to its shadow version, if it has one. True: the job is on
 * its way there and comes back once more. */
bool shadow_begin(struct loop *own, job *work);
/* It came back: counts where the two agree. */
void shadow_end(struct loop *own, const job *work);

#endif
