/* SPDX-License-Identifier: Apache-2.0
 *
 * See tokenizer_pkl.h. Every global is a name and no more; attributes beyond
 * the two that are needed are walked over. */
#include "formats/tokenizer_pkl.h"

#include <stdio.h>
#include <string.h>

#include "formats/pickle.h"

static const sn_pickle_policy inert = {0};

/* The attributes of an instance: its state, or both halves of a state that
 * __slots__ split into (dict or None, dict or None). 0 where there is none. */
typedef struct {
    sn_pickle_id parts[2];
} attributes;

static attributes attributes_of(const sn_pickle *p, sn_pickle_id id)
{
    const sn_pickle_node *node = sn_pickle_get(p, id);
    if (!node->state)
        return (attributes){{sn_pickle_is_mapping(p, id) ? id : 0, 0}};
    if (sn_pickle_tuple_size(p, node->state) != 2)
        return (attributes){{sn_pickle_is_mapping(p, node->state) ? node->state : 0, 0}};
    attributes found = {{0, 0}};
    for (uint32_t i = 0; i < 2; i++) {
        sn_pickle_id part = sn_pickle_item(p, node->state, i);
        found.parts[i] = sn_pickle_is_mapping(p, part) ? part : 0;
    }
    return found;
}

static sn_pickle_id attribute(const sn_pickle *p, attributes from, const char *name)
{
    for (size_t i = 2; i-- > 0;) {
        sn_pickle_id value = from.parts[i] ? sn_pickle_lookup(p, from.parts[i], name) : 0;
        if (value)
            return value;
    }
    return 0;
}

/* "'a', 'b', 'c'" of at most eight attribute names, or "none". */
static const char *list_names(const sn_pickle *p, attributes from, char *out, size_t room)
{
    size_t used = 0, listed = 0;
    snprintf(out, room, "none");
    for (size_t i = 0; i < 2; i++) {
        sn_pickle_walk walk = sn_pickle_pairs(p, from.parts[i]);
        sn_pickle_id key, value;
        while (listed < 8 && used < room && sn_pickle_next_pair(&walk, &key, &value)) {
            char quoted[SN_QUOTE_SIZE];
            sn_name name = sn_pickle_text(p, key);
            sn_quote(quoted, name.data, name.size < 24 ? name.size : 24);
            int length =
                snprintf(out + used, room - used, "%s%s", listed++ ? ", " : "", quoted);
            used += length > 0 ? (size_t)length : 0;
        }
    }
    return out;
}

static sentiment_status no_words(const sn_pickle *p, attributes from)
{
    char names[280];
    return sn_pickle_fail(p, sn_pickle_get(p, p->root)->at,
                          "%s without word_to_idx (attributes: %s), expected an instance with "
                          "a dict word_to_idx, or a dict of words",
                          sn_pickle_kind_name(p, p->root),
                          list_names(p, from, names, sizeof names));
}

/* The dict of words and the node of vocab_size, 0 if that is not declared. */
static sentiment_status find_words(const sn_pickle *p, sn_pickle_id *words,
                                   sn_pickle_id *vocab_size)
{
    const sn_pickle_node *root = sn_pickle_get(p, p->root);
    attributes from = attributes_of(p, p->root);
    *words = attribute(p, from, "word_to_idx");
    *vocab_size = attribute(p, from, "vocab_size");
    _Bool bare = root->kind == SN_PICKLE_DICT || (!root->state && sn_pickle_is_mapping(p, p->root));
    if (bare && (!*words || sn_pickle_get(p, *words)->kind == SN_PICKLE_INT)) {
        /* A dict of words, of which one may be called word_to_idx. */
        *words = p->root;
        *vocab_size = 0;
    }
    if (!*words)
        return no_words(p, from);
    if (!sn_pickle_is_mapping(p, *words))
        return sn_pickle_fail(p, sn_pickle_get(p, *words)->at,
                              "word_to_idx is %s, expected a dict",
                              sn_pickle_kind_name(p, *words));
    return SENTIMENT_OK;
}

static sentiment_status check_pair(const sn_pickle *p, sn_pickle_id key, sn_pickle_id value)
{
    char text[SN_QUOTE_SIZE];
    sn_name word = sn_pickle_text(p, key);
    if (sn_pickle_get(p, key)->kind != SN_PICKLE_STRING)
        return sn_pickle_fail(p, sn_pickle_get(p, key)->at,
                              "word_to_idx has a word that is %s, expected a string",
                              sn_pickle_kind_name(p, key));
    if (sn_pickle_get(p, value)->kind != SN_PICKLE_INT)
        return sn_pickle_fail(p, sn_pickle_get(p, value)->at,
                              "the index of word %s is %s, expected an integer",
                              sn_quote(text, word.data, word.size),
                              sn_pickle_kind_name(p, value));
    return SENTIMENT_OK;
}

static sentiment_status measure(const sn_pickle *p, sn_pickle_id words, size_t *count,
                                size_t *bytes)
{
    sn_pickle_walk walk = sn_pickle_pairs(p, words);
    sn_pickle_id key, value;
    sentiment_status status = SENTIMENT_OK;
    *count = *bytes = 0;
    while (!status && sn_pickle_next_pair(&walk, &key, &value)) {
        size_t size = sn_pickle_text(p, key).size;
        status = check_pair(p, key, value);
        /* One long word may stand in the dict again and again by its memo
         * number: the words together are no longer than the pickle. */
        if (!status && size > p->in.size - *bytes)
            status = sn_pickle_fail(p, sn_pickle_get(p, words)->at,
                                    "the words are longer than the file that holds them");
        *bytes += size;
        *count += 1;
    }
    return status;
}

static void fill(const sn_pickle *p, sn_pickle_id words, sn_words *out)
{
    sn_pickle_walk walk = sn_pickle_pairs(p, words);
    sn_pickle_id key, value;
    uint64_t end = 0;
    size_t i = 0;
    while (sn_pickle_next_pair(&walk, &key, &value)) {
        sn_name word = sn_pickle_text(p, key);
        if (word.size)
            memcpy(out->bytes + end, word.data, word.size);
        out->offsets[i] = end;
        out->ids[i++] = sn_pickle_get(p, value)->value.integer;
        end += word.size;
    }
    out->offsets[i] = end;
}

static sentiment_status copy_words(const sn_pickle *p, sn_pickle_id words, sn_words *out)
{
    size_t count, bytes;
    sn_words copy = {.vocab_size = -1};
    sentiment_status status = measure(p, words, &count, &bytes);
    if (status)
        return status;
    copy.bytes = sn_alloc(p->memory, bytes, 1);
    copy.offsets = sn_alloc(p->memory, count + 1, sizeof *copy.offsets);
    copy.ids = sn_alloc(p->memory, count, sizeof *copy.ids);
    if (!copy.bytes || !copy.offsets || !copy.ids) {
        sn_free(p->memory, copy.bytes);
        sn_free(p->memory, copy.offsets);
        sn_free(p->memory, copy.ids);
        return sn_fail_memory(p->error, "the words of tokenizer.pkl");
    }
    copy.count = count;
    fill(p, words, &copy);
    *out = copy;
    return SENTIMENT_OK;
}

sentiment_status sn_tokenizer_pkl_read(const uint8_t *data, size_t size, const sn_memory *memory,
                                       sn_words *out, sentiment_error *error)
{
    sn_pickle pickle = {0};
    sn_pickle_id words = 0, vocab_size = 0;
    int64_t declared = -1;
    sentiment_status status =
        sn_pickle_read(&pickle, data, size, "pickle", 0, &inert, memory, error);
    if (!status)
        status = sn_pickle_expect_end(&pickle);
    if (!status)
        status = find_words(&pickle, &words, &vocab_size);
    if (!status && vocab_size) {
        const sn_pickle_node *node = sn_pickle_get(&pickle, vocab_size);
        declared = node->kind == SN_PICKLE_INT ? node->value.integer : -1;
        if (declared < 0)
            status = sn_pickle_fail(&pickle, node->at,
                                    "vocab_size is %s, expected an integer from 0 up",
                                    node->kind == SN_PICKLE_INT
                                        ? "negative"
                                        : sn_pickle_kind_name(&pickle, vocab_size));
    }
    if (!status)
        status = copy_words(&pickle, words, out);
    if (!status)
        out->vocab_size = declared;
    sn_pickle_free(&pickle);
    return status;
}
