/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment calibrate: the temperature with which a model's confidences mean what
 * they say, found on labelled texts or given, and a model saved with it. No label
 * changes: all logits of a text are divided by the same number. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "evaluation/answers.h"
#include "evaluation/calibrate_report.h"
#include "golden.h"
#include "history.h"
#include "serve/drift.h"
#include "setup.h"

/* Fewer texts than this make a poor guess. */
#define FEW 100

typedef struct calibrate_settings {
    setup chosen;
    history history;
    const char *dev, *output;
    double temperature; /* NAN: to be found */
    bool reset, json;
} calibrate_settings;

static const option_spec own_options[] = {
    {.name = "dev",
     .kind = OPTION_STRING,
     .offset = offsetof(calibrate_settings, dev),
     .argument = "TSV",
     .help = "labelled texts to find the temperature on; not those of the training"},
    {.name = "output",
     .kind = OPTION_STRING,
     .offset = offsetof(calibrate_settings, output),
     .argument = "DST",
     .help = "where the model goes, MODEL itself too; default: nothing is saved"},
    {.name = "temperature",
     .kind = OPTION_DOUBLE,
     .offset = offsetof(calibrate_settings, temperature),
     .argument = "T",
     .low = CALIBRATION_LOWEST,
     .high = CALIBRATION_HIGHEST,
     .help = "take this one instead of looking for it"},
    {.name = "reset",
     .kind = OPTION_FLAG,
     .offset = offsetof(calibrate_settings, reset),
     .help = "back to temperature 1, as before any calibration"},
    {.name = "json",
     .kind = OPTION_FLAG,
     .offset = offsetof(calibrate_settings, json),
     .help = "one JSON object"},
    {.name = NULL}};

static const command_help help = {
    .name = "calibrate",
    .arguments = "MODEL",
    .summary = "Finds the temperature with which confidences mean what they say.",
    .details =
        "Temperature scaling: logits are divided by T before softmax, T being where the\n"
        "labels of --dev are likeliest. Labels stay, confidences change. Prints the expected\n"
        "calibration error, log loss and Brier score before and after. With --output the\n"
        "model is saved with its temperature, in the format of DST's name.\n"
        "JSON fields: model, texts, dev_sha256, accuracy, before and after (each temperature,\n"
        "ece, nll, brier, mean_confidence), output. Without --dev the figures are null.",
    .arguments_min = 1,
    .arguments_max = 1};

typedef struct work {
    const char *path;
    sentiment_model *model;
    sentiment_model_info info;
    labels names;
    dataset data;
    answers answers;
    calibrate_report report;
} work;

/* ------------------------------------------------------------------- look */

static bool load(const calibrate_settings *settings, work *all)
{
    setup chosen = settings->chosen;
    chosen.model = all->path;
    chosen.digest = 1;
    all->info.struct_size = sizeof all->info;
    all->model = setup_load(&chosen);
    if (!all->model || sentiment_model_get_info(all->model, &all->info, NULL) != SENTIMENT_OK)
        return false;
    all->report.before.temperature = (double)all->info.temperature;
    if (labels_of_model(&all->names, all->model))
        return true;
    message_no_memory();
    return false;
}

/* What cannot be saved shows before hours of computing. */
static bool can_save(const calibrate_settings *settings, const work *all)
{
    char detail[512];
    if (!settings->output)
        return true;
    if (!all->info.has_weights) {
        message("%s: only libtorch can run this model, and it cannot be saved", all->path);
        return false;
    }
    if (golden_check(all->model, detail, sizeof detail) != GOLDEN_BROKEN)
        return true;
    message("the model does not answer as its golden vectors say: %s", detail);
    return false;
}

static bool ask(const calibrate_settings *settings, work *all)
{
    sentiment_session_options options = setup_session_options(&settings->chosen);
    if (!dataset_load(&all->data, settings->dev, &all->names, false))
        return false;
    sentiment_session *session = setup_session(all->model, &options);
    bool good = session && answers_collect(&all->answers, session, &all->data, settings->dev,
                                           all->names.count, NULL);
    sentiment_session_free(session);
    return good;
}

static void measure(const work *all, calibrated *at)
{
    at->figures = calibration_measure(all->answers.logits, all->data.labels, all->data.count,
                                      all->names.count, at->temperature);
}

/* ------------------------------------------------------------------- find */

/* To so many digits: more would only look exact. */
static double rounded(double value, int digits)
{
    char text[40];
    snprintf(text, sizeof text, "%.*g", digits, value);
    return strtod(text, NULL);
}

/* The number with the fewest digits that is this float. */
static double shortest(double value)
{
    int digits = 6;
    while (digits < 9 && (float)rounded(value, digits) != (float)value)
        digits++;
    return rounded(value, digits);
}

static bool has_one_label(const dataset *data)
{
    for (uint64_t i = 1; i < data->count; i++)
        if (data->labels[i] != data->labels[0])
            return false;
    return true;
}

static bool find(const calibrate_settings *settings, work *all)
{
    unsigned long long texts = all->data.count;
    if (has_one_label(&all->data)) {
        message("%s: all %llu texts have the label '%.80s': they cannot tell how sure the model "
                "may be; expected two labels or more",
                settings->dev, texts, all->names.names[all->data.labels[0]]);
        return false;
    }
    switch (calibration_find(all->answers.logits, all->data.labels, all->data.count,
                             all->names.count, &all->report.after.temperature)) {
    case CALIBRATION_FITTED:
        all->report.after.temperature = rounded(all->report.after.temperature, 5);
        if (texts < FEW)
            message("note: %llu texts are few: another such file may give another temperature",
                    texts);
        return true;
    case CALIBRATION_TO_ZERO:
        message("%s: the likelihood grows down to temperature %g: %.0f of %llu texts are right, "
                "too many to tell how sure the model may be; expected texts that it has not "
                "seen, some of them wrong",
                settings->dev, CALIBRATION_LOWEST,
                all->report.before.figures.accuracy * (double)texts, texts);
        return false;
    case CALIBRATION_TO_INFINITY:
        break;
    }
    message("%s: the likelihood grows up to temperature %g: the model's answers tell nothing "
            "about these labels; are they those of the model?",
            settings->dev, CALIBRATION_HIGHEST);
    return false;
}

/* The new temperature, as the float that a model holds. */
static bool choose(const calibrate_settings *settings, work *all)
{
    if (settings->reset)
        all->report.after.temperature = 1;
    else if (!isnan(settings->temperature))
        all->report.after.temperature = settings->temperature;
    else if (!find(settings, all))
        return false;
    all->report.after.temperature = (double)(float)all->report.after.temperature;
    return true;
}

/* ------------------------------------------------------------------- save */

/* NULL: memory ran out. */
static json_t *step_of(const calibrate_settings *settings, const work *all)
{
    json_t *step = json_pack("{s:s, s:f, s:f}", "action", "calibrate", "temperature",
                             shortest(all->report.after.temperature), "previous_temperature",
                             shortest(all->report.before.temperature));
    if (!step || !settings->dev)
        return step;
    json_t *figures =
        json_pack("{s:s, s:I, s:f, s:f}", "dev_sha256", all->data.sha256, "dev_rows",
                  (json_int_t)all->data.count, "ece", rounded(all->report.after.figures.ece, 5),
                  "previous_ece", rounded(all->report.before.figures.ece, 5));
    if (!figures || json_object_update(step, figures) != 0) {
        json_decref(step);
        step = NULL;
    }
    json_decref(figures);
    return step;
}

/* Loads once more, with the new temperature: what is saved of that model has it. */
static bool save(const calibrate_settings *settings, const work *all)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = {.struct_size = sizeof options, .digest = 1};
    sentiment_save_options how = {.struct_size = sizeof how};
    sentiment_model *model = NULL;
    options.temperature = (float)all->report.after.temperature;
    if (sentiment_model_load(all->path, &options, &model, &error) != SENTIMENT_OK) {
        message_error(&error);
        return false;
    }
    bool good =
        history_save(model, settings->output, &settings->history, step_of(settings, all), &how);
    if (good && sentiment_model_get_metadata(all->model, SERVE_DRIFT_KEY) &&
        !sentiment_model_get_metadata(model, SERVE_DRIFT_KEY))
        message("note: %s has no baseline for drift: the old one was of the old confidences; "
                "publish it with --texts",
                settings->output);
    sentiment_model_free(model);
    return good;
}

static int run(const calibrate_settings *settings, work *all, emit *out)
{
    bool good = (!settings->output || history_can_save(settings->output, &settings->history)) &&
                load(settings, all) && can_save(settings, all);
    if (good && settings->dev && (good = ask(settings, all)))
        measure(all, &all->report.before);
    good = good && choose(settings, all);
    if (good && settings->dev)
        measure(all, &all->report.after);
    good = good && (!settings->output || save(settings, all));
    all->report.texts = all->data.count;
    if (good && settings->json)
        calibrate_print_json(&all->report, out);
    else if (good)
        calibrate_print_text(&all->report, out);
    return good ? EXIT_DONE : EXIT_FAILED;
}

int command_calibrate(char **argv, emit *out)
{
    calibrate_settings settings = {.chosen = SETUP_DEFAULTS, .temperature = NAN};
    const option_group groups[] = {{own_options, &settings},
                                   {history_options, &settings.history},
                                   {setup_engine_options, &settings.chosen},
                                   {setup_compute_options, &settings.chosen},
                                   {setup_length_options, &settings.chosen},
                                   {setup_utf8_options, &settings.chosen},
                                   {NULL, NULL}};
    command_arguments paths;
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &paths, &status))
        return status;
    bool given = !isnan(settings.temperature);
    if (given && settings.reset)
        return options_wrong(&help, "--temperature and --reset exclude each other");
    if (!settings.dev && !given && !settings.reset)
        return options_wrong(&help, "--dev, --temperature or --reset must be given");
    work all = {.path = paths.items[0]};
    all.report = (calibrate_report){.path = all.path,
                                    .output = settings.output,
                                    .dev_sha256 = settings.dev ? all.data.sha256 : NULL};
    status = run(&settings, &all, out);
    answers_free(&all.answers);
    dataset_free(&all.data);
    labels_free(&all.names);
    sentiment_model_free(all.model);
    return status;
}
