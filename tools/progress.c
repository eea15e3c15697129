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

void progress_resume(progress *shown, uint64_t texts, double share)
{
    shown->started = setup_seconds();
    shown->texts_before = texts;
    shown->share_before = share > 0 ? share : 0;
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

/* Whether the line is due, and how many seconds have passed. */
static bool is_due(progress *shown, double *passed)
{
    if (!shown->visible)
        return false;
    double now = setup_seconds();
    *passed = now - shown->started;
    if (now - shown->last < 0.2 || *passed <= 0)
        return false;
    shown->last = now;
    shown->shown = true;
    return true;
}

static void print_share(const progress *shown, double share, double passed)
{
    char left[16];
    double since = share - shown->share_before;
    if (since > 0)
        fprintf(stderr, "  %3.0f%%  %s left", share * 100,
                progress_clock(passed / since * (1 - share), left));
    fputs("\x1b[K", stderr);
}

void progress_update(progress *shown, uint64_t texts, double share)
{
    double passed;
    if (!is_due(shown, &passed))
        return;
    fprintf(stderr, "\r%llu texts  %.0f/s", (unsigned long long)texts,
            (double)(texts - shown->texts_before) / passed);
    print_share(shown, share, passed);
}

void progress_share(progress *shown, const char *what, double share)
{
    double passed;
    if (!is_due(shown, &passed))
        return;
    fprintf(stderr, "\r%s", what);
    print_share(shown, share, passed);
}

void progress_end(progress *shown)
{
    if (shown->shown)
        fputs("\r\x1b[K", stderr);
    shown->shown = false;
}
