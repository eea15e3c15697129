/* SPDX-License-Identifier: Apache-2.0
 *
 * The option parser. Help is printed by options_help.c; both read the tables
 * of options.h and know no option by name but --help. */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options_help.h"

int options_wrong(const command_help *help, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    message("%s: %s", help->name, text);
    message("try 'sentiment %s --help'", help->name);
    return EXIT_USAGE;
}

/* Equal up to `size` bytes of `given`, hyphen and underscore being one. */
static bool same_name(const char *name, const char *given, size_t size)
{
    if (strlen(name) != size)
        return false;
    for (size_t i = 0; i < size; i++) {
        char a = name[i] == '_' ? '-' : name[i];
        char b = given[i] == '_' ? '-' : given[i];
        if (a != b)
            return false;
    }
    return true;
}

const char *option_choice_name(const option_choice *choices, int32_t value)
{
    for (; choices->name; choices++)
        if (choices->value == value)
            return choices->name;
    return "unknown";
}

static bool store_unsigned(const option_spec *spec, const char *value, void *target)
{
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (!isdigit((unsigned char)value[0]) || *end || errno)
        return false;
    if (spec->kind == OPTION_U64) {
        *(uint64_t *)target = number;
        return true;
    }
    if ((double)number < spec->low || (double)number > spec->high)
        return false;
    *(uint32_t *)target = (uint32_t)number;
    return true;
}

static bool store_double(const option_spec *spec, const char *value, void *target)
{
    char *end = NULL;
    double number = strtod(value, &end);
    bool good = end != value && *end == 0 && isfinite(number) && number >= spec->low &&
                number <= spec->high && !isspace((unsigned char)value[0]);
    if (good)
        *(double *)target = number;
    return good;
}

/* Equal but for case: deployments write LOG_LEVEL=INFO. */
static bool same_choice(const char *name, const char *given)
{
    while (*name && (tolower((unsigned char)*given) == *name || (*name == '_' && *given == '-'))) {
        name++;
        given++;
    }
    return !*name && !*given;
}

static bool store_choice(const option_spec *spec, const char *value, void *target)
{
    for (const option_choice *choice = spec->choices; choice->name; choice++) {
        if (!same_choice(choice->name, value))
            continue;
        *(int32_t *)target = choice->value;
        return true;
    }
    return false;
}

/* `value` is NULL for options without one. */
static bool store(const option_spec *spec, const char *value, void *target)
{
    switch (spec->kind) {
    case OPTION_FLAG:
        *(bool *)target = true;
        return true;
    case OPTION_ONE:
        if (value && strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
            return false;
        *(uint32_t *)target = !value || value[0] == '1';
        return true;
    case OPTION_STRING:
        *(const char **)target = value;
        return true;
    case OPTION_U32:
    case OPTION_U64:
        return store_unsigned(spec, value, target);
    case OPTION_DOUBLE:
        return store_double(spec, value, target);
    case OPTION_CHOICE:
        return store_choice(spec, value, target);
    }
    return false;
}

static const option_spec *find(const option_group *groups, const char *name, size_t size,
                               void **target)
{
    for (; groups->specs; groups++) {
        for (const option_spec *spec = groups->specs; spec->name; spec++) {
            if (!same_name(spec->name, name, size))
                continue;
            *target = (char *)groups->target + spec->offset;
            return spec;
        }
    }
    return NULL;
}

static int wrong_value(const command_help *help, const option_spec *spec, const char *value)
{
    char range[256];
    options_expected(spec, range, sizeof range);
    return options_wrong(help, "--%s: '%s' is not %s", spec->name, value, range);
}

/* Reads the option at argv[0]; *used tells how many words it took. */
static int parse_one(const command_help *help, const option_group *groups, char **argv,
                     size_t *used)
{
    const char *name = argv[0] + 2;
    const char *value = strchr(name, '=');
    size_t size = value ? (size_t)(value - name) : strlen(name);
    void *target = NULL;
    const option_spec *spec = argv[0][1] == '-' ? find(groups, name, size, &target) : NULL;
    *used = 1;
    if (!spec)
        return options_wrong(help, "unknown option %s", argv[0]);
    bool takes_value = spec->kind != OPTION_FLAG && spec->kind != OPTION_ONE;
    if (spec->kind == OPTION_FLAG && value)
        return options_wrong(help, "--%s takes no value", spec->name);
    if (value)
        value++;
    else if (takes_value) {
        value = argv[1];
        *used = 2;
    }
    if (takes_value && !value)
        return options_wrong(help, "--%s needs a value", spec->name);
    return store(spec, value, target) ? EXIT_DONE : wrong_value(help, spec, value);
}

static bool wants_help(char **argv)
{
    for (; *argv && strcmp(*argv, "--") != 0; argv++)
        if (strcmp(*argv, "--help") == 0 || strcmp(*argv, "-h") == 0)
            return true;
    return false;
}

static int check_count(const command_help *help, const command_arguments *arguments)
{
    if (arguments->count > help->arguments_max)
        return options_wrong(help, "unexpected argument '%s'",
                             arguments->items[help->arguments_max]);
    if (arguments->count < help->arguments_min)
        return options_wrong(help, "missing argument: %s", help->arguments);
    return EXIT_DONE;
}

bool options_parse(const command_help *help, const option_group *groups, char **argv, emit *out,
                   command_arguments *arguments, int *status)
{
    *status = EXIT_DONE;
    *arguments = (command_arguments){argv, 0};
    if (wants_help(argv)) {
        options_print_help(help, groups, out);
        return false;
    }
    bool ended = false;
    size_t used = 0;
    for (char **at = argv; *at && *status == EXIT_DONE; at += used) {
        used = 1;
        if (!ended && strcmp(*at, "--") == 0)
            ended = true;
        else if (ended || at[0][0] != '-' || at[0][1] == 0)
            arguments->items[arguments->count++] = *at;
        else
            *status = parse_one(help, groups, at, &used);
    }
    if (*status == EXIT_DONE)
        *status = check_count(help, arguments);
    return *status == EXIT_DONE;
}
