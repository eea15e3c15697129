/* SPDX-License-Identifier: Apache-2.0
 *
 * torch.jit.freeze makes a module's tensors nameless constants, in the order in
 * which the program uses them. The guide's classifier is told by that order and
 * the shapes: embedding; w_ih, w_hh, b_ih, b_hh of each direction of each layer;
 * the linear layer's weight and bias. What fits in no way, or in two, is not
 * taken for it. optimize_for_inference leaves the linear weight transposed. */
#include <stdio.h>

#include "formats/torchscript_internal.h"

/* "lstm.weight_ih_l63_reverse" and its NUL fit. */
#define NAME_SIZE 40
#define MAX_LAYERS 64
/* Larger sizes are refused later in any case. */
#define MAX_HIDDEN (1u << 20)
/* Embedding before, linear weight and bias behind the LSTM's tensors. */
#define OUTER 3

typedef struct frozen {
    const sn_tensor *tensors;
    size_t count;
    uint64_t hidden, inputs, width; /* width: of the linear layer */
    size_t each;                    /* tensors of one direction: 4, 2 without biases, ... */
    size_t groups;                  /* directions of all layers */
    uint32_t directions;
    _Bool transposed;
} frozen;

static const char *const parts[4] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};

static _Bool is_matrix(const sn_tensor *tensor, uint64_t rows, uint64_t columns)
{
    return tensor->rank == 2 && tensor->dims[0] == rows && tensor->dims[1] == columns;
}

/* How many tensors each direction has. One bias alone stands for two equal ones,
 * of which the archive keeps one; that is certain in a single direction only,
 * because in others it could equal an earlier one. */
static _Bool divide(frozen *self)
{
    const sn_tensor *lstm = self->tensors + 1;
    size_t count = self->count - OUTER;
    if (count == 3)
        self->each = 3;
    else
        self->each = count >= 4 && lstm[2].rank == 1 ? 4 : 2;
    self->groups = count / self->each;
    return self->groups > 0 && count % self->each == 0 && self->groups <= 2 * MAX_LAYERS;
}

/* Whether a direction has the shapes that its place asks for. */
static _Bool group_fits(const frozen *self, size_t group, uint32_t directions)
{
    const sn_tensor *lstm = self->tensors + 1 + group * self->each;
    uint64_t rows = 4 * self->hidden;
    uint64_t input = group < directions ? self->inputs : directions * self->hidden;
    _Bool fits = is_matrix(&lstm[0], rows, input) && is_matrix(&lstm[1], rows, self->hidden);
    for (size_t i = 2; i < self->each; i++)
        fits = fits && lstm[i].rank == 1 && lstm[i].dims[0] == rows;
    return fits;
}

static _Bool lstm_fits(const frozen *self, uint32_t directions)
{
    if (self->groups % directions != 0 || self->groups / directions > MAX_LAYERS)
        return 0;
    for (size_t group = 0; group < self->groups; group++)
        if (!group_fits(self, group, directions))
            return 0;
    return 1;
}

/* The ways in which the shapes fit; the last one is left in `self`. */
static size_t count_ways(frozen *self)
{
    const sn_tensor *weight = &self->tensors[self->count - 2];
    uint64_t classes = self->tensors[self->count - 1].dims[0];
    size_t ways = 0;
    for (uint32_t directions = 1; directions <= 2; directions++) {
        uint64_t width = directions * self->hidden;
        _Bool plain = is_matrix(weight, classes, width);
        _Bool turned = is_matrix(weight, width, classes) && !(plain && width == 1);
        if ((!plain && !turned) || !lstm_fits(self, directions))
            continue;
        ways += (size_t)plain + (size_t)turned;
        self->directions = directions;
        self->transposed = turned && !plain;
        self->width = width;
    }
    return ways;
}

/* NULL if the tensors are the classifier's, in exactly one way. */
static const char *understand(frozen *self)
{
    const char *other = "its constants are not, in this order, those of an embedding, an LSTM and "
                        "a linear layer with bias";
    if (self->count < OUTER + 2)
        return other;
    const sn_tensor *last = &self->tensors[self->count - 1];
    const sn_tensor *embedding = &self->tensors[0], *recurrent = &self->tensors[2];
    if (embedding->rank != 2 || recurrent->rank != 2 || last->rank != 1 || last->dims[0] == 0 ||
        recurrent->dims[1] == 0 || recurrent->dims[1] > MAX_HIDDEN || !divide(self))
        return other;
    self->inputs = embedding->dims[1];
    self->hidden = recurrent->dims[1];
    size_t ways = count_ways(self);
    if (ways > 1)
        return "its linear layer has as many classes as inputs, so that its constants do not tell "
               "whether the weight is transposed; save the module without freezing it";
    return ways ? NULL : other;
}

/* ----------------------------------------------------------------- naming */

/* The next tensor of the bundle, and where its name goes: NAME_SIZE bytes. */
static char *add(sn_bundle *bundle, const sn_tensor *tensor)
{
    char *name = bundle->names + bundle->tensor_count * NAME_SIZE;
    bundle->tensors[bundle->tensor_count] = *tensor;
    bundle->tensors[bundle->tensor_count++].name = name;
    return name;
}

static void add_lstm(const frozen *self, sn_bundle *bundle)
{
    for (size_t group = 0; group < self->groups; group++) {
        const sn_tensor *lstm = self->tensors + 1 + group * self->each;
        /* Of three, the last one is both biases. */
        for (size_t i = 0; i < (self->each == 2 ? 2u : 4u); i++)
            snprintf(add(bundle, &lstm[i < self->each ? i : 2]), NAME_SIZE, "lstm.%s_l%zu%s",
                     parts[i], group / self->directions,
                     group % self->directions ? "_reverse" : "");
    }
}

static void add_linear(const frozen *self, sn_bundle *bundle)
{
    sn_tensor weight = self->tensors[self->count - 2];
    if (self->transposed) {
        uint64_t rows = weight.dims[0], stride = weight.strides[0];
        weight.dims[0] = weight.dims[1];
        weight.dims[1] = rows;
        weight.strides[0] = weight.strides[1];
        weight.strides[1] = stride;
    }
    snprintf(add(bundle, &weight), NAME_SIZE, "fc.weight");
    snprintf(add(bundle, &self->tensors[self->count - 1]), NAME_SIZE, "fc.bias");
}

static sentiment_status name_all(const frozen *self, sn_bundle *bundle, sentiment_error *error)
{
    size_t room = self->count + 1;
    bundle->tensors = sn_alloc_zero(bundle->memory, room, sizeof *bundle->tensors);
    bundle->names = sn_alloc(bundle->memory, room, NAME_SIZE);
    if (!bundle->tensors || !bundle->names)
        return sn_fail_memory(error, "the tensors of a TorchScript module");
    snprintf(add(bundle, &self->tensors[0]), NAME_SIZE, "embedding.weight");
    add_lstm(self, bundle);
    add_linear(self, bundle);
    return SENTIMENT_OK;
}

/* ---------------------------------------------------------------- reading */

/* Reads the tuple's tensors; where one is something else, sets `foreign`. */
static sentiment_status read_constants(sn_script *script, sn_tensor *tensors)
{
    const sn_pickle *p = &script->constants.pickle;
    sentiment_status status = SENTIMENT_OK;
    for (uint32_t i = 0; i < sn_pickle_tuple_size(p, p->root) && !status; i++) {
        sn_pickle_id item = sn_pickle_item(p, p->root, i);
        if (sn_script_kind_of(&script->constants, item) != SN_SCRIPT_TENSOR) {
            script->foreign = "a constant of it is no floating-point tensor";
            return SENTIMENT_OK;
        }
        tensors[i].name = "of a constant";
        status = sn_pth_read_tensor(&script->constants, item, &tensors[i]);
    }
    return status;
}

sentiment_status sn_script_read_frozen(sn_script *script, sn_bundle *bundle)
{
    const sn_pickle *p = &script->constants.pickle;
    frozen self = {.count = sn_pickle_tuple_size(p, p->root)};
    if (self.count == 0 || self.count > SN_SCRIPT_MAX_TENSORS) {
        script->foreign = self.count ? "it has more tensors than any classifier"
                                     : "it has no tensors";
        return SENTIMENT_OK;
    }
    sn_tensor *tensors = sn_alloc_zero(bundle->memory, self.count, sizeof *tensors);
    if (!tensors)
        return sn_fail_memory(script->constants.error, "the constants of a TorchScript module");
    self.tensors = tensors;
    sentiment_status status = read_constants(script, tensors);
    if (!status && !script->foreign)
        script->foreign = understand(&self);
    if (!status && !script->foreign)
        status = name_all(&self, bundle, script->constants.error);
    sn_free(bundle->memory, tensors);
    return status;
}
