/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment convert: load one format, save another. The target's name decides:
 * .safetensors is the native file, .onnx an ONNX model, anything else a guide
 * folder. An ONNX model gets its name when the official checker has seen it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "history.h"
#include "setup.h"

/* Stands behind the target's name, with the process's number, until the check is over. */
#define UNCHECKED ".unchecked-"

typedef struct convert_settings {
    bool allow_missing_crc;
    bool no_check;
    uint32_t opset;
} convert_settings;

static const option_spec own_options[] = {
    {.name = "allow-missing-crc",
     .kind = OPTION_FLAG,
     .offset = offsetof(convert_settings, allow_missing_crc),
     .help = "accept an archive whose writer left the checksums at zero"},
    {.name = "opset",
     .kind = OPTION_U32,
     .offset = offsetof(convert_settings, opset),
     .argument = "N",
     .low = 11,
     .high = 20,
     .help = "ONNX: version of the operator set, 11 to 20; default: 17"},
    {.name = "no-check",
     .kind = OPTION_FLAG,
     .offset = offsetof(convert_settings, no_check),
     .help = "ONNX: leave out the official checker"},
    {.name = NULL}};

static const command_help help = {
    .name = "convert",
    .arguments = "SRC DST",
    .summary = "Converts a model between a guide folder, .safetensors and .onnx.",
    .details = "SRC is a file (a TorchScript archive too, where it holds the classifier), or a\n"
               "folder with model.pth, tokenizer.json or tokenizer.pkl, and config.json. A DST\n"
               "ending in .safetensors is written as one native file, one in .onnx as an ONNX\n"
               "model that the official checker accepts, any other as a folder.\n"
               "A failure leaves what was there. What was done joins the lineage of the model;\n"
               "golden vectors must hold, and are made where there are none.",
    .arguments_min = 2,
    .arguments_max = 2};

static bool is_onnx(const char *path)
{
    size_t length = strlen(path);
    return length >= 5 && strcmp(path + length - 5, ".onnx") == 0;
}

/* Whether the file `aside` may become `path`: the checker accepts it, or cannot judge. */
static bool check(const char *aside, const char *path)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_status status = sentiment_onnx_check(aside, &error);
    size_t length = strlen(aside);
    bool named = strncmp(error.message, aside, length) == 0 && error.message[length] == ':';
    const char *reason = named ? error.message + length + 2 : error.message;
    if (status == SENTIMENT_OK)
        return true;
    if (status == SENTIMENT_ERROR_ENGINE_UNAVAILABLE || status == SENTIMENT_ERROR_UNSUPPORTED) {
        message("note: %s: written without a check: %s", path, reason);
        return true;
    }
    message("%s: not written: %s", path, reason);
    return false;
}

/* Saves aside, checks, renames: what stands at `path` stays until then. */
static bool save_checked(sentiment_model *model, const char *path, history *given, json_t *step,
                         sentiment_save_options *how)
{
    size_t size = strlen(path) + sizeof UNCHECKED + 20;
    char *aside = malloc(size);
    if (!aside) {
        json_decref(step);
        message_no_memory();
        return false;
    }
    snprintf(aside, size, "%s%s%ld", path, UNCHECKED, (long)getpid());
    how->format = SENTIMENT_FORMAT_ONNX;
    given->meant = path;
    bool good = history_save(model, aside, given, step, how);
    if (good && !check(aside, path)) {
        remove(aside);
        good = false;
    } else if (good && rename(aside, path) != 0) {
        message("%s: cannot be written: %s", path, strerror(errno));
        remove(aside);
        good = false;
    }
    free(aside);
    return good;
}

int command_convert(char **argv, emit *out)
{
    convert_settings settings = {0};
    history given = {0};
    const option_group groups[] = {
        {own_options, &settings}, {history_options, &given}, {NULL, NULL}};
    command_arguments paths;
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &paths, &status))
        return status;
    const char *target = paths.items[1];
    if (!is_onnx(target) && (settings.opset || settings.no_check))
        return options_wrong(&help, "--opset and --no-check go with a DST ending in .onnx");
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = setup_model_defaults();
    sentiment_save_options how = {.struct_size = sizeof how};
    sentiment_save_options_init(&how);
    how.opset = settings.opset;
    options.allow_missing_crc = settings.allow_missing_crc;
    options.digest = 1;
    sentiment_model *model = NULL;
    if (sentiment_model_load(paths.items[0], &options, &model, &error) != SENTIMENT_OK) {
        message_error(&error);
        return EXIT_FAILED;
    }
    json_t *step = json_pack("{s:s}", "action", "convert");
    bool checked = is_onnx(target) && !settings.no_check;
    if (checked ? !save_checked(model, target, &given, step, &how)
                : !history_save(model, target, &given, step, &how))
        status = EXIT_FAILED;
    sentiment_model_free(model);
    return status;
}
