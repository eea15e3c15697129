/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment compare: two models on the same labelled texts, for a person, for a
 * program, or as a gate: the exit status says whether B may take the place of A. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "command.h"
#include "evaluation/compare_report.h"
#include "evaluation/html.h"
#include "setup.h"

/* Texts of a timed call. */
#define SPEED_TEXTS 256

typedef struct compare_settings {
    setup both;                                /* for both sides, but for what follows */
    int32_t engines[SIDES], precisions[SIDES]; /* UNSAID: as in `both` */
    const char *test, *html;
    double limits[GATES]; /* NAN: no gate */
    double seconds;
    uint32_t resamples, disagreements;
    uint64_t seed;
    bool all_disagreements, json;
} compare_settings;

#define UNSAID (-1)

static const option_spec test_options[] = {
    {.name = "test",
     .kind = OPTION_STRING,
     .offset = offsetof(compare_settings, test),
     .argument = "TSV",
     .help = "labelled texts to compare on (needed)"},
    {.name = "a-engine",
     .kind = OPTION_CHOICE,
     .offset = offsetof(compare_settings, engines[SIDE_A]),
     .choices = setup_engines,
     .help = "what runs A; default: --engine"},
    {.name = "b-engine",
     .kind = OPTION_CHOICE,
     .offset = offsetof(compare_settings, engines[SIDE_B]),
     .choices = setup_engines,
     .help = "what runs B; default: --engine"},
    {.name = "a-precision",
     .kind = OPTION_CHOICE,
     .offset = offsetof(compare_settings, precisions[SIDE_A]),
     .choices = setup_precisions,
     .help = "arithmetic of A; default: --precision"},
    {.name = "b-precision",
     .kind = OPTION_CHOICE,
     .offset = offsetof(compare_settings, precisions[SIDE_B]),
     .choices = setup_precisions,
     .help = "arithmetic of B; default: --precision"},
    {.name = NULL}};

static const option_spec gate_options[] = {
    {.name = "max-accuracy-drop",
     .kind = OPTION_DOUBLE,
     .offset = offsetof(compare_settings, limits[GATE_ACCURACY]),
     .argument = "X",
     .low = 0,
     .high = 1,
     .help = "gate: accuracy of B may be X below that of A"},
    {.name = "max-f1-drop",
     .kind = OPTION_DOUBLE,
     .offset = offsetof(compare_settings, limits[GATE_F1]),
     .argument = "X",
     .low = 0,
     .high = 1,
     .help = "gate: macro-F1 of B may be X below that of A"},
    {.name = "alpha",
     .kind = OPTION_DOUBLE,
     .offset = offsetof(compare_settings, limits[GATE_SIGNIFICANCE]),
     .argument = "P",
     .low = 0,
     .high = 1,
     .help = "gate: B is not right on fewer texts with p of McNemar's test below P"},
    {.name = "max-slowdown",
     .kind = OPTION_DOUBLE,
     .offset = offsetof(compare_settings, limits[GATE_SLOWDOWN]),
     .argument = "X",
     .low = 0,
     .high = 1e6,
     .help = "gate: B may take X times as long as A"},
    {.name = NULL}};

static const option_spec report_options[] = {
    {.name = "disagreements",
     .kind = OPTION_U32,
     .offset = offsetof(compare_settings, disagreements),
     .argument = "N",
     .low = 0,
     .high = 4294967295.0,
     .help = "list N texts with two predictions"},
    {.name = "all-disagreements",
     .kind = OPTION_FLAG,
     .offset = offsetof(compare_settings, all_disagreements),
     .help = "list all of them"},
    {.name = "resamples",
     .kind = OPTION_U32,
     .offset = offsetof(compare_settings, resamples),
     .argument = "N",
     .low = 0,
     .high = 1000000,
     .help = "draws of the bootstrap intervals; 0: no intervals"},
    {.name = "seed",
     .kind = OPTION_U64,
     .offset = offsetof(compare_settings, seed),
     .argument = "N",
     .help = "where the draws start"},
    {.name = "seconds",
     .kind = OPTION_DOUBLE,
     .offset = offsetof(compare_settings, seconds),
     .argument = "S",
     .low = 0,
     .high = 3600,
     .help = "least time to measure each model's speed; 0: not at all"},
    {.name = "html",
     .kind = OPTION_STRING,
     .offset = offsetof(compare_settings, html),
     .argument = "FILE",
     .help = "also write a report with plots, one file that needs no other"},
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(compare_settings, json),
     .help = "one JSON object"},
    {.name = NULL}};

static const command_help help = {
    .name = "compare",
    .arguments = "A B --test TSV",
    .summary = "Compares two models on a TSV with the columns text and label.",
    .details =
        "A is what there is, B what may take its place: each a model file or folder, with the\n"
        "same labels in any order. Accuracy, F1 and calibration of both, McNemar's test,\n"
        "bootstrap intervals, speed (in turns, on the same texts), and the texts on which they\n"
        "disagree: regressions (A alone is right) first, then improvements, then the rest.\n"
        "Exit status: 0, or 1 where a gate that was asked for fails, which stderr tells.\n"
        "Without gates nothing is judged. docs/evaluation.md has the fields of the JSON.",
    .arguments_min = 2,
    .arguments_max = 2};

/* ------------------------------------------------------------------ sides */

static setup setup_of(const compare_settings *settings, size_t which)
{
    setup chosen = settings->both;
    if (settings->engines[which] != UNSAID)
        chosen.engine = settings->engines[which];
    if (settings->precisions[which] != UNSAID)
        chosen.precision = settings->precisions[which];
    chosen.digest = 1;
    return chosen;
}

static bool open_side(const compare_settings *settings, size_t which, side *one)
{
    setup chosen = setup_of(settings, which);
    chosen.model = one->path;
    sentiment_session_options options = setup_session_options(&chosen);
    one->info.struct_size = sizeof one->info;
    one->running.struct_size = sizeof one->running;
    one->model = setup_load(&chosen);
    one->session = one->model ? setup_session(one->model, &options) : NULL;
    return one->session && sentiment_model_get_info(one->model, &one->info, NULL) == SENTIMENT_OK &&
           sentiment_session_get_info(one->session, &one->running, NULL) == SENTIMENT_OK;
}

static bool ask(comparison *both)
{
    side *a = &both->sides[SIDE_A], *b = &both->sides[SIDE_B];
    size_t classes = both->names.count;
    int32_t *order = calloc((size_t)b->info.num_classes + 1, sizeof *order);
    if (!order) {
        message_no_memory();
        return false;
    }
    bool good =
        comparison_match_labels(both, order) &&
        dataset_load(&both->data, both->test_path, &both->names, false) &&
        answers_collect(&a->answers, a->session, &both->data, both->test_path, classes, NULL) &&
        answers_collect(&b->answers, b->session, &both->data, both->test_path, classes, order);
    free(order);
    return good;
}

/* ------------------------------------------------------------------ speed */

/* Both in turns on the first texts. */
static bool measure_speed(const compare_settings *settings, comparison *both)
{
    uint64_t count = both->data.count < SPEED_TEXTS ? both->data.count : SPEED_TEXTS;
    const bench_rows rows = {
        .text = both->data.text, .offsets = both->data.offsets, .count = (uint32_t)count};
    bench_run runs[SIDES] = {0};
    bool good = true;
    for (size_t i = 0; good && i < SIDES; i++) {
        setup chosen = setup_of(settings, i);
        sentiment_session_options options = setup_session_options(&chosen);
        good = bench_run_create(&runs[i], both->sides[i].model, rows.count, &options);
    }
    good = good && bench_measure(runs, SIDES, &rows, settings->seconds);
    for (size_t i = 0; i < SIDES; i++) {
        both->sides[i].median_seconds = good ? bench_median(&runs[i]) : 0;
        bench_run_free(&runs[i]);
    }
    both->speed_texts = rows.count;
    return good;
}

/* -------------------------------------------------------------------- run */

static void take_gates(const compare_settings *settings, comparison *both)
{
    static const char *const names[GATES] = {"max-accuracy-drop", "max-f1-drop", "alpha",
                                             "max-slowdown"};
    for (size_t i = 0; i < GATES; i++)
        both->gates[i] = (gate){
            .name = names[i], .set = !isnan(settings->limits[i]), .limit = settings->limits[i]};
}

static int run(const compare_settings *settings, comparison *both, emit *out)
{
    html_file page = {0};
    bool good = !settings->html || html_can_write(settings->html);
    for (size_t i = 0; good && i < SIDES; i++)
        good = open_side(settings, i, &both->sides[i]);
    if (good && !labels_of_model(&both->names, both->sides[SIDE_A].model)) {
        message_no_memory();
        good = false;
    }
    good = good && ask(both) && comparison_compute(both) &&
           (settings->seconds <= 0 || measure_speed(settings, both));
    bool passed = good && comparison_judge(both);
    if (good && settings->json)
        compare_print_json(both, passed, out);
    else if (good)
        compare_print_text(both, out);
    if (good && settings->html && (good = html_file_open(&page, settings->html))) {
        compare_print_html(both, passed, page.out);
        good = html_file_save(&page);
    }
    html_file_close(&page);
    return good && passed ? EXIT_DONE : EXIT_FAILED;
}

int command_compare(char **argv, emit *out)
{
    compare_settings settings = {.both = SETUP_DEFAULTS,
                                 .engines = {UNSAID, UNSAID},
                                 .precisions = {UNSAID, UNSAID},
                                 .limits = {NAN, NAN, NAN, NAN},
                                 .seconds = 1,
                                 .resamples = 1000,
                                 .disagreements = 20,
                                 .seed = 1};
    const option_group groups[] = {{test_options, &settings},
                                   {gate_options, &settings},
                                   {report_options, &settings},
                                   {setup_engine_options, &settings.both},
                                   {setup_compute_options, &settings.both},
                                   {setup_length_options, &settings.both},
                                   {setup_utf8_options, &settings.both},
                                   {NULL, NULL}};
    command_arguments paths;
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &paths, &status))
        return status;
    if (!settings.test)
        return options_wrong(&help, "--test must be given");
    if (settings.limits[GATE_SLOWDOWN] >= 0 && settings.seconds <= 0)
        return options_wrong(&help, "--max-slowdown needs a speed, and --seconds 0 measures none");
    comparison both = {.test_path = settings.test,
                       .resamples = settings.resamples,
                       .seed = settings.seed,
                       .listed = settings.all_disagreements ? SIZE_MAX : settings.disagreements};
    for (size_t i = 0; i < SIDES; i++)
        both.sides[i].path = paths.items[i];
    take_gates(&settings, &both);
    status = run(&settings, &both, out);
    comparison_free(&both);
    return status;
}
