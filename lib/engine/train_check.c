/* SPDX-License-Identifier: Apache-2.0
 *
 * What training accepts: hyper-parameters by a table of ranges, data sets by
 * one pass over their labels and offsets. Texts are checked when they are
 * tokenized. */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "engine/train.h"

void sn_train_defaults(sentiment_train_options *options)
{
    *options = (sentiment_train_options){
        .struct_size = sizeof *options,
        .epochs = 4,
        .batch_size = 64,
        .vocab_size = 20000,
        .min_count = 2,
        .embedding_dim = 128,
        .hidden_size = 256,
        .num_layers = 1,
        .max_length = 256,
        .tokenizer = SENTIMENT_TOKENIZER_WORDS,
        .padding = SENTIMENT_PADDING_NONE,
        .patience = 2,
        .threads = 1,
        .pretrain_epochs = 4,
        .evaluations = 4,
        .learning_rate = 2e-3,
        .pretrain_learning_rate = 3e-3,
        .warmup = 0.04,
        .dropout = 0.4,
        .embedding_dropout = 0.5,
        .word_dropout = 0.1,
        .rare_dropout = 0.25,
        .embedding_std = 0.1,
        .gradient_clip = 1.0,
        .class_balance = 0.7,
        .label_smoothing = 0.05,
        .ema_decay = 0.999,
        .seed = 1,
    };
}

/* Inclusive ranges of the integers. */
static const struct integer_range {
    const char *name;
    size_t offset;
    uint32_t low, high;
} integer_ranges[] = {
    {"epochs", offsetof(sentiment_train_options, epochs), 1, 100000},
    {"batch_size", offsetof(sentiment_train_options, batch_size), 1, 65536},
    {"vocab_size", offsetof(sentiment_train_options, vocab_size), 2, INT32_MAX},
    {"min_count", offsetof(sentiment_train_options, min_count), 1, UINT32_MAX},
    {"embedding_dim", offsetof(sentiment_train_options, embedding_dim), 1, 65536},
    {"hidden_size", offsetof(sentiment_train_options, hidden_size), 1, 65536},
    {"num_layers", offsetof(sentiment_train_options, num_layers), 0, SN_MAX_LAYERS},
    {"bidirectional", offsetof(sentiment_train_options, bidirectional), 0, 1},
    {"max_length", offsetof(sentiment_train_options, max_length), 1, SN_MAX_LENGTH},
    {"tokenizer", offsetof(sentiment_train_options, tokenizer), 0, SENTIMENT_TOKENIZER_WORDS},
    {"padding", offsetof(sentiment_train_options, padding), 0, SENTIMENT_PADDING_MAX_LENGTH},
    {"pretrain_epochs", offsetof(sentiment_train_options, pretrain_epochs), 0, 100000},
    {"evaluations", offsetof(sentiment_train_options, evaluations), 0, 1000},
};

/* Inclusive ranges of the reals. A drop of everything would leave nothing to
 * learn from, and its scale 1/(1-p) no number. */
static const struct real_range {
    const char *name;
    size_t offset;
    double low, high;
} real_ranges[] = {
    {"learning_rate", offsetof(sentiment_train_options, learning_rate), 1e-9, 10},
    {"pretrain_learning_rate", offsetof(sentiment_train_options, pretrain_learning_rate), 0, 10},
    {"rare_dropout", offsetof(sentiment_train_options, rare_dropout), 0, 1e6},
    {"embedding_std", offsetof(sentiment_train_options, embedding_std), 0, 100},
    {"weight_decay", offsetof(sentiment_train_options, weight_decay), 0, 1},
    {"warmup", offsetof(sentiment_train_options, warmup), 0, 1},
    {"dropout", offsetof(sentiment_train_options, dropout), 0, 0.99},
    {"embedding_dropout", offsetof(sentiment_train_options, embedding_dropout), 0, 0.99},
    {"word_dropout", offsetof(sentiment_train_options, word_dropout), 0, 0.99},
    {"gradient_clip", offsetof(sentiment_train_options, gradient_clip), 0, 1e9},
    {"class_balance", offsetof(sentiment_train_options, class_balance), 0, 4},
    {"label_smoothing", offsetof(sentiment_train_options, label_smoothing), 0, 0.99},
    {"ema_decay", offsetof(sentiment_train_options, ema_decay), 0, 0.999999},
};

static sentiment_status check_options(const sentiment_train_options *options,
                                      sentiment_error *error)
{
    const char *base = (const char *)options;
    if (options->tokenizer == SENTIMENT_TOKENIZER_HUGGINGFACE)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "tokenizer is that of a tokenizer.json, which training does not make; "
                       "expected whitespace or words");
    for (size_t i = 0; i < sizeof integer_ranges / sizeof *integer_ranges; i++) {
        const struct integer_range *range = &integer_ranges[i];
        uint32_t value;
        memcpy(&value, base + range->offset, sizeof value);
        if (value < range->low || value > range->high)
            return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                           "%s is %u; expected %u to %u", range->name, value, range->low,
                           range->high);
    }
    for (size_t i = 0; i < sizeof real_ranges / sizeof *real_ranges; i++) {
        const struct real_range *range = &real_ranges[i];
        double value;
        memcpy(&value, base + range->offset, sizeof value);
        if (!(value >= range->low && value <= range->high))
            return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                           "%s is %g; expected %g to %g", range->name, value, range->low,
                           range->high);
    }
    return SENTIMENT_OK;
}

static sentiment_status check_dataset(const sentiment_dataset *data, const char *name,
                                      size_t label_count, sentiment_error *error)
{
    if (data->count == 0)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "the %s set is empty; expected at least one text", name);
    if (data->count > UINT32_MAX)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "the %s set has %llu texts; expected fewer than 2^32", name,
                       (unsigned long long)data->count);
    if (!data->offsets || !data->labels)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "the %s set has no %s", name, data->offsets ? "labels" : "offsets");
    for (uint64_t i = 0; i < data->count; i++) {
        if (data->offsets[i] > data->offsets[i + 1])
            return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                           "offset %llu of the %s set is below the one before it",
                           (unsigned long long)i + 1, name);
        if (data->labels[i] < 0 || (size_t)data->labels[i] >= label_count)
            return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                           "label %d of text %llu of the %s set; expected 0 to %zu",
                           data->labels[i], (unsigned long long)i, name, label_count - 1);
    }
    if (!data->text && data->offsets[data->count] > data->offsets[0])
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "the text of the %s set is NULL but its offsets are not all equal", name);
    return SENTIMENT_OK;
}

/* A class without an example could never be learned, nor be told apart from a
 * mistake in the labels. */
static sentiment_status check_classes(const sentiment_dataset *train, const char *const *labels,
                                      size_t label_count, sentiment_error *error)
{
    for (size_t c = 0; c < label_count; c++) {
        uint64_t i = 0;
        while (i < train->count && (size_t)train->labels[i] != c)
            i++;
        if (i == train->count)
            return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                           "no text of the training set has label %zu (\"%s\")", c, labels[c]);
    }
    return SENTIMENT_OK;
}

sentiment_status sn_train_check(const sentiment_dataset *train, const sentiment_dataset *dev,
                                const char *const *labels, size_t label_count,
                                const sentiment_train_options *options, sentiment_error *error)
{
    if (label_count < 2 || label_count > SN_MAX_CLASSES)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "%zu labels; expected 2 to %d", label_count, SN_MAX_CLASSES);
    for (size_t c = 0; c < label_count; c++)
        if (!labels[c])
            return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                           "label %zu is NULL; expected a name", c);
    sentiment_status status = check_options(options, error);
    if (status == SENTIMENT_OK)
        status = check_dataset(train, "training", label_count, error);
    if (status == SENTIMENT_OK)
        status = check_dataset(dev, "dev", label_count, error);
    if (status == SENTIMENT_OK)
        status = check_classes(train, labels, label_count, error);
    return status;
}
