/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions with their references, and who has which label. A request takes one of
 * many locks, its own thread's in practice, so that requests do not wait for each
 * other; a change takes them all, moves pointers, and gives references back after
 * the locks. */
#include "registry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "registry_private.h"

const char *const serve_registry_labels[SERVE_LABELS] = {"stable", "canary", "shadow", "previous"};

bool serve_registry_is_name(const char *name, size_t size)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-";
    if (size == 0 || size > SERVE_REGISTRY_NAME_LIMIT || strchr("._-", name[0]))
        return false;
    for (size_t i = 0; i < size; i++)
        if (!memchr(allowed, name[i], sizeof allowed - 1))
            return false;
    return true;
}

sentiment_status registry_check_name(const char *name, sentiment_error *error)
{
    if (name && serve_registry_is_name(name, strlen(name)))
        return SENTIMENT_OK;
    return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                      "a name must be 1 to 64 of A-Z a-z 0-9 . _ - and begin with a letter or "
                      "digit");
}

/* --------------------------------------------------------------- versions */

static void let_core_go(registry_core *core)
{
    if (atomic_fetch_sub(&core->references, 1) == 1)
        free(core);
}

registry_version *registry_version_make(serve_registry *registry, const char *name,
                                        const char *version, sentiment_model *model, char *lineage,
                                        sentiment_error *error)
{
    static _Atomic uint64_t numbers;
    registry_core *core = registry->core;
    registry_version *made = calloc(1, sizeof *made);
    if (!made) {
        serve_fail_memory(error);
        return NULL;
    }
    if (atomic_fetch_add(&core->versions, 1) >= SERVE_REGISTRY_VERSIONS) {
        atomic_fetch_sub(&core->versions, 1);
        free(made);
        serve_fail(error, SENTIMENT_ERROR_UNSUPPORTED, "more than %d versions are loaded",
                   SERVE_REGISTRY_VERSIONS);
        return NULL;
    }
    atomic_fetch_add(&core->references, 1);
    made->core = core;
    atomic_init(&made->references, 1);
    memcpy(made->name, name, strlen(name) + 1);
    memcpy(made->version, version, strlen(version) + 1);
    made->lineage = lineage;
    made->shown = (serve_version){.number = atomic_fetch_add(&numbers, 1) + 1,
                                  .name = made->name,
                                  .version = made->version,
                                  .format = made->format,
                                  .sha256 = made->sha256,
                                  .lineage = lineage ? lineage : "[]",
                                  .model = model};
    return made;
}

serve_version *serve_registry_retain(serve_version *version)
{
    registry_version *of = (registry_version *)version;
    atomic_fetch_add_explicit(&of->references, 1, memory_order_relaxed);
    return version;
}

static registry_version *retain(registry_version *version)
{
    serve_registry_retain(&version->shown);
    return version;
}

void serve_registry_release(serve_version *version)
{
    registry_version *of = (registry_version *)version;
    if (!of || atomic_fetch_sub_explicit(&of->references, 1, memory_order_acq_rel) != 1)
        return;
    registry_core *core = of->core;
    if (core->retire)
        core->retire(core->user, version);
    sentiment_model_free(version->model);
    free(of->lineage);
    free(of);
    atomic_fetch_sub(&core->versions, 1);
    let_core_go(core);
}

static void release(registry_version *version)
{
    if (version)
        serve_registry_release(&version->shown);
}

/* --------------------------------------------------------- making, freeing */

static void destroy_locks(serve_registry *registry, size_t stripes)
{
    for (size_t i = 0; i < stripes; i++)
        pthread_mutex_destroy(&registry->stripes[i].lock);
    pthread_mutex_destroy(&registry->admin);
}

static bool make_locks(serve_registry *registry)
{
    if (pthread_mutex_init(&registry->admin, NULL))
        return false;
    for (size_t i = 0; i < REGISTRY_STRIPES; i++) {
        if (pthread_mutex_init(&registry->stripes[i].lock, NULL)) {
            destroy_locks(registry, i);
            return false;
        }
    }
    return true;
}

sentiment_status serve_registry_create(const serve_registry_options *options,
                                       serve_registry **registry, sentiment_error *error)
{
    size_t size = (sizeof(serve_registry) + 63) / 64 * 64;
    serve_registry *made = aligned_alloc(64, size);
    registry_core *core = calloc(1, sizeof *core);
    char *root = options->root ? strdup(options->root) : NULL;
    if (made)
        memset(made, 0, size);
    if (!made || !core || (options->root && !root) || !make_locks(made)) {
        free(root);
        free(core);
        free(made);
        return serve_fail_memory(error);
    }
    atomic_init(&core->references, 1);
    core->retire = options->retire;
    core->user = options->user;
    made->core = core;
    made->root = root;
    made->cancel = options->cancel;
    *registry = made;
    return SENTIMENT_OK;
}

void serve_registry_free(serve_registry *registry)
{
    if (!registry)
        return;
    for (size_t i = 0; i < registry->model_count; i++)
        for (size_t label = 0; label < SERVE_LABELS; label++)
            release(registry->models[i].versions[label]);
    destroy_locks(registry, REGISTRY_STRIPES);
    let_core_go(registry->core);
    free(registry->root);
    free(registry);
}

/* ----------------------------------------------------------------- change */

static void begin_change(serve_registry *registry)
{
    pthread_mutex_lock(&registry->admin);
    for (size_t i = 0; i < REGISTRY_STRIPES; i++)
        pthread_mutex_lock(&registry->stripes[i].lock);
}

static void end_change(serve_registry *registry)
{
    for (size_t i = REGISTRY_STRIPES; i > 0; i--)
        pthread_mutex_unlock(&registry->stripes[i - 1].lock);
    pthread_mutex_unlock(&registry->admin);
}

registry_model *registry_model_find(serve_registry *registry, const char *name)
{
    if (!name)
        return registry->model_count ? &registry->models[0] : NULL;
    for (size_t i = 0; i < registry->model_count; i++)
        if (strcmp(registry->models[i].name, name) == 0)
            return &registry->models[i];
    return NULL;
}

static sentiment_status fail_no_model(sentiment_error *error, const char *name)
{
    return serve_fail(error, SENTIMENT_ERROR_NOT_FOUND, "no model '%.64s'", name);
}

/* Takes the label from its version; the reference is the caller's. */
static registry_version *take(registry_model *from, serve_registry_label label)
{
    registry_version *taken = from->versions[label];
    from->versions[label] = NULL;
    from->shares[label] = 0;
    return taken;
}

static registry_version *take_from(registry_model *from, serve_registry_label label,
                                   const registry_version *version)
{
    return from->versions[label] == version ? take(from, label) : NULL;
}

sentiment_status serve_registry_activate(serve_registry *registry, serve_version *version,
                                         sentiment_error *error)
{
    registry_version *of = (registry_version *)version, *gone[SERVE_LABELS] = {NULL};
    sentiment_status status = SENTIMENT_OK;
    begin_change(registry);
    registry_model *model = registry_model_find(registry, of->name);
    if (!model && registry->model_count < SERVE_REGISTRY_MODELS) {
        model = &registry->models[registry->model_count++];
        *model = (registry_model){0};
        memcpy(model->name, of->name, sizeof of->name);
    }
    if (!model) {
        status = serve_fail(error, SENTIMENT_ERROR_UNSUPPORTED, "more than %d models",
                            SERVE_REGISTRY_MODELS);
    } else if (model->versions[SERVE_LABEL_STABLE] != of) {
        for (size_t label = SERVE_LABEL_CANARY; label < SERVE_LABELS; label++)
            gone[label] = take_from(model, (serve_registry_label)label, of);
        if (model->versions[SERVE_LABEL_STABLE]) {
            gone[SERVE_LABEL_STABLE] = take(model, SERVE_LABEL_PREVIOUS);
            model->versions[SERVE_LABEL_PREVIOUS] = model->versions[SERVE_LABEL_STABLE];
        }
        model->versions[SERVE_LABEL_STABLE] = retain(of);
    }
    end_change(registry);
    for (size_t i = 0; i < SERVE_LABELS; i++)
        release(gone[i]);
    return status;
}

sentiment_status serve_registry_rollback(serve_registry *registry, const char *name,
                                         sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    registry_version *gone = NULL;
    begin_change(registry);
    registry_model *model = registry_model_find(registry, name);
    if (!model) {
        status = fail_no_model(error, name);
    } else if (!model->versions[SERVE_LABEL_PREVIOUS]) {
        status = serve_fail(error, SENTIMENT_ERROR_NOT_FOUND, "model '%s' has no previous version",
                            model->name);
    } else {
        registry_version *previous = model->versions[SERVE_LABEL_PREVIOUS];
        model->versions[SERVE_LABEL_PREVIOUS] = model->versions[SERVE_LABEL_STABLE];
        model->versions[SERVE_LABEL_STABLE] = previous;
        gone = take(model, SERVE_LABEL_CANARY);
    }
    end_change(registry);
    release(gone);
    return status;
}

static sentiment_status check_label(serve_registry_label label, double share,
                                    sentiment_error *error)
{
    if (label != SERVE_LABEL_CANARY && label != SERVE_LABEL_SHADOW)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                          "the label must be canary or shadow");
    if (!(share >= 0 && share <= 1))
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, "a share of %g, expected 0 to 1",
                          share);
    return SENTIMENT_OK;
}

sentiment_status serve_registry_set_label(serve_registry *registry, serve_version *version,
                                          serve_registry_label label, double share,
                                          sentiment_error *error)
{
    registry_version *of = (registry_version *)version, *replaced = NULL, *moved = NULL;
    sentiment_status status = check_label(label, share, error);
    if (status)
        return status;
    begin_change(registry);
    registry_model *model = registry_model_find(registry, of->name);
    if (!model) {
        status = fail_no_model(error, of->name);
    } else if (model->versions[SERVE_LABEL_STABLE] == of) {
        status = serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                            "version %s of model '%s' is stable", of->version, of->name);
    } else {
        serve_registry_label other =
            label == SERVE_LABEL_CANARY ? SERVE_LABEL_SHADOW : SERVE_LABEL_CANARY;
        moved = take_from(model, other, of);
        replaced = take(model, label);
        model->versions[label] = retain(of);
        model->shares[label] = share;
    }
    end_change(registry);
    release(moved);
    release(replaced);
    return status;
}

sentiment_status serve_registry_clear_label(serve_registry *registry, const char *name,
                                            serve_registry_label label, sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    registry_version *gone = NULL;
    if (label == SERVE_LABEL_STABLE || (unsigned)label >= SERVE_LABELS)
        return serve_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT,
                          "the label must be canary, shadow or previous");
    begin_change(registry);
    registry_model *model = registry_model_find(registry, name);
    if (model)
        gone = take(model, label);
    else
        status = fail_no_model(error, name);
    end_change(registry);
    release(gone);
    return status;
}

sentiment_status serve_registry_unload(serve_registry *registry, const char *name,
                                       sentiment_error *error)
{
    registry_version *gone[SERVE_LABELS] = {NULL};
    sentiment_status status = SENTIMENT_OK;
    begin_change(registry);
    registry_model *model = registry_model_find(registry, name);
    if (model) {
        memcpy(gone, model->versions, sizeof gone);
        registry_model *end = registry->models + --registry->model_count;
        memmove(model, model + 1, (size_t)(end - model) * sizeof *model);
    } else {
        status = fail_no_model(error, name);
    }
    end_change(registry);
    for (size_t i = 0; i < SERVE_LABELS; i++)
        release(gone[i]);
    return status;
}
