/* SPDX-License-Identifier: Apache-2.0
 *
 * Loading models off the event loops: read, checked, warmed, and only then
 * labelled, which is one step for the requests. */
#include "models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "served.h"

/* Counts the models that answer, and tells the metrics which version gets which share
 * of the requests. */
static void publish(server *own)
{
    serve_registry_state *states = NULL;
    size_t count = 0, stable = 0;
    if (serve_registry_list(own->registry, &states, &count, NULL) != SENTIMENT_OK)
        return;
    for (size_t i = 0; i < count; i++)
        stable += states[i].label == SERVE_LABEL_STABLE;
    atomic_store(&own->models, stable);
    for (size_t i = 0; i < count; i++)
        for (int role = 0; role < SERVE_ROLES; role++)
            serve_metrics_set_share(own->metrics, ((const served *)states[i].payload)->metrics,
                                    (serve_metrics_role)role, 0);
    for (size_t i = 0; i < count; i++)
        if (states[i].label < SERVE_LABEL_PREVIOUS)
            serve_metrics_set_share(own->metrics, ((const served *)states[i].payload)->metrics,
                                    (serve_metrics_role)states[i].label, states[i].share);
    free(states);
}

void models_publish_drift(const server *own)
{
    serve_registry_state *states = NULL;
    size_t count = 0;
    if (serve_registry_list(own->registry, &states, &count, NULL) != SENTIMENT_OK)
        return;
    for (size_t i = 0; i < count; i++) {
        serve_version *version =
            serve_registry_acquire_version(own->registry, states[i].name, states[i].version);
        if (!version)
            continue;
        serve_drift_values values;
        serve_drift_read(served_of(version)->drift, &values);
        for (int feature = 0; feature < SERVE_FEATURES; feature++)
            serve_metrics_set_drift(own->metrics, served_of(version)->metrics,
                                    (serve_metrics_feature)feature, values.psi[feature]);
        serve_registry_release(version);
    }
    free(states);
}

/* Warms a version and gives it a label. Takes over the reference. */
static sentiment_status enter(server *own, serve_version *version, serve_registry_label label,
                              double share, sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    if (!version->payload)
        status = served_prepare(version, &own->settings->model, own->workers + own->main_loops,
                                own->metrics, error);
    if (!status && label == SERVE_LABEL_STABLE)
        status = serve_registry_activate(own->registry, version, error);
    else if (!status)
        status = serve_registry_set_label(own->registry, version, label, share, error);
    if (!status)
        serve_log_write_event(own->log, SERVE_LOG_INFO, "%s version %s is %s", version->name,
                              version->version, serve_registry_labels[label]);
    serve_registry_release(version);
    publish(own);
    return status;
}

static sentiment_status set_label(server *own, const char *name, const char *version,
                                  serve_registry_label label, double share, sentiment_error *error)
{
    serve_version *loaded = NULL;
    bool fresh = false;
    sentiment_status status =
        serve_registry_load(own->registry, name, version, &loaded, &fresh, error);
    return status ? status : enter(own, loaded, label, share, error);
}

static sentiment_status clear_label(server *own, const char *name, serve_registry_label label,
                                    sentiment_error *error)
{
    sentiment_status status = serve_registry_clear_label(own->registry, name, label, error);
    publish(own);
    return status;
}

static sentiment_status roll_back(server *own, const char *name, sentiment_error *error)
{
    sentiment_status status = serve_registry_rollback(own->registry, name, error);
    if (!status)
        serve_log_write_event(own->log, SERVE_LOG_WARNING, "%s was rolled back", name);
    publish(own);
    return status;
}

static sentiment_status unload(server *own, const char *name, sentiment_error *error)
{
    sentiment_status status = serve_registry_unload(own->registry, name, error);
    if (!status)
        serve_log_write_event(own->log, SERVE_LOG_WARNING, "%s was unloaded", name);
    publish(own);
    return status;
}

/* ------------------------------------------------------------- one file */

/* The name of a model that is given by its path: the last part, without extension. */
static void name_of(const char *path, char name[SERVE_REGISTRY_NAME_LIMIT + 1])
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    for (size_t i = end; i-- > begin + 1;)
        if (path[i] == '.')
            end = i;
    bool usable = serve_registry_is_name(path + begin, end - begin);
    snprintf(name, SERVE_REGISTRY_NAME_LIMIT + 1, "%.*s", usable ? (int)(end - begin) : 5,
             usable ? path + begin : "model");
}

/* Versions of a file are numbered as they are read. */
static sentiment_status load_file(server *own, sentiment_error *error)
{
    char name[SERVE_REGISTRY_NAME_LIMIT + 1], number[24];
    sentiment_model_options options = setup_model_defaults();
    sentiment_model *model = NULL;
    serve_version *version = NULL;
    options.digest = 1;
    options.cancel = own->cancel;
    name_of(own->model_path, name);
    if (!own->default_model[0])
        memcpy(own->default_model, name, sizeof name);
    snprintf(number, sizeof number, "%u", own->reads + 1);
    sentiment_status status = sentiment_model_load(own->model_path, &options, &model, error);
    if (!status)
        status = serve_registry_adopt(own->registry, name, number, model, &version, error);
    sentiment_model_free(model);
    if (!status)
        status = enter(own, version, SERVE_LABEL_STABLE, 1, error);
    if (!status)
        own->reads++;
    return status;
}

/* ------------------------------------------------------------- a folder */

/* Gives a model the labels that its plan says. */
static sentiment_status follow_plan(server *own, const char *name, sentiment_error *error)
{
    serve_registry_plan plan;
    sentiment_status status = serve_registry_read_plan(own->registry, name, &plan, error);
    for (int i = 0; !status && i < SERVE_LABEL_PREVIOUS; i++) {
        serve_registry_label label = (serve_registry_label)i;
        if (plan.version[i][0])
            status = set_label(own, name, plan.version[i], label, plan.share[i], error);
        else if (label != SERVE_LABEL_STABLE)
            clear_label(own, name, label, NULL);
    }
    return status;
}

static bool is_listed(const serve_registry_found *found, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(found[i].name, name) == 0)
            return true;
    return false;
}

static void unload_missing(server *own, const serve_registry_found *found, size_t count)
{
    serve_registry_state *states = NULL;
    size_t state_count = 0;
    if (serve_registry_list(own->registry, &states, &state_count, NULL) != SENTIMENT_OK)
        return;
    for (size_t i = 0; i < state_count; i++)
        if ((i == 0 || strcmp(states[i].name, states[i - 1].name) != 0) &&
            !is_listed(found, count, states[i].name))
            unload(own, states[i].name, NULL);
    free(states);
}

/* Which model answers requests that name none is settled once: were it the first that
 * is loaded, another would take its place unnoticed whenever that one is not. */
static sentiment_status choose_default(server *own, const serve_registry_found *found, size_t count,
                                       sentiment_error *error)
{
    const char *wanted = own->settings->default_model;
    if (own->default_model[0] || count == 0)
        return SENTIMENT_OK;
    if (wanted && !is_listed(found, count, wanted))
        return serve_fail(error, SENTIMENT_ERROR_NOT_FOUND, "%s: there is no model '%s' in it",
                          own->settings->models, wanted);
    snprintf(own->default_model, sizeof own->default_model, "%s", wanted ? wanted : found[0].name);
    return SENTIMENT_OK;
}

static sentiment_status load_folder(server *own, sentiment_error *error)
{
    serve_registry_found *found = NULL;
    size_t count = 0;
    sentiment_status first = serve_registry_scan(own->registry, &found, &count, error);
    if (first)
        return first;
    if (count == 0)
        first = serve_fail(error, SENTIMENT_ERROR_NOT_FOUND, "%s: there is no model in it",
                           own->settings->models);
    if (!first && (first = choose_default(own, found, count, error)) != SENTIMENT_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        sentiment_error own_error = {.struct_size = sizeof own_error,
                                     .offset = SENTIMENT_NO_OFFSET};
        if (i > 0 && strcmp(found[i].name, found[i - 1].name) == 0)
            continue;
        if (sentiment_cancel_requested(own->cancel))
            break;
        sentiment_status status = follow_plan(own, found[i].name, &own_error);
        if (!status)
            continue;
        serve_log_write_error(own->log, SERVE_LOG_ERROR, NULL, status, own_error.message);
        if (!first)
            *error = own_error;
        first = first ? first : status;
    }
    /* An empty folder is one that is not there yet, or not any more: no order. */
    if (count > 0)
        unload_missing(own, found, count);
    free(found);
    return first;
}

static sentiment_status load(server *own, sentiment_error *error)
{
    return own->settings->models ? load_folder(own, error) : load_file(own, error);
}

sentiment_status models_load(server *own, sentiment_error *error)
{
    pthread_mutex_lock(&own->models_lock);
    sentiment_status status = load(own, error);
    pthread_mutex_unlock(&own->models_lock);
    return atomic_load(&own->models) > 0 ? SENTIMENT_OK : status;
}

sentiment_status models_reload(server *own, sentiment_error *error)
{
    pthread_mutex_lock(&own->models_lock);
    sentiment_status status = load(own, error);
    pthread_mutex_unlock(&own->models_lock);
    serve_metrics_add(own->metrics, status ? SERVE_VALUE_RELOADS_FAILED : SERVE_VALUE_RELOADS, 1);
    return status;
}

/* ------------------------------------------------------------- orders */

/* What an order changed is to be found after a restart, where there is a folder. */
static void save(server *own, const char *name)
{
    sentiment_error error = {.struct_size = sizeof error, .offset = SENTIMENT_NO_OFFSET};
    if (own->settings->models &&
        serve_registry_save_plan(own->registry, name, &error) != SENTIMENT_OK)
        serve_log_write_error(own->log, SERVE_LOG_WARNING, NULL, error.code, error.message);
}

sentiment_status models_label(server *own, const char *name, const char *version,
                              serve_registry_label label, double share, sentiment_error *error)
{
    pthread_mutex_lock(&own->models_lock);
    sentiment_status status = set_label(own, name, version, label, share, error);
    if (!status)
        save(own, name);
    pthread_mutex_unlock(&own->models_lock);
    return status;
}

sentiment_status models_clear(server *own, const char *name, serve_registry_label label,
                              sentiment_error *error)
{
    pthread_mutex_lock(&own->models_lock);
    sentiment_status status = clear_label(own, name, label, error);
    if (!status)
        save(own, name);
    pthread_mutex_unlock(&own->models_lock);
    return status;
}

sentiment_status models_rollback(server *own, const char *name, sentiment_error *error)
{
    pthread_mutex_lock(&own->models_lock);
    sentiment_status status = roll_back(own, name, error);
    if (!status)
        save(own, name);
    pthread_mutex_unlock(&own->models_lock);
    return status;
}

sentiment_status models_unload(server *own, const char *name, sentiment_error *error)
{
    pthread_mutex_lock(&own->models_lock);
    sentiment_status status = unload(own, name, error);
    pthread_mutex_unlock(&own->models_lock);
    return status;
}
