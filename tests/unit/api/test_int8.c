/* SPDX-License-Identifier: Apache-2.0
 *
 * int8 through the public API: which precision a session gets, the same bits from
 * a quantized model, a session that quantizes, every batch, thread count and
 * instruction set, explanations, streams, padded tails, and memory. */
#include "support.h"

#include <math.h>

#include "support/faulty_allocator.h"
#include "texts.h"

static const struct {
    uint32_t layers, bidirectional;
} kinds[] = {{1, 0}, {2, 0}, {1, 1}, {2, 1}};

#define KINDS (sizeof kinds / sizeof *kinds)

static sentiment_model *make_model(size_t kind, int32_t padding)
{
    sentiment_model *model = NULL;
    const sentiment_model_config config = {.struct_size = sizeof config,
                                           .vocab_size = 100,
                                           .embedding_dim = 7,
                                           .hidden_size = 37,
                                           .num_classes = CLASSES,
                                           .num_layers = kinds[kind].layers,
                                           .bidirectional = kinds[kind].bidirectional,
                                           .padding = padding,
                                           .max_length = 300,
                                           .seed = 5};
    assert_int_equal(sentiment_model_create(&config, NULL, &model, NULL), SENTIMENT_OK);
    return model;
}

static sentiment_model *quantize(const sentiment_model *model)
{
    sentiment_model *made = NULL;
    assert_int_equal(sentiment_model_quantize(model, NULL, &made, NULL), SENTIMENT_OK);
    return made;
}

static sentiment_session *open_session(sentiment_model *model, sentiment_session_options options)
{
    sentiment_session *session = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    options.struct_size = sizeof options;
    if (sentiment_session_create(model, &options, &session, &error))
        fail_msg("%s", error.message);
    return session;
}

/* The first `all` texts. */
static void predict(sentiment_session *session, const texts *from, size_t all, size_t batch,
                    float logits[TEXTS][CLASSES])
{
    static sentiment_result results[TEXTS];
    results[0].struct_size = sizeof *results;
    for (size_t first = 0; first < all; first += batch) {
        size_t count = all - first < batch ? all - first : batch;
        assert_int_equal(sentiment_session_predict_batch(session, from->buffer,
                                                         from->offsets + first, count, NULL,
                                                         results, NULL, logits[first], NULL, NULL),
                         SENTIMENT_OK);
    }
}

static void predict_all(sentiment_session *session, const texts *from, size_t batch,
                        float logits[TEXTS][CLASSES])
{
    predict(session, from, TEXTS, batch, logits);
}

static float largest_distance(float a[TEXTS][CLASSES], float b[TEXTS][CLASSES])
{
    float largest = 0;
    for (size_t i = 0; i < TEXTS; i++)
        for (size_t c = 0; c < CLASSES; c++)
            largest = fmaxf(largest, fabsf(a[i][c] - b[i][c]));
    return largest;
}

/* ------------------------------------------------------------- precisions */

static int32_t precision_of(sentiment_model *model, int32_t asked)
{
    sentiment_session_info info = {.struct_size = sizeof info};
    sentiment_session *session =
        open_session(model, (sentiment_session_options){.precision = asked});
    assert_int_equal(sentiment_session_get_info(session, &info, NULL), SENTIMENT_OK);
    sentiment_session_free(session);
    return info.precision;
}

static void refuse_session(sentiment_model *model, sentiment_session_options options,
                           const char *says)
{
    sentiment_session *session = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    options.struct_size = sizeof options;
    assert_int_equal(sentiment_session_create(model, &options, &session, &error),
                     SENTIMENT_ERROR_UNSUPPORTED);
    assert_null(session);
    if (!strstr(error.message, says))
        fail_msg("\"%s\" does not say \"%s\"", error.message, says);
}

static void test_precisions(void **state)
{
    (void)state;
    sentiment_model *model = make_model(0, SENTIMENT_PADDING_NONE), *made = quantize(model);
    assert_int_equal(precision_of(model, SENTIMENT_PRECISION_DEFAULT), SENTIMENT_PRECISION_FP32);
    assert_int_equal(precision_of(model, SENTIMENT_PRECISION_INT8), SENTIMENT_PRECISION_INT8);
    assert_int_equal(precision_of(model, SENTIMENT_PRECISION_FP32), SENTIMENT_PRECISION_FP32);
    assert_int_equal(precision_of(made, SENTIMENT_PRECISION_DEFAULT), SENTIMENT_PRECISION_INT8);
    assert_int_equal(precision_of(made, SENTIMENT_PRECISION_INT8), SENTIMENT_PRECISION_INT8);
    refuse_session(made, (sentiment_session_options){.precision = SENTIMENT_PRECISION_FP32},
                   "load the model that it was made from");
    refuse_session(made, (sentiment_session_options){.engine = SENTIMENT_ENGINE_TORCH},
                   "int8 needs the native engine");
    refuse_session(made,
                   (sentiment_session_options){.engine = SENTIMENT_ENGINE_TORCH,
                                               .precision = SENTIMENT_PRECISION_FP32},
                   "int8 needs the native engine");
    refuse_session(model,
                   (sentiment_session_options){.engine = SENTIMENT_ENGINE_TORCH,
                                               .precision = SENTIMENT_PRECISION_INT8},
                   "int8 needs the native engine");
    sentiment_model_free(model);
    sentiment_model_free(made);
}

static void test_info(void **state)
{
    (void)state;
    sentiment_model_info plain = {.struct_size = sizeof plain}, small = plain;
    sentiment_model *model = make_model(3, SENTIMENT_PADDING_NONE), *made = quantize(model);
    assert_int_equal(sentiment_model_get_info(model, &plain, NULL), SENTIMENT_OK);
    assert_int_equal(sentiment_model_get_info(made, &small, NULL), SENTIMENT_OK);
    assert_int_equal(small.precision, SENTIMENT_PRECISION_INT8);
    assert_int_equal(small.parameters, plain.parameters);
    assert_int_equal(small.vocabulary_words, plain.vocabulary_words);
    assert_int_equal(small.has_weights, 1);
    /* Three bytes less for each weight of the matrices, and a scale for each of
     * 100 + 4 * 2 * 148 rows more. */
    uint64_t matrices = 100 * 7 + 148 * 2 * (7 + 37 + 74 + 37), rows = 100 + 8 * 148;
    uint64_t saved = 3 * matrices - rows * sizeof(float);
    assert_true(plain.memory_bytes - small.memory_bytes > saved - 512);
    assert_true(plain.memory_bytes - small.memory_bytes < saved + 512);
    sentiment_model_free(model);
    sentiment_model_free(made);
}

static void test_arguments(void **state)
{
    (void)state;
    sentiment_model *model = make_model(0, SENTIMENT_PADDING_NONE), *made = NULL;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model_options options = {.struct_size = sizeof options, .use_mmap = 2};
    assert_int_equal(sentiment_model_quantize(NULL, NULL, &made, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(sentiment_model_quantize(model, NULL, NULL, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(sentiment_model_quantize(model, &options, &made, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_null(made);
    sentiment_model_free(model);
}

/* -------------------------------------------------------------- same bits */

/* One model in every way that it can be asked in. */
static void check_same_bits(sentiment_model *model, sentiment_model *made, const texts *many)
{
    static float truth[TEXTS][CLASSES], other[TEXTS][CLASSES];
    sentiment_session *session =
        open_session(model, (sentiment_session_options){.precision = SENTIMENT_PRECISION_INT8,
                                                        .isa = SENTIMENT_ISA_C});
    predict_all(session, many, 17, truth);
    sentiment_session_free(session);
    for (int32_t isa = SENTIMENT_ISA_AUTO; isa <= SENTIMENT_ISA_NEON; isa++)
        for (uint32_t threads = 1; threads <= 3; threads += 2) {
            session =
                open_session(made, (sentiment_session_options){.isa = isa, .threads = threads});
            predict_all(session, many, threads == 1 ? 1 : TEXTS, other);
            assert_memory_equal(truth, other, sizeof truth);
            sentiment_session_free(session);
        }
}

static void test_same_bits(void **state)
{
    (void)state;
    texts many = make_texts();
    for (size_t kind = 0; kind < KINDS; kind++) {
        sentiment_model *model = make_model(kind, SENTIMENT_PADDING_NONE), *made = quantize(model);
        check_same_bits(model, made, &many);
        sentiment_model_free(model);
        sentiment_model_free(made);
    }
    free(many.buffer);
}

/* Folded rows that do not fit are computed each time, to the same bits; ids are
 * as good as words. */
static void test_ids_and_tight_folds(void **state)
{
    (void)state;
    static const int32_t ids[] = {5, 99, 0, 17, 17};
    static const uint64_t offsets[] = {0, 5};
    sentiment_model *model = make_model(0, SENTIMENT_PADDING_NONE);
    sentiment_model *made[2] = {quantize(model), quantize(model)};
    float logits[2][CLASSES], words[CLASSES];
    sentiment_result result = {.struct_size = sizeof result};
    for (size_t i = 0; i < 2; i++) {
        sentiment_session *session =
            open_session(made[i], (sentiment_session_options){.fold_bytes = i ? 1 : 0});
        assert_int_equal(sentiment_session_predict_ids(session, ids, offsets, 1, NULL, &result,
                                                       NULL, logits[i], NULL, NULL),
                         SENTIMENT_OK);
        const char *text = "word_5 word_99 word_0 word_17 word_17";
        assert_int_equal(
            sentiment_session_predict(session, text, strlen(text), 0, &result, NULL, words, NULL),
            SENTIMENT_OK);
        assert_memory_equal(words, logits[i], sizeof words);
        sentiment_session_free(session);
        sentiment_model_free(made[i]);
    }
    assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
    sentiment_model_free(model);
}

/* Close to fp32, and yet not fp32 under another name. Every weight is within half
 * a step of 1/127 of its row's largest; 0.02 is what 37 units with weights of 0.16
 * may add up to if all of them lean the same way, and less than a tenth of it is seen. */
static void test_close_to_fp32(void **state)
{
    (void)state;
    static float plain[TEXTS][CLASSES], small[TEXTS][CLASSES];
    texts many = make_texts();
    for (size_t kind = 0; kind < KINDS; kind++) {
        sentiment_model *model = make_model(kind, SENTIMENT_PADDING_NONE);
        sentiment_session *session = open_session(model, (sentiment_session_options){0});
        predict_all(session, &many, TEXTS, plain);
        sentiment_session_free(session);
        session =
            open_session(model, (sentiment_session_options){.precision = SENTIMENT_PRECISION_INT8});
        predict_all(session, &many, TEXTS, small);
        sentiment_session_free(session);
        float largest = largest_distance(plain, small);
        assert_true(largest > 0 && largest < 0.02f);
        sentiment_model_free(model);
    }
    free(many.buffer);
}

/* ------------------------------------------------------- tails and streams */

/* The tail of 300 positions, left out or not: the state is the same to the bit,
 * and the mean within the rounding of its sums (2^-18, test_classifier.c); a
 * logit has up to 74 units with weights below 0.17. */
static void test_tail(void **state)
{
    (void)state;
    static float all[TEXTS][CLASSES], short_cut[TEXTS][CLASSES];
    texts many = make_texts();
    for (size_t kind = 0; kind < KINDS; kind++) {
        sentiment_model *model = make_model(kind, SENTIMENT_PADDING_MAX_LENGTH);
        sentiment_session_options options = {.precision = SENTIMENT_PRECISION_INT8};
        sentiment_session *session = open_session(model, options);
        predict(session, &many, 62, 31, short_cut);
        sentiment_session_free(session);
        options.disable_settled_tail = 1;
        session = open_session(model, options);
        predict(session, &many, 62, 31, all);
        sentiment_session_free(session);
        assert_true(largest_distance(all, short_cut) <= 74 * 0.17f * 0x1p-18f);
        sentiment_model_free(model);
    }
    free(many.buffer);
}

static void check_stream(sentiment_session *session, sentiment_stream *stream, const char *text,
                         size_t size, uint64_t *seed)
{
    sentiment_result whole = {.struct_size = sizeof whole}, part = whole;
    float expected[CLASSES], logits[CLASSES];
    for (size_t at = 0; at < size;) {
        size_t piece = random_next(seed) % 30;
        piece = piece < size - at ? piece : size - at;
        assert_int_equal(sentiment_stream_feed(stream, text + at, piece, &part, NULL, logits, NULL),
                         SENTIMENT_OK);
        at += piece;
        assert_int_equal(
            sentiment_session_predict(session, text, at, 0, &whole, NULL, expected, NULL),
            SENTIMENT_OK);
        assert_memory_equal(logits, expected, sizeof logits);
    }
    assert_int_equal(sentiment_stream_end(stream, &part, NULL, logits, NULL), SENTIMENT_OK);
    assert_int_equal(
        sentiment_session_predict(session, text, size, 0, &whole, NULL, expected, NULL),
        SENTIMENT_OK);
    assert_memory_equal(logits, expected, sizeof logits);
}

static void test_streams(void **state)
{
    (void)state;
    texts many = make_texts();
    uint64_t seed = 9;
    for (size_t kind = 0; kind < 2; kind++)
        for (int32_t padding = SENTIMENT_PADDING_NONE; padding <= SENTIMENT_PADDING_MAX_LENGTH;
             padding++) {
            sentiment_model *model = make_model(kind, padding);
            sentiment_session *session = open_session(
                model, (sentiment_session_options){.precision = SENTIMENT_PRECISION_INT8});
            sentiment_stream *stream = NULL;
            assert_int_equal(sentiment_stream_create(session, 0, &stream, NULL), SENTIMENT_OK);
            for (size_t i = 0; i < 31; i += 3)
                check_stream(session, stream, many.buffer + many.offsets[i],
                             (size_t)(many.offsets[i + 1] - many.offsets[i]), &seed);
            sentiment_stream_free(stream);
            sentiment_session_free(session);
            sentiment_model_free(model);
        }
    free(many.buffer);
}

/* Contributions add up to the logits; up to 300 of them, each rounded at 2^-24 of
 * itself, and the bias. */
static void test_explain(void **state)
{
    (void)state;
    static const char text[] = "word_3 word_14 nope word_15 word_92";
    for (size_t kind = 0; kind < KINDS; kind++)
        for (int32_t padding = SENTIMENT_PADDING_NONE; padding <= SENTIMENT_PADDING_MAX_LENGTH;
             padding++) {
            sentiment_model *model = make_model(kind, padding), *made = quantize(model);
            sentiment_session *session = open_session(made, (sentiment_session_options){0});
            sentiment_result result = {.struct_size = sizeof result};
            float logits[CLASSES], expected[CLASSES], bias[CLASSES], parts[5][CLASSES];
            size_t length = 0;
            assert_int_equal(sentiment_session_explain(session, text, sizeof text - 1, 0, &result,
                                                       logits, bias, 5, parts[0], NULL, NULL,
                                                       &length, NULL),
                             SENTIMENT_OK);
            assert_int_equal(sentiment_session_predict(session, text, sizeof text - 1, 0, &result,
                                                       NULL, expected, NULL),
                             SENTIMENT_OK);
            assert_memory_equal(logits, expected, sizeof logits);
            assert_int_equal(length, 5);
            for (size_t c = 0; c < CLASSES; c++) {
                double sum = (double)bias[c];
                for (size_t t = 0; t < 5; t++)
                    sum += (double)parts[t][c];
                assert_true(fabs(sum - (double)logits[c]) < 5e-6);
            }
            sentiment_session_free(session);
            sentiment_model_free(model);
            sentiment_model_free(made);
        }
}

/* ------------------------------------------------------------------ memory */

static sentiment_status work(const sentiment_allocator *hooks)
{
    static const char text[] = "word_1 word_2";
    sentiment_model *model = small_model(SENTIMENT_PADDING_MAX_LENGTH, NULL), *made = NULL;
    const sentiment_model_options options = {.struct_size = sizeof options, .allocator = hooks};
    sentiment_status status = sentiment_model_quantize(model, &options, &made, NULL);
    sentiment_model_free(model);
    sentiment_session *session = NULL;
    sentiment_result result = {.struct_size = sizeof result};
    if (!status)
        status = sentiment_session_create(made, NULL, &session, NULL);
    if (!status)
        status =
            sentiment_session_predict(session, text, sizeof text - 1, 0, &result, NULL, NULL, NULL);
    sentiment_session_free(session);
    sentiment_model_free(made);
    return status;
}

/* An fp32 model whose sessions quantize: its own hooks serve that. */
static sentiment_status work_in_session(const sentiment_allocator *hooks, faulty_allocator *faulty,
                                        size_t fail_at)
{
    sentiment_model *model = small_model(SENTIMENT_PADDING_NONE, hooks);
    sentiment_session *session = NULL;
    const sentiment_session_options options = {.struct_size = sizeof options,
                                               .precision = SENTIMENT_PRECISION_INT8};
    faulty->fail_at = faulty_allocator_calls(faulty) + fail_at;
    sentiment_status status = sentiment_session_create(model, &options, &session, NULL);
    sentiment_session_free(session);
    sentiment_model_free(model);
    return status;
}

static void test_memory(void **state)
{
    (void)state;
    for (int in_session = 0; in_session < 2; in_session++)
        for (size_t n = 1;; n++) {
            faulty_allocator faulty = {.fail_at = in_session ? 0 : n};
            sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
            sentiment_status status =
                in_session ? work_in_session(&hooks, &faulty, n) : work(&hooks);
            assert_int_equal(faulty_allocator_live(&faulty), 0);
            if (!faulty_allocator_failed(&faulty)) {
                assert_int_equal(status, SENTIMENT_OK);
                assert_true(n > 10);
                break;
            }
            assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precisions),    cmocka_unit_test(test_info),
        cmocka_unit_test(test_arguments),     cmocka_unit_test(test_same_bits),
        cmocka_unit_test(test_close_to_fp32), cmocka_unit_test(test_ids_and_tight_folds),
        cmocka_unit_test(test_tail),          cmocka_unit_test(test_streams),
        cmocka_unit_test(test_explain),       cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
