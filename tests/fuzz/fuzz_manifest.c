/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's files about models: a version's manifest.json, or with a switch a
 * model's labels.json. Whatever is read holds to the rules (names that lead nowhere
 * else, digests of 64 digits, no file twice), and written again it is read as the
 * same; what is refused leaves nothing behind. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "serve/registry_private.h"

enum { LABELS = 1 };

static void check_name(const char *name)
{
    FUZZ_CHECK(serve_registry_is_name(name, strlen(name)));
    FUZZ_CHECK(name[0] != '.' && !strchr(name, '/') && strlen(name) <= SERVE_REGISTRY_NAME_LIMIT);
}

static void check_file(const serve_manifest *manifest, size_t index)
{
    const serve_manifest_file *file = &manifest->files[index];
    check_name(file->name);
    FUZZ_CHECK(strcmp(file->name, SERVE_MANIFEST_NAME) != 0);
    FUZZ_CHECK(serve_manifest_lists(manifest, file->name));
    FUZZ_CHECK(strspn(file->sha256, "0123456789abcdef") == 64 && file->sha256[64] == '\0');
    for (size_t i = 0; i < index; i++)
        FUZZ_CHECK(strcmp(manifest->files[i].name, file->name) != 0);
}

/* The manifest as JSON of our own. */
static char *write_manifest(const serve_manifest *manifest)
{
    json_t *files = json_object();
    for (size_t i = 1; i < manifest->count; i++)
        json_object_set_new(files, manifest->files[i].name, json_string(manifest->files[i].sha256));
    json_t *object =
        json_pack("{s:s,s:s,s:s,s:o}", "format", manifest->format, "file", manifest->files[0].name,
                  "sha256", manifest->files[0].sha256, "files", files);
    if (manifest->name[0])
        json_object_set_new(object, "name", json_string(manifest->name));
    if (manifest->version[0])
        json_object_set_new(object, "version", json_string(manifest->version));
    if (manifest->lineage)
        json_object_set_new(object, "lineage", json_loads(manifest->lineage, 0, NULL));
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    FUZZ_CHECK(text != NULL);
    return text;
}

static void check_same(const serve_manifest *a, const serve_manifest *b)
{
    FUZZ_CHECK(a->count == b->count && memcmp(a->files, b->files, sizeof a->files) == 0);
    FUZZ_CHECK(strcmp(a->format, b->format) == 0 && strcmp(a->name, b->name) == 0);
    FUZZ_CHECK(strcmp(a->version, b->version) == 0 && !a->lineage == !b->lineage);
    FUZZ_CHECK(!a->lineage || strcmp(a->lineage, b->lineage) == 0);
}

static void check_empty(const serve_manifest *manifest)
{
    static const serve_manifest none;
    FUZZ_CHECK(manifest->count == none.count && manifest->lineage == none.lineage);
}

static sentiment_status attempt_manifest(fuzz_run *run)
{
    serve_manifest manifest, again;
    sentiment_status status =
        serve_manifest_parse((const char *)run->data, run->size, &manifest, &run->error);
    if (status) {
        check_empty(&manifest);
        return status;
    }
    FUZZ_CHECK(manifest.count >= 1 && manifest.count <= 1 + SERVE_MANIFEST_FILES);
    for (size_t i = 0; i < manifest.count; i++)
        check_file(&manifest, i);
    if (manifest.name[0])
        check_name(manifest.name);
    if (manifest.version[0])
        check_name(manifest.version);
    char *text = write_manifest(&manifest);
    fuzz_expect(run, serve_manifest_parse(text, strlen(text), &again, &run->error), __func__);
    check_same(&manifest, &again);
    free(text);
    serve_manifest_clear(&manifest);
    serve_manifest_clear(&again);
    check_empty(&manifest);
    return SENTIMENT_OK;
}

static sentiment_status attempt_labels(fuzz_run *run)
{
    serve_registry_plan plan;
    sentiment_status status =
        registry_plan_parse((const char *)run->data, run->size, "model", &plan, &run->error);
    if (status)
        return status;
    check_name(plan.version[SERVE_LABEL_STABLE]);
    FUZZ_CHECK(plan.share[SERVE_LABEL_STABLE] == 1);
    for (size_t label = SERVE_LABEL_CANARY; label < SERVE_LABEL_PREVIOUS; label++) {
        if (plan.version[label][0])
            check_name(plan.version[label]);
        FUZZ_CHECK(plan.share[label] >= 0 && plan.share[label] <= 1);
        FUZZ_CHECK(strcmp(plan.version[label], plan.version[SERVE_LABEL_STABLE]) != 0);
    }
    return SENTIMENT_OK;
}

static sentiment_status attempt(fuzz_run *run)
{
    return run->flags & LABELS ? attempt_labels(run) : attempt_manifest(run);
}

/* jansson's memory is its own: nothing of the harness' heap is used. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 0, 0};
    return fuzz_input(&target, data, size);
}
