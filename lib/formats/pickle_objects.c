/* SPDX-License-Identifier: Apache-2.0
 *
 * Opcodes of the pickle machine that name globals and make objects. To "call"
 * is to note what would be called; a policy that lists globals is enforced
 * here, at the opcode. */
#include <string.h>

#include "formats/pickle_internal.h"

_Bool sn_pickle_is_listed_mapping(const sn_pickle *p, const sn_pickle_node *node)
{
    return node->kind == SN_PICKLE_CALL && p->nodes[node->a].role == SN_PICKLE_MAPPING;
}

/* Whether the module is the named one or inside it. */
static _Bool is_below(sn_name module, const char *root)
{
    size_t size = strlen(root);
    return sn_name_starts(module, root) && (module.size == size || module.data[size] == '.');
}

/* Fails unless the policy lists the global; sets its role. */
static sentiment_status allow_global(sn_pickle *p, sn_name module, sn_name name, uint8_t *role)
{
    const sn_pickle_policy *policy = p->policy;
    char module_text[SN_QUOTE_SIZE], name_text[SN_QUOTE_SIZE];
    *role = SN_PICKLE_INERT;
    if (!policy->globals)
        return SENTIMENT_OK;
    for (size_t i = 0; i < policy->global_count; i++)
        if (sn_name_is(module, policy->globals[i].module) &&
            sn_name_is(name, policy->globals[i].name)) {
            *role = (uint8_t)policy->globals[i].role;
            return SENTIMENT_OK;
        }
    if (policy->classes && is_below(module, policy->classes)) {
        *role = SN_PICKLE_CLASS;
        return SENTIMENT_OK;
    }
    sentiment_status code = SENTIMENT_ERROR_BAD_MODEL;
    const char *advice = policy->advice ? policy->advice(p, module, name, &code) : "";
    sn_quote(module_text, module.data, module.size);
    sn_quote(name_text, name.data, name.size);
    /* 'module' and 'name' print as one 'module.name'. */
    size_t length = strlen(module_text);
    if (module_text[length - 1] == '\'')
        module_text[length - 1] = '\0';
    return sn_pickle_fail_as(p, code, p->opcode_at, "global %s.%s is not allowed%s", module_text,
                             name_text + 1, advice);
}

static sentiment_status make_global(sn_pickle *p, sn_pickle_id module, sn_pickle_id name,
                                    sn_pickle_id *id)
{
    uint8_t role;
    sentiment_status status =
        allow_global(p, sn_pickle_text(p, module), sn_pickle_text(p, name), &role);
    if (!status)
        status = sn_pickle_make(p, SN_PICKLE_GLOBAL, id);
    if (status)
        return status;
    p->nodes[*id].a = module;
    p->nodes[*id].b = name;
    p->nodes[*id].role = role;
    return SENTIMENT_OK;
}

/* Two lines: module and name. */
static sentiment_status take_global(sn_pickle *p, sn_pickle_id *id)
{
    sn_name module, name;
    sn_pickle_id module_id = 0, name_id = 0;
    sentiment_status status = sn_pickle_line(p, &module);
    if (!status)
        status = sn_pickle_line(p, &name);
    if (!status)
        status = sn_pickle_make_text(p, module, &module_id);
    if (!status)
        status = sn_pickle_make_text(p, name, &name_id);
    return status ? status : make_global(p, module_id, name_id, id);
}

sentiment_status sn_pickle_op_global(sn_pickle *p, uint32_t unused)
{
    sn_pickle_id id = 0;
    (void)unused;
    sentiment_status status = take_global(p, &id);
    return status ? status : sn_pickle_push(p, id);
}

sentiment_status sn_pickle_op_stack_global(sn_pickle *p, uint32_t unused)
{
    sn_pickle_id module = 0, name = 0, id = 0;
    (void)unused;
    sentiment_status status = sn_pickle_pop(p, &name);
    if (!status)
        status = sn_pickle_pop(p, &module);
    if (status)
        return status;
    if (p->nodes[module].kind != SN_PICKLE_STRING || p->nodes[name].kind != SN_PICKLE_STRING)
        return sn_pickle_fail(p, p->opcode_at, "a global named by %s and %s, expected strings",
                              sn_pickle_kind_name(p, module), sn_pickle_kind_name(p, name));
    status = make_global(p, module, name, &id);
    return status ? status : sn_pickle_push(p, id);
}

/* Fails for what a policy that lists globals does not let be called. */
static sentiment_status allow_call(sn_pickle *p, sn_pickle_kind kind, sn_pickle_id callable)
{
    char text[SN_QUOTE_SIZE] = "";
    const sn_pickle_node *node = &p->nodes[callable];
    if (!p->policy->globals || (kind == SN_PICKLE_CALL && node->role != SN_PICKLE_INERT) ||
        (kind == SN_PICKLE_OBJECT && node->role == SN_PICKLE_CLASS))
        return SENTIMENT_OK;
    sn_name name = sn_pickle_text(p, node->kind == SN_PICKLE_GLOBAL ? node->b : callable);
    return sn_pickle_fail(p, p->opcode_at, "an instance of %s %s is not allowed",
                          sn_pickle_kind_name(p, callable), sn_quote(text, name.data, name.size));
}

/* Notes a call or an instance: callable or class, and its arguments. */
static sentiment_status push_object(sn_pickle *p, sn_pickle_kind kind, sn_pickle_id callable,
                                    sn_pickle_id arguments)
{
    sn_pickle_id id = 0;
    sentiment_status status = allow_call(p, kind, callable);
    if (!status)
        status = sn_pickle_make_push(p, kind, &id);
    if (!status)
        status = sn_pickle_nest(p, id, callable);
    if (!status)
        status = sn_pickle_nest(p, id, arguments);
    if (status)
        return status;
    p->nodes[id].a = callable;
    p->nodes[id].b = arguments;
    return SENTIMENT_OK;
}

/* REDUCE and NEWOBJ: callable and a tuple. libtorch calls the class of an enum with
 * the bare value. NEWOBJ_EX has keywords on top, which are dropped: nothing that we
 * read is made with keywords. */
sentiment_status sn_pickle_op_call(sn_pickle *p, uint32_t kind)
{
    sn_pickle_id callable = 0, arguments = 0;
    sentiment_status status = sn_pickle_pop(p, &arguments);
    if (!status)
        status = sn_pickle_pop(p, &callable);
    if (!status && p->nodes[arguments].kind != SN_PICKLE_TUPLE &&
        (kind != SN_PICKLE_CALL || p->nodes[callable].role != SN_PICKLE_CLASS))
        status = sn_pickle_fail(p, p->opcode_at, "call arguments are %s, expected a tuple",
                                sn_pickle_kind_name(p, arguments));
    return status ? status : push_object(p, (sn_pickle_kind)kind, callable, arguments);
}

sentiment_status sn_pickle_op_newobj_ex(sn_pickle *p, uint32_t kind)
{
    sn_pickle_id keywords;
    sentiment_status status = sn_pickle_pop(p, &keywords);
    return status ? status : sn_pickle_op_call(p, kind);
}

/* INST: the class as two lines, arguments above the mark. */
sentiment_status sn_pickle_op_inst(sn_pickle *p, uint32_t unused)
{
    sn_pickle_id class = 0, arguments = 0;
    const sn_pickle_id *ids;
    size_t count;
    (void)unused;
    sentiment_status status = take_global(p, &class);
    if (!status)
        status = sn_pickle_pop_mark(p, &ids, &count);
    if (!status)
        status = sn_pickle_make_tuple(p, ids, count, &arguments);
    return status ? status : push_object(p, SN_PICKLE_OBJECT, class, arguments);
}

/* OBJ: the class is the first above the mark. */
sentiment_status sn_pickle_op_obj(sn_pickle *p, uint32_t unused)
{
    sn_pickle_id class = 0, arguments = 0;
    const sn_pickle_id *ids;
    size_t count;
    (void)unused;
    sentiment_status status = sn_pickle_pop_mark(p, &ids, &count);
    if (!status && count == 0)
        status = sn_pickle_fail(p, p->opcode_at, "OBJ without a class");
    if (!status) {
        class = ids[0];
        status = sn_pickle_make_tuple(p, ids + 1, count - 1, &arguments);
    }
    return status ? status : push_object(p, SN_PICKLE_OBJECT, class, arguments);
}

sentiment_status sn_pickle_op_build(sn_pickle *p, uint32_t unused)
{
    sn_pickle_id state = 0, target = 0;
    (void)unused;
    sentiment_status status = sn_pickle_pop(p, &state);
    if (!status)
        status = sn_pickle_top(p, &target);
    if (status)
        return status;
    sn_pickle_node *node = &p->nodes[target];
    _Bool takes = node->kind == SN_PICKLE_CALL || node->kind == SN_PICKLE_OBJECT;
    if (takes && p->policy->globals && !sn_pickle_is_listed_mapping(p, node))
        takes = node->kind == SN_PICKLE_OBJECT && p->nodes[node->a].role == SN_PICKLE_CLASS;
    if (!takes)
        return sn_pickle_fail(p, p->opcode_at, "a state for %s, which takes none",
                              sn_pickle_kind_name(p, target));
    if (node->state)
        return sn_pickle_fail(p, p->opcode_at, "a second state for one object");
    node->state = state;
    return sn_pickle_nest(p, target, state);
}

/* PERSID (a line) and BINPERSID (from the stack). */
sentiment_status sn_pickle_op_persistent(sn_pickle *p, uint32_t is_line)
{
    sn_name line;
    sn_pickle_id name = 0, id = 0;
    if (!p->policy->persistent)
        return sn_pickle_fail(p, p->opcode_at, "a persistent id, which has no meaning here");
    sentiment_status status = is_line ? sn_pickle_line(p, &line) : sn_pickle_pop(p, &name);
    if (!status && is_line)
        status = sn_pickle_make_text(p, line, &name);
    if (!status)
        status = sn_pickle_make_push(p, SN_PICKLE_PERSISTENT, &id);
    if (status)
        return status;
    p->nodes[id].a = name;
    return sn_pickle_nest(p, id, name);
}
