/* SPDX-License-Identifier: Apache-2.0
 *
 * Where predict and tokenize get their texts from: the command line, a file,
 * or standard input; always as chunks, in order. */
#ifndef TOOLS_INPUTS_H
#define TOOLS_INPUTS_H

#include "reader.h"

typedef struct inputs {
    const char *path; /* --input; NULL: the arguments, else standard input */
    int32_t format;
    bool eager; /* see reader.h */
} inputs;

/* --input and --input-format; the target is an inputs. */
extern const option_spec inputs_options[];

/* Prints the answers to one chunk. A text that fails gets its reason in
 * records->errors. False: give up, the reason went to stderr. */
typedef bool (*inputs_handler)(void *user, chunk *records);

/* Runs the handler over all texts; returns the exit status. */
int inputs_run(const inputs *chosen, const command_arguments *texts, emit *out,
               inputs_handler handler, void *user);
/* What stands in the output in place of an answer. */
void inputs_emit_error(emit *out, bool json, const record_error *error);

#endif
