/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys come as "Authorization: Bearer KEY" or "X-API-Key: KEY". Whether a wrong
 * one was close, no answer and no time tells (keys.h). */
#include "access.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "answer_http.h"
#include "fail.h"
#include "loop.h"

static http_slice key_of(const connection *client)
{
    static const char scheme[] = "bearer ";
    size_t length = sizeof scheme - 1;
    const http_slice *given = http_find(&client->head, "authorization");
    if (given && given->size > length && http_same((http_slice){given->data, length}, scheme))
        return (http_slice){given->data + length, given->size - length};
    given = http_find(&client->head, "x-api-key");
    return given ? *given : (http_slice){NULL, 0};
}

static bool refuse(connection *client, const char *reason)
{
    out_text(answer_fields(client), "WWW-Authenticate: Bearer\r\n");
    answer_problem(client, 401, "unauthorized", "%s", reason);
    return false;
}

bool access_check_admin(connection *client)
{
    const char *token = client->loop->server->admin_token;
    http_slice key = key_of(client);
    return serve_keys_equal(key.data ? key.data : "", key.size, token, strlen(token)) ||
           refuse(client, "the admin's token is needed");
}

sentiment_status access_read_token(const char *path, char token[SERVE_KEYS_KEY_LIMIT + 1],
                                   sentiment_error *error)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return serve_fail(error, SENTIMENT_ERROR_IO, "%s: %s", path, strerror(errno));
    bool read = fgets(token, SERVE_KEYS_KEY_LIMIT + 1, file) != NULL;
    fclose(file);
    if (!read)
        token[0] = 0;
    token[strcspn(token, "\r\n")] = 0;
    if (strlen(token) >= SERVE_KEYS_KEY_MINIMUM)
        return SENTIMENT_OK;
    return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                      "%s: the token in its first line has less than %d bytes", path,
                      SERVE_KEYS_KEY_MINIMUM);
}

bool access_check(connection *client)
{
    server *owner = client->loop->server;
    if (!owner->settings->api_keys)
        return true;
    http_slice key = key_of(client);
    pthread_rwlock_rdlock(&owner->keys_lock);
    const char *name = key.size ? serve_keys_check(owner->keys, key.data, key.size) : NULL;
    if (name)
        snprintf(client->key_name, sizeof client->key_name, "%s", name);
    pthread_rwlock_unlock(&owner->keys_lock);
    return name || refuse(client, "an API key is needed");
}

sentiment_status access_reload(server *own, sentiment_error *error)
{
    serve_keys *keys = NULL;
    if (!own->settings->api_keys)
        return SENTIMENT_OK;
    sentiment_status status = serve_keys_load(own->settings->api_keys, &keys, error);
    if (status)
        return status;
    pthread_rwlock_wrlock(&own->keys_lock);
    serve_keys *old = own->keys;
    own->keys = keys;
    pthread_rwlock_unlock(&own->keys_lock);
    serve_keys_free(old);
    return SENTIMENT_OK;
}
