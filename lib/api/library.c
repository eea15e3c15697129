/* SPDX-License-Identifier: Apache-2.0
 *
 * Versions, status names and the defaults of every public struct. */
#include "base/status.h"
#include "engine/train.h"

#define TEXT(name) #name
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

const char *sentiment_version(void)
{
    return VERSION(SENTIMENT_VERSION_MAJOR, SENTIMENT_VERSION_MINOR, SENTIMENT_VERSION_PATCH);
}

int32_t sentiment_abi_version(void)
{
    return SENTIMENT_ABI_VERSION;
}

const char *sentiment_status_name(sentiment_status status)
{
    static const char *const names[] = {
        "ok",
        "invalid argument",
        "not found",
        "input/output error",
        "bad model",
        "unsupported",
        "shape mismatch",
        "invalid UTF-8",
        "out of memory",
        "cancelled",
        "engine unavailable",
        "internal error",
        "buffer too small",
        "used after fork",
    };
    if (status > 0 || status <= -(int32_t)(sizeof names / sizeof *names))
        return "unknown status";
    return names[-status];
}

void sentiment_error_init(sentiment_error *error)
{
    if (error)
        *error = (sentiment_error){.struct_size = sizeof *error, .offset = SN_NO_OFFSET};
}

void sentiment_model_options_init(sentiment_model_options *options)
{
    if (options)
        *options = (sentiment_model_options){.struct_size = sizeof *options};
}

void sentiment_model_config_init(sentiment_model_config *config)
{
    if (config)
        *config = (sentiment_model_config){.struct_size = sizeof *config,
                                           .vocab_size = 10000,
                                           .embedding_dim = 128,
                                           .hidden_size = 256,
                                           .num_classes = 3};
}

void sentiment_session_options_init(sentiment_session_options *options)
{
    if (options)
        *options = (sentiment_session_options){.struct_size = sizeof *options};
}

void sentiment_result_init(sentiment_result *result)
{
    if (result)
        *result =
            (sentiment_result){.struct_size = sizeof *result, .error_offset = SENTIMENT_NO_OFFSET};
}

void sentiment_save_options_init(sentiment_save_options *options)
{
    if (options)
        *options = (sentiment_save_options){.struct_size = sizeof *options};
}

void sentiment_train_options_init(sentiment_train_options *options)
{
    if (options)
        sn_train_defaults(options);
}
