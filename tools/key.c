/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment key: an API key for `sentiment serve`. Its digest goes to standard
 * output, for the server's file; the key itself to standard error, once, for whoever
 * is to use it. */
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "options.h"
#include "serve/keys.h"

typedef struct key_settings {
    bool existing;
} key_settings;

static const option_spec own_options[] = {
    {.name = "existing",
     .kind = OPTION_FLAG,
     .offset = offsetof(key_settings, existing),
     .help = "read a key of 16 bytes or more from standard input instead of making one"},
    {.name = NULL}};

static const command_help help = {
    .name = "key",
    .arguments = "NAME",
    .summary = "Makes an API key: its line for the server's file of keys.",
    .details = "The line, NAME:SHA-256, goes to standard output, the key to standard error. It is\n"
               "nowhere kept: sentiment key alice >> keys.",
    .arguments_min = 1,
    .arguments_max = 1};

/* The first line of standard input; its length, -1 if it is too long or unreadable. */
static ptrdiff_t read_key(char *key, size_t size)
{
    size_t used = 0;
    while (used < size) {
        ssize_t got = read(STDIN_FILENO, key + used, 1);
        if (got < 0)
            return -1;
        if (got == 0 || key[used] == '\n')
            return (ptrdiff_t)used;
        used++;
    }
    return -1;
}

int command_key(char **argv, emit *out)
{
    key_settings settings = {0};
    const option_group groups[] = {{own_options, &settings}, {NULL, NULL}};
    command_arguments names;
    sentiment_error error = {.struct_size = sizeof error};
    char made[SERVE_KEYS_KEY_SIZE] = "", given[SERVE_KEYS_KEY_LIMIT + 1];
    char line[SERVE_KEYS_LINE_SIZE];
    ptrdiff_t size = SERVE_KEYS_KEY_SIZE - 1;
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &names, &status))
        return status;
    sentiment_status failed = SENTIMENT_OK;
    if (settings.existing)
        size = read_key(given, sizeof given);
    else
        failed = serve_keys_generate(made, &error);
    if (size < 0) {
        message("the key on standard input is longer than %d bytes", SERVE_KEYS_KEY_LIMIT);
        return EXIT_FAILED;
    }
    if (!failed)
        failed = serve_keys_make_line(names.items[0], settings.existing ? given : made,
                                      (size_t)size, line, &error);
    if (failed) {
        message_error(&error);
        return EXIT_FAILED;
    }
    emit_format(out, "%s", line);
    if (!settings.existing)
        message("the key of %s: %s", names.items[0], made);
    explicit_bzero(made, sizeof made);
    explicit_bzero(given, sizeof given);
    return EXIT_DONE;
}
