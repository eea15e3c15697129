/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment optimize, the guide's optimize_for_production: a model in int8, and
 * what that costs and gains. The file is written last, when everything else has
 * worked. */
#include "optimize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench.h"
#include "command.h"
#include "examine.h"
#include "history.h"

/* Rows of random ids of one call: a gigabyte. */
#define IDS_MOST (1u << 28)
/* Tokens of a row where the model takes more: as many as the guide's. */
#define LENGTH_MOST 512

typedef struct optimize_settings {
    const char *source, *target;
    const char *test;
    uint32_t batch, length, threads;
    double seconds;
    bool json;
    history history;
} optimize_settings;

static const option_spec own_options[] = {
    {.name = "test",
     .kind = OPTION_STRING,
     .offset = offsetof(optimize_settings, test),
     .argument = "TSV",
     .help = "labelled texts to measure both models on"},
    {.name = "batch",
     .kind = OPTION_U32,
     .offset = offsetof(optimize_settings, batch),
     .argument = "B",
     .low = 1,
     .high = 1048576,
     .help = "rows of a timed call"},
    {.name = "length",
     .kind = OPTION_U32,
     .offset = offsetof(optimize_settings, length),
     .argument = "T",
     .low = 1,
     .high = 65536,
     .help = "tokens of a row; default: the model's max_length, at most 512"},
    {.name = "threads",
     .kind = OPTION_U32,
     .offset = offsetof(optimize_settings, threads),
     .argument = "N",
     .low = 0,
     .high = 1024,
     .help = "threads for batches and long texts; 0: all"},
    {.name = "seconds",
     .kind = OPTION_DOUBLE,
     .offset = offsetof(optimize_settings, seconds),
     .argument = "S",
     .low = 0.001,
     .high = 3600,
     .help = "least time of repetitions for each model"},
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(optimize_settings, json),
     .help = "one JSON object"},
    {.name = NULL}};

static const command_help help = {
    .name = "optimize",
    .arguments = "SRC DST",
    .summary = "Quantizes a model to int8, measures both, and saves the new one.",
    .details = "DST is a .safetensors file, some quarter of the size. Both models are timed on\n"
               "the same random token ids in one run, taking turns.\n"
               "JSON fields: original and optimized (each bytes, median_seconds, and with --test\n"
               "accuracy, macro_f1), speedup, disagreements (texts with different answers; null\n"
               "without --test). The new model gets golden vectors of its own.",
    .arguments_min = 2,
    .arguments_max = 2};

/* The two models side by side. */
typedef struct pair {
    sentiment_model *models[OPTIMIZE_SIDES];
    sentiment_model_info info; /* of the original */
} pair;

static bool load_and_quantize(const optimize_settings *settings, pair *both)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = setup_model_defaults();
    options.digest = 1;
    both->info.struct_size = sizeof both->info;
    if (sentiment_model_load(settings->source, &options, &both->models[ORIGINAL], &error) ||
        sentiment_model_get_info(both->models[ORIGINAL], &both->info, &error)) {
        message_error(&error);
        return false;
    }
    if (sentiment_model_quantize(both->models[ORIGINAL], &options, &both->models[OPTIMIZED],
                                 &error)) {
        message("%s: %s", settings->source, error.message);
        return false;
    }
    return true;
}

/* --------------------------------------------------------------- measuring */

static sentiment_session_options session_options(const optimize_settings *settings)
{
    setup chosen = {.engine = SENTIMENT_ENGINE_NATIVE, .threads = settings->threads};
    return setup_session_options(&chosen);
}

/* Exactly `length` tokens a row: no padding, no shortcut over a settled tail. */
static bool measure_speed(const optimize_settings *settings, const pair *both,
                          optimize_report *report)
{
    bench_rows rows = {0};
    bench_run runs[OPTIMIZE_SIDES] = {0};
    sentiment_session_options options = session_options(settings);
    options.max_length = report->length;
    options.padding = SENTIMENT_PADDING_NONE;
    options.disable_settled_tail = 1;
    bool good = bench_rows_create(&rows, settings->batch, report->length, both->info.vocab_size, 1);
    if (!good)
        message_no_memory();
    for (size_t i = 0; good && i < OPTIMIZE_SIDES; i++)
        good = bench_run_create(&runs[i], both->models[i], rows.count, &options);
    good = good && bench_measure(runs, OPTIMIZE_SIDES, &rows, settings->seconds);
    for (size_t i = 0; i < OPTIMIZE_SIDES; i++) {
        report->median_seconds[i] = bench_median(&runs[i]);
        report->calls[i] = runs[i].calls;
        report->threads = runs[i].info.threads;
        bench_run_free(&runs[i]);
    }
    bench_rows_free(&rows);
    return good;
}

static bool score(const examiner *work, optimize_report *report)
{
    class_scores *each = calloc(work->names.count, sizeof *each);
    if (!each) {
        message_no_memory();
        return false;
    }
    for (size_t i = 0; i < OPTIMIZE_SIDES; i++)
        report->scores[i] = scores_compute(work->models[i].matrix, work->names.count, each);
    free(each);
    report->texts = work->texts;
    report->disagreements = work->disagreements;
    report->tested = true;
    return true;
}

static bool measure_quality(const optimize_settings *settings, const pair *both,
                            optimize_report *report)
{
    sentiment_session_options options = session_options(settings);
    sentiment_session *sessions[OPTIMIZE_SIDES] = {0};
    examiner *work = NULL;
    bool good = true;
    for (size_t i = 0; good && i < OPTIMIZE_SIDES; i++)
        good = (sessions[i] = setup_session(both->models[i], &options)) != NULL;
    good = good && (work = examiner_create(both->models[ORIGINAL], sessions, OPTIMIZE_SIDES));
    good = good && examiner_run(work, settings->test) && score(work, report);
    examiner_free(work);
    for (size_t i = 0; i < OPTIMIZE_SIDES; i++)
        sentiment_session_free(sessions[i]);
    return good;
}

/* ------------------------------------------------------------------ sizes */

/* Bytes of a file, 0 where there is none. */
static uint64_t bytes_of(const char *folder, const char *name)
{
    char path[4096];
    struct stat status;
    int length = snprintf(path, sizeof path, "%s%s%s", folder, *name ? "/" : "", name);
    if (length < 0 || (size_t)length >= sizeof path || stat(path, &status) != 0)
        return 0;
    return S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
}

/* A folder counts by the files of it that are read. */
static uint64_t model_bytes(const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
        return (uint64_t)status.st_size;
    uint64_t tokenizer = bytes_of(path, "tokenizer.json");
    return bytes_of(path, "model.pth") + bytes_of(path, "config.json") +
           (tokenizer ? tokenizer : bytes_of(path, "tokenizer.pkl"));
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat left, right;
    return strcmp(a, b) == 0 || (stat(a, &left) == 0 && stat(b, &right) == 0 &&
                                 left.st_dev == right.st_dev && left.st_ino == right.st_ino);
}

static bool has_ending(const char *text, const char *ending)
{
    size_t length = strlen(text), tail = strlen(ending);
    return length > tail && strcmp(text + length - tail, ending) == 0;
}

/* -------------------------------------------------------------------- run */

static bool save(const optimize_settings *settings, const pair *both)
{
    sentiment_save_options options = {.struct_size = sizeof options};
    sentiment_save_options_init(&options);
    /* Said here, whatever the new model remembers of the old one. */
    json_t *step =
        json_pack("{s:s, s:s, s:s, s:s}", "action", "optimize", "precision", "int8",
                  "parent_sha256", both->info.sha256, "parent_format", both->info.format);
    return history_save(both->models[OPTIMIZED], settings->target, &settings->history, step,
                        &options);
}

static bool optimize(const optimize_settings *settings, optimize_report *report)
{
    pair both = {0};
    bool good = history_can_save(settings->target, &settings->history) &&
                load_and_quantize(settings, &both);
    report->batch = settings->batch;
    report->length = settings->length;
    if (!report->length)
        report->length = both.info.max_length < LENGTH_MOST ? both.info.max_length : LENGTH_MOST;
    if (good && (uint64_t)report->batch * report->length > IDS_MOST) {
        message("--batch times --length is beyond %u", IDS_MOST);
        good = false;
    }
    /* First what can fail by the caller's input. */
    good = good && (!settings->test || measure_quality(settings, &both, report));
    good = good && measure_speed(settings, &both, report);
    good = good && save(settings, &both);
    if (good) {
        report->bytes[ORIGINAL] = model_bytes(settings->source);
        report->bytes[OPTIMIZED] = model_bytes(settings->target);
    }
    for (size_t i = 0; i < OPTIMIZE_SIDES; i++)
        sentiment_model_free(both.models[i]);
    return good;
}

int command_optimize(char **argv, emit *out)
{
    optimize_settings settings = {.batch = 1, .threads = 1, .seconds = 1};
    optimize_report report = {0};
    const option_group groups[] = {
        {own_options, &settings}, {history_options, &settings.history}, {NULL, NULL}};
    command_arguments paths;
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &paths, &status))
        return status;
    settings.source = paths.items[0];
    settings.target = paths.items[1];
    if (is_same_file(settings.source, settings.target))
        return options_wrong(&help, "SRC and DST are the same file");
    if (!has_ending(settings.target, ".safetensors"))
        return options_wrong(&help,
                             "DST '%s' does not end in .safetensors, the format that holds "
                             "an int8 model",
                             settings.target);
    if (!optimize(&settings, &report))
        return EXIT_FAILED;
    if (settings.json)
        optimize_print_json(&report, out);
    else
        optimize_print_text(&report, out);
    return EXIT_DONE;
}
