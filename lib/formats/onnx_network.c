/* SPDX-License-Identifier: Apache-2.0
 *
 * The operators that compute: the embedding, the LSTM, the mean, the linear
 * layer. Each is held to be exactly what the classifier does, and leaves its
 * weights in the network. */
#include <ctype.h>
#include <string.h>

#include "formats/onnx_eval.h"
#include "formats/onnx_fields.h"

#define GATES 4
#define MEAN_AXES_INPUT 18

enum { LSTM_X, LSTM_W, LSTM_R, LSTM_B, LSTM_LENGTHS, LSTM_H, LSTM_C, LSTM_PEEPHOLES };

static _Bool is_weight(const sn_onnx_value *value, uint32_t rank)
{
    return value->kind == SN_VALUE_TENSOR && value->tensor.rank == rank &&
           value->tensor.dtype <= SN_BF16 && value->tensor.elements > 0;
}

static sn_onnx_dim size_of(uint64_t size)
{
    return sn_onnx_plain((int64_t)size);
}

/* Whether the two are the same numbers in the same places. */
static _Bool is_same(const sn_tensor *a, const sn_tensor *b)
{
    _Bool same = a->data == b->data && a->dtype == b->dtype && a->rank == b->rank;
    for (uint32_t d = 0; same && d < a->rank; d++)
        same = a->dims[d] == b->dims[d] && a->strides[d] == b->strides[d];
    return same;
}

/* --------------------------------------------------------------- embedding */

sentiment_status sn_onnx_op_gather(sn_onnx_call *call, sentiment_error *error)
{
    sn_onnx_network *network = &call->context->network;
    const sn_onnx_value *table, *ids;
    int64_t axis;
    sentiment_status status = sn_onnx_need(call, 0, &table, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_need(call, 1, &ids, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_integer(call, "axis", 0, &axis, error);
    if (status != SENTIMENT_OK)
        return status;
    if (table->kind == SN_VALUE_SIZES)
        return axis == 0 || axis == -1
                   ? sn_onnx_pick_sizes(call, table, ids, error)
                   : sn_onnx_misfit(call, error, "a list has no axis %lld", (long long)axis);
    if (!is_weight(table, 2) || ids->kind != SN_VALUE_IDS || (axis != 0 && axis != -2))
        return sn_onnx_misfit(call, error,
                              "it takes from %s by %s; expected rows of embedding.weight by the "
                              "token ids",
                              sn_onnx_kind_name(table->kind), sn_onnx_kind_name(ids->kind));
    if (network->has_embedding && !is_same(&network->embedding, &table->tensor))
        return sn_onnx_misfit(call, error, "it is a second embedding");
    network->embedding = table->tensor;
    network->has_embedding = 1;
    sn_onnx_value made = *ids;
    made.kind = SN_VALUE_STEPS;
    if (made.rank == SN_ONNX_RANK)
        return sn_onnx_misfit(call, error, "the ids have too many axes");
    made.axes[made.rank] = SN_AXIS_FEATURE;
    made.dims[made.rank++] = size_of(table->tensor.dims[1]);
    sn_onnx_become(call->out, &made);
    return SENTIMENT_OK;
}

/* -------------------------------------------------------------------- LSTM */

static _Bool same_word(sn_name given, const char *expected)
{
    if (given.size != strlen(expected))
        return 0;
    for (size_t i = 0; i < given.size; i++)
        if (tolower(given.data[i]) != tolower((unsigned char)expected[i]))
            return 0;
    return 1;
}

/* Sigmoid, tanh, tanh for each direction, or nothing said. */
static sentiment_status check_activations(sn_onnx_call *call, uint64_t directions,
                                          sentiment_error *error)
{
    static const char *const expected[] = {"Sigmoid", "Tanh", "Tanh"};
    const sn_onnx_attribute *given;
    sentiment_status status =
        sn_onnx_typed(call, "activations", SN_ATTRIBUTE_IS_STRINGS, &given, error);
    if (status != SENTIMENT_OK || !given)
        return status;
    _Bool right = given->count == 3 * directions;
    for (size_t i = 0; right && i < given->count; i++)
        right = same_word(given->strings[i], expected[i % 3]);
    return right ? SENTIMENT_OK
                 : sn_onnx_misfit(call, error, "its activations are not sigmoid, tanh and tanh");
}

/* Attributes that would make it another LSTM; *directions and *batch_first. */
static sentiment_status check_kind(sn_onnx_call *call, uint64_t *directions, int64_t *batch_first,
                                   sentiment_error *error)
{
    static const char *const refused[] = {"clip", "activation_alpha", "activation_beta"};
    const sn_onnx_attribute *direction;
    int64_t forget;
    sentiment_status status =
        sn_onnx_typed(call, "direction", SN_ATTRIBUTE_IS_STRING, &direction, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_integer(call, "input_forget", 0, &forget, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_integer(call, "layout", 0, batch_first, error);
    if (status != SENTIMENT_OK)
        return status;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (sn_onnx_find_attribute(call, refused[i]))
            return sn_onnx_misfit(call, error, "it has the attribute '%s'", refused[i]);
    if (forget != 0)
        return sn_onnx_misfit(call, error, "it couples the input and forget gates");
    _Bool both = direction && sn_name_is(direction->text, "bidirectional");
    if (direction && !both && !sn_name_is(direction->text, "forward"))
        return sn_onnx_misfit(call, error, "it does not run forward or in both directions");
    *directions = both ? 2 : 1;
    return check_activations(call, *directions, error);
}

static sentiment_status need_matrix(sn_onnx_call *call, uint32_t index, uint64_t directions,
                                    uint64_t rows, uint64_t columns, sn_tensor *out,
                                    sentiment_error *error)
{
    static const char names[] = "XWRB";
    const sn_onnx_value *value;
    sentiment_status status = sn_onnx_need(call, index, &value, error);
    if (status != SENTIMENT_OK)
        return status;
    const sn_tensor *tensor = &value->tensor;
    if (!is_weight(value, columns ? 3 : 2) || tensor->dims[0] != directions ||
        tensor->dims[1] != rows || (columns && tensor->dims[2] != columns))
        return sn_onnx_misfit_as(call, SENTIMENT_ERROR_SHAPE_MISMATCH, error,
                                 "its %c is no floating constant of the shape [%llu, %llu%s%.0llu]",
                                 names[index], (unsigned long long)directions,
                                 (unsigned long long)rows, columns ? ", " : "",
                                 (unsigned long long)columns);
    *out = *tensor;
    return SENTIMENT_OK;
}

/* Weights of a layer whose input has `width` features. */
static sentiment_status take_weights(sn_onnx_call *call, uint64_t directions, uint64_t width,
                                     uint64_t hidden, sentiment_error *error)
{
    sn_onnx_network *network = &call->context->network;
    sn_onnx_layer *layer = &network->layers[network->layer_count];
    const sn_onnx_value *bias;
    *layer = (sn_onnx_layer){.has_bias = 0};
    sentiment_status status =
        need_matrix(call, LSTM_W, directions, GATES * hidden, width, &layer->w, error);
    if (status == SENTIMENT_OK)
        status = need_matrix(call, LSTM_R, directions, GATES * hidden, hidden, &layer->r, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_input(call, LSTM_B, &bias, error);
    if (status != SENTIMENT_OK)
        return status;
    layer->has_bias = bias != NULL;
    return bias ? need_matrix(call, LSTM_B, directions, 2 * GATES * hidden, 0, &layer->b, error)
                : SENTIMENT_OK;
}

/* The initial state: absent, or zeros of [directions, batch, hidden]. */
static sentiment_status check_state(sn_onnx_call *call, uint32_t index, uint64_t directions,
                                    sn_onnx_dim batch, uint64_t hidden, _Bool batch_first,
                                    sentiment_error *error)
{
    const sn_onnx_value *state;
    uint32_t direction_axis = batch_first ? 1 : 0, batch_axis = batch_first ? 0 : 1;
    sentiment_status status = sn_onnx_input(call, index, &state, error);
    if (status != SENTIMENT_OK || !state)
        return status;
    sn_onnx_dim dims[3];
    _Bool known = state->kind == SN_VALUE_TENSOR;
    _Bool fits = (known ? state->tensor.rank : state->rank) == 3;
    if (known ? !sn_onnx_is_zero(call->context, &state->tensor) : state->kind != SN_VALUE_ZEROS)
        return sn_onnx_misfit(call, error, "its initial state is %s; expected zeros",
                              known ? "not zero" : sn_onnx_kind_name(state->kind));
    for (uint32_t d = 0; fits && d < 3; d++)
        dims[d] = known ? size_of(state->tensor.dims[d]) : state->dims[d];
    /* A constant made for a batch of some size says nothing of other sizes. */
    fits = fits && sn_onnx_dim_equal(dims[direction_axis], size_of(directions)) &&
           sn_onnx_dim_equal(dims[2], size_of(hidden)) &&
           (known || sn_onnx_dim_equal(dims[batch_axis], batch));
    return fits ? SENTIMENT_OK
                : sn_onnx_misfit_as(call, SENTIMENT_ERROR_SHAPE_MISMATCH, error,
                                    "its initial state is not of the shape [%llu, batch, %llu]",
                                    (unsigned long long)directions, (unsigned long long)hidden);
}

/* What the node takes: X, and nothing of what makes it another network. */
static sentiment_status check_inputs(sn_onnx_call *call, _Bool batch_first,
                                     const sn_onnx_value **out, sentiment_error *error)
{
    static const uint8_t by_time[] = {SN_AXIS_TIME, SN_AXIS_BATCH, SN_AXIS_FEATURE};
    static const uint8_t by_batch[] = {SN_AXIS_BATCH, SN_AXIS_TIME, SN_AXIS_FEATURE};
    const sn_onnx_value *x, *lengths, *peepholes;
    sentiment_status status = sn_onnx_need(call, LSTM_X, &x, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_input(call, LSTM_LENGTHS, &lengths, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_input(call, LSTM_PEEPHOLES, &peepholes, error);
    if (status != SENTIMENT_OK)
        return status;
    if (lengths || peepholes)
        return sn_onnx_misfit(call, error, "it has %s",
                              lengths ? "lengths of its rows" : "peepholes");
    if (x->kind != SN_VALUE_STEPS || x->rank != 3 ||
        !sn_onnx_axes_are(x, batch_first ? by_batch : by_time, 3))
        return sn_onnx_misfit(call, error, "its X is %s%s", sn_onnx_kind_name(x->kind),
                              x->kind == SN_VALUE_STEPS ? ", its axes in another order" : "");
    *out = x;
    return SENTIMENT_OK;
}

/* Y [T, D, B, H], or with layout 1 [B, T, D, H]. */
static void give_steps(sn_onnx_call *call, const sn_onnx_value *x, uint64_t directions,
                       uint64_t hidden, _Bool batch_first)
{
    sn_onnx_value made = *x;
    uint32_t direction = batch_first ? 2 : 1, batch = batch_first ? 0 : 2;
    uint32_t time = batch_first ? 1 : 0;
    made.rank = 4;
    made.layers = x->layers + 1;
    made.axes[time] = SN_AXIS_TIME;
    made.dims[time] = x->dims[batch_first ? 1 : 0];
    made.axes[batch] = SN_AXIS_BATCH;
    made.dims[batch] = x->dims[batch_first ? 0 : 1];
    made.axes[direction] = directions == 2 ? SN_AXIS_DIRECTION : SN_AXIS_ONE;
    made.dims[direction] = size_of(directions);
    made.axes[3] = directions == 2 ? SN_AXIS_HIDDEN : SN_AXIS_FEATURE;
    made.dims[3] = size_of(hidden);
    sn_onnx_become(call->out, &made);
    const sn_onnx_node *node = call->node;
    sn_onnx_graph *graph = call->context->graph;
    for (uint32_t i = 1; i < node->outputs; i++) {
        uint32_t value = graph->references[node->first + node->inputs + i];
        if (value != SN_ONNX_NONE)
            graph->values[value].kind = SN_VALUE_STATE;
    }
}

sentiment_status sn_onnx_op_lstm(sn_onnx_call *call, sentiment_error *error)
{
    sn_onnx_network *network = &call->context->network;
    const sn_onnx_value *x = NULL;
    uint64_t directions = 0;
    int64_t hidden = 0, layout = 0;
    sentiment_status status = check_kind(call, &directions, &layout, error);
    if (status == SENTIMENT_OK)
        status = check_inputs(call, layout != 0, &x, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_integer(call, "hidden_size", 0, &hidden, error);
    if (status != SENTIMENT_OK)
        return status;
    if (hidden < 1 || hidden > INT32_MAX)
        return sn_onnx_misfit_as(call, SENTIMENT_ERROR_BAD_MODEL, error, "hidden_size is %lld",
                                 (long long)hidden);
    if (network->layer_count == SN_ONNX_LAYERS_MOST || x->layers != network->layer_count)
        return sn_onnx_misfit(call, error, network->layer_count == SN_ONNX_LAYERS_MOST
                                               ? "there are too many layers"
                                               : "another LSTM takes the same input");
    if (network->layer_count &&
        (network->hidden != (uint64_t)hidden || network->directions != directions))
        return sn_onnx_misfit(call, error, "its layers differ in size or direction");
    network->hidden = (uint64_t)hidden;
    network->directions = directions;
    status = take_weights(call, directions, (uint64_t)x->dims[2].factor, network->hidden, error);
    for (uint32_t i = LSTM_H; status == SENTIMENT_OK && i <= LSTM_C; i++)
        status = check_state(call, i, directions, x->dims[layout ? 0 : 1], network->hidden,
                             layout != 0, error);
    if (status != SENTIMENT_OK)
        return status;
    network->layer_count++;
    give_steps(call, x, directions, network->hidden, layout != 0);
    return SENTIMENT_OK;
}

/* -------------------------------------------------------------------- mean */

sentiment_status sn_onnx_op_reduce_mean(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *from;
    size_t axes[SN_ONNX_RANK];
    int count;
    int64_t keep;
    sentiment_status status = sn_onnx_need(call, 0, &from, error);
    if (status != SENTIMENT_OK)
        return status;
    if (from->kind != SN_VALUE_STEPS || from->layers == 0)
        return sn_onnx_misfit(call, error, "it takes the mean of %s",
                              from->kind == SN_VALUE_STEPS ? "embeddings"
                                                           : sn_onnx_kind_name(from->kind));
    status = sn_onnx_integer(call, "keepdims", 1, &keep, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_axes(call, "axes", 1, MEAN_AXES_INPUT, from->rank, axes, &count, error);
    if (status != SENTIMENT_OK)
        return status;
    if (count != 1 || from->axes[axes[0]] != SN_AXIS_TIME)
        return sn_onnx_misfit(call, error,
                              "it does not take the mean over the positions alone");
    sn_onnx_value made = *from;
    made.kind = SN_VALUE_POOLED;
    made.axes[axes[0]] = SN_AXIS_ONE;
    made.dims[axes[0]] = sn_onnx_plain(1);
    if (!keep) {
        for (size_t d = axes[0]; d + 1 < from->rank; d++) {
            made.axes[d] = from->axes[d + 1];
            made.dims[d] = from->dims[d + 1];
        }
        made.rank--;
    }
    sn_onnx_become(call->out, &made);
    return SENTIMENT_OK;
}

/* ------------------------------------------------------------ linear layer */

/* The pooled features, a row for each text. */
static sentiment_status need_pooled(sn_onnx_call *call, const sn_onnx_value **out,
                                    sentiment_error *error)
{
    static const uint8_t rows[] = {SN_AXIS_BATCH, SN_AXIS_FEATURE};
    sentiment_status status = sn_onnx_need(call, 0, out, error);
    if (status != SENTIMENT_OK)
        return status;
    if ((*out)->kind != SN_VALUE_POOLED || (*out)->rank != 2 || !sn_onnx_axes_are(*out, rows, 2))
        return sn_onnx_misfit(call, error, "it takes %s; expected [batch, features], the mean over "
                              "the positions", sn_onnx_kind_name((*out)->kind));
    return SENTIMENT_OK;
}

/* fc.weight, of which `value` is the transpose unless `by_rows`. */
static sentiment_status take_fc_weight(sn_onnx_call *call, const sn_onnx_value *value,
                                       _Bool by_rows, const sn_onnx_value *pooled,
                                       sentiment_error *error)
{
    sn_onnx_network *network = &call->context->network;
    uint64_t width = (uint64_t)pooled->dims[1].factor;
    /* Its result may be wanted for nothing but its shape; which one counts would be a guess. */
    if (network->has_fc_weight)
        return sn_onnx_misfit(call, error, "it is a second linear layer");
    if (!is_weight(value, 2) || value->tensor.dims[by_rows ? 1 : 0] != width)
        return sn_onnx_misfit_as(call, SENTIMENT_ERROR_SHAPE_MISMATCH, error,
                                 "its matrix is no floating constant for %llu features",
                                 (unsigned long long)width);
    sn_tensor weight = value->tensor;
    if (!by_rows) {
        weight.dims[0] = value->tensor.dims[1];
        weight.dims[1] = value->tensor.dims[0];
        weight.strides[0] = value->tensor.strides[1];
        weight.strides[1] = value->tensor.strides[0];
    }
    network->fc_weight = weight;
    network->has_fc_weight = 1;
    sn_onnx_value made = *pooled;
    made.kind = SN_VALUE_PRODUCT;
    made.axes[1] = SN_AXIS_CLASS;
    made.dims[1] = size_of(weight.dims[0]);
    sn_onnx_become(call->out, &made);
    return SENTIMENT_OK;
}

/* fc.bias, [classes] or with axes of size 1 before it, added to the last of `rank` axes. */
static sentiment_status take_fc_bias(sn_onnx_call *call, const sn_onnx_value *value, uint32_t rank,
                                     sentiment_error *error)
{
    sn_onnx_network *network = &call->context->network;
    const sn_tensor *tensor = &value->tensor;
    uint64_t classes = network->fc_weight.dims[0];
    uint32_t last = tensor->rank - 1;
    if (network->has_fc_bias)
        return sn_onnx_misfit(call, error, "it adds a second bias");
    if (value->kind != SN_VALUE_TENSOR || tensor->rank < 1 || tensor->rank > rank ||
        tensor->dtype > SN_BF16 || tensor->dims[last] != classes || tensor->elements != classes)
        return sn_onnx_misfit_as(call, SENTIMENT_ERROR_SHAPE_MISMATCH, error,
                                 "what it adds is no floating constant of %llu numbers",
                                 (unsigned long long)classes);
    network->fc_bias = *tensor;
    network->fc_bias.rank = 1;
    network->fc_bias.dims[0] = classes;
    network->fc_bias.strides[0] = tensor->strides[last];
    network->has_fc_bias = 1;
    return SENTIMENT_OK;
}

sentiment_status sn_onnx_op_gemm(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *pooled, *weight, *bias;
    float alpha, beta;
    int64_t trans_a, trans_b;
    sentiment_status status = need_pooled(call, &pooled, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_need(call, 1, &weight, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_input(call, 2, &bias, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_float(call, "alpha", 1, &alpha, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_float(call, "beta", 1, &beta, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_integer(call, "transA", 0, &trans_a, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_integer(call, "transB", 0, &trans_b, error);
    if (status != SENTIMENT_OK)
        return status;
    if (!(alpha == 1) || !(beta == 1) || trans_a)
        return sn_onnx_misfit(call, error, "its alpha, beta or transA is not that of a linear "
                                           "layer: 1, 1, 0");
    status = take_fc_weight(call, weight, trans_b != 0, pooled, error);
    if (status != SENTIMENT_OK || !bias)
        return status;
    call->out->kind = SN_VALUE_LOGITS;
    return take_fc_bias(call, bias, pooled->rank, error);
}

sentiment_status sn_onnx_op_matmul(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *pooled, *weight;
    sentiment_status status = need_pooled(call, &pooled, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_need(call, 1, &weight, error);
    return status == SENTIMENT_OK ? take_fc_weight(call, weight, 0, pooled, error) : status;
}

sentiment_status sn_onnx_op_add(sn_onnx_call *call, sentiment_error *error)
{
    const sn_onnx_value *a, *b;
    sentiment_status status = sn_onnx_need(call, 0, &a, error);
    if (status == SENTIMENT_OK)
        status = sn_onnx_need(call, 1, &b, error);
    if (status != SENTIMENT_OK)
        return status;
    const sn_onnx_value *product = a->kind == SN_VALUE_PRODUCT ? a : b;
    if (product->kind != SN_VALUE_PRODUCT || a->kind == b->kind)
        return sn_onnx_misfit(call, error, "it adds %s and %s", sn_onnx_kind_name(a->kind),
                              sn_onnx_kind_name(b->kind));
    if (product->axes[product->rank - 1] != SN_AXIS_CLASS)
        return sn_onnx_misfit(call, error, "the classes are not the last axis of what it adds to");
    sn_onnx_become(call->out, product);
    call->out->kind = SN_VALUE_LOGITS;
    return take_fc_bias(call, product == a ? b : a, product->rank, error);
}
