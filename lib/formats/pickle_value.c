/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading what the pickle machine read: kinds, strings, walks over items and
 * pairs. Each walk is a loop over one node's items; nothing goes down. */
#include "formats/pickle_internal.h"

const sn_pickle_node *sn_pickle_get(const sn_pickle *pickle, sn_pickle_id id)
{
    return &pickle->nodes[id < pickle->node_count ? id : 0];
}

const char *sn_pickle_kind_name(const sn_pickle *pickle, sn_pickle_id id)
{
    static const char *const names[SN_PICKLE_KINDS] = {
        "nothing", "None",    "a boolean",  "an integer", "an integer beyond 64 bits", "a float",
        "a string", "bytes",  "a tuple",    "a list",     "a dict",                    "a set",
        "a global", "a call", "an object",  "a persistent id",
    };
    return names[sn_pickle_get(pickle, id)->kind];
}

sn_name sn_pickle_text(const sn_pickle *pickle, sn_pickle_id id)
{
    const sn_pickle_node *node = sn_pickle_get(pickle, id);
    if (node->kind != SN_PICKLE_STRING)
        return (sn_name){NULL, 0};
    return (sn_name){node->value.data, node->size};
}

_Bool sn_pickle_is_text(const sn_pickle *pickle, sn_pickle_id id, const char *text)
{
    return sn_pickle_get(pickle, id)->kind == SN_PICKLE_STRING &&
           sn_name_is(sn_pickle_text(pickle, id), text);
}

_Bool sn_pickle_is_global(const sn_pickle *pickle, sn_pickle_id id, const char *module,
                          const char *name)
{
    const sn_pickle_node *node = sn_pickle_get(pickle, id);
    return node->kind == SN_PICKLE_GLOBAL && sn_pickle_is_text(pickle, node->a, module) &&
           sn_pickle_is_text(pickle, node->b, name);
}

uint32_t sn_pickle_tuple_size(const sn_pickle *pickle, sn_pickle_id id)
{
    const sn_pickle_node *node = sn_pickle_get(pickle, id);
    return node->kind == SN_PICKLE_TUPLE ? node->size : 0;
}

sn_pickle_id sn_pickle_item(const sn_pickle *pickle, sn_pickle_id tuple, uint32_t index)
{
    if (index >= sn_pickle_tuple_size(pickle, tuple))
        return 0;
    return pickle->items[sn_pickle_get(pickle, tuple)->a + index];
}

sn_pickle_walk sn_pickle_items(const sn_pickle *pickle, sn_pickle_id id)
{
    const sn_pickle_node *node = sn_pickle_get(pickle, id);
    sn_pickle_walk walk = {.pickle = pickle};
    if (node->kind == SN_PICKLE_TUPLE) {
        walk.at = node->a;
        walk.left = node->size;
    } else {
        walk.next_run = node->first_run;
    }
    return walk;
}

/* Moves to the next run of the wanted sort; false at the end. */
static _Bool next_run(sn_pickle_walk *walk)
{
    while (walk->left == 0 && walk->next_run) {
        const sn_pickle_run *run = &walk->pickle->runs[walk->next_run];
        walk->next_run = run->next;
        if (run->pairs == walk->pairs) {
            walk->at = run->start;
            walk->left = run->count;
        }
    }
    return walk->left != 0;
}

sn_pickle_id sn_pickle_next(sn_pickle_walk *walk)
{
    if (!next_run(walk))
        return 0;
    walk->left--;
    return walk->pickle->items[walk->at++];
}

/* Of the standard dict classes, how a call carries what is in the dict. */
typedef struct {
    const char *module;
    const char *name;
    uint32_t argument; /* that holds a dict, or a list of pairs */
} mapping_class;

static const mapping_class mapping_classes[] = {
    {"collections", "OrderedDict", 0},  {"collections", "defaultdict", 1},
    {"collections", "Counter", 0},      {"builtins", "dict", 0},
    {"__builtin__", "dict", 0},         {"copyreg", "_reconstructor", 2},
    {"copy_reg", "_reconstructor", 2},
};

/* The class of a call of one of them, or NULL. */
static const mapping_class *class_of(const sn_pickle *p, const sn_pickle_node *node)
{
    if (node->kind != SN_PICKLE_CALL)
        return NULL;
    for (size_t i = 0; i < sizeof mapping_classes / sizeof *mapping_classes; i++)
        if (sn_pickle_is_global(p, node->a, mapping_classes[i].module, mapping_classes[i].name))
            return &mapping_classes[i];
    return NULL;
}

/* A dict or a list among the arguments of such a call, 0 if there is none. */
static sn_pickle_id content_of(const sn_pickle *p, const sn_pickle_node *node)
{
    const mapping_class *class = class_of(p, node);
    if (!class)
        return 0;
    sn_pickle_id content = sn_pickle_item(p, node->b, class->argument);
    uint8_t kind = sn_pickle_get(p, content)->kind;
    return kind == SN_PICKLE_DICT || kind == SN_PICKLE_LIST ? content : 0;
}

static _Bool has_pairs(const sn_pickle *p, const sn_pickle_node *node)
{
    for (uint32_t run = node->first_run; run; run = p->runs[run].next)
        if (p->runs[run].pairs)
            return 1;
    return 0;
}

_Bool sn_pickle_is_mapping(const sn_pickle *pickle, sn_pickle_id id)
{
    const sn_pickle_node *node = sn_pickle_get(pickle, id);
    if (node->kind == SN_PICKLE_DICT)
        return 1;
    const mapping_class *class = class_of(pickle, node);
    return (class && class->argument != 2) || content_of(pickle, node) || has_pairs(pickle, node);
}

sn_pickle_walk sn_pickle_pairs(const sn_pickle *pickle, sn_pickle_id id)
{
    const sn_pickle_node *node = sn_pickle_get(pickle, id);
    sn_pickle_id content = content_of(pickle, node);
    sn_pickle_walk walk = {.pickle = pickle, .pairs = 1, .later = content ? id : 0};
    if (!content) {
        walk.next_run = node->first_run;
    } else if (sn_pickle_get(pickle, content)->kind == SN_PICKLE_DICT) {
        walk.next_run = sn_pickle_get(pickle, content)->first_run;
    } else {
        walk.pairs = 0;
        walk.list = content;
        walk.next_run = sn_pickle_get(pickle, content)->first_run;
    }
    return walk;
}

/* Key and value from a tuple or list of two, as Python 2 pickled OrderedDict.
 * Nothing else: in an object, items may stand behind any number of pairs, which
 * would be walked over each time that the object is in the list. */
static void split_pair(const sn_pickle *p, sn_pickle_id id, sn_pickle_id *key,
                       sn_pickle_id *value)
{
    uint8_t kind = sn_pickle_get(p, id)->kind;
    *key = *value = 0;
    if (kind != SN_PICKLE_TUPLE && kind != SN_PICKLE_LIST)
        return;
    sn_pickle_walk walk = sn_pickle_items(p, id);
    *key = sn_pickle_next(&walk);
    *value = sn_pickle_next(&walk);
}

_Bool sn_pickle_next_pair(sn_pickle_walk *walk, sn_pickle_id *key, sn_pickle_id *value)
{
    sn_pickle_id item = sn_pickle_next(walk);
    if (!item && walk->later) {
        const sn_pickle_node *node = sn_pickle_get(walk->pickle, walk->later);
        *walk = (sn_pickle_walk){.pickle = walk->pickle, .pairs = 1, .next_run = node->first_run};
        item = sn_pickle_next(walk);
    }
    if (!item)
        return 0;
    if (walk->list) {
        split_pair(walk->pickle, item, key, value);
    } else {
        *key = item;
        *value = sn_pickle_next(walk);
    }
    return 1;
}

sn_pickle_id sn_pickle_lookup(const sn_pickle *pickle, sn_pickle_id mapping, const char *key)
{
    sn_pickle_walk walk = sn_pickle_pairs(pickle, mapping);
    sn_pickle_id found = 0, at, value;
    while (sn_pickle_next_pair(&walk, &at, &value))
        if (sn_pickle_is_text(pickle, at, key))
            found = value;
    return found;
}
