/* SPDX-License-Identifier: Apache-2.0
 *
 * jansson with strict rules: no duplicate keys, no NUL in strings, nothing
 * behind the value, integers that are integers. jansson's own memory comes
 * from malloc (it knows only one allocator per process); texts handed out
 * come from the model's allocator. */
#ifndef SN_FORMATS_JSON_H
#define SN_FORMATS_JSON_H

#include <jansson.h>

#include "base/memory.h"
#include "base/status.h"

/* Parses one JSON object. `what` names the text in errors, `base` is added to
 * their offset. The caller json_decref()s *out. */
sentiment_status sn_json_parse_object(const char *text, size_t size, const char *what,
                                      uint64_t base, json_t **out, sentiment_error *error);
/* The same for texts whose strings, though not keys, may contain U+0000: see
 * json_string_length. */
sentiment_status sn_json_parse_with_nul(const char *text, size_t size, const char *what,
                                        json_t **out, sentiment_error *error);
/* Any JSON value, or NULL if the text is none (or memory ran out). */
json_t *sn_json_parse_value(const char *text);
/* The value as an integer 0 <= *out <= limit; false if it is anything else
 * (a real such as 1.0, a string, a boolean, a negative number). */
_Bool sn_json_integer(const json_t *value, uint64_t limit, uint64_t *out);
/* Text of a value, with as few digits as give back every real; `indent` 0
 * writes one compact line. NULL if memory ran out. */
char *sn_json_text(const sn_memory *memory, const json_t *value, size_t indent);

#endif
