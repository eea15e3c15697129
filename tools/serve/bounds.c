/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums over all connections, kept by atomic additions. */
#include "bounds.h"

#include <event2/buffer.h>

#include "loop.h"

bool bounds_hold(connection *client, size_t size)
{
    server *owner = client->loop->server;
    client->held += size;
    return atomic_fetch_add(&owner->body_memory, size) + size <= owner->settings->body_memory;
}

void bounds_let_go(connection *client)
{
    atomic_fetch_sub(&client->loop->server->body_memory, client->held);
    client->held = 0;
}

size_t bounds_unsent(const connection *client)
{
    return evbuffer_get_length(bufferevent_get_output(client->events));
}

void bounds_set_unsent(connection *client, size_t now)
{
    server *owner = client->loop->server;
    atomic_fetch_add(&owner->unsent, now);
    atomic_fetch_sub(&owner->unsent, client->unsent);
    client->unsent = now;
}

void bounds_check_unsent(connection *client)
{
    const server *owner = client->loop->server;
    size_t left = bounds_unsent(client);
    if (left == 0 && client->unsent == 0)
        return;
    bounds_set_unsent(client, left);
    client->doomed = atomic_load(&owner->unsent) > owner->settings->body_memory;
    if (client->doomed)
        client->keep_alive = false;
}
