/* SPDX-License-Identifier: Apache-2.0
 *
 * How a comparison is told: for a person, for a program, and as a page. */
#ifndef TOOLS_EVALUATION_COMPARE_REPORT_H
#define TOOLS_EVALUATION_COMPARE_REPORT_H

#include "emit.h"
#include "evaluation/comparison.h"

void compare_print_text(const comparison *both, emit *out);
/* One object in a line; `passed`: all gates hold. */
void compare_print_json(const comparison *both, bool passed, emit *out);
/* A whole page of HTML. */
void compare_print_html(const comparison *both, bool passed, emit *out);

#endif
