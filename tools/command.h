/* SPDX-License-Identifier: Apache-2.0
 *
 * The subcommands. Each gets the words behind its name and returns the exit
 * status; main flushes `out` and adds what went wrong there. */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include "emit.h"

int command_predict(char **argv, emit *out);
int command_tokenize(char **argv, emit *out);
int command_info(char **argv, emit *out);
int command_convert(char **argv, emit *out);
int command_create(char **argv, emit *out);
int command_train(char **argv, emit *out);
int command_test(char **argv, emit *out);
int command_compare(char **argv, emit *out);
int command_calibrate(char **argv, emit *out);
int command_bench(char **argv, emit *out);
int command_verify(char **argv, emit *out);
int command_optimize(char **argv, emit *out);
int command_publish(char **argv, emit *out);
int command_key(char **argv, emit *out);
int command_serve(char **argv, emit *out);

#endif
