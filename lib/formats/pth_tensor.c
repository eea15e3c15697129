/* SPDX-License-Identifier: Apache-2.0
 *
 * The names that a state dict may use, and what they mean: storage classes and
 * the calls that rebuild a tensor. Each tensor is proved to lie inside its
 * storage. */
#include "base/status.h"
#include "formats/pth_internal.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const sn_pickle_global allowed[] = {
    {"collections", "OrderedDict", SN_PICKLE_MAPPING},
    {"torch._utils", "_rebuild_tensor_v2", SN_PICKLE_FUNCTION},
    {"torch._utils", "_rebuild_tensor_v3", SN_PICKLE_FUNCTION},
    {"torch._utils", "_rebuild_parameter", SN_PICKLE_FUNCTION},
    {"torch._tensor", "_rebuild_from_type_v2", SN_PICKLE_FUNCTION},
    {"torch.tensor", "_rebuild_from_type_v2", SN_PICKLE_FUNCTION},
    {"torch", "Tensor", SN_PICKLE_INERT},
    {"torch.nn.parameter", "Parameter", SN_PICKLE_INERT},
    {"torch", "DoubleStorage", SN_PICKLE_INERT},
    {"torch", "FloatStorage", SN_PICKLE_INERT},
    {"torch", "HalfStorage", SN_PICKLE_INERT},
    {"torch", "BFloat16Storage", SN_PICKLE_INERT},
    {"torch", "LongStorage", SN_PICKLE_INERT},
    {"torch", "IntStorage", SN_PICKLE_INERT},
    {"torch", "ShortStorage", SN_PICKLE_INERT},
    {"torch", "CharStorage", SN_PICKLE_INERT},
    {"torch", "ByteStorage", SN_PICKLE_INERT},
    {"torch", "BoolStorage", SN_PICKLE_INERT},
    {"torch.storage", "UntypedStorage", SN_PICKLE_INERT},
    {"torch", "float64", SN_PICKLE_INERT},
    {"torch", "float32", SN_PICKLE_INERT},
    {"torch", "float16", SN_PICKLE_INERT},
    {"torch", "bfloat16", SN_PICKLE_INERT},
    {"torch", "int64", SN_PICKLE_INERT},
    {"torch", "int32", SN_PICKLE_INERT},
    {"torch", "int16", SN_PICKLE_INERT},
    {"torch", "int8", SN_PICKLE_INERT},
    {"torch", "uint64", SN_PICKLE_INERT},
    {"torch", "uint32", SN_PICKLE_INERT},
    {"torch", "uint16", SN_PICKLE_INERT},
    {"torch", "uint8", SN_PICKLE_INERT},
    {"torch", "bool", SN_PICKLE_INERT},
};

typedef struct {
    const char *name;
    sn_dtype dtype;
} named_dtype;

static const named_dtype storage_classes[] = {
    {"DoubleStorage", SN_F64},    {"FloatStorage", SN_F32}, {"HalfStorage", SN_F16},
    {"BFloat16Storage", SN_BF16}, {"LongStorage", SN_I64},  {"IntStorage", SN_I32},
    {"ShortStorage", SN_I16},     {"CharStorage", SN_I8},   {"ByteStorage", SN_U8},
    {"BoolStorage", SN_BOOL},     {"UntypedStorage", SN_U8},
};

/* Marks of quantized modules: their weights are packed by libtorch's own code. */
static const char *const quantized[] = {
    "_rebuild_qtensor",   "ScriptObject",  "per_tensor_affine", "per_channel_affine",
    "QInt8Storage",       "QUInt8Storage", "QInt32Storage",     "per_channel_affine_float_qparams",
    "QUInt4x2Storage",    "qint8",         "quint8",            "qint32",
};

/* Modules of the quantized layers, in a whole module that was pickled. */
#define QUANTIZED_LAYERS ".nn.quantized."

static const char *advise(const sn_pickle *pickle, sn_name module, sn_name name,
                          sentiment_status *code)
{
    sn_name whole = {pickle->in.data, pickle->in.size};
    _Bool packed = sn_name_starts(module, "__torch__");
    for (size_t i = 0; i < COUNT(quantized); i++)
        packed |= sn_name_starts(module, "torch") && sn_name_is(name, quantized[i]);
    if (packed || sn_name_contains(whole, QUANTIZED_LAYERS)) {
        *code = SENTIMENT_ERROR_UNSUPPORTED;
        return ": a quantized module with packed weights; convert the file of the unquantized "
               "model, then run 'sentiment optimize'";
    }
    return "; expected a state dict of tensors, as torch.save(model.state_dict(), ...) writes";
}

const sn_pickle_policy sn_pth_policy = {
    .globals = allowed, .global_count = COUNT(allowed), .persistent = 1, .advice = advise};

/* The policy let no other modules in, so that names decide. */
_Bool sn_pth_storage_dtype(const sn_pickle *pickle, sn_pickle_id id, sn_dtype *dtype)
{
    const sn_pickle_node *node = sn_pickle_get(pickle, id);
    if (node->kind != SN_PICKLE_GLOBAL)
        return 0;
    for (size_t i = 0; i < COUNT(storage_classes); i++)
        if (sn_pickle_is_text(pickle, node->b, storage_classes[i].name)) {
            *dtype = storage_classes[i].dtype;
            return 1;
        }
    return 0;
}

/* torch.float32 and so on: the names of our own types are PyTorch's. */
static _Bool named_type(const sn_pickle *p, sn_pickle_id id, sn_dtype *dtype)
{
    for (int type = SN_F64; type <= SN_BOOL; type++)
        if (sn_pickle_is_global(p, id, "torch", sn_dtype_name((sn_dtype)type))) {
            *dtype = (sn_dtype)type;
            return 1;
        }
    return 0;
}

_Bool sn_pth_is_tensor(const sn_pth *pth, sn_pickle_id id)
{
    const sn_pickle_node *node = sn_pickle_get(&pth->pickle, id);
    return node->kind == SN_PICKLE_CALL &&
           sn_pickle_get(&pth->pickle, node->a)->role == SN_PICKLE_FUNCTION;
}

/* An index or a size: an integer from 0 up. */
static _Bool take_size(const sn_pickle *p, sn_pickle_id id, uint64_t *value)
{
    const sn_pickle_node *node = sn_pickle_get(p, id);
    if (node->kind != SN_PICKLE_INT || node->value.integer < 0)
        return 0;
    *value = (uint64_t)node->value.integer;
    return 1;
}

/* Goes through the wrappers around a tensor to the call that rebuilds it; 0 if
 * there is none. A Parameter in a subclass is the most that PyTorch wraps. */
static sn_pickle_id unwrap(const sn_pickle *p, sn_pickle_id id, _Bool *is_v3)
{
    sn_pickle_id function = sn_pickle_get(p, id)->a, arguments = sn_pickle_get(p, id)->b;
    for (int wrappers = 0; wrappers < 4; wrappers++) {
        *is_v3 = sn_pickle_is_global(p, function, "torch._utils", "_rebuild_tensor_v3");
        if (*is_v3 || sn_pickle_is_global(p, function, "torch._utils", "_rebuild_tensor_v2"))
            return arguments;
        if (sn_pickle_is_global(p, function, "torch._utils", "_rebuild_parameter")) {
            const sn_pickle_node *inner = sn_pickle_get(p, sn_pickle_item(p, arguments, 0));
            if (inner->kind != SN_PICKLE_CALL)
                return 0;
            function = inner->a;
            arguments = inner->b;
        } else if (sn_pickle_get(p, function)->role == SN_PICKLE_FUNCTION) {
            function = sn_pickle_item(p, arguments, 0); /* _rebuild_from_type_v2 */
            arguments = sn_pickle_item(p, arguments, 2);
        } else {
            return 0;
        }
    }
    return 0;
}

/* Sizes and strides; the product of sizes must not wrap. */
static sentiment_status read_shape(const sn_pickle *p, sn_pickle_id arguments, uint32_t at,
                                   sn_tensor *tensor)
{
    sn_pickle_id sizes = sn_pickle_item(p, arguments, 2), strides = sn_pickle_item(p, arguments, 3);
    uint32_t rank = sn_pickle_tuple_size(p, sizes);
    if (sn_pickle_get(p, sizes)->kind != SN_PICKLE_TUPLE ||
        sn_pickle_get(p, strides)->kind != SN_PICKLE_TUPLE ||
        sn_pickle_tuple_size(p, strides) != rank)
        return sn_pickle_fail(p, at, "tensor '%.100s': expected as many strides as sizes",
                              tensor->name);
    if (rank > SN_TENSOR_MAX_RANK)
        return sn_pickle_fail(p, at, "tensor '%.100s': %u dimensions, at most %d are supported",
                              tensor->name, rank, SN_TENSOR_MAX_RANK);
    tensor->rank = rank;
    for (uint32_t d = 0; d < rank; d++)
        if (!take_size(p, sn_pickle_item(p, sizes, d), &tensor->dims[d]))
            return sn_pickle_fail(p, at, "tensor '%.100s': size %u is no integer from 0 up",
                                  tensor->name, d);
    if (!sn_tensor_set_contiguous(tensor))
        return sn_pickle_fail(p, at, "tensor '%.100s': its sizes overflow", tensor->name);
    for (uint32_t d = 0; d < rank; d++)
        if (!take_size(p, sn_pickle_item(p, strides, d), &tensor->strides[d]))
            return sn_pickle_fail(p, at, "tensor '%.100s': stride %u is no integer from 0 up",
                                  tensor->name, d);
    return SENTIMENT_OK;
}

/* Whether the last element, and so each, is below `limit`. */
static _Bool is_inside(const sn_tensor *tensor, uint64_t offset, uint64_t limit)
{
    uint64_t last = offset;
    if (tensor->elements == 0)
        return offset <= limit;
    for (uint32_t d = 0; d < tensor->rank; d++) {
        uint64_t steps = tensor->dims[d] - 1;
        if (steps && tensor->strides[d] > limit / steps)
            return 0;
        /* Both are at most `limit`, which is a size in memory: no overflow. */
        last += steps * tensor->strides[d];
        if (last >= limit)
            return 0;
    }
    return last < limit;
}

/* Type and bounds of the view. A view with more elements than its storage
 * (stride 0) would let a small file ask for any amount of memory. */
static sentiment_status place(const sn_pth *pth, sn_pickle_id arguments, uint32_t at,
                              const sn_pth_storage *storage, sn_tensor *tensor)
{
    const sn_pickle *p = &pth->pickle;
    uint64_t offset, limit = storage->count * sn_dtype_size(storage->dtype);
    limit /= sn_dtype_size(tensor->dtype);
    if (!take_size(p, sn_pickle_item(p, arguments, 1), &offset))
        return sn_pickle_fail(p, at, "tensor '%.100s': its offset is no integer from 0 up",
                              tensor->name);
    if (offset > limit || tensor->elements > limit || !is_inside(tensor, offset, limit))
        return sn_pickle_fail(p, at,
                              "tensor '%.100s': %llu elements from offset %llu are not inside its "
                              "storage of %llu",
                              tensor->name, (unsigned long long)tensor->elements,
                              (unsigned long long)offset, (unsigned long long)limit);
    tensor->data = storage->data + (size_t)offset * sn_dtype_size(tensor->dtype);
    return SENTIMENT_OK;
}

/* Metadata may say that the numbers are to be negated: only none is read. */
static _Bool is_plain(const sn_pickle *p, sn_pickle_id arguments, uint32_t metadata)
{
    const sn_pickle_node *node = sn_pickle_get(p, sn_pickle_item(p, arguments, metadata));
    return node->kind == SN_PICKLE_NOTHING || node->kind == SN_PICKLE_NONE ||
           (node->kind == SN_PICKLE_DICT && node->first_run == 0);
}

/* (storage, offset, size, stride, requires_grad, hooks[, metadata]), with the
 * dtype before the metadata in v3. */
sentiment_status sn_pth_read_tensor(const sn_pth *pth, sn_pickle_id id, sn_tensor *tensor)
{
    const sn_pickle *p = &pth->pickle;
    _Bool is_v3;
    sn_pickle_id arguments = unwrap(p, id, &is_v3);
    uint32_t at = sn_pickle_get(p, id)->at, size = sn_pickle_tuple_size(p, arguments);
    const sn_pickle_node *source = sn_pickle_get(p, sn_pickle_item(p, arguments, 0));
    uint32_t metadata = is_v3 ? 7 : 6;
    if (size < metadata || size > metadata + 1 || source->kind != SN_PICKLE_PERSISTENT)
        return sn_pickle_fail(p, at, "tensor '%.100s': not rebuilt from a storage, an offset, "
                                     "sizes and strides",
                              tensor->name);
    if (!is_plain(p, arguments, metadata))
        return sn_pickle_fail_as(p, SENTIMENT_ERROR_UNSUPPORTED, at,
                                 "tensor '%.100s': it carries metadata, which is not supported",
                                 tensor->name);
    const sn_pth_storage *storage =
        sn_pth_find_storage(pth, sn_pickle_text(p, sn_pickle_item(p, source->a, 2)));
    if (!storage)
        return sn_pickle_fail(p, at, "tensor '%.100s': its storage is missing", tensor->name);
    tensor->dtype = storage->dtype;
    if (is_v3 && (storage->dtype != SN_U8 ||
                  !named_type(p, sn_pickle_item(p, arguments, 6), &tensor->dtype)))
        return sn_pickle_fail(p, at, "tensor '%.100s': its type is not known", tensor->name);
    sentiment_status status = read_shape(p, arguments, at, tensor);
    return status ? status : place(pth, arguments, at, storage, tensor);
}
