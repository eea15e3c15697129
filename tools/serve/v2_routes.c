/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Open Inference Protocol (version 2) asks of a server and its models;
 * v2_infer.c infers. Shapes are those of Triton with batching: the first
 * dimension is the batch. */
#include "v2.h"

#include <string.h>

#include "answer_http.h"
#include "handlers.h"
#include "infer.h"
#include "loop.h"

const v2_output v2_outputs[V2_OUTPUTS] = {
    {"prediction", "INT32"}, {"confidence", "FP32"}, {"probabilities", "FP32"}, {"label", "BYTES"}};

/* A name out of the path, ended by NUL; false after an answer. */
static bool take_name(connection *client, http_slice from, char name[SERVE_REGISTRY_NAME_LIMIT + 1])
{
    if (!serve_registry_is_name(from.data, from.size)) {
        answer_problem(client, 404, "model_not_found", "there is no such model or version");
        return false;
    }
    memcpy(name, from.data, from.size);
    name[from.size] = 0;
    return true;
}

bool v2_names(connection *client, v2_name *names)
{
    names->has_version = client->parameters[1].size > 0;
    return take_name(client, client->parameters[0], names->name) &&
           (!names->has_version || take_name(client, client->parameters[1], names->version));
}

/* The version that the path names; NULL after an answer. */
static serve_version *version_of(connection *client)
{
    v2_name names;
    if (!v2_names(client, &names))
        return NULL;
    return infer_version(client, names.name, names.has_version ? names.version : NULL);
}

void handle_v2(connection *client)
{
    out *to = answer_body(client);
    out_text(to, "{\"name\":\"sentiment\",\"version\":");
    out_json_name(to, sentiment_version());
    out_text(to, ",\"extensions\":[\"binary_tensor_data\",\"model_configuration\"]}");
    answer_json(client, 200);
}

void handle_v2_live(connection *client)
{
    out_text(answer_body(client), "{\"live\":true}");
    answer_json(client, 200);
}

void handle_v2_model_ready(connection *client)
{
    serve_version *version = version_of(client);
    if (!version)
        return;
    out *to = answer_body(client);
    out_text(to, "{\"name\":");
    out_json_name(to, version->name);
    out_text(to, ",\"ready\":true}");
    serve_registry_release(version);
    answer_json(client, 200);
}

static void put_tensor(out *to, const char *name, const char *type, uint32_t columns)
{
    out_text(to, "{\"name\":");
    out_json_name(to, name);
    out_format(to, ",\"datatype\":\"%s\",\"shape\":[-1,%u]}", type, (unsigned)columns);
}

void handle_v2_model(connection *client)
{
    serve_version *version = version_of(client);
    if (!version)
        return;
    uint32_t classes = served_of(version)->info.num_classes;
    out *to = answer_body(client);
    out_text(to, "{\"name\":");
    out_json_name(to, version->name);
    out_text(to, ",\"versions\":[");
    out_json_name(to, version->version);
    out_text(to, "],\"platform\":\"sentiment\",\"inputs\":[");
    put_tensor(to, "text", "BYTES", 1);
    out_text(to, "],\"outputs\":[");
    for (int i = 0; i < V2_OUTPUTS; i++) {
        if (i)
            out_char(to, ',');
        put_tensor(to, v2_outputs[i].name, v2_outputs[i].type, i == V2_PROBABILITIES ? classes : 1);
    }
    out_text(to, "]}");
    serve_registry_release(version);
    answer_json(client, 200);
}

static void put_config_tensor(out *to, const char *name, const char *type, uint32_t columns)
{
    bool text = strcmp(type, "BYTES") == 0;
    out_text(to, "{\"name\":");
    out_json_name(to, name);
    out_format(to, ",\"data_type\":\"TYPE_%s\",\"dims\":[%u]}", text ? "STRING" : type,
               (unsigned)columns);
}

void handle_v2_config(connection *client)
{
    serve_version *version = version_of(client);
    if (!version)
        return;
    uint32_t classes = served_of(version)->info.num_classes;
    out *to = answer_body(client);
    out_text(to, "{\"name\":");
    out_json_name(to, version->name);
    out_format(to, ",\"platform\":\"sentiment\",\"backend\":\"sentiment\",\"max_batch_size\":%u",
               (unsigned)client->loop->server->settings->max_texts);
    out_text(to, ",\"input\":[");
    put_config_tensor(to, "text", "BYTES", 1);
    out_text(to, "],\"output\":[");
    for (int i = 0; i < V2_OUTPUTS; i++) {
        if (i)
            out_char(to, ',');
        put_config_tensor(to, v2_outputs[i].name, v2_outputs[i].type,
                          i == V2_PROBABILITIES ? classes : 1);
    }
    out_text(to, "]}");
    serve_registry_release(version);
    answer_json(client, 200);
}
