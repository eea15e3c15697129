/* SPDX-License-Identifier: Apache-2.0
 *
 * Inference by the Open Inference Protocol: one input of BYTES, as JSON strings or
 * behind the JSON as tritonclient sends it (for each element its length in four
 * bytes, little-endian, then the bytes). Answers are JSON, which its clients
 * read as well. */
#include <string.h>

#include "answer_http.h"
#include "handlers.h"
#include "infer.h"
#include "loop.h"
#include "request_json.h"
#include "v2.h"

/* The body: JSON, then bytes of tensors. */
typedef struct parts {
    http_slice json, binary;
} parts;

static bool refuse(connection *client, const char *reason)
{
    answer_problem(client, 400, "invalid_request", "%s", reason);
    return false;
}

static bool split_body(connection *client, parts *split)
{
    const http_slice *given = http_find(&client->head, "inference-header-content-length");
    *split = (parts){client->body, {client->body.data + client->body.size, 0}};
    if (!given)
        return request_is_json(client);
    size_t length = 0;
    for (size_t i = 0; i < given->size; i++) {
        if (given->data[i] < '0' || given->data[i] > '9' || length > client->body.size)
            return refuse(client, "Inference-Header-Content-Length: not a length in the body");
        length = length * 10 + (size_t)(given->data[i] - '0');
    }
    if (given->size == 0 || length > client->body.size)
        return refuse(client, "Inference-Header-Content-Length: not a length in the body");
    split->json.size = length;
    split->binary = (http_slice){client->body.data + length, client->body.size - length};
    return true;
}

/* Elements of a shape such as [4] or [4, 1]; `wide` tells which. */
static bool read_shape(connection *client, const json_t *shape, size_t *count, bool *wide)
{
    size_t dimensions = json_array_size(shape);
    int64_t rows = request_whole(json_array_get(shape, 0), 1, INT32_MAX, 0);
    bool good = dimensions == 1 ||
                (dimensions == 2 && request_whole(json_array_get(shape, 1), 1, 1, 0) == 1);
    if (!good || rows == 0)
        return refuse(client, "shape: expected [n] or [n, 1]");
    *count = (size_t)rows;
    *wide = dimensions == 2;
    return infer_count(client, *count);
}

static bool add_strings(connection *client, job *work, const json_t *data, size_t count,
                        uint32_t max_length)
{
    if (json_array_size(data) != count)
        return refuse(client, "data: not as many elements as the shape says");
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(data, i);
        if (json_array_size(item) == 1)
            item = json_array_get(item, 0);
        if (!json_is_string(item)) {
            answer_problem_at(client, i, 422, "invalid_item", "data[%zu]: expected a string", i);
            return false;
        }
        if (!infer_add(client, work, json_string_value(item), json_string_length(item), max_length,
                       (long)i))
            return false;
    }
    return true;
}

static bool add_bytes(connection *client, job *work, http_slice binary, size_t count,
                      uint32_t max_length)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (binary.size - at < 4)
            return refuse(client, "binary data: it ends before the last element");
        const unsigned char *bytes = (const unsigned char *)binary.data + at;
        size_t size = (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 |
                      (size_t)bytes[3] << 24;
        at += 4;
        if (binary.size - at < size)
            return refuse(client, "binary data: an element is longer than what is left");
        if (!infer_add(client, work, binary.data + at, size, max_length, (long)i))
            return false;
        at += size;
    }
    return at == binary.size || refuse(client, "binary data: more than the elements of the shape");
}

/* Bits of the outputs that are asked for; none asked for: all. */
static bool read_outputs(connection *client, const json_t *outputs, uint32_t *wanted)
{
    *wanted = 0;
    if (outputs && !json_is_array(outputs))
        return refuse(client, "outputs: expected a list");
    for (size_t i = 0; i < json_array_size(outputs); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(outputs, i), "name"));
        uint32_t bit = 0;
        for (int k = 0; k < V2_OUTPUTS; k++)
            if (name && strcmp(name, v2_outputs[k].name) == 0)
                bit = 1u << k;
        if (!bit)
            return refuse(client, "outputs: expected prediction, confidence, probabilities, label");
        *wanted |= bit;
    }
    if (!*wanted)
        *wanted = (1u << V2_OUTPUTS) - 1;
    return true;
}

static void put_data(out *to, const job *work, int output)
{
    for (size_t i = 0; i < work->count; i++) {
        const sentiment_result *result = &work->results[i];
        if (i)
            out_char(to, ',');
        if (output == V2_PREDICTION)
            out_integer(to, result->prediction);
        else if (output == V2_CONFIDENCE)
            out_json_float(to, result->confidence);
        else if (output == V2_LABEL)
            out_json_name(to, sentiment_model_get_label(work->version->model, result->prediction));
    }
}

static void put_probabilities(out *to, const job *work)
{
    for (size_t i = 0; i < work->count * work->classes; i++) {
        if (i)
            out_char(to, ',');
        out_json_float(to, work->probabilities[i]);
    }
}

static void put_output(out *to, const job *work, int output)
{
    size_t columns = output == V2_PROBABILITIES ? work->classes : work->many ? 1 : 0;
    out_text(to, "{\"name\":");
    out_json_name(to, v2_outputs[output].name);
    out_format(to, ",\"datatype\":\"%s\",\"shape\":[%zu", v2_outputs[output].type, work->count);
    if (columns)
        out_format(to, ",%zu", columns);
    out_text(to, "],\"data\":[");
    if (output == V2_PROBABILITIES)
        put_probabilities(to, work);
    else
        put_data(to, work, output);
    out_text(to, "]}");
}

static void answer_inference(connection *client, job *work)
{
    if (!infer_check(client, work))
        return;
    const char *separator = "";
    infer_note(client, work);
    infer_fields(client, work);
    out *to = answer_body(client);
    out_text(to, "{\"model_name\":");
    out_json_name(to, work->version->name);
    out_text(to, ",\"model_version\":");
    out_json_name(to, work->version->version);
    if (work->id_size) {
        out_text(to, ",\"id\":");
        out_json_string(to, work->id, work->id_size);
    }
    out_text(to, ",\"outputs\":[");
    for (int i = 0; i < V2_OUTPUTS; i++) {
        if (!(work->outputs & 1u << i))
            continue;
        out_text(to, separator);
        put_output(to, work, i);
        separator = ",";
    }
    out_text(to, "]}");
    answer_json(client, 200);
}

/* The one input of a request. */
static const json_t *find_input(connection *client, const json_t *root)
{
    const json_t *inputs = json_object_get(root, "inputs");
    const json_t *input = json_array_get(inputs, 0);
    const char *type = json_string_value(json_object_get(input, "datatype"));
    const char *name = json_string_value(json_object_get(input, "name"));
    if (json_array_size(inputs) == 1 && type && strcmp(type, "BYTES") == 0 && name &&
        strcmp(name, "text") == 0)
        return input;
    refuse(client, "inputs: expected one, \"text\", with datatype BYTES");
    return NULL;
}

static bool add_input(connection *client, job *work, const json_t *input, http_slice binary,
                      uint32_t max_length)
{
    size_t count = 0;
    const json_t *data = json_object_get(input, "data");
    const json_t *size = json_object_get(json_object_get(input, "parameters"), "binary_data_size");
    if (!read_shape(client, json_object_get(input, "shape"), &count, &work->many))
        return false;
    if (data)
        return add_strings(client, work, data, count, max_length);
    if (request_whole(size, 0, INT32_MAX, -1) != (int64_t)binary.size)
        return refuse(client, "an input needs data, or a binary_data_size that is right");
    return add_bytes(client, work, binary, count, max_length);
}

static job *read_request(connection *client, const json_t *root, http_slice binary)
{
    v2_name names;
    uint32_t max_length = 0, outputs = 0;
    const char *id = NULL;
    size_t id_size = 0;
    const json_t *parameters = json_object_get(root, "parameters");
    const json_t *input = v2_names(client, &names) ? find_input(client, root) : NULL;
    if (!input || !request_max_length(client, parameters, &max_length) ||
        !request_string(client, root, "id", &id, &id_size) ||
        !read_outputs(client, json_object_get(root, "outputs"), &outputs))
        return NULL;
    if (id_size > sizeof((job *)NULL)->id) {
        refuse(client, "id: it is too long");
        return NULL;
    }
    job *work =
        infer_job(client, names.name, names.has_version ? names.version : NULL, answer_inference);
    if (!work)
        return NULL;
    work->outputs = outputs;
    work->id_size = id_size;
    memcpy(work->id, id ? id : "", id_size);
    if (add_input(client, work, input, binary, max_length))
        return work;
    infer_drop(client, work);
    return NULL;
}

static void infer(connection *client, json_t *root)
{
    parts body;
    job *work = split_body(client, &body) ? read_request(client, root, body.binary) : NULL;
    if (work)
        infer_submit(client, work);
}

void handle_v2_infer(connection *client)
{
    parts body;
    if (split_body(client, &body))
        request_json_part(client, body.json.size, infer);
}
