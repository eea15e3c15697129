/* SPDX-License-Identifier: Apache-2.0
 *
 * See torchscript.h: the archive, what its pickles may name, and the bundle.
 * Every storage must be there and have its size, whether it is used or not. */
#include "formats/torchscript.h"

#include "formats/torchscript_internal.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What libtorch's own pickler writes (torch/csrc/jit/serialization/pickler.cpp);
 * classes of the program are all below __torch__. */
static const sn_pickle_global allowed[] = {
    {"collections", "OrderedDict", SN_PICKLE_MAPPING},
    {"torch._utils", "_rebuild_tensor_v2", SN_PICKLE_FUNCTION},
    {"torch._utils", "_rebuild_qtensor", SN_PICKLE_FUNCTION},
    {"torch._utils", "_rebuild_sparse_tensor", SN_PICKLE_FUNCTION},
    {"torch.jit._pickle", "build_intlist", SN_PICKLE_FUNCTION},
    {"torch.jit._pickle", "build_doublelist", SN_PICKLE_FUNCTION},
    {"torch.jit._pickle", "build_boollist", SN_PICKLE_FUNCTION},
    {"torch.jit._pickle", "build_tensorlist", SN_PICKLE_FUNCTION},
    {"torch.jit._pickle", "restore_type_tag", SN_PICKLE_FUNCTION},
    {"torch", "device", SN_PICKLE_FUNCTION},
    {"builtins", "complex", SN_PICKLE_FUNCTION},
    {"torch", "per_tensor_affine", SN_PICKLE_INERT},
    {"torch", "per_channel_affine", SN_PICKLE_INERT},
    {"torch", "per_channel_affine_float_qparams", SN_PICKLE_INERT},
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
    {"torch", "ComplexFloatStorage", SN_PICKLE_INERT},
    {"torch", "ComplexDoubleStorage", SN_PICKLE_INERT},
    {"torch", "QInt8Storage", SN_PICKLE_INERT},
    {"torch", "QUInt8Storage", SN_PICKLE_INERT},
    {"torch", "QInt32Storage", SN_PICKLE_INERT},
    {"torch", "QUInt4x2Storage", SN_PICKLE_INERT},
    {"torch", "QUInt2x4Storage", SN_PICKLE_INERT},
};

static const char *advise(const sn_pickle *pickle, sn_name module, sn_name name,
                          sentiment_status *code)
{
    (void)pickle, (void)module, (void)name, (void)code;
    return "; expected a module as torch.jit.save writes it";
}

static const sn_pickle_policy policy = {.globals = allowed,
                                        .global_count = COUNT(allowed),
                                        .classes = "__torch__",
                                        .persistent = 1,
                                        .advice = advise};

_Bool sn_torchscript_probe(const uint8_t *data, size_t size)
{
    return sn_zip_lists(data, size, "constants.pkl");
}

/* The arguments are as many as without metadata, which could say that the
 * numbers are to be negated; its storage is of a class that is read. */
static _Bool is_readable(const sn_pth *pth, const sn_pickle_node *call)
{
    const sn_pickle *p = &pth->pickle;
    const sn_pickle_node *source = sn_pickle_get(p, sn_pickle_item(p, call->b, 0));
    sn_dtype dtype;
    if (source->kind != SN_PICKLE_PERSISTENT)
        return 1; /* and then refused by sn_pth_read_tensor, which says why */
    return sn_pickle_tuple_size(p, call->b) == 6 &&
           sn_pth_storage_dtype(p, sn_pickle_item(p, source->a, 1), &dtype) && dtype <= SN_BF16;
}

sn_script_kind sn_script_kind_of(const sn_pth *pth, sn_pickle_id id)
{
    const sn_pickle *p = &pth->pickle;
    const sn_pickle_node *node = sn_pickle_get(p, id);
    if (node->kind == SN_PICKLE_OBJECT) {
        uint8_t state = sn_pickle_get(p, node->state)->kind;
        return state == SN_PICKLE_DICT ? SN_SCRIPT_MODULE : SN_SCRIPT_FOREIGN;
    }
    if (node->kind != SN_PICKLE_CALL)
        return SN_SCRIPT_OTHER;
    if (sn_pickle_is_global(p, node->a, "torch._utils", "_rebuild_tensor_v2"))
        return is_readable(pth, node) ? SN_SCRIPT_TENSOR : SN_SCRIPT_FOREIGN;
    return sn_pickle_is_text(p, sn_pickle_get(p, node->a)->a, "torch._utils") ? SN_SCRIPT_FOREIGN
                                                                              : SN_SCRIPT_OTHER;
}

/* Reads one pickle, and finds the bytes of its storages in `group`. */
static sentiment_status read_pickle(sn_pth *pth, const sn_zip *zip, sn_name folder,
                                    const char *name, const char *group)
{
    char text[SN_QUOTE_SIZE];
    const sn_zip_entry *entry = sn_zip_find(zip, folder, name);
    if (!entry)
        return sn_fail(pth->error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "zip archive: no entry %s in its folder %s", name,
                       sn_quote(text, folder.data, folder.size));
    sentiment_status status =
        sn_pickle_read(&pth->pickle, zip->data + entry->offset, (size_t)entry->size, name,
                       entry->offset, &policy, pth->memory, pth->error);
    if (!status)
        status = sn_pickle_expect_end(&pth->pickle);
    if (!status)
        status = sn_pth_collect(pth);
    if (!status)
        status = sn_pth_locate(pth, zip, folder, group);
    return status;
}

static sentiment_status read_archive(sn_script *script, const uint8_t *data, size_t size,
                                     sentiment_error *error)
{
    sn_zip zip = {0};
    sn_name folder = {0};
    const sn_pth *pth = &script->state;
    sentiment_status status = sn_zip_open(&zip, data, size, pth->memory, error);
    if (!status)
        status = sn_pth_find_folder(&zip, &folder, error);
    if (!status)
        status = sn_zip_verify_packed(&zip, folder, "code", pth->options, error);
    if (!status)
        status = sn_pth_check_byte_order(&zip, folder, error);
    if (!status)
        status = read_pickle(&script->state, &zip, folder, "data.pkl", "data");
    if (!status)
        status = read_pickle(&script->constants, &zip, folder, "constants.pkl", "constants");
    sn_zip_free(&zip);
    return status;
}

/* A module that was not frozen has its tensors as attributes; whatever tensors
 * its program holds besides, it computes something else with. */
static sentiment_status read_tensors(sn_script *script, sn_bundle *bundle)
{
    const sn_pickle *constants = &script->constants.pickle;
    const sn_pickle_node *root = sn_pickle_get(constants, constants->root);
    _Bool has_constants = sn_pickle_tuple_size(constants, constants->root) != 0;
    if (root->kind != SN_PICKLE_TUPLE)
        return sn_pickle_fail(constants, root->at, "the constants are %s, expected a tuple",
                              sn_pickle_kind_name(constants, constants->root));
    sentiment_status status = sn_script_read_state(script, bundle);
    if (!status && !script->foreign && !bundle->tensor_count)
        status = sn_script_read_frozen(script, bundle);
    else if (!status && !script->foreign && has_constants)
        script->foreign = "its program holds tensors besides those of its modules";
    if (status || script->foreign) {
        sn_free(bundle->memory, bundle->tensors);
        sn_free(bundle->memory, bundle->names);
        bundle->tensors = NULL;
        bundle->names = NULL;
        bundle->tensor_count = 0;
    }
    return status;
}

sentiment_status sn_torchscript_read(sn_bytes *bytes, const sn_read_options *options,
                                     sn_bundle *bundle, sentiment_error *error)
{
    sn_pth pickle = {
        .memory = bundle->memory, .options = options, .error = error, .lenient = 1};
    sn_script script = {.state = pickle, .constants = pickle};
    sentiment_status status = sn_pth_check_cancel(&script.state);
    if (!status)
        status = read_archive(&script, bytes->data, bytes->size, error);
    if (!status)
        status = read_tensors(&script, bundle);
    if (!status) {
        bundle->format = "torchscript";
        bundle->foreign = script.foreign;
        bundle->script = *bytes;
        *bytes = (sn_bytes){0};
    }
    sn_pickle_free(&script.state.pickle);
    sn_pickle_free(&script.constants.pickle);
    sn_free(pickle.memory, script.state.storages);
    sn_free(pickle.memory, script.constants.storages);
    return status;
}
