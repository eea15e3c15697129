/* SPDX-License-Identifier: Apache-2.0
 *
 * See history.h. */
#include "history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "golden.h"

const option_spec history_options[] = {{.name = "name",
                                        .kind = OPTION_STRING,
                                        .offset = offsetof(history, name),
                                        .argument = "NAME",
                                        .help = "name of the model, for its metadata"},
                                       {.name = "model-version",
                                        .kind = OPTION_STRING,
                                        .offset = offsetof(history, version),
                                        .argument = "VERSION",
                                        .help = "version of the model, for its metadata"},
                                       {.name = NULL}};

/* Vectors to add to the model: *text is NULL where it has some, or cannot have
 * any. False: reported. */
static bool find_golden(sentiment_model *model, char **text)
{
    sentiment_model_info info = {.struct_size = sizeof info};
    char detail[512];
    *text = NULL;
    if (sentiment_model_get_info(model, &info, NULL) != SENTIMENT_OK || !info.has_weights)
        return true;
    switch (golden_check(model, detail, sizeof detail)) {
    case GOLDEN_HOLD:
        return true;
    case GOLDEN_NONE:
        *text = golden_make(model);
        return *text != NULL;
    case GOLDEN_BROKEN:
        break;
    }
    message("the model does not answer as its golden vectors say: %s", detail);
    return false;
}

/* NULL: reported. */
static char *metadata_of(const history *given, const char *golden)
{
    const struct {
        const char *key, *value;
    } entries[] = {{"name", given->name},
                   {"version", given->version},
                   {"baseline", given->baseline},
                   {GOLDEN_KEY, golden}};
    json_t *object = json_object();
    char *text = NULL;
    for (size_t i = 0; object && i < sizeof entries / sizeof *entries; i++) {
        json_t *value = entries[i].value ? json_string(entries[i].value) : NULL;
        if (entries[i].value && !value) {
            message("--name and --model-version must be UTF-8");
            json_decref(object);
            return NULL;
        }
        if (value)
            json_object_set_new(object, entries[i].key, value);
    }
    text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!text)
        message_no_memory();
    return text;
}

/* Reports a failure of saving at `path`, which may be `meant` with a suffix. */
static void blame(sentiment_error *error, const char *path, const char *meant)
{
    size_t length = strlen(path);
    if (meant && strncmp(error->message, path, length) == 0)
        memmove(error->message + strlen(meant), error->message + length,
                strlen(error->message + length) + 1);
    message_error(error);
}

bool history_save(sentiment_model *model, const char *path, const history *given, json_t *step,
                  const sentiment_save_options *options)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_save_options all = *options;
    char *lineage = step ? json_dumps(step, JSON_COMPACT) : NULL, *golden = NULL, *metadata = NULL;
    bool good = lineage != NULL;
    json_decref(step);
    if (!good)
        message_no_memory();
    good = good && find_golden(model, &golden);
    good = good && (metadata = metadata_of(given, golden)) != NULL;
    all.metadata_json = metadata;
    all.lineage_json = lineage;
    if (good && sentiment_model_save(model, path, &all, &error) != SENTIMENT_OK) {
        blame(&error, path, given->meant);
        good = false;
    }
    free(lineage);
    free(golden);
    free(metadata);
    return good;
}

/* Saves a tiny model there and cancels that: what is wrong with the name of the
 * file, the metadata or the date shows, and every file stays as it is. */
static bool rehearse(const char *path, const history *given)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_config config = {.struct_size = sizeof config};
    sentiment_save_options options = {.struct_size = sizeof options};
    sentiment_model *model = NULL;
    sentiment_cancel *cancel = NULL;
    char *metadata = metadata_of(given, NULL);
    if (!metadata)
        return false;
    sentiment_model_config_init(&config);
    config.vocab_size = config.embedding_dim = config.hidden_size = config.num_classes = 1;
    sentiment_save_options_init(&options);
    options.metadata_json = metadata;
    options.lineage_json = "{}";
    sentiment_status status = sentiment_cancel_create(&cancel, &error);
    if (status == SENTIMENT_OK)
        status = sentiment_model_create(&config, NULL, &model, &error);
    if (status == SENTIMENT_OK) {
        sentiment_cancel_request(cancel);
        options.cancel = cancel;
        status = sentiment_model_save(model, path, &options, &error);
    }
    bool good = status == SENTIMENT_ERROR_CANCELLED;
    if (!good)
        message_error(&error);
    sentiment_model_free(model);
    sentiment_cancel_free(cancel);
    free(metadata);
    return good;
}

bool history_can_save(const char *path, const history *given)
{
    char *copy = strdup(path);
    bool good = copy != NULL;
    if (!good) {
        message_no_memory();
        return false;
    }
    for (size_t size = strlen(copy); size > 1 && copy[size - 1] == '/'; size--)
        copy[size - 1] = 0;
    char *slash = strrchr(copy, '/');
    if (slash)
        slash[slash == copy] = 0;
    if (access(slash ? copy : ".", W_OK | X_OK) != 0) {
        message("%s: cannot write there: %s", path, strerror(errno));
        good = false;
    }
    free(copy);
    return good && rehearse(path, given);
}
