/* SPDX-License-Identifier: Apache-2.0
 *
 * Command-line options as tables: one row says how an option is spelt, parsed,
 * bounded, stored and explained, and the help text is printed from the same
 * rows. Long options only, in any order among the arguments; "--" ends them;
 * "--name value" and "--name=value"; an underscore in a name is a hyphen. */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emit.h"
#include "message.h"

typedef enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_ONE,    /* uint32_t, set to 1, or by =0 and =1 */
    OPTION_STRING, /* const char * */
    OPTION_U32,    /* uint32_t in [low, high] */
    OPTION_U64,    /* uint64_t, any */
    OPTION_DOUBLE, /* double in [low, high] */
    OPTION_CHOICE  /* int32_t, from `choices` */
} option_kind;

/* A word and its value; the list ends with a NULL name. */
typedef struct option_choice {
    const char *name;
    int32_t value;
} option_choice;

typedef struct option_spec {
    const char *name;
    option_kind kind;
    size_t offset;        /* of the value in the group's target */
    const char *argument; /* NULL: from the choices, or none */
    const char *help;
    const option_choice *choices;
    double low, high;
} option_spec;

/* Options (up to a NULL name) that are stored in `target`. */
typedef struct option_group {
    const option_spec *specs;
    void *target;
} option_group;

typedef struct command_help {
    const char *name;      /* of the subcommand */
    const char *arguments; /* behind the options in the usage line */
    const char *summary;   /* one line */
    const char *details;   /* paragraphs, each line under 80 columns; may be NULL */
    size_t arguments_min, arguments_max;
} command_help;

/* Left for the subcommand: the arguments that are no options. */
typedef struct command_arguments {
    char **items;
    size_t count;
} command_arguments;

/* Parses argv (NULL-terminated, behind the subcommand), reordering it. The
 * groups end with NULL specs; what their targets hold before are the defaults.
 * Returns true to go on; else *status is the exit status (help, wrong usage). */
bool options_parse(const command_help *help, const option_group *groups, char **argv, emit *out,
                   command_arguments *arguments, int *status);

/* Says on stderr what is wrong with the command line; returns EXIT_USAGE. */
int options_wrong(const command_help *help, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The name of a value, or "unknown". */
const char *option_choice_name(const option_choice *choices, int32_t value);

#endif
