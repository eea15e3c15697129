/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams whose tokenizer is a tokenizer.json: the places where its texts may
 * be parted, over every short text of nasty alphabets, and the bits of predict,
 * also where the tokenizer truncates by itself, at the end or the beginning. */
#include "streams.h"

#include <string.h>

#include "text/utf8.h"

#define HEAD "{\"version\":\"1.0\",\"added_tokens\":"
#define WORD_LEVEL                                                                                 \
  "\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"u\",\"vocab\":{\"u\":0,\"a\":1,\"ab\":2,"     \
  "\"good\":3,\"never\":4,\",\":5,\".\":6,\"!\":7,\"12\":8,\"BAD\":9,\"Never\":10,\"1\":11}}}"
#define WORD_PIECE                                                                                 \
  "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"u\",\"continuing_subword_prefix\":\"##\","    \
  "\"max_input_chars_per_word\":9,\"vocab\":{\"u\":0,\"a\":1,\"##b\":2,\"go\":3,\"##od\":4,"       \
  "\"b\":5,\"##a\":6,\"##d\":7,\"n\":8,\"##e\":9,\"##ver\":10,\"1\":11,\"##2\":12,\"'\":13,"       \
  "\",\":14,\"d\":15,\"##on\":16,\"t\":17}}}"
#define BPE                                                                                        \
  "\"model\":{\"type\":\"BPE\",\"unk_token\":null,\"vocab\":{\"a\":0,\"b\":1,\"\\u0120\":2,"       \
  "\"\\u0120a\":3,\"g\":4,\"o\":5,\"oo\":6,\"goo\":7,\"d\":8,\"\\u0120good\":9,\"good\":10,"       \
  "\"\\u0120goo\":11,\"1\":12,\"2\":13,\"n\":14,\"e\":15,\"v\":16,\"r\":17,\"B\":18,\"A\":19,"     \
  "\"\\u010a\":20,\",\":21},\"merges\":[\"\\u0120 a\",\"o o\",\"g oo\",\"goo d\","                 \
  "\"\\u0120 goo\",\"\\u0120 good\"]}}"
#define BERT                                                                                       \
  "\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,"                               \
  "\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":true},"                      \
  "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
#define BYTE_LEVEL(prefix)                                                                         \
  "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":" prefix                         \
  ",\"trim_offsets\":true,\"use_regex\":true},"
#define TRUNCATION(length, side)                                                                   \
  "\"truncation\":{\"direction\":\"" side "\",\"max_length\":" length                              \
  ",\"strategy\":\"LongestFirst\",\"stride\":0},"
#define ADDED(content, normalized, left, right)                                                    \
  "[{\"id\":18,\"content\":\"" content "\",\"single_word\":false,\"lstrip\":" left                 \
  ",\"rstrip\":" right ",\"normalized\":" normalized ",\"special\":false}],"

static const struct {
    const char *json;
    _Bool has_cuts;
} tokenizers[] = {
    {HEAD "[]," BERT WORD_PIECE, 1},
    {HEAD ADDED("1a", "false", "false", "false") BERT WORD_PIECE, 1},
    {HEAD ADDED("1b", "true", "true", "false") BERT WORD_PIECE, 1},
    {HEAD ADDED("1b", "false", "false", "true") BERT WORD_PIECE, 0},
    {HEAD ADDED("a b", "false", "false", "false") BERT WORD_PIECE, 0},
    {HEAD "[]," BYTE_LEVEL("false") BPE, 1},
    {HEAD "[]," BYTE_LEVEL("true") BPE, 1},
    {HEAD "[],\"normalizer\":{\"type\":\"NFKC\"},\"pre_tokenizer\":{\"type\":\"Whitespace\"}"
          "," WORD_LEVEL,
     1},
    {HEAD "[],\"pre_tokenizer\":{\"type\":\"Punctuation\",\"behavior\":\"Isolated\"}," WORD_LEVEL,
     0},
    {HEAD
     "[]," TRUNCATION("5", "Right") "\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"}," WORD_LEVEL,
     1},
    {HEAD "[]," TRUNCATION("5", "Left") "\"pre_tokenizer\":{\"type\":\"Whitespace\"}," WORD_LEVEL,
     1},
};
#define TOKENIZERS (sizeof tokenizers / sizeof *tokenizers)

#define DEPTH 5
#define SYMBOLS 7
static const char *const alphabets[][SYMBOLS] = {
    {"a", "b", " ", "1", ",", "\xCC\x81", "'"},
    {"a", "B", " ", "\xC2\xA0", "\n", "\xE4\xBD\xA0", "\xE2\x80\x8D"},
    {"a", "1", " ", "\xC2", "\xA0", "\xE2", "\x80"},
};

static sn_tokens whole, parts;

/* The tokens of both sides are those of all. */
static void check_cut(const sn_tokenizer *tokenizer, const char *text, size_t size, size_t cut)
{
    const size_t begins[] = {0, cut}, ends[] = {cut, size};
    size_t at = 0;
    for (int side = 0; side < 2; side++) {
        assert_int_equal(sn_tokenizer_encode(tokenizer, &sn_memory_default, text + begins[side],
                                             ends[side] - begins[side], SENTIMENT_UTF8_REPLACE,
                                             &parts, NULL),
                         0);
        for (size_t i = 0; i < parts.count; i++, at++) {
            char quoted[64];
            if (at >= whole.count || parts.ids[i] != whole.ids[at] ||
                parts.starts[i] + begins[side] != whole.starts[at] ||
                parts.ends[i] + begins[side] != whole.ends[at])
                fail_msg("%s parted at %zu",
                         sn_utf8_quote((const uint8_t *)text, size, quoted, sizeof quoted), cut);
        }
    }
    assert_int_equal(at, whole.count);
}

static size_t check_text(const sn_tokenizer *tokenizer, const char *text, size_t size)
{
    size_t last = 0, cuts = 0;
    for (size_t known = 1; known <= size; known++) {
        size_t cut = sn_tokenizer_cut(tokenizer, text, known);
        assert_true(cut <= known);
        if (cut == 0 || cut == last)
            continue;
        if (cuts++ == 0)
            assert_int_equal(sn_tokenizer_encode(tokenizer, &sn_memory_default, text, size,
                                                 SENTIMENT_UTF8_REPLACE, &whole, NULL),
                             0);
        check_cut(tokenizer, text, size, cut);
        last = cut;
    }
    return cuts;
}

static size_t check_alphabet(const sn_tokenizer *tokenizer, const char *const *symbols)
{
    size_t cuts = 0, texts = 1;
    for (int i = 0; i < DEPTH; i++)
        texts *= SYMBOLS;
    for (size_t number = 0; number < texts; number++) {
        char text[4 * DEPTH + 4];
        size_t size = 0, rest = number;
        for (int i = 0; i < DEPTH; i++, rest /= SYMBOLS) {
            const char *symbol = symbols[rest % SYMBOLS];
            memcpy(text + size, symbol, strlen(symbol));
            size += strlen(symbol);
        }
        cuts += check_text(tokenizer, text, size);
    }
    return cuts;
}

static void test_cuts(void **state)
{
    (void)state;
    for (size_t t = 0; t < TOKENIZERS; t++) {
        sn_tokenizer tokenizer = {0};
        make_json_tokenizer(tokenizers[t].json, &sn_memory_default, &tokenizer);
        for (size_t a = 0; a < sizeof alphabets / sizeof *alphabets; a++) {
            size_t cuts = check_alphabet(&tokenizer, alphabets[a]);
            assert_int_equal(cuts > 100, tokenizers[t].has_cuts);
        }
        sn_tokenizer_free(&tokenizer);
    }
    sn_tokens_free(&sn_memory_default, &whole);
    sn_tokens_free(&sn_memory_default, &parts);
}

static void test_random_texts(void **state)
{
    (void)state;
    for (size_t number = 0; number < 2 * TOKENIZERS; number++) {
        const stream_model from = {.tokenizer = SENTIMENT_TOKENIZER_HUGGINGFACE,
                                   .json = tokenizers[number / 2].json,
                                   .layers = 1,
                                   .padding = number % 4 < 2 ? SENTIMENT_PADDING_MAX_LENGTH
                                                             : SENTIMENT_PADDING_NONE,
                                   .max_length = number % 3 ? 40 : 4,
                                   .scale = 1.0f};
        const sentiment_session_options options = {
            .struct_size = sizeof options,
            .utf8_policy = number % 2 ? SENTIMENT_UTF8_REPLACE : SENTIMENT_UTF8_STRICT};
        sentiment_model *model = make_stream_model(&from, NULL);
        sentiment_session *session = make_stream_session(model, &options);
        run_stream_texts(session, options.utf8_policy, 100, 70 + number);
        sentiment_session_free(session);
        sentiment_model_free(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_random_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
