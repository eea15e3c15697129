/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of classes: of a model, of the command line, or collected from a
 * training file. A TSV may also name a class by its decimal index. */
#ifndef TOOLS_LABELS_H
#define TOOLS_LABELS_H

#include <sentiment/sentiment.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LABELS_MOST 65536
/* A column with more different values than this holds no labels. */
#define LABELS_MOST_COLLECTED 1000

typedef struct labels {
    char **names;
    size_t count;
} labels;

/* False: memory ran out. */
bool labels_add(labels *list, const char *name, size_t size);
/* "a,b,c"; false: memory ran out. */
bool labels_split(labels *list, const char *names);
bool labels_of_model(labels *list, const sentiment_model *model);
/* Index of the label, -1 if there is none. */
int32_t labels_find(const labels *list, const char *name, size_t size);
/* As labels_find, and failing that a decimal index below count. */
int32_t labels_find_or_index(const labels *list, const char *name, size_t size);
/* Sorts by bytes; order[old] becomes the new index. */
void labels_sort(labels *list, int32_t *order);
void labels_free(labels *list);

#endif
