/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment train: two TSV files in, the best epoch out. The first SIGINT or
 * SIGTERM ends training and keeps that epoch; the second one kills. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "dataset.h"
#include "progress.h"
#include "setup.h"
#include "train_lineage.h"
#include "train_options.h"

static const command_help help = {
    .name = "train",
    .arguments = "--train TSV --dev TSV --output DST",
    .summary = "Trains a classifier with libtorch and keeps the epoch with the best macro-F1.",
    .details = "Both files are TSV (may be gzip) with a header and the columns text and label.\n"
               "Ctrl-C ends training and saves the best epoch so far. The digests of the files,\n"
               "this command, the date and the figures go into the metadata of the model."};

static sentiment_cancel *interrupt_target;

static void interrupt(int number)
{
    (void)number;
    sentiment_cancel_request(interrupt_target);
}

/* SA_RESETHAND: the second signal finds the default action. */
static void catch_signals(sentiment_cancel *cancel)
{
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};
    interrupt_target = cancel;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void release_signals(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    interrupt_target = NULL;
}

typedef struct shown {
    bool terminal;
    double last;
} shown;

static void print_epoch(const sentiment_train_progress *now)
{
    char left[16];
    if (now->pretraining) {
        fprintf(stderr, "pre-training %lu/%lu  loss %.4f  %.0f texts/s  %s left\n",
                (unsigned long)now->epoch, (unsigned long)now->epochs, now->loss,
                now->texts_per_second, progress_clock(now->seconds_left, left));
        return;
    }
    fprintf(stderr,
            "epoch %lu/%lu  loss %.4f  accuracy %.4f  macro-F1 %.4f  best %.4f (epoch %lu)"
            "  %.0f texts/s  %s left\n",
            (unsigned long)now->epoch, (unsigned long)now->epochs, now->loss, now->dev_accuracy,
            now->dev_macro_f1, now->best_macro_f1, (unsigned long)now->best_epoch,
            now->texts_per_second, progress_clock(now->seconds_left, left));
}

static void print_progress(void *user, const sentiment_train_progress *now)
{
    shown *state = user;
    char left[16];
    if (state->terminal && (now->epoch_done || now->seconds - state->last >= 0.2)) {
        fprintf(stderr,
                "\r%s %lu/%lu  step %llu/%llu  loss %.4f  macro-F1 %.4f  %.0f texts/s"
                "  %s left\x1b[K",
                now->pretraining ? "pre-training" : "epoch", (unsigned long)now->epoch,
                (unsigned long)now->epochs, (unsigned long long)now->step,
                (unsigned long long)now->steps, now->loss, now->best_macro_f1,
                now->texts_per_second, progress_clock(now->seconds_left, left));
        state->last = now->seconds;
    }
    if (state->terminal && now->epoch_done)
        fputs("\r\x1b[K", stderr);
    if (now->epoch_done)
        print_epoch(now);
}

static bool load_data(const train_settings *settings, dataset *train, dataset *dev, labels *names)
{
    if (settings->labels && !labels_split(names, settings->labels)) {
        message_no_memory();
        return false;
    }
    return dataset_load(train, settings->train, names, !settings->labels) &&
           dataset_load(dev, settings->dev, names, false);
}

static sentiment_dataset view(const dataset *data)
{
    return (sentiment_dataset){.struct_size = sizeof(sentiment_dataset),
                               .count = data->count,
                               .text = data->text,
                               .offsets = data->offsets,
                               .labels = data->labels};
}

/* Trains; *interrupted tells whether a signal ended it early. */
static sentiment_model *train_model(train_settings *settings, const dataset *train,
                                    const dataset *dev, const labels *names, bool *interrupted)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = setup_model_defaults();
    sentiment_dataset train_view = view(train), dev_view = view(dev);
    shown state = {.terminal = isatty(STDERR_FILENO)};
    sentiment_cancel *cancel = NULL;
    sentiment_model *model = NULL;
    if (sentiment_cancel_create(&cancel, &error) != SENTIMENT_OK) {
        message_error(&error);
        return NULL;
    }
    options.cancel = cancel;
    settings->options.progress = print_progress;
    settings->options.progress_user = &state;
    catch_signals(cancel);
    sentiment_status status =
        sentiment_model_train(&train_view, &dev_view, (const char *const *)names->names,
                              names->count, &settings->options, &options, &model, &error);
    release_signals();
    *interrupted = sentiment_cancel_requested(cancel) != 0;
    sentiment_cancel_free(cancel);
    if (status == SENTIMENT_ERROR_CANCELLED)
        message("interrupted before the first epoch was done; nothing is saved");
    else if (status != SENTIMENT_OK)
        message_error(&error);
    else if (*interrupted)
        message("interrupted; saving the best epoch so far");
    return model;
}

static int save(sentiment_model *model, const train_settings *settings, const lineage *known)
{
    sentiment_save_options options = {.struct_size = sizeof options};
    sentiment_save_options_init(&options);
    json_t *step = lineage_step(known);
    return history_save(model, settings->output, &settings->history, step, &options) ? EXIT_DONE
                                                                                     : EXIT_FAILED;
}

static uint32_t processors(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? (uint32_t)count : 1;
}

static int run(train_settings *settings, char **argv)
{
    dataset train = {0}, dev = {0};
    labels names = {0};
    bool interrupted = false;
    sentiment_model *model = NULL;
    int status = EXIT_FAILED;
    settings->options.threads = settings->threads ? settings->threads : processors();
    if (history_can_save(settings->output, &settings->history) &&
        load_data(settings, &train, &dev, &names))
        model = train_model(settings, &train, &dev, &names, &interrupted);
    if (model) {
        lineage known = {argv, &train, &dev, interrupted};
        status = save(model, settings, &known);
    }
    sentiment_model_free(model);
    dataset_free(&train);
    dataset_free(&dev);
    labels_free(&names);
    return status;
}

int command_train(char **argv, emit *out)
{
    train_settings settings;
    train_settings_init(&settings);
    const option_group groups[] = {
        {train_path_options, &settings},
        {train_recipe_options, &settings},
        {history_options, &settings.history},
        {NULL, NULL}};
    command_arguments none;
    int status = EXIT_DONE;
    if (!options_parse(&help, groups, argv, out, &none, &status))
        return status;
    if (!settings.train || !settings.dev || !settings.output)
        return options_wrong(&help, "--train, --dev and --output must be given");
    return run(&settings, argv);
}
