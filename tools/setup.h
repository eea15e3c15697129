/* SPDX-License-Identifier: Apache-2.0
 *
 * What subcommands share: the options that choose model, engine and texts, the
 * search for the default model, and making a session. */
#ifndef TOOLS_SETUP_H
#define TOOLS_SETUP_H

#include <sentiment/sentiment.h>

#include "options.h"

typedef struct setup {
    const char *model; /* NULL: $SENTIMENT_MODEL, then the bundled one */
    int32_t engine;
    int32_t precision;
    int32_t isa;
    uint32_t threads; /* 0: all */
    const char *device;
    uint32_t max_length; /* 0: the model's */
    int32_t utf8_policy;
    uint32_t digest; /* 1: setup_load takes digests */
} setup;

/* Groups of options; the target of each is a setup. */
extern const option_spec setup_model_options[];   /* --model */
extern const option_spec setup_engine_options[];  /* --engine */
extern const option_spec setup_compute_options[]; /* --precision, --isa, --threads, --device */
extern const option_spec setup_length_options[];  /* --max-length */
extern const option_spec setup_utf8_options[];    /* --utf8 */

/* Value tables, for options and for printing. */
extern const option_choice setup_engines[];
extern const option_choice setup_precisions[];
extern const option_choice setup_paddings[];
extern const option_choice setup_tokenizers[];      /* that a model can be trained with */
extern const option_choice setup_tokenizer_kinds[]; /* that a model can have */

#define SETUP_DEFAULTS                                                                             \
  {                                                                                                \
    .threads = 1                                                                                   \
  }

/* Options for load, create and train: warnings go to stderr. */
sentiment_model_options setup_model_defaults(void);
#define SETUP_PATH_BYTES 8192
/* The path of the model that is chosen; false: the reason went to stderr. */
bool setup_model_path(const setup *chosen, char *path, size_t size);
/* NULL: the reason went to stderr. */
sentiment_model *setup_load(const setup *chosen);
/* Session options as chosen; more may be set before setup_session. */
sentiment_session_options setup_session_options(const setup *chosen);
/* NULL: the reason went to stderr. */
sentiment_session *setup_session(sentiment_model *model, const sentiment_session_options *options);
/* Classes of the model, 0 if that fails. */
size_t setup_class_count(const sentiment_model *model);
/* Seconds on a clock that only goes forward. */
double setup_seconds(void);

#endif
