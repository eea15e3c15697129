/* SPDX-License-Identifier: Apache-2.0
 *
 * See examine.h. */
#include "examine.h"

#include <stdlib.h>

#include "dataset.h"
#include "progress.h"
#include "setup.h"

examiner *examiner_create(const sentiment_model *model, sentiment_session *const *sessions,
                          size_t count)
{
    examiner *work = calloc(1, sizeof *work);
    bool good = work && labels_of_model(&work->names, model);
    for (size_t i = 0; good && i < count; i++) {
        size_t classes = work->names.count;
        work->models[i].session = sessions[i];
        work->models[i].matrix = calloc(classes, classes * sizeof *work->models[i].matrix);
        good = work->models[i].matrix != NULL;
        work->count++;
    }
    if (good)
        return work;
    message_no_memory();
    examiner_free(work);
    return NULL;
}

void examiner_free(examiner *work)
{
    if (!work)
        return;
    for (size_t i = 0; i < work->count; i++)
        free(work->models[i].matrix);
    labels_free(&work->names);
    free(work);
}

/* One text: its label against each model's answer. */
static bool count_text(examiner *work, const reader *in, const chunk *records, size_t i)
{
    uint64_t start = records->label_offsets[i], end = records->label_offsets[i + 1];
    int32_t label = labels_find_or_index(&work->names, records->labels + start, end - start);
    if (label < 0) {
        dataset_unknown_label(in, records, i);
        return false;
    }
    for (size_t m = 0; m < work->count; m++) {
        const sentiment_result *result = &work->models[m].results[i];
        if (result->status != SENTIMENT_OK) {
            message("%s:%llu: %s", in->in.name, (unsigned long long)records->lines[i],
                    sentiment_status_name(result->status));
            return false;
        }
        size_t row = (size_t)label * work->names.count;
        work->models[m].matrix[row + (size_t)result->prediction]++;
    }
    work->disagreements += work->count == 2 && work->models[0].results[i].prediction !=
                                                   work->models[1].results[i].prediction;
    return true;
}

static bool predict(examined *model, const chunk *records)
{
    sentiment_error error = {.struct_size = sizeof error};
    model->results[0].struct_size = sizeof *model->results;
    double started = setup_seconds();
    sentiment_status status = sentiment_session_predict_batch(
        model->session, records->text, records->offsets, records->count, NULL, model->results, NULL,
        NULL, NULL, &error);
    model->seconds += setup_seconds() - started;
    if (status != SENTIMENT_OK)
        message_error(&error);
    return status == SENTIMENT_OK;
}

static bool examine_chunk(examiner *work, const reader *in, const chunk *records)
{
    if (!dataset_check(in, records))
        return false;
    for (size_t m = 0; m < work->count; m++)
        if (!predict(&work->models[m], records))
            return false;
    for (size_t i = 0; i < records->count; i++)
        if (!count_text(work, in, records, i))
            return false;
    work->texts += records->count;
    return true;
}

bool examiner_run(examiner *work, const char *path)
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
