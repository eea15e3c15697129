/* SPDX-License-Identifier: Apache-2.0
 *
 * Lineage: the command as a shell would take it, the date, and the digests and
 * sizes of both files. Metrics and hyper-parameters are the library's. */
#include "train_lineage.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* ISO 8601 in UTC; SOURCE_DATE_EPOCH makes it repeatable. */
static void print_date(char *text, size_t size)
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    char *end = NULL;
    long long seconds = fixed && *fixed ? strtoll(fixed, &end, 10) : 0;
    time_t now = end && *end == 0 ? (time_t)seconds : time(NULL);
    struct tm parts;
    if (!gmtime_r(&now, &parts) || !strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &parts))
        snprintf(text, size, "unknown");
}

char *lineage_json(const lineage *known)
{
    char date[40], train_rows[24], dev_rows[24];
    char *command = join_command(known->argv), *text = NULL;
    json_t *object = json_object();
    print_date(date, sizeof date);
    snprintf(train_rows, sizeof train_rows, "%llu", (unsigned long long)known->train->count);
    snprintf(dev_rows, sizeof dev_rows, "%llu", (unsigned long long)known->dev->count);
    const struct {
        const char *key, *value;
    } entries[] = {{"lineage.command", command},
                   {"lineage.created", date},
                   {"lineage.train_sha256", known->train->sha256},
                   {"lineage.train_rows", train_rows},
                   {"lineage.dev_sha256", known->dev->sha256},
                   {"lineage.dev_rows", dev_rows},
                   {"lineage.interrupted", known->interrupted ? "yes" : NULL}};
    bool good = command && object;
    for (size_t i = 0; good && i < sizeof entries / sizeof *entries; i++)
        if (entries[i].value)
            good = json_object_set_new(object, entries[i].key, json_string(entries[i].value)) == 0;
    if (good)
        text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    free(command);
    return text;
}
