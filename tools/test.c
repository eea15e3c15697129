/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment test: how well a model does on a labelled TSV. Texts stream through
 * the batch call; the speed counts prediction alone, not reading. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "dataset.h"
#include "progress.h"
#include "scores.h"
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

typedef struct examiner {
    sentiment_session *session;
    labels names;
    uint64_t *matrix; /* [true][predicted] */
    class_scores *each;
    uint64_t texts;
    double seconds;
    sentiment_result results[CHUNK_RECORDS];
} examiner;

static bool count(examiner *work, const reader *in, const chunk *records)
{
    for (size_t i = 0; i < records->count; i++) {
        uint64_t start = records->label_offsets[i], end = records->label_offsets[i + 1];
        const sentiment_result *result = &work->results[i];
        int32_t label = labels_find_or_index(&work->names, records->labels + start, end - start);
        if (label < 0) {
            dataset_unknown_label(in, records, i);
            return false;
        }
        if (result->status != SENTIMENT_OK) {
            message("%s:%llu: %s", in->in.name, (unsigned long long)records->lines[i],
                    sentiment_status_name(result->status));
            return false;
        }
        work->matrix[(size_t)label * work->names.count + (size_t)result->prediction]++;
    }
    work->texts += records->count;
    return true;
}

static bool examine_chunk(examiner *work, const reader *in, const chunk *records)
{
    sentiment_error error = {.struct_size = sizeof error};
    if (!dataset_check(in, records))
        return false;
    work->results[0].struct_size = sizeof *work->results;
    double started = setup_seconds();
    sentiment_status status = sentiment_session_predict_batch(
        work->session, records->text, records->offsets, records->count, NULL, work->results, NULL,
        NULL, NULL, &error);
    work->seconds += setup_seconds() - started;
    if (status == SENTIMENT_OK)
        return count(work, in, records);
    message_error(&error);
    return false;
}

static bool examine(examiner *work, const char *path)
{
    reader in;
    progress shown;
    reader_answer answer = READER_END;
    chunk *records = chunk_create();
    bool good = records && reader_open(&in, path, FORMAT_TSV, true);
    if (!records)
        message_no_memory();
    if (!good) {
        chunk_free(records);
        return false;
    }
    progress_start(&shown, false);
    while (good && (answer = reader_next(&in, records)) == READER_CHUNK) {
        good = examine_chunk(work, &in, records);
        progress_update(&shown, work->texts,
                        in.in.size ? (double)in.in.read_bytes / (double)in.in.size : -1);
    }
    progress_end(&shown);
    reader_close(&in);
    chunk_free(records);
    if (good && answer == READER_END && work->texts == 0)
        message("%s: no rows", path);
    return good && answer == READER_END && work->texts > 0;
}

static void print_json(const examiner *work, const scores *all, double rate, emit *out)
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
        emit_double(out, work->each[c].precision);
        emit_key(out, "recall");
        emit_double(out, work->each[c].recall);
        emit_key(out, "f1");
        emit_double(out, work->each[c].f1);
        emit_key(out, "support");
        emit_unsigned(out, work->each[c].support);
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
            emit_format(out, "  %10llu", (unsigned long long)work->matrix[row * classes + c]);
        emit_format(out, "\n");
    }
}

static void print_text(const examiner *work, const scores *all, double rate, emit *out)
{
    emit_format(out, "texts         %llu\naccuracy      %.4f\nmacro-F1      %.4f\n",
                (unsigned long long)work->texts, all->accuracy, all->macro_f1);
    emit_format(out, "macro-recall  %.4f\nspeed         %.0f texts/s\n", all->macro_recall, rate);
    emit_format(out, "\n%-16s  %10s  %10s  %10s  %10s\n", "class", "precision", "recall", "F1",
                "support");
    for (size_t c = 0; c < work->names.count; c++)
        emit_format(out, "%-16.16s  %10.4f  %10.4f  %10.4f  %10llu\n", work->names.names[c],
                    work->each[c].precision, work->each[c].recall, work->each[c].f1,
                    (unsigned long long)work->each[c].support);
    if (work->names.count <= MATRIX_MOST)
        print_matrix(work, out);
}

static int run(examiner *work, const setup *chosen, const char *path, bool json, emit *out)
{
    sentiment_session_options options = setup_session_options(chosen);
    sentiment_model *model = setup_load(chosen);
    int status = EXIT_FAILED;
    if (!model)
        return status;
    bool named = labels_of_model(&work->names, model);
    size_t classes = work->names.count;
    work->matrix = calloc(classes, classes * sizeof *work->matrix);
    work->each = calloc(classes, sizeof *work->each);
    if (!named || !work->matrix || !work->each) {
        message_no_memory();
    } else if ((work->session = setup_session(model, &options)) && examine(work, path)) {
        scores all = scores_compute(work->matrix, classes, work->each);
        double rate = work->seconds > 0 ? (double)work->texts / work->seconds : 0;
        if (json)
            print_json(work, &all, rate, out);
        else
            print_text(work, &all, rate, out);
        status = EXIT_DONE;
    }
    sentiment_session_free(work->session);
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
    examiner *work = calloc(1, sizeof *work);
    if (!work)
        return message_no_memory();
    status = run(work, &chosen, paths.items[0], settings.json, out);
    labels_free(&work->names);
    free(work->matrix);
    free(work->each);
    free(work);
    return status;
}
