/* SPDX-License-Identifier: Apache-2.0
 *
 * See golden.h. Each line's ids are cut to its max_length, and token 0 stands
 * behind them up to it, as in the guide. */
#include "golden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/scratch.h"

enum { MAX_ROWS = 256, MAX_IDS = 1 << 16 };

static void read_line(golden *out, json_t *line)
{
    size_t row = out->rows, used = (size_t)out->offsets[row];
    json_t *ids = json_object_get(line, "ids"), *logits = json_object_get(line, "logits");
    size_t total = (size_t)json_integer_value(json_object_get(line, "max_length"));
    size_t length = json_array_size(ids);
    length = length < total ? length : total;
    assert_true(row < MAX_ROWS && used + length <= MAX_IDS && json_array_size(logits) > 0);
    for (size_t i = 0; i < length; i++)
        out->ids[used + i] = (int32_t)json_integer_value(json_array_get(ids, i));
    out->classes = json_array_size(logits);
    out->logits =
        realloc(out->logits, (row + 1) * out->classes * sizeof *out->logits);
    assert_non_null(out->logits);
    for (size_t c = 0; c < out->classes; c++)
        out->logits[row * out->classes + c] =
            (float)json_number_value(json_array_get(logits, c));
    out->totals[row] = (uint32_t)total;
    out->offsets[row + 1] = used + length;
    out->rows++;
}

void golden_read(const char *folder, golden *out)
{
    char path[2 * SCRATCH_PATH_SIZE];
    snprintf(path, sizeof path, "%s/expected.jsonl", folder);
    *out = (golden){.ids = calloc(MAX_IDS, sizeof *out->ids),
                    .offsets = calloc(MAX_ROWS + 1, sizeof *out->offsets),
                    .totals = calloc(MAX_ROWS, sizeof *out->totals)};
    assert_true(out->ids && out->offsets && out->totals);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    json_t *line;
    while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        read_line(out, line);
        json_decref(line);
    }
    fclose(file);
    assert_true(out->rows > 0);
}

void golden_free(golden *rows)
{
    free(rows->ids);
    free(rows->offsets);
    free(rows->totals);
    free(rows->logits);
}

sn_rows golden_rows(const golden *all, size_t first, size_t count)
{
    return (sn_rows){all->ids, all->offsets + first, all->totals + first, count};
}
