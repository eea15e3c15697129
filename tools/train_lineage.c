/* SPDX-License-Identifier: Apache-2.0
 *
 * Lineage: the command as a shell would take it, and the digests and sizes of
 * both files. The date, metrics and hyper-parameters are the library's. */
#include "train_lineage.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

/* Characters that no shell touches. */
static bool is_plain(const char *word)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789_@%+=:,./-";
    return *word && word[strspn(word, safe)] == 0;
}

/* Appends one word, quoted if need be and always UTF-8; returns the new end.
 * Each input byte becomes at most four. */
static char *quote(char *at, const char *word)
{
    if (is_plain(word))
        return stpcpy(at, word);
    *at++ = '\'';
    for (size_t left = strlen(word); left > 0;) {
        utf8_step step = utf8_next(word, left);
        if (!step.valid)
            at = stpcpy(at, "\xEF\xBF\xBD");
        else if (*word == '\'')
            at = stpcpy(at, "'\\''");
        else
            at = stpncpy(at, word, step.length);
        word += step.length;
        left -= step.length;
    }
    return stpcpy(at, "'");
}

static char *join_command(char **argv)
{
    static const char start[] = "sentiment train";
    size_t size = sizeof start;
    for (char **word = argv; *word; word++)
        size += strlen(*word) * 4 + 3;
    char *command = malloc(size);
    if (!command)
        return NULL;
    char *at = stpcpy(command, start);
    for (char **word = argv; *word; word++) {
        *at++ = ' ';
        at = quote(at, *word);
    }
    *at = 0;
    return command;
}

json_t *lineage_step(const lineage *known)
{
    char *command = join_command(known->argv);
    json_t *step = NULL;
    if (command)
        step = json_pack("{s:s, s:s, s:s, s:I, s:s, s:I}", "action", "train", "command", command,
                         "train_sha256", known->train->sha256, "train_rows",
                         (json_int_t)known->train->count, "dev_sha256", known->dev->sha256,
                         "dev_rows", (json_int_t)known->dev->count);
    free(command);
    if (step && known->interrupted)
        json_object_set_new(step, "interrupted", json_true());
    return step;
}
