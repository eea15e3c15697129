/* SPDX-License-Identifier: Apache-2.0
 *
 * Options of `sentiment train`: every hyper-parameter of the library, under
 * the guide's names. */
#ifndef TOOLS_TRAIN_OPTIONS_H
#define TOOLS_TRAIN_OPTIONS_H

#include <sentiment/sentiment.h>

#include "history.h"
#include "options.h"

typedef struct train_settings {
    const char *train, *dev, *output;
    const char *labels; /* "a,b,c"; NULL: those of the training file, sorted */
    uint32_t threads;   /* 0: every processor */
    history history;
    sentiment_train_options options;
} train_settings;

/* The target of both is a train_settings. */
extern const option_spec train_path_options[];
extern const option_spec train_recipe_options[];

void train_settings_init(train_settings *settings);

#endif
