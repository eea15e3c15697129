/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment verify: whether a model is whole and still answers as it did when it
 * was made. Nothing in the file is executed: a TorchScript program is not run. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "golden.h"
#include "setup.h"

typedef struct verify_settings {
    bool json;
} verify_settings;

static const option_spec own_options[] = {{.name = "json",
                                           .kind = OPTION_FLAG,
                                           .offset = offsetof(verify_settings, json),
                                           .help = "one JSON object"},
                                          {.name = NULL}};

static const command_help help = {
    .name = "verify",
    .arguments = "MODEL",
    .summary = "Checks that a model is whole and answers as it did when it was made.",
    .details = "structure  the files can be read, and fit together\n"
               "digest     the SHA-256 that the file states is that of its data\n"
               "golden     the texts in the metadata get the recorded ids and probabilities\n"
               "torch      the native engine and libtorch agree, where the plugin is there\n\n"
               "What cannot be checked is skipped and counts as passed. JSON fields: ok, checks\n"
               "(a list of name, ok, detail). The exit status is 1 if a check failed.",
    .arguments_min = 1,
    .arguments_max = 1};

enum { STRUCTURE, DIGEST, GOLDEN, TORCH, CHECKS };

static const char *const names[CHECKS] = {"structure", "digest", "golden", "torch"};

typedef struct check {
    bool ok, skipped;
    char detail[600];
} check;

/* "skipped: " and the reason; such a check counts as passed. */
__attribute__((format(printf, 2, 3))) static void skip(check *one, const char *format, ...)
{
    va_list arguments;
    int used = snprintf(one->detail, sizeof one->detail, "skipped: ");
    va_start(arguments, format);
    vsnprintf(one->detail + used, sizeof one->detail - (size_t)used, format, arguments);
    va_end(arguments);
    one->ok = one->skipped = true;
}

static sentiment_status load(const char *path, uint32_t digest, sentiment_model **model, check *one)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = setup_model_defaults();
    options.digest = digest;
    /* What there is to warn of was said when it was loaded without digests. */
    if (digest)
        options.log = NULL;
    sentiment_status status = sentiment_model_load(path, &options, model, &error);
    one->ok = status == SENTIMENT_OK;
    if (!one->ok)
        snprintf(one->detail, sizeof one->detail, "%s", error.message);
    return status;
}

static void check_structure(const sentiment_model_info *info, check *one)
{
    snprintf(one->detail, sizeof one->detail, "%s, %s, %llu weights, %llu words", info->format,
             option_choice_name(setup_precisions, info->precision),
             (unsigned long long)info->parameters, (unsigned long long)info->vocabulary_words);
}

/* Loads once more, now with a look at the digests. */
static void check_digest(const char *path, check *one)
{
    sentiment_model_info info = {.struct_size = sizeof info};
    sentiment_model *model = NULL;
    if (load(path, 1, &model, one) != SENTIMENT_OK)
        return;
    const char *stated = sentiment_model_get_metadata(model, "data_sha256");
    const char *maker = sentiment_model_get_metadata(model, "format");
    sentiment_model_get_info(model, &info, NULL);
    bool own_onnx = strcmp(info.format, "onnx") == 0 && maker && !strcmp(maker, "libsentiment");
    if (stated && (own_onnx || strcmp(info.format, "safetensors") == 0))
        snprintf(one->detail, sizeof one->detail, "the data has the SHA-256 that the file states");
    else
        skip(one, "the file states no digest; its SHA-256 is %s", info.sha256);
    sentiment_model_free(model);
}

static void check_golden(sentiment_model *model, const sentiment_model_info *info, check *one)
{
    if (!info->has_weights) {
        skip(one, "only libtorch can run this model");
        return;
    }
    golden_state state = golden_check(model, one->detail, sizeof one->detail);
    one->ok = state == GOLDEN_HOLD;
    if (state == GOLDEN_NONE)
        skip(one, "the model has no golden vectors");
}

static void check_torch(sentiment_model *model, const sentiment_model_info *info, check *one)
{
    char detail[500];
    bool same = false;
    if (info->has_script) {
        skip(one, "a TorchScript program is not run here");
        return;
    }
    if (info->precision != SENTIMENT_PRECISION_FP32) {
        skip(one, "libtorch runs fp32 models, this one is %s",
             option_choice_name(setup_precisions, info->precision));
        return;
    }
    sentiment_status status =
        golden_compare(model, SENTIMENT_ENGINE_TORCH, &same, detail, sizeof detail);
    one->ok = status == SENTIMENT_OK && same;
    if (status == SENTIMENT_ERROR_ENGINE_UNAVAILABLE)
        skip(one, "%s", detail);
    else
        snprintf(one->detail, sizeof one->detail, "%s", detail);
}

static void check_all(const char *path, check checks[CHECKS])
{
    sentiment_model_info info = {.struct_size = sizeof info};
    sentiment_model *model = NULL;
    if (load(path, 0, &model, &checks[STRUCTURE]) != SENTIMENT_OK) {
        for (size_t i = DIGEST; i < CHECKS; i++)
            skip(&checks[i], "the model cannot be loaded");
        return;
    }
    sentiment_model_get_info(model, &info, NULL);
    check_structure(&info, &checks[STRUCTURE]);
    check_digest(path, &checks[DIGEST]);
    check_golden(model, &info, &checks[GOLDEN]);
    check_torch(model, &info, &checks[TORCH]);
    sentiment_model_free(model);
}

static void print_json(const check checks[CHECKS], bool ok, emit *out)
{
    emit_open(out, '{');
    emit_key(out, "ok");
    emit_boolean(out, ok);
    emit_key(out, "checks");
    emit_open(out, '[');
    for (size_t i = 0; i < CHECKS; i++) {
        emit_open(out, '{');
        emit_key(out, "name");
        emit_name(out, names[i]);
        emit_key(out, "ok");
        emit_boolean(out, checks[i].ok);
        emit_key(out, "detail");
        emit_name(out, checks[i].detail);
        emit_close(out, '}');
    }
    emit_bytes(out, "]}\n", 3);
}

static const char *word_for(const check *one)
{
    if (one->skipped)
        return "skipped";
    return one->ok ? "ok" : "FAILED";
}

static void print_text(const check checks[CHECKS], emit *out)
{
    for (size_t i = 0; i < CHECKS; i++) {
        const char *detail = checks[i].detail + (checks[i].skipped ? strlen("skipped: ") : 0);
        emit_format(out, "%-10s  %-8s  ", names[i], word_for(&checks[i]));
        emit_text(out, detail, strlen(detail));
        emit_format(out, "\n");
    }
}

int command_verify(char **argv, emit *out)
{
    verify_settings settings = {0};
    const option_group groups[] = {{own_options, &settings}, {NULL, NULL}};
    command_arguments paths;
    check checks[CHECKS] = {0};
    size_t failed = 0;
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &paths, &status))
        return status;
    check_all(paths.items[0], checks);
    for (size_t i = 0; i < CHECKS; i++)
        failed += !checks[i].ok;
    if (settings.json)
        print_json(checks, failed == 0, out);
    else
        print_text(checks, out);
    if (failed == 0)
        return EXIT_DONE;
    message("%s: %zu of %d checks failed", paths.items[0], failed, (int)CHECKS);
    return EXIT_FAILED;
}
