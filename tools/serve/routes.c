/* SPDX-License-Identifier: Apache-2.0
 *
 * Which handler a request goes to. Paths are compared as they are sent: names
 * of models need no escapes, and what is escaped is no route of ours. */
#include "routes.h"

#include <string.h>

#include "access.h"
#include "answer_http.h"
#include "cors.h"
#include "handlers.h"
#include "loop.h"

typedef void (*route_handler)(connection *client);

typedef struct route {
    const char *path; /* a segment "{...}" takes any name */
    const char *method;
    route_handler handle;
    bool is_open; /* also without a key */
} route;

/* What clients see. */
static const route public_routes[] = {
    {"/predict", "POST", handle_predict, false},
    {"/predict_batch", "POST", handle_predict_batch, false},
    {"/explain", "POST", handle_explain, false},
    {"/feedback", "POST", handle_feedback, false},
    {"/health", "GET", handle_health, true},
    {"/model_info", "GET", handle_model_info, false},
    {"/metrics", "GET", handle_metrics, false},
    {"/livez", "GET", handle_livez, true},
    {"/readyz", "GET", handle_readyz, true},
    {"/openapi.json", "GET", handle_openapi, true},
    {"/", "GET", handle_page, true},
    {"/ping", "GET", handle_ping, true},
    {"/invocations", "POST", handle_invocations, false},
    {"/v2", "GET", handle_v2, true},
    {"/v2/health/live", "GET", handle_v2_live, true},
    {"/v2/health/ready", "GET", handle_v2_ready, true},
    {"/v2/models/{name}", "GET", handle_v2_model, false},
    {"/v2/models/{name}/ready", "GET", handle_v2_model_ready, false},
    {"/v2/models/{name}/config", "GET", handle_v2_config, false},
    {"/v2/models/{name}/infer", "POST", handle_v2_infer, false},
    {"/v2/models/{name}/versions/{version}", "GET", handle_v2_model, false},
    {"/v2/models/{name}/versions/{version}/ready", "GET", handle_v2_model_ready, false},
    {"/v2/models/{name}/versions/{version}/config", "GET", handle_v2_config, false},
    {"/v2/models/{name}/versions/{version}/infer", "POST", handle_v2_infer, false},
};

/* What the admin sees, on another port. */
static const route admin_routes[] = {
    {"/livez", "GET", handle_livez, true},
    {"/metrics", "GET", handle_metrics, false},
    {"/admin/models", "GET", handle_admin_models, false},
    {"/admin/reload", "POST", handle_admin_reload, false},
    {"/admin/models/{name}/label", "POST", handle_admin_label, false},
    {"/admin/models/{name}/rollback", "POST", handle_admin_rollback, false},
    {"/admin/models/{name}/unload", "POST", handle_admin_unload, false},
};

#define PUBLIC (sizeof public_routes / sizeof *public_routes)
#define ADMIN (sizeof admin_routes / sizeof *admin_routes)

/* The metrics know the routes of both ports, one list behind the other. */
const char *const routes_names[] = {
    "/predict",
    "/predict_batch",
    "/explain",
    "/feedback",
    "/health",
    "/model_info",
    "/metrics",
    "/livez",
    "/readyz",
    "/openapi.json",
    "/",
    "/ping",
    "/invocations",
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/{name}",
    "/v2/models/{name}/ready",
    "/v2/models/{name}/config",
    "/v2/models/{name}/infer",
    "/v2/models/{name}/versions/{version}",
    "/v2/models/{name}/versions/{version}/ready",
    "/v2/models/{name}/versions/{version}/config",
    "/v2/models/{name}/versions/{version}/infer",
    "admin/livez",
    "admin/metrics",
    "/admin/models",
    "/admin/reload",
    "/admin/models/{name}/label",
    "/admin/models/{name}/rollback",
    "/admin/models/{name}/unload",
};
const size_t routes_count = PUBLIC + ADMIN;
_Static_assert(sizeof routes_names / sizeof *routes_names == PUBLIC + ADMIN,
               "a name for each route");

/* Whether a path is of a route's shape; open segments go into `parameters`. */
static bool matches(const char *pattern, http_slice path, http_slice *parameters)
{
    size_t at = 0, open = 0;
    parameters[0] = parameters[1] = (http_slice){NULL, 0};
    while (*pattern) {
        if (*pattern != '{') {
            if (at == path.size || path.data[at++] != *pattern++)
                return false;
            continue;
        }
        size_t begin = at;
        while (at < path.size && path.data[at] != '/')
            at++;
        if (at == begin || open == REQUEST_PARAMETERS)
            return false;
        parameters[open++] = (http_slice){path.data + begin, at - begin};
        pattern = strchr(pattern, '}') + 1;
    }
    return at == path.size;
}

static bool slice_is(http_slice slice, const char *text)
{
    return strlen(text) == slice.size && memcmp(slice.data, text, slice.size) == 0;
}

/* HEAD is GET without the body. */
static bool allows(const route *entry, http_slice method)
{
    return slice_is(method, entry->method) ||
           (slice_is(method, "HEAD") && strcmp(entry->method, "GET") == 0);
}

/* The route; NULL after an answer that there is none. Several entries may have
 * one path, each with its method. */
static const route *find(connection *client)
{
    bool admin = client->loop->admin;
    const route *table = admin ? admin_routes : public_routes;
    const char *allowed[4] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < (admin ? ADMIN : PUBLIC); i++) {
        if (!matches(table[i].path, client->head.path, client->parameters))
            continue;
        client->route = admin ? PUBLIC + i : i;
        if (allows(&table[i], client->head.method))
            return &table[i];
        if (count < sizeof allowed / sizeof *allowed)
            allowed[count++] = table[i].method;
    }
    if (count == 0) {
        answer_problem(client, 404, "not_found", "there is no such route");
        return NULL;
    }
    out *fields = answer_fields(client);
    out_text(fields, "Allow: ");
    for (size_t i = 0; i < count; i++)
        out_format(fields, "%s%s%s", i ? ", " : "", allowed[i],
                   strcmp(allowed[i], "GET") == 0 ? ", HEAD" : "");
    out_text(fields, "\r\n");
    answer_problem(client, 405, "method_not_allowed", "this route does not have that method");
    return NULL;
}

static bool is_id(http_slice text)
{
    if (text.size == 0 || text.size > REQUEST_ID_LIMIT)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        char byte = text.data[i];
        bool good = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                    (byte >= '0' && byte <= '9') || strchr("._:/+=-", byte) != NULL;
        if (!good || byte == 0)
            return false;
    }
    return true;
}

/* The client's own id, or a new one. That of a trace would be no id of a request: many
 * share it. */
static void take_id(connection *client)
{
    const http_slice *own = http_find(&client->head, "x-request-id");
    if (own && is_id(*own)) {
        memcpy(client->id, own->data, own->size);
        client->id[own->size] = 0;
    } else {
        loop_make_id(client->loop, client->id);
    }
}

/* Whether the body is sent as it is. */
static bool check_coding(connection *client, const route *chosen)
{
    const http_head *head = &client->head;
    bool plain = true;
    for (size_t i = 0; i < head->field_count && plain; i++)
        plain = !http_same(head->fields[i].name, "content-encoding") ||
                http_same(head->fields[i].value, "identity");
    if (plain || strcmp(chosen->method, "POST") != 0)
        return true;
    answer_problem(client, 415, "unsupported_encoding", "bodies may not be compressed");
    return false;
}

bool routes_begin(connection *client)
{
    take_id(client);
    if (client->loop->server->settings->log_format == SERVE_LOG_GCP)
        trace_read(&client->head, &client->trace);
    client->head_only = slice_is(client->head.method, "HEAD");
    client->route = routes_count;
    if (cors_answer_preflight(client))
        return false;
    const route *chosen = find(client);
    bool (*check)(connection *) = client->loop->admin ? access_check_admin : access_check;
    client->chosen = chosen;
    return chosen && (chosen->is_open || (cors_check(client) && check(client))) &&
           check_coding(client, chosen);
}

void routes_handle(connection *client)
{
    client->chosen->handle(client);
}
