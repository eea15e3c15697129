/* SPDX-License-Identifier: Apache-2.0
 *
 * Holds a model against its golden vectors, and the native engine against
 * another one. What stands in the metadata may come from anywhere: all of it is
 * looked at before it is believed. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "golden.h"
#include "golden_texts.h"
#include "golden_work.h"

/* A file that grants itself more than this checks nothing. */
#define TOLERANCE_MOST 1e-3
/* The native engine and libtorch add up in another order. */
#define ENGINE_TOLERANCE 1e-5

static int32_t choice_value(const option_choice *choices, const json_t *name)
{
    const char *text = json_string_value(name);
    for (; text && choices->name; choices++)
        if (strcmp(choices->name, text) == 0)
            return choices->value;
    return 0;
}

static bool are_vectors(const json_t *vectors)
{
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);
        if (!json_is_string(json_object_get(vector, "text")) ||
            !json_is_array(json_object_get(vector, "ids")) ||
            !json_is_array(json_object_get(vector, "probabilities")))
            return false;
    }
    return json_array_size(vectors) > 0;
}

/* NULL: these are no golden vectors that we understand. */
static json_t *parse(const char *text, golden_terms *terms)
{
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_int_t length = json_integer_value(json_object_get(root, "max_length"));
    const json_t *tolerance = json_object_get(root, "tolerance");
    *terms = (golden_terms){
        .precision = choice_value(setup_precisions, json_object_get(root, "precision")),
        .padding = choice_value(setup_paddings, json_object_get(root, "padding")),
        .max_length = length >= 1 && length <= 65536 ? (uint32_t)length : 0,
        .tolerance = json_is_number(tolerance) ? json_number_value(tolerance) : -1};
    if (json_integer_value(json_object_get(root, "version")) == GOLDEN_VERSION &&
        terms->precision && terms->padding && terms->max_length && terms->tolerance >= 0 &&
        terms->tolerance <= TOLERANCE_MOST && are_vectors(json_object_get(root, "vectors")))
        return root;
    json_decref(root);
    return NULL;
}

static bool same_ids(const golden_work *work, const json_t *ids)
{
    if (json_array_size(ids) != work->length)
        return false;
    for (size_t i = 0; i < work->length; i++) {
        const json_t *id = json_array_get(ids, i);
        if (!json_is_integer(id) || json_integer_value(id) != work->ids[i])
            return false;
    }
    return true;
}

/* Infinite where the list is no list of probabilities of this model. */
static double difference(const golden_work *work, const json_t *expected)
{
    double largest = 0;
    if (json_array_size(expected) != work->classes)
        return INFINITY;
    for (size_t i = 0; i < work->classes; i++) {
        const json_t *number = json_array_get(expected, i);
        float wanted = json_is_number(number) ? (float)json_number_value(number) : NAN;
        double one = golden_difference(&wanted, &work->probabilities[i], 1);
        if (one > largest)
            largest = one;
    }
    return largest;
}

/* Text number i, from 1, in the words of a person. */
static bool check_vector(golden_work *work, const json_t *vector, size_t i, double tolerance,
                         double *largest, char *detail, size_t size)
{
    sentiment_error error = {.struct_size = sizeof error};
    if (golden_work_answer(work, json_object_get(vector, "text"), &error) != SENTIMENT_OK) {
        snprintf(detail, size, "text %zu has no answer: %.300s", i,
                 error.message[0] ? error.message : sentiment_status_name(error.code));
        return false;
    }
    if (!same_ids(work, json_object_get(vector, "ids"))) {
        snprintf(detail, size, "text %zu has other token ids than its golden vector", i);
        return false;
    }
    double off = difference(work, json_object_get(vector, "probabilities"));
    if (off > *largest)
        *largest = off;
    if (off > tolerance) {
        snprintf(detail, size, "text %zu has other probabilities: off by %.3g, at most %.3g", i,
                 off, tolerance);
        return false;
    }
    return true;
}

static bool check_vectors(golden_work *work, const json_t *vectors, double tolerance, char *detail,
                          size_t size)
{
    double largest = 0;
    size_t count = json_array_size(vectors);
    for (size_t i = 0; i < count; i++)
        if (!check_vector(work, json_array_get(vectors, i), i + 1, tolerance, &largest, detail,
                          size))
            return false;
    snprintf(detail, size, "%zu texts have the recorded ids and probabilities, off by %.3g at most",
             count, largest);
    return true;
}

golden_state golden_check(sentiment_model *model, char *detail, size_t size)
{
    sentiment_error error = {.struct_size = sizeof error};
    golden_terms terms;
    golden_work work = {0};
    golden_state state = GOLDEN_BROKEN;
    const char *text = sentiment_model_get_metadata(model, GOLDEN_KEY);
    if (!text) {
        snprintf(detail, size, "the model has no golden vectors");
        return GOLDEN_NONE;
    }
    json_t *root = parse(text, &terms);
    if (!root)
        snprintf(detail, size,
                 "metadata key '" GOLDEN_KEY "' holds no golden vectors of version %d",
                 GOLDEN_VERSION);
    else if (golden_work_start(&work, model, SENTIMENT_ENGINE_NATIVE, &terms, &error) !=
             SENTIMENT_OK)
        snprintf(detail, size, "%s", error.message);
    else if (check_vectors(&work, json_object_get(root, "vectors"), terms.tolerance, detail, size))
        state = GOLDEN_HOLD;
    golden_work_free(&work);
    json_decref(root);
    return state;
}

bool golden_describe(const sentiment_model *model, char *text, size_t size)
{
    golden_terms terms;
    const char *golden = sentiment_model_get_metadata(model, GOLDEN_KEY);
    json_t *root = golden ? parse(golden, &terms) : NULL;
    if (!root)
        return false;
    snprintf(text, size, "%zu texts, %s, padding %s, max_length %lu",
             json_array_size(json_object_get(root, "vectors")),
             option_choice_name(setup_precisions, terms.precision),
             option_choice_name(setup_paddings, terms.padding), (unsigned long)terms.max_length);
    json_decref(root);
    return true;
}

/* -------------------------------------------------------------- comparing */

/* The texts of the vectors, or those that would be taken; NULL: no memory. */
static json_t *texts_and_terms(const sentiment_model *model, golden_terms *terms)
{
    const char *golden = sentiment_model_get_metadata(model, GOLDEN_KEY);
    json_t *root = golden ? parse(golden, terms) : NULL;
    if (!root) {
        json_t *texts = golden_texts(model);
        if (texts && golden_terms_of(model, json_array_size(texts), terms))
            return texts;
        json_decref(texts);
        return NULL;
    }
    json_t *vectors = json_object_get(root, "vectors"), *texts = json_array();
    for (size_t i = 0; texts && i < json_array_size(vectors); i++) {
        json_t *text = json_object_get(json_array_get(vectors, i), "text");
        if (json_array_append(texts, text) != 0) {
            json_decref(texts);
            texts = NULL;
        }
    }
    json_decref(root);
    return texts;
}

/* False: a text has no answer, or one that differs. */
static bool compare_texts(golden_work *one, golden_work *other, const json_t *texts, char *detail,
                          size_t size)
{
    sentiment_error error = {.struct_size = sizeof error};
    double largest = 0;
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *text = json_array_get(texts, i);
        if (golden_work_answer(one, text, &error) != SENTIMENT_OK ||
            golden_work_answer(other, text, &error) != SENTIMENT_OK) {
            snprintf(detail, size, "text %zu has no answer: %.300s", i + 1, error.message);
            return false;
        }
        double off = golden_difference(one->probabilities, other->probabilities, one->classes);
        if (off > largest)
            largest = off;
    }
    snprintf(detail, size, "%zu texts: the probabilities differ by %.3g at most, %.3g is allowed",
             json_array_size(texts), largest, ENGINE_TOLERANCE);
    return largest <= ENGINE_TOLERANCE;
}

sentiment_status golden_compare(sentiment_model *model, int32_t engine, bool *same, char *detail,
                                size_t size)
{
    sentiment_error error = {.struct_size = sizeof error};
    golden_terms terms;
    golden_work one = {0}, other = {0};
    json_t *texts = texts_and_terms(model, &terms);
    sentiment_status status = SENTIMENT_ERROR_OUT_OF_MEMORY;
    snprintf(detail, size, "out of memory");
    if (!texts)
        return status;
    status = golden_work_start(&other, model, engine, &terms, &error);
    if (status == SENTIMENT_OK)
        status = golden_work_start(&one, model, SENTIMENT_ENGINE_NATIVE, &terms, &error);
    if (status == SENTIMENT_OK)
        *same = compare_texts(&one, &other, texts, detail, size);
    else
        snprintf(detail, size, "%s", error.message);
    golden_work_free(&one);
    golden_work_free(&other);
    json_decref(texts);
    return status;
}
