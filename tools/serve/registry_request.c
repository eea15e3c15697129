/* SPDX-License-Identifier: Apache-2.0
 *
 * What requests ask of the registry: which version answers them, and which one only
 * watches. Also the list of labels, which is for people. */
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "hash.h"
#include "registry_private.h"

/* A thread stays with one lock, and threads that start one after the other have
 * different ones. */
static pthread_mutex_t *own_lock(serve_registry *registry)
{
    static _Atomic unsigned threads;
    static _Thread_local unsigned own; /* from 1; 0: not yet chosen */
    if (own == 0)
        own = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % REGISTRY_STRIPES + 1;
    return &registry->stripes[own - 1].lock;
}

static serve_version *retain(registry_version *version)
{
    return version ? serve_registry_retain(&version->shown) : NULL;
}

/* A number from 0 to 1 (not 1 itself) that goes with the user of a model, or, with no
 * user, the next of a sequence that covers the range evenly (multiples of the golden
 * ratio). `purpose` makes canary and shadow independent. */
static double place_of(const char *model, const char *user, size_t size,
                       serve_registry_label purpose)
{
    static _Thread_local uint64_t next[SERVE_LABELS];
    uint64_t hash = (next[purpose] + 1) * 0x9e3779b97f4a7c15u;
    if (size == 0) {
        next[purpose]++;
    } else {
        const char *label = serve_registry_labels[purpose];
        hash = serve_hash_fnv(SERVE_HASH_START, label, strlen(label) + 1);
        hash = serve_hash_fnv(hash, model, strlen(model) + 1);
        hash = serve_hash_mix(serve_hash_fnv(hash, user, size));
    }
    return (double)(hash >> 11) * 0x1p-53;
}

static bool is_chosen(const registry_model *model, const char *user, size_t size,
                      serve_registry_label label)
{
    return model->versions[label] &&
           place_of(model->name, user, size, label) < model->shares[label];
}

serve_version *serve_registry_acquire(serve_registry *registry, const char *name, const char *user,
                                      size_t user_size, serve_registry_label *label)
{
    serve_version *found = NULL;
    pthread_mutex_t *lock = own_lock(registry);
    pthread_mutex_lock(lock);
    registry_model *model = registry_model_find(registry, name);
    if (model) {
        bool canary = is_chosen(model, user, user_size, SERVE_LABEL_CANARY);
        serve_registry_label chosen = canary ? SERVE_LABEL_CANARY : SERVE_LABEL_STABLE;
        found = retain(model->versions[chosen]);
        if (label)
            *label = chosen;
    }
    pthread_mutex_unlock(lock);
    return found;
}

serve_version *serve_registry_acquire_version(serve_registry *registry, const char *name,
                                              const char *version)
{
    serve_version *found = NULL;
    pthread_mutex_t *lock = own_lock(registry);
    pthread_mutex_lock(lock);
    registry_model *model = registry_model_find(registry, name);
    for (size_t i = 0; model && !found && i < SERVE_LABELS; i++)
        if (model->versions[i] && strcmp(model->versions[i]->version, version) == 0)
            found = retain(model->versions[i]);
    pthread_mutex_unlock(lock);
    return found;
}

static registry_version *find_number(const registry_model *model, uint64_t number)
{
    for (size_t i = 0; i < SERVE_LABELS; i++)
        if (model->versions[i] && model->versions[i]->shown.number == number)
            return model->versions[i];
    return NULL;
}

serve_version *serve_registry_acquire_number(serve_registry *registry, uint64_t number)
{
    serve_version *found = NULL;
    pthread_mutex_t *lock = own_lock(registry);
    pthread_mutex_lock(lock);
    for (size_t i = 0; !found && i < registry->model_count; i++)
        found = retain(find_number(&registry->models[i], number));
    pthread_mutex_unlock(lock);
    return found;
}

serve_version *serve_registry_acquire_shadow(serve_registry *registry, const char *name,
                                             const char *user, size_t user_size)
{
    serve_version *found = NULL;
    pthread_mutex_t *lock = own_lock(registry);
    pthread_mutex_lock(lock);
    registry_model *model = registry_model_find(registry, name);
    if (model && is_chosen(model, user, user_size, SERVE_LABEL_SHADOW))
        found = retain(model->versions[SERVE_LABEL_SHADOW]);
    pthread_mutex_unlock(lock);
    return found;
}

registry_version *registry_find(serve_registry *registry, const char *name, const char *version,
                                const char *fingerprint)
{
    registry_version *found = NULL;
    pthread_mutex_lock(&registry->admin);
    registry_model *model = registry_model_find(registry, name);
    for (size_t i = 0; model && !found && i < SERVE_LABELS; i++) {
        registry_version *of = model->versions[i];
        if (of && strcmp(of->version, version) == 0 && strcmp(of->fingerprint, fingerprint) == 0)
            found = of;
    }
    retain(found);
    pthread_mutex_unlock(&registry->admin);
    return found;
}

/* ------------------------------------------------------------------- list */

static serve_registry_state state_of(const registry_model *model, serve_registry_label label)
{
    const registry_version *of = model->versions[label];
    serve_registry_state state = {.label = label,
                                  .share = model->shares[label],
                                  .number = of->shown.number,
                                  .payload = of->shown.payload};
    if (label == SERVE_LABEL_STABLE)
        state.share = 1 - model->shares[SERVE_LABEL_CANARY];
    memcpy(state.name, of->name, sizeof of->name);
    memcpy(state.version, of->version, sizeof of->version);
    return state;
}

sentiment_status serve_registry_list(serve_registry *registry, serve_registry_state **states,
                                     size_t *count, sentiment_error *error)
{
    size_t used = 0;
    pthread_mutex_lock(&registry->admin);
    /* One more, so that an empty list is no failure of calloc. */
    serve_registry_state *made = calloc(registry->model_count * SERVE_LABELS + 1, sizeof *made);
    for (size_t i = 0; made && i < registry->model_count; i++)
        for (size_t label = 0; label < SERVE_LABELS; label++)
            if (registry->models[i].versions[label])
                made[used++] = state_of(&registry->models[i], (serve_registry_label)label);
    pthread_mutex_unlock(&registry->admin);
    if (!made)
        return serve_fail_memory(error);
    *states = made;
    *count = used;
    return SENTIMENT_OK;
}
