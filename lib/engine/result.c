/* SPDX-License-Identifier: Apache-2.0
 *
 * See result.h. */
#include "engine/result.h"

#include <math.h>
#include <string.h>

#include "nn/softmax.h"

uint32_t sn_result_flags(uint64_t tokens, uint64_t used, uint64_t unknown)
{
    uint32_t flags = 0;
    if (tokens == 0)
        flags |= SENTIMENT_FLAG_EMPTY;
    if (used < tokens)
        flags |= SENTIMENT_FLAG_TRUNCATED;
    if (used > 0 && unknown == used)
        flags |= SENTIMENT_FLAG_ALL_UNKNOWN;
    return flags;
}

void sn_result_put(const sn_batch *batch, size_t item, const sentiment_result *result)
{
    uint32_t stride = batch->results->struct_size;
    char *to = (char *)batch->results + item * stride;
    sentiment_result copy = *result;
    copy.struct_size = stride;
    memcpy(to, &copy, stride < sizeof copy ? stride : sizeof copy);
}

static float *row_of(float *matrix, size_t item, size_t classes)
{
    return matrix ? matrix + item * classes : NULL;
}

sentiment_status sn_result_finish(const sn_batch *batch, size_t item, const sn_model_config *config,
                                  const float *logits, sentiment_result *result,
                                  sentiment_error *error)
{
    size_t classes = config->num_classes;
    for (size_t c = 0; c < classes; c++)
        if (!isfinite(logits[c])) {
            sn_result_fail(batch, item, config, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET);
            return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                           "the model's weights overflow: logit %zu is not finite", c);
        }
    size_t best = sn_argmax(logits, classes);
    result->prediction = (int32_t)best;
    result->confidence = sn_probability(logits, classes, config->temperature, best);
    float *probabilities = row_of(batch->probabilities, item, classes);
    if (probabilities)
        sn_softmax(logits, classes, config->temperature, probabilities);
    float *out = row_of(batch->logits, item, classes);
    if (out)
        memmove(out, logits, classes * sizeof *out);
    sn_result_put(batch, item, result);
    return SENTIMENT_OK;
}

void sn_result_fail(const sn_batch *batch, size_t item, const sn_model_config *config,
                    sentiment_status status, uint64_t offset)
{
    size_t classes = config->num_classes;
    if (batch->probabilities && !batch->single)
        memset(row_of(batch->probabilities, item, classes), 0, classes * sizeof(float));
    if (batch->logits && !batch->single)
        memset(row_of(batch->logits, item, classes), 0, classes * sizeof(float));
    sn_result_put(batch, item, &(sentiment_result){.status = status, .error_offset = offset});
}
