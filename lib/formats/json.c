/* SPDX-License-Identifier: Apache-2.0
 *
 * See json.h. jansson itself caps nesting (2048) and seeds its hash tables, so
 * that neither depth nor colliding keys are a weapon. */
#include "formats/json.h"

#include <stdlib.h>
#include <string.h>

#define STRICT JSON_REJECT_DUPLICATES

static sentiment_status parse(const char *text, size_t size, size_t flags, const char *what,
                              uint64_t base, json_t **out, sentiment_error *error)
{
    json_error_t reason;
    json_t *value = json_loadb(text, size, flags | JSON_DECODE_ANY, &reason);
    if (!value) {
        if (json_error_code(&reason) == json_error_out_of_memory)
            return sn_fail_memory(error, what);
        uint64_t offset = reason.position > 0 ? base + (uint64_t)reason.position : base;
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, offset, "%s: not valid JSON: %s", what,
                       reason.text);
    }
    if (!json_is_object(value)) {
        json_decref(value);
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, base, "%s: expected a JSON object", what);
    }
    *out = value;
    return SENTIMENT_OK;
}

sentiment_status sn_json_parse_object(const char *text, size_t size, const char *what,
                                      uint64_t base, json_t **out, sentiment_error *error)
{
    return parse(text, size, STRICT, what, base, out, error);
}

sentiment_status sn_json_parse_with_nul(const char *text, size_t size, const char *what,
                                        json_t **out, sentiment_error *error)
{
    return parse(text, size, STRICT | JSON_ALLOW_NUL, what, 0, out, error);
}

json_t *sn_json_parse_value(const char *text)
{
    return json_loadb(text, strlen(text), STRICT | JSON_DECODE_ANY, NULL);
}

_Bool sn_json_integer(const json_t *value, uint64_t limit, uint64_t *out)
{
    if (!json_is_integer(value))
        return 0;
    json_int_t number = json_integer_value(value);
    if (number < 0 || (uint64_t)number > limit)
        return 0;
    *out = (uint64_t)number;
    return 1;
}

/* 15 digits write 0.1 as people do, 17 give back every double. */
static char *dump_shortest(const json_t *value, size_t indent)
{
    /* Indented texts are files of their own, read under any locale. */
    size_t layout = indent ? JSON_INDENT(indent) | JSON_ENSURE_ASCII : JSON_COMPACT;
    for (size_t digits = 15;; digits++) {
        char *text = json_dumps(value, layout | JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
        if (!text || digits == 17)
            return text;
        json_t *again = sn_json_parse_value(text);
        _Bool same = json_equal(again, value);
        json_decref(again);
        if (same)
            return text;
        free(text);
    }
}

char *sn_json_text(const sn_memory *memory, const json_t *value, size_t indent)
{
    char *text = dump_shortest(value, indent);
    char *copy = text ? sn_duplicate(memory, text, strlen(text)) : NULL;
    free(text);
    return copy;
}
