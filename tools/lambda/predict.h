/* SPDX-License-Identifier: Apache-2.0
 *
 * The body of a POST, and the model's answer to it: the guide's requests with
 * `text` and with `texts`, both with `max_length`. */
#ifndef TOOLS_LAMBDA_PREDICT_H
#define TOOLS_LAMBDA_PREDICT_H

#include "answer.h"

answer predict_answer(const answer_maker *maker, const event_request *request,
                      const sentiment_cancel *cancel);

#endif
