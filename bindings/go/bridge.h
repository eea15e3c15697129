/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Go code cannot say itself: options that hold an integer in a void
 * pointer (Go's collector must not see one), a session with its result and error
 * in C memory, and where the library was loaded from. */
#ifndef SENTIMENT_GO_BRIDGE_H
#define SENTIMENT_GO_BRIDGE_H

#include <sentiment/sentiment.h>

/* sentiment_model_options without pointers of Go. */
typedef struct sentiment_go_loading {
    uint32_t use_mmap, allow_missing_crc, digest;
    float temperature;
    uintptr_t log; /* a cgo.Handle; 0: silent */
    const sentiment_cancel *cancel;
} sentiment_go_loading;

/* A session and what its calls write besides arrays. In C memory, so that a call
 * hands no pointer to it through Go's checks and nothing of it moves to the heap. */
typedef struct sentiment_go_session {
    sentiment_session *session;
    sentiment_stream *stream;
    sentiment_result result;
    sentiment_error error;
} sentiment_go_session;

sentiment_status sentiment_go_load(const char *path, const sentiment_go_loading *how,
                                   sentiment_model **model, sentiment_error *error);
sentiment_status sentiment_go_load_bytes(const char *data, size_t size,
                                         const sentiment_go_loading *how, sentiment_model **model,
                                         sentiment_error *error);
sentiment_status sentiment_go_quantize(const sentiment_model *model,
                                       const sentiment_go_loading *how, sentiment_model **quantized,
                                       sentiment_error *error);

/* NULL on failure. */
sentiment_go_session *sentiment_go_session_create(sentiment_model *model,
                                                  const sentiment_session_options *options,
                                                  sentiment_error *error);
void sentiment_go_session_free(sentiment_go_session *session);

/* values: probabilities, then logits. */
sentiment_status sentiment_go_predict(sentiment_go_session *session, const char *text, size_t size,
                                      size_t classes, float *values);
sentiment_status sentiment_go_predict_batch(sentiment_go_session *session, const char *text,
                                            const uint64_t *offsets, size_t count, size_t classes,
                                            sentiment_result *results, float *values,
                                            const sentiment_cancel *cancel);
sentiment_status sentiment_go_predict_ids(sentiment_go_session *session, const int32_t *ids,
                                          const uint64_t *offsets, size_t count, size_t classes,
                                          sentiment_result *results, float *values,
                                          const sentiment_cancel *cancel);

/* values NULL: no answer is computed. */
sentiment_status sentiment_go_feed(sentiment_go_session *session, const char *text, size_t size,
                                   size_t classes, float *values);

/* Path of the shared library that is in use; "" where it is part of the program. */
const char *sentiment_go_library_path(void);

#endif /* SENTIMENT_GO_BRIDGE_H */
