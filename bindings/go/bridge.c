/* SPDX-License-Identifier: Apache-2.0
 *
 * See bridge.h. No answer is computed or changed here. */
#ifndef _GNU_SOURCE
#  define _GNU_SOURCE
#endif
#include "bridge.h"

#include <stdio.h>
#include <stdlib.h>
#if !defined(_WIN32)
#  include <dlfcn.h>
#endif

#include "_cgo_export.h"

static void tell(void *user, int32_t level, const char *message)
{
    sentimentGoLog((uintptr_t)user, level, (char *)message);
}

static sentiment_model_options options_of(const sentiment_go_loading *how)
{
    sentiment_model_options options = {.struct_size = sizeof options,
                                       .use_mmap = how->use_mmap,
                                       .allow_missing_crc = how->allow_missing_crc,
                                       .digest = how->digest,
                                       .temperature = how->temperature,
                                       .log = how->log ? tell : NULL,
                                       .log_user = (void *)how->log,
                                       .cancel = how->cancel};
    return options;
}

sentiment_status sentiment_go_load(const char *path, const sentiment_go_loading *how,
                                   sentiment_model **model, sentiment_error *error)
{
    sentiment_model_options options = options_of(how);
    return sentiment_model_load(path, &options, model, error);
}

sentiment_status sentiment_go_load_bytes(const char *data, size_t size,
                                         const sentiment_go_loading *how, sentiment_model **model,
                                         sentiment_error *error)
{
    sentiment_model_options options = options_of(how);
    /* No bytes at all are a model that is empty, not an argument that is missing. */
    return sentiment_model_load_copy(data ? data : "", size, &options, model, error);
}

sentiment_status sentiment_go_quantize(const sentiment_model *model,
                                       const sentiment_go_loading *how, sentiment_model **quantized,
                                       sentiment_error *error)
{
    sentiment_model_options options = options_of(how);
    return sentiment_model_quantize(model, &options, quantized, error);
}

sentiment_go_session *sentiment_go_session_create(sentiment_model *model,
                                                  const sentiment_session_options *options,
                                                  sentiment_error *error)
{
    sentiment_go_session *made = calloc(1, sizeof *made);
    if (!made) {
        error->code = SENTIMENT_ERROR_OUT_OF_MEMORY;
        snprintf(error->message, sizeof error->message, "out of memory for a session");
        return NULL;
    }
    made->result.struct_size = sizeof made->result;
    made->error.struct_size = sizeof made->error;
    if (sentiment_session_create(model, options, &made->session, error)) {
        free(made);
        return NULL;
    }
    return made;
}

void sentiment_go_session_free(sentiment_go_session *session)
{
    if (!session)
        return;
    sentiment_stream_free(session->stream);
    sentiment_session_free(session->session);
    free(session);
}

sentiment_status sentiment_go_predict(sentiment_go_session *session, const char *text, size_t size,
                                      size_t classes, float *values)
{
    return sentiment_session_predict(session->session, text, size, 0, &session->result, values,
                                     values + classes, &session->error);
}

sentiment_status sentiment_go_predict_batch(sentiment_go_session *session, const char *text,
                                            const uint64_t *offsets, size_t count, size_t classes,
                                            sentiment_result *results, float *values,
                                            const sentiment_cancel *cancel)
{
    results->struct_size = sizeof *results;
    return sentiment_session_predict_batch(session->session, text, offsets, count, NULL, results,
                                           values, values + count * classes, cancel,
                                           &session->error);
}

sentiment_status sentiment_go_predict_ids(sentiment_go_session *session, const int32_t *ids,
                                          const uint64_t *offsets, size_t count, size_t classes,
                                          sentiment_result *results, float *values,
                                          const sentiment_cancel *cancel)
{
    results->struct_size = sizeof *results;
    return sentiment_session_predict_ids(session->session, ids, offsets, count, NULL, results,
                                         values, values + count * classes, cancel, &session->error);
}

sentiment_status sentiment_go_feed(sentiment_go_session *session, const char *text, size_t size,
                                   size_t classes, float *values)
{
    return sentiment_stream_feed(session->stream, text, size, values ? &session->result : NULL,
                                 values, values ? values + classes : NULL, &session->error);
}

const char *sentiment_go_library_path(void)
{
#if defined(_WIN32)
    return "";
#else
    Dl_info found;
    void *function = dlsym(RTLD_DEFAULT, "sentiment_version");
    return function && dladdr(function, &found) && found.dli_fname ? found.dli_fname : "";
#endif
}
