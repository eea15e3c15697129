/* SPDX-License-Identifier: Apache-2.0
 *
 * How the added tokens of a tokenizer.json are found in a text. Those that are
 * `normalized` are looked for, normalized themselves, in the normalized text. */
#include <string.h>

#include "base/buffer.h"
#include "model/tokenizer_json_parts.h"
#include "text/pieces_unicode.h"
#include "text/utf8.h"

/* The tokens of one matcher. */
typedef struct matches {
    sn_slice *strings;
    sn_added_token *items;
    size_t *numbers; /* in added_tokens */
    size_t count;
} matches;

static _Bool flag(const json_t *token, const char *key)
{
    return json_is_true(json_object_get(token, key));
}

static _Bool reserve(const sn_memory *memory, size_t count, matches *out)
{
    out->strings = sn_alloc(memory, count, sizeof *out->strings);
    out->items = sn_alloc(memory, count, sizeof *out->items);
    out->numbers = sn_alloc(memory, count, sizeof *out->numbers);
    return out->strings && out->items && out->numbers;
}

static void free_matches(const sn_memory *memory, matches *found)
{
    sn_free(memory, found->strings);
    sn_free(memory, found->items);
    sn_free(memory, found->numbers);
}

/* Lists a token that is to be found as `string`. */
static void add(matches *found, const json_t *token, size_t number, const sn_lexicon *lexicon,
                sn_slice string)
{
    sn_slice content = sn_tj_slice(json_object_get(token, "content"));
    found->strings[found->count] = string;
    found->numbers[found->count] = number;
    found->items[found->count++] = (sn_added_token){
        .size = string.size,
        .id = sn_vocabulary_find(lexicon->vocabulary, content.data, content.size),
        .single_word = flag(token, "single_word"),
        .lstrip = flag(token, "lstrip"),
        .rstrip = flag(token, "rstrip"),
    };
}

/* Lists the tokens whose `normalized` is this. The strings of normalized ones are
 * appended to `bytes`, and their data are set when it has stopped growing. One of
 * which nothing is left would be found between any two characters by the package. */
static sentiment_status list(const json_t *added, _Bool normalized, const sn_lexicon *lexicon,
                             const sn_pipeline *pipeline, sn_buffer *bytes, matches *found,
                             sentiment_error *error)
{
    sn_pieces pieces = {0};
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; status == SENTIMENT_OK && i < json_array_size(added); i++) {
        const json_t *token = json_array_get(added, i);
        sn_slice content = sn_tj_slice(json_object_get(token, "content"));
        if (flag(token, "normalized") != normalized)
            continue;
        if (!normalized) {
            add(found, token, i, lexicon, content);
            continue;
        }
        status = sn_pieces_normalize(&pipeline->steps, bytes->memory, content.data, content.size,
                                     &pieces, error);
        if (status == SENTIMENT_OK && pieces.count == 0)
            status = sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                                "added_tokens[%zu] is empty once it is normalized", i);
        if (status != SENTIMENT_OK)
            break;
        size_t size = pieces.ends[0] - pieces.begins[0];
        sn_buffer_append(bytes, pieces.bytes + pieces.begins[0], size);
        add(found, token, i, lexicon, (sn_slice){NULL, size});
    }
    sn_pieces_free(bytes->memory, &pieces);
    if (status == SENTIMENT_OK && bytes->failed)
        status = sn_fail_memory(error, "the added tokens");
    for (size_t i = 0, begin = 0; status == SENTIMENT_OK && normalized && i < found->count; i++) {
        found->strings[i].data = bytes->data + begin;
        begin += found->strings[i].size;
    }
    return status;
}

static _Bool is_whitespace(sn_slice string)
{
    for (size_t i = 0; i < string.size;) {
        sn_char next = sn_utf8_get(string.data + i, string.size - i);
        if (!(sn_piece(next.code)->flags & SN_PIECE_SPACE))
            return 0;
        i += next.length;
    }
    return 1;
}

/* Of n spaces each would be a token of all behind it, and trimming its offsets
 * would take n steps. */
static sentiment_status check_trimmed(const matches *found, const sn_pipeline *pipeline,
                                      sentiment_error *error)
{
    for (size_t i = 0; pipeline->trim.on && i < found->count; i++)
        if (found->items[i].rstrip && is_whitespace(found->strings[i]))
            return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                              "added_tokens[%zu]: rstrip of whitespace is not supported together "
                              "with trim_offsets of the post_processor",
                              found->numbers[i]);
    return SENTIMENT_OK;
}

/* Of two tokens that are the same the package takes either, as its hash tables fall. */
static sentiment_status match(const sn_memory *memory, const matches *found, sn_matcher *out,
                              sentiment_error *error)
{
    size_t twins[2];
    sentiment_status status = sn_matcher_build(memory, found->strings, found->items, found->count,
                                               out, twins, error);
    if (status == SENTIMENT_ERROR_BAD_MODEL)
        status = sn_tj_fail(error, status,
                            "added_tokens[%zu] is the same as added_tokens[%zu] once both are "
                            "normalized",
                            found->numbers[twins[1]], found->numbers[twins[0]]);
    return status;
}

static sentiment_status build(const json_t *added, _Bool normalized, const sn_lexicon *lexicon,
                              sn_pipeline *pipeline, sn_matcher *out, sentiment_error *error)
{
    const sn_memory *memory = &pipeline->memory;
    sn_buffer bytes = {.memory = memory};
    matches found = {0};
    sentiment_status status = SENTIMENT_OK;
    if (!reserve(memory, json_array_size(added), &found))
        status = sn_fail_memory(error, "the added tokens");
    if (status == SENTIMENT_OK)
        status = list(added, normalized, lexicon, pipeline, &bytes, &found, error);
    if (status == SENTIMENT_OK)
        status = check_trimmed(&found, pipeline, error);
    if (status == SENTIMENT_OK)
        status = match(memory, &found, out, error);
    sn_buffer_free(&bytes);
    free_matches(memory, &found);
    return status;
}

sentiment_status sn_tj_read_added(const json_t *root, const sn_lexicon *lexicon,
                                  sn_pipeline *pipeline, sentiment_error *error)
{
    const json_t *added = json_object_get(root, "added_tokens");
    sentiment_status status = build(added, 0, lexicon, pipeline, &pipeline->raw, error);
    return status == SENTIMENT_OK
               ? build(added, 1, lexicon, pipeline, &pipeline->normalized, error)
               : status;
}
