/* SPDX-License-Identifier: Apache-2.0
 *
 * The shapes differ in where the method and the path stand. A stage or a base
 * path may stand before the route, so that only the path's last part counts. */
#include "event.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The value of a digit, or -1. */
static int digit_of(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Strict base64 (RFC 4648, section 4) into `to`, which has room for size / 4 * 3. */
static bool decode(const char *text, size_t size, char *to, size_t *length)
{
    size_t padding = 0, wrote = 0;
    if (size % 4)
        return false;
    while (padding < 2 && padding < size && text[size - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < size; i += 4) {
        uint32_t bits = 0;
        size_t real = i + 4 == size ? 4 - padding : 4;
        for (size_t k = 0; k < 4; k++) {
            int digit = k < real ? digit_of(text[i + k]) : 0;
            if (digit < 0)
                return false;
            bits = bits << 6 | (uint32_t)digit;
        }
        /* Bits behind the last byte are zero, so that bytes have one form alone. */
        if (bits & ((1u << (8 * (4 - real))) - 1))
            return false;
        for (size_t k = 0; k + 1 < real; k++)
            to[wrote++] = (char)(bits >> (16 - 8 * k) & 0xff);
    }
    *length = wrote;
    return true;
}

static const char *text_at(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static const char *last_part(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : "";
}

static event_shape read_body(const json_t *event, event_request *request)
{
    const json_t *body = json_object_get(event, "body");
    if (body && !json_is_string(body) && !json_is_null(body))
        return EVENT_UNKNOWN;
    request->body = json_string_value(body);
    request->size = json_string_length(body);
    if (!request->body || !json_is_true(json_object_get(event, "isBase64Encoded")))
        return EVENT_FINE;
    request->decoded = malloc(request->size / 4 * 3 + 1);
    if (!request->decoded)
        return EVENT_NO_MEMORY;
    if (!decode(request->body, request->size, request->decoded, &request->size))
        return EVENT_BAD_BASE64;
    request->body = request->decoded;
    return EVENT_FINE;
}

event_shape event_read(const json_t *event, event_request *request)
{
    *request = (event_request){0};
    const json_t *http = json_object_get(json_object_get(event, "requestContext"), "http");
    const char *method = text_at(event, "httpMethod"), *path = text_at(event, "path");
    if (json_is_object(http)) {
        method = text_at(http, "method");
        path = text_at(event, "rawPath");
    } else if (!json_object_get(event, "httpMethod") && json_object_get(event, "body")) {
        method = "POST";
        path = "/";
    }
    if (!method)
        return EVENT_UNKNOWN;
    request->method = method;
    request->name = last_part(path);
    return read_body(event, request);
}

void event_release(event_request *request)
{
    free(request->decoded);
    request->decoded = NULL;
}
