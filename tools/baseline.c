/* SPDX-License-Identifier: Apache-2.0
 *
 * See baseline.h. All results are kept until the end: deciles need them. */
#include "baseline.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "serve/drift.h"
#include "setup.h"

typedef struct gathering {
    sentiment_session *session;
    sentiment_result *results;
    size_t count, skipped, capacity;
} gathering;

static bool reserve(gathering *of, size_t more)
{
    if (of->capacity - of->count >= more)
        return true;
    size_t capacity = of->capacity * 2 + more;
    sentiment_result *results = realloc(of->results, capacity * sizeof *results);
    if (!results) {
        message_no_memory();
        return false;
    }
    of->results = results;
    of->capacity = capacity;
    return true;
}

/* The answers to one chunk join the others; bad records leave none. */
static bool gather(gathering *of, const chunk *records)
{
    sentiment_error error = {.struct_size = sizeof error};
    if (!reserve(of, records->count))
        return false;
    sentiment_result *results = of->results + of->count;
    results[0].struct_size = sizeof *results;
    if (sentiment_session_predict_batch(of->session, records->text, records->offsets,
                                        records->count, records->max_lengths, results, NULL, NULL,
                                        NULL, &error) != SENTIMENT_OK) {
        message_error(&error);
        return false;
    }
    size_t kept = 0;
    for (size_t i = 0; i < records->count; i++)
        if (records->errors[i].code == SENTIMENT_OK && results[i].status == SENTIMENT_OK)
            results[kept++] = results[i];
    of->count += kept;
    of->skipped += records->count - kept;
    return true;
}

static bool gather_all(gathering *of, const char *path)
{
    reader in;
    reader_answer answer = READER_FAILED;
    chunk *records = chunk_create();
    if (!records) {
        message_no_memory();
        return false;
    }
    if (reader_open(&in, path, FORMAT_BY_NAME, false)) {
        while ((answer = reader_next(&in, records)) == READER_CHUNK && gather(of, records))
            continue;
        reader_close(&in);
    }
    chunk_free(records);
    return answer == READER_END;
}

static char *finish(const gathering *of, const sentiment_model *model)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_session_info info = {.struct_size = sizeof info};
    char *json = NULL;
    sentiment_status status = sentiment_session_get_info(of->session, &info, &error);
    if (!status)
        status =
            serve_drift_make_baseline(of->results, of->count, (uint32_t)setup_class_count(model),
                                      info.max_length, &json, &error);
    if (status)
        message_error(&error);
    return json;
}

char *baseline_make(sentiment_model *model, const char *path, size_t *count, size_t *skipped)
{
    const setup chosen = {.threads = 0};
    const sentiment_session_options options = setup_session_options(&chosen);
    gathering of = {.session = setup_session(model, &options)};
    char *json = NULL;
    if (of.session && gather_all(&of, path))
        json = finish(&of, model);
    *count = of.count;
    *skipped = of.skipped;
    sentiment_session_free(of.session);
    free(of.results);
    return json;
}
