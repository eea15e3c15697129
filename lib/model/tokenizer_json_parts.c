/* SPDX-License-Identifier: Apache-2.0
 *
 * See tokenizer_json_parts.h: fields of JSON objects, with their places. */
#include "model/tokenizer_json_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text/utf8.h"

sentiment_status sn_tj_fail(sentiment_error *error, sentiment_status code, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return sn_fail(error, code, SN_NO_OFFSET, "tokenizer.json: %s", text);
}

sentiment_status sn_tj_check_keys(const json_t *object, const char *path, const char *const *keys,
                                  sentiment_error *error)
{
    char shown[SN_SHOWN_SIZE];
    /* jansson's iterators take no const, and change nothing. */
    for (void *at = json_object_iter((json_t *)(uintptr_t)object); at;
         at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
        const char *key = json_object_iter_key(at);
        size_t i = 0;
        while (keys[i] && strcmp(keys[i], key) != 0)
            i++;
        if (keys[i])
            continue;
        sn_utf8_quote((const uint8_t *)key, strlen(key), shown, sizeof shown);
        return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                          "%s%sthe key '%s' is not supported", path, *path ? ": " : "", shown);
    }
    return SENTIMENT_OK;
}

sentiment_status sn_tj_bool(const json_t *object, const char *path, const char *key, int fallback,
                            _Bool *out, sentiment_error *error)
{
    const json_t *value = json_object_get(object, key);
    if (!value && fallback >= 0) {
        *out = fallback != 0;
        return SENTIMENT_OK;
    }
    if (!json_is_boolean(value))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "%s.%s %s", path, key,
                          value ? "must be true or false" : "is missing");
    *out = json_is_true(value);
    return SENTIMENT_OK;
}

sentiment_status sn_tj_string(const json_t *object, const char *path, const char *key,
                              _Bool required, sn_slice *out, sentiment_error *error)
{
    const json_t *value = json_object_get(object, key);
    *out = (sn_slice){NULL, 0};
    if (!required && (!value || json_is_null(value)))
        return SENTIMENT_OK;
    if (!json_is_string(value))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "%s.%s %s", path, key,
                          value ? "must be a string" : "is missing");
    *out = sn_tj_slice(value);
    return SENTIMENT_OK;
}

sentiment_status sn_tj_type(const json_t *object, const char *path, const char **out,
                            sentiment_error *error)
{
    if (!json_is_object(object))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "%s must be an object", path);
    *out = json_string_value(json_object_get(object, "type"));
    return *out ? SENTIMENT_OK
                : sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                             "%s.type is missing or no string", path);
}
