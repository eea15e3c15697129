/* SPDX-License-Identifier: Apache-2.0
 *
 * See checks.h. */
#include "api/checks.h"

#include <stddef.h>
#include <string.h>

#define INVALID SENTIMENT_ERROR_INVALID_ARGUMENT
/* struct_size and status: callers cannot do with less. */
#define RESULT_SIZE offsetof(sentiment_result, prediction)

sentiment_status sn_null_argument(sentiment_error *error, const char *name)
{
    return sn_fail(error, INVALID, SN_NO_OFFSET, "%s is NULL", name);
}

sentiment_status sn_take_struct(void *copy, size_t size, const void *given, const char *name,
                                sentiment_error *error)
{
    uint32_t given_size;
    memcpy(&given_size, given, sizeof given_size);
    if (given_size < sizeof given_size)
        return sn_fail(error, INVALID, SN_NO_OFFSET, "%s.struct_size is %u; expected sizeof(%s)",
                       name, given_size, name);
    for (size_t i = size; i < given_size; i++)
        if (((const unsigned char *)given)[i])
            return sn_fail(error, INVALID, SN_NO_OFFSET,
                           "%s has fields that this library does not know (byte %zu of %u is set; "
                           "known are %zu)",
                           name, i, given_size, size);
    memcpy(copy, given, given_size < size ? given_size : size);
    return SENTIMENT_OK;
}

sentiment_status sn_give_struct(void *to, const void *filled, size_t size, const char *name,
                                sentiment_error *error)
{
    uint32_t room;
    memcpy(&room, to, sizeof room);
    if (room < sizeof room)
        return sn_fail(error, INVALID, SN_NO_OFFSET, "%s.struct_size is %u; expected sizeof(%s)",
                       name, room, name);
    size_t bytes = room < size ? room : size;
    memcpy((char *)to + sizeof room, (const char *)filled + sizeof room, bytes - sizeof room);
    return SENTIMENT_OK;
}

sentiment_status sn_check_choice(int32_t value, int32_t last, const char *name,
                                 sentiment_error *error)
{
    if (value < 0 || value > last)
        return sn_fail(error, INVALID, SN_NO_OFFSET, "%s is %d; expected 0 to %d", name, value,
                       last);
    return SENTIMENT_OK;
}

sentiment_status sn_check_flag(uint32_t value, const char *name, sentiment_error *error)
{
    if (value > 1)
        return sn_fail(error, INVALID, SN_NO_OFFSET, "%s is %u; expected 0 or 1", name, value);
    return SENTIMENT_OK;
}

sentiment_status sn_check_zero(uint32_t value, const char *name, sentiment_error *error)
{
    if (value)
        return sn_fail(error, INVALID, SN_NO_OFFSET, "%s is %u; expected 0", name, value);
    return SENTIMENT_OK;
}

sentiment_status sn_check_result(const sentiment_result *results, sentiment_error *error)
{
    if (!results)
        return sn_null_argument(error, "result");
    if (results->struct_size < RESULT_SIZE || results->struct_size % _Alignof(sentiment_result))
        return sn_fail(error, INVALID, SN_NO_OFFSET,
                       "sentiment_result.struct_size is %u; expected %zu", results->struct_size,
                       sizeof *results);
    return SENTIMENT_OK;
}
