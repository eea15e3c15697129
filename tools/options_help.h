/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts made from the tables of options.h: the help of a subcommand and what a
 * wrong value should have been. */
#ifndef TOOLS_OPTIONS_HELP_H
#define TOOLS_OPTIONS_HELP_H

#include "options.h"

void options_print_help(const command_help *help, const option_group *groups, emit *out);
/* "a whole number from 1 to 10", "one of fp32, int8", ... */
void options_expected(const option_spec *spec, char *text, size_t size);

#endif
