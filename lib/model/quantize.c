/* SPDX-License-Identifier: Apache-2.0
 *
 * From an fp32 model to one of the same network in int8. */
#include "model/model.h"

sentiment_status sn_model_quantize(const sentiment_model *model,
                                   const sentiment_model_options *options, sentiment_model **out,
                                   sentiment_error *error)
{
    (void)model, (void)options, (void)out;
    return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET, "int8 is not supported");
}
