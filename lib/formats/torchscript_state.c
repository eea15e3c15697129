/* SPDX-License-Identifier: Apache-2.0
 *
 * The tensors of a module that was not frozen: an object of which each
 * attribute is a tensor, a module of the same sort, or something that is no
 * weight. Modules may share others and, in a hostile file, contain themselves:
 * the way down is a stack of bounded depth, the whole walk of bounded length. */
#include <string.h>

#include "formats/torchscript_internal.h"

/* The classifier's first tensor tells what stands before every name. */
#define FIRST "embedding.weight"

/* A module whose attributes are being walked over. */
typedef struct level {
    sn_pickle_walk walk;
    size_t prefix; /* bytes of the path up to this module, its dot included */
} level;

typedef struct walker {
    sn_script *script;
    level levels[SN_PICKLE_MAX_DEPTH];
    size_t depth;
    size_t attributes; /* met so far */
    char path[SN_SCRIPT_MAX_NAME];
    size_t length; /* of the path to the attribute at hand */
    /* What is made; NULL on the way that only counts. */
    sn_tensor *tensors;
    char *names;
    size_t count, bytes; /* so far: tensors, and bytes of their names */
} walker;

static sentiment_status enter(walker *self, sn_pickle_id module)
{
    const sn_pickle *p = &self->script->state.pickle;
    if (self->depth == SN_PICKLE_MAX_DEPTH)
        return sn_pickle_fail(p, sn_pickle_get(p, module)->at,
                              "modules nested deeper than %d, or in a circle",
                              SN_PICKLE_MAX_DEPTH);
    self->levels[self->depth++] =
        (level){sn_pickle_pairs(p, sn_pickle_get(p, module)->state), self->length};
    return SENTIMENT_OK;
}

/* Puts the name of an attribute behind the path of its module. */
static sentiment_status extend_path(walker *self, sn_pickle_id key, sn_pickle_id value)
{
    const sn_pickle *p = &self->script->state.pickle;
    sn_name name = sn_pickle_text(p, key);
    size_t prefix = self->levels[self->depth - 1].prefix;
    char text[SN_QUOTE_SIZE];
    if (name.size == 0 || memchr(name.data, '\0', name.size) ||
        sn_name_utf8_check(name.data, name.size, 0) != name.size)
        return sn_pickle_fail(p, sn_pickle_get(p, value)->at,
                              "an attribute whose name is %s, expected an identifier",
                              name.data ? sn_quote(text, name.data, name.size)
                                        : sn_pickle_kind_name(p, key));
    /* Room for a dot or a NUL. */
    if (name.size >= sizeof self->path - prefix)
        return sn_pickle_fail(p, sn_pickle_get(p, value)->at,
                              "attribute %s: a path longer than %zu bytes",
                              sn_quote(text, name.data, name.size), sizeof self->path - 1);
    memcpy(self->path + prefix, name.data, name.size);
    self->length = prefix + name.size;
    self->path[self->length] = '\0';
    return SENTIMENT_OK;
}

static sentiment_status add_tensor(walker *self, sn_pickle_id value)
{
    size_t size = self->length + 1;
    if (self->count == SN_SCRIPT_MAX_TENSORS) {
        self->script->foreign = "it has more tensors than any classifier";
        return SENTIMENT_OK;
    }
    size_t at = self->bytes;
    self->bytes += size;
    self->count++;
    if (!self->tensors)
        return SENTIMENT_OK;
    sn_tensor *tensor = &self->tensors[self->count - 1];
    memcpy(self->names + at, self->path, size);
    tensor->name = self->names + at;
    return sn_pth_read_tensor(&self->script->state, value, tensor);
}

/* nn.LSTM keeps its weights a second time, as a list. */
static _Bool is_foreign_list(const walker *self, sn_pickle_id key, sn_pickle_id value)
{
    const sn_pickle *p = &self->script->state.pickle;
    const sn_pickle_node *node = sn_pickle_get(p, value);
    return node->kind == SN_PICKLE_CALL &&
           sn_pickle_is_global(p, node->a, "torch.jit._pickle", "build_tensorlist") &&
           !sn_pickle_is_text(p, key, "_flat_weights");
}

static sentiment_status take(walker *self, sn_pickle_id key, sn_pickle_id value)
{
    sn_script *script = self->script;
    sn_script_kind kind = sn_script_kind_of(&script->state, value);
    if (is_foreign_list(self, key, value))
        kind = SN_SCRIPT_FOREIGN;
    if (kind == SN_SCRIPT_OTHER)
        return SENTIMENT_OK;
    sentiment_status status = extend_path(self, key, value);
    if (status)
        return status;
    if (kind == SN_SCRIPT_TENSOR)
        return add_tensor(self, value);
    if (kind == SN_SCRIPT_FOREIGN) {
        script->foreign = "it has an attribute that the classifier has not, such as a quantized "
                          "layer";
        return SENTIMENT_OK;
    }
    self->path[self->length++] = '.';
    return enter(self, value);
}

static sentiment_status walk(walker *self)
{
    const sn_pickle *p = &self->script->state.pickle;
    sn_pickle_id key, value;
    self->count = self->bytes = self->length = self->attributes = self->depth = 0;
    sentiment_status status = enter(self, p->root);
    while (!status && self->depth && !self->script->foreign) {
        level *top = &self->levels[self->depth - 1];
        if (!sn_pickle_next_pair(&top->walk, &key, &value)) {
            self->depth--;
            continue;
        }
        if (++self->attributes > SN_SCRIPT_MAX_ATTRIBUTES)
            return sn_pickle_fail(p, sn_pickle_get(p, value)->at,
                                  "more than %u attributes, counting shared modules again",
                                  SN_SCRIPT_MAX_ATTRIBUTES);
        status = take(self, key, value);
    }
    return status;
}

/* Bytes to leave out at the start of every name: of the modules around the
 * classifier. */
static size_t common_prefix(const sn_tensor *tensors, size_t count)
{
    size_t last = sizeof FIRST - 1;
    for (size_t i = 0; i < count; i++) {
        const char *name = tensors[i].name;
        size_t length = strlen(name), shared = 0;
        if (length <= last || strcmp(name + length - last, FIRST) != 0 ||
            name[length - last - 1] != '.')
            continue;
        while (shared < count && strncmp(tensors[shared].name, name, length - last) == 0)
            shared++;
        if (shared == count)
            return length - last;
    }
    return 0;
}

static sentiment_status make(walker *self, sn_bundle *bundle)
{
    const sn_pth *state = &self->script->state;
    size_t expected = self->count;
    bundle->tensors = sn_alloc_zero(bundle->memory, expected, sizeof *bundle->tensors);
    bundle->names = sn_alloc(bundle->memory, self->bytes, 1);
    if (!bundle->tensors || !bundle->names)
        return sn_fail_memory(state->error, "the tensors of a TorchScript module");
    self->tensors = bundle->tensors;
    self->names = bundle->names;
    sentiment_status status = walk(self);
    if (!status)
        status = sn_pth_check_unique(state, bundle->tensors, expected);
    if (status)
        return status;
    size_t prefix = common_prefix(bundle->tensors, expected);
    for (size_t i = 0; i < expected; i++)
        bundle->tensors[i].name += prefix;
    bundle->tensor_count = expected;
    return SENTIMENT_OK;
}

sentiment_status sn_script_read_state(sn_script *script, sn_bundle *bundle)
{
    const sn_pickle *p = &script->state.pickle;
    const sn_pickle_node *root = sn_pickle_get(p, p->root);
    sn_script_kind kind = sn_script_kind_of(&script->state, p->root);
    if (kind != SN_SCRIPT_MODULE && root->kind == SN_PICKLE_OBJECT && root->state) {
        script->foreign = "its module makes its state itself";
        return SENTIMENT_OK;
    }
    if (kind != SN_SCRIPT_MODULE)
        return sn_pickle_fail(p, root->at,
                              "the archive holds %s, expected a module with attributes",
                              sn_pickle_kind_name(p, p->root));
    walker *self = sn_alloc_zero(bundle->memory, 1, sizeof *self);
    if (!self)
        return sn_fail_memory(script->state.error, "a walk over modules");
    self->script = script;
    sentiment_status status = walk(self);
    if (!status && !script->foreign && self->count)
        status = make(self, bundle);
    sn_free(bundle->memory, self);
    return status;
}
