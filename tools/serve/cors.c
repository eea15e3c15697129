/* SPDX-License-Identifier: Apache-2.0
 *
 * CORS (the Fetch standard): an origin is echoed where it stands in --cors, as it
 * is written there, or where that is "*". Credentials are never allowed: keys
 * come in a field that scripts set themselves. Pages of other origins could still
 * send what needs no preflight, and not see the answer: they are refused. */
#include "cors.h"

#include <string.h>
#include <strings.h>

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

/* Whether an origin, scheme://host:port, is the server as the client names it. Its scheme
 * may be that of a proxy in front. */
static bool is_own(http_slice origin, const http_slice *host)
{
    size_t at = 0;
    while (at < origin.size && origin.data[at] != ':')
        at++;
    return host && host->size > 0 && origin.size == at + 3 + host->size &&
           memcmp(origin.data + at, "://", 3) == 0 &&
           strncasecmp(origin.data + at + 3, host->data, host->size) == 0;
}

bool cors_check(connection *client)
{
    const http_slice *origin = http_find(&client->head, "origin");
    const http_slice *site = http_find(&client->head, "sec-fetch-site");
    bool good = !origin || is_own(*origin, http_find(&client->head, "host"));
    /* Scripts cannot set it; it is right behind proxies, too. */
    if (site)
        good = http_same(*site, "same-origin") || http_same(*site, "none");
    good = good || allowed_origin(client);
    if (!good)
        answer_problem(client, 403, "cross_origin", "pages of this origin may not call the server");
    return good;
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
