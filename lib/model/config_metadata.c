/* SPDX-License-Identifier: Apache-2.0
 *
 * Metadata in a config.json: the guide's folder has no other place for it. One
 * extra key holds it, which readers of the guide's own keys never look at:
 *     "libsentiment": {"metadata": {"name": "...", ...}}
 * Keys that would repeat the config itself stay out, in both directions. */
#include <string.h>

#include "model/config.h"
#include "model/lineage.h"
#include "model/metadata.h"

#define INNER_KEY "metadata"
/* Inserting into a sorted list one by one must not become a weapon. */
#define KEYS_MOST 4096

/* Whether a folder's metadata may have the key. */
static _Bool travels(const char *key)
{
    return !sn_metadata_is_reserved(key) || strcmp(key, SN_KEY_LINEAGE) == 0;
}

static sentiment_status take_pairs(json_t *object, sn_pairs *pairs, sentiment_error *error)
{
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *key = json_object_iter_key(at);
        const char *value = json_string_value(json_object_iter_value(at));
        if (!value || !travels(key))
            return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                           "config.json: %s." INNER_KEY ": %s '%.80s'", SN_CONFIG_KEY,
                           value ? "this is no place for" : "expected a string as the value of",
                           key);
        sentiment_status status = sn_pairs_set(pairs, key, value, error);
        if (status != SENTIMENT_OK)
            return status;
    }
    return SENTIMENT_OK;
}

static sentiment_status take(json_t *config, sn_pairs *pairs, sentiment_error *error)
{
    json_t *own = json_object_get(config, SN_CONFIG_KEY);
    json_t *object = json_object_get(own, INNER_KEY);
    if (!own || json_is_null(own))
        return SENTIMENT_OK;
    if (!json_is_object(own) || json_object_size(own) != 1 || !json_is_object(object))
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "config.json: '%s' must be an object with the one key '" INNER_KEY
                       "', an object of strings",
                       SN_CONFIG_KEY);
    if (json_object_size(object) > KEYS_MOST)
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "config.json: %s." INNER_KEY " has %zu keys; at most %d are read",
                       SN_CONFIG_KEY, json_object_size(object), KEYS_MOST);
    return take_pairs(object, pairs, error);
}

sentiment_status sn_config_take_metadata(const sn_bundle *bundle, sn_pairs *pairs,
                                         sentiment_error *error)
{
    json_t *config = NULL;
    if (!bundle->config)
        return SENTIMENT_OK;
    sentiment_status status =
        sn_json_parse_object(bundle->config, bundle->config_size, "config.json", 0, &config, error);
    if (status == SENTIMENT_OK)
        status = take(config, pairs, error);
    json_decref(config);
    return status;
}

sentiment_status sn_config_give_metadata(json_t *config, const sn_pairs *pairs,
                                         sentiment_error *error)
{
    json_t *object = json_object();
    _Bool good = object != NULL;
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; good && i < pairs->count; i++)
        if (travels(pairs->items[i].key))
            good = json_object_set_new(object, pairs->items[i].key,
                                       json_string(pairs->items[i].value)) == 0;
    if (json_object_size(object) > KEYS_MOST)
        status = sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                         "the model has %zu keys of metadata; config.json can hold %d",
                         json_object_size(object), KEYS_MOST);
    else if (good && json_object_size(object) > 0)
        good =
            json_object_set_new(config, SN_CONFIG_KEY, json_pack("{s:O}", INNER_KEY, object)) == 0;
    json_decref(object);
    return good ? status : sn_fail_memory(error, "metadata");
}
