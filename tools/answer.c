/* SPDX-License-Identifier: Apache-2.0
 *
 * Printing of answers. The names of the fields are a contract with scripts. */
#include "answer.h"

#include <string.h>

#define WIDEST_LABEL 32

typedef struct flag_name {
    uint32_t flag;
    const char *name;
} flag_name;

static const flag_name flag_names[] = {{SENTIMENT_FLAG_EMPTY, "empty"},
                                       {SENTIMENT_FLAG_TRUNCATED, "truncated"},
                                       {SENTIMENT_FLAG_ALL_UNKNOWN, "all_unknown"}};
#define FLAGS (sizeof flag_names / sizeof *flag_names)

static const char *label_of(const answer *given, size_t index)
{
    const char *label = sentiment_model_get_label(given->model, (int32_t)index);
    return label ? label : "?";
}

static void emit_flags(const answer *given, emit *out)
{
    emit_key(out, "flags");
    emit_open(out, '[');
    for (size_t i = 0; i < FLAGS; i++)
        if (given->result->flags & flag_names[i].flag)
            emit_name(out, flag_names[i].name);
    emit_close(out, ']');
}

static void emit_contributions(const answer *given, emit *out)
{
    const explanation *why = given->why;
    emit_key(out, "bias");
    emit_floats(out, why->bias, given->classes);
    emit_key(out, "contributions");
    emit_open(out, '[');
    for (size_t i = 0; i < why->length; i++) {
        emit_open(out, '{');
        emit_key(out, "token");
        emit_string(out, given->text + why->starts[i], why->ends[i] - why->starts[i]);
        emit_key(out, "start");
        emit_unsigned(out, why->starts[i]);
        emit_key(out, "end");
        emit_unsigned(out, why->ends[i]);
        emit_key(out, "logits");
        emit_floats(out, why->contributions + i * given->classes, given->classes);
        emit_close(out, '}');
    }
    emit_close(out, ']');
}

void answer_emit_json(const answer *given, emit *out)
{
    const sentiment_result *result = given->result;
    emit_open(out, '{');
    emit_key(out, "prediction");
    emit_integer(out, result->prediction);
    emit_key(out, "label");
    emit_name(out, label_of(given, (size_t)result->prediction));
    emit_key(out, "confidence");
    emit_float(out, result->confidence);
    emit_key(out, "probabilities");
    emit_floats(out, given->probabilities, given->classes);
    if (given->seconds >= 0) {
        emit_key(out, "processing_time");
        emit_double(out, given->seconds);
    }
    emit_key(out, "tokens");
    emit_unsigned(out, result->tokens);
    emit_key(out, "unknown");
    emit_unsigned(out, result->unknown);
    emit_flags(given, out);
    if (given->why)
        emit_contributions(given, out);
    emit_bytes(out, "}\n", 2);
}

static void emit_padding(emit *out, int width)
{
    for (; width > 0; width--)
        emit_bytes(out, " ", 1);
}

/* One row of the table of contributions, the token last. */
static void emit_row(const answer *given, const float *logits, const char *token, size_t size,
                     emit *out)
{
    emit_format(out, "  ");
    for (size_t i = 0; i < given->classes; i++)
        emit_format(out, "  %*s%+8.4f", given->label_width > 8 ? given->label_width - 8 : 0, "",
                    (double)logits[i]);
    emit_format(out, "  ");
    emit_text(out, token, size);
    emit_format(out, "\n");
}

static void emit_table(const answer *given, emit *out)
{
    static const char rest[] = "(bias and padding)";
    const explanation *why = given->why;
    emit_format(out, "  ");
    for (size_t i = 0; i < given->classes; i++) {
        const char *label = label_of(given, i);
        int width = given->label_width > 8 ? given->label_width : 8;
        emit_format(out, "  ");
        emit_padding(out, width - (int)strnlen(label, WIDEST_LABEL));
        emit_text(out, label, strnlen(label, WIDEST_LABEL));
    }
    emit_format(out, "\n");
    for (size_t i = 0; i < why->length; i++)
        emit_row(given, why->contributions + i * given->classes, given->text + why->starts[i],
                 why->ends[i] - why->starts[i], out);
    emit_row(given, why->bias, rest, sizeof rest - 1, out);
}

void answer_emit_text(const answer *given, emit *out)
{
    const char *label = label_of(given, (size_t)given->result->prediction);
    emit_text(out, label, strlen(label));
    emit_padding(out, given->label_width - (int)strnlen(label, WIDEST_LABEL));
    emit_format(out, "  %.3f  ", (double)given->result->confidence);
    emit_text(out, given->text, given->size);
    for (size_t i = 0; i < FLAGS; i++)
        if (given->result->flags & flag_names[i].flag)
            emit_format(out, "  [%s]", flag_names[i].name);
    emit_format(out, "\n");
    if (given->why)
        emit_table(given, out);
}

int answer_label_width(const sentiment_model *model, size_t classes)
{
    size_t width = 0;
    for (size_t i = 0; i < classes; i++) {
        const char *label = sentiment_model_get_label(model, (int32_t)i);
        size_t size = label ? strnlen(label, WIDEST_LABEL) : 1;
        width = size > width ? size : width;
    }
    return (int)width;
}
