/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /feedback: the true label of a text that was answered. The answer is
 * known by its request's id (for lists also `index`), or told along with it:
 * `prediction`, and where it was not the default, `model` and `version`. */
#include <string.h>

#include "answer_http.h"
#include "handlers.h"
#include "infer.h"
#include "loop.h"
#include "recent.h"
#include "request_json.h"

/* A class by number or name; -1 after an answer. */
static int32_t read_class(connection *client, const json_t *root, const char *key,
                          const serve_version *version)
{
    const json_t *given = json_object_get(root, key);
    int32_t classes = (int32_t)served_of(version)->info.num_classes;
    const char *name = json_string_value(given);
    int64_t number = request_whole(given, 0, classes - 1, -1);
    for (int32_t i = 0; name && i < classes; i++) {
        const char *label = sentiment_model_get_label(version->model, i);
        if (label && strcmp(label, name) == 0)
            number = i;
    }
    if (number >= 0 && number < classes)
        return (int32_t)number;
    answer_problem(client, 400, "invalid_label",
                   "%s: expected a class of the model, as its number "
                   "or name",
                   key);
    return -1;
}

static void answer_unknown(connection *client)
{
    answer_problem(client, 404, "unknown_request", "no answer with that id is remembered");
}

static void take_label(connection *client, const json_t *root, const serve_version *version,
                       int32_t prediction)
{
    int32_t label = read_class(client, root, "label", version);
    if (label < 0)
        return;
    bool correct = label == prediction;
    serve_metrics_count_feedback(client->loop->shard, served_of(version)->metrics, correct);
    out *to = answer_body(client);
    out_text(to, "{\"prediction\":");
    out_integer(to, prediction);
    out_text(to, ",\"label\":");
    out_integer(to, label);
    out_text(to, correct ? ",\"correct\":true}" : ",\"correct\":false}");
    answer_json(client, 200);
}

/* The answer is one that is remembered, of a version that is still there. */
static void take_remembered(connection *client, const json_t *root, const char *id, size_t size)
{
    const server *owner = client->loop->server;
    const char *who = infer_client(client);
    recent_answer found = {0};
    const json_t *index = json_object_get(root, "index");
    int64_t at = index ? request_whole(index, 0, INT32_MAX, -1) : 0;
    if (at < 0 || strlen(id) != size || !recent_take(owner->recent, who, id, (size_t)at, &found)) {
        answer_unknown(client);
        return;
    }
    serve_version *version = serve_registry_acquire_number(owner->registry, found.version);
    if (!version)
        answer_unknown(client);
    else if (read_class(client, root, "label", version) < 0)
        recent_put(owner->recent, who, id, (size_t)at, found);
    else
        take_label(client, root, version, found.prediction);
    serve_registry_release(version);
}

/* The answer is told along with its label. */
static void take_told(connection *client, const json_t *root, const char *name, const char *number)
{
    serve_version *version = infer_version(client, name, number);
    int32_t prediction = version ? read_class(client, root, "prediction", version) : -1;
    if (prediction >= 0)
        take_label(client, root, version, prediction);
    serve_registry_release(version);
}

static void feed_back(connection *client, json_t *root)
{
    const char *id = NULL, *name = NULL, *number = NULL;
    size_t size = 0;
    if (infer_name(client, root, "model", &name) && infer_name(client, root, "version", &number) &&
        request_string(client, root, "request_id", &id, &size)) {
        if (id)
            take_remembered(client, root, id, size);
        else
            take_told(client, root, name, number);
    }
}

void handle_feedback(connection *client)
{
    request_json(client, feed_back);
}
