/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a text, through both tokenizers and both policies on bytes that
 * are no UTF-8: tokens are in order and inside the text, STRICT fails at the
 * byte where the UTF-8 ends and nowhere else, REPLACE reads what U+FFFD in its
 * place would give, and a text is the sum of the two sides of its cut. */
#include <string.h>

#include "harness.h"
#include "text/tokenizer.h"
#include "text/utf8.h"

static const char *const vocabulary[] = {
    "",  "a", "good",     "not",              "n't",         "'",
    "!", "\xc3\xa9", "\xce\xbf\xcf\x82", "i\xcc\x87", "\xef\xbf\xbd",
};
enum { WORDS = sizeof vocabulary / sizeof *vocabulary };

static sentiment_status make_tokenizer(fuzz_run *run, int32_t kind, sn_tokenizer *out)
{
    uint8_t bytes[64];
    uint64_t offsets[WORDS + 1] = {0};
    for (size_t i = 0; i < WORDS; i++) {
        size_t length = strlen(vocabulary[i]);
        memcpy(bytes + offsets[i], vocabulary[i], length);
        offsets[i + 1] = offsets[i] + length;
    }
    *out = (sn_tokenizer){.kind = kind};
    return sn_vocabulary_build(&run->memory, bytes, offsets, NULL, WORDS, WORDS, &out->vocabulary,
                               &run->error);
}

static void check_tokens(const sn_tokens *tokens, size_t size)
{
    for (size_t i = 0; i < tokens->count; i++) {
        FUZZ_CHECK(tokens->starts[i] < tokens->ends[i] && tokens->ends[i] <= size);
        FUZZ_CHECK(i == 0 || tokens->starts[i] >= tokens->ends[i - 1]);
        FUZZ_CHECK(tokens->ids[i] >= SN_UNKNOWN && tokens->ids[i] < WORDS);
    }
}

/* Tokens `from`... of one encoding are all those of another, `shift` bytes on. */
static void check_part(const sn_tokens *whole, size_t from, size_t count, const sn_tokens *part,
                       uint64_t shift)
{
    FUZZ_CHECK(part->count == count && from + count <= whole->count);
    for (size_t i = 0; i < count; i++) {
        FUZZ_CHECK(whole->ids[from + i] == part->ids[i]);
        FUZZ_CHECK(whole->starts[from + i] == part->starts[i] + shift);
        FUZZ_CHECK(whole->ends[from + i] == part->ends[i] + shift);
    }
}

/* The tokens of a text are those before a cut and those behind it. The cut is
 * that of some beginning of the text, which must hold whatever follows. */
static sentiment_status check_cut(fuzz_run *run, const sn_tokenizer *tokenizer, size_t beginning,
                                  const sn_tokens *whole, sn_tokens *part)
{
    const char *text = (const char *)run->data;
    size_t cut = sn_tokenizer_cut(tokenizer, text, beginning), first;
    FUZZ_CHECK(cut <= beginning);
    FUZZ_CHECK(cut == run->size || cut == 0 || ((uint8_t)text[cut] & 0xc0) != 0x80 ||
               sn_utf8_check(run->data, run->size) < run->size);
    sentiment_status status = sn_tokenizer_encode(tokenizer, &run->memory, text, cut,
                                                  SENTIMENT_UTF8_REPLACE, part, &run->error);
    if (status)
        return status;
    first = part->count;
    check_part(whole, 0, first, part, 0);
    status = sn_tokenizer_encode(tokenizer, &run->memory, text + cut, run->size - cut,
                                 SENTIMENT_UTF8_REPLACE, part, &run->error);
    if (!status)
        check_part(whole, first, whole->count - first, part, cut);
    return status;
}

/* The text with U+FFFD for what is no UTF-8 has the same ids. */
static sentiment_status check_replaced(fuzz_run *run, const sn_tokenizer *tokenizer,
                                       const sn_tokens *whole, sn_tokens *part)
{
    size_t size = 0;
    uint8_t *fixed = sn_alloc(&run->memory, run->size, 3);
    if (!fixed)
        return sn_fail_memory(&run->error, "the text");
    for (size_t at = 0; at < run->size;) {
        sn_char next = sn_utf8_get(run->data + at, run->size - at);
        FUZZ_CHECK(next.length >= 1 && next.length <= run->size - at);
        size += sn_utf8_put(next.code, fixed + size);
        at += next.length;
    }
    FUZZ_CHECK(sn_utf8_check(fixed, size) == size);
    sentiment_status status =
        sn_tokenizer_encode(tokenizer, &run->memory, (const char *)fixed, size,
                            SENTIMENT_UTF8_STRICT, part, &run->error);
    if (!status) {
        FUZZ_CHECK(part->count == whole->count);
        FUZZ_CHECK(whole->count == 0 ||
                   memcmp(part->ids, whole->ids, whole->count * sizeof *whole->ids) == 0);
    }
    sn_free(&run->memory, fixed);
    return status;
}

static sentiment_status check_strict(fuzz_run *run, const sn_tokenizer *tokenizer,
                                     const sn_tokens *whole, sn_tokens *part)
{
    size_t bad = sn_utf8_check(run->data, run->size);
    sentiment_status status =
        sn_tokenizer_encode(tokenizer, &run->memory, (const char *)run->data, run->size,
                            SENTIMENT_UTF8_STRICT, part, &run->error);
    if (status == SENTIMENT_ERROR_OUT_OF_MEMORY)
        return status;
    FUZZ_CHECK(status == (bad < run->size ? SENTIMENT_ERROR_INVALID_UTF8 : SENTIMENT_OK));
    if (status)
        FUZZ_CHECK(run->error.offset == bad && part->count == 0);
    else
        check_part(whole, 0, whole->count, part, 0);
    return SENTIMENT_OK;
}

/* Words as training counts them, against the tokens. */
typedef struct words {
    const sn_tokenizer *tokenizer;
    const sn_tokens *tokens;
    size_t count;
} words;

static sentiment_status check_word(void *user, const uint8_t *bytes, size_t size,
                                   sentiment_error *error)
{
    words *seen = user;
    (void)error;
    FUZZ_CHECK(size > 0 && seen->count < seen->tokens->count);
    FUZZ_CHECK(sn_vocabulary_find(&seen->tokenizer->vocabulary, bytes, size) ==
               seen->tokens->ids[seen->count]);
    seen->count++;
    return SENTIMENT_OK;
}

static sentiment_status check_split(fuzz_run *run, const sn_tokenizer *tokenizer,
                                    const sn_tokens *whole, sn_tokens *part)
{
    words seen = {tokenizer, whole, 0};
    sentiment_status status =
        sn_tokenizer_split(tokenizer->kind, &run->memory, (const char *)run->data, run->size,
                           SENTIMENT_UTF8_REPLACE, part, check_word, &seen, &run->error);
    FUZZ_CHECK(status || seen.count == whole->count);
    return status;
}

static sentiment_status check_kind(fuzz_run *run, int32_t kind)
{
    sn_tokenizer tokenizer = {0};
    sn_tokens whole = {0}, part = {0};
    sentiment_status status = make_tokenizer(run, kind, &tokenizer);
    if (!status)
        status = sn_tokenizer_encode(&tokenizer, &run->memory, (const char *)run->data, run->size,
                                     SENTIMENT_UTF8_REPLACE, &whole, &run->error);
    if (!status) {
        check_tokens(&whole, run->size);
        status = check_cut(run, &tokenizer, run->size, &whole, &part);
    }
    if (!status)
        status = check_cut(run, &tokenizer, run->size * run->flags / 256, &whole, &part);
    if (!status)
        status = check_replaced(run, &tokenizer, &whole, &part);
    if (!status)
        status = check_strict(run, &tokenizer, &whole, &part);
    if (!status)
        status = check_split(run, &tokenizer, &whole, &part);
    sn_tokens_free(&run->memory, &whole);
    sn_tokens_free(&run->memory, &part);
    sn_tokenizer_free(&tokenizer);
    return status;
}

static sentiment_status attempt(fuzz_run *run)
{
    sentiment_status status = check_kind(run, SENTIMENT_TOKENIZER_WHITESPACE);
    return status ? status : check_kind(run, SENTIMENT_TOKENIZER_WORDS);
}

/* Two lists of tokens of 20 bytes each with room to grow, and copies of the text. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 128, 16384};
    return fuzz_input(&target, data, size);
}
