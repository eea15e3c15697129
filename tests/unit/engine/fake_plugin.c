/* SPDX-License-Identifier: Apache-2.0
 *
 * A plugin without libtorch, for the loader's test. Built several times:
 * FAKE_BUILD is what it calls itself, FAKE_ACCEPTS whether it lets every
 * library in, as no honest plugin does. */
#include <string.h>

#include "base/status.h"
#include "engine/plugin.h"

#ifdef FAKE_BUILD
__attribute__((visibility("default"))) sn_plugin_fn sentiment_torch_plugin;

const void *sentiment_torch_plugin(const char *build, sentiment_error *error)
{
    static const sn_torch_plugin plugin = {.build = FAKE_BUILD, .torch_version = "fake"};
    if (FAKE_ACCEPTS || strcmp(build, FAKE_BUILD) == 0)
        return &plugin;
    sn_fail(error, SENTIMENT_ERROR_ENGINE_UNAVAILABLE, SN_NO_OFFSET, "%s is not for %s",
            FAKE_BUILD, build);
    return NULL;
}
#else
/* A library, but no plugin. */
__attribute__((visibility("default"))) extern const int fake_nothing;
const int fake_nothing = 1;
#endif
