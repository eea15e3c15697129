/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment test: how well a model does on a labelled TSV. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "examine.h"
#include "setup.h"

/* A confusion matrix wider than this is no help to a person. */
#define MATRIX_MOST 12

typedef struct test_settings {
    bool json;
} test_settings;

static const option_spec own_options[] = {{.name = "json",
                                           .kind = OPTION_FLAG,
                                           .offset = offsetof(test_settings, json),
                                           .help = "one JSON object"},
                                          {.name = NULL}};

static const command_help help = {
    .name = "test",
    .arguments = "TSV",
    .summary = "Measures a model on a TSV with the columns text and label.",
    .details = "A label is the name of a class of the model or its index. JSON fields:\n"
               "accuracy, macro_f1, macro_recall, classes (by label: precision, recall, f1,\n"
               "support), texts_per_second. The means run over the classes that occur among\n"
               "the labels or the predictions.",
    .arguments_min = 1,
    .arguments_max = 1};

static void print_json(const examiner *work, const scores *all, const class_scores *each,
                       double rate, emit *out)
{
    emit_open(out, '{');
    emit_key(out, "accuracy");
    emit_double(out, all->accuracy);
    emit_key(out, "macro_f1");
    emit_double(out, all->macro_f1);
    emit_key(out, "macro_recall");
    emit_double(out, all->macro_recall);
    emit_key(out, "classes");
    emit_open(out, '{');
    for (size_t c = 0; c < work->names.count; c++) {
        emit_key(out, work->names.names[c]);
        emit_open(out, '{');
        emit_key(out, "precision");
        emit_double(out, each[c].precision);
        emit_key(out, "recall");
        emit_double(out, each[c].recall);
        emit_key(out, "f1");
        emit_double(out, each[c].f1);
        emit_key(out, "support");
        emit_unsigned(out, each[c].support);
        emit_close(out, '}');
    }
    emit_close(out, '}');
    emit_key(out, "texts_per_second");
    emit_double(out, rate);
    emit_bytes(out, "}\n", 2);
}

static void print_matrix(const examiner *work, emit *out)
{
    size_t classes = work->names.count;
    emit_format(out, "\n%-16s", "true \\ predicted");
    for (size_t c = 0; c < classes; c++)
        emit_format(out, "  %10.10s", work->names.names[c]);
    emit_format(out, "\n");
    for (size_t row = 0; row < classes; row++) {
        emit_format(out, "%-16.16s", work->names.names[row]);
        for (size_t c = 0; c < classes; c++)
            emit_format(out, "  %10llu",
                        (unsigned long long)work->models[0].matrix[row * classes + c]);
        emit_format(out, "\n");
    }
}

static void print_text(const examiner *work, const scores *all, const class_scores *each,
                       double rate, emit *out)
{
    emit_format(out, "texts         %llu\naccuracy      %.4f\nmacro-F1      %.4f\n",
                (unsigned long long)work->texts, all->accuracy, all->macro_f1);
    emit_format(out, "macro-recall  %.4f\nspeed         %.0f texts/s\n", all->macro_recall, rate);
    emit_format(out, "\n%-16s  %10s  %10s  %10s  %10s\n", "class", "precision", "recall", "F1",
                "support");
    for (size_t c = 0; c < work->names.count; c++)
        emit_format(out, "%-16.16s  %10.4f  %10.4f  %10.4f  %10llu\n", work->names.names[c],
                    each[c].precision, each[c].recall, each[c].f1,
                    (unsigned long long)each[c].support);
    if (work->names.count <= MATRIX_MOST)
        print_matrix(work, out);
}

static bool report(examiner *work, bool json, emit *out)
{
    size_t classes = work->names.count;
    class_scores *each = calloc(classes, sizeof *each);
    if (!each) {
        message_no_memory();
        return false;
    }
    scores all = scores_compute(work->models[0].matrix, classes, each);
    double seconds = work->models[0].seconds;
    double rate = seconds > 0 ? (double)work->texts / seconds : 0;
    if (json)
        print_json(work, &all, each, rate, out);
    else
        print_text(work, &all, each, rate, out);
    free(each);
    return true;
}

static int run(const setup *chosen, const char *path, bool json, emit *out)
{
    sentiment_session_options options = setup_session_options(chosen);
    examiner *work = NULL;
    int status = EXIT_FAILED;
    sentiment_model *model = setup_load(chosen);
    sentiment_session *session = model ? setup_session(model, &options) : NULL;
    if (session)
        work = examiner_create(model, &session, 1);
    if (work && examiner_run(work, path) && report(work, json, out))
        status = EXIT_DONE;
    examiner_free(work);
    sentiment_session_free(session);
    sentiment_model_free(model);
    return status;
}

int command_test(char **argv, emit *out)
{
    setup chosen = SETUP_DEFAULTS;
    test_settings settings = {0};
    const option_group groups[] = {{setup_model_options, &chosen},
                                   {setup_engine_options, &chosen},
                                   {setup_compute_options, &chosen},
                                   {setup_length_options, &chosen},
                                   {setup_utf8_options, &chosen},
                                   {own_options, &settings},
                                   {NULL, NULL}};
    command_arguments paths;
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &paths, &status))
        return status;
    return run(&chosen, paths.items[0], settings.json, out);
}
