/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment convert: load one format, save another. The target's name decides:
 * .safetensors is the native file, anything else a guide folder. */
#include "command.h"
#include "history.h"
#include "setup.h"

typedef struct convert_settings {
    bool allow_missing_crc;
} convert_settings;

static const option_spec own_options[] = {
    {.name = "allow-missing-crc",
     .kind = OPTION_FLAG,
     .offset = offsetof(convert_settings, allow_missing_crc),
     .help = "accept an archive whose writer left the checksums at zero"},
    {.name = NULL}};

static const command_help help = {
    .name = "convert",
    .arguments = "SRC DST",
    .summary = "Converts a model between a guide folder and a .safetensors file.",
    .details = "SRC is a file, or a folder with model.pth, tokenizer.json or tokenizer.pkl, and\n"
               "config.json. A DST ending in .safetensors is written as one native file, any\n"
               "other as a folder. A failure leaves what was there. What was done joins the\n"
               "lineage of the model; golden vectors must hold, and are made where there are\n"
               "none.",
    .arguments_min = 2,
    .arguments_max = 2};

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
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = setup_model_defaults();
    sentiment_save_options how = {.struct_size = sizeof how};
    sentiment_save_options_init(&how);
    options.allow_missing_crc = settings.allow_missing_crc;
    options.digest = 1;
    sentiment_model *model = NULL;
    if (sentiment_model_load(paths.items[0], &options, &model, &error) != SENTIMENT_OK) {
        message_error(&error);
        status = EXIT_FAILED;
    } else if (!history_save(model, paths.items[1], &given, json_pack("{s:s}", "action", "convert"),
                             &how)) {
        status = EXIT_FAILED;
    }
    sentiment_model_free(model);
    return status;
}
