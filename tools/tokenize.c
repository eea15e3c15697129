/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment tokenize: token ids, tokens and their byte offsets. A token is shown
 * as it stands in the text, or as the word of its id where a tokenizer.json says
 * what that is (##ing). It neither truncates nor adds special tokens. */
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "inputs.h"
#include "setup.h"

typedef struct tokenize_settings {
    bool json;
} tokenize_settings;

static const option_spec own_options[] = {{.name = "json",
                                           .kind = OPTION_FLAG,
                                           .offset = offsetof(tokenize_settings, json),
                                           .help = "one JSON object a line"},
                                          {.name = NULL}};

static const command_help help = {
    .name = "tokenize",
    .arguments = "[TEXT ...]",
    .summary = "Shows the tokens of texts. Without TEXT and --input: standard input.",
    .details = "Prints token/id, a text a line; an id of 0 is an unknown word, unless the\n"
               "model's tokenizer.json has another id for those. JSON fields:\n"
               "ids, tokens (as they stand in the text; the vocabulary's words where the\n"
               "model has a tokenizer.json), offsets (list of [start, end] in bytes). Nothing\n"
               "is truncated or added.",
    .arguments_max = SIZE_MAX};

typedef struct tokens {
    const tokenize_settings *settings;
    emit *out;
    sentiment_tokenizer *tokenizer;
    int32_t utf8_policy;
    bool show_words; /* of the vocabulary, not of the text */
    int32_t *ids;
    uint64_t *starts, *ends;
    size_t capacity, length;
} tokens;

static bool grow(tokens *work, size_t capacity)
{
    free(work->ids);
    free(work->starts);
    free(work->ends);
    work->ids = calloc(capacity, sizeof *work->ids);
    work->starts = calloc(capacity, sizeof *work->starts);
    work->ends = calloc(capacity, sizeof *work->ends);
    work->capacity = work->ids && work->starts && work->ends ? capacity : 0;
    return work->capacity > 0;
}

static void encode(tokens *work, const char *text, size_t size, record_error *error)
{
    sentiment_error reason = {.struct_size = sizeof reason};
    sentiment_status status = SENTIMENT_ERROR_BUFFER_TOO_SMALL;
    size_t wanted = work->capacity ? 0 : 256;
    while (status == SENTIMENT_ERROR_BUFFER_TOO_SMALL) {
        if (wanted > work->capacity && !grow(work, wanted)) {
            status = SENTIMENT_ERROR_OUT_OF_MEMORY;
            snprintf(reason.message, sizeof reason.message, "out of memory");
            break;
        }
        status = sentiment_tokenizer_encode(work->tokenizer, text, size, work->utf8_policy,
                                            work->capacity, work->ids, work->starts, work->ends,
                                            &work->length, &reason);
        wanted = work->length > work->capacity ? work->length : work->capacity + 1;
    }
    error->code = status;
    snprintf(error->message, sizeof error->message, "%.*s", (int)sizeof error->message - 1,
             reason.message);
}

/* Token `i` of a text, as it is shown. */
static const char *token_of(const tokens *work, const char *text, size_t i, size_t *size)
{
    const char *word;
    if (work->show_words && sentiment_tokenizer_get_word(work->tokenizer, work->ids[i], &word,
                                                         size) == SENTIMENT_OK)
        return word;
    *size = work->ends[i] - work->starts[i];
    return text + work->starts[i];
}

static void print_text(const tokens *work, const char *text)
{
    for (size_t i = 0; i < work->length; i++) {
        size_t size;
        const char *token = token_of(work, text, i, &size);
        emit_bytes(work->out, " ", i > 0);
        emit_text(work->out, token, size);
        emit_format(work->out, "/%ld", (long)work->ids[i]);
    }
    emit_format(work->out, "\n");
}

static void print_json(const tokens *work, const char *text)
{
    emit *out = work->out;
    emit_open(out, '{');
    emit_key(out, "ids");
    emit_open(out, '[');
    for (size_t i = 0; i < work->length; i++)
        emit_integer(out, work->ids[i]);
    emit_close(out, ']');
    emit_key(out, "tokens");
    emit_open(out, '[');
    for (size_t i = 0; i < work->length; i++) {
        size_t size;
        const char *token = token_of(work, text, i, &size);
        emit_string(out, token, size);
    }
    emit_close(out, ']');
    emit_key(out, "offsets");
    emit_open(out, '[');
    for (size_t i = 0; i < work->length; i++) {
        emit_open(out, '[');
        emit_unsigned(out, work->starts[i]);
        emit_unsigned(out, work->ends[i]);
        emit_close(out, ']');
    }
    emit_bytes(out, "]}\n", 3);
}

static bool handle(void *user, chunk *records)
{
    tokens *work = user;
    for (size_t i = 0; i < records->count; i++) {
        const char *text = records->text + records->offsets[i];
        record_error *error = &records->errors[i];
        if (error->code == SENTIMENT_OK)
            encode(work, text, records->offsets[i + 1] - records->offsets[i], error);
        if (error->code != SENTIMENT_OK)
            inputs_emit_error(work->out, work->settings->json, error);
        else if (work->settings->json)
            print_json(work, text);
        else
            print_text(work, text);
    }
    return true;
}

static bool has_tokenizer_json(const sentiment_model *model)
{
    sentiment_model_info info = {.struct_size = sizeof info};
    return sentiment_model_get_info(model, &info, NULL) == SENTIMENT_OK &&
           info.tokenizer == SENTIMENT_TOKENIZER_HUGGINGFACE;
}

int command_tokenize(char **argv, emit *out)
{
    setup chosen = SETUP_DEFAULTS;
    inputs from = {.eager = true};
    tokenize_settings settings = {0};
    const option_group groups[] = {{setup_model_options, &chosen},
                                   {setup_utf8_options, &chosen},
                                   {inputs_options, &from},
                                   {own_options, &settings},
                                   {NULL, NULL}};
    command_arguments texts;
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &texts, &status))
        return status;
    if (texts.count > 0 && from.path)
        return options_wrong(&help, "TEXT and --input exclude each other");
    sentiment_model *model = setup_load(&chosen);
    if (!model)
        return EXIT_FAILED;
    tokens work = {.settings = &settings, .out = out, .utf8_policy = chosen.utf8_policy};
    work.tokenizer = sentiment_model_get_tokenizer(model);
    work.show_words = has_tokenizer_json(model);
    sentiment_model_free(model);
    status = inputs_run(&from, &texts, out, handle, &work);
    free(work.ids);
    free(work.starts);
    free(work.ends);
    sentiment_tokenizer_free(work.tokenizer);
    return status;
}
