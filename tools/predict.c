/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment predict: texts in, labels out. Texts of a file go through the
 * batch call; those of the command line one by one, so that each can tell its
 * own time. Explanations are computed after the batch, text by text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "batch/asked.h"
#include "batch/batch.h"
#include "command.h"
#include "inputs.h"
#include "setup.h"

typedef struct predict_settings {
    bool json, explain;
} predict_settings;

static const option_spec own_options[] = {{.name = "explain",
                                           .kind = OPTION_FLAG,
                                           .offset = offsetof(predict_settings, explain),
                                           .help = "tell what each token adds to each logit"},
                                          {.name = "json",
                                           .kind = OPTION_FLAG,
                                           .offset = offsetof(predict_settings, json),
                                           .help = "one JSON object a line"},
                                          {.name = NULL}};

static const command_help help = {
    .name = "predict",
    .arguments = "[TEXT ...]",
    .summary = "Classifies texts. Without TEXT and --input: standard input, a text a line.",
    .details =
        "JSON fields: prediction, label, confidence, probabilities, processing_time\n"
        "(seconds, for TEXT only), tokens (before truncation), unknown, flags (empty,\n"
        "truncated, all_unknown); with --explain also bias and contributions. A text\n"
        "that fails yields {\"error\":{\"code\":...,\"message\":...}} in its place, and the\n"
        "exit status is 1 at the end.\n"
        "\n"
        "With --output the answers go to that file, as JSON lines. Until all are there\n"
        "they are in FILE.partial, and FILE.job says how far they are: when the job was\n"
        "stopped or killed, the same command goes on and ends with the same bytes. A\n"
        "finished job is not done again; one with another model, other options or a\n"
        "changed input is refused. SIGINT and SIGTERM finish the block in hand and exit\n"
        "with status 130 and 143. The outputs of all parts of --shard, one behind the\n"
        "other from 0 to N-1, are the output of the whole.",
    .arguments_max = SIZE_MAX};

typedef struct predictor {
    const predict_settings *settings;
    emit *out;
    sentiment_session *session;
    bool timed;
    answer shape;         /* model, classes, label_width */
    explanation why;      /* grows with the longest text */
    float *probabilities; /* [CHUNK_RECORDS][classes] */
    double seconds[CHUNK_RECORDS];
    sentiment_result results[CHUNK_RECORDS];
} predictor;

static void predictor_free(predictor *work)
{
    if (!work)
        return;
    free(work->why.bias);
    free(work->why.contributions);
    free(work->why.starts);
    free(work->why.ends);
    free(work->probabilities);
    free(work);
}

static predictor *predictor_create(const sentiment_model *model)
{
    predictor *work = calloc(1, sizeof *work);
    if (!work)
        return NULL;
    work->shape.model = model;
    work->shape.classes = setup_class_count(model);
    work->shape.label_width = answer_label_width(model, work->shape.classes);
    work->probabilities = calloc(CHUNK_RECORDS, work->shape.classes * sizeof(float));
    work->why.bias = calloc(work->shape.classes, sizeof(float));
    if (work->probabilities && work->why.bias)
        return work;
    predictor_free(work);
    return NULL;
}

static void keep_message(const sentiment_error *reason, record_error *error)
{
    error->code = reason->code;
    snprintf(error->message, sizeof error->message, "%.*s", (int)sizeof error->message - 1,
             reason->message);
}

/* Predictions of the command line's texts, each with its time. A failure that has no
 * place in the text is told in full: it may be the engine's. */
static void predict_each(predictor *work, chunk *records)
{
    for (size_t i = 0; i < records->count; i++) {
        uint64_t start = records->offsets[i];
        double started = setup_seconds();
        sentiment_result *result = &work->results[i];
        sentiment_error error = {.struct_size = sizeof error, .offset = SENTIMENT_NO_OFFSET};
        result->status = sentiment_session_predict(
            work->session, records->text + start, records->offsets[i + 1] - start, 0, result,
            work->probabilities + i * work->shape.classes, NULL, &error);
        if (result->status != SENTIMENT_OK)
            result->error_offset = error.offset;
        if (result->status != SENTIMENT_OK && error.offset == SENTIMENT_NO_OFFSET &&
            records->errors[i].code == SENTIMENT_OK)
            keep_message(&error, &records->errors[i]);
        work->seconds[i] = setup_seconds() - started;
    }
}

static bool predict_all(predictor *work, const chunk *records)
{
    sentiment_error error = {.struct_size = sizeof error};
    if (sentiment_session_predict_batch(work->session, records->text, records->offsets,
                                        records->count, records->max_lengths, work->results,
                                        work->probabilities, NULL, NULL, &error) == SENTIMENT_OK)
        return true;
    message_error(&error);
    return false;
}

static bool grow_explanation(explanation *why, size_t length, size_t classes)
{
    if (length <= why->capacity)
        return true;
    free(why->contributions);
    free(why->starts);
    free(why->ends);
    why->capacity = 0;
    why->contributions =
        classes <= SIZE_MAX / sizeof(float) ? calloc(length, classes * sizeof(float)) : NULL;
    why->starts = calloc(length, sizeof *why->starts);
    why->ends = calloc(length, sizeof *why->ends);
    if (!why->contributions || !why->starts || !why->ends)
        return false;
    why->capacity = length;
    return true;
}

static bool explain(predictor *work, const answer *given, uint32_t max_length, record_error *error)
{
    sentiment_error reason = {.struct_size = sizeof reason};
    explanation *why = &work->why;
    sentiment_status status = SENTIMENT_ERROR_BUFFER_TOO_SMALL;
    size_t wanted = why->capacity ? why->capacity : 64;
    while (status == SENTIMENT_ERROR_BUFFER_TOO_SMALL) {
        sentiment_result result = {.struct_size = sizeof result};
        if (!grow_explanation(why, wanted, given->classes)) {
            snprintf(reason.message, sizeof reason.message, "out of memory");
            status = SENTIMENT_ERROR_OUT_OF_MEMORY;
            break;
        }
        status = sentiment_session_explain(
            work->session, given->text, given->size, max_length, &result, NULL, why->bias,
            why->capacity, why->contributions, why->starts, why->ends, &why->length, &reason);
        wanted = why->length > why->capacity ? why->length : why->capacity + 1;
    }
    error->code = status;
    snprintf(error->message, sizeof error->message, "%.*s", (int)sizeof error->message - 1,
             reason.message);
    return status == SENTIMENT_OK;
}

/* The reason of a text that the library could not answer. */
static void note_failure(const sentiment_result *result, record_error *error)
{
    error->code = result->status;
    if (result->error_offset == SENTIMENT_NO_OFFSET)
        snprintf(error->message, sizeof error->message, "%s",
                 sentiment_status_name(result->status));
    else
        snprintf(error->message, sizeof error->message, "%s at byte %llu",
                 sentiment_status_name(result->status), (unsigned long long)result->error_offset);
}

static void print_record(predictor *work, chunk *records, size_t i)
{
    record_error *error = &records->errors[i];
    answer given = work->shape;
    given.text = records->text + records->offsets[i];
    given.size = records->offsets[i + 1] - records->offsets[i];
    given.result = &work->results[i];
    given.probabilities = work->probabilities + i * given.classes;
    given.seconds = work->timed ? work->seconds[i] : -1;
    given.why = work->settings->explain ? &work->why : NULL;
    if (error->code == SENTIMENT_OK && given.result->status != SENTIMENT_OK)
        note_failure(given.result, error);
    if (error->code == SENTIMENT_OK && given.why)
        explain(work, &given, records->max_lengths[i], error);
    if (error->code != SENTIMENT_OK)
        inputs_emit_error(work->out, work->settings->json, error);
    else if (work->settings->json)
        answer_emit_json(&given, work->out);
    else
        answer_emit_text(&given, work->out);
}

static bool handle(void *user, chunk *records)
{
    predictor *work = user;
    for (size_t i = 0; i < records->count; i++)
        work->results[i] = (sentiment_result){.struct_size = sizeof(sentiment_result),
                                              .error_offset = SENTIMENT_NO_OFFSET};
    if (work->timed)
        predict_each(work, records);
    else if (!predict_all(work, records))
        return false;
    for (size_t i = 0; i < records->count; i++)
        print_record(work, records, i);
    return true;
}

/* Small chunks as input trickles in change no answer of the native engine,
 * but might change the last digit of another. */
static bool is_batch_invariant(const sentiment_session *session)
{
    sentiment_session_info info = {.struct_size = sizeof info};
    return sentiment_session_get_info(session, &info, NULL) == SENTIMENT_OK &&
           info.engine == SENTIMENT_ENGINE_NATIVE;
}

static bool handle_block(void *user, chunk *records, emit *out)
{
    predictor *work = user;
    work->out = out;
    return handle(work, records);
}

static int run(const setup *chosen, const batch *job, inputs *from, const command_arguments *texts,
               const predict_settings *settings, emit *out)
{
    int status = EXIT_FAILED;
    predictor *work = NULL;
    sentiment_session *session = NULL;
    sentiment_session_options options = setup_session_options(chosen);
    sentiment_model *model = setup_load(chosen);
    if (!model)
        goto out;
    session = setup_session(model, &options);
    if (!session)
        goto out;
    work = predictor_create(model);
    if (!work) {
        message_no_memory();
        goto out;
    }
    work->settings = settings;
    work->out = out;
    work->session = session;
    work->timed = texts->count > 0;
    from->eager = is_batch_invariant(session);
    status = job->output ? batch_run(job, from, batch_asked(chosen, session, settings->explain),
                                     handle_block, work)
                         : inputs_run(from, texts, out, handle, work);
out:
    predictor_free(work);
    sentiment_session_free(session);
    sentiment_model_free(model);
    return status;
}

int command_predict(char **argv, emit *out)
{
    setup chosen = SETUP_DEFAULTS;
    inputs from = {0};
    batch job = {0};
    predict_settings settings = {0};
    const option_group groups[] = {{setup_model_options, &chosen},
                                   {setup_engine_options, &chosen},
                                   {setup_compute_options, &chosen},
                                   {setup_length_options, &chosen},
                                   {setup_utf8_options, &chosen},
                                   {inputs_options, &from},
                                   {batch_options, &job},
                                   {own_options, &settings},
                                   {NULL, NULL}};
    command_arguments texts;
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &texts, &status))
        return status;
    if (texts.count > 0 && from.path)
        return options_wrong(&help, "TEXT and --input exclude each other");
    status = batch_check(&job, &from, &texts, &help);
    if (status != EXIT_DONE)
        return status;
    settings.json = settings.json || job.output;
    return run(&chosen, &job, &from, &texts, &settings, out);
}
