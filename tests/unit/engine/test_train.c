/* SPDX-License-Identifier: Apache-2.0
 *
 * Training on a few hundred made-up texts: it learns, repeats itself to the
 * bit, keeps the best epoch when stopped, and refuses what it cannot use. The
 * refusals need no plugin; the rest is skipped without one, unless the
 * argument `required` says that there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/torch_loader.h"
#include "engine/train.h"
#include "support/faulty_allocator.h"
#include "support/random.h"

enum { TEXTS = 200, DEV_TEXTS = 60, CLASSES = 3, MAX_TEXT = 96 };

static const char *const labels[CLASSES] = {"bad", "plain", "good"};
static _Bool have_plugin;

typedef struct texts {
    char text[TEXTS * MAX_TEXT];
    uint64_t offsets[TEXTS + 1];
    int32_t classes[TEXTS];
    sentiment_dataset data;
} texts;

/* Each text has one word of its class among words that say nothing. */
static void make_texts(texts *out, size_t count, uint64_t seed)
{
    static const char *const telling[CLASSES][3] = {
        {"awful", "poor", "broken"}, {"average", "usual", "fine"}, {"great", "lovely", "superb"}};
    static const char *const other[] = {"the", "thing", "is", "was", "film", "and", "it"};
    size_t used = 0;
    *out = (texts){.offsets = {0}};
    for (size_t i = 0; i < count; i++) {
        size_t words = 3 + random_next(&seed) % 6, place = random_next(&seed) % words;
        out->classes[i] = (int32_t)(i % CLASSES);
        for (size_t w = 0; w < words; w++) {
            const char *word = w == place ? telling[i % CLASSES][random_next(&seed) % 3]
                                          : other[random_next(&seed) % 7];
            used += (size_t)snprintf(out->text + used, sizeof out->text - used, "%s ", word);
        }
        out->offsets[i + 1] = used;
    }
    out->data = (sentiment_dataset){.struct_size = sizeof out->data, .count = count,
                                    .text = out->text, .offsets = out->offsets,
                                    .labels = out->classes};
}

static texts train_texts, dev_texts;

static sentiment_train_options small_options(void)
{
    sentiment_train_options options;
    sn_train_defaults(&options);
    options.epochs = 12;
    options.batch_size = 8;
    options.embedding_dim = 8;
    options.hidden_size = 16;
    options.min_count = 1;
    options.learning_rate = 0.02;
    options.dropout = 0.1;
    options.embedding_dropout = 0.1;
    options.word_dropout = 0.02;
    options.rare_dropout = options.ema_decay = 0;
    options.embedding_std = 1;
    options.evaluations = 1;
    options.pretrain_epochs = options.patience = 0;
    options.threads = 1;
    return options;
}

static sentiment_model *train_model(const sentiment_train_options *options)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *model = NULL;
    if (sn_train(&train_texts.data, &dev_texts.data, labels, CLASSES, options, NULL, &model,
                 &error))
        fail_msg("%s", error.message);
    assert_non_null(model);
    return model;
}

static const char *metadata(const sentiment_model *model, const char *key)
{
    for (size_t i = 0; i < model->metadata_count; i++)
        if (strcmp(model->metadata[i].key, key) == 0)
            return model->metadata[i].value;
    fail_msg("there is no metadata \"%s\"", key);
    return NULL;
}

static void need_plugin(void)
{
    if (!have_plugin)
        skip();
}

/* ---------------------------------------------------------------- refusals */

static void refuses(const sentiment_dataset *train, const sentiment_dataset *dev,
                    const sentiment_train_options *options, const char *says)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *model = NULL;
    assert_int_equal(
        sn_train(train, dev, labels, CLASSES, options, NULL, &model, &error),
        SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_null(model);
    if (!strstr(error.message, says))
        fail_msg("\"%s\" does not say \"%s\"", error.message, says);
}

static void test_bad_options(void **state)
{
    (void)state;
    const sentiment_dataset *train = &train_texts.data, *dev = &dev_texts.data;
    sentiment_train_options zero = {.struct_size = sizeof zero};
    refuses(train, dev, &zero, "epochs is 0; expected 1 to");
#define BAD(field, value, says)                                                                   \
    do {                                                                                          \
        sentiment_train_options options = small_options();                                        \
        options.field = value;                                                                    \
        refuses(train, dev, &options, says);                                                      \
    } while (0)
    BAD(batch_size, 0, "batch_size is 0");
    BAD(vocab_size, 1, "vocab_size is 1; expected 2");
    BAD(max_length, 65537, "max_length is 65537; expected 1 to 65536");
    BAD(num_layers, 65, "num_layers is 65");
    BAD(bidirectional, 2, "bidirectional is 2");
    BAD(tokenizer, -1, "tokenizer is");
    BAD(padding, 3, "padding is 3");
    BAD(learning_rate, 0, "learning_rate is 0");
    BAD(learning_rate, NAN, "learning_rate is");
    BAD(dropout, 1, "dropout is 1; expected 0 to 0.99");
    BAD(word_dropout, -0.5, "word_dropout is -0.5");
    BAD(gradient_clip, INFINITY, "gradient_clip is inf");
    BAD(ema_decay, 1, "ema_decay is 1");
#undef BAD
}

static void test_bad_data(void **state)
{
    (void)state;
    const sentiment_train_options options = small_options();
    const sentiment_dataset good = train_texts.data;
    sentiment_dataset bad = good;
    int32_t classes[TEXTS];
    uint64_t offsets[TEXTS + 1];

    bad.count = 0;
    refuses(&bad, &good, &options, "the training set is empty");
    refuses(&good, &bad, &options, "the dev set is empty");
    bad = good;
    bad.offsets = NULL;
    refuses(&bad, &good, &options, "no offsets");
    bad = good;
    bad.text = NULL;
    refuses(&good, &bad, &options, "the text of the dev set is NULL");

    bad = good;
    bad.labels = classes;
    memcpy(classes, good.labels, sizeof classes);
    classes[7] = CLASSES;
    refuses(&bad, &good, &options, "label 3 of text 7 of the training set; expected 0 to 2");
    classes[7] = -1;
    refuses(&good, &bad, &options, "label -1 of text 7 of the dev set");
    for (size_t i = 0; i < TEXTS; i++)
        classes[i] = i % 2 ? 0 : 2;
    refuses(&bad, &good, &options, "no text of the training set has label 1 (\"plain\")");

    bad = good;
    bad.offsets = offsets;
    memcpy(offsets, good.offsets, sizeof offsets);
    offsets[5] = offsets[6] + 1;
    refuses(&bad, &good, &options, "offset 6 of the training set is below");
}

static void test_bad_labels(void **state)
{
    (void)state;
    const sentiment_train_options options = small_options();
    const char *const with_null[CLASSES] = {"a", NULL, "c"};
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(sn_train_check(&train_texts.data, &dev_texts.data, labels, 1, &options,
                                    &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "1 labels; expected 2"));
    assert_int_equal(sn_train_check(&train_texts.data, &dev_texts.data, with_null, CLASSES,
                                    &options, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "label 1 is NULL"));
    assert_int_equal(sn_train_check(&train_texts.data, &dev_texts.data, labels, CLASSES,
                                    &options, &error),
                     SENTIMENT_OK);
}

static void test_bad_texts(void **state)
{
    (void)state;
    need_plugin();
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *model = NULL;
    sentiment_train_options options = small_options();
    static texts broken;
    broken = train_texts;
    broken.data.text = broken.text;
    broken.text[broken.offsets[9] + 2] = '\xff';
    assert_int_equal(sn_train(&broken.data, &dev_texts.data, labels, CLASSES, &options, NULL,
                              &model, &error),
                     SENTIMENT_ERROR_INVALID_UTF8);
    assert_non_null(strstr(error.message, "text 9 of the training set"));
    assert_int_equal(error.offset, 2);
    assert_int_equal(sn_train(&train_texts.data, &broken.data, labels, CLASSES, &options, NULL,
                              &model, &error),
                     SENTIMENT_ERROR_INVALID_UTF8);
    assert_non_null(strstr(error.message, "text 9 of the dev set"));
    options.min_count = 100000;
    refuses(&train_texts.data, &dev_texts.data, &options, "no word occurs min_count (100000)");
}

/* ---------------------------------------------------------------- learning */

static void test_learns(void **state)
{
    (void)state;
    need_plugin();
    const sentiment_train_options options = small_options();
    sentiment_model *model = train_model(&options);
    assert_true(strtod(metadata(model, "dev_accuracy"), NULL) > 0.95);
    assert_true(strtod(metadata(model, "dev_macro_f1"), NULL) > 0.95);
    assert_string_equal(metadata(model, "train_epochs_run"), "12");
    assert_non_null(strstr(metadata(model, "training_params"), "\"batch_size\":8"));
    assert_non_null(strstr(model->config_json, "\"learning_rate\""));
    assert_non_null(strchr(metadata(model, "train_torch_version"), '.'));
    assert_int_equal(model->config.padding, SENTIMENT_PADDING_NONE);
    assert_int_equal(model->config.max_length, options.max_length);
    assert_string_equal(model->labels[1], "plain");
    /* 9 telling words, 7 others, and id 0 for the rest. */
    assert_int_equal(model->config.vocab_size, 17);
    assert_int_equal(model->tokenizer->tokenizer.vocabulary.count, 16);
    assert_int_equal(sn_vocabulary_find(&model->tokenizer->tokenizer.vocabulary,
                                        (const uint8_t *)"<unk>", 5), -1);
    sn_model_release(model);
}

/* The other ways through the network and the optimizer. */
static void test_variants_learn(void **state)
{
    (void)state;
    need_plugin();
    sentiment_train_options options = small_options();
    options.bidirectional = 1;
    options.num_layers = 2;
    options.tokenizer = SENTIMENT_TOKENIZER_WHITESPACE;
    sentiment_model *model = train_model(&options);
    assert_true(strtod(metadata(model, "dev_accuracy"), NULL) > 0.95);
    assert_int_equal(model->config.directions, 2);
    assert_int_equal(model->tokenizer->tokenizer.kind, SENTIMENT_TOKENIZER_WHITESPACE);
    sn_model_release(model);

    options = small_options();
    options.padding = SENTIMENT_PADDING_MAX_LENGTH;
    options.max_length = 10;
    options.epochs = 15;
    options.ema_decay = 0.9;
    options.weight_decay = 0.01;
    model = train_model(&options);
    assert_true(strtod(metadata(model, "dev_accuracy"), NULL) > 0.95);
    assert_int_equal(model->config.padding, SENTIMENT_PADDING_MAX_LENGTH);
    sn_model_release(model);
}

static void test_repeats_itself(void **state)
{
    (void)state;
    need_plugin();
    sentiment_train_options options = small_options();
    options.epochs = 2;
    options.pretrain_epochs = 1;
    options.evaluations = 3;
    options.ema_decay = 0.9;
    sentiment_model *first = train_model(&options), *second = train_model(&options);
    options.seed++;
    sentiment_model *other = train_model(&options);
    size_t size = (size_t)first->weights.parameters * sizeof(float);
    assert_memory_equal(first->storage, second->storage, size);
    assert_memory_not_equal(first->storage, other->storage, size);
    sn_model_release(first);
    sn_model_release(second);
    sn_model_release(other);
}

/* What pre-training tells. */
typedef struct words_loss {
    unsigned passes;
    double first, last; /* loss of the next word */
} words_loss;

static void watch_words(void *user, const sentiment_train_progress *progress)
{
    words_loss *seen = user;
    if (!progress->pretraining || !progress->epoch_done)
        return;
    assert_true(progress->epochs == 6 && progress->best_epoch == 0);
    assert_int_equal(progress->epoch, ++seen->passes);
    seen->first = seen->passes == 1 ? progress->loss : seen->first;
    seen->last = progress->loss;
}

/* Texts have few patterns: their words can be guessed, so the loss must fall. */
static void test_pretrains(void **state)
{
    (void)state;
    need_plugin();
    words_loss seen = {0};
    sentiment_train_options options = small_options();
    options.pretrain_epochs = 6;
    options.pretrain_learning_rate = 0.02;
    options.rare_dropout = 0.25;
    options.progress = watch_words;
    options.progress_user = &seen;
    sentiment_model *model = train_model(&options);
    assert_int_equal(seen.passes, 6);
    assert_true(seen.last < 0.8 * seen.first);
    assert_true(strtod(metadata(model, "dev_accuracy"), NULL) > 0.95);
    assert_non_null(strstr(metadata(model, "training_params"), "\"pretrain_epochs\":6"));
    sn_model_release(model);

    seen = (words_loss){0};
    options.bidirectional = 1; /* would see the word that it has to guess */
    options.epochs = 1;
    model = train_model(&options);
    assert_int_equal(seen.passes, 0);
    sn_model_release(model);
}

static void test_vocabulary_limits(void **state)
{
    (void)state;
    need_plugin();
    sentiment_train_options options = small_options();
    options.epochs = 1;
    options.vocab_size = 8;
    sentiment_model *model = train_model(&options);
    const sn_vocabulary *vocabulary = &model->tokenizer->tokenizer.vocabulary;
    assert_int_equal(model->config.vocab_size, 8);
    /* The seven words that say nothing are the frequent ones. */
    assert_true(sn_vocabulary_find(vocabulary, (const uint8_t *)"thing", 5) > 0);
    assert_int_equal(sn_vocabulary_find(vocabulary, (const uint8_t *)"lovely", 6), -1);
    sn_model_release(model);
}

/* ---------------------------------------------------------------- stopping */

typedef struct watcher {
    sentiment_cancel *cancel;
    uint32_t stop_after; /* epoch whose end requests the cancel; 0: the first call */
    uint32_t calls, epochs;
    double best;
} watcher;

static void watch(void *user, const sentiment_train_progress *progress)
{
    watcher *self = user;
    self->calls++;
    assert_true(progress->struct_size == sizeof *progress);
    assert_true(progress->epoch >= 1 && progress->epoch <= progress->epochs);
    assert_true(progress->step <= progress->steps && isfinite(progress->loss));
    if (progress->epoch_done) {
        self->epochs++;
        self->best = progress->best_macro_f1;
        assert_int_equal(progress->step, progress->steps);
        assert_true(progress->dev_macro_f1 <= progress->best_macro_f1);
        assert_true(progress->best_epoch >= 1 && progress->best_epoch <= progress->epoch);
    }
    if (progress->epoch_done && progress->epoch == self->stop_after)
        sentiment_cancel_request(self->cancel);
}

static void test_cancel_keeps_the_best(void **state)
{
    (void)state;
    need_plugin();
    watcher seen = {.stop_after = 2};
    sentiment_train_options options = small_options();
    sentiment_model_options with_cancel = {.struct_size = sizeof with_cancel};
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *model = NULL;
    assert_int_equal(sentiment_cancel_create(&seen.cancel, NULL), SENTIMENT_OK);
    with_cancel.cancel = seen.cancel;
    options.progress = watch;
    options.progress_user = &seen;
    assert_int_equal(sn_train(&train_texts.data, &dev_texts.data, labels, CLASSES, &options,
                              &with_cancel, &model, &error),
                     SENTIMENT_OK);
    assert_int_equal(seen.epochs, 2);
    assert_string_equal(metadata(model, "train_epochs_run"), "2");
    assert_true(fabs(strtod(metadata(model, "dev_macro_f1"), NULL) - seen.best) < 1e-12);
    sn_model_release(model);

    /* Still set: nothing is complete, nothing comes out. */
    model = NULL;
    assert_int_equal(sn_train(&train_texts.data, &dev_texts.data, labels, CLASSES, &options,
                              &with_cancel, &model, &error),
                     SENTIMENT_ERROR_CANCELLED);
    assert_null(model);
    assert_int_equal(seen.epochs, 2);
    sentiment_cancel_free(seen.cancel);
}

/* Every text of the dev set has the wrong label: the first epochs, which know
 * nothing yet, are the best ones, and training stops soon after. */
static void test_patience(void **state)
{
    (void)state;
    need_plugin();
    watcher seen = {0};
    static texts wrong;
    sentiment_train_options options = small_options();
    sentiment_model *model = NULL;
    wrong = dev_texts;
    wrong.data.text = wrong.text;
    wrong.data.offsets = wrong.offsets;
    wrong.data.labels = wrong.classes;
    for (size_t i = 0; i < DEV_TEXTS; i++)
        wrong.classes[i] = (wrong.classes[i] + 1) % CLASSES;
    options.epochs = 50;
    options.patience = 2;
    options.progress = watch;
    options.progress_user = &seen;
    assert_int_equal(sn_train(&train_texts.data, &wrong.data, labels, CLASSES, &options, NULL,
                              &model, NULL),
                     SENTIMENT_OK);
    assert_true(seen.epochs < 50);
    assert_int_equal(strtoul(metadata(model, "train_best_epoch"), NULL, 10) + 2, seen.epochs);
    sn_model_release(model);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    need_plugin();
    sentiment_train_options options = small_options();
    options.epochs = 1;
    options.hidden_size = 2;
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        sentiment_model_options how = {.struct_size = sizeof how, .allocator = &hooks};
        sentiment_model *model = NULL;
        sentiment_status status = sn_train(&dev_texts.data, &dev_texts.data, labels, CLASSES,
                                           &options, &how, &model, NULL);
        sn_model_release(model);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty)) {
            assert_int_equal(status, SENTIMENT_OK);
            break;
        }
        assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
    }
}

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_bad_data),
        cmocka_unit_test(test_bad_labels),
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_learns),
        cmocka_unit_test(test_variants_learn),
        cmocka_unit_test(test_repeats_itself),
        cmocka_unit_test(test_vocabulary_limits),
        cmocka_unit_test(test_cancel_keeps_the_best),
        cmocka_unit_test(test_pretrains),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_out_of_memory),
    };
    const sn_torch_plugin *plugin = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    (void)arguments;
    have_plugin = sn_torch_plugin_get(&plugin, &error) == SENTIMENT_OK;
    if (!have_plugin && count > 1) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    make_texts(&train_texts, TEXTS, 1);
    make_texts(&dev_texts, DEV_TEXTS, 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
