/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared options, the default model and sessions. */
#include "setup.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const option_choice setup_engines[] = {{"auto", SENTIMENT_ENGINE_AUTO},
                                       {"native", SENTIMENT_ENGINE_NATIVE},
                                       {"torch", SENTIMENT_ENGINE_TORCH},
                                       {NULL, 0}};
const option_choice setup_precisions[] = {
    {"fp32", SENTIMENT_PRECISION_FP32}, {"int8", SENTIMENT_PRECISION_INT8}, {NULL, 0}};
const option_choice setup_paddings[] = {
    {"none", SENTIMENT_PADDING_NONE}, {"max_length", SENTIMENT_PADDING_MAX_LENGTH}, {NULL, 0}};
const option_choice setup_tokenizers[] = {{"whitespace", SENTIMENT_TOKENIZER_WHITESPACE},
                                          {"words", SENTIMENT_TOKENIZER_WORDS},
                                          {NULL, 0}};
const option_choice setup_tokenizer_kinds[] = {
    {"whitespace", SENTIMENT_TOKENIZER_WHITESPACE},
    {"words", SENTIMENT_TOKENIZER_WORDS},
    {"huggingface", SENTIMENT_TOKENIZER_HUGGINGFACE},
    {NULL, 0}};
static const option_choice isas[] = {{"auto", SENTIMENT_ISA_AUTO},
                                     {"c", SENTIMENT_ISA_C},
                                     {"avx2", SENTIMENT_ISA_AVX2},
                                     {"avx512", SENTIMENT_ISA_AVX512},
                                     {"neon", SENTIMENT_ISA_NEON},
                                     {NULL, 0}};
static const option_choice utf8_policies[] = {
    {"strict", SENTIMENT_UTF8_STRICT}, {"replace", SENTIMENT_UTF8_REPLACE}, {NULL, 0}};

const option_spec setup_model_options[] = {
    {.name = "model",
     .kind = OPTION_STRING,
     .offset = offsetof(setup, model),
     .argument = "PATH",
     .help = "model file or folder; else $SENTIMENT_MODEL, else the bundled model"},
    {.name = NULL}};

const option_spec setup_engine_options[] = {{.name = "engine",
                                             .kind = OPTION_CHOICE,
                                             .offset = offsetof(setup, engine),
                                             .choices = setup_engines,
                                             .help = "what runs the model"},
                                            {.name = NULL}};

const option_spec setup_compute_options[] = {
    {.name = "precision",
     .kind = OPTION_CHOICE,
     .offset = offsetof(setup, precision),
     .choices = setup_precisions,
     .help = "arithmetic; default: that of the model's weights"},
    {.name = "isa",
     .kind = OPTION_CHOICE,
     .offset = offsetof(setup, isa),
     .choices = isas,
     .help = "best instruction set that the native engine may use"},
    {.name = "threads",
     .kind = OPTION_U32,
     .offset = offsetof(setup, threads),
     .argument = "N",
     .low = 0,
     .high = 1024,
     .help = "threads for batches and long texts; 0: all"},
    {.name = "device",
     .kind = OPTION_STRING,
     .offset = offsetof(setup, device),
     .argument = "DEVICE",
     .help = "torch engine: cpu, cuda or cuda:N"},
    {.name = NULL}};

const option_spec setup_length_options[] = {{.name = "max-length",
                                             .kind = OPTION_U32,
                                             .offset = offsetof(setup, max_length),
                                             .argument = "N",
                                             .low = 1,
                                             .high = 65536,
                                             .help = "tokens used of a text; default: the model's"},
                                            {.name = NULL}};

const option_spec setup_utf8_options[] = {
    {.name = "utf8",
     .kind = OPTION_CHOICE,
     .offset = offsetof(setup, utf8_policy),
     .choices = utf8_policies,
     .help = "bytes that are not UTF-8: an error, or read as U+FFFD"},
    {.name = NULL}};

static void print_warning(void *user, int32_t level, const char *text)
{
    (void)user;
    if (level >= SENTIMENT_LOG_WARNING)
        message("warning: %s", text);
}

sentiment_model_options setup_model_defaults(void)
{
    sentiment_model_options options = {.struct_size = sizeof options};
    sentiment_model_options_init(&options);
    options.log = print_warning;
    return options;
}

/* The default model's path into `path`; false: nowhere, with a message. */
static bool find_default(char *path, size_t size)
{
    sentiment_error error = {.struct_size = sizeof error};
    size_t length = 0;
    if (sentiment_model_find_default(path, size, &length, &error) == SENTIMENT_OK)
        return true;
    message("--model was not given: %s", error.message);
    return false;
}

bool setup_model_path(const setup *chosen, char *path, size_t size)
{
    if (!chosen->model)
        return find_default(path, size);
    int length = snprintf(path, size, "%s", chosen->model);
    if (length >= 0 && (size_t)length < size)
        return true;
    message("the path of the model is too long");
    return false;
}

sentiment_model *setup_load(const setup *chosen)
{
    char path[SETUP_PATH_BYTES];
    if (!setup_model_path(chosen, path, sizeof path))
        return NULL;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = setup_model_defaults();
    options.digest = chosen->digest;
    sentiment_model *model = NULL;
    if (sentiment_model_load(path, &options, &model, &error) != SENTIMENT_OK)
        message_error(&error);
    return model;
}

sentiment_session_options setup_session_options(const setup *chosen)
{
    sentiment_session_options options = {.struct_size = sizeof options};
    sentiment_session_options_init(&options);
    options.engine = chosen->engine;
    options.precision = chosen->precision;
    options.isa = chosen->isa;
    options.threads = chosen->threads ? chosen->threads : SENTIMENT_ALL_THREADS;
    options.device = chosen->device;
    options.max_length = chosen->max_length;
    options.utf8_policy = chosen->utf8_policy;
    return options;
}

sentiment_session *setup_session(sentiment_model *model, const sentiment_session_options *options)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_session *session = NULL;
    if (sentiment_session_create(model, options, &session, &error) != SENTIMENT_OK)
        message_error(&error);
    return session;
}

size_t setup_class_count(const sentiment_model *model)
{
    sentiment_model_info info = {.struct_size = sizeof info};
    return sentiment_model_get_info(model, &info, NULL) == SENTIMENT_OK ? info.num_classes : 0;
}

double setup_seconds(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
