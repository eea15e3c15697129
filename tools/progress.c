/* SPDX-License-Identifier: Apache-2.0
 *
 * The progress line, redrawn at most five times a second. */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "setup.h"

void progress_start(progress *shown, bool answers)
{
    *shown = (progress){.visible = isatty(STDERR_FILENO) && !(answers && isatty(STDOUT_FILENO)),
                        .started = setup_seconds()};
}

const char *progress_clock(double seconds, char *text)
{
    unsigned whole = seconds > 0 && seconds < 359999 ? (unsigned)(seconds + 0.5) : 0;
    if (whole >= 3600)
        snprintf(text, 16, "%u:%02u:%02u", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, 16, "%02u:%02u", whole / 60, whole % 60);
    return text;
}

void progress_update(progress *shown, uint64_t texts, double share)
{
    if (!shown->visible)
        return;
    double now = setup_seconds(), passed = now - shown->started;
    if (now - shown->last < 0.2 || passed <= 0)
        return;
    char left[16];
    fprintf(stderr, "\r%llu texts  %.0f/s", (unsigned long long)texts, (double)texts / passed);
    if (share > 0)
        fprintf(stderr, "  %3.0f%%  %s left", share * 100,
                progress_clock(passed / share - passed, left));
    fputs("\x1b[K", stderr);
    shown->last = now;
    shown->shown = true;
}

void progress_end(progress *shown)
{
    if (shown->shown)
        fputs("\r\x1b[K", stderr);
    shown->shown = false;
}
