/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/registry.c and registry_request.c: who has which label after every
 * change, who is answered by whom, and that a version lives exactly as long as
 * somebody holds it, while threads ask and another one swaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve/registry.h"

static sentiment_model *model;
static serve_registry *registry;
static _Atomic int retired;
static char gone[64]; /* versions that went, in order, where they are one letter */

static void retire(void *user, serve_version *version)
{
    assert_ptr_equal(user, &retired);
    size_t used = strlen(gone);
    if (used + 1 < sizeof gone && version->version[1] == '\0')
        gone[used] = version->version[0];
    if (version->payload)
        atomic_store((_Atomic int *)version->payload, 0);
    atomic_fetch_add(&retired, 1);
}

static int set_up(void **state)
{
    (void)state;
    sentiment_model_config config = {.struct_size = sizeof config};
    config.vocab_size = config.embedding_dim = config.hidden_size = config.num_classes = 2;
    serve_registry_options options = {.retire = retire, .user = &retired};
    atomic_store(&retired, 0);
    memset(gone, 0, sizeof gone);
    return sentiment_model_create(&config, NULL, &model, NULL) ||
           serve_registry_create(&options, &registry, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    serve_registry_free(registry);
    sentiment_model_free(model);
    return 0;
}

static serve_version *adopt(const char *name, const char *version)
{
    sentiment_error error = {.struct_size = sizeof error};
    serve_version *made = NULL;
    if (serve_registry_adopt(registry, name, version, model, &made, &error))
        fail_msg("%s", error.message);
    return made;
}

/* Adopts and makes stable; the label alone holds it then. */
static void activate(const char *name, const char *version)
{
    serve_version *made = adopt(name, version);
    assert_int_equal(serve_registry_activate(registry, made, NULL), SENTIMENT_OK);
    serve_registry_release(made);
}

static void label(const char *name, const char *version, serve_registry_label as, double share)
{
    serve_version *made = adopt(name, version);
    assert_int_equal(serve_registry_set_label(registry, made, as, share, NULL), SENTIMENT_OK);
    serve_registry_release(made);
}

/* All labels as "name:version=label(share) ...". */
static void labels_are(const char *expected)
{
    char text[512] = "";
    size_t count = 0, used = 0;
    serve_registry_state *states = NULL;
    assert_int_equal(serve_registry_list(registry, &states, &count, NULL), SENTIMENT_OK);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s:%s=%s(%g)", i ? " " : "",
                                 states[i].name, states[i].version,
                                 serve_registry_labels[states[i].label], states[i].share);
    free(states);
    assert_string_equal(text, expected);
}

static void answers_with(const char *name, const char *user, const char *expected)
{
    serve_registry_label as = SERVE_LABELS;
    serve_version *version = serve_registry_acquire(registry, name, user, strlen(user), &as);
    if (!expected) {
        assert_null(version);
        return;
    }
    assert_non_null(version);
    assert_string_equal(version->version, expected);
    assert_true(as == SERVE_LABEL_STABLE || as == SERVE_LABEL_CANARY);
    serve_registry_release(version);
}

static void moves_labels(void **state)
{
    (void)state;
    labels_are("");
    answers_with(NULL, "", NULL);
    activate("m", "1");
    labels_are("m:1=stable(1)");
    answers_with(NULL, "", "1");
    answers_with("m", "somebody", "1");
    answers_with("n", "", NULL);
    activate("m", "2");
    labels_are("m:2=stable(1) m:1=previous(0)");
    answers_with("m", "", "2");
    activate("m", "3");
    labels_are("m:3=stable(1) m:2=previous(0)");
    assert_string_equal(gone, "1");
    assert_int_equal(serve_registry_rollback(registry, "m", NULL), SENTIMENT_OK);
    labels_are("m:2=stable(1) m:3=previous(0)");
    assert_int_equal(serve_registry_rollback(registry, "m", NULL), SENTIMENT_OK);
    labels_are("m:3=stable(1) m:2=previous(0)");
    label("m", "4", SERVE_LABEL_CANARY, 0.25);
    label("m", "5", SERVE_LABEL_SHADOW, 1);
    labels_are("m:3=stable(0.75) m:4=canary(0.25) m:5=shadow(1) m:2=previous(0)");
    assert_int_equal(serve_registry_rollback(registry, "m", NULL), SENTIMENT_OK);
    labels_are("m:2=stable(1) m:5=shadow(1) m:3=previous(0)");
    assert_string_equal(gone, "14");
    label("m", "6", SERVE_LABEL_SHADOW, 0.5);
    assert_string_equal(gone, "145");
    activate("other", "1");
    labels_are("m:2=stable(1) m:6=shadow(0.5) m:3=previous(0) other:1=stable(1)");
    answers_with(NULL, "", "2");
    assert_int_equal(serve_registry_unload(registry, "m", NULL), SENTIMENT_OK);
    labels_are("other:1=stable(1)");
    assert_string_equal(gone, "145263");
    answers_with(NULL, "", "1");
}

static void gives_one_version_one_label(void **state)
{
    (void)state;
    activate("m", "1");
    serve_version *two = adopt("m", "2");
    assert_int_equal(serve_registry_set_label(registry, two, SERVE_LABEL_CANARY, 0.5, NULL), 0);
    assert_int_equal(serve_registry_set_label(registry, two, SERVE_LABEL_SHADOW, 1, NULL), 0);
    labels_are("m:1=stable(1) m:2=shadow(1)");
    assert_int_equal(serve_registry_set_label(registry, two, SERVE_LABEL_CANARY, 0.5, NULL), 0);
    assert_int_equal(serve_registry_set_label(registry, two, SERVE_LABEL_CANARY, 0.75, NULL), 0);
    labels_are("m:1=stable(0.25) m:2=canary(0.75)");
    assert_int_equal(serve_registry_activate(registry, two, NULL), SENTIMENT_OK);
    assert_int_equal(serve_registry_activate(registry, two, NULL), SENTIMENT_OK);
    labels_are("m:2=stable(1) m:1=previous(0)");
    /* The previous one becomes stable again by hand. */
    serve_version *one = serve_registry_acquire_version(registry, "m", "1");
    assert_int_equal(serve_registry_activate(registry, one, NULL), SENTIMENT_OK);
    labels_are("m:1=stable(1) m:2=previous(0)");
    assert_int_equal(serve_registry_clear_label(registry, "m", SERVE_LABEL_PREVIOUS, NULL), 0);
    assert_int_equal(serve_registry_clear_label(registry, "m", SERVE_LABEL_PREVIOUS, NULL), 0);
    labels_are("m:1=stable(1)");
    assert_string_equal(gone, "");
    serve_registry_release(two);
    assert_string_equal(gone, "2");
    serve_registry_release(one);
    assert_string_equal(gone, "2");
}

static void refuses_what_makes_no_sense(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    serve_version *one = adopt("m", "1"), *none = NULL;
    assert_int_equal(serve_registry_rollback(registry, "m", &error), SENTIMENT_ERROR_NOT_FOUND);
    assert_string_equal(error.message, "no model 'm'");
    assert_int_equal(serve_registry_set_label(registry, one, SERVE_LABEL_CANARY, 0.5, &error),
                     SENTIMENT_ERROR_NOT_FOUND);
    assert_int_equal(serve_registry_unload(registry, "m", &error), SENTIMENT_ERROR_NOT_FOUND);
    assert_int_equal(serve_registry_activate(registry, one, &error), SENTIMENT_OK);
    assert_int_equal(serve_registry_rollback(registry, "m", &error), SENTIMENT_ERROR_NOT_FOUND);
    assert_string_equal(error.message, "model 'm' has no previous version");
    assert_int_equal(serve_registry_set_label(registry, one, SERVE_LABEL_CANARY, 0.5, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    serve_version *two = adopt("m", "2");
    static const double shares[] = {-0.1, 1.1, (double)NAN};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(
            serve_registry_set_label(registry, two, SERVE_LABEL_CANARY, shares[i], NULL),
            SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(serve_registry_set_label(registry, two, SERVE_LABEL_STABLE, 1, NULL),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(serve_registry_clear_label(registry, "m", SERVE_LABEL_STABLE, NULL),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(serve_registry_clear_label(registry, "n", SERVE_LABEL_CANARY, NULL),
                     SENTIMENT_ERROR_NOT_FOUND);
    assert_int_equal(serve_registry_adopt(registry, "../m", "1", model, &none, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(serve_registry_adopt(registry, "m", "", model, &none, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(serve_registry_load(registry, "m", "1", &none, NULL, &error),
                     SENTIMENT_ERROR_NOT_FOUND);
    assert_null(none);
    labels_are("m:1=stable(1)");
    serve_registry_release(one);
    serve_registry_release(two);
    serve_registry_release(NULL);
    serve_registry_free(NULL);
}

static void bounds_what_is_loaded(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    static serve_version *versions[SERVE_REGISTRY_VERSIONS];
    serve_version *more = NULL;
    char name[16];
    for (int i = 0; i < SERVE_REGISTRY_VERSIONS; i++) {
        snprintf(name, sizeof name, "m%d", i);
        versions[i] = adopt(name, "1");
        assert_int_equal(serve_registry_activate(registry, versions[i], &error),
                         i < SERVE_REGISTRY_MODELS ? SENTIMENT_OK : SENTIMENT_ERROR_UNSUPPORTED);
    }
    assert_string_equal(error.message, "more than 64 models");
    assert_int_equal(serve_registry_adopt(registry, "late", "1", model, &more, &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_string_equal(error.message, "more than 256 versions are loaded");
    serve_registry_release(versions[SERVE_REGISTRY_VERSIONS - 1]);
    versions[SERVE_REGISTRY_VERSIONS - 1] = adopt("late", "1");
    for (int i = 0; i < SERVE_REGISTRY_VERSIONS; i++)
        serve_registry_release(versions[i]);
    assert_int_equal(atomic_load(&retired), 1 + SERVE_REGISTRY_VERSIONS - SERVE_REGISTRY_MODELS);
}

/* ------------------------------------------------------------------ users */

static int is_canary(const char *user)
{
    serve_registry_label as = SERVE_LABELS;
    serve_version *version = serve_registry_acquire(registry, "m", user, strlen(user), &as);
    assert_string_equal(version->version, as == SERVE_LABEL_CANARY ? "2" : "1");
    serve_registry_release(version);
    return as == SERVE_LABEL_CANARY;
}

static void keeps_users_where_they_are(void **state)
{
    (void)state;
    enum { USERS = 2000 };
    static int before[USERS];
    static const double shares[] = {0, 0.1, 0.5, 0.9, 1};
    char user[32];
    activate("m", "1");
    label("m", "2", SERVE_LABEL_CANARY, 0);
    for (size_t s = 0; s < 5; s++) {
        int canaries = 0;
        serve_version *two = serve_registry_acquire_version(registry, "m", "2");
        serve_registry_set_label(registry, two, SERVE_LABEL_CANARY, shares[s], NULL);
        serve_registry_release(two);
        for (int i = 0; i < USERS; i++) {
            snprintf(user, sizeof user, "user-%d", i);
            int canary = is_canary(user);
            assert_int_equal(is_canary(user), canary);
            assert_true(canary >= before[i]);
            canaries += before[i] = canary;
        }
        /* A binomial of 2000 deviates by at most sqrt(2000) / 2 = 22.4; five of these. */
        assert_true(fabs(canaries - shares[s] * USERS) <= 112);
        assert_true((shares[s] > 0 || canaries == 0) && (shares[s] < 1 || canaries == USERS));
    }
}

/* The hash is part of what replicas agree on: these never change. */
static void places_users_the_same_everywhere(void **state)
{
    (void)state;
    static const char *const users[] = {"alice", "bob", "carol", "dave", "erin", "frank"};
    char places[7] = "";
    activate("m", "1");
    label("m", "2", SERVE_LABEL_CANARY, 0.5);
    for (size_t i = 0; i < 6; i++)
        places[i] = is_canary(users[i]) ? 'c' : 's';
    assert_string_equal(places, "cscscs");
}

static void spreads_requests_without_user(void **state)
{
    (void)state;
    int canaries = 0, shadows = 0, both = 0;
    activate("m", "1");
    label("m", "2", SERVE_LABEL_CANARY, 0.2);
    for (int i = 0; i < 1000; i++)
        canaries += is_canary("");
    /* Multiples of the golden ratio: off by a few at most. */
    assert_true(canaries >= 195 && canaries <= 205);
    assert_null(serve_registry_acquire_shadow(registry, "m", "", 0));
    label("m", "3", SERVE_LABEL_SHADOW, 0.5);
    for (int i = 0; i < 2000; i++) {
        char user[32];
        snprintf(user, sizeof user, "user-%d", i);
        serve_version *shadow = serve_registry_acquire_shadow(registry, "m", user, strlen(user));
        shadows += shadow != NULL;
        both += shadow && is_canary(user);
        if (shadow)
            assert_string_equal(shadow->version, "3");
        serve_registry_release(shadow);
    }
    /* Independent: a fifth of the half; deviations as above. */
    assert_true(abs(shadows - 1000) <= 112 && abs(both - 200) <= 67);
}

static void finds_versions_by_name(void **state)
{
    (void)state;
    activate("m", "1");
    activate("m", "2");
    label("m", "3", SERVE_LABEL_SHADOW, 0);
    for (const char *version = "123"; *version; version++) {
        const char name[] = {*version, '\0'};
        serve_version *found = serve_registry_acquire_version(registry, "m", name);
        assert_non_null(found);
        assert_string_equal(found->version, name);
        serve_version *again = serve_registry_retain(found);
        serve_version *same = serve_registry_acquire_number(registry, found->number);
        assert_ptr_equal(same, found);
        serve_registry_release(same);
        serve_registry_release(found);
        assert_string_equal(again->name, "m");
        serve_registry_release(again);
    }
    assert_null(serve_registry_acquire_version(registry, "m", "4"));
    assert_null(serve_registry_acquire_version(registry, "n", "1"));
    assert_null(serve_registry_acquire_number(registry, 0));
    assert_null(serve_registry_acquire_number(registry, UINT64_MAX));
}

/* What is pinned outlives its label, and the registry. */
static void keeps_what_is_pinned(void **state)
{
    (void)state;
    activate("m", "1");
    serve_version *pinned = serve_registry_acquire(registry, "m", "", 0, NULL);
    activate("m", "2");
    activate("m", "3");
    assert_string_equal(gone, "");
    serve_registry_free(registry);
    registry = NULL;
    assert_string_equal(gone, "32");
    sentiment_model_info info = {.struct_size = sizeof info};
    assert_int_equal(sentiment_model_get_info(pinned->model, &info, NULL), SENTIMENT_OK);
    assert_string_equal(pinned->version, "1");
    assert_string_equal(pinned->lineage, "[]");
    serve_registry_release(pinned);
    assert_string_equal(gone, "321");
}

/* ---------------------------------------------------------------- threads */

enum { THREADS = 3, SWAPS = 300 };
static _Atomic int done;

/* Each version's payload is 1 for as long as it lives. */
static void *request_much(void *wrong)
{
    uint64_t last = 0;
    while (!atomic_load(&done)) {
        serve_registry_label as = SERVE_LABELS;
        serve_version *version = serve_registry_acquire(registry, "m", "", 0, &as);
        serve_version *shadow = serve_registry_acquire_shadow(registry, "m", "", 0);
        if (!version || atomic_load((_Atomic int *)version->payload) != 1 ||
            (shadow && atomic_load((_Atomic int *)shadow->payload) != 1) ||
            (as == SERVE_LABEL_STABLE && version->number + 3 < last))
            *(int *)wrong += 1;
        if (version && version->number > last)
            last = version->number;
        serve_registry_release(shadow);
        serve_registry_release(version);
    }
    return NULL;
}

static void swaps_under_requests(void **state)
{
    (void)state;
    static _Atomic int alive[SWAPS + 1];
    pthread_t threads[THREADS];
    int wrong[THREADS] = {0};
    atomic_store(&done, 0);
    for (int i = 0; i <= SWAPS; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", i);
        serve_version *version = adopt("m", name);
        atomic_store(&alive[i], 1);
        version->payload = &alive[i];
        if (i % 4 == 3)
            serve_registry_set_label(registry, version, SERVE_LABEL_CANARY, 0.5, NULL);
        if (i % 4 == 2)
            serve_registry_set_label(registry, version, SERVE_LABEL_SHADOW, 0.5, NULL);
        assert_int_equal(serve_registry_activate(registry, version, NULL), SENTIMENT_OK);
        serve_registry_release(version);
        if (i % 5 == 4)
            assert_int_equal(serve_registry_rollback(registry, "m", NULL), SENTIMENT_OK);
        for (size_t t = 0; i == 0 && t < THREADS; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, request_much, &wrong[t]), 0);
    }
    atomic_store(&done, 1);
    for (size_t t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        assert_int_equal(wrong[t], 0);
    }
    /* Stable and previous are left. */
    assert_int_equal(atomic_load(&retired), SWAPS + 1 - 2);
    serve_registry_free(registry);
    registry = NULL;
    assert_int_equal(atomic_load(&retired), SWAPS + 1);
}

#define REGISTRY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REGISTRY_TEST(moves_labels),
        REGISTRY_TEST(gives_one_version_one_label),
        REGISTRY_TEST(refuses_what_makes_no_sense),
        REGISTRY_TEST(bounds_what_is_loaded),
        REGISTRY_TEST(keeps_users_where_they_are),
        REGISTRY_TEST(places_users_the_same_everywhere),
        REGISTRY_TEST(spreads_requests_without_user),
        REGISTRY_TEST(finds_versions_by_name),
        REGISTRY_TEST(keeps_what_is_pinned),
        REGISTRY_TEST(swaps_under_requests),
    };
    return cmocka_run_group_tests_name("serve registry", tests, NULL, NULL);
}
