/* SPDX-License-Identifier: Apache-2.0
 *
 * "model" of a tokenizer.json: WordLevel, WordPiece or BPE. Old files do not say
 * which; then the keys tell, as they do the package. */
#include <string.h>

#include "model/tokenizer_json_parts.h"
#include "text/utf8.h"

/* Longest unknown token, prefix and suffix, in bytes: each token of a text may cost
 * as much. */
enum { MAX_AFFIX = 255 };

static const char *show(sn_slice word, char out[SN_SHOWN_SIZE])
{
    return sn_utf8_quote(word.data, word.size, out, SN_SHOWN_SIZE);
}

static sn_word_model guess(const json_t *model)
{
    if (json_object_get(model, "merges"))
        return SN_BPE;
    return json_object_get(model, "max_input_chars_per_word") ? SN_WORD_PIECE : SN_WORD_LEVEL;
}

sentiment_status sn_tj_read_kind(const json_t *root, sn_word_model *out, sentiment_error *error)
{
    static const char *const names[] = {
        [SN_WORD_LEVEL] = "WordLevel", [SN_WORD_PIECE] = "WordPiece", [SN_BPE] = "BPE"};
    const json_t *model = json_object_get(root, "model");
    char shown[SN_SHOWN_SIZE];
    if (!json_is_object(model))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "model %s",
                          model ? "must be an object" : "is missing");
    *out = guess(model);
    if (!json_object_get(model, "type"))
        return SENTIMENT_OK;
    const char *type = NULL;
    sentiment_status status = sn_tj_type(model, "model", &type, error);
    if (status != SENTIMENT_OK)
        return status;
    for (int i = SN_WORD_LEVEL; i <= SN_BPE; i++) {
        *out = (sn_word_model)i;
        if (strcmp(type, names[i]) == 0)
            return SENTIMENT_OK;
    }
    return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                      "model '%s' is not supported; expected WordLevel, WordPiece or BPE",
                      show(sn_tj_slice(json_object_get(model, "type")), shown));
}

/* A string that stands for part of a word, or around it. */
static sentiment_status read_affix(const json_t *model, const char *key, _Bool required,
                                   sn_slice *out, sentiment_error *error)
{
    sentiment_status status = sn_tj_string(model, "model", key, required, out, error);
    if (status == SENTIMENT_OK && out->size > MAX_AFFIX)
        status = sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                            "model.%s has %zu bytes; at most %d are supported", key, out->size,
                            MAX_AFFIX);
    return status;
}

/* The word that stands for unknown ones must be one itself: without it, the
 * package fails at the first unknown word of a text. */
static sentiment_status read_unknown(const json_t *model, const sn_lexicon *lexicon,
                                     _Bool required, int32_t *out, sentiment_error *error)
{
    char shown[SN_SHOWN_SIZE];
    sn_slice word;
    sentiment_status status = read_affix(model, "unk_token", required, &word, error);
    *out = -1;
    if (status != SENTIMENT_OK || !word.data)
        return status;
    *out = sn_lexicon_find(lexicon, word.data, word.size);
    return *out >= 0 ? SENTIMENT_OK
                     : sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                                  "model.unk_token '%s' is not in model.vocab", show(word, shown));
}

/* ------------------------------------------------------- WordLevel, WordPiece */

static sentiment_status read_word_level(const json_t *model, const sn_lexicon *lexicon,
                                        sn_pipeline *pipeline, sentiment_error *error)
{
    static const char *const keys[] = {"type", "vocab", "unk_token", NULL};
    sentiment_status status = sn_tj_check_keys(model, "model", keys, error);
    return status == SENTIMENT_OK
               ? read_unknown(model, lexicon, 1, &pipeline->unknown, error)
               : status;
}

static sentiment_status read_wordpiece(const json_t *model, const sn_lexicon *lexicon,
                                       sn_pipeline *pipeline, sentiment_error *error)
{
    static const char *const keys[] = {"type", "vocab", "unk_token", "continuing_subword_prefix",
                                       "max_input_chars_per_word", NULL};
    uint64_t chars;
    sn_slice prefix;
    sentiment_status status = sn_tj_check_keys(model, "model", keys, error);
    if (status == SENTIMENT_OK)
        status = read_unknown(model, lexicon, 1, &pipeline->unknown, error);
    if (status == SENTIMENT_OK)
        status = read_affix(model, "continuing_subword_prefix", 1, &prefix, error);
    if (status != SENTIMENT_OK)
        return status;
    if (!sn_json_integer(json_object_get(model, "max_input_chars_per_word"), INT64_MAX, &chars))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                          "model.max_input_chars_per_word is missing or no integer from 0");
    return sn_wordpiece_build(&pipeline->memory, lexicon, prefix, chars, &pipeline->wordpiece,
                              error);
}

/* ---------------------------------------------------------------------- BPE */

/* The two words of a merge: a list of them, or (in old files) one string with a
 * space between. */
static _Bool take_pair(const json_t *merge, _Bool listed, sn_slice pair[2])
{
    if (listed) {
        for (size_t i = 0; i < 2; i++)
            pair[i] = sn_tj_slice(json_array_get(merge, i));
        return json_array_size(merge) == 2 && pair[0].data && pair[1].data;
    }
    pair[0] = sn_tj_slice(merge);
    const uint8_t *space = pair[0].data ? memchr(pair[0].data, ' ', pair[0].size) : NULL;
    if (!space)
        return 0;
    size_t size = (size_t)(space - pair[0].data);
    pair[1] = (sn_slice){space + 1, pair[0].size - size - 1};
    pair[0].size = size;
    return memchr(pair[1].data, ' ', pair[1].size) == NULL;
}

/* Scratch for the word that a merge makes. */
typedef struct joiner {
    const sn_lexicon *lexicon;
    sn_slice prefix;
    uint8_t *joined;
    size_t capacity;
} joiner;

static sentiment_status refuse_merge(size_t i, sn_slice word, sentiment_error *error)
{
    char shown[SN_SHOWN_SIZE];
    return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                      "model.merges[%zu]: '%s' is not in model.vocab", i, show(word, shown));
}

/* The second word loses the prefix that says that it continues one. */
static sentiment_status make_merge(const joiner *to, size_t i, const sn_slice pair[2],
                                   sn_merge *out, sentiment_error *error)
{
    char shown[SN_SHOWN_SIZE];
    int32_t ids[2];
    for (size_t side = 0; side < 2; side++) {
        ids[side] = sn_lexicon_find(to->lexicon, pair[side].data, pair[side].size);
        if (ids[side] < 0)
            return refuse_merge(i, pair[side], error);
    }
    sn_slice prefix = to->prefix;
    if (pair[1].size < prefix.size ||
        (prefix.size && memcmp(pair[1].data, prefix.data, prefix.size) != 0))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                          "model.merges[%zu]: '%s' does not begin with continuing_subword_prefix",
                          i, show(pair[1], shown));
    size_t tail = pair[1].size - prefix.size;
    sn_slice joined = {to->joined, pair[0].size + tail};
    /* Both are words of the vocabulary: neither is longer than its longest. */
    if (pair[0].size)
        memcpy(to->joined, pair[0].data, pair[0].size);
    if (tail)
        memcpy(to->joined + pair[0].size, pair[1].data + prefix.size, tail);
    out->id = sn_lexicon_find(to->lexicon, joined.data, joined.size);
    out->pair = (uint64_t)(uint32_t)ids[0] << 32 | (uint32_t)ids[1];
    return out->id >= 0 ? SENTIMENT_OK : refuse_merge(i, joined, error);
}

static _Bool is_comment(const json_t *merge)
{
    const char *text = json_string_value(merge);
    return text && strncmp(text, "#version", 8) == 0;
}

/* Every element is of the kind of the first one. */
static sentiment_status read_merges(const json_t *list, const joiner *to, sn_merge *merges,
                                    size_t *count, sentiment_error *error)
{
    _Bool listed = json_is_array(json_array_get(list, 0));
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; status == SENTIMENT_OK && i < json_array_size(list); i++) {
        const json_t *merge = json_array_get(list, i);
        sn_slice pair[2];
        if (!listed && is_comment(merge))
            continue;
        if (!take_pair(merge, listed, pair))
            return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "model.merges[%zu] must be %s", i,
                              listed ? "a list of two strings, as the first one is"
                                     : "two words with a space between, or a list of two strings");
        status = make_merge(to, i, pair, &merges[(*count)++], error);
    }
    return status;
}

static size_t longest_word(const sn_lexicon *lexicon)
{
    size_t longest = 0;
    for (size_t i = 0; i < sn_lexicon_count(lexicon); i++) {
        size_t size = sn_lexicon_word(lexicon, i).size;
        longest = size > longest ? size : longest;
    }
    return longest;
}

static sentiment_status build_bpe(const json_t *model, const sn_lexicon *lexicon,
                                  const sn_bpe_options *options, sn_pipeline *pipeline,
                                  sentiment_error *error)
{
    const sn_memory *memory = &pipeline->memory;
    const json_t *list = json_object_get(model, "merges");
    size_t count = 0;
    joiner to = {.lexicon = lexicon, .prefix = options->prefix};
    if (!json_is_array(list))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "model.merges %s",
                          list ? "must be a list" : "is missing");
    sn_merge *merges = sn_alloc(memory, json_array_size(list), sizeof *merges);
    to.joined = sn_alloc(memory, longest_word(lexicon), 2);
    sentiment_status status = merges && to.joined
                                  ? read_merges(list, &to, merges, &count, error)
                                  : sn_fail_memory(error, "the merges");
    if (status == SENTIMENT_OK)
        status = sn_bpe_build(memory, lexicon, options, merges, count, &pipeline->bpe, error);
    sn_free(memory, to.joined);
    sn_free(memory, merges);
    return status;
}

/* Random merges are for training. */
static sentiment_status check_dropout(const json_t *model, sentiment_error *error)
{
    const json_t *dropout = json_object_get(model, "dropout");
    if (!dropout || json_is_null(dropout) ||
        (json_is_number(dropout) && json_number_value(dropout) == 0))
        return SENTIMENT_OK;
    if (!json_is_number(dropout))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                          "model.dropout must be a number or null");
    return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                      "model.dropout is %g, which makes tokens random; expected null or 0",
                      json_number_value(dropout));
}

/* Booleans of BPE may also be null. */
static sentiment_status read_switch(const json_t *model, const char *key, _Bool *out,
                                    sentiment_error *error)
{
    if (json_is_null(json_object_get(model, key)))
        return SENTIMENT_OK;
    return sn_tj_bool(model, "model", key, 0, out, error);
}

static sentiment_status read_bpe(const json_t *model, const sn_lexicon *lexicon,
                                 sn_pipeline *pipeline, sentiment_error *error)
{
    static const char *const keys[] = {
        "type",     "vocab",         "merges",        "dropout",
        "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
        "byte_fallback", "ignore_merges", NULL};
    sn_bpe_options options = {0};
    sentiment_status status = sn_tj_check_keys(model, "model", keys, error);
    if (status == SENTIMENT_OK)
        status = check_dropout(model, error);
    if (status == SENTIMENT_OK)
        status = read_unknown(model, lexicon, 0, &pipeline->unknown, error);
    if (status == SENTIMENT_OK)
        status = read_affix(model, "continuing_subword_prefix", 0, &options.prefix, error);
    if (status == SENTIMENT_OK)
        status = read_affix(model, "end_of_word_suffix", 0, &options.suffix, error);
    if (status == SENTIMENT_OK)
        status = read_switch(model, "fuse_unk", &options.fuse_unknown, error);
    if (status == SENTIMENT_OK)
        status = read_switch(model, "byte_fallback", &options.byte_fallback, error);
    if (status == SENTIMENT_OK)
        status = read_switch(model, "ignore_merges", &options.ignore_merges, error);
    if (status != SENTIMENT_OK)
        return status;
    if (options.byte_fallback && (options.prefix.size || options.suffix.size))
        return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                          "model.byte_fallback together with continuing_subword_prefix or "
                          "end_of_word_suffix is not supported");
    options.unknown = pipeline->unknown;
    return build_bpe(model, lexicon, &options, pipeline, error);
}

sentiment_status sn_tj_read_model(const json_t *root, const sn_lexicon *lexicon,
                                  sn_pipeline *pipeline, sentiment_error *error)
{
    const json_t *model = json_object_get(root, "model");
    switch (pipeline->model) {
    case SN_WORD_PIECE:
        return read_wordpiece(model, lexicon, pipeline, error);
    case SN_BPE:
        return read_bpe(model, lexicon, pipeline, error);
    default:
        return read_word_level(model, lexicon, pipeline, error);
    }
}
