/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment info: what a model is, and for a person also what this library can
 * run it on. */
#include <string.h>

#include "command.h"
#include "info_history.h"
#include "setup.h"

typedef struct info_settings {
    bool json;
} info_settings;

static const option_spec own_options[] = {{.name = "json",
                                           .kind = OPTION_FLAG,
                                           .offset = offsetof(info_settings, json),
                                           .help = "one JSON object"},
                                          {.name = NULL}};

static const command_help help = {
    .name = "info",
    .arguments = "",
    .summary = "Shows a model: sizes, tokenizer, labels, digest, metadata, lineage.",
    .details = "Without --json also the version of the library and what engines it has."};

/* The numbers of a model, in the order of sentiment_model_info. */
typedef struct info_number {
    const char *key, *title;
    uint64_t value;
} info_number;

#define NUMBERS 9

static void list_numbers(const sentiment_model_info *info, info_number numbers[NUMBERS])
{
    const info_number all[NUMBERS] = {
        {"vocab_size", "rows of the embedding", info->vocab_size},
        {"embedding_dim", "embedding", info->embedding_dim},
        {"hidden_size", "hidden units", info->hidden_size},
        {"num_classes", "classes", info->num_classes},
        {"num_layers", "layers", info->num_layers},
        {"max_length", "max_length", info->max_length},
        {"parameters", "parameters", info->parameters},
        {"vocabulary_words", "words", info->vocabulary_words},
        {"memory_bytes", "bytes of memory", info->memory_bytes},
    };
    memcpy(numbers, all, sizeof all);
}

typedef struct info_name {
    const char *key, *value;
} info_name;

#define NAMES 4

static void list_names(const sentiment_model_info *info, info_name names[NAMES])
{
    const info_name all[NAMES] = {
        {"padding", option_choice_name(setup_paddings, info->padding)},
        {"precision", option_choice_name(setup_precisions, info->precision)},
        {"tokenizer", option_choice_name(setup_tokenizer_kinds, info->tokenizer)},
        {"format", info->format ? info->format : "unknown"},
    };
    memcpy(names, all, sizeof all);
}

static void print_optional(const char *key, const char *value, emit *out)
{
    emit_key(out, key);
    if (value)
        emit_name(out, value);
    else
        emit_null(out);
}

static void print_json(const sentiment_model *model, const sentiment_model_info *info, emit *out)
{
    info_number numbers[NUMBERS];
    info_name names[NAMES];
    list_numbers(info, numbers);
    list_names(info, names);
    emit_open(out, '{');
    for (size_t i = 0; i < NUMBERS; i++) {
        emit_key(out, numbers[i].key);
        emit_unsigned(out, numbers[i].value);
    }
    emit_key(out, "bidirectional");
    emit_boolean(out, info->bidirectional != 0);
    emit_key(out, "temperature");
    emit_float(out, info->temperature);
    for (size_t i = 0; i < NAMES; i++) {
        emit_key(out, names[i].key);
        emit_name(out, names[i].value);
    }
    print_optional("sha256", info->sha256, out);
    print_optional("tokenizer_ignored", info->tokenizer_ignored, out);
    emit_key(out, "has_script");
    emit_boolean(out, info->has_script != 0);
    emit_key(out, "has_weights");
    emit_boolean(out, info->has_weights != 0);
    emit_key(out, "labels");
    emit_open(out, '[');
    for (uint32_t i = 0; i < info->num_classes; i++)
        emit_name(out, sentiment_model_get_label(model, (int32_t)i));
    emit_close(out, ']');
    emit_key(out, "metadata");
    emit_open(out, '{');
    const char *key = NULL, *value = NULL;
    for (size_t i = 0; sentiment_model_get_metadata_at(model, i, &key, &value) == SENTIMENT_OK;
         i++) {
        emit_key(out, key);
        emit_name(out, value);
    }
    emit_bytes(out, "}}\n", 3);
}

static void print_line(emit *out, const char *title, const char *value)
{
    emit_format(out, "%-24s", title);
    emit_text(out, value, strlen(value));
    emit_format(out, "\n");
}

/* What the engine would run on, or why it cannot. To show a model must not execute
 * what is in it. */
static void print_engine(sentiment_model *model, const option_choice *engine, bool executes,
                         emit *out)
{
    sentiment_session_options options = {.struct_size = sizeof options};
    sentiment_session_info info = {.struct_size = sizeof info};
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_session *session = NULL;
    sentiment_session_options_init(&options);
    options.engine = engine->value;
    emit_format(out, "engine %-17s", engine->name);
    if (executes) {
        emit_format(out, "where asked for: it executes the TorchScript program in the file\n");
        return;
    }
    if (sentiment_session_create(model, &options, &session, &error) != SENTIMENT_OK ||
        sentiment_session_get_info(session, &info, &error) != SENTIMENT_OK) {
        emit_format(out, "no: ");
        emit_text(out, error.message, strlen(error.message));
    } else {
        emit_format(out, "yes: %s", info.isa_name ? info.isa_name : "");
    }
    emit_format(out, "\n");
    sentiment_session_free(session);
}

static void print_text(sentiment_model *model, const sentiment_model_info *info, emit *out)
{
    info_number numbers[NUMBERS];
    info_name names[NAMES];
    list_numbers(info, numbers);
    list_names(info, names);
    info_print_names(model, out);
    for (size_t i = 0; i < NAMES; i++)
        print_line(out, names[i].key, names[i].value);
    if (info->tokenizer_ignored)
        print_line(out, "tokenizer ignores", info->tokenizer_ignored);
    for (size_t i = 0; i < NUMBERS; i++)
        emit_format(out, "%-24s%llu\n", numbers[i].title, (unsigned long long)numbers[i].value);
    print_line(out, "bidirectional", info->bidirectional ? "yes" : "no");
    if (info->has_script)
        print_line(out, "TorchScript program",
                   info->has_weights ? "with the classifier's weights" : "of something else");
    emit_format(out, "%-24s%g\nlabels                  ", "temperature", (double)info->temperature);
    for (uint32_t i = 0; i < info->num_classes; i++) {
        const char *label = sentiment_model_get_label(model, (int32_t)i);
        emit_bytes(out, ", ", i ? 2 : 0);
        emit_text(out, label, strlen(label));
    }
    emit_format(out, "\n");
    print_line(out, "sha256", info->sha256 ? info->sha256 : "unknown");
    info_print_metadata(model, out);
    print_line(out, "library", sentiment_version());
    for (const option_choice *engine = setup_engines; engine->name; engine++)
        if (engine->value != SENTIMENT_ENGINE_AUTO)
            print_engine(model, engine,
                         info->has_script && engine->value == SENTIMENT_ENGINE_TORCH, out);
}

int command_info(char **argv, emit *out)
{
    setup chosen = SETUP_DEFAULTS;
    chosen.digest = 1;
    info_settings settings = {0};
    const option_group groups[] = {
        {setup_model_options, &chosen}, {own_options, &settings}, {NULL, NULL}};
    command_arguments none;
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &none, &status))
        return status;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_info info = {.struct_size = sizeof info};
    sentiment_model *model = setup_load(&chosen);
    if (!model)
        return EXIT_FAILED;
    if (sentiment_model_get_info(model, &info, &error) != SENTIMENT_OK) {
        message_error(&error);
        status = EXIT_FAILED;
    } else if (settings.json) {
        print_json(model, &info, out);
    } else {
        print_text(model, &info, out);
    }
    sentiment_model_free(model);
    return status;
}
