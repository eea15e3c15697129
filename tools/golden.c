/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes golden vectors. Answers come from the native engine, whose bits depend
 * neither on the processor nor on the threads; the tolerance leaves room for
 * versions of the library that add up in another order. */
#include "golden.h"

#include <jansson.h>
#include <stdlib.h>

#include "golden_texts.h"
#include "golden_work.h"

static json_t *vector_of(const golden_work *work, json_t *text)
{
    json_t *ids = json_array(), *probabilities = json_array();
    int failed = !ids || !probabilities;
    for (size_t i = 0; i < work->length; i++)
        failed |= json_array_append_new(ids, json_integer(work->ids[i]));
    for (size_t i = 0; i < work->classes; i++)
        failed |= json_array_append_new(probabilities, json_real((double)work->probabilities[i]));
    json_t *vector = failed ? NULL
                            : json_pack("{s:O, s:O, s:O}", "text", text, "ids", ids,
                                        "probabilities", probabilities);
    json_decref(ids);
    json_decref(probabilities);
    return vector;
}

/* NULL: reported. */
static json_t *make_vectors(golden_work *work, json_t *texts)
{
    sentiment_error error = {.struct_size = sizeof error};
    json_t *vectors = json_array();
    for (size_t i = 0; i < json_array_size(texts); i++) {
        json_t *text = json_array_get(texts, i);
        if (golden_work_answer(work, text, &error) != SENTIMENT_OK) {
            message_error(&error);
            json_decref(vectors);
            return NULL;
        }
        if (json_array_append_new(vectors, vector_of(work, text)) != 0) {
            message_no_memory();
            json_decref(vectors);
            return NULL;
        }
    }
    return vectors;
}

/* Takes over the vectors. Nine digits give back every float. */
static char *write_vectors(const golden_terms *terms, json_t *vectors)
{
    json_t *root =
        json_pack("{s:i, s:s, s:s, s:i, s:f, s:o}", "version", GOLDEN_VERSION, "precision",
                  option_choice_name(setup_precisions, terms->precision), "padding",
                  option_choice_name(setup_paddings, terms->padding), "max_length",
                  (int)terms->max_length, "tolerance", terms->tolerance, "vectors", vectors);
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(root);
    if (!text)
        message_no_memory();
    return text;
}

char *golden_make(sentiment_model *model)
{
    sentiment_error error = {.struct_size = sizeof error};
    golden_terms terms;
    golden_work work = {0};
    char *text = NULL;
    json_t *texts = golden_texts(model), *vectors = NULL;
    if (!texts || !golden_terms_of(model, json_array_size(texts), &terms))
        message_no_memory();
    else if (golden_work_start(&work, model, SENTIMENT_ENGINE_NATIVE, &terms, &error) !=
             SENTIMENT_OK)
        message_error(&error);
    else
        vectors = make_vectors(&work, texts);
    if (vectors)
        text = write_vectors(&terms, vectors);
    golden_work_free(&work);
    json_decref(texts);
    return text;
}
