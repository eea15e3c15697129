/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of the registry share: registry.c has versions, labels and
 * requests; registry_folder.c what lies on disk; registry_load.c the way from one
 * to the other. */
#ifndef TOOLS_SERVE_REGISTRY_PRIVATE_H
#define TOOLS_SERVE_REGISTRY_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "manifest.h"
#include "registry.h"

#define REGISTRY_NAME (SERVE_REGISTRY_NAME_LIMIT + 1)
/* Locks that requests take, one of them each; a change takes all. */
#define REGISTRY_STRIPES 16

/* What versions need when their registry is gone already. */
typedef struct registry_core {
    _Atomic size_t references; /* the registry and each version */
    _Atomic size_t versions;
    void (*retire)(void *user, serve_version *version);
    void *user;
} registry_core;

typedef struct registry_version {
    serve_version shown; /* first: what callers hold */
    _Atomic size_t references;
    registry_core *core;
    char name[REGISTRY_NAME], version[REGISTRY_NAME];
    char format[16], sha256[65];
    char fingerprint[65]; /* of all its files; "" where it has none */
    char *lineage;
} registry_version;

typedef struct registry_model {
    char name[REGISTRY_NAME];
    registry_version *versions[SERVE_LABELS]; /* NULL: none; a reference each */
    double shares[SERVE_LABELS];
} registry_model;

typedef struct registry_stripe {
    _Alignas(64) pthread_mutex_t lock;
} registry_stripe;

struct serve_registry {
    registry_core *core;
    char *root; /* NULL: no folder */
    const sentiment_cancel *cancel;
    pthread_mutex_t admin; /* held by whoever changes or lists the models */
    size_t model_count;    /* the models: read under `admin` or one stripe */
    registry_model models[SERVE_REGISTRY_MODELS];
    registry_stripe stripes[REGISTRY_STRIPES];
};

/* Takes over `model`, and `lineage` (NULL: "[]"). With one reference. NULL: the reason is in
 * `error`, and both are still the caller's. */
registry_version *registry_version_make(serve_registry *registry, const char *name,
                                        const char *version, sentiment_model *model, char *lineage,
                                        sentiment_error *error);
/* Refuses what is no name. */
sentiment_status registry_check_name(const char *name, sentiment_error *error);
/* Under `admin` or a stripe. NULL for `name`: the first model. */
registry_model *registry_model_find(serve_registry *registry, const char *name);
/* A version with a label and that fingerprint, with a reference; NULL: there is none. */
registry_version *registry_find(serve_registry *registry, const char *name, const char *version,
                                const char *fingerprint);

/* Reads and checks the manifest in an open folder of a version. */
sentiment_status registry_manifest_read(int folder, const char *name, const char *version,
                                        serve_manifest *manifest, sentiment_error *error);
/* Reads labels.json of the model `name`; what is in `plan` after a failure means nothing. */
sentiment_status registry_plan_parse(const char *text, size_t size, const char *name,
                                     serve_registry_plan *plan, sentiment_error *error);

#endif
