/* SPDX-License-Identifier: Apache-2.0
 *
 * Routes, and the form of answers: {"error": ...} for what is refused, the CORS
 * header on all of them, so that a page can read its error too. */
#include "answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "predict.h"

/* Floats are written with the digits that give the same float again. */
#define BODY_FORMAT (JSON_COMPACT | JSON_REAL_PRECISION(9))

answer answer_error(int status, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return (answer){.status = status, .body = json_pack("{ss}", "error", text)};
}

answer answer_make(const answer_maker *maker, const event_request *request,
                   const sentiment_cancel *cancel)
{
    const char *method = request->method;
    bool reads = strcasecmp(method, "GET") == 0 || strcasecmp(method, "HEAD") == 0;
    if (strcasecmp(method, "OPTIONS") == 0)
        return (answer){.status = 204};
    if (reads && strcmp(request->name, "health") == 0)
        return (answer){.status = 200,
                        .body = json_pack("{ss sb}", "status", "healthy", "model_loaded", 1)};
    if (strcasecmp(method, "POST") != 0)
        return answer_error(405, "POST a JSON body with text or texts; GET is for health alone");
    return predict_answer(maker, request, cancel);
}

static json_t *pack_headers(const answer_maker *maker, const answer *reply)
{
    json_t *headers = json_pack("{ss}", "Access-Control-Allow-Origin", maker->origin);
    if (headers && reply->status != 204)
        json_object_set_new(headers, "Content-Type", json_string("application/json"));
    if (headers && reply->status == 405)
        json_object_set_new(headers, "Allow", json_string("POST, OPTIONS"));
    if (headers && reply->status == 204)
        json_object_update_new(
            headers, json_pack("{ss ss ss}", "Access-Control-Allow-Methods", "GET, POST, OPTIONS",
                               "Access-Control-Allow-Headers",
                               "Authorization, Content-Type, X-Amz-Date, X-Amz-Security-Token, "
                               "X-Api-Key",
                               "Access-Control-Max-Age", "600"));
    return headers;
}

char *answer_pack(const answer_maker *maker, answer *reply)
{
    char *body = reply->body ? json_dumps(reply->body, BODY_FORMAT) : NULL;
    const char *shown = body ? body : "";
    if (!body && reply->status != 204) {
        reply->status = 503;
        shown = "{\"error\":\"out of memory\"}";
    }
    json_t *packed = json_pack("{si so ss sb}", "statusCode", reply->status, "headers",
                               pack_headers(maker, reply), "body", shown, "isBase64Encoded", 0);
    char *text = packed ? json_dumps(packed, JSON_COMPACT) : NULL;
    json_decref(packed);
    json_decref(reply->body);
    reply->body = NULL;
    free(body);
    return text;
}
