/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading a labelled TSV. Unlike predict, training and testing stop at the
 * first bad row: figures over part of a file would mislead. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

bool dataset_check(const reader *in, const chunk *records)
{
    for (size_t i = 0; i < records->count; i++) {
        if (records->errors[i].code == SENTIMENT_OK)
            continue;
        message("%s:%llu: %s", in->in.name, (unsigned long long)records->lines[i],
                records->errors[i].message);
        return false;
    }
    return true;
}

void dataset_unknown_label(const reader *in, const chunk *records, size_t i)
{
    uint64_t start = records->label_offsets[i], size = records->label_offsets[i + 1] - start;
    message("%s:%llu: unknown label '%.*s'", in->in.name, (unsigned long long)records->lines[i],
            size < 80 ? (int)size : 80, records->labels + start);
}

/* The class of record i, -1 with a message. */
static int32_t resolve(const reader *in, const chunk *records, size_t i, labels *names,
                       bool collect)
{
    const char *label = records->labels + records->label_offsets[i];
    size_t size = records->label_offsets[i + 1] - records->label_offsets[i];
    int32_t found =
        collect ? labels_find(names, label, size) : labels_find_or_index(names, label, size);
    if (found >= 0)
        return found;
    if (!collect || size == 0 || memchr(label, 0, size)) {
        dataset_unknown_label(in, records, i);
        return -1;
    }
    if (names->count == LABELS_MOST_COLLECTED) {
        message("%s: more than %d different labels", in->in.name, LABELS_MOST_COLLECTED);
        return -1;
    }
    if (!labels_add(names, label, size)) {
        message_no_memory();
        return -1;
    }
    return (int32_t)(names->count - 1);
}

/* Room for one more chunk; sizes double. */
static bool reserve(dataset *data, const chunk *records)
{
    size_t rows = data->count + records->count;
    size_t used = data->count ? data->offsets[data->count] : 0;
    size_t bytes = used + records->offsets[records->count];
    if (rows + 1 > data->rows_capacity) {
        size_t wanted = rows * 2 + 1;
        uint64_t *offsets = realloc(data->offsets, wanted * sizeof *offsets);
        if (offsets)
            data->offsets = offsets;
        int32_t *classes = realloc(data->labels, wanted * sizeof *classes);
        if (classes)
            data->labels = classes;
        if (!offsets || !classes)
            return false;
        data->rows_capacity = wanted;
    }
    if (!data->text || bytes > data->text_capacity) {
        char *text = realloc(data->text, bytes * 2 + 1);
        if (!text)
            return false;
        data->text = text;
        data->text_capacity = bytes * 2 + 1;
    }
    if (data->count == 0)
        data->offsets[0] = 0;
    return true;
}

static bool append(dataset *data, const reader *in, const chunk *records, labels *names,
                   bool collect)
{
    if (!dataset_check(in, records))
        return false;
    if (!reserve(data, records)) {
        message_no_memory();
        return false;
    }
    uint64_t used = data->offsets[data->count];
    if (records->offsets[records->count] > 0)
        memcpy(data->text + used, records->text, records->offsets[records->count]);
    for (size_t i = 0; i < records->count; i++) {
        int32_t found = resolve(in, records, i, names, collect);
        if (found < 0)
            return false;
        data->labels[data->count] = found;
        data->offsets[++data->count] = used + records->offsets[i + 1];
    }
    return true;
}

static void sort_labels(dataset *data, labels *names)
{
    int32_t order[LABELS_MOST_COLLECTED];
    labels_sort(names, order);
    for (uint64_t i = 0; i < data->count; i++)
        data->labels[i] = order[data->labels[i]];
}

bool dataset_load(dataset *data, const char *path, labels *names, bool collect)
{
    reader in;
    sn_sha256 hash;
    chunk *records = chunk_create();
    bool good = false;
    *data = (dataset){0};
    if (!records) {
        message_no_memory();
        return false;
    }
    if (reader_open(&in, path, FORMAT_TSV, true)) {
        sn_sha256_start(&hash);
        in.in.hash = &hash;
        reader_answer answer = READER_END;
        good = true;
        while (good && (answer = reader_next(&in, records)) == READER_CHUNK)
            good = append(data, &in, records, names, collect);
        sn_sha256_finish(&hash, data->sha256);
        good = good && answer == READER_END;
        reader_close(&in);
    }
    chunk_free(records);
    if (good && data->count == 0) {
        message("%s: no rows", path);
        good = false;
    }
    if (good && collect)
        sort_labels(data, names);
    return good;
}

void dataset_free(dataset *data)
{
    free(data->text);
    free(data->offsets);
    free(data->labels);
    *data = (dataset){0};
}
