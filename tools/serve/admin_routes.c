/* SPDX-License-Identifier: Apache-2.0
 *
 * The routes of the admin port: which versions answer, and changing that. This
 * port has a loop of its own, which may read files and load models; requests on
 * the other port do not wait for it. What an order fails for is told, since
 * whoever has the token may know. */
#include <stdlib.h>
#include <string.h>

#include "answer_http.h"
#include "handlers.h"
#include "infer.h"
#include "loop.h"
#include "models.h"
#include "request_json.h"

static void put_state(out *to, const serve_registry_state *state)
{
    out_text(to, "{\"name\":");
    out_json_name(to, state->name);
    out_text(to, ",\"version\":");
    out_json_name(to, state->version);
    out_text(to, ",\"label\":");
    out_json_name(to, serve_registry_labels[state->label]);
    out_text(to, ",\"share\":");
    out_json_double(to, state->share);
    out_char(to, '}');
}

static void put_found(out *to, const serve_registry_found *found)
{
    out_text(to, "{\"name\":");
    out_json_name(to, found->name);
    out_text(to, ",\"version\":");
    out_json_name(to, found->version);
    out_text(to, found->status ? ",\"usable\":false,\"reason\":" : ",\"usable\":true");
    if (found->status)
        out_json_name(to, found->message);
    out_char(to, '}');
}

void handle_admin_models(connection *client)
{
    serve_registry *registry = client->loop->server->registry;
    serve_registry_state *states = NULL;
    serve_registry_found *found = NULL;
    size_t state_count = 0, found_count = 0;
    out *to = answer_body(client);
    if (serve_registry_list(registry, &states, &state_count, NULL) != SENTIMENT_OK) {
        answer_later(client, 1, 503, "out_of_memory", "out of memory");
        return;
    }
    out_text(to, "{\"labels\":[");
    for (size_t i = 0; i < state_count; i++) {
        if (i)
            out_char(to, ',');
        put_state(to, &states[i]);
    }
    out_text(to, "],\"found\":[");
    if (client->loop->server->settings->models)
        serve_registry_scan(registry, &found, &found_count, NULL);
    for (size_t i = 0; i < found_count; i++) {
        if (i)
            out_char(to, ',');
        put_found(to, &found[i]);
    }
    out_text(to, "]}");
    free(states);
    free(found);
    answer_json(client, 200);
}

static int status_code(sentiment_status status)
{
    switch (status) {
    case SENTIMENT_ERROR_NOT_FOUND:
        return 404;
    case SENTIMENT_ERROR_INVALID_ARGUMENT:
        return 400;
    case SENTIMENT_ERROR_OUT_OF_MEMORY:
        return 503;
    default:
        return 422;
    }
}

static void answer_order(connection *client, sentiment_status status, const sentiment_error *error)
{
    if (status == SENTIMENT_OK) {
        handle_admin_models(client);
        return;
    }
    if (status == SENTIMENT_ERROR_OUT_OF_MEMORY)
        answer_later(client, 1, 503, "out_of_memory", "out of memory");
    else
        answer_problem(client, status_code(status), "order_failed", "%s",
                       error->message[0] ? error->message : sentiment_status_name(status));
}

/* Orders change what the first load has made, and are saved: one that came before its
 * end would be lost, or would save the labels of half a load. */
static bool check_loaded(connection *client)
{
    if (atomic_load(&client->loop->server->state) != SERVER_LOADING)
        return true;
    answer_later(client, 1, 503, "loading", "the models are being loaded");
    return false;
}

void handle_admin_reload(connection *client)
{
    if (!check_loaded(client))
        return;
    sentiment_error error = {.struct_size = sizeof error, .offset = SENTIMENT_NO_OFFSET};
    sentiment_status status = models_reload(client->loop->server, &error);
    answer_order(client, status, &error);
}

/* The model of the path; false after an answer. */
static bool take_name(connection *client, char name[SERVE_REGISTRY_NAME_LIMIT + 1])
{
    http_slice given = client->parameters[0];
    if (!serve_registry_is_name(given.data, given.size)) {
        answer_problem(client, 404, "model_not_found", "there is no such model or version");
        return false;
    }
    memcpy(name, given.data, given.size);
    name[given.size] = 0;
    return true;
}

void handle_admin_rollback(connection *client)
{
    char name[SERVE_REGISTRY_NAME_LIMIT + 1];
    sentiment_error error = {.struct_size = sizeof error, .offset = SENTIMENT_NO_OFFSET};
    if (check_loaded(client) && take_name(client, name))
        answer_order(client, models_rollback(client->loop->server, name, &error), &error);
}

void handle_admin_unload(connection *client)
{
    char name[SERVE_REGISTRY_NAME_LIMIT + 1];
    sentiment_error error = {.struct_size = sizeof error, .offset = SENTIMENT_NO_OFFSET};
    if (check_loaded(client) && take_name(client, name))
        answer_order(client, models_unload(client->loop->server, name, &error), &error);
}

static bool read_label(connection *client, const json_t *root, serve_registry_label *label)
{
    const char *given = json_string_value(json_object_get(root, "label"));
    for (int i = 0; given && i < SERVE_LABELS; i++) {
        if (strcmp(given, serve_registry_labels[i]) != 0)
            continue;
        *label = (serve_registry_label)i;
        return true;
    }
    answer_problem(client, 400, "invalid_label",
                   "label: expected stable, canary, shadow or previous");
    return false;
}

/* An order is obeyed as a whole or not at all: a member that is spelt wrong must not
 * turn it into another one. */
static bool check_members(connection *client, json_t *root)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(root, key, value)
    {
        if (strcmp(key, "label") == 0 || strcmp(key, "version") == 0 || strcmp(key, "share") == 0)
            continue;
        answer_problem(client, 400, "unknown_member", "expected label, version and share alone");
        return false;
    }
    if (json_object_get(root, "version"))
        return true;
    answer_problem(client, 400, "no_version",
                   "version: expected one, or null to take the label away");
    return false;
}

/* {"label": "canary", "version": "2", "share": 0.1}; with null for a version the label
 * is taken away. */
static void label(connection *client, const char *name, json_t *root)
{
    sentiment_error error = {.struct_size = sizeof error, .offset = SENTIMENT_NO_OFFSET};
    serve_registry_label wanted = SERVE_LABEL_STABLE;
    const char *version = NULL;
    const json_t *share = json_object_get(root, "share");
    if (!read_label(client, root, &wanted) || !check_members(client, root) ||
        !infer_name(client, root, "version", &version))
        return;
    bool shared = wanted == SERVE_LABEL_CANARY || wanted == SERVE_LABEL_SHADOW;
    if (version && shared && !json_is_number(share)) {
        answer_problem(client, 400, "invalid_share", "share: expected a number from 0 to 1");
        return;
    }
    server *owner = client->loop->server;
    sentiment_status status =
        version ? models_label(owner, name, version, wanted, json_number_value(share), &error)
                : models_clear(owner, name, wanted, &error);
    answer_order(client, status, &error);
}

static void label_path(connection *client, json_t *root)
{
    char name[SERVE_REGISTRY_NAME_LIMIT + 1];
    if (check_loaded(client) && take_name(client, name))
        label(client, name, root);
}

void handle_admin_label(connection *client)
{
    request_json(client, label_path);
}
