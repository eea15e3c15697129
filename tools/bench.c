/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment bench: the median time of one call on one batch. By default exactly
 * T tokens a row, no padding and no shortcut over a settled tail; --words and
 * --pad time a short text padded as the guide does, shortcut included. Several
 * engines take turns, so that the machine's moods meet them alike. */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "command.h"

#define ENGINES_MOST 2
/* Ids of one batch: a gigabyte. */
#define IDS_MOST (1u << 28)

typedef struct bench_settings {
    const char *engines;
    uint32_t batch, length, words, pad;
    double min_seconds;
    uint64_t seed;
    bool json;
} bench_settings;

static const option_spec own_options[] = {{.name = "engine",
                                           .kind = OPTION_STRING,
                                           .offset = offsetof(bench_settings, engines),
                                           .argument = "E[,E]",
                                           .help = "auto, native or torch; two of them take turns"},
                                          {.name = "batch",
                                           .kind = OPTION_U32,
                                           .offset = offsetof(bench_settings, batch),
                                           .argument = "B",
                                           .low = 1,
                                           .high = 1048576,
                                           .help = "rows of a call"},
                                          {.name = "length",
                                           .kind = OPTION_U32,
                                           .offset = offsetof(bench_settings, length),
                                           .argument = "T",
                                           .low = 1,
                                           .high = 65536,
                                           .help = "tokens of a row"},
                                          {.name = "words",
                                           .kind = OPTION_U32,
                                           .offset = offsetof(bench_settings, words),
                                           .argument = "N",
                                           .low = 1,
                                           .high = 65536,
                                           .help = "with --pad: rows of N tokens"},
                                          {.name = "pad",
                                           .kind = OPTION_U32,
                                           .offset = offsetof(bench_settings, pad),
                                           .argument = "L",
                                           .low = 1,
                                           .high = 65536,
                                           .help = "with --words: padded to L positions"},
                                          {.name = "seconds",
                                           .kind = OPTION_DOUBLE,
                                           .offset = offsetof(bench_settings, min_seconds),
                                           .argument = "S",
                                           .low = 0.001,
                                           .high = 3600,
                                           .help = "least time of repetitions for each engine"},
                                          {.name = "seed",
                                           .kind = OPTION_U64,
                                           .offset = offsetof(bench_settings, seed),
                                           .argument = "S",
                                           .help = "of the random token ids"},
                                          {.name = "json",
                                           .kind = OPTION_FLAG,
                                           .offset = offsetof(bench_settings, json),
                                           .help = "one JSON object a line"},
                                          {.name = NULL}};

static const command_help help = {
    .name = "bench",
    .arguments = "",
    .summary = "Measures the speed of a model on random token ids.",
    .details = "JSON fields: engine, precision, isa, threads, batch, length, median_seconds (of\n"
               "one call on the whole batch), tokens_per_second; with --words also words, and\n"
               "length is the number of positions."};

/* "native,torch" into values; 0 if that is not what it is. */
static size_t split_engines(const char *names, int32_t engines[ENGINES_MOST])
{
    size_t count = 0;
    while (count < ENGINES_MOST) {
        size_t size = strcspn(names, ",");
        const option_choice *engine = setup_engines;
        while (engine->name &&
               (strlen(engine->name) != size || strncmp(engine->name, names, size) != 0))
            engine++;
        if (!engine->name)
            return 0;
        engines[count++] = engine->value;
        if (names[size] == 0)
            return count;
        names += size + 1;
    }
    return 0;
}

/* Tokens of a row as the network sees them. */
static uint32_t positions(const bench_settings *settings)
{
    return settings->pad ? settings->pad : settings->length;
}

static void print_json(const bench_settings *settings, const bench_run *run, double median,
                       emit *out)
{
    double tokens = (double)settings->batch * positions(settings);
    emit_open(out, '{');
    emit_key(out, "engine");
    emit_name(out, run->info.engine_name);
    emit_key(out, "precision");
    emit_name(out, option_choice_name(setup_precisions, run->info.precision));
    emit_key(out, "isa");
    emit_name(out, run->info.isa_name);
    emit_key(out, "threads");
    emit_unsigned(out, run->info.threads);
    emit_key(out, "batch");
    emit_unsigned(out, settings->batch);
    emit_key(out, "length");
    emit_unsigned(out, positions(settings));
    if (settings->pad) {
        emit_key(out, "words");
        emit_unsigned(out, settings->words);
    }
    emit_key(out, "median_seconds");
    emit_double(out, median);
    emit_key(out, "tokens_per_second");
    emit_double(out, tokens / median);
    emit_bytes(out, "}\n", 2);
}

static void print_text(const bench_settings *settings, const bench_run *run, double median,
                       emit *out)
{
    double tokens = (double)settings->batch * positions(settings);
    emit_format(out, "%s (%s, %s)  threads %lu  batch %lu  length %lu", run->info.engine_name,
                option_choice_name(setup_precisions, run->info.precision), run->info.isa_name,
                (unsigned long)run->info.threads, (unsigned long)settings->batch,
                (unsigned long)positions(settings));
    if (settings->pad)
        emit_format(out, " (%lu words)", (unsigned long)settings->words);
    emit_format(out, "  median %.6g ms  %.0f tokens/s  (%zu calls)\n", median * 1e3,
                tokens / median, run->calls);
}

static void report(const bench_settings *settings, bench_run *runs, size_t count, emit *out)
{
    double medians[ENGINES_MOST];
    for (size_t i = 0; i < count; i++) {
        medians[i] = bench_median(&runs[i]);
        if (settings->json)
            print_json(settings, &runs[i], medians[i], out);
        else
            print_text(settings, &runs[i], medians[i], out);
    }
    if (count == 2 && !settings->json)
        emit_format(out, "%s is %.2f times as fast as %s\n", runs[0].info.engine_name,
                    medians[1] / medians[0], runs[1].info.engine_name);
}

static int run(const setup *chosen, const bench_settings *settings, const int32_t *engines,
               size_t count, emit *out)
{
    bench_rows rows = {0};
    bench_run runs[ENGINES_MOST] = {0};
    sentiment_model_info info = {.struct_size = sizeof info};
    sentiment_session_options options = setup_session_options(chosen);
    int status = EXIT_FAILED;
    sentiment_model *model = setup_load(chosen);
    if (!model || sentiment_model_get_info(model, &info, NULL) != SENTIMENT_OK)
        goto out;
    options.max_length = positions(settings);
    options.padding = settings->pad ? SENTIMENT_PADDING_MAX_LENGTH : SENTIMENT_PADDING_NONE;
    options.disable_settled_tail = settings->pad == 0;
    if (!bench_rows_create(&rows, settings->batch,
                           settings->pad ? settings->words : settings->length, info.vocab_size,
                           settings->seed)) {
        message_no_memory();
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        options.engine = engines[i];
        if (!bench_run_create(&runs[i], model, rows.count, &options))
            goto out;
    }
    if (bench_measure(runs, count, &rows, settings->min_seconds)) {
        report(settings, runs, count, out);
        status = EXIT_DONE;
    }
out:
    for (size_t i = 0; i < count; i++)
        bench_run_free(&runs[i]);
    bench_rows_free(&rows);
    sentiment_model_free(model);
    return status;
}

int command_bench(char **argv, emit *out)
{
    setup chosen = SETUP_DEFAULTS;
    bench_settings settings = {
        .engines = "auto", .batch = 1, .length = 50, .min_seconds = 1, .seed = 1};
    const option_group groups[] = {{setup_model_options, &chosen},
                                   {own_options, &settings},
                                   {setup_compute_options, &chosen},
                                   {NULL, NULL}};
    command_arguments none;
    int32_t engines[ENGINES_MOST];
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &none, &status))
        return status;
    size_t count = split_engines(settings.engines, engines);
    if (count == 0)
        return options_wrong(&help, "--engine: '%s' is not one or two of auto, native, torch",
                             settings.engines);
    if (!settings.words != !settings.pad || settings.words > settings.pad)
        return options_wrong(&help, "--words and --pad go together, --words being the smaller");
    if ((uint64_t)settings.batch * settings.length > IDS_MOST)
        return options_wrong(&help, "--batch times --length is beyond %u", IDS_MOST);
    return run(&chosen, &settings, engines, count, out);
}
