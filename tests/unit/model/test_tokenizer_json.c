/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of tokenizer.json: golden tokenizers against what the package made
 * of the same texts, files that must be refused with their messages, unknown
 * words, ranges in texts that are not UTF-8, cuts, and memory that runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/tokenizer_json.h"
#include "support/faulty_allocator.h"

static const char *golden;

static const char *const names[] = {"wordlevel", "uncased",  "cased",   "bpe",     "roberta",
                                    "old-bpe",   "fallback", "affixes", "dropping"};
#define NAMES (sizeof names / sizeof *names)

static char *read_file(const char *folder, const char *name, const char *ending, size_t *size)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s%s", golden, folder, name, ending);
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is missing", path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    /* Exactly its size, so that the address sanitizer sees a read past the end. */
    char *bytes = malloc(*size ? *size : 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void build(const char *text, size_t size, uint64_t rows, sn_tokenizer *out)
{
    sentiment_error error = {.struct_size = sizeof error};
    if (sn_tokenizer_json_build(&sn_memory_default, text, size, rows, out, &error) != 0)
        fail_msg("%s", error.message);
}

static void build_golden(const char *name, sn_tokenizer *out)
{
    size_t size;
    char *text = read_file("tokenizer_json", name, ".json", &size);
    build(text, size, 1000, out);
    free(text);
}

static size_t from_hex(const char *hex, char *out)
{
    size_t size = strspn(hex, "0123456789abcdef") / 2;
    for (size_t i = 0; i < size; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (char)strtoul(digits, NULL, 16);
    }
    return size;
}

static void encode(const sn_tokenizer *tokenizer, const char *text, size_t size, sn_tokens *tokens)
{
    assert_int_equal(sn_tokenizer_encode(tokenizer, &sn_memory_default, text, size,
                                         SENTIMENT_UTF8_STRICT, tokens, NULL),
                     0);
}

/* Tokens in the notation of the golden files. */
static void print_tokens(const sn_tokens *tokens, char **out, size_t *size)
{
    FILE *to = open_memstream(out, size);
    assert_non_null(to);
    for (size_t i = 0; i < tokens->count; i++)
        fprintf(to, "%s%d,%llu,%llu", i ? " " : "",
                tokens->ids[i] < 0 ? ~tokens->ids[i] : tokens->ids[i],
                (unsigned long long)tokens->starts[i], (unsigned long long)tokens->ends[i]);
    fclose(to);
}

static void check_line(const sn_tokenizer *tokenizer, const char *name, char *line,
                       sn_tokens *tokens)
{
    char *expected = strstr(line, " = "), *found = NULL;
    size_t length;
    assert_non_null(expected);
    *expected = '\0';
    expected += 3;
    char *text = malloc(strlen(line) / 2 + 1);
    assert_non_null(text);
    size_t size = from_hex(line, text);
    encode(tokenizer, text, size, tokens);
    print_tokens(tokens, &found, &length);
    if (strcmp(found, expected) != 0)
        fail_msg("%s: %s\nexpected %s\nfound    %s", name, line, expected, found);
    free(found);
    free(text);
}

static void golden_tokenizers(void **state)
{
    (void)state;
    sn_tokens tokens = {0};
    for (size_t i = 0; i < NAMES; i++) {
        sn_tokenizer tokenizer;
        size_t size, lines = 0;
        build_golden(names[i], &tokenizer);
        assert_int_equal(tokenizer.kind, SENTIMENT_TOKENIZER_HUGGINGFACE);
        char *answers = read_file("tokenizer_json", names[i], ".txt", &size);
        for (char *line = answers, *end; (end = memchr(line, '\n', size)); line = end + 1) {
            *end = '\0';
            size -= (size_t)(end - line) + 1;
            check_line(&tokenizer, names[i], line, &tokens);
            lines++;
        }
        assert_in_range(lines, 50, 100);
        assert_in_range(sn_tokenizer_bytes(&tokenizer), 4000, 1000000);
        free(answers);
        sn_tokenizer_free(&tokenizer);
    }
    assert_in_range(sn_tokens_bytes(&tokens), 1000, 1000000);
    sn_tokens_free(&sn_memory_default, &tokens);
}

/* Every message to the letter: it names the place and the reason. */
static void invalid_files(void **state)
{
    (void)state;
    size_t size, text_size, count = 0, wrong = 0;
    char *messages = read_file("invalid/tokenizer_json", "messages", ".txt", &size);
    for (char *line = messages, *end; (end = memchr(line, '\n', size)); line = end + 1) {
        sentiment_error error = {.struct_size = sizeof error};
        sn_tokenizer tokenizer = {.kind = -5};
        *end = '\0';
        size -= (size_t)(end - line) + 1;
        char *message = strchr(line, ' ');
        assert_non_null(message);
        *message++ = '\0';
        char *text = read_file("invalid/tokenizer_json", line, ".json", &text_size);
        sentiment_status status = sn_tokenizer_json_build(&sn_memory_default, text, text_size, 8,
                                                          &tokenizer, &error);
        if (strcmp(error.message, message) != 0) {
            print_error("%s\nexpected %s\nfound    %s\n", line, message, error.message);
            wrong++;
        }
        _Bool unknown = !strstr(message, "not valid JSON") &&
                        (strstr(message, "supported") || strstr(message, "random"));
        assert_int_equal(status,
                         unknown ? SENTIMENT_ERROR_UNSUPPORTED : SENTIMENT_ERROR_BAD_MODEL);
        assert_int_equal(error.code, status);
        assert_int_equal(tokenizer.kind, -5);
        free(text);
        count++;
    }
    assert_int_equal(wrong, 0);
    assert_in_range(count, 85, 200);
    free(messages);
}

/* The text is kept to the byte, and what is not used has names. */
static void text_and_ignored_parts(void **state)
{
    (void)state;
    sn_tokenizer tokenizer;
    size_t size, kept;
    char *text = read_file("tokenizer_json", "roberta", ".json", &size);
    build(text, size, 1000, &tokenizer);
    const char *copy = sn_tokenizer_json_text(&tokenizer, &kept);
    assert_int_equal(kept, size);
    assert_memory_equal(copy, text, size);
    assert_string_equal(sn_tokenizer_json_ignored(&tokenizer), "decoder, post_processor");
    assert_int_equal(tokenizer.max_length, 5);
    assert_true(tokenizer.truncate_left);
    sn_tokenizer_free(&tokenizer);
    free(text);
    build_golden("wordlevel", &tokenizer);
    assert_null(sn_tokenizer_json_ignored(&tokenizer));
    assert_int_equal(tokenizer.max_length, 0);
    sn_tokenizer_free(&tokenizer);
    const sn_tokenizer other = {.kind = SENTIMENT_TOKENIZER_WORDS};
    assert_null(sn_tokenizer_json_text(&other, &kept));
    assert_null(sn_tokenizer_json_ignored(&other));
}

#define WORDS(vocabulary, unknown)                                                                 \
    "{\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},\"added_tokens\":[{\"id\":3,\"content\":"   \
    "\"[X]\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,"        \
    "\"special\":true}],\"model\":{\"vocab\":" vocabulary ",\"unk_token\":\"" unknown "\"}}"

static void unknown_words(void **state)
{
    (void)state;
    static const char json[] = WORDS("{\"a\":0,\"b\":1,\"?\":2}", "?");
    static const int32_t ids[] = {0, ~2, 2, 3, 1, ~2};
    sn_tokenizer tokenizer;
    sn_tokens tokens = {0};
    build(json, sizeof json - 1, 4, &tokenizer);
    /* An added token is no word of the model's: [X]s is unknown, not "[X]" and "s". */
    encode(&tokenizer, "a c ? [X]b d", 12, &tokens);
    assert_int_equal(tokens.count, 6);
    assert_memory_equal(tokens.ids, ids, sizeof ids);
    size_t size;
    const uint8_t *word = sn_vocabulary_word(&tokenizer.vocabulary, 3, &size);
    assert_int_equal(size, 3);
    assert_memory_equal(word, "[X]", 3);
    sn_tokens_free(&sn_memory_default, &tokens);
    sn_tokenizer_free(&tokenizer);
}

/* Under `replace`, ranges are those of the bytes as given. */
static void bad_utf8(void **state)
{
    (void)state;
    static const char json[] = WORDS("{\"a\\ufffdb\":0,\"\\ufffd\\ufffd\":1,\"?\":2}", "?");
    static const char text[] = "a\xE2\x82"
                               "b \xFF\xFE [X]\xC3";
    static const int32_t ids[] = {0, 1, 3, ~2};
    static const uint64_t starts[] = {0, 5, 8, 11}, ends[] = {4, 7, 11, 12};
    sn_tokenizer tokenizer;
    sn_tokens tokens = {0};
    sentiment_error error = {.struct_size = sizeof error};
    build(json, sizeof json - 1, 4, &tokenizer);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(sn_tokenizer_encode(&tokenizer, &sn_memory_default, text,
                                             sizeof text - 1, SENTIMENT_UTF8_REPLACE, &tokens,
                                             &error),
                         0);
        assert_int_equal(tokens.count, 4);
        assert_memory_equal(tokens.ids, ids, sizeof ids);
        assert_memory_equal(tokens.starts, starts, sizeof starts);
        assert_memory_equal(tokens.ends, ends, sizeof ends);
    }
    assert_int_equal(sn_tokenizer_encode(&tokenizer, &sn_memory_default, text, sizeof text - 1,
                                         SENTIMENT_UTF8_STRICT, &tokens, &error),
                     SENTIMENT_ERROR_INVALID_UTF8);
    assert_int_equal(error.offset, 1);
    assert_int_equal(tokens.count, 0);
    sn_tokens_free(&sn_memory_default, &tokens);
    sn_tokenizer_free(&tokenizer);
}

/* The tokens of a text are those of its two sides, and some texts can be cut. */
static size_t check_cut(const sn_tokenizer *tokenizer, const char *text, size_t size)
{
    sn_tokens all = {0}, left = {0}, right = {0};
    size_t cut = sn_tokenizer_cut(tokenizer, text, size);
    assert_true(cut <= size);
    encode(tokenizer, text, size, &all);
    encode(tokenizer, text, cut, &left);
    encode(tokenizer, text + cut, size - cut, &right);
    assert_int_equal(all.count, left.count + right.count);
    for (size_t i = 0; i < all.count; i++) {
        const sn_tokens *side = i < left.count ? &left : &right;
        size_t k = i < left.count ? i : i - left.count, shift = i < left.count ? 0 : cut;
        assert_int_equal(all.ids[i], side->ids[k]);
        assert_int_equal(all.starts[i], side->starts[k] + shift);
        assert_int_equal(all.ends[i], side->ends[k] + shift);
    }
    sn_tokens_free(&sn_memory_default, &all);
    sn_tokens_free(&sn_memory_default, &left);
    sn_tokens_free(&sn_memory_default, &right);
    return cut;
}

/* A cut is found in a text's beginning, and holds whatever follows it. */
static void cuts(void **state)
{
    (void)state;
    static const char text[] = "I love this product!  It's  unbelievably [MASK] good \xC3\xA9 a "
                               "\xE4\xBD\xA0 b <mask> c  \xCC\x81 e\xCC\x81 x \xE2\x80\x83 "
                               "\t yes no";
    for (size_t i = 0; i < NAMES; i++) {
        sn_tokenizer tokenizer;
        size_t cut = 0;
        build_golden(names[i], &tokenizer);
        for (size_t size = 1; size < sizeof text; size++)
            if (size == sizeof text - 1 || ((unsigned char)text[size] & 0xC0) != 0x80) {
                size_t found = sn_tokenizer_cut(&tokenizer, text, size);
                check_cut(&tokenizer, text, size);
                cut = found > cut ? found : cut;
            }
        /* A token that takes the space behind it, or no splitter at all, forbids it. */
        _Bool never = strcmp(names[i], "roberta") == 0 || strcmp(names[i], "fallback") == 0;
        if (never ? cut != 0 : cut < 90)
            fail_msg("%s: cut at %zu", names[i], cut);
        sn_tokenizer_free(&tokenizer);
    }
}

static void out_of_memory(void **state)
{
    (void)state;
    static const char text[] = "Unbelievably good \xC3\xA9 <mask> [MASK] \xFF ok "
                               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    for (size_t i = 0; i < NAMES; i++) {
        size_t size;
        char *json = read_file("tokenizer_json", names[i], ".json", &size);
        for (size_t n = 1, failed = 1; failed; n++) {
            faulty_allocator faulty = {.fail_at = n};
            sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
            const sn_memory memory = {hooks.user, hooks.allocate, hooks.reallocate, hooks.release};
            sn_tokenizer tokenizer = {0};
            sn_tokens tokens = {0};
            sentiment_status status =
                sn_tokenizer_json_build(&memory, json, size, 1000, &tokenizer, NULL);
            if (status == 0)
                status = sn_tokenizer_encode(&tokenizer, &memory, text, sizeof text - 1,
                                             SENTIMENT_UTF8_REPLACE, &tokens, NULL);
            failed = faulty_allocator_failed(&faulty);
            assert_int_equal(status, failed ? SENTIMENT_ERROR_OUT_OF_MEMORY : 0);
            assert_true(failed ? tokens.count == 0 : tokens.count > 4);
            sn_tokens_free(&memory, &tokens);
            sn_tokenizer_free(&tokenizer);
            assert_int_equal(faulty_allocator_live(&faulty), 0);
        }
        free(json);
    }
}

/* A second text like the first one takes no memory. */
static void warm_encoding_allocates_nothing(void **state)
{
    (void)state;
    static const char text[] = "Unbelievably good \xC3\xA9 <mask> [MASK] ok xyzzy";
    for (size_t i = 0; i < NAMES; i++) {
        faulty_allocator counting = {0};
        sentiment_allocator hooks = faulty_allocator_hooks(&counting);
        const sn_memory memory = {hooks.user, hooks.allocate, hooks.reallocate, hooks.release};
        sn_tokenizer tokenizer;
        sn_tokens tokens = {0};
        size_t calls = 0;
        build_golden(names[i], &tokenizer);
        for (int round = 0; round < 3; round++) {
            calls = faulty_allocator_calls(&counting);
            assert_int_equal(sn_tokenizer_encode(&tokenizer, &memory, text, sizeof text - 1,
                                                 SENTIMENT_UTF8_STRICT, &tokens, NULL),
                             0);
        }
        assert_int_equal(faulty_allocator_calls(&counting), calls);
        sn_tokens_free(&memory, &tokens);
        sn_tokenizer_free(&tokenizer);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    golden = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_tokenizers),      cmocka_unit_test(invalid_files),
        cmocka_unit_test(text_and_ignored_parts), cmocka_unit_test(unknown_words),
        cmocka_unit_test(bad_utf8),               cmocka_unit_test(cuts),
        cmocka_unit_test(out_of_memory),          cmocka_unit_test(warm_encoding_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
