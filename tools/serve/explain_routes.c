/* SPDX-License-Identifier: Apache-2.0
 *
 * POST /explain: what each token of a text added to each logit. */
#include <math.h>

#include "answer_http.h"
#include "handlers.h"
#include "infer.h"
#include "loop.h"
#include "request_json.h"

/* softmax(logits / temperature), as the library has it. */
static void put_probabilities(out *to, const float *logits, size_t classes, float temperature)
{
    double most = -INFINITY, sum = 0;
    for (size_t i = 0; i < classes; i++)
        most = fmax(most, (double)logits[i]);
    for (size_t i = 0; i < classes; i++)
        sum += exp(((double)logits[i] - most) / (double)temperature);
    out_char(to, '[');
    for (size_t i = 0; i < classes; i++) {
        if (i)
            out_char(to, ',');
        out_json_float(to, (float)(exp(((double)logits[i] - most) / (double)temperature) / sum));
    }
    out_char(to, ']');
}

static void put_tokens(out *to, const job *work)
{
    const job_explanation *why = &work->why;
    out_char(to, '[');
    for (size_t i = 0; i < why->length; i++) {
        out_text(to, i ? ",{\"token\":" : "{\"token\":");
        out_json_string(to, work->text + why->starts[i], (size_t)(why->ends[i] - why->starts[i]));
        out_text(to, ",\"start\":");
        out_unsigned(to, why->starts[i]);
        out_text(to, ",\"end\":");
        out_unsigned(to, why->ends[i]);
        out_text(to, ",\"logits\":");
        out_json_floats(to, why->contributions + i * work->classes, work->classes);
        out_char(to, '}');
    }
    out_char(to, ']');
}

static void answer_explanation(connection *client, job *work)
{
    if (!infer_check(client, work))
        return;
    const sentiment_result *result = &work->results[0];
    const char *label = sentiment_model_get_label(work->version->model, result->prediction);
    infer_note(client, work);
    infer_fields(client, work);
    out *to = answer_body(client);
    out_text(to, "{\"prediction\":");
    out_integer(to, result->prediction);
    out_text(to, ",\"label\":");
    out_json_name(to, label ? label : "");
    out_text(to, ",\"confidence\":");
    out_json_float(to, result->confidence);
    out_text(to, ",\"probabilities\":");
    put_probabilities(to, work->why.logits, work->classes,
                      served_of(work->version)->info.temperature);
    out_text(to, ",\"logits\":");
    out_json_floats(to, work->why.logits, work->classes);
    out_text(to, ",\"bias\":");
    out_json_floats(to, work->why.bias, work->classes);
    out_text(to, ",\"contributions\":");
    put_tokens(to, work);
    out_text(to, ",\"flags\":");
    infer_flags(to, result->flags);
    out_text(to, ",\"processing_time\":");
    out_json_seconds(to, job_now() - work->received);
    out_char(to, '}');
    answer_json(client, 200);
}

static void explain(connection *client, json_t *root)
{
    predict_text(client, root, answer_explanation, true);
}

void handle_explain(connection *client)
{
    request_json(client, explain);
}
