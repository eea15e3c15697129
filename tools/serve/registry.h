/* SPDX-License-Identifier: Apache-2.0
 *
 * Models and their versions, as they lie in a folder (models/<name>/<version>/ with
 * a manifest.json) and as they take requests: stable, canary, shadow. A request
 * pins the version it runs on; a swap is one step, after which nobody starts on the
 * old one, and the old one stays for a rollback. Loading checks digests first; what
 * fails leaves what was serving. It starts no thread, makes no session and warms
 * nothing: that is the caller's, between load and activate. */
#ifndef TOOLS_SERVE_REGISTRY_H
#define TOOLS_SERVE_REGISTRY_H

#include <sentiment/sentiment.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a name or version: [A-Za-z0-9] first, then [A-Za-z0-9._-]. */
#define SERVE_REGISTRY_NAME_LIMIT 64
/* Models, and versions of all of them that are loaded at a time. */
#define SERVE_REGISTRY_MODELS 64
#define SERVE_REGISTRY_VERSIONS 256

typedef struct serve_registry serve_registry;

typedef enum serve_registry_label {
    SERVE_LABEL_STABLE,
    SERVE_LABEL_CANARY,
    SERVE_LABEL_SHADOW,
    SERVE_LABEL_PREVIOUS, /* the stable one before, for a rollback */
    SERVE_LABELS
} serve_registry_label;

/* "stable", "canary", "shadow", "previous". */
extern const char *const serve_registry_labels[SERVE_LABELS];

/* A loaded version. The fields never change while somebody holds a reference, but
 * `payload`, which is the caller's to set between load and its first label. */
typedef struct serve_version {
    uint64_t number; /* from 1, never used twice in a process */
    const char *name, *version;
    const char *format;  /* of the manifest: "safetensors", "folder" or "onnx" */
    const char *sha256;  /* of the file with the weights; "" if not known */
    const char *lineage; /* JSON array of the manifest, or failing that of the model */
    sentiment_model *model;
    void *payload;
} serve_version;

typedef struct serve_registry_options {
    const char *root; /* folder of models, copied; NULL: only serve_registry_adopt */
    /* Called once for each version when its last reference went, by whatever thread
     * gave that back, before the model is freed: for sessions, cache, metrics. Must
     * not call the registry. */
    void (*retire)(void *user, serve_version *version);
    void *user;
    const sentiment_cancel *cancel; /* checked while loading; NULL: none */
} serve_registry_options;

sentiment_status serve_registry_create(const serve_registry_options *options,
                                       serve_registry **registry, sentiment_error *error);
/* Gives back the references that labels hold. Versions that requests still pin live
 * until these are done. No other call may be running. NULL is fine. */
void serve_registry_free(serve_registry *registry);

/* Whether this may be the name of a model or version. */
bool serve_registry_is_name(const char *name, size_t size);

/* -------- the folder (any thread but those of event loops: these read files) */

typedef struct serve_registry_found {
    char name[SERVE_REGISTRY_NAME_LIMIT + 1], version[SERVE_REGISTRY_NAME_LIMIT + 1];
    /* SENTIMENT_OK: the manifest is good and its files exist; digests are left to
     * serve_registry_load. Else what is wrong. */
    sentiment_status status;
    char message[200];
} serve_registry_found;

/* What lies in the folder, by name, then by version (digits compared as numbers: 10
 * is above 9); an array to be freed. Entries with other names, hidden ones, files
 * and symbolic links are passed over. NOT_FOUND, IO or OUT_OF_MEMORY. */
sentiment_status serve_registry_scan(serve_registry *registry, serve_registry_found **found,
                                     size_t *count, sentiment_error *error);

/* What a model's labels.json wants, or failing that file: the highest good version
 * (in the order of a scan) as stable.
 * {"stable":"1","canary":{"version":"2","share":0.1},"shadow":{...}}. */
typedef struct serve_registry_plan {
    /* Empty: nothing has the label. PREVIOUS is not part of a plan. */
    char version[SERVE_LABEL_PREVIOUS][SERVE_REGISTRY_NAME_LIMIT + 1];
    double share[SERVE_LABEL_PREVIOUS]; /* stable: 1 */
} serve_registry_plan;

/* NOT_FOUND: no such model, or none of its versions is good; BAD_MODEL: a labels.json
 * that says something else. */
sentiment_status serve_registry_read_plan(serve_registry *registry, const char *name,
                                          serve_registry_plan *plan, sentiment_error *error);

/* Writes the labels as they are into the model's labels.json, so that a restart
 * finds them. NOT_FOUND, IO (also where there is no folder) or OUT_OF_MEMORY. */
sentiment_status serve_registry_save_plan(serve_registry *registry, const char *name,
                                          sentiment_error *error);

/* Reads the manifest, holds every file against its digest, loads the model. The
 * caller owns one reference and gives it back with serve_registry_release, also
 * after the version got a label. A version that is loaded already, with the same
 * digest, is handed out again (`*fresh` false). NOT_FOUND, IO, INVALID_ARGUMENT (a
 * name that is none), BAD_MODEL (manifest, digest, or the model itself), and what
 * sentiment_model_load returns. */
sentiment_status serve_registry_load(serve_registry *registry, const char *name,
                                     const char *version, serve_version **loaded, bool *fresh,
                                     sentiment_error *error);
/* The same for a model that did not come out of the folder (--model): takes a
 * reference of its own to `model`. */
sentiment_status serve_registry_adopt(serve_registry *registry, const char *name,
                                      const char *version, sentiment_model *model,
                                      serve_version **adopted, sentiment_error *error);

/* Writes the manifest of what lies in a version's folder: its only .safetensors file;
 * or model.pth, or its only .onnx file, with all files beside it. The model must load;
 * the lineage is the model's. An older manifest is replaced. As serve_registry_load,
 * and IO where the folder cannot be written to. */
sentiment_status serve_registry_make_manifest(serve_registry *registry, const char *name,
                                              const char *version, sentiment_error *error);

/* -------- labels (any thread; a short lock against requests) */

/* Makes the version stable; the stable one before becomes `previous`, and the one
 * that was `previous` is let go. The version's other labels are taken from it. One
 * that is stable already: nothing changes. */
sentiment_status serve_registry_activate(serve_registry *registry, serve_version *version,
                                         sentiment_error *error);
/* Swaps stable and previous, takes a canary out. NOT_FOUND: there is no previous. */
sentiment_status serve_registry_rollback(serve_registry *registry, const char *name,
                                         sentiment_error *error);
/* CANARY or SHADOW with its share of the requests, 0 to 1; replaces the version that
 * had the label. INVALID_ARGUMENT: another label or share, or a version that is
 * stable. */
sentiment_status serve_registry_set_label(serve_registry *registry, serve_version *version,
                                          serve_registry_label label, double share,
                                          sentiment_error *error);
/* Takes CANARY, SHADOW or PREVIOUS from whatever version has it. */
sentiment_status serve_registry_clear_label(serve_registry *registry, const char *name,
                                            serve_registry_label label, sentiment_error *error);
/* Lets go of a model with all its labels. NOT_FOUND. */
sentiment_status serve_registry_unload(serve_registry *registry, const char *name,
                                       sentiment_error *error);

/* One label that a version has. */
typedef struct serve_registry_state {
    char name[SERVE_REGISTRY_NAME_LIMIT + 1], version[SERVE_REGISTRY_NAME_LIMIT + 1];
    serve_registry_label label;
    double share; /* of requests; stable: what the canary leaves */
    uint64_t number;
    void *payload;
} serve_registry_state;

/* All labels, by model, then label; an array to be freed. One moment's truth. */
sentiment_status serve_registry_list(serve_registry *registry, serve_registry_state **states,
                                     size_t *count, sentiment_error *error);

/* -------- requests (any thread, hot path: no malloc, a lock that only writers share) */

/* Whom to answer. `name` NULL: the only model, or the first that was ever labelled.
 * The canary's share of users is sticky: a hash of model and user (FNV-1a, mixed;
 * the same in every process) falls below its share or not, and a larger share keeps
 * the users of a smaller one. Without a user (size 0) requests are spread evenly.
 * NULL: no such model. The version is pinned until serve_registry_release. `*label`
 * (may be NULL) is STABLE or CANARY. */
serve_version *serve_registry_acquire(serve_registry *registry, const char *name, const char *user,
                                      size_t user_size, serve_registry_label *label);
/* A version by name, whatever label it has; NULL: none with a label. */
serve_version *serve_registry_acquire_version(serve_registry *registry, const char *name,
                                              const char *version);
/* The version with that number, whatever label it has; NULL: none with a label. */
serve_version *serve_registry_acquire_number(serve_registry *registry, uint64_t number);
/* The shadow version that is to see this request too; NULL: none, or not in its
 * share. Sticky as above, by another hash. */
serve_version *serve_registry_acquire_shadow(serve_registry *registry, const char *name,
                                             const char *user, size_t user_size);
/* One more reference; returns `version`. */
serve_version *serve_registry_retain(serve_version *version);
/* Gives a reference back; from any thread. NULL is fine. */
void serve_registry_release(serve_version *version);

#endif
