/* SPDX-License-Identifier: Apache-2.0
 *
 * TorchScript programs, run as they are. Loading one executes code of the file,
 * and so does every call: this is for files that somebody trusts. What the
 * program throws becomes an error; what it answers is checked before it is
 * believed to be logits. */
#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>

#include <ATen/Context.h>
#include <c10/core/InferenceMode.h>
#include <caffe2/serialize/read_adapter_interface.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/print_handler.h>
#include <torch/csrc/jit/serialization/import.h>

#include "torch_engine.h"
#include "torch_guard.h"
#include "torch_network.h"

namespace sn
{

namespace
{

/* Positions of one call: what it takes in memory is the program's business, but
 * the guide's network of 256 hidden units keeps within 256 MiB. */
constexpr size_t group_positions = size_t{1} << 15;

/* The archive, where it lies in memory. */
class Archive : public caffe2::serialize::ReadAdapterInterface
{
  public:
    Archive(const void *data, size_t size) : data_(static_cast<const char *>(data)), size_(size)
    {
    }
    size_t size() const override
    {
        return size_;
    }
    size_t read(uint64_t at, void *out, size_t count, const char *) const override
    {
        size_t taken = at < size_ ? std::min<size_t>(count, size_ - static_cast<size_t>(at)) : 0;
        if (taken)
            std::memcpy(out, data_ + at, taken);
        return taken;
    }

  private:
    const char *data_;
    size_t size_;
};

struct Script {
    torch::jit::Module module;
    at::Device device{at::kCPU};
    size_t classes = 0;
    uint32_t threads = 1;
    std::vector<float> empty; /* logits of a row without positions; none: see plugin.h */
};

/* What a program throws ends in its reason, behind the trace of where it was. */
std::string last_line(const std::string &text)
{
    size_t end = text.find_last_not_of(" \t\r\n");
    if (end == std::string::npos)
        return "no message";
    size_t start = text.find_last_of("\r\n", end);
    start = start == std::string::npos ? 0 : start + 1;
    return text.substr(start, end + 1 - start);
}

/* The answer as float32 on the CPU; the first part of a tuple counts. */
at::Tensor logits_of(const at::IValue &answer, int64_t rows, int64_t classes)
{
    at::IValue first = answer;
    if (answer.isTuple() && !answer.toTupleRef().elements().empty())
        first = answer.toTupleRef().elements()[0];
    std::string expected = "; expected logits, a floating-point tensor of shape [" +
                           std::to_string(rows) + ", " + std::to_string(classes) + "]";
    if (!first.isTensor())
        throw Refusal(SENTIMENT_ERROR_UNSUPPORTED,
                      "the TorchScript program answers with a value of type " + first.tagKind() +
                          expected);
    const at::Tensor &tensor = first.toTensor();
    std::string found;
    if (!tensor.defined())
        found = "nothing";
    else if (!at::isFloatingType(tensor.scalar_type()) || tensor.layout() != at::kStrided)
        found = std::string("a tensor of ") + at::toString(tensor.scalar_type());
    else if (tensor.dim() != 2 || tensor.size(0) != rows || tensor.size(1) != classes)
        found = "a tensor of shape " + c10::str(tensor.sizes());
    if (!found.empty())
        throw Refusal(SENTIMENT_ERROR_UNSUPPORTED,
                      "the TorchScript program answers with " + found + expected);
    return tensor.to(at::kCPU, at::kFloat).contiguous();
}

/* Calls the program with rows of one total. */
void run_group(Script &self, const sn_plugin_rows &rows, const std::vector<size_t> &members,
               float *logits)
{
    int64_t count = static_cast<int64_t>(members.size());
    int64_t length = std::max<int64_t>(rows.totals[members[0]], 1);
    at::Tensor ids = at::zeros({count, length}, at::kLong);
    int64_t *to = ids.data_ptr<int64_t>();
    for (size_t row : members) {
        std::copy(rows.ids + rows.offsets[row], rows.ids + rows.offsets[row + 1], to);
        to += length;
    }
    at::Tensor answer = logits_of(self.module.forward({ids.to(self.device)}), count,
                                  static_cast<int64_t>(self.classes));
    const float *from = answer.data_ptr<float>();
    for (size_t row : members) {
        std::copy_n(from, self.classes, logits + row * self.classes);
        from += self.classes;
    }
}

/* Splits rows into groups of one total, longest first. */
std::vector<std::vector<size_t>> equal_groups(const sn_plugin_rows &rows)
{
    std::vector<size_t> order(rows.rows);
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return rows.totals[a] > rows.totals[b]; });
    std::vector<std::vector<size_t>> groups;
    for (size_t row : order) {
        size_t total = rows.totals[row];
        bool fits = !groups.empty() && rows.totals[groups.back()[0]] == total &&
                    (groups.back().size() + 1) * total <= group_positions;
        if (!fits)
            groups.emplace_back();
        groups.back().push_back(row);
    }
    return groups;
}

/* Runs body, and names the program where what it throws is not our own. */
template <typename Body> sentiment_status run_program(const char *action, Body body)
{
    try {
        return body();
    } catch (const Refusal &) {
        throw;
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const c10::Error &failure) {
        if (tells_of_memory(failure.what_without_backtrace()))
            throw;
        throw Refusal(SENTIMENT_ERROR_BAD_MODEL,
                      std::string(action) + ": " + last_line(failure.what_without_backtrace()));
    } catch (const std::exception &failure) {
        throw Refusal(SENTIMENT_ERROR_BAD_MODEL,
                      std::string(action) + ": " + last_line(failure.what()));
    }
}

} // namespace

sentiment_status script_create(const sn_plugin_script *script, const char *device,
                               uint32_t threads, void **state, sentiment_error *error)
{
    return guarded("loading a TorchScript program", error, [&] {
        c10::InferenceMode inference;
        auto made = std::make_unique<Script>();
        made->device = find_device(device);
        made->threads = std::max<uint32_t>(threads, 1);
        made->classes = script->num_classes;
        if (script->empty)
            made->empty.assign(script->empty, script->empty + script->num_classes);
        use_threads(made->threads);
        /* What a program prints goes nowhere: a library does not print. */
        torch::jit::setPrintHandler([](const std::string &) {});
        return run_program("loading the TorchScript program", [&] {
            auto archive = std::make_shared<Archive>(script->data, script->size);
            made->module = torch::jit::load(archive, made->device);
            made->module.eval();
            if (!made->module.find_method("forward"))
                throw Refusal(SENTIMENT_ERROR_UNSUPPORTED,
                              "the TorchScript program has no method forward");
            *state = made.release();
            return SENTIMENT_OK;
        });
    });
}

void script_destroy(void *state)
{
    guarded("destroying a TorchScript program", nullptr, [&] {
        delete static_cast<Script *>(state);
        return SENTIMENT_OK;
    });
}

sentiment_status script_run(void *state, const sn_plugin_rows *rows, float *logits,
                            const sentiment_cancel *cancel, sentiment_error *error)
{
    return guarded("running a TorchScript program", error, [&] {
        Script &self = *static_cast<Script *>(state);
        c10::InferenceMode inference;
        at::NoTF32Guard exact;
        use_threads(self.threads);
        return run_program("running the TorchScript program", [&]() -> sentiment_status {
            for (const std::vector<size_t> &group : equal_groups(*rows)) {
                if (sentiment_cancel_requested(cancel))
                    throw Refusal(SENTIMENT_ERROR_CANCELLED, "cancelled");
                if (rows->totals[group[0]] > 0 || self.empty.empty())
                    run_group(self, *rows, group, logits);
                else
                    for (size_t row : group)
                        std::copy(self.empty.begin(), self.empty.end(),
                                  logits + row * self.classes);
            }
            return SENTIMENT_OK;
        });
    });
}

} // namespace sn
