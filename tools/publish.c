/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment publish: a model becomes a version in the folder that `sentiment serve
 * --models` reads: a native file with its name, version, lineage and drift baseline,
 * and a manifest with its digest. The manifest comes last: until then no server
 * takes the folder for a version. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "baseline.h"
#include "command.h"
#include "history.h"
#include "serve/registry.h"
#include "setup.h"

#define FILE_NAME "/model.safetensors"

typedef struct publish_settings {
    const char *texts;
} publish_settings;

static const option_spec own_options[] = {
    {.name = "texts",
     .kind = OPTION_STRING,
     .offset = offsetof(publish_settings, texts),
     .argument = "FILE",
     .help = "texts like those to come: a baseline for drift (.tsv, .jsonl, lines)"},
    {.name = NULL}};

static const command_help help = {
    .name = "publish",
    .arguments = "SRC DIR/NAME/VERSION",
    .summary = "Puts a model into the folder of a server, as a new version.",
    .details = "DIR/NAME is made where it is missing; VERSION must be new. What is written:\n"
               "model.safetensors, with name and version, one more step of its lineage, and\n"
               "with --texts the distributions that the server holds its answers against; and\n"
               "manifest.json with the SHA-256, which a server checks before it loads. A server\n"
               "takes the highest version, or the one that labels.json names, when it is told\n"
               "to reload.",
    .arguments_min = 2,
    .arguments_max = 2};

/* DIR, NAME and VERSION of the target, in one block; `root` is what to free. */
typedef struct target {
    char *root, *name, *version;
    char *folder; /* DIR/NAME/VERSION */
    char *file;
    bool made; /* the version's folder is new */
} target;

static void free_target(target *of)
{
    free(of->root);
    free(of->folder);
    free(of->file);
}

/* Cuts the last part off a path; NULL: there is none. */
static char *cut_last(char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return NULL;
    *slash = '\0';
    return slash + 1;
}

static bool split(const char *path, target *of)
{
    of->root = strdup(path);
    if (!of->root)
        return false;
    of->version = cut_last(of->root);
    of->name = of->version ? cut_last(of->root) : NULL;
    if (!of->name || !serve_registry_is_name(of->name, strlen(of->name)) ||
        !serve_registry_is_name(of->version, strlen(of->version)))
        return true;
    size_t size = strlen(path) + sizeof FILE_NAME + 2;
    of->folder = malloc(size);
    of->file = malloc(size);
    if (!of->folder || !of->file)
        return false;
    snprintf(of->folder, size, "%s/%s/%s", of->root, of->name, of->version);
    snprintf(of->file, size, "%s" FILE_NAME, of->folder);
    return true;
}

/* DIR is there already; NAME may be, VERSION must not. */
static bool make_folders(target *of)
{
    char *slash = of->folder + strlen(of->root) + 1 + strlen(of->name);
    *slash = '\0';
    bool good = mkdir(of->folder, 0755) == 0 || errno == EEXIST;
    if (!good)
        message("%s: %s", of->folder, strerror(errno));
    *slash = '/';
    if (!good)
        return false;
    of->made = mkdir(of->folder, 0755) == 0;
    if (!of->made && errno == EEXIST)
        message("%s: there is such a version already", of->folder);
    else if (!of->made)
        message("%s: %s", of->folder, strerror(errno));
    return of->made;
}

static bool write_manifest(const target *of)
{
    sentiment_error error = {.struct_size = sizeof error};
    const serve_registry_options options = {.root = of->root};
    serve_registry *registry = NULL;
    sentiment_status status = serve_registry_create(&options, &registry, &error);
    if (!status)
        status = serve_registry_make_manifest(registry, of->name, of->version, &error);
    if (status)
        message_error(&error);
    serve_registry_free(registry);
    return status == SENTIMENT_OK;
}

static bool write_version(sentiment_model *model, target *of, const char *baseline)
{
    const history given = {.name = of->name, .version = of->version, .baseline = baseline};
    sentiment_save_options options = {.struct_size = sizeof options};
    sentiment_save_options_init(&options);
    if (!make_folders(of))
        return false;
    json_t *step = json_pack("{s:s}", "action", "publish");
    if (history_save(model, of->file, &given, step, &options) && write_manifest(of))
        return true;
    /* The name of the version is free again. */
    unlink(of->file);
    rmdir(of->folder);
    return false;
}

static int publish(const char *source, target *of, const char *texts, emit *out)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = setup_model_defaults();
    sentiment_model *model = NULL;
    size_t count = 0, skipped = 0;
    options.digest = 1;
    if (sentiment_model_load(source, &options, &model, &error) != SENTIMENT_OK) {
        message_error(&error);
        return EXIT_FAILED;
    }
    char *baseline = texts ? baseline_make(model, texts, &count, &skipped) : NULL;
    bool good = (!texts || baseline) && write_version(model, of, baseline);
    if (good && skipped)
        message("note: %zu texts could not be classified", skipped);
    if (good && texts)
        emit_format(out, "%s, with a baseline of %zu texts\n", of->file, count);
    else if (good)
        emit_format(out, "%s\n", of->file);
    free(baseline);
    sentiment_model_free(model);
    return good ? EXIT_DONE : EXIT_FAILED;
}

int command_publish(char **argv, emit *out)
{
    publish_settings settings = {0};
    const option_group groups[] = {{own_options, &settings}, {NULL, NULL}};
    command_arguments paths;
    target of = {0};
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &paths, &status))
        return status;
    if (!split(paths.items[1], &of))
        status = message_no_memory();
    else if (!of.folder)
        status = options_wrong(&help, "'%s' is not DIR/NAME/VERSION (names of A-Z a-z 0-9 . _ -)",
                               paths.items[1]);
    else
        status = publish(paths.items[0], &of, settings.texts, out);
    free_target(&of);
    return status;
}
