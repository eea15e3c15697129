/* SPDX-License-Identifier: Apache-2.0
 *
 * How the server is: answered by the loop itself, whatever the batcher does. */
#include <stdlib.h>

#include "answer_http.h"
#include "handlers.h"
#include "loop.h"
#include "models.h"

static bool is_ready(const server *owner)
{
    return atomic_load(&owner->state) == SERVER_READY && atomic_load(&owner->models) > 0;
}

/* The guide's answer; a load balancer that looks at the status alone is told too. */
void handle_health(connection *client)
{
    const server *owner = client->loop->server;
    static const char *const others[] = {"loading", "no_model", "draining"};
    int state = atomic_load(&owner->state);
    bool loaded = state != SERVER_LOADING && atomic_load(&owner->models) > 0;
    bool ready = state == SERVER_READY && loaded;
    out *to = answer_body(client);
    out_text(to, "{\"status\":");
    out_json_name(to, ready ? "healthy" : others[state]);
    out_text(to, ",\"model_loaded\":");
    out_text(to, loaded ? "true}" : "false}");
    if (!ready)
        out_text(answer_fields(client), "Retry-After: 1\r\n");
    answer_json(client, ready ? 200 : 503);
}

void handle_livez(connection *client)
{
    out_text(answer_body(client), "{\"status\":\"alive\"}");
    answer_json(client, 200);
}

static void answer_ready(connection *client, const char *body)
{
    const server *owner = client->loop->server;
    int state = atomic_load(&owner->state);
    if (state == SERVER_READY && atomic_load(&owner->models) == 0) {
        answer_later(client, 1, 503, "no_model", "no model is loaded");
    } else if (state == SERVER_READY) {
        out_text(answer_body(client), body);
        answer_json(client, 200);
    } else if (state == SERVER_LOADING) {
        answer_later(client, 1, 503, "loading", "the model is being loaded");
    } else {
        answer_later(client, 1, 503, "draining", "the server is shutting down");
    }
}

void handle_readyz(connection *client)
{
    answer_ready(client, "{\"status\":\"ready\"}");
}

void handle_v2_ready(connection *client)
{
    answer_ready(client, "{\"ready\":true}");
}

/* What other modules count is copied when somebody asks. */
static void refresh(const server *owner)
{
    serve_metrics *metrics = owner->metrics;
    serve_cache_counts cached = {0};
    serve_cache_count(owner->cache, &cached);
    serve_metrics_set(metrics, SERVE_VALUE_CACHE_BYTES, (double)cached.bytes);
    serve_metrics_set(metrics, SERVE_VALUE_CACHE_ENTRIES, (double)cached.entries);
    models_publish_drift(owner);
    serve_metrics_set(metrics, SERVE_VALUE_READY, is_ready(owner) ? 1 : 0);
    serve_metrics_set(metrics, SERVE_VALUE_QUEUE_DEPTH, (double)batcher_depth(owner->batcher));
    serve_metrics_set(metrics, SERVE_VALUE_LOG_LINES, (double)serve_log_lines(owner->log));
    serve_metrics_set(metrics, SERVE_VALUE_LOG_DROPPED, (double)serve_log_dropped(owner->log));
}

void handle_metrics(connection *client)
{
    char *text = NULL;
    size_t size = 0;
    refresh(client->loop->server);
    if (serve_metrics_write(client->loop->server->metrics, &text, &size, NULL) != SENTIMENT_OK) {
        answer_later(client, 1, 503, "out_of_memory", "out of memory");
        return;
    }
    answer_bytes(client, 200, SERVE_METRICS_TYPE, text, size);
    free(text);
}
