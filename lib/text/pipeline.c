/* SPDX-License-Identifier: Apache-2.0
 *
 * See pipeline.h. A text is cut twice: at the added tokens found in it as it was
 * given, and what lies between them, once normalized, at those found there. The
 * rest goes to the splitters and piece by piece to the model. Every step keeps
 * where its bytes came from; a token's range is put together from the last step
 * to the first. */
#include "text/pipeline.h"

#include <string.h>

#include "text/encoder.h"
#include "text/utf8.h"

/* ------------------------------------------------------------------ mapping */

static size_t start_in(const sn_pieces *pieces, size_t byte)
{
    return pieces->from ? (size_t)pieces->from[byte] : byte;
}

/* Where the range that ends behind `byte` - 1 ends. */
static size_t end_in(const sn_pieces *pieces, size_t byte)
{
    return pieces->to && byte > 0 ? (size_t)pieces->to[byte - 1] : byte;
}

/* Where bytes [*begin, *end) of the stage that `at` is in came from, in the text. */
static void locate(const sn_walk *at, size_t *begin, size_t *end)
{
    if (at->pieces) {
        *begin = start_in(at->pieces, *begin);
        *end = end_in(at->pieces, *end);
    }
    if (at->normalized) {
        *begin = start_in(at->normalized, *begin + at->normalized_begin);
        *end = end_in(at->normalized, *end + at->normalized_begin);
    }
    *begin += at->begin;
    *end += at->begin;
}

static _Bool push(sn_walk *at, int32_t id, size_t begin, size_t end)
{
    sn_tokens *tokens = at->tokens;
    if (!sn_tokens_reserve(at->memory, tokens))
        return 0;
    if (at->replaced) {
        begin = begin < at->replaced->size ? (size_t)at->replaced->from[begin] : at->replaced_size;
        end = end > 0 ? (size_t)at->replaced->to[end - 1] : 0;
    }
    tokens->ids[tokens->count] = id;
    tokens->starts[tokens->count] = begin;
    tokens->ends[tokens->count++] = end;
    return 1;
}

/* BPE may leave out characters and split others into bytes; then a range that
 * begins or ends within a character is taken for all of it. */
static void round_out(const sn_pieces *pieces, size_t *begin, size_t *end)
{
    while (*begin > 0 && (pieces->bytes[*begin] & 0xC0) == 0x80)
        --*begin;
    while (*end < pieces->size && (pieces->bytes[*end] & 0xC0) == 0x80)
        ++*end;
}

/* A token of the model: bytes [begin, end) of the pieces. */
static _Bool emit(sn_walk *at, int32_t id, size_t begin, size_t end)
{
    round_out(at->pieces, &begin, &end);
    locate(at, &begin, &end);
    if (at->pipeline->trim.on) {
        sn_slice word = {NULL, 0};
        word.data =
            sn_vocabulary_word(at->lexicon.vocabulary, id < 0 ? ~id : id, &word.size);
        sn_trim_range(at, word, &begin, &end);
    }
    return push(at, id, begin, end);
}

/* An added token, found as `found` at the stage that `at` is in. */
static sentiment_status emit_added(sn_walk *at, int32_t id, sn_slice found, sentiment_error *error)
{
    size_t begin = 0, end = found.size;
    locate(at, &begin, &end);
    if (at->pipeline->trim.on)
        sn_trim_range(at, found, &begin, &end);
    return push(at, id, begin, end) ? SENTIMENT_OK
                                    : sn_fail_memory(error, "the tokens of a text");
}

/* ------------------------------------------------------------------- models */

static _Bool emit_unknown(sn_walk *at, size_t begin, size_t end)
{
    return emit(at, ~at->pipeline->unknown, begin, end);
}

static _Bool emit_symbols(sn_walk *at, const sn_symbols *symbols, size_t begin)
{
    const sn_pipeline *pipeline = at->pipeline;
    for (size_t i = 0; i < symbols->count; i++) {
        size_t end = begin + symbols->items[i].size;
        int32_t id = symbols->items[i].id;
        if (id == pipeline->unknown ? !emit_unknown(at, begin, end) : !emit(at, id, begin, end))
            return 0;
        begin = end;
    }
    return 1;
}

static _Bool encode_wordpiece(sn_walk *at, size_t begin, size_t end)
{
    const sn_wordpiece *model = &at->pipeline->wordpiece;
    sn_symbols *symbols = &at->scratch->bpe.symbols;
    const uint8_t *word = at->pieces->bytes + begin;
    if (!sn_wordpiece_encode(model, &at->lexicon, at->memory, word, end - begin, symbols))
        return 0;
    return symbols->count ? emit_symbols(at, symbols, begin) : emit_unknown(at, begin, end);
}

static _Bool encode_bpe(sn_walk *at, size_t begin, size_t end)
{
    sn_bpe_scratch *scratch = &at->scratch->bpe;
    return sn_bpe_encode(&at->pipeline->bpe, &at->lexicon, at->memory, at->pieces->bytes + begin,
                         end - begin, scratch) &&
           emit_symbols(at, &scratch->symbols, begin);
}

/* Most pieces are a word of the vocabulary, and that is all of their tokens. */
static _Bool encode_word(sn_walk *at, size_t begin, size_t end)
{
    const sn_pipeline *pipeline = at->pipeline;
    const uint8_t *piece = at->pieces->bytes + begin;
    sn_word_model model = pipeline->model;
    if (model == SN_WORD_PIECE && sn_wordpiece_is_long(&pipeline->wordpiece, piece, end - begin))
        return emit_unknown(at, begin, end);
    int32_t id = sn_lexicon_find(&at->lexicon, piece, end - begin);
    if (id >= 0 && (model != SN_BPE || sn_bpe_is_whole(&pipeline->bpe, id)))
        return emit(at, id, begin, end);
    if (model == SN_WORD_PIECE)
        return encode_wordpiece(at, begin, end);
    if (model == SN_BPE)
        return encode_bpe(at, begin, end);
    return emit_unknown(at, begin, end);
}

static sentiment_status encode_piece(sn_walk *at, size_t begin, size_t end, sentiment_error *error)
{
    if (end - begin > SN_MAX_PIECE)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "a word of the text has %zu bytes, more than 1 GiB", end - begin);
    return encode_word(at, begin, end) ? SENTIMENT_OK
                                       : sn_fail_memory(error, "the tokens of a text");
}

/* ------------------------------------------------------------------- stages */

static sentiment_status encode_pieces(sn_walk *at, const sn_pieces *pieces, sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    at->pieces = pieces;
    for (size_t i = 0; status == SENTIMENT_OK && i < pieces->count; i++)
        status = encode_piece(at, pieces->begins[i], pieces->ends[i], error);
    at->pieces = NULL;
    return status;
}

/* Text between added tokens, normalized and split. */
static sentiment_status encode_plain(sn_walk *at, const sn_steps *steps, const uint8_t *text,
                                     size_t size, sentiment_error *error)
{
    sn_pieces *pieces = &at->scratch->pieces;
    sentiment_status status = sn_pieces_make(steps, at->memory, text, size, pieces, error);
    return status == SENTIMENT_OK ? encode_pieces(at, pieces, error) : status;
}

/* Looks for added tokens in the normalized text, then splits what is left. */
static sentiment_status encode_normalized(sn_walk *at, const uint8_t *text, size_t size,
                                          sentiment_error *error)
{
    const sn_pipeline *pipeline = at->pipeline;
    sn_pieces *normal = &at->scratch->normalized;
    sn_parts parts;
    sn_part part;
    sentiment_status status =
        sn_pieces_normalize(&pipeline->steps, at->memory, text, size, normal, error);
    if (status != SENTIMENT_OK || normal->count == 0)
        return status;
    const uint8_t *bytes = normal->bytes + normal->begins[0];
    if (!sn_parts_begin(&pipeline->normalized, at->memory, bytes,
                        normal->ends[0] - normal->begins[0], &at->scratch->normalized_hits,
                        &parts))
        return sn_fail_memory(error, "the tokens of a text");
    at->normalized = normal;
    while (status == SENTIMENT_OK && sn_parts_next(&parts, &part)) {
        at->normalized_begin = normal->begins[0] + part.begin;
        if (part.id < 0)
            status = encode_plain(at, &pipeline->splitters, bytes + part.begin,
                                  part.end - part.begin, error);
        else
            status = emit_added(at, part.id,
                                (sn_slice){bytes + part.begin, part.end - part.begin}, error);
    }
    at->normalized = NULL;
    return status;
}

static sentiment_status encode_text(sn_walk *at, sentiment_error *error)
{
    const sn_pipeline *pipeline = at->pipeline;
    sentiment_status status = SENTIMENT_OK;
    sn_parts parts;
    sn_part part;
    if (!sn_parts_begin(&pipeline->raw, at->memory, at->text, at->size, &at->scratch->hits,
                        &parts))
        return sn_fail_memory(error, "the tokens of a text");
    while (status == SENTIMENT_OK && sn_parts_next(&parts, &part)) {
        const uint8_t *begin = at->text + part.begin;
        at->begin = part.begin;
        if (part.id >= 0)
            status = emit_added(at, part.id, (sn_slice){begin, part.end - part.begin}, error);
        else if (pipeline->normalized.count)
            status = encode_normalized(at, begin, part.end - part.begin, error);
        else
            status = encode_plain(at, &pipeline->steps, begin, part.end - part.begin, error);
    }
    return status;
}

sentiment_status sn_pipeline_encode(const sn_tokenizer *tokenizer, const sn_memory *memory,
                                    const uint8_t *text, size_t size, sn_tokens *tokens,
                                    sentiment_error *error)
{
    const sn_pipeline *pipeline = tokenizer->pipeline;
    sn_walk at = {.pipeline = pipeline, .memory = memory, .tokens = tokens};
    at.lexicon =
        (sn_lexicon){&tokenizer->vocabulary, pipeline->added_first, pipeline->added_count};
    if (!tokens->encoder)
        tokens->encoder = sn_alloc_zero(memory, 1, sizeof *tokens->encoder);
    if (!tokens->encoder)
        return sn_fail_memory(error, "the tokens of a text");
    at.scratch = tokens->encoder;
    if (sn_utf8_check(text, size) < size) {
        sn_replaced *replaced = &at.scratch->replaced;
        sentiment_status status = sn_replace(memory, text, size, replaced, error);
        if (status != SENTIMENT_OK)
            return status;
        at.replaced = replaced;
        at.replaced_size = size;
        text = replaced->bytes;
        size = replaced->size;
    }
    at.text = text;
    at.size = size;
    sentiment_status status = encode_text(&at, error);
    if (status != SENTIMENT_OK)
        tokens->count = 0;
    return status;
}

/* ---------------------------------------------------------------------- cut */

/* How a text may be cut before a space. */
typedef enum cutting {
    NEVER,
    BETWEEN_PLAIN, /* letters or digits of ASCII */
    ANYWHERE
} cutting;

/* Pieces end at spaces where a splitter drops them, or begin with one that stands
 * between letters (ByteLevel). Punctuation before that cuts both sides alike. */
static cutting cutting_of(const sn_steps *steps)
{
    for (size_t i = 0; i < steps->splitter_count; i++) {
        const sn_splitter *splitter = &steps->splitters[i];
        if (splitter->kind == SN_SPLIT_BYTE_LEVEL)
            return splitter->use_regex ? BETWEEN_PLAIN : NEVER;
        if (splitter->kind != SN_SPLIT_PUNCTUATION)
            return ANYWHERE;
    }
    return NEVER;
}

static _Bool is_plain(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

/* Nothing composes across a space, and no normalizer looks across one. An added
 * token must not hold one, nor take the one behind it. */
size_t sn_pipeline_cut(const sn_pipeline *pipeline, const uint8_t *text, size_t size)
{
    const sn_matcher *matchers[] = {&pipeline->raw, &pipeline->normalized};
    cutting how = cutting_of(&pipeline->steps);
    for (size_t i = 0; i < 2; i++) {
        if (matchers[i]->has_space || matchers[i]->strips_right)
            return 0;
        /* It may take several: all of them have to lie on one side. */
        if (matchers[i]->strips_left && how == ANYWHERE)
            how = BETWEEN_PLAIN;
    }
    if (how == NEVER || pipeline->trim.keeps_prefix_space)
        return 0;
    for (size_t i = size; i-- > 1;) {
        if (text[i] != ' ')
            continue;
        if (how == ANYWHERE ||
            (i + 1 < size && is_plain(text[i + 1]) && is_plain(text[i - 1])))
            return i;
    }
    return 0;
}
