/* SPDX-License-Identifier: Apache-2.0
 *
 * See golden_work.h. */
#include "golden_work.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define TOLERANCE 1e-6
/* Operations that making the vectors may cost: seconds at the most. Only models
 * beyond the usual get a shorter max_length for it. */
#define OPERATIONS_MOST 1e11

static sentiment_status no_memory(sentiment_error *error)
{
    error->code = SENTIMENT_ERROR_OUT_OF_MEMORY;
    snprintf(error->message, sizeof error->message, "%s", sentiment_status_name(error->code));
    return error->code;
}

/* The model's own terms, with a max_length that can be afforded. */
bool golden_terms_of(const sentiment_model *model, size_t texts, golden_terms *terms)
{
    sentiment_model_info info = {.struct_size = sizeof info};
    if (sentiment_model_get_info(model, &info, NULL) != SENTIMENT_OK)
        return false;
    double directions = info.bidirectional ? 2 : 1, hidden = info.hidden_size;
    double inputs =
        info.embedding_dim + hidden + (info.num_layers - 1.0) * (directions * hidden + hidden);
    double token = 8 * hidden * directions * inputs + 1;
    double most = floor(OPERATIONS_MOST / (token * (double)texts));
    *terms = (golden_terms){.precision = info.precision,
                            .padding = info.padding,
                            .max_length = info.max_length,
                            .tolerance = TOLERANCE};
    if (most < info.max_length)
        terms->max_length = most < 1 ? 1 : (uint32_t)most;
    return true;
}

void golden_work_free(golden_work *work)
{
    sentiment_session_free(work->session);
    sentiment_tokenizer_free(work->tokenizer);
    free(work->probabilities);
    free(work->ids);
    *work = (golden_work){0};
}

sentiment_status golden_work_start(golden_work *work, sentiment_model *model, int32_t engine,
                                   const golden_terms *terms, sentiment_error *error)
{
    sentiment_session_options options = {.struct_size = sizeof options};
    sentiment_session_options_init(&options);
    options.engine = engine;
    options.precision = terms->precision;
    options.padding = terms->padding;
    options.max_length = terms->max_length;
    *work = (golden_work){.tokenizer = sentiment_model_get_tokenizer(model),
                          .classes = setup_class_count(model),
                          .max_length = terms->max_length};
    work->probabilities = calloc(work->classes + 1, sizeof *work->probabilities);
    if (!work->probabilities)
        return no_memory(error);
    return sentiment_session_create(model, &options, &work->session, error);
}

/* The ids that are used: those up to max_length. */
static sentiment_status encode(golden_work *work, const char *text, size_t size,
                               sentiment_error *error)
{
    sentiment_status status =
        sentiment_tokenizer_encode(work->tokenizer, text, size, SENTIMENT_UTF8_STRICT,
                                   work->capacity, work->ids, NULL, NULL, &work->length, error);
    if (status == SENTIMENT_ERROR_BUFFER_TOO_SMALL) {
        int32_t *grown = realloc(work->ids, work->length * sizeof *grown);
        if (!grown)
            return no_memory(error);
        work->ids = grown;
        work->capacity = work->length;
        status =
            sentiment_tokenizer_encode(work->tokenizer, text, size, SENTIMENT_UTF8_STRICT,
                                       work->capacity, work->ids, NULL, NULL, &work->length, error);
    }
    if (work->length > work->max_length)
        work->length = work->max_length;
    return status;
}

sentiment_status golden_work_answer(golden_work *work, const json_t *text, sentiment_error *error)
{
    sentiment_result result = {.struct_size = sizeof result};
    const char *bytes = json_string_value(text);
    size_t size = json_string_length(text);
    sentiment_status status = encode(work, bytes, size, error);
    if (status == SENTIMENT_OK)
        status = sentiment_session_predict(work->session, bytes, size, 0, &result,
                                           work->probabilities, NULL, error);
    return status;
}

double golden_difference(const float *a, const float *b, size_t count)
{
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)a[i] - (double)b[i]);
        /* Not a number is as different as can be. */
        if (!(difference <= largest))
            largest = isnan(difference) ? INFINITY : difference;
    }
    return largest;
}
