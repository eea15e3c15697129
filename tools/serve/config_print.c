/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings as lines that --config reads back, and the processors that those
 * with 0 stand for. */
#include "config.h"

#include <sched.h>
#include <string.h>

#include "base/cgroup.h"

static void print_value(const option_spec *spec, const void *value, emit *to)
{
    const char *text = NULL;
    switch (spec->kind) {
    case OPTION_FLAG:
        emit_format(to, "%d", *(const bool *)value);
        break;
    case OPTION_STRING:
        text = *(const char *const *)value;
        emit_bytes(to, text, text ? strlen(text) : 0);
        break;
    case OPTION_ONE:
    case OPTION_U32:
        emit_format(to, "%lu", (unsigned long)*(const uint32_t *)value);
        break;
    case OPTION_U64:
        emit_format(to, "%llu", (unsigned long long)*(const uint64_t *)value);
        break;
    case OPTION_DOUBLE:
        emit_format(to, "%.15g", *(const double *)value);
        break;
    case OPTION_CHOICE:
        emit_format(to, "%s", option_choice_name(spec->choices, *(const int32_t *)value));
        break;
    }
}

/* Settings that stand for "from elsewhere" are left out: strings that are not
 * set, choices without a name for the default, --max-length 0. */
static bool is_set(const option_spec *spec, const void *value)
{
    if (spec->kind == OPTION_STRING)
        return *(const char *const *)value != NULL;
    if (spec->kind == OPTION_CHOICE)
        return strcmp(option_choice_name(spec->choices, *(const int32_t *)value), "unknown") != 0;
    return spec->kind != OPTION_U32 || (double)*(const uint32_t *)value >= spec->low;
}

void config_print(config *settings, emit *to)
{
    option_group groups[CONFIG_GROUPS];
    config_groups(settings, groups);
    for (const option_group *group = groups; group->specs; group++) {
        for (const option_spec *spec = group->specs; spec->name; spec++) {
            const void *value = (const char *)group->target + spec->offset;
            if (config_is_source(spec) || !is_set(spec, value))
                continue;
            emit_format(to, "%s = ", spec->name);
            print_value(spec, value, to);
            emit_format(to, "\n");
        }
    }
}

uint32_t config_processors(void)
{
    cpu_set_t set;
    uint32_t count = sched_getaffinity(0, sizeof set, &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
    double quota = sn_cgroup_quota("");
    if (quota > 0 && quota < (double)count)
        count = quota < 1 ? 1 : (uint32_t)quota;
    return count < 1 ? 1 : count;
}
