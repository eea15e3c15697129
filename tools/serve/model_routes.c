/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /model_info: what the guide's two services tell of the model, and more. */
#include "answer_http.h"
#include "handlers.h"
#include "infer.h"

static void put_size(out *to, const char *key, uint64_t value)
{
    out_format(to, ",\"%s\":%llu", key, (unsigned long long)value);
}

static void put_name(out *to, const char *key, const char *value)
{
    out_format(to, ",\"%s\":", key);
    out_json_name(to, value);
}

static void put_labels(out *to, const serve_version *version, uint32_t classes)
{
    out_text(to, ",\"labels\":[");
    for (uint32_t i = 0; i < classes; i++) {
        if (i)
            out_char(to, ',');
        out_json_name(to, sentiment_model_get_label(version->model, (int32_t)i));
    }
    out_char(to, ']');
}

void handle_model_info(connection *client)
{
    serve_version *version = infer_version(client, NULL, NULL);
    if (!version)
        return;
    const served *model = served_of(version);
    const sentiment_model_info *info = &model->info;
    out *to = answer_body(client);
    out_text(to, "{\"model_type\":\"SentimentClassifier\"");
    put_size(to, "vocab_size", info->vocab_size);
    put_size(to, "embedding_dim", info->embedding_dim);
    put_size(to, "hidden_size", info->hidden_size);
    put_size(to, "num_classes", info->num_classes);
    put_size(to, "parameters", info->parameters);
    put_size(to, "num_layers", info->num_layers);
    put_size(to, "max_length", model->session.max_length);
    put_labels(to, version, info->num_classes);
    put_name(to, "name", version->name);
    put_name(to, "version", version->version);
    put_name(to, "sha256", version->sha256);
    put_name(to, "engine", model->session.engine_name);
    put_name(to, "isa", model->session.isa_name);
    put_name(to, "precision", option_choice_name(setup_precisions, model->session.precision));
    put_name(to, "padding", option_choice_name(setup_paddings, model->session.padding));
    out_char(to, '}');
    serve_registry_release(version);
    answer_json(client, 200);
}
