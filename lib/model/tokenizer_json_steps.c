/* SPDX-License-Identifier: Apache-2.0
 *
 * "normalizer" and "pre_tokenizer" of a tokenizer.json, each one component or a
 * Sequence of them, which may hold Sequences: they become one flat list. */
#include <stdio.h>
#include <string.h>

#include "model/tokenizer_json_parts.h"
#include "text/utf8.h"

/* A component at `path` of a known type. */
typedef sentiment_status (*take_fn)(const json_t *object, const char *path, int kind,
                                    sn_steps *steps, sentiment_error *error);

typedef struct component {
    const char *type;
    int kind; /* for `take`: sn_normalizer or sn_splitter_kind */
    take_fn take;
} component;

/* Normalizers or pre-tokenizers. */
typedef struct family {
    const char *key;     /* in the file, and the name in messages */
    const char *members; /* key of a Sequence's list */
    const component *components;
    size_t count;
} family;

/* -------------------------------------------------------------- normalizers */

static sentiment_status add_normalizer(sn_steps *steps, const char *path, sn_normalizer kind,
                                       sentiment_error *error)
{
    if (steps->normalizer_count == SN_MAX_STEPS)
        return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                          "%s: more than %d steps are not supported", path, SN_MAX_STEPS);
    steps->normalizers[steps->normalizer_count++] = kind;
    return SENTIMENT_OK;
}

static sentiment_status take_normalizer(const json_t *object, const char *path, int kind,
                                        sn_steps *steps, sentiment_error *error)
{
    static const char *const keys[] = {"type", NULL};
    sentiment_status status = sn_tj_check_keys(object, path, keys, error);
    return status == SENTIMENT_OK ? add_normalizer(steps, path, (sn_normalizer)kind, error)
                                  : status;
}

/* strip_accents: null does as lowercase does. */
static sentiment_status take_bert(const json_t *object, const char *path, int kind,
                                  sn_steps *steps, sentiment_error *error)
{
    static const char *const keys[] = {"type",          "clean_text", "handle_chinese_chars",
                                       "strip_accents", "lowercase",  NULL};
    _Bool clean = 0, chinese = 0, accents = 0, lower = 0;
    (void)kind;
    sentiment_status status = sn_tj_check_keys(object, path, keys, error);
    if (status == SENTIMENT_OK)
        status = sn_tj_bool(object, path, "clean_text", -1, &clean, error);
    if (status == SENTIMENT_OK)
        status = sn_tj_bool(object, path, "handle_chinese_chars", -1, &chinese, error);
    if (status == SENTIMENT_OK)
        status = sn_tj_bool(object, path, "lowercase", -1, &lower, error);
    accents = lower;
    if (status == SENTIMENT_OK && !json_is_null(json_object_get(object, "strip_accents")))
        status = sn_tj_bool(object, path, "strip_accents", lower, &accents, error);
    if (status == SENTIMENT_OK && clean)
        status = add_normalizer(steps, path, SN_NORMALIZE_BERT_CLEAN, error);
    if (status == SENTIMENT_OK && chinese)
        status = add_normalizer(steps, path, SN_NORMALIZE_BERT_CHINESE, error);
    if (status == SENTIMENT_OK && accents)
        status = add_normalizer(steps, path, SN_NORMALIZE_BERT_ACCENTS, error);
    if (status == SENTIMENT_OK && lower)
        status = add_normalizer(steps, path, SN_NORMALIZE_LOWERCASE, error);
    return status;
}

static const component normalizers[] = {
    {"BertNormalizer", 0, take_bert},
    {"Lowercase", SN_NORMALIZE_LOWERCASE, take_normalizer},
    {"NFC", SN_NORMALIZE_NFC, take_normalizer},
    {"NFD", SN_NORMALIZE_NFD, take_normalizer},
    {"NFKC", SN_NORMALIZE_NFKC, take_normalizer},
    {"NFKD", SN_NORMALIZE_NFKD, take_normalizer},
    {"StripAccents", SN_NORMALIZE_STRIP_ACCENTS, take_normalizer},
};

/* ----------------------------------------------------------- pre-tokenizers */

static sentiment_status add_splitter(sn_steps *steps, const char *path, sn_splitter splitter,
                                     sentiment_error *error)
{
    if (steps->splitter_count == SN_MAX_STEPS)
        return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                          "%s: more than %d steps are not supported", path, SN_MAX_STEPS);
    steps->splitters[steps->splitter_count++] = splitter;
    return SENTIMENT_OK;
}

static sentiment_status take_splitter(const json_t *object, const char *path, int kind,
                                      sn_steps *steps, sentiment_error *error)
{
    static const char *const keys[] = {"type", NULL};
    sn_splitter splitter = {.kind = (sn_splitter_kind)kind};
    sentiment_status status = sn_tj_check_keys(object, path, keys, error);
    return status == SENTIMENT_OK ? add_splitter(steps, path, splitter, error) : status;
}

static sentiment_status take_punctuation(const json_t *object, const char *path, int kind,
                                         sn_steps *steps, sentiment_error *error)
{
    static const char *const keys[] = {"type", "behavior", NULL};
    static const char *const behaviours[] = {
        [SN_ISOLATED] = "Isolated",
        [SN_REMOVED] = "Removed",
        [SN_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
        [SN_MERGED_WITH_NEXT] = "MergedWithNext",
        [SN_CONTIGUOUS] = "Contiguous",
    };
    sn_splitter splitter = {.kind = (sn_splitter_kind)kind};
    sn_slice name;
    sentiment_status status = sn_tj_check_keys(object, path, keys, error);
    if (status == SENTIMENT_OK)
        status = sn_tj_string(object, path, "behavior", json_object_get(object, "behavior") != NULL,
                              &name, error);
    if (status != SENTIMENT_OK)
        return status;
    int i = SN_ISOLATED;
    while (name.data && i <= SN_CONTIGUOUS && strcmp((const char *)name.data, behaviours[i]) != 0)
        i++;
    if (i > SN_CONTIGUOUS)
        return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                          "%s: behavior '%.40s' is not supported; expected Isolated, Removed, "
                          "MergedWithPrevious, MergedWithNext or Contiguous",
                          path, (const char *)name.data);
    splitter.behaviour = (sn_behaviour)i;
    return add_splitter(steps, path, splitter, error);
}

/* trim_offsets only has a meaning where this stands as a post-processor. */
/* Each may double a text's bytes. */
enum { MAX_BYTE_LEVELS = 4 };

static size_t count_byte_levels(const sn_steps *steps)
{
    size_t count = 0;
    for (size_t i = 0; i < steps->splitter_count; i++)
        count += steps->splitters[i].kind == SN_SPLIT_BYTE_LEVEL;
    return count;
}

static sentiment_status take_byte_level(const json_t *object, const char *path, int kind,
                                        sn_steps *steps, sentiment_error *error)
{
    static const char *const keys[] = {"type", "add_prefix_space", "trim_offsets", "use_regex",
                                       NULL};
    sn_splitter splitter = {.kind = (sn_splitter_kind)kind};
    _Bool trim;
    sentiment_status status = sn_tj_check_keys(object, path, keys, error);
    if (status == SENTIMENT_OK)
        status = sn_tj_bool(object, path, "add_prefix_space", -1, &splitter.add_prefix_space,
                            error);
    if (status == SENTIMENT_OK)
        status = sn_tj_bool(object, path, "trim_offsets", 1, &trim, error);
    if (status == SENTIMENT_OK)
        status = sn_tj_bool(object, path, "use_regex", 1, &splitter.use_regex, error);
    if (status == SENTIMENT_OK && count_byte_levels(steps) == MAX_BYTE_LEVELS)
        status = sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                            "%s: more than %d times ByteLevel are not supported", path,
                            MAX_BYTE_LEVELS);
    return status == SENTIMENT_OK ? add_splitter(steps, path, splitter, error) : status;
}

static const component splitters[] = {
    {"BertPreTokenizer", SN_SPLIT_BERT, take_splitter},
    {"Whitespace", SN_SPLIT_WHITESPACE, take_splitter},
    {"WhitespaceSplit", SN_SPLIT_WHITESPACE_SPLIT, take_splitter},
    {"Punctuation", SN_SPLIT_PUNCTUATION, take_punctuation},
    {"ByteLevel", SN_SPLIT_BYTE_LEVEL, take_byte_level},
};

/* ---------------------------------------------------------------- sequences */

static const family families[] = {
    {"normalizer", "normalizers", normalizers, sizeof normalizers / sizeof *normalizers},
    {"pre_tokenizer", "pretokenizers", splitters, sizeof splitters / sizeof *splitters},
};

static sentiment_status refuse(const family *kin, const char *path, const char *type,
                               sentiment_error *error)
{
    char names[160] = "", shown[SN_SHOWN_SIZE];
    for (size_t i = 0; i < kin->count; i++) {
        size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, "%s, ", kin->components[i].type);
    }
    _Bool nested = strcmp(path, kin->key) != 0;
    sn_utf8_quote((const uint8_t *)type, strlen(type), shown, sizeof shown);
    return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                      "%s%s%s '%s' is not supported; expected %sor Sequence", nested ? path : "",
                      nested ? ": " : "", kin->key, shown, names);
}

static sentiment_status take_component(const family *kin, const json_t *object, const char *path,
                                       const char *type, sn_steps *steps, sentiment_error *error)
{
    for (size_t i = 0; i < kin->count; i++)
        if (strcmp(kin->components[i].type, type) == 0)
            return kin->components[i].take(object, path, kin->components[i].kind, steps, error);
    return refuse(kin, path, type, error);
}

/* Deeper Sequences are refused, so that a path fits. */
enum { MAX_DEPTH = 8, MAX_PATH = 256 };

/* A list of components that is being read. */
typedef struct level {
    const json_t *list;
    size_t next;
    size_t path_length; /* of the Sequence that holds it */
} level;

/* The list of a Sequence at `path`, on top of the levels. */
static sentiment_status enter(const family *kin, const json_t *object, const char *path,
                              level *levels, size_t *depth, sentiment_error *error)
{
    const char *const keys[] = {"type", kin->members, NULL};
    const json_t *list = json_object_get(object, kin->members);
    sentiment_status status = sn_tj_check_keys(object, path, keys, error);
    if (status != SENTIMENT_OK)
        return status;
    if (!json_is_array(list))
        return sn_tj_fail(error, SENTIMENT_ERROR_BAD_MODEL, "%s.%s %s", path, kin->members,
                          list ? "must be a list" : "is missing");
    if (*depth == MAX_DEPTH)
        return sn_tj_fail(error, SENTIMENT_ERROR_UNSUPPORTED,
                          "%s: Sequences within each other %d times are not supported",
                          kin->key, MAX_DEPTH + 1);
    levels[(*depth)++] = (level){list, 0, strlen(path)};
    return SENTIMENT_OK;
}

static sentiment_status read_family(const family *kin, const json_t *root, sn_steps *steps,
                                    sentiment_error *error)
{
    level levels[MAX_DEPTH];
    size_t depth = 0;
    char path[MAX_PATH];
    const json_t *object = json_object_get(root, kin->key);
    snprintf(path, sizeof path, "%s", kin->key);
    if (!object || json_is_null(object))
        return SENTIMENT_OK;
    for (;;) {
        const char *type = NULL;
        sentiment_status status = sn_tj_type(object, path, &type, error);
        if (status == SENTIMENT_OK)
            status = strcmp(type, "Sequence") == 0
                         ? enter(kin, object, path, levels, &depth, error)
                         : take_component(kin, object, path, type, steps, error);
        if (status != SENTIMENT_OK)
            return status;
        while (depth > 0 && levels[depth - 1].next == json_array_size(levels[depth - 1].list))
            depth--;
        if (depth == 0)
            return SENTIMENT_OK;
        level *top = &levels[depth - 1];
        snprintf(path + top->path_length, sizeof path - top->path_length, ".%s[%zu]", kin->members,
                 top->next);
        object = json_array_get(top->list, top->next++);
    }
}

sentiment_status sn_tj_read_steps(const json_t *root, sn_steps *out, sentiment_error *error)
{
    sentiment_status status = read_family(&families[0], root, out, error);
    return status == SENTIMENT_OK ? read_family(&families[1], root, out, error) : status;
}
