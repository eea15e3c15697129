/* SPDX-License-Identifier: Apache-2.0
 *
 * A TensorProto as a tensor. Numbers stand in one of three places: in raw_data,
 * which is used where it stands; in a list of their type, which is unpacked; in
 * a file of the model's folder, of which a stretch is used. Whatever it is must
 * have exactly the bytes that the dimensions ask for. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "formats/folder.h"
#include "formats/onnx_eval.h"
#include "formats/onnx_fields.h"

#define FILES_MOST 1024
#define LOCATION_MOST 1024

static const sn_proto_spec tensor_specs[] = {
    {SN_TENSOR_DIMS, SN_PROTO_VARINT, 1},          {SN_TENSOR_DATA_TYPE, SN_PROTO_VARINT, 0},
    {SN_TENSOR_SEGMENT, SN_PROTO_BYTES, 0},        {SN_TENSOR_FLOAT_DATA, SN_PROTO_FIXED32, 1},
    {SN_TENSOR_INT32_DATA, SN_PROTO_VARINT, 1},    {SN_TENSOR_INT64_DATA, SN_PROTO_VARINT, 1},
    {SN_TENSOR_RAW_DATA, SN_PROTO_BYTES, 0},       {SN_TENSOR_DOUBLE_DATA, SN_PROTO_FIXED64, 1},
    {SN_TENSOR_UINT64_DATA, SN_PROTO_VARINT, 1},   {SN_TENSOR_EXTERNAL_DATA, SN_PROTO_BYTES, 1},
    {SN_TENSOR_DATA_LOCATION, SN_PROTO_VARINT, 0}, {0},
};
static const sn_proto_spec entry_specs[] = {
    {SN_ENTRY_KEY, SN_PROTO_BYTES, 0}, {SN_ENTRY_VALUE, SN_PROTO_BYTES, 0}, {0}};

/* Types of numbers, and the list that holds them where raw_data does not. */
static const struct {
    uint8_t type, list, wire;
    sn_dtype dtype;
} types[] = {
    {SN_ONNX_FLOAT, SN_TENSOR_FLOAT_DATA, SN_PROTO_FIXED32, SN_F32},
    {SN_ONNX_UINT8, SN_TENSOR_INT32_DATA, SN_PROTO_VARINT, SN_U8},
    {SN_ONNX_INT8, SN_TENSOR_INT32_DATA, SN_PROTO_VARINT, SN_I8},
    {SN_ONNX_UINT16, SN_TENSOR_INT32_DATA, SN_PROTO_VARINT, SN_U16},
    {SN_ONNX_INT16, SN_TENSOR_INT32_DATA, SN_PROTO_VARINT, SN_I16},
    {SN_ONNX_INT32, SN_TENSOR_INT32_DATA, SN_PROTO_VARINT, SN_I32},
    {SN_ONNX_INT64, SN_TENSOR_INT64_DATA, SN_PROTO_VARINT, SN_I64},
    {SN_ONNX_BOOL, SN_TENSOR_INT32_DATA, SN_PROTO_VARINT, SN_BOOL},
    {SN_ONNX_FLOAT16, SN_TENSOR_INT32_DATA, SN_PROTO_VARINT, SN_F16},
    {SN_ONNX_DOUBLE, SN_TENSOR_DOUBLE_DATA, SN_PROTO_FIXED64, SN_F64},
    {SN_ONNX_UINT32, SN_TENSOR_UINT64_DATA, SN_PROTO_VARINT, SN_U32},
    {SN_ONNX_UINT64, SN_TENSOR_UINT64_DATA, SN_PROTO_VARINT, SN_U64},
    {SN_ONNX_BFLOAT16, SN_TENSOR_INT32_DATA, SN_PROTO_VARINT, SN_BF16},
};

/* A TensorProto half understood. */
typedef struct source {
    const char *what;
    sn_cursor proto;
    uint8_t list, wire; /* where numbers of its type stand */
    _Bool has_raw;
    sn_name raw;
    uint64_t listed;     /* numbers in the list */
    _Bool is_external;
    char location[LOCATION_MOST];
    uint64_t offset, length;
    _Bool has_location, has_offset, has_length;
} source;

SN_PRINTF(4, 5)
static sentiment_status bad(const source *from, sentiment_status code, sentiment_error *error,
                            const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return sn_fail(error, code, from->proto.position, "onnx: %s: %s", from->what, text);
}

#define BAD SENTIMENT_ERROR_BAD_MODEL

/* ------------------------------------------------------------------- store */

void sn_onnx_store_free(sn_onnx_store *store)
{
    if (!store->memory)
        return;
    for (size_t i = 0; i < store->block_count; i++)
        sn_free(store->memory, store->blocks[i]);
    for (size_t i = 0; i < store->file_count; i++) {
        sn_bytes_free(&store->files[i]);
        sn_free(store->memory, store->paths[i]);
    }
    sn_free(store->memory, store->blocks);
    sn_free(store->memory, store->files);
    sn_free(store->memory, store->paths);
}

void *sn_onnx_store_block(sn_onnx_store *store, size_t count, size_t size, sentiment_error *error)
{
    void *block = NULL;
    if (store->block_count == store->block_room) {
        size_t room = store->block_room + store->block_room / 2 + 16;
        void **blocks = sn_realloc(store->memory, store->blocks, room, sizeof *blocks);
        if (!blocks)
            goto out;
        store->blocks = blocks;
        store->block_room = room;
    }
    block = sn_alloc(store->memory, count, size);
    if (block)
        store->blocks[store->block_count++] = block;
out:
    if (!block)
        sn_fail_memory(error, "an ONNX tensor");
    return block;
}

/* Reads the file `path`, which the list takes over on success. */
static sentiment_status add_file(sn_onnx_store *store, const source *from, char *path,
                                 sentiment_error *error)
{
    size_t count = store->file_count;
    if (count == FILES_MOST)
        return bad(from, SENTIMENT_ERROR_UNSUPPORTED, error,
                   "the weights lie in more than %d files", FILES_MOST);
    sn_bytes *files = sn_realloc(store->memory, store->files, count + 1, sizeof *files);
    if (!files)
        return sn_fail_memory(error, "a list of files");
    store->files = files;
    char **paths = sn_realloc(store->memory, store->paths, count + 1, sizeof *paths);
    if (!paths)
        return sn_fail_memory(error, "a list of files");
    store->paths = paths;
    files[count] = (sn_bytes){0};
    sentiment_status status = sn_file_read(path, store->memory, store->options->use_mmap,
                                           SN_MODEL_LIMIT, &files[count], error);
    if (status != SENTIMENT_OK)
        return sn_fail_in(error, status, "onnx: %s: external data", from->what);
    paths[count] = path;
    store->file_count++;
    store->work += SN_ONNX_WORK_FACTOR * (uint64_t)files[count].size;
    return SENTIMENT_OK;
}

/* The bytes of a file with external data. It is read once, however many spellings of
 * its path there are: else a small graph could fill the memory with one large file. */
static sentiment_status open_file(sn_onnx_store *store, const source *from, const sn_bytes **out,
                                  sentiment_error *error)
{
    char *path = NULL;
    size_t at = 0;
    sentiment_status status =
        sn_path_find_inside(store->folder, from->location, store->memory, &path, error);
    if (status != SENTIMENT_OK)
        return sn_fail_in(error, status, "onnx: %s: external data", from->what);
    while (at < store->file_count && strcmp(store->paths[at], path) != 0)
        at++;
    if (at == store->file_count) {
        status = add_file(store, from, path, error);
        if (status == SENTIMENT_OK)
            path = NULL;
    }
    sn_free(store->memory, path);
    if (status == SENTIMENT_OK)
        *out = &store->files[at];
    return status;
}

/* ----------------------------------------------------------------- parsing */

static sentiment_status take_dims(sn_proto_field *field, source *from, sn_tensor *out,
                                  sentiment_error *error)
{
    _Bool state = 0;
    uint64_t value;
    int more;
    while ((more = sn_proto_next_value(field, SN_PROTO_VARINT, &state, &value, error)) > 0) {
        if (out->rank == SN_TENSOR_MAX_RANK)
            return bad(from, SENTIMENT_ERROR_UNSUPPORTED, error,
                       "more than %d dimensions are not supported", SN_TENSOR_MAX_RANK);
        if (value > INT64_MAX)
            return bad(from, BAD, error, "dimension %u is negative", out->rank);
        out->dims[out->rank++] = value;
    }
    return more;
}

static sentiment_status take_type(uint64_t type, source *from, sn_tensor *out,
                                  sentiment_error *error)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].type == type) {
            out->dtype = types[i].dtype;
            from->list = types[i].list;
            from->wire = types[i].wire;
            return SENTIMENT_OK;
        }
    }
    return bad(from, SENTIMENT_ERROR_UNSUPPORTED, error, "unsupported data type %llu",
               (unsigned long long)type);
}

/* Digits and nothing else. */
static _Bool read_decimal(sn_name text, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = value;
    return text.size > 0 && text.size <= 18;
}

static sentiment_status take_external(const sn_proto_field *field, source *from,
                                      sentiment_error *error)
{
    sn_proto message = sn_proto_enter(field, entry_specs, "external_data");
    sn_proto_field inner;
    sn_name key = {(const uint8_t *)"", 0}, value = key;
    int more;
    while ((more = sn_proto_next(&message, &inner, error)) > 0) {
        sn_name *text = inner.number == SN_ENTRY_KEY ? &key : &value;
        text->data = sn_proto_data(&inner, &text->size);
    }
    if (more < 0)
        return more;
    _Bool *seen = sn_name_is(key, "location") ? &from->has_location
                  : sn_name_is(key, "offset") ? &from->has_offset
                  : sn_name_is(key, "length") ? &from->has_length
                                              : NULL;
    if (!seen)
        return SENTIMENT_OK;
    if (*seen)
        return bad(from, BAD, error, "external data: a key stands twice");
    *seen = 1;
    if (seen == &from->has_location) {
        if (value.size >= sizeof from->location || memchr(value.data, 0, value.size))
            return bad(from, BAD, error, "external data: the location is no path");
        memcpy(from->location, value.data, value.size);
        from->location[value.size] = '\0';
        return SENTIMENT_OK;
    }
    if (!read_decimal(value, seen == &from->has_offset ? &from->offset : &from->length))
        return bad(from, BAD, error, "external data: offset or length is no number");
    return SENTIMENT_OK;
}

/* Numbers in a list of one type; all of them belong to that one. */
static sentiment_status count_list(sn_proto_field *field, source *from, sentiment_error *error)
{
    _Bool state = 0;
    uint64_t value;
    int more;
    if (field->number != from->list)
        return bad(from, BAD, error, "numbers stand in a list of another type");
    while ((more = sn_proto_next_value(field, from->wire, &state, &value, error)) > 0)
        from->listed++;
    return more;
}

/* First walk: dimensions, type, and where the data is. */
static sentiment_status scan(source *from, sn_tensor *out, sentiment_error *error)
{
    sn_proto message = {.cursor = from->proto, .specs = tensor_specs, .what = "tensor"};
    sn_proto_field field;
    uint64_t type = 0, external = 0;
    int more;
    while ((more = sn_proto_next(&message, &field, error)) > 0) {
        sentiment_status status = SENTIMENT_OK;
        if (field.number == SN_TENSOR_DIMS) {
            status = take_dims(&field, from, out, error);
        } else if (field.number == SN_TENSOR_DATA_TYPE) {
            type = field.value;
        } else if (field.number == SN_TENSOR_SEGMENT) {
            status = bad(from, SENTIMENT_ERROR_UNSUPPORTED, error, "it comes in segments");
        } else if (field.number == SN_TENSOR_RAW_DATA) {
            from->has_raw = 1;
            from->raw.data = sn_proto_data(&field, &from->raw.size);
        } else if (field.number == SN_TENSOR_EXTERNAL_DATA) {
            status = take_external(&field, from, error);
        } else if (field.number == SN_TENSOR_DATA_LOCATION) {
            external = field.value;
        }
        if (status != SENTIMENT_OK)
            return status;
    }
    if (more < 0)
        return more;
    if (external > 1)
        return bad(from, BAD, error, "unknown data_location");
    from->is_external = external == 1;
    return take_type(type, from, out, error);
}

/* Second walk, when the type is known: numbers in lists. */
static sentiment_status scan_lists(source *from, sentiment_error *error)
{
    sn_proto message = {.cursor = from->proto, .specs = tensor_specs, .what = "tensor"};
    sn_proto_field field;
    int more;
    while ((more = sn_proto_next(&message, &field, error)) > 0) {
        _Bool is_list = field.number == SN_TENSOR_FLOAT_DATA ||
                        field.number == SN_TENSOR_INT32_DATA ||
                        field.number == SN_TENSOR_INT64_DATA ||
                        field.number == SN_TENSOR_DOUBLE_DATA ||
                        field.number == SN_TENSOR_UINT64_DATA;
        sentiment_status status = is_list ? count_list(&field, from, error) : SENTIMENT_OK;
        if (status != SENTIMENT_OK)
            return status;
    }
    return more;
}

/* -------------------------------------------------------------------- data */

/* Third walk: the numbers themselves. Each has a byte of the file at least and
 * eight of memory at most. */
static sentiment_status unpack(sn_onnx_store *store, const source *from, sn_tensor *out,
                               sentiment_error *error)
{
    sn_proto message = {.cursor = from->proto, .specs = tensor_specs, .what = "tensor"};
    sn_proto_field field;
    size_t size = sn_dtype_size(out->dtype), at = 0;
    int more;
    uint8_t *block = sn_onnx_store_block(store, (size_t)out->elements, size, error);
    if (!block)
        return SENTIMENT_ERROR_OUT_OF_MEMORY;
    while ((more = sn_proto_next(&message, &field, error)) > 0) {
        _Bool state = 0;
        uint64_t value;
        if (field.number != from->list)
            continue;
        while (sn_proto_next_value(&field, from->wire, &state, &value, error) > 0)
            for (size_t i = 0; i < size; i++)
                block[at++] = (uint8_t)(value >> (8 * i));
    }
    out->data = block;
    return more;
}

static sentiment_status use_external(sn_onnx_store *store, const source *from, size_t bytes,
                                     sn_tensor *out, sentiment_error *error)
{
    const sn_bytes *file = NULL;
    if (!from->has_location)
        return bad(from, BAD, error, "external data without a location");
    if (!store->folder)
        return bad(from, SENTIMENT_ERROR_UNSUPPORTED, error,
                   "its data is in the file '%.100s'; load the model by path from beside it",
                   from->location);
    sentiment_status status = open_file(store, from, &file, error);
    if (status != SENTIMENT_OK)
        return status;
    uint64_t left = from->offset <= file->size ? file->size - from->offset : 0;
    uint64_t length = from->has_length ? from->length : left;
    if (from->offset > file->size || length > left || length != bytes)
        return bad(from, BAD, error,
                   "external data: %llu bytes from byte %llu of the %zu in '%.100s'; the "
                   "dimensions ask for %zu",
                   (unsigned long long)length, (unsigned long long)from->offset, file->size,
                   from->location, bytes);
    out->data = file->data + from->offset;
    return SENTIMENT_OK;
}

static sentiment_status use_data(sn_onnx_store *store, const source *from, sn_tensor *out,
                                 sentiment_error *error)
{
    size_t bytes = (size_t)out->elements * sn_dtype_size(out->dtype);
    if (from->is_external + from->has_raw + (from->listed > 0) > 1)
        return bad(from, BAD, error, "the numbers are given twice");
    if (from->is_external)
        return use_external(store, from, bytes, out, error);
    if (from->listed) {
        if (from->listed != out->elements)
            return bad(from, BAD, error, "it holds %llu numbers; the dimensions ask for %llu",
                       (unsigned long long)from->listed, (unsigned long long)out->elements);
        return unpack(store, from, out, error);
    }
    if (from->raw.size != bytes)
        return bad(from, BAD, error, "it holds %zu bytes; the dimensions ask for %zu",
                   from->raw.size, bytes);
    out->data = bytes ? from->raw.data : (const uint8_t *)"";
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_read_tensor(sn_onnx_store *store, sn_cursor proto, const char *what,
                                     sn_tensor *out, sentiment_error *error)
{
    source from = {.what = what, .proto = proto};
    sn_tensor made = {.name = ""};
    sentiment_status status = scan(&from, &made, error);
    if (status == SENTIMENT_OK)
        status = scan_lists(&from, error);
    if (status != SENTIMENT_OK)
        return status;
    if (!sn_tensor_set_contiguous(&made))
        return bad(&from, BAD, error, "the product of the dimensions overflows");
    status = use_data(store, &from, &made, error);
    if (status == SENTIMENT_OK)
        *out = made;
    return status;
}
