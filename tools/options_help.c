/* SPDX-License-Identifier: Apache-2.0
 *
 * Help from the option tables. Defaults are read from the targets, which the
 * parser leaves alone when help is asked for. */
#include "options_help.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 26

static void join_choices(const option_choice *choices, const char *separator, char *text,
                         size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (const option_choice *choice = choices; choice->name && used < size; choice++) {
        int written = snprintf(text + used, size - used, "%s%s", choice == choices ? "" : separator,
                               choice->name);
        used += written > 0 ? (size_t)written : 0;
    }
}

void options_expected(const option_spec *spec, char *text, size_t size)
{
    char names[200];
    switch (spec->kind) {
    case OPTION_U32:
        snprintf(text, size, "a whole number from %.0f to %.0f", spec->low, spec->high);
        break;
    case OPTION_U64:
        snprintf(text, size, "a whole number below 2^64");
        break;
    case OPTION_DOUBLE:
        snprintf(text, size, "a number from %g to %g", spec->low, spec->high);
        break;
    case OPTION_CHOICE:
        join_choices(spec->choices, ", ", names, sizeof names);
        snprintf(text, size, "one of %s", names);
        break;
    case OPTION_ONE:
        snprintf(text, size, "0 or 1");
        break;
    case OPTION_FLAG:
    case OPTION_STRING:
        snprintf(text, size, "a string");
        break;
    }
}

/* The default as text, empty where zero means "from elsewhere". */
static void default_text(const option_spec *spec, const void *target, char *text, size_t size)
{
    const char *string = NULL;
    text[0] = 0;
    switch (spec->kind) {
    case OPTION_FLAG:
        break;
    case OPTION_ONE:
        snprintf(text, size, "%s", *(const uint32_t *)target ? "1" : "");
        break;
    case OPTION_STRING:
        string = *(const char *const *)target;
        snprintf(text, size, "%s", string ? string : "");
        break;
    case OPTION_U32:
        if (*(const uint32_t *)target)
            snprintf(text, size, "%lu", (unsigned long)*(const uint32_t *)target);
        break;
    case OPTION_U64:
        snprintf(text, size, "%llu", (unsigned long long)*(const uint64_t *)target);
        break;
    case OPTION_DOUBLE:
        if (!isnan(*(const double *)target))
            snprintf(text, size, "%g", *(const double *)target);
        break;
    case OPTION_CHOICE:
        for (const option_choice *choice = spec->choices; choice->name; choice++)
            if (choice->value == *(const int32_t *)target)
                snprintf(text, size, "%s", choice->name);
        break;
    }
}

static void print_option(const option_spec *spec, const void *target, emit *out)
{
    char value[160] = "", fallback[160], left[224];
    if (spec->argument)
        snprintf(value, sizeof value, " %s", spec->argument);
    else if (spec->kind == OPTION_CHOICE) {
        value[0] = ' ';
        join_choices(spec->choices, "|", value + 1, sizeof value - 1);
    }
    int width = snprintf(left, sizeof left, "  --%s%s", spec->name, value);
    if (width + 2 > HELP_COLUMN)
        emit_format(out, "%s\n%*s", left, HELP_COLUMN, "");
    else
        emit_format(out, "%-*s", HELP_COLUMN, left);
    emit_format(out, "%s", spec->help);
    default_text(spec, target, fallback, sizeof fallback);
    if (fallback[0])
        emit_format(out, " [%s]", fallback);
    emit_format(out, "\n");
}

void options_print_help(const command_help *help, const option_group *groups, emit *out)
{
    emit_format(out, "Usage: sentiment %s [options]%s%s\n\n%s\n\nOptions:\n", help->name,
                help->arguments[0] ? " " : "", help->arguments, help->summary);
    for (; groups->specs; groups++)
        for (const option_spec *spec = groups->specs; spec->name; spec++)
            print_option(spec, (const char *)groups->target + spec->offset, out);
    emit_format(out, "%-*s%s\n", HELP_COLUMN, "  --help", "this text");
    if (help->details)
        emit_format(out, "\n%s\n", help->details);
}
