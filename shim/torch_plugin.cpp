/* SPDX-License-Identifier: Apache-2.0
 *
 * The one exported function of libsentiment-torch.so: the handshake, and the
 * table behind it. */
#include <cstring>
#include <string>

#include <torch/version.h>

#include "torch_engine.h"
#include "torch_guard.h"

extern "C" __attribute__((visibility("default"))) const void *
sentiment_torch_plugin(const char *build, sentiment_error *error)
{
    static const sn_torch_plugin plugin = {
        SN_PLUGIN_BUILD,    TORCH_VERSION,      sn::engine_create, sn::engine_destroy,
        sn::engine_run,     sn::engine_explain, sn::engine_train,  sn::script_create,
        sn::script_destroy, sn::script_run,
    };
    sentiment_status status = sn::guarded("opening the torch plugin", error, [&] {
        if (build && std::strcmp(build, SN_PLUGIN_BUILD) == 0)
            return SENTIMENT_OK;
        throw sn::Refusal(SENTIMENT_ERROR_ENGINE_UNAVAILABLE,
                          "the plugin is of build " SN_PLUGIN_BUILD ", the library of build " +
                              std::string(build ? build : "(none)"));
    });
    return status == SENTIMENT_OK ? &plugin : nullptr;
}
