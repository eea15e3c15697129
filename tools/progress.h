/* SPDX-License-Identifier: Apache-2.0
 *
 * One line of progress on a terminal: done, rate, time left. In a pipe, or
 * where results scroll over the same terminal, it stays silent. */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
    bool visible, shown;
    double started, last;
    uint64_t texts_before; /* done and read by somebody else, earlier */
    double share_before;
} progress;

/* Shows progress if stderr is a terminal; with `answers`, which would run through
 * the line, only if stdout is none. */
void progress_start(progress *shown, bool answers);
/* Begins anew where `texts` are done and `share` of the input is read already: neither
 * counts for the rate. */
void progress_resume(progress *shown, uint64_t texts, double share);
/* `texts` done; `share` (0 to 1) of the input is read, below 0 if unknown. */
void progress_update(progress *shown, uint64_t texts, double share);
/* The same for work that is no texts: what it is, and the share that is done. */
void progress_share(progress *shown, const char *what, double share);
/* Clears the line. */
void progress_end(progress *shown);
/* "1:02:03" or "02:03"; `text` has room for 16 bytes. */
const char *progress_clock(double seconds, char *text);

#endif
