/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages on stderr and the three exit statuses of the command. Standard
 * output belongs to results alone; see emit.h. */
#ifndef TOOLS_MESSAGE_H
#define TOOLS_MESSAGE_H

#include <sentiment/sentiment.h>

enum exit_status {
    EXIT_DONE = 0,   /* all done */
    EXIT_FAILED = 1, /* something failed; stderr says what */
    EXIT_USAGE = 2   /* the command line is wrong */
};

/* "sentiment: " + the text + a newline. */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same for a failed library call: its message, or the status's name. */
void message_error(const sentiment_error *error);
/* Says that memory ran out; returns EXIT_FAILED. */
int message_no_memory(void);

#endif
