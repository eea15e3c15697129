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

/* Finds what was predicted; false after an answer. */
static bool find_answer(connection *client, const json_t *root, const serve_version *version,
                        recent_answer *found)
{
    const char *id = NULL;
    size_t size = 0;
    const json_t *index = json_object_get(root, "index");
    int64_t at = index ? request_whole(index, 0, INT32_MAX, -1) : 0;
    if (!request_string(client, root, "request_id", &id, &size))
        return false;
    if (!id) {
        found->model = served_of(version)->metrics;
        found->prediction = read_class(client, root, "prediction", version);
        return found->prediction >= 0;
    }
    if (at >= 0 && strlen(id) == size &&
        recent_take(client->loop->server->recent, infer_client(client), id, (size_t)at, found))
        return true;
    answer_problem(client, 404, "unknown_request", "no answer with that id is remembered");
    return false;
}

static void take_feedback(connection *client, const json_t *root, const serve_version *version)
{
    recent_answer found = {0};
    int32_t label = read_class(client, root, "label", version);
    if (label < 0 || !find_answer(client, root, version, &found))
        return;
    bool correct = label == found.prediction;
    serve_metrics_count_feedback(client->loop->shard, found.model, correct);
    out *to = answer_body(client);
    out_text(to, "{\"prediction\":");
    out_integer(to, found.prediction);
    out_text(to, ",\"label\":");
    out_integer(to, label);
    out_text(to, correct ? ",\"correct\":true}" : ",\"correct\":false}");
    answer_json(client, 200);
}

void handle_feedback(connection *client)
{
    const char *name = NULL, *number = NULL;
    serve_version *version = NULL;
    json_t *root = request_json(client);
    if (root && infer_name(client, root, "model", &name) &&
        infer_name(client, root, "version", &number))
        version = infer_version(client, name, number);
    if (version)
        take_feedback(client, root, version);
    serve_registry_release(version);
    json_decref(root);
}
