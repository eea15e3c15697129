/* SPDX-License-Identifier: Apache-2.0
 *
 * libsentiment-onnx.so: the checker of the onnx package behind a C interface. It
 * does what onnx.checker.check_model(path, full_check=True) does in Python: the
 * structure first, then inferred types and shapes. Exceptions become statuses,
 * and protobuf's own log is silent, because a library does not print. */
#include <cstring>
#include <exception>
#include <fstream>
#include <new>
#include <string>

#include <google/protobuf/stubs/logging.h>
#include <onnx/checker.h>
#include <onnx/common/version.h>
#include <onnx/defs/schema.h>
#include <onnx/shape_inference/implementation.h>

#include "engine/onnx_plugin.h"

extern "C" {
#include "base/status.h"
}

namespace
{

using onnx::ModelProto;

/* The checker knows its own version of the operators and those before it. */
int newest_opset()
{
    const auto &ranges = onnx::OpSchemaRegistry::DomainToVersionRange::Instance().Map();
    return ranges.at(onnx::ONNX_DOMAIN).second;
}

sentiment_status check_version(const ModelProto &model, sentiment_error *error)
{
    long long newest = newest_opset(), format = onnx::Version::IR_VERSION;
    if (model.ir_version() > format)
        return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                       "the checker, onnx %s, knows the file format up to version %lld; this is "
                       "version %lld",
                       onnx::LAST_RELEASE_VERSION, format,
                       static_cast<long long>(model.ir_version()));
    for (const auto &import : model.opset_import())
        if (import.domain().empty() && import.version() > newest)
            return sn_fail(error, SENTIMENT_ERROR_UNSUPPORTED, SN_NO_OFFSET,
                           "the checker, onnx %s, knows operator sets up to %lld; the file needs "
                           "%lld",
                           onnx::LAST_RELEASE_VERSION, newest,
                           static_cast<long long>(import.version()));
    return SENTIMENT_OK;
}

/* Shapes that depend on numbers in other files cannot be inferred. */
bool has_external_data(const ModelProto &model)
{
    for (const auto &tensor : model.graph().initializer())
        if (tensor.data_location() == onnx::TensorProto::EXTERNAL)
            return true;
    return false;
}

sentiment_status check_file(const char *path, sentiment_error *error)
{
    google::protobuf::LogSilencer silent;
    std::ifstream file(path, std::ios::in | std::ios::binary);
    ModelProto model;
    if (!file)
        return sn_fail(error, SENTIMENT_ERROR_IO, SN_NO_OFFSET, "cannot be opened");
    if (!model.ParseFromIstream(&file))
        return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET,
                       "is no protobuf of an ONNX model");
    sentiment_status status = check_version(model, error);
    if (status != SENTIMENT_OK)
        return status;
    /* By path, so that external data is looked for beside it. */
    onnx::checker::check_model(std::string(path));
    if (has_external_data(model))
        return SENTIMENT_OK;
    const bool check_types = true;
    const int strict = 1;
    onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(),
                                       onnx::ShapeInferenceOptions(check_types, strict));
    return SENTIMENT_OK;
}

/* The message, as one line. */
sentiment_status report(sentiment_error *error, const char *message) noexcept
{
    char line[400];
    size_t length = 0;
    bool blank = true;
    for (; *message && length + 1 < sizeof line; message++) {
        bool space = *message == ' ' || *message == '\n' || *message == '\t' || *message == '\r';
        if (!space || !blank)
            line[length++] = space ? ' ' : *message;
        blank = space;
    }
    line[length] = '\0';
    return sn_fail(error, SENTIMENT_ERROR_BAD_MODEL, SN_NO_OFFSET, "onnx checker: %s", line);
}

sentiment_status check(const char *path, sentiment_error *error) noexcept
{
    try {
        return check_file(path, error);
    } catch (const std::bad_alloc &) {
        return sn_fail_memory(error, "the ONNX checker");
    } catch (const std::exception &failure) {
        return report(error, failure.what());
    } catch (...) {
        return sn_fail(error, SENTIMENT_ERROR_INTERNAL, SN_NO_OFFSET,
                       "the ONNX checker threw something that is no exception");
    }
}

} // namespace

extern "C" __attribute__((visibility("default"))) const void *
sentiment_onnx_plugin(const char *build, sentiment_error *error)
{
    static const sn_onnx_plugin plugin = {SN_PLUGIN_BUILD, onnx::LAST_RELEASE_VERSION, check};
    if (build && std::strcmp(build, SN_PLUGIN_BUILD) == 0)
        return &plugin;
    sn_fail(error, SENTIMENT_ERROR_ENGINE_UNAVAILABLE, SN_NO_OFFSET,
            "the plugin is of build %s, the library of build %.60s", SN_PLUGIN_BUILD,
            build ? build : "(none)");
    return nullptr;
}
