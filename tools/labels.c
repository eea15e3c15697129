/* SPDX-License-Identifier: Apache-2.0
 *
 * A short list of names. Looking up is linear: classes are few. */
#include "labels.h"

#include <stdlib.h>
#include <string.h>

bool labels_add(labels *list, const char *name, size_t size)
{
    char **grown = realloc(list->names, (list->count + 1) * sizeof *grown);
    if (!grown)
        return false;
    list->names = grown;
    char *copy = strndup(name, size);
    if (!copy)
        return false;
    list->names[list->count++] = copy;
    return true;
}

bool labels_split(labels *list, const char *names)
{
    for (;;) {
        size_t size = strcspn(names, ",");
        if (!labels_add(list, names, size))
            return false;
        if (names[size] == 0)
            return true;
        names += size + 1;
    }
}

bool labels_of_model(labels *list, const sentiment_model *model)
{
    const char *label = NULL;
    for (int32_t i = 0; (label = sentiment_model_get_label(model, i)) != NULL; i++)
        if (!labels_add(list, label, strlen(label)))
            return false;
    return true;
}

int32_t labels_find(const labels *list, const char *name, size_t size)
{
    for (size_t i = 0; i < list->count; i++)
        if (strlen(list->names[i]) == size && memcmp(list->names[i], name, size) == 0)
            return (int32_t)i;
    return -1;
}

int32_t labels_find_or_index(const labels *list, const char *name, size_t size)
{
    int32_t found = labels_find(list, name, size);
    size_t index = 0;
    if (found >= 0 || size == 0 || size > 5)
        return found;
    for (size_t i = 0; i < size; i++) {
        if (name[i] < '0' || name[i] > '9')
            return -1;
        index = index * 10 + (size_t)(name[i] - '0');
    }
    return index < list->count ? (int32_t)index : -1;
}

void labels_sort(labels *list, int32_t *order)
{
    char **names = list->names;
    for (size_t i = 0; i < list->count; i++) {
        int32_t rank = 0;
        for (size_t j = 0; j < list->count; j++)
            rank += strcmp(names[j], names[i]) < 0;
        order[i] = rank;
    }
    /* Insertion sort: the names differ, so it agrees with the ranks. */
    for (size_t i = 1; i < list->count; i++) {
        char *name = names[i];
        size_t at = i;
        for (; at > 0 && strcmp(names[at - 1], name) > 0; at--)
            names[at] = names[at - 1];
        names[at] = name;
    }
}

void labels_free(labels *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (labels){NULL, 0};
}
