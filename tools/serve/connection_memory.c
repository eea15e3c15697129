/* SPDX-License-Identifier: Apache-2.0
 *
 * What connections may hold of the memory that they share: bodies that come in
 * pieces, and answers that wait for clients that are slow to read. */
#include <event2/buffer.h>

#include "connection.h"
#include "loop.h"

/* Of a connection's unread answers that are not counted. */
#define FREE_UNREAD (32u << 10)

bool connection_hold(connection *client, size_t size)
{
    server *owner = client->loop->server;
    client->held += size;
    return atomic_fetch_add(&owner->body_memory, size) + size <= owner->settings->body_memory;
}

void connection_let_go(connection *client)
{
    atomic_fetch_sub(&client->loop->server->body_memory, client->held);
    client->held = 0;
}

size_t connection_unread(const connection *client)
{
    return evbuffer_get_length(bufferevent_get_output(client->events));
}

bool connection_may_wait(connection *client, size_t size)
{
    server *owner = client->loop->server;
    if (connection_unread(client) + size <= FREE_UNREAD)
        return true;
    if (atomic_fetch_add(&owner->body_memory, size) + size <= owner->settings->body_memory) {
        client->unsent += size;
        return true;
    }
    atomic_fetch_sub(&owner->body_memory, size);
    serve_metrics_count_failure(client->loop->shard, SERVE_REASON_BODIES);
    return false;
}

void connection_all_sent(connection *client)
{
    atomic_fetch_sub(&client->loop->server->body_memory, client->unsent);
    client->unsent = 0;
}
