/* SPDX-License-Identifier: Apache-2.0
 *
 * The wall between libtorch and C: whatever is thrown behind it becomes a
 * status and one line of text, and libtorch's warnings go nowhere, because a
 * library does not print. */
#ifndef SN_SHIM_TORCH_GUARD_H
#define SN_SHIM_TORCH_GUARD_H

#include <exception>
#include <string>
#include <utility>

#include <c10/util/Exception.h>
#include <torch/version.h>

#include <sentiment/sentiment.h>

namespace sn
{

/* Thrown by our own checks: a status that the caller can act on. */
class Refusal : public std::exception
{
  public:
    Refusal(sentiment_status code, std::string message) : code_(code), message_(std::move(message))
    {
    }
    sentiment_status code() const noexcept
    {
        return code_;
    }
    const char *what() const noexcept override
    {
        return message_.c_str();
    }

  private:
    sentiment_status code_;
    std::string message_;
};

/* Fills `error` (may be NULL) and returns `code`. */
sentiment_status fail(sentiment_error *error, sentiment_status code, const std::string &message);

/* Whether a message of libtorch is that of a failed allocation. */
bool tells_of_memory(const std::string &message);

/* Names the exception being handled; call it inside a catch block only. */
sentiment_status report_exception(const char *action, sentiment_error *error) noexcept;

/* Swallows libtorch's warnings, which go to a handler of each thread. */
class Silence : public c10::WarningHandler
{
  public:
#if TORCH_VERSION_MAJOR >= 2
    void process(const c10::Warning &) override
#else
    void process(const c10::SourceLocation &, const std::string &, const bool) override
#endif
    {
    }
};
#if TORCH_VERSION_MAJOR >= 2
namespace warnings = c10::WarningUtils;
#else
namespace warnings = c10::Warning;
#endif

/* Runs body() -> sentiment_status; no exception leaves. */
template <typename Body>
sentiment_status guarded(const char *action, sentiment_error *error, Body body) noexcept
{
    try {
        Silence silence;
        warnings::WarningHandlerGuard quiet(&silence);
        return body();
    } catch (...) {
        return report_exception(action, error);
    }
}

} // namespace sn

#endif
