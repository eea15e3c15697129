/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of engines. `auto` is native: it runs every model that loads. */
#include "engine/engine.h"

static const sn_engine *const engines[] = {
    [SENTIMENT_ENGINE_AUTO] = &sn_engine_native,
    [SENTIMENT_ENGINE_NATIVE] = &sn_engine_native,
    [SENTIMENT_ENGINE_TORCH] = &sn_engine_torch,
};

const sn_engine *sn_engine_find(int32_t id)
{
    if (id < 0 || id >= (int32_t)(sizeof engines / sizeof *engines))
        return NULL;
    return engines[id];
}
