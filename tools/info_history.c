/* SPDX-License-Identifier: Apache-2.0
 *
 * See info_history.h. Whatever stands in a file comes out as one line of text
 * each, without control characters. */
#include "info_history.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"

static void print_text(emit *out, const char *text)
{
    emit_text(out, text, strlen(text));
}

static void print_value(emit *out, const json_t *value)
{
    char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    print_text(out, text ? text : json_string_value(value) ? json_string_value(value) : "");
    free(text);
}

/* "lineage 2               convert, 2026-11-22T10:00:00Z, libsentiment 0.2.0", then
 * what else is known of it. */
static void print_step(emit *out, size_t number, json_t *step)
{
    static const char *const title[] = {"action", "created", "library"};
    bool first = true;
    emit_format(out, "lineage %-16zu", number);
    for (size_t i = 0; i < sizeof title / sizeof *title; i++) {
        const json_t *value = json_object_get(step, title[i]);
        if (!value)
            continue;
        emit_bytes(out, ", ", first ? 0 : 2);
        print_value(out, value);
        first = false;
        json_object_del(step, title[i]);
    }
    emit_format(out, "\n");
    for (void *at = json_object_iter(step); at; at = json_object_iter_next(step, at)) {
        emit_format(out, "  ");
        print_text(out, json_object_iter_key(at));
        size_t width = strlen(json_object_iter_key(at));
        emit_format(out, "%*s", width < 22 ? (int)(22 - width) : 1, "");
        print_value(out, json_object_iter_value(at));
        emit_format(out, "\n");
    }
}

static void print_lineage(emit *out, const char *lineage)
{
    json_t *steps = json_loads(lineage, 0, NULL);
    for (size_t i = 0; i < json_array_size(steps); i++)
        print_step(out, i + 1, json_array_get(steps, i));
    json_decref(steps);
}

/* Keys with lines of their own. */
static const char *const named[] = {"name", "version", "lineage"};

static bool has_own_line(const char *key)
{
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcmp(key, named[i]) == 0)
            return true;
    return false;
}

void info_print_names(const sentiment_model *model, emit *out)
{
    for (size_t i = 0; i < 2; i++) {
        const char *value = sentiment_model_get_metadata(model, named[i]);
        if (!value)
            continue;
        emit_format(out, "%-24s", named[i]);
        print_text(out, value);
        emit_format(out, "\n");
    }
}

static void print_pair(emit *out, const char *key, const char *value)
{
    emit_format(out, "metadata ");
    size_t width = strlen(key);
    print_text(out, key);
    emit_format(out, "%*s", width < 24 ? (int)(24 - width) : 0, "");
    print_text(out, value);
    emit_format(out, "\n");
}

void info_print_metadata(const sentiment_model *model, emit *out)
{
    const char *key = NULL, *value = NULL;
    char golden[200];
    for (size_t i = 0; sentiment_model_get_metadata_at(model, i, &key, &value) == SENTIMENT_OK;
         i++) {
        if (has_own_line(key))
            continue;
        if (strcmp(key, GOLDEN_KEY) == 0 && golden_describe(model, golden, sizeof golden))
            value = golden;
        print_pair(out, key, value);
    }
    value = sentiment_model_get_metadata(model, "lineage");
    if (value)
        print_lineage(out, value);
}
