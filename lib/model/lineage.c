/* SPDX-License-Identifier: Apache-2.0
 *
 * See lineage.h. The only date in a saved file is made here, for a new step:
 * that of the environment variable SOURCE_DATE_EPOCH, else now. */
#include "model/lineage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "formats/json.h"
#include "formats/names.h"

#define ACTION_OMITTED "omitted"

/* Takes over `value`; false if memory ran out. */
static _Bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

/* -------------------------------------------------------- what was read */

/* The array in `text`, or NULL if that is none, or holds anything but objects. */
static json_t *parse_steps(const char *text)
{
    json_t *steps = sn_json_parse_value(text);
    _Bool good = json_is_array(steps);
    for (size_t i = 0; good && i < json_array_size(steps); i++)
        good = json_is_object(json_array_get(steps, i));
    if (good)
        return steps;
    json_decref(steps);
    return NULL;
}

/* A value of version 0.1, all of which were strings, as it would be said today. */
static json_t *old_value(const char *key, const char *text)
{
    if (strcmp(key, "interrupted") == 0 && strcmp(text, "yes") == 0)
        return json_true();
    if (strcmp(key, "train_rows") == 0 || strcmp(key, "dev_rows") == 0) {
        /* Eighteen digits fit; anything but digits stays what it is. */
        size_t digits = strspn(text, "0123456789");
        if (digits > 0 && digits <= 18 && text[digits] == '\0')
            return json_integer((json_int_t)strtoll(text, NULL, 10));
    }
    return json_string(text);
}

/* The first step of a file of version 0.1, or NULL if memory ran out. */
static json_t *fold(const sn_pairs *pairs)
{
    const char *library = sn_pairs_get(pairs, "library_version");
    const char *command = sn_pairs_get(pairs, SN_LINEAGE_PREFIX "command");
    json_t *step = json_object();
    _Bool good = step != NULL;
    if (good && command && strncmp(command, "sentiment train", 15) == 0)
        good = set(step, "action", json_string("train"));
    for (size_t i = 0; good && i < pairs->count; i++) {
        const sn_pair *pair = &pairs->items[i];
        const char *key = pair->key + strlen(SN_LINEAGE_PREFIX);
        if (sn_lineage_is_old_key(pair->key))
            good = set(step, key, old_value(key, pair->value));
    }
    if (good && library && !json_object_get(step, "library"))
        good = set(step, "library", json_sprintf("libsentiment %s", library));
    if (good)
        return step;
    json_decref(step);
    return NULL;
}

static _Bool has_old_keys(const sn_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (sn_lineage_is_old_key(pairs->items[i].key))
            return 1;
    return 0;
}

/* In one go: a file may have any number of them. */
static void drop_old_keys(sn_pairs *pairs)
{
    size_t kept = 0;
    for (size_t i = 0; i < pairs->count; i++) {
        sn_pair pair = pairs->items[i];
        if (sn_lineage_is_old_key(pair.key)) {
            sn_free(pairs->memory, pair.key);
            sn_free(pairs->memory, pair.value);
        } else {
            pairs->items[kept++] = pair;
        }
    }
    pairs->count = kept;
}

/* Readers whose metadata does not come from JSON may bring any bytes. */
static sentiment_status check_utf8(const sn_pairs *pairs, sentiment_error *error)
{
    for (size_t i = 0; i < pairs->count; i++) {
        const sn_pair *pair = &pairs->items[i];
        size_t key = strlen(pair->key), value = strlen(pair->value);
        if (sn_name_utf8_check((const uint8_t *)pair->key, key, 0) != key ||
            sn_name_utf8_check((const uint8_t *)pair->value, value, 0) != value)
            return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                           "metadata: key %zu or its value is not UTF-8", i);
    }
    return SENTIMENT_OK;
}

static sentiment_status store(sn_pairs *pairs, const json_t *steps, sentiment_error *error)
{
    char *text = sn_json_text(pairs->memory, steps, 0);
    if (!text)
        return sn_fail_memory(error, "the lineage");
    sentiment_status status = sn_pairs_set(pairs, SN_KEY_LINEAGE, text, error);
    sn_free(pairs->memory, text);
    return status;
}

sentiment_status sn_lineage_settle(sn_pairs *pairs, sentiment_error *error)
{
    const char *text = sn_pairs_get(pairs, SN_KEY_LINEAGE);
    json_t *steps = NULL, *first = NULL;
    sentiment_status status = check_utf8(pairs, error);
    if (status != SENTIMENT_OK)
        return status;
    steps = parse_steps(text ? text : "[]");
    if (!steps)
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "metadata key '%s' is no JSON array of objects", SN_KEY_LINEAGE);
    if (!has_old_keys(pairs))
        goto out;
    first = fold(pairs);
    if (!first || json_array_insert(steps, 0, first) != 0)
        status = sn_fail_memory(error, "the lineage");
    if (status == SENTIMENT_OK)
        status = store(pairs, steps, error);
    if (status == SENTIMENT_OK)
        drop_old_keys(pairs);
out:
    json_decref(first);
    json_decref(steps);
    return status;
}

void sn_lineage_forget(sn_pairs *pairs)
{
    for (size_t i = pairs->count; i-- > 0;)
        if (strcmp(pairs->items[i].key, SN_KEY_LINEAGE) == 0 ||
            strcmp(pairs->items[i].key, SN_KEY_GOLDEN) == 0)
            sn_pairs_remove(pairs, i);
}

/* ------------------------------------------------------------- a new step */

/* ISO 8601 in UTC. */
static sentiment_status print_date(char *date, size_t size, sentiment_error *error)
{
    const char *fixed = getenv("SOURCE_DATE_EPOCH");
    time_t seconds = time(NULL);
    struct tm parts;
    if (fixed && *fixed) {
        size_t digits = strspn(fixed, "0123456789");
        /* Twelve digits reach the year 33658; strftime wants at most 9999. */
        seconds = digits <= 12 && fixed[digits] == '\0' ? (time_t)strtoll(fixed, NULL, 10) : -1;
    }
    if (seconds < 0 || !gmtime_r(&seconds, &parts) || parts.tm_year > 9999 - 1900 ||
        strftime(date, size, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "SOURCE_DATE_EPOCH is '%.40s'; expected seconds since 1970",
                       fixed ? fixed : "");
    return SENTIMENT_OK;
}

/* What the caller did not say; afterwards, what he gave as null goes. */
static sentiment_status complete(const sentiment_model *model, json_t *step, sentiment_error *error)
{
    char library[64], date[40] = "";
    _Bool known = model->sha256[0] != '\0';
    snprintf(library, sizeof library, "libsentiment %d.%d.%d", SENTIMENT_VERSION_MAJOR,
             SENTIMENT_VERSION_MINOR, SENTIMENT_VERSION_PATCH);
    if (!json_object_get(step, "created")) {
        sentiment_status status = print_date(date, sizeof date, error);
        if (status != SENTIMENT_OK)
            return status;
    }
    const struct {
        const char *key, *value;
    } entries[] = {{"library", library},
                   {"created", date},
                   {"parent_sha256", known ? model->sha256 : NULL},
                   {"parent_format", known ? model->format : NULL}};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const char *key = entries[i].key;
        if (entries[i].value && !json_object_get(step, key) &&
            !set(step, key, json_string(entries[i].value)))
            return sn_fail_memory(error, "the lineage");
    }
    void *next = NULL;
    for (void *at = json_object_iter(step); at; at = next) {
        next = json_object_iter_next(step, at);
        if (json_is_null(json_object_iter_value(at)))
            json_object_del(step, json_object_iter_key(at));
    }
    return SENTIMENT_OK;
}

static sentiment_status make_step(const sentiment_model *model, const char *text, json_t **out,
                                  sentiment_error *error)
{
    size_t size = strlen(text);
    json_t *step = NULL;
    if (size > SN_LINEAGE_STEP_BYTES)
        return sn_fail(error, SENTIMENT_ERROR_INVALID_ARGUMENT, SN_NO_OFFSET,
                       "save options: lineage_json has %zu bytes; at most %zu are kept", size,
                       SN_LINEAGE_STEP_BYTES);
    sentiment_status status = sn_json_parse_object(text, size, "lineage_json", 0, &step, error);
    if (status == SENTIMENT_ERROR_BAD_MODEL)
        return sn_fail_in(error, SENTIMENT_ERROR_INVALID_ARGUMENT, "save options");
    if (status == SENTIMENT_OK)
        status = complete(model, step, error);
    if (status == SENTIMENT_OK)
        *out = step;
    else
        json_decref(step);
    return status;
}

/* ----------------------------------------------------------------- limits */

/* Bytes of a step's text, with the comma behind it. */
static size_t step_bytes(const json_t *step)
{
    return json_dumpb(step, NULL, 0, JSON_COMPACT) + 1;
}

/* The first of the newest steps that stay when both limits hold, with room left
 * for the first step of all and the one that tells of the gap. */
static size_t first_kept(const json_t *steps)
{
    size_t count = json_array_size(steps), at = count;
    size_t bytes = step_bytes(json_array_get(steps, 0)) + 64;
    while (at > 1 && count - at < SN_LINEAGE_STEPS - 2) {
        bytes += step_bytes(json_array_get(steps, at - 1));
        if (bytes > SN_LINEAGE_BYTES && at < count)
            break;
        at--;
    }
    return at;
}

static _Bool is_too_long(const json_t *steps)
{
    size_t bytes = 2;
    for (size_t i = 0; i < json_array_size(steps); i++)
        bytes += step_bytes(json_array_get(steps, i));
    return json_array_size(steps) > SN_LINEAGE_STEPS || bytes > SN_LINEAGE_BYTES;
}

/* How many steps element 1 says are missing; 0 if it is an ordinary step. */
static json_int_t omitted_before(const json_t *steps)
{
    const json_t *step = json_array_get(steps, 1);
    const char *action = json_string_value(json_object_get(step, "action"));
    json_int_t count = json_integer_value(json_object_get(step, "steps"));
    return action && strcmp(action, ACTION_OMITTED) == 0 && count > 0 ? count : 0;
}

/* A new array without the steps that have to make room; NULL: no memory. */
static json_t *shorten(const json_t *steps)
{
    size_t kept = first_kept(steps);
    json_int_t before = omitted_before(steps);
    json_int_t now = (json_int_t)kept - 1 - (before > 0);
    /* A file may claim any number. */
    json_int_t missing = before > INT64_MAX - now ? INT64_MAX : before + now;
    json_t *shorter = json_array();
    _Bool good = shorter && json_array_append(shorter, json_array_get(steps, 0)) == 0;
    if (good && kept > 1)
        good = json_array_append_new(shorter, json_pack("{s:s, s:I}", "action", ACTION_OMITTED,
                                                        "steps", missing)) == 0;
    for (size_t i = kept; good && i < json_array_size(steps); i++)
        good = json_array_append(shorter, json_array_get(steps, i)) == 0;
    if (good)
        return shorter;
    json_decref(shorter);
    return NULL;
}

/* Puts the step behind the others. */
static sentiment_status append(json_t *steps, json_t *step, sn_pairs *pairs, sentiment_error *error)
{
    if (json_array_append(steps, step) != 0)
        return sn_fail_memory(error, "the lineage");
    if (!is_too_long(steps))
        return store(pairs, steps, error);
    json_t *shorter = shorten(steps);
    if (!shorter)
        return sn_fail_memory(error, "the lineage");
    sentiment_status status = store(pairs, shorter, error);
    json_decref(shorter);
    return status;
}

sentiment_status sn_lineage_extend(const sentiment_model *model, const char *step, sn_pairs *pairs,
                                   sentiment_error *error)
{
    const sn_pairs own = {&model->memory, model->metadata, model->metadata_count};
    const char *old = sn_pairs_get(&own, SN_KEY_LINEAGE);
    json_t *steps = NULL, *newest = NULL;
    if (!step)
        return old ? sn_pairs_set(pairs, SN_KEY_LINEAGE, old, error) : SENTIMENT_OK;
    sentiment_status status = make_step(model, step, &newest, error);
    if (status == SENTIMENT_OK) {
        steps = parse_steps(old ? old : "[]");
        status = steps ? append(steps, newest, pairs, error) : sn_fail_memory(error, "the lineage");
    }
    json_decref(newest);
    json_decref(steps);
    return status;
}
