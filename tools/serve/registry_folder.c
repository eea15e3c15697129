/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder of models: what is there, and what labels.json wants of it. Nothing
 * of the weights is read here. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "registry_files.h"
#include "registry_private.h"

#define LABELS_NAME "labels.json"
enum { FOUND_LIMIT = 4096, LABELS_LIMIT = 65536 };

/* ------------------------------------------------------------------ names */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* As strcmp, but runs of digits are numbers: 1.10 is above 1.9. */
static int compare_names(const char *a, const char *b)
{
    const char *left = a, *right = b;
    while (*left && *right) {
        if (!is_digit(*left) || !is_digit(*right)) {
            if (*left != *right)
                return *left < *right ? -1 : 1;
            left++;
            right++;
            continue;
        }
        left += strspn(left, "0");
        right += strspn(right, "0");
        size_t length = strspn(left, "0123456789"), other = strspn(right, "0123456789");
        if (length != other)
            return length < other ? -1 : 1;
        int order = strncmp(left, right, length);
        if (order)
            return order;
        left += length;
        right += length;
    }
    if (*left || *right)
        return *left ? 1 : -1;
    return strcmp(a, b);
}

typedef struct name_list {
    char (*names)[REGISTRY_NAME];
    size_t count, capacity;
    sentiment_status status;
} name_list;

static bool add_name(void *user, const char *name)
{
    name_list *list = user;
    if (!serve_registry_is_name(name, strlen(name)))
        return true;
    if (list->count == FOUND_LIMIT) {
        list->status = SENTIMENT_ERROR_UNSUPPORTED;
        return false;
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        void *names = realloc(list->names, capacity * sizeof *list->names);
        if (!names) {
            list->status = SENTIMENT_ERROR_OUT_OF_MEMORY;
            return false;
        }
        list->names = names;
        list->capacity = capacity;
    }
    memcpy(list->names[list->count++], name, strlen(name) + 1);
    return true;
}

static int by_name(const void *a, const void *b)
{
    return compare_names(a, b);
}

/* Names in a folder, sorted; the list is to be freed also after a failure. */
static sentiment_status list_names(int folder, name_list *list, sentiment_error *error)
{
    *list = (name_list){0};
    sentiment_status status = serve_files_each(folder, add_name, list, error);
    if (!status && list->status == SENTIMENT_ERROR_OUT_OF_MEMORY)
        status = serve_fail_memory(error);
    else if (!status && list->status)
        status = serve_fail(error, list->status, "more than %d names in a folder", FOUND_LIMIT);
    if (!status && list->count)
        qsort(list->names, list->count, sizeof *list->names, by_name);
    return status;
}

/* ------------------------------------------------------------------- scan */

typedef struct found_list {
    serve_registry_found *found;
    size_t count, capacity;
} found_list;

static serve_registry_found *add_found(found_list *list)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        void *found = realloc(list->found, capacity * sizeof *list->found);
        if (!found)
            return NULL;
        list->found = found;
        list->capacity = capacity;
    }
    return &list->found[list->count++];
}

/* Whether the manifest of an open folder is good and its files are there. */
static sentiment_status look_at(int folder, const char *name, const char *version,
                                sentiment_error *error)
{
    serve_manifest manifest = {0};
    sentiment_status status = registry_manifest_read(folder, name, version, &manifest, error);
    for (size_t i = 0; !status && i < manifest.count; i++)
        if (!serve_files_is_file(folder, manifest.files[i].name))
            status = serve_fail(error, SENTIMENT_ERROR_NOT_FOUND, "%s/%s/%s: no such file", name,
                                version, manifest.files[i].name);
    serve_manifest_clear(&manifest);
    return status;
}

/* Adds one version; what is no folder is passed over. */
static sentiment_status scan_version(const char *root, const char *name, const char *version,
                                     found_list *list, sentiment_error *error)
{
    sentiment_error detail = {.struct_size = sizeof detail};
    sentiment_status status = SENTIMENT_OK;
    int folder = serve_files_open(root, name, version, &status, &detail);
    if (folder < 0 && status != SENTIMENT_ERROR_IO)
        return SENTIMENT_OK;
    if (folder >= 0) {
        status = look_at(folder, name, version, &detail);
        close(folder);
    }
    if (list->count == FOUND_LIMIT)
        return serve_fail(error, SENTIMENT_ERROR_UNSUPPORTED, "more than %d versions in the folder",
                          FOUND_LIMIT);
    serve_registry_found *found = add_found(list);
    if (!found || status == SENTIMENT_ERROR_OUT_OF_MEMORY)
        return serve_fail_memory(error);
    *found = (serve_registry_found){.status = status};
    memcpy(found->name, name, strlen(name) + 1);
    memcpy(found->version, version, strlen(version) + 1);
    if (status)
        snprintf(found->message, sizeof found->message, "%.199s", detail.message);
    return SENTIMENT_OK;
}

/* All versions of a model; one that is no folder has none. */
static sentiment_status scan_model(const char *root, const char *name, found_list *list,
                                   sentiment_error *error)
{
    name_list versions = {0};
    sentiment_status status = SENTIMENT_OK;
    int folder = serve_files_open(root, name, NULL, &status, error);
    if (folder < 0)
        return status == SENTIMENT_ERROR_IO ? status : SENTIMENT_OK;
    status = list_names(folder, &versions, error);
    close(folder);
    for (size_t i = 0; !status && i < versions.count; i++)
        status = scan_version(root, name, versions.names[i], list, error);
    free(versions.names);
    return status;
}

sentiment_status serve_registry_scan(serve_registry *registry, serve_registry_found **found,
                                     size_t *count, sentiment_error *error)
{
    name_list models = {0};
    found_list list = {0};
    sentiment_status status = SENTIMENT_OK;
    if (!registry->root)
        return serve_fail(error, SENTIMENT_ERROR_NOT_FOUND, "there is no folder of models");
    int folder = serve_files_open(registry->root, NULL, NULL, &status, error);
    if (folder < 0)
        return status;
    status = list_names(folder, &models, error);
    close(folder);
    for (size_t i = 0; !status && i < models.count; i++)
        status = scan_model(registry->root, models.names[i], &list, error);
    free(models.names);
    if (status) {
        free(list.found);
        return status;
    }
    *found = list.found;
    *count = list.count;
    return SENTIMENT_OK;
}

/* ------------------------------------------------------------------- plan */

static sentiment_status highest_version(const char *root, const char *name,
                                        serve_registry_plan *plan, sentiment_error *error)
{
    found_list list = {0};
    sentiment_status status = scan_model(root, name, &list, error);
    const serve_registry_found *best = NULL;
    for (size_t i = 0; !status && i < list.count; i++)
        if (list.found[i].status == SENTIMENT_OK)
            best = &list.found[i];
    if (best)
        memcpy(plan->version[SERVE_LABEL_STABLE], best->version, sizeof best->version);
    else if (!status && list.count)
        status = serve_fail(error, SENTIMENT_ERROR_NOT_FOUND, "no good version: %s",
                            list.found[list.count - 1].message);
    else if (!status)
        status = serve_fail(error, SENTIMENT_ERROR_NOT_FOUND, "%s: no version", name);
    free(list.found);
    return status;
}

static bool read_version(const json_t *value, char version[REGISTRY_NAME])
{
    const char *text = json_string_value(value);
    if (!text || !serve_registry_is_name(text, json_string_length(value)))
        return false;
    memcpy(version, text, strlen(text) + 1);
    return true;
}

/* {"version": "2", "share": 0.1}; the share may be left out for a shadow: all. */
static bool read_share(const json_t *value, serve_registry_label label, serve_registry_plan *plan)
{
    const json_t *share = json_object_get(value, "share");
    if (!value)
        return true;
    if (!json_is_object(value) ||
        !read_version(json_object_get(value, "version"), plan->version[label]))
        return false;
    plan->share[label] = share ? json_number_value(share) : 1;
    return (share ? json_is_number(share) : label == SERVE_LABEL_SHADOW) &&
           plan->share[label] >= 0 && plan->share[label] <= 1;
}

static bool read_labels(const json_t *object, serve_registry_plan *plan)
{
    if (!json_is_object(object) ||
        !read_version(json_object_get(object, "stable"), plan->version[SERVE_LABEL_STABLE]) ||
        !read_share(json_object_get(object, "canary"), SERVE_LABEL_CANARY, plan) ||
        !read_share(json_object_get(object, "shadow"), SERVE_LABEL_SHADOW, plan))
        return false;
    /* A version has one label. */
    for (size_t i = 0; i < SERVE_LABEL_PREVIOUS; i++)
        for (size_t j = 0; j < i; j++)
            if (plan->version[i][0] && strcmp(plan->version[i], plan->version[j]) == 0)
                return false;
    return true;
}

sentiment_status registry_plan_parse(const char *text, size_t size, const char *name,
                                     serve_registry_plan *plan, sentiment_error *error)
{
    json_error_t wrong;
    *plan = (serve_registry_plan){.share = {1}};
    json_t *object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &wrong);
    bool good = object && read_labels(object, plan);
    json_decref(object);
    if (good)
        return SENTIMENT_OK;
    if (!object && json_error_code(&wrong) == json_error_out_of_memory)
        return serve_fail_memory(error);
    return serve_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                      "%s/" LABELS_NAME
                      ": expected {\"stable\": VERSION, \"canary\": {\"version\": "
                      "VERSION, \"share\": 0 to 1}, \"shadow\": {...}} with different versions",
                      name);
}

sentiment_status serve_registry_read_plan(serve_registry *registry, const char *name,
                                          serve_registry_plan *plan, sentiment_error *error)
{
    serve_registry_plan made = {.share = {1}};
    char shown[REGISTRY_NAME + sizeof LABELS_NAME + 1], *text = NULL;
    size_t size = 0;
    sentiment_status status = registry_check_name(name, error);
    if (status)
        return status;
    if (!registry->root)
        return serve_fail(error, SENTIMENT_ERROR_NOT_FOUND, "there is no folder of models");
    int folder = serve_files_open(registry->root, name, NULL, &status, error);
    if (folder < 0)
        return status;
    snprintf(shown, sizeof shown, "%s/" LABELS_NAME, name);
    status = serve_files_read(folder, LABELS_NAME, shown, LABELS_LIMIT, NULL, &text, &size, error);
    close(folder);
    if (status == SENTIMENT_ERROR_NOT_FOUND)
        status = highest_version(registry->root, name, &made, error);
    else if (!status)
        status = registry_plan_parse(text, size, name, &made, error);
    free(text);
    if (!status)
        *plan = made;
    return status;
}

/* ------------------------------------------------------------------- save */

/* {"stable": "1", "canary": {...}}, to be freed; NULL: memory ran out. */
static char *dump_labels(const serve_registry_state *states, size_t count)
{
    json_t *object = json_object();
    bool good = object != NULL;
    for (size_t i = 0; good && i < count; i++) {
        const serve_registry_state *state = &states[i];
        json_t *value = NULL;
        if (state->label == SERVE_LABEL_PREVIOUS)
            continue;
        value = state->label == SERVE_LABEL_STABLE
                    ? json_string(state->version)
                    : json_pack("{s:s,s:f}", "version", state->version, "share", state->share);
        good = json_object_set_new(object, serve_registry_labels[state->label], value) == 0;
    }
    char *text = good ? json_dumps(object, JSON_INDENT(1)) : NULL;
    json_decref(object);
    return text;
}

sentiment_status serve_registry_save_plan(serve_registry *registry, const char *name,
                                          sentiment_error *error)
{
    serve_registry_state *states = NULL;
    size_t count = 0, first = 0, own = 0;
    sentiment_status status = registry_check_name(name, error);
    if (!status)
        status = serve_registry_list(registry, &states, &count, error);
    if (status)
        return status;
    while (first < count && strcmp(states[first].name, name) != 0)
        first++;
    while (first + own < count && strcmp(states[first + own].name, name) == 0)
        own++;
    int folder = -1;
    if (!own || !registry->root)
        status = serve_fail(error, own ? SENTIMENT_ERROR_IO : SENTIMENT_ERROR_NOT_FOUND, "%s",
                            own ? "there is no folder of models" : "no such model");
    else
        folder = serve_files_open(registry->root, name, NULL, &status, error);
    if (folder >= 0) {
        char *text = dump_labels(states + first, own);
        status = text ? serve_files_write(folder, LABELS_NAME, text, strlen(text), error)
                      : serve_fail_memory(error);
        free(text);
        close(folder);
    }
    free(states);
    return status;
}
