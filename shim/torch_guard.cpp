/* SPDX-License-Identifier: Apache-2.0
 *
 * Exceptions to statuses. libtorch's messages carry a stack trace and several
 * lines of advice for Python users; only their first line is passed on. */
#include "torch_guard.h"

#include <new>

extern "C" {
#include "base/status.h"
}

namespace sn
{

namespace
{

std::string first_line(const std::string &text)
{
    size_t start = text.find_first_not_of(" \t\r\n");
    if (start == std::string::npos)
        return "no message";
    size_t end = text.find_first_of("\r\n", start);
    return text.substr(start, end == std::string::npos ? end : end - start);
}

sentiment_status describe(const char *action, sentiment_error *error, const std::string &message)
{
    sentiment_status code =
        tells_of_memory(message) ? SENTIMENT_ERROR_OUT_OF_MEMORY : SENTIMENT_ERROR_INTERNAL;
    return fail(error, code, std::string(action) + ": libtorch: " + first_line(message));
}

} // namespace

/* libtorch has no type of its own for a failed allocation on the CPU (an
 * enforced check), and older versions none for one on a GPU. */
bool tells_of_memory(const std::string &message)
{
    for (const char *sign : {"DefaultCPUAllocator", "out of memory", "can't allocate memory"})
        if (message.find(sign) != std::string::npos)
            return true;
    return false;
}

sentiment_status fail(sentiment_error *error, sentiment_status code, const std::string &message)
{
    return sn_fail(error, code, SN_NO_OFFSET, "%s", message.c_str());
}

sentiment_status report_exception(const char *action, sentiment_error *error) noexcept
{
    try {
        try {
            throw;
        } catch (const Refusal &refusal) {
            return sn_fail(error, refusal.code(), SN_NO_OFFSET, "%s", refusal.what());
        } catch (const std::bad_alloc &) {
            return sn_fail_memory(error, action);
        } catch (const c10::Error &failure) {
            return describe(action, error, failure.what_without_backtrace());
        } catch (const std::exception &failure) {
            return describe(action, error, failure.what());
        } catch (...) {
            return sn_fail(error, SENTIMENT_ERROR_INTERNAL, SN_NO_OFFSET,
                           "%s: libtorch threw something that is no exception", action);
        }
    } catch (...) {
        /* The strings above may fail to allocate. */
        return sn_fail_memory(error, action);
    }
}

} // namespace sn
