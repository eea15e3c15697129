/* SPDX-License-Identifier: Apache-2.0
 *
 * See answers.h. */
#include "evaluation/answers.h"

#include <stdlib.h>
#include <string.h>

#include "progress.h"

#define BATCH CHUNK_RECORDS

uint64_t answers_line(uint64_t row)
{
    return row + 2;
}

/* Moves the columns of `rows` rows of logits to where `order` says. */
static void reorder(float *logits, size_t rows, size_t classes, const int32_t *order,
                    float *scratch)
{
    for (size_t i = 0; i < rows; i++, logits += classes) {
        memcpy(scratch, logits, classes * sizeof *scratch);
        for (size_t c = 0; c < classes; c++)
            logits[order[c]] = scratch[c];
    }
}

/* Texts [first, first + count) into `all`. */
static bool ask(answers *all, sentiment_session *session, const dataset *data, const char *path,
                size_t first, size_t count, sentiment_result *results)
{
    sentiment_error error = {.struct_size = sizeof error};
    results[0].struct_size = sizeof *results;
    if (sentiment_session_predict_batch(session, data->text, data->offsets + first, count, NULL,
                                        results, NULL, all->logits + first * all->classes, NULL,
                                        &error) != SENTIMENT_OK) {
        message_error(&error);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (results[i].status != SENTIMENT_OK) {
            message("%s:%llu: %s", path, (unsigned long long)answers_line(first + i),
                    sentiment_status_name(results[i].status));
            return false;
        }
        all->predictions[first + i] = results[i].prediction;
    }
    return true;
}

static bool ask_all(answers *all, sentiment_session *session, const dataset *data, const char *path,
                    const int32_t *order, float *scratch, sentiment_result *results)
{
    progress shown;
    bool good = true;
    progress_start(&shown, false);
    for (size_t first = 0; good && first < all->texts; first += BATCH) {
        size_t count = all->texts - first < BATCH ? all->texts - first : BATCH;
        good = ask(all, session, data, path, first, count, results);
        if (good && order) {
            reorder(all->logits + first * all->classes, count, all->classes, order, scratch);
            for (size_t i = first; i < first + count; i++)
                all->predictions[i] = order[all->predictions[i]];
        }
        progress_update(&shown, first + count, (double)(first + count) / (double)all->texts);
    }
    progress_end(&shown);
    return good;
}

bool answers_collect(answers *all, sentiment_session *session, const dataset *data,
                     const char *path, size_t classes, const int32_t *order)
{
    *all = (answers){.texts = data->count, .classes = classes};
    all->predictions = calloc(all->texts, sizeof *all->predictions);
    all->logits = calloc(all->texts, classes * sizeof *all->logits);
    sentiment_result *results = calloc(BATCH, sizeof *results);
    float *scratch = calloc(classes, sizeof *scratch);
    bool good = all->predictions && all->logits && results && scratch;
    if (!good)
        message_no_memory();
    good = good && ask_all(all, session, data, path, order, scratch, results);
    free(results);
    free(scratch);
    return good;
}

void answers_free(answers *all)
{
    free(all->predictions);
    free(all->logits);
    *all = (answers){0};
}
