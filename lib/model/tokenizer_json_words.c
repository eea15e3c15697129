/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of a tokenizer.json: model.vocab and added_tokens. An added token
 * has the id of the model's word of the same name, or else the next one after
 * the model's: the package counts them so, whatever the file says, and a file
 * that says otherwise is refused. */
#include <stdio.h>
#include <string.h>

#include "model/tokenizer_json_parts.h"
#include "text/utf8.h"

/* Words on their way into a vocabulary. */
typedef struct word_list {
    uint8_t *bytes;
    uint64_t *offsets;
    int64_t *ids;
    size_t count;
} word_list;

static const char *show(sn_slice word, char out[SN_SHOWN_SIZE])
{
    return sn_utf8_quote(word.data, word.size, out, SN_SHOWN_SIZE);
}

static void free_list(const sn_memory *memory, word_list *list)
{
    sn_free(memory, list->bytes);
    sn_free(memory, list->offsets);
    sn_free(memory, list->ids);
}

static void add_word(word_list *list, sn_slice word, int64_t id)
{
    uint64_t begin = list->offsets[list->count];
    if (word.size)
        memcpy(list->bytes + begin, word.data, word.size);
    list->ids[list->count++] = id;
    list->offsets[list->count] = begin + word.size;
}

/* Room for every word of the model and every added token. */
static sentiment_status reserve(json_t *words, const json_t *added, const sn_memory *memory,
                                word_list *list, sentiment_error *error)
{
    size_t bytes = 0, count = json_object_size(words) + json_array_size(added);
    for (void *at = json_object_iter(words); at; at = json_object_iter_next(words, at))
        bytes += json_object_iter_key_len(at);
    for (size_t i = 0; i < json_array_size(added); i++)
        bytes += json_string_length(json_object_get(json_array_get(added, i), "content"));
    list->bytes = sn_alloc(memory, bytes, 1);
    list->offsets = sn_alloc(memory, count + 1, sizeof *list->offsets);
    list->ids = sn_alloc(memory, count, sizeof *list->ids);
    if (!list->bytes || !list->offsets || !list->ids)
        return sn_fail_memory(error, "the vocabulary");
    list->offsets[0] = 0;
    return SENTIMENT_OK;
}

static sentiment_status list_words(json_t *words, word_list *list, sentiment_error *error)
{
    char shown[SN_SHOWN_SIZE];
    for (void *at = json_object_iter(words); at; at = json_object_iter_next(words, at)) {
        sn_slice word = {(const uint8_t *)json_object_iter_key(at), json_object_iter_key_len(at)};
        uint64_t id;
        if (!sn_json_integer(json_object_iter_value(at), INT64_MAX, &id))
            return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                              "model.vocab['%s'] must be an integer from 0", show(word, shown));
        add_word(list, word, (int64_t)id);
    }
    return SENTIMENT_OK;
}

/* Fields of an added token; whether it is special does not matter here. */
static sentiment_status check_added(const json_t *token, size_t i, sentiment_error *error)
{
    static const char *const keys[] = {"id",     "content", "single_word", "lstrip",
                                       "rstrip", "normalized", "special", NULL};
    char path[48];
    snprintf(path, sizeof path, "added_tokens[%zu]", i);
    if (!json_is_object(token))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "%s must be an object", path);
    sn_slice content;
    _Bool flag;
    sentiment_status status = sn_tj_check_keys(token, path, keys, error);
    if (status == SENTIMENT_OK)
        status = sn_tj_string(token, path, "content", 1, &content, error);
    for (size_t key = 2; status == SENTIMENT_OK && keys[key]; key++)
        status = sn_tj_bool(token, path, keys[key], -1, &flag, error);
    if (status == SENTIMENT_OK && content.size == 0)
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "%s.content is empty", path);
    return status;
}

/* Refuses a token whose content `seen` has, and puts it in. */
static sentiment_status see(json_t *seen, const json_t *token, size_t i, sentiment_error *error)
{
    char shown[SN_SHOWN_SIZE];
    const json_t *content = json_object_get(token, "content");
    const char *text = json_string_value(content);
    size_t size = json_string_length(content);
    if (json_object_getn(seen, text, size))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                          "added_tokens[%zu].content '%s' is there a second time", i,
                          show(sn_tj_slice(content), shown));
    return json_object_setn_new_nocheck(seen, text, size, json_true()) == 0
               ? SENTIMENT_OK
               : sn_fail_memory(error, "the added tokens");
}

/* Checks the id that the file gives, and lists the word if it is a new one. */
static sentiment_status list_added(const json_t *words, const json_t *token, size_t i,
                                   word_list *list, int64_t *next, sentiment_error *error)
{
    char shown[SN_SHOWN_SIZE];
    uint64_t said;
    sn_slice content = sn_tj_slice(json_object_get(token, "content"));
    const json_t *own =
        json_object_getn(words, (const char *)content.data, content.size);
    int64_t id = own ? (int64_t)json_integer_value(own) : *next;
    if (!sn_json_integer(json_object_get(token, "id"), INT64_MAX, &said))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                          "added_tokens[%zu].id must be an integer from 0", i);
    if (said != (uint64_t)id)
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                          "added_tokens[%zu].id is %llu, but '%s' %s %lld", i,
                          (unsigned long long)said, show(content, shown),
                          own ? "has in model.vocab the id" : "would be given the id",
                          (long long)id);
    if (own)
        return SENTIMENT_OK;
    add_word(list, content, id);
    (*next)++;
    return SENTIMENT_OK;
}

/* Every id stands for one word. */
static sentiment_status check_ids(const sn_vocabulary *words, sentiment_error *error)
{
    char one[SN_SHOWN_SIZE], other[SN_SHOWN_SIZE];
    for (size_t i = 0; i < words->count; i++) {
        sn_slice word = {words->bytes + words->offsets[i],
                         (size_t)(words->offsets[i + 1] - words->offsets[i])};
        sn_slice first = {NULL, 0};
        first.data = sn_vocabulary_word(words, words->ids[i], &first.size);
        if (first.data != word.data || first.size != word.size)
            return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                              "model.vocab: '%s' and '%s' have the same id %d", show(first, one),
                              show(word, other), (int)words->ids[i]);
    }
    return SENTIMENT_OK;
}

static sentiment_status build(const sn_memory *memory, const word_list *list, uint64_t limit,
                              sn_vocabulary *out, sentiment_error *error)
{
    sentiment_status status = sn_vocabulary_build(memory, list->bytes, list->offsets, list->ids,
                                                  list->count, limit, out, error);
    if (status == SENTIMENT_OK) {
        status = check_ids(out, error);
        if (status != SENTIMENT_OK)
            sn_vocabulary_free(out);
        return status;
    }
    return status == SENTIMENT_ERROR_OUT_OF_MEMORY ? status
                                                   : sn_fail_in(error, status, "tokenizer.json");
}

static sentiment_status list_all_added(const json_t *words, const json_t *added, word_list *list,
                                       sentiment_error *error)
{
    sentiment_status status = SENTIMENT_OK;
    int64_t next = (int64_t)list->count;
    json_t *seen = json_object();
    if (!seen)
        return sn_fail_memory(error, "the added tokens");
    for (size_t i = 0; status == SENTIMENT_OK && i < json_array_size(added); i++) {
        const json_t *token = json_array_get(added, i);
        status = check_added(token, i, error);
        if (status == SENTIMENT_OK)
            status = see(seen, token, i, error);
        if (status == SENTIMENT_OK)
            status = list_added(words, token, i, list, &next, error);
    }
    json_decref(seen);
    return status;
}

sentiment_status sn_tj_read_words(const json_t *root, const sn_memory *memory, uint64_t limit,
                                  sn_pipeline *pipeline, sn_vocabulary *out,
                                  sentiment_error *error)
{
    json_t *words = json_object_get(json_object_get(root, "model"), "vocab");
    const json_t *added = json_object_get(root, "added_tokens");
    word_list list = {0};
    if (!json_is_object(words))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "model.vocab %s",
                          words ? "must be an object of words and their ids" : "is missing");
    if (added && !json_is_array(added))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "added_tokens must be a list");
    /* Ids are all different, so there cannot be more of them. */
    if (json_object_size(words) > limit)
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL,
                          "model.vocab has %zu words, but the embedding has %llu rows",
                          json_object_size(words), (unsigned long long)limit);
    sentiment_status status = reserve(words, added, memory, &list, error);
    if (status == SENTIMENT_OK)
        status = list_words(words, &list, error);
    size_t own = list.count;
    if (status == SENTIMENT_OK)
        status = list_all_added(words, added, &list, error);
    if (status == SENTIMENT_OK)
        status = build(memory, &list, limit, out, error);
    if (status == SENTIMENT_OK) {
        pipeline->added_first = (int32_t)own;
        pipeline->added_count = (int32_t)(list.count - own);
    }
    free_list(memory, &list);
    return status;
}
