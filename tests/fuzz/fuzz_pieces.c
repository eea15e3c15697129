/* SPDX-License-Identifier: Apache-2.0
 *
 * The normalizers and splitters of a tokenizer.json in any order: each byte of
 * what comes out has a place in the text as it was given, pieces lie in order,
 * and a second run over the same scratch gives the same. The input begins with
 * the numbers of both, then the steps, a byte each; the rest is the text. */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "harness.h"
#include "text/pieces.h"
#include "text/utf8.h"

enum { MOST_STEPS = 4, MOST_TEXT = 2048 };

static _Bool take_steps(sn_cursor *in, sn_steps *steps)
{
    uint64_t counts = 0, step = 0;
    if (!sn_take_le(in, 1, &counts))
        return 0;
    steps->normalizer_count = counts % (MOST_STEPS + 1);
    steps->splitter_count = counts / 16 % (MOST_STEPS + 1);
    for (size_t i = 0; i < steps->normalizer_count; i++) {
        if (!sn_take_le(in, 1, &step))
            return 0;
        steps->normalizers[i] = (sn_normalizer)(step % (SN_NORMALIZE_BERT_ACCENTS + 1));
    }
    for (size_t i = 0; i < steps->splitter_count; i++) {
        if (!sn_take_le(in, 1, &step))
            return 0;
        steps->splitters[i] = (sn_splitter){.kind = step % (SN_SPLIT_BYTE_LEVEL + 1),
                                            .behaviour = step / 8 % (SN_CONTIGUOUS + 1),
                                            .add_prefix_space = step & 64,
                                            .use_regex = step & 128};
    }
    return 1;
}

/* The text as the pipeline gets it: U+FFFD for what is no UTF-8. */
static size_t repair(sn_cursor *in, uint8_t *out)
{
    size_t size = 0, left = sn_cursor_left(in);
    const uint8_t *text = in->data + in->position;
    left = left < MOST_TEXT ? left : MOST_TEXT;
    for (size_t at = 0; at < left;) {
        sn_char next = sn_utf8_get(text + at, left - at);
        size += sn_utf8_put(next.code, out + size);
        at += next.length;
    }
    return size;
}

static _Bool is_border(const uint8_t *text, size_t size, uint64_t at)
{
    return at == size || (at < size && (text[at] & 0xc0) != 0x80);
}

static void check_pieces(const sn_pieces *pieces, size_t size)
{
    FUZZ_CHECK(sn_utf8_check(pieces->bytes, pieces->size) == pieces->size);
    for (size_t i = 0; i < pieces->count; i++) {
        FUZZ_CHECK(pieces->begins[i] < pieces->ends[i] && pieces->ends[i] <= pieces->size);
        FUZZ_CHECK(i == 0 || pieces->begins[i] >= pieces->ends[i - 1]);
        FUZZ_CHECK(is_border(pieces->bytes, pieces->size, pieces->begins[i]));
        FUZZ_CHECK(is_border(pieces->bytes, pieces->size, pieces->ends[i]));
    }
    if (!pieces->from) {
        FUZZ_CHECK(pieces->size == size);
        return;
    }
    for (size_t b = 0; b < pieces->size; b++) {
        FUZZ_CHECK(pieces->from[b] <= pieces->to[b] && pieces->to[b] <= size);
        FUZZ_CHECK(b == 0 || pieces->from[b] >= pieces->from[b - 1]);
    }
}

static void check_same(const sn_pieces *a, const sn_pieces *b)
{
    FUZZ_CHECK(a->size == b->size && a->count == b->count);
    FUZZ_CHECK(a->size == 0 || memcmp(a->bytes, b->bytes, a->size) == 0);
    FUZZ_CHECK((a->from != NULL) == (b->from != NULL));
    for (size_t i = 0; i < a->count; i++)
        FUZZ_CHECK(a->begins[i] == b->begins[i] && a->ends[i] == b->ends[i]);
    for (size_t i = 0; a->from && i < a->size; i++)
        FUZZ_CHECK(a->from[i] == b->from[i] && a->to[i] == b->to[i]);
}

/* Fresh scratch against scratch that another text has been through. */
static sentiment_status run_steps(fuzz_run *run, const sn_steps *steps, const uint8_t *text,
                                  size_t size)
{
    sn_pieces fresh = {0}, used = {0};
    sentiment_status status =
        sn_pieces_make(steps, &run->memory, text, size, &fresh, &run->error);
    if (!status) {
        check_pieces(&fresh, size);
        status = sn_pieces_normalize(steps, &run->memory, text, size, &used, &run->error);
    }
    if (!status) {
        check_pieces(&used, size);
        FUZZ_CHECK(used.count <= 1);
        status = sn_pieces_make(steps, &run->memory, text, size, &used, &run->error);
    }
    if (!status)
        check_same(&fresh, &used);
    sn_pieces_free(&run->memory, &fresh);
    sn_pieces_free(&run->memory, &used);
    return status;
}

static sentiment_status attempt(fuzz_run *run)
{
    sn_cursor in = {run->data, run->size, 0};
    sn_steps steps = {0};
    if (!take_steps(&in, &steps))
        return SENTIMENT_OK;
    uint8_t *text = malloc(3 * MOST_TEXT);
    FUZZ_CHECK(text != NULL);
    sentiment_status status = run_steps(run, &steps, text, repair(&in, text));
    free(text);
    return status;
}

/* A byte may become eighteen characters (U+FDFA under NFKC has three bytes), each
 * of them several of the byte level, each with a place of 16 bytes, twice. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 8192, 65536};
    return fuzz_input(&target, data, size);
}
