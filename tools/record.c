/* SPDX-License-Identifier: Apache-2.0
 *
 * The three input formats, a line each. TSV has no quoting: a field is what
 * stands between tabs. JSON lines are objects with "text" and an optional
 * "max_length"; other keys are somebody else's and ignored. A key given twice is
 * refused: two programs would read two different texts. */
#include "record.h"

#include <jansson.h>
#include <string.h>

#define MAX_LENGTH 65536

static const char *type_name(const json_t *value)
{
    static const char *const names[] = {"an object", "a list", "a string", "an integer",
                                        "a number",  "true",   "false",    "null"};
    return names[json_typeof(value)];
}

/* Reads an optional max_length; false: the bad record was added. */
static bool read_max_length(const json_t *object, uint32_t *max_length, chunk *records)
{
    const json_t *value = json_object_get(object, "max_length");
    *max_length = 0;
    if (!value || json_is_null(value))
        return true;
    if (!json_is_integer(value)) {
        chunk_add_error(records, SENTIMENT_ERROR_INVALID_ARGUMENT,
                        "\"max_length\" is %s, expected an integer", type_name(value));
        return false;
    }
    json_int_t number = json_integer_value(value);
    if (number < 1 || number > MAX_LENGTH) {
        chunk_add_error(records, SENTIMENT_ERROR_INVALID_ARGUMENT,
                        "\"max_length\" is %lld, expected 1 to %d", (long long)number, MAX_LENGTH);
        return false;
    }
    *max_length = (uint32_t)number;
    return true;
}

static bool add_object(const json_t *object, chunk *records)
{
    uint32_t max_length = 0;
    if (!json_is_object(object)) {
        chunk_add_error(records, SENTIMENT_ERROR_INVALID_ARGUMENT,
                        "the line is %s, expected an object with \"text\"", type_name(object));
        return true;
    }
    const json_t *text = json_object_get(object, "text");
    if (!json_is_string(text)) {
        chunk_add_error(records, SENTIMENT_ERROR_INVALID_ARGUMENT,
                        "\"text\" is %s, expected a string", text ? type_name(text) : "missing");
        return true;
    }
    if (!read_max_length(object, &max_length, records))
        return true;
    return chunk_add(records, json_string_value(text), json_string_length(text), max_length);
}

static bool add_json(const char *line, size_t size, chunk *records)
{
    json_error_t error;
    const size_t rules = JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES;
    json_t *value = json_loadb(line, size, rules, &error);
    if (!value) {
        enum json_error_code code = json_error_code(&error);
        if (code == json_error_out_of_memory)
            return false;
        chunk_add_error(records,
                        code == json_error_invalid_utf8 ? SENTIMENT_ERROR_INVALID_UTF8
                                                        : SENTIMENT_ERROR_INVALID_ARGUMENT,
                        "invalid JSON at byte %d: %s", error.position, error.text);
        return true;
    }
    bool good = add_object(value, records);
    json_decref(value);
    return good;
}

typedef struct field {
    const char *text;
    size_t size;
} field;

/* Field `column` from 0, and the number of fields; text is NULL if missing. */
static field find_field(const char *line, size_t size, size_t column, size_t *count)
{
    field found = {NULL, 0};
    const char *end = line + size;
    size_t at = 0;
    for (;; at++) {
        const char *tab = memchr(line, '\t', (size_t)(end - line));
        const char *stop = tab ? tab : end;
        if (at == column)
            found = (field){line, (size_t)(stop - line)};
        if (!tab)
            break;
        line = tab + 1;
    }
    *count = at + 1;
    return found;
}

static bool add_row(const reader *in, const char *line, size_t size, chunk *records)
{
    size_t count = 0;
    field label = find_field(line, size, in->label_column, &count);
    field text = find_field(line, size, in->text_column, &count);
    if (size == 0 && !in->wants_label)
        text = (field){line, 0};
    if (!text.text || (in->wants_label && !label.text) || count > in->columns) {
        chunk_add_error(records, SENTIMENT_ERROR_INVALID_ARGUMENT,
                        "the row has %zu fields, the header %zu", count, in->columns);
        return true;
    }
    if (in->wants_label && !chunk_set_label(records, label.text, label.size))
        return false;
    return chunk_add(records, text.text, text.size, 0);
}

bool record_add(const reader *in, const char *line, size_t size, chunk *records)
{
    switch (in->format) {
    case FORMAT_JSONL:
        return add_json(line, size, records);
    case FORMAT_TSV:
        return add_row(in, line, size, records);
    case FORMAT_LINES:
    case FORMAT_BY_NAME:
        break;
    }
    return chunk_add(records, line, size, 0);
}

static size_t find_column(const char *line, size_t size, const char *name)
{
    size_t count = 0;
    for (size_t column = 0; column == 0 || column < count; column++) {
        field found = find_field(line, size, column, &count);
        if (found.size == strlen(name) && memcmp(found.text, name, found.size) == 0)
            return column;
    }
    return SIZE_MAX;
}

bool record_read_header(reader *in, const char *line, size_t size)
{
    /* Quadratic in the number of columns: keep a hostile header cheap. */
    if (size > 4096) {
        message("%s:1: the header is longer than 4096 bytes", in->in.name);
        return false;
    }
    in->text_column = find_column(line, size, "text");
    in->label_column = find_column(line, size, "label");
    find_field(line, size, 0, &in->columns);
    if (in->text_column == SIZE_MAX || (in->wants_label && in->label_column == SIZE_MAX)) {
        message("%s:1: the header has no column '%s' (columns are separated by tabs)", in->in.name,
                in->text_column == SIZE_MAX ? "text" : "label");
        return false;
    }
    in->has_header = true;
    return true;
}
