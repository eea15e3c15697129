/* SPDX-License-Identifier: Apache-2.0
 *
 * CORS (the Fetch standard): an origin is echoed where it stands in --cors, as it
 * is written there, or where that is "*". Credentials are never allowed: keys
 * come in a field that scripts set themselves. */
#include "cors.h"

#include <string.h>

#include "answer_http.h"
#include "loop.h"

/* Whether a list with commas has the origin. */
static bool is_listed(const char *list, http_slice origin)
{
    while (*list) {
        size_t size = strcspn(list, ",");
        size_t blanks = strspn(list, " ");
        if (size >= blanks && size - blanks == origin.size &&
            memcmp(list + blanks, origin.data, origin.size) == 0)
            return true;
        list += size + (list[size] == ',');
    }
    return false;
}

/* The origin, where it may call; NULL: there is none, or it may not. */
static const http_slice *allowed_origin(const connection *client)
{
    const char *allowed = client->loop->server->settings->cors;
    const http_slice *origin =
        allowed && !client->loop->admin ? http_find(&client->head, "origin") : NULL;
    bool may = origin && (strcmp(allowed, "*") == 0 || is_listed(allowed, *origin));
    return may ? origin : NULL;
}

void cors_put_fields(const connection *client, out *head)
{
    const char *allowed = client->loop->server->settings->cors;
    const http_slice *origin = allowed_origin(client);
    bool any = allowed && strcmp(allowed, "*") == 0;
    if (allowed && !any && !client->loop->admin)
        out_text(head, "Vary: Origin\r\n");
    if (!origin)
        return;
    out_text(head, "Access-Control-Allow-Origin: ");
    out_bytes(head, any ? "*" : origin->data, any ? 1 : origin->size);
    out_text(head, "\r\nAccess-Control-Expose-Headers: X-Request-Id, X-Model-Version, X-Cache, "
                   "Server-Timing, Retry-After\r\n");
}

bool cors_answer_preflight(connection *client)
{
    if (!http_same(client->head.method, "options") ||
        !http_find(&client->head, "access-control-request-method") || !allowed_origin(client))
        return false;
    out_text(answer_fields(client),
             "Access-Control-Allow-Methods: GET, HEAD, POST\r\n"
             "Access-Control-Allow-Headers: Authorization, Content-Type, X-API-Key, X-Request-Id, "
             "X-User-Id\r\n"
             "Access-Control-Max-Age: 600\r\n");
    answer_bytes(client, 204, "", "", 0);
    return true;
}
