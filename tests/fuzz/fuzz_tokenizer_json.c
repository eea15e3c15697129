/* SPDX-License-Identifier: Apache-2.0
 *
 * tokenizer.json up to the tokens of a few texts, and of one that the input
 * brings along: what stands behind its first NUL. Ids are those of the
 * vocabulary, ranges lie inside the text, scratch that other texts have been
 * through gives the same, and so do the two sides of a cut. */
#include <string.h>

#include "harness.h"
#include "model/tokenizer_json.h"
#include "text/utf8.h"

enum { ROWS = 512, MOST_TEXT = 1024 };

static const char *const texts[] = {
    "",
    "a",
    "Hello, World! it's 10 o'clock\tand  fine \n",
    "[CLS] \xc3\x89t\xc3\xa9 na\xc3\xafve <s> caf\xc3\xa9\xe2\x80\x99s [MASK] </s>[UNK]",
    "\xe4\xbd\xa0\xe5\xa5\xbd \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7 \xff\xc3(",
};

static sentiment_status encode(fuzz_run *run, const sn_tokenizer *tokenizer, const char *text,
                               size_t size, sn_tokens *tokens)
{
    return sn_tokenizer_encode(tokenizer, &run->memory, text, size, SENTIMENT_UTF8_REPLACE, tokens,
                               &run->error);
}

static void check_tokens(const sn_tokenizer *tokenizer, const sn_tokens *tokens, size_t size)
{
    for (size_t i = 0; i < tokens->count; i++) {
        int32_t id = tokens->ids[i] < 0 ? ~tokens->ids[i] : tokens->ids[i];
        size_t length;
        FUZZ_CHECK(id < ROWS && sn_vocabulary_word(&tokenizer->vocabulary, id, &length));
        FUZZ_CHECK(tokens->starts[i] <= tokens->ends[i] && tokens->ends[i] <= size);
    }
}

static void check_part(const sn_tokens *whole, size_t from, const sn_tokens *part, uint64_t shift)
{
    FUZZ_CHECK(from + part->count <= whole->count);
    for (size_t i = 0; i < part->count; i++) {
        FUZZ_CHECK(whole->ids[from + i] == part->ids[i]);
        FUZZ_CHECK(whole->starts[from + i] == part->starts[i] + shift);
        FUZZ_CHECK(whole->ends[from + i] == part->ends[i] + shift);
    }
}

static sentiment_status check_cut(fuzz_run *run, const sn_tokenizer *tokenizer, const char *text,
                                  size_t size, const sn_tokens *whole, sn_tokens *part)
{
    size_t cut = sn_tokenizer_cut(tokenizer, text, size * (run->flags + 1u) / 256);
    FUZZ_CHECK(cut <= size);
    if (cut == 0)
        return SENTIMENT_OK;
    sentiment_status status = encode(run, tokenizer, text, cut, part);
    if (status)
        return status;
    size_t first = part->count;
    check_part(whole, 0, part, 0);
    status = encode(run, tokenizer, text + cut, size - cut, part);
    if (!status) {
        FUZZ_CHECK(first + part->count == whole->count);
        check_part(whole, first, part, cut);
    }
    return status;
}

/* `used` has been through other texts. */
static sentiment_status check_text(fuzz_run *run, const sn_tokenizer *tokenizer, const char *text,
                                   size_t size, sn_tokens *used)
{
    sn_tokens fresh = {0};
    sentiment_status status = encode(run, tokenizer, text, size, &fresh);
    if (!status) {
        check_tokens(tokenizer, &fresh, size);
        status = check_cut(run, tokenizer, text, size, &fresh, used);
    }
    if (!status)
        status = encode(run, tokenizer, text, size, used);
    if (!status) {
        FUZZ_CHECK(used->count == fresh.count);
        check_part(&fresh, 0, used, 0);
    }
    sn_tokens_free(&run->memory, &fresh);
    return status;
}

static sentiment_status attempt(fuzz_run *run)
{
    const uint8_t *nul = run->size ? memchr(run->data, '\0', run->size) : NULL;
    size_t size = nul ? (size_t)(nul - run->data) : run->size, kept = 0;
    size_t left = nul ? run->size - size - 1 : 0;
    sn_tokenizer tokenizer = {0};
    sn_tokens used = {0};
    sentiment_status status = sn_tokenizer_json_build(&run->memory, (const char *)run->data, size,
                                                      ROWS, &tokenizer, &run->error);
    if (status)
        return status;
    fuzz_lift_limit(run);
    FUZZ_CHECK(tokenizer.kind == SENTIMENT_TOKENIZER_HUGGINGFACE);
    const char *text = sn_tokenizer_json_text(&tokenizer, &kept);
    FUZZ_CHECK(kept == size && memcmp(text, run->data, size) == 0 && text[size] == '\0');
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !status; i++)
        status = check_text(run, &tokenizer, texts[i], strlen(texts[i]), &used);
    if (!status && nul)
        status = check_text(run, &tokenizer, (const char *)nul + 1,
                            left < MOST_TEXT ? left : MOST_TEXT, &used);
    fuzz_expect(run, status, __func__);
    sn_tokens_free(&run->memory, &used);
    sn_tokenizer_free(&tokenizer);
    return status;
}

/* Tries of two kinds, with a node for each byte of the words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 256, 32768};
    return fuzz_input(&target, data, size);
}
