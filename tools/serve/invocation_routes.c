/* SPDX-License-Identifier: Apache-2.0
 *
 * The routes by which SageMaker knows a container: /ping and /invocations. An
 * invocation is one of the guide's requests, a list of `instances`, or plain
 * text. */
#include <string.h>

#include "answer_http.h"
#include "handlers.h"
#include "loop.h"
#include "request_json.h"

void handle_ping(connection *client)
{
    handle_readyz(client);
}

/* {"instances": ["text", {"text": "text"}, ...]} as {"texts": [...]}. */
static json_t *texts_of(const json_t *instances)
{
    json_t *texts = json_array();
    for (size_t i = 0; texts && i < json_array_size(instances); i++) {
        json_t *item = json_array_get(instances, i);
        json_t *text = json_is_object(item) ? json_object_get(item, "text") : item;
        if (json_array_append_new(texts, text ? json_incref(text) : json_null()) != 0) {
            json_decref(texts);
            return NULL;
        }
    }
    return texts;
}

static void invoke(connection *client, json_t *root)
{
    const json_t *instances = json_object_get(root, "instances");
    if (json_is_array(instances)) {
        json_t *texts = texts_of(instances);
        if (json_object_set_new(root, "texts", texts) != 0) {
            answer_later(client, 1, 503, "out_of_memory", "out of memory");
            return;
        }
    }
    if (json_object_get(root, "texts"))
        predict_many(client, root);
    else
        predict_one(client, root);
}

static bool is_plain(const connection *client)
{
    static const char name[] = "text/plain";
    const http_slice *type = http_find(&client->head, "content-type");
    if (!type || type->size < sizeof name - 1)
        return false;
    char next = type->size > sizeof name - 1 ? type->data[sizeof name - 1] : ';';
    return http_same((http_slice){type->data, sizeof name - 1}, name) &&
           (next == ';' || next == ' ');
}

static void invoke_plain(connection *client)
{
    json_t *text = json_stringn(client->body.data, client->body.size);
    json_t *root = text ? json_object() : NULL;
    if (!text)
        answer_problem(client, 422, "invalid_utf8", "the text is not UTF-8");
    else if (json_object_set_new(root, "text", text) != 0)
        answer_later(client, 1, 503, "out_of_memory", "out of memory");
    else
        predict_one(client, root);
    json_decref(root);
}

void handle_invocations(connection *client)
{
    if (is_plain(client))
        invoke_plain(client);
    else
        request_json(client, invoke);
}
