/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading JSON. Messages never quote the body: they also go into the log. */
#include "request_json.h"

#include <math.h>
#include <string.h>

#include "answer_http.h"
#include "json_measure.h"
#include "loop.h"

#define MAX_DEPTH 32
/* Bytes of JSON that an event loop reads itself; that takes under a millisecond. */
#define READ_HERE (64u << 10)
/* All numbers are read as real ones: what is ignored may be a whole number of any size. */
#define FLAGS (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL)
/* Values for each text that a request may have, and for all else. */
#define VALUES_PER_TEXT 4
#define VALUES_MORE 4096

/* application/json or application/...+json, before any parameters. */
static bool is_json_type(http_slice type)
{
    static const char prefix[] = "application/", suffix[] = "+json";
    const char *end = memchr(type.data, ';', type.size);
    if (end)
        type.size = (size_t)(end - type.data);
    while (type.size > 0 && (type.data[type.size - 1] == ' ' || type.data[type.size - 1] == '\t'))
        type.size--;
    if (http_same(type, "application/json"))
        return true;
    if (type.size < sizeof prefix + sizeof suffix)
        return false;
    return http_same((http_slice){type.data, sizeof prefix - 1}, prefix) &&
           http_same((http_slice){type.data + type.size - (sizeof suffix - 1), sizeof suffix - 1},
                     suffix);
}

bool request_is_json(connection *client)
{
    const http_slice *type = http_find(&client->head, "content-type");
    if (!type || is_json_type(*type))
        return true;
    answer_problem(client, 415, "unsupported_media_type", "expected application/json");
    return false;
}

static void refuse_syntax(connection *client, const json_reading *reading)
{
    switch (reading->code) {
    case json_error_invalid_utf8:
        answer_problem(client, 422, "invalid_utf8", "invalid UTF-8 at byte %d of the body",
                       reading->position);
        break;
    case json_error_duplicate_key:
        answer_problem(client, 400, "duplicate_key", "a key stands twice, at byte %d of the body",
                       reading->position);
        break;
    case json_error_out_of_memory:
        answer_later(client, 1, 503, "out_of_memory", "out of memory");
        break;
    default:
        answer_problem(client, 400, "invalid_json", "invalid JSON at byte %d of the body",
                       reading->position);
        break;
    }
}

static json_reading read_json(const char *data, size_t size, size_t values)
{
    json_error_t error;
    json_reading reading = {.shape = json_measure(data, size, MAX_DEPTH, values)};
    if (reading.shape != JSON_FINE)
        return reading;
    reading.root = json_loadb(data, size, FLAGS, &error);
    if (!reading.root) {
        reading.code = json_error_code(&error);
        reading.position = error.position;
    } else if (!json_is_object(reading.root)) {
        json_decref(reading.root);
        reading.root = NULL;
        reading.no_object = true;
    }
    return reading;
}

static void go_on(connection *client, const json_reading *reading, request_then then)
{
    if (reading->root)
        then(client, reading->root);
    else if (reading->shape == JSON_TOO_DEEP)
        answer_problem(client, 400, "json_too_deep", "more than %d brackets inside each other",
                       MAX_DEPTH);
    else if (reading->shape == JSON_TOO_MANY)
        answer_problem(client, 413, "too_many_values", "the body has too many values");
    else if (reading->no_object)
        answer_problem(client, 400, "invalid_type", "expected a JSON object");
    else
        refuse_syntax(client, reading);
}

/* On an inference thread. */
static void read_body(job *work)
{
    work->reading = read_json(work->body.data, work->json_size, work->most_values);
}

static void answer_read(connection *client, job *work)
{
    go_on(client, &work->reading, work->then);
}

/* The job takes the body along: the connection may end before it is read. */
static void read_elsewhere(connection *client, size_t size, size_t values, request_then then)
{
    job *work = loop_job(client->loop);
    if (!work || !job_add(work, "", 0, 0)) {
        if (work)
            loop_recycle(client->loop, work);
        answer_later(client, 1, 503, "out_of_memory", "out of memory");
        return;
    }
    work->body = client->body_bytes;
    client->body_bytes = (out){0};
    work->json_size = size;
    work->most_values = values;
    work->run = read_body;
    work->answer = answer_read;
    work->then = then;
    if (connection_submit(client, work))
        return;
    loop_recycle(client->loop, work);
    answer_later(client, 1, 503, "queue_full", "too many texts wait");
}

void request_json_part(connection *client, size_t size, request_then then)
{
    const config *settings = client->loop->server->settings;
    size_t values = (size_t)settings->max_texts * VALUES_PER_TEXT + VALUES_MORE;
    const char *data = client->body.data;
    if (size > READ_HERE && !client->loop->admin && data == client->body_bytes.data) {
        read_elsewhere(client, size, values, then);
        return;
    }
    json_reading reading = read_json(data, size, values);
    go_on(client, &reading, then);
    json_decref(reading.root);
}

void request_json(connection *client, request_then then)
{
    if (request_is_json(client))
        request_json_part(client, client->body.size, then);
}

int64_t request_whole(const json_t *value, int64_t low, int64_t high, int64_t otherwise)
{
    double number = json_is_number(value) ? json_number_value(value) : NAN;
    bool good = number >= (double)low && number <= (double)high && number == floor(number);
    return good ? (int64_t)number : otherwise;
}

bool request_max_length(connection *client, const json_t *root, uint32_t *max_length)
{
    const json_t *value = json_object_get(root, "max_length");
    *max_length = 0;
    if (!value || json_is_null(value))
        return true;
    int64_t number = request_whole(value, 1, 65536, 0);
    if (number == 0) {
        answer_problem(client, 400, "invalid_max_length",
                       "max_length: expected a whole number from 1 to 65536");
        return false;
    }
    *max_length = (uint32_t)number;
    return true;
}

bool request_flag(connection *client, const json_t *root, const char *name, bool *value)
{
    const json_t *found = json_object_get(root, name);
    if (!found || json_is_null(found))
        return true;
    if (!json_is_boolean(found)) {
        answer_problem(client, 400, "invalid_type", "%s: expected true or false", name);
        return false;
    }
    *value = json_is_true(found);
    return true;
}

bool request_string(connection *client, const json_t *root, const char *name, const char **value,
                    size_t *size)
{
    const json_t *found = json_object_get(root, name);
    *value = NULL;
    *size = 0;
    if (!found || json_is_null(found))
        return true;
    if (!json_is_string(found)) {
        answer_problem(client, 400, "invalid_type", "%s: expected a string", name);
        return false;
    }
    *value = json_string_value(found);
    *size = json_string_length(found);
    return true;
}
