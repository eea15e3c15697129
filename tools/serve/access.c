/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys come as "Authorization: Bearer KEY" or "X-API-Key: KEY". Whether a wrong
 * one was close, no answer and no time tells (keys.h). */
#include "access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
    server *owner = client->loop->server;
    http_slice key = key_of(client);
    pthread_rwlock_rdlock(&owner->keys_lock);
    bool good = serve_keys_equal(key.data ? key.data : "", key.size, owner->admin_token,
                                 strlen(owner->admin_token));
    pthread_rwlock_unlock(&owner->keys_lock);
    return good || refuse(client, "the admin's token is needed");
}

/* The first line of a file, without its end, into `token`; what is wrong with it, or
 * NULL. */
static const char *read_line(int file, char token[SERVE_KEYS_KEY_LIMIT + 1])
{
    char text[SERVE_KEYS_KEY_LIMIT + 2]; /* the line may end in \r\n */
    size_t size = 0;
    ssize_t got = 1;
    while (size < sizeof text && got != 0) {
        got = read(file, text + size, sizeof text - size);
        if (got < 0 && errno != EINTR)
            return strerror(errno);
        size += got > 0 ? (size_t)got : 0;
    }
    const char *end = memchr(text, '\n', size);
    bool whole = end || size < sizeof text;
    if (end)
        size = (size_t)(end - text);
    while (size > 0 && text[size - 1] == '\r')
        size--;
    if (!whole || size > SERVE_KEYS_KEY_LIMIT)
        return "the token in its first line has more than 512 bytes";
    if (memchr(text, 0, size))
        return "its first line has a NUL byte";
    if (size < SERVE_KEYS_KEY_MINIMUM)
        return "the token in its first line has less than 16 bytes";
    memcpy(token, text, size);
    token[size] = 0;
    return NULL;
}
_Static_assert(SERVE_KEYS_KEY_MINIMUM == 16 && SERVE_KEYS_KEY_LIMIT == 512, "as the messages say");

sentiment_status access_read_token(const char *path, char token[SERVE_KEYS_KEY_LIMIT + 1],
                                   sentiment_error *error)
{
    struct stat about;
    /* O_NONBLOCK: a FIFO must not hold the server up. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 || fstat(file, &about)) {
        sentiment_status status =
            serve_fail(error, SENTIMENT_ERROR_IO, "%s: %s", path, strerror(errno));
        if (file >= 0)
            close(file);
        return status;
    }
    const char *wrong = NULL;
    if (!S_ISREG(about.st_mode))
        wrong = "not a regular file";
    else if (about.st_mode & (S_IWGRP | S_IWOTH))
        wrong = "others may write to it (chmod go-w)";
    else
        wrong = read_line(file, token);
    close(file);
    return wrong ? serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, "%s: %s", path, wrong)
                 : SENTIMENT_OK;
}

sentiment_status access_reload_token(server *own, sentiment_error *error)
{
    char token[SERVE_KEYS_KEY_LIMIT + 1];
    sentiment_status status = access_read_token(own->settings->admin_token, token, error);
    if (status)
        return status;
    pthread_rwlock_wrlock(&own->keys_lock);
    memcpy(own->admin_token, token, strlen(token) + 1);
    pthread_rwlock_unlock(&own->keys_lock);
    return SENTIMENT_OK;
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
