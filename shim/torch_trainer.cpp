/* SPDX-License-Identifier: Apache-2.0
 *
 * See torch_trainer.h. All randomness is drawn on the CPU from our own
 * generator, in one fixed order, so that a seed means the same everywhere. */
#include "torch_trainer.h"

#include <algorithm>
#include <cmath>

#include <c10/core/GradMode.h>

#include "torch_guard.h"

namespace sn
{

namespace
{

/* Batches whose texts are sorted by length together. */
constexpr size_t chunk_batches = 50;

/* Dropout while pre-training, on embedded words and on states. */
constexpr double pretrain_dropout = 0.2;

enum Stream : uint64_t { stream_weights = 1, stream_order = 2, stream_masks = 3 };

uint64_t stream_seed(uint64_t seed, Stream stream)
{
    Random random(seed);
    uint64_t value = 0;
    for (uint64_t i = 0; i < stream; i++)
        value = random.next();
    return value;
}

at::Tensor uniform(Random &random, at::IntArrayRef shape, double bound)
{
    at::Tensor tensor = at::empty(shape, at::kFloat);
    float *values = tensor.data_ptr<float>();
    for (int64_t i = 0; i < tensor.numel(); i++)
        values[i] = static_cast<float>((2 * random.uniform() - 1) * bound);
    return tensor;
}

at::Tensor normal(Random &random, at::IntArrayRef shape)
{
    at::Tensor tensor = at::empty(shape, at::kFloat);
    float *values = tensor.data_ptr<float>();
    for (int64_t i = 0; i < tensor.numel(); i++)
        values[i] = static_cast<float>(random.normal());
    return tensor;
}

/* PyTorch's defaults, but for the embedding's spread: uniform weights. */
Network random_network(const sn_plugin_network &sizes, const sentiment_train_options &options)
{
    Network network = make_network(sizes, find_device(options.device));
    Random random(stream_seed(options.seed, stream_weights));
    int64_t hidden = network.hidden, width = network.directions * hidden;
    double bound = 1 / std::sqrt(static_cast<double>(hidden));
    network.embedding =
        normal(random, {network.vocabulary, network.dimension}) * options.embedding_std;
    for (int64_t part = 0; part < network.layers * network.directions; part++) {
        int64_t input = part < network.directions ? network.dimension : width;
        network.lstm.push_back(uniform(random, {4 * hidden, input}, bound));
        network.lstm.push_back(uniform(random, {4 * hidden, hidden}, bound));
        network.lstm.push_back(uniform(random, {4 * hidden}, bound));
        network.lstm.push_back(uniform(random, {4 * hidden}, bound));
    }
    double fc_bound = 1 / std::sqrt(static_cast<double>(width));
    network.fc_weight = uniform(random, {network.classes, width}, fc_bound);
    network.fc_bias = uniform(random, {network.classes}, fc_bound);
    for (at::Tensor *weight : network.weights())
        *weight = weight->to(network.device).requires_grad_(true);
    return network;
}

/* Positions of each text: its tokens, or max_length when padding counts. */
std::vector<uint32_t> make_totals(const sn_plugin_dataset &data,
                                  const sentiment_train_options &options)
{
    std::vector<uint32_t> totals(data.count);
    for (size_t i = 0; i < data.count; i++)
        totals[i] = options.padding == SENTIMENT_PADDING_MAX_LENGTH
                        ? options.max_length
                        : static_cast<uint32_t>(data.offsets[i + 1] - data.offsets[i]);
    return totals;
}

std::vector<uint32_t> make_lengths(const sn_plugin_dataset &data)
{
    std::vector<uint32_t> lengths(data.count);
    for (size_t i = 0; i < data.count; i++)
        lengths[i] = static_cast<uint32_t>(data.offsets[i + 1] - data.offsets[i]);
    return lengths;
}

std::vector<double> count_tokens(const sn_plugin_dataset &data, size_t vocabulary)
{
    std::vector<double> counts(vocabulary);
    for (uint64_t i = 0; i < data.offsets[data.count]; i++)
        counts[static_cast<size_t>(data.ids[i])]++;
    return counts;
}

std::vector<double> rarity(const std::vector<double> &counts, double rare)
{
    std::vector<double> chances(counts.size());
    for (size_t i = 0; i < counts.size(); i++)
        chances[i] = rare > 0 ? rare / (rare + counts[i]) : 0;
    return chances;
}

/* (1 / frequency)^power, 1 for classes of average size. */
at::Tensor balance(const sn_plugin_dataset &train, const Network &network, double power)
{
    std::vector<double> counts(static_cast<size_t>(network.classes));
    for (size_t i = 0; i < train.count; i++)
        counts[static_cast<size_t>(train.labels[i])]++;
    at::Tensor weights = at::ones({network.classes}, at::kFloat);
    double average = static_cast<double>(train.count) / static_cast<double>(counts.size());
    for (size_t c = 0; c < counts.size(); c++)
        if (counts[c] > 0)
            weights.data_ptr<float>()[c] = static_cast<float>(std::pow(average / counts[c], power));
    return weights.to(network.device);
}

/* Macro-F1 over the classes that occur in labels or predictions. */
Scores score(const std::vector<float> &logits, const sn_plugin_dataset &dev, size_t classes)
{
    std::vector<double> hits(classes), predicted(classes), actual(classes);
    for (size_t i = 0; i < dev.count; i++) {
        const float *row = logits.data() + i * classes;
        size_t best = static_cast<size_t>(std::max_element(row, row + classes) - row);
        size_t label = static_cast<size_t>(dev.labels[i]);
        predicted[best]++;
        actual[label]++;
        hits[label] += best == label;
    }
    double f1 = 0, correct = 0, seen = 0;
    for (size_t c = 0; c < classes; c++) {
        double sum = predicted[c] + actual[c];
        seen += sum > 0;
        f1 += sum > 0 ? 2 * hits[c] / sum : 0;
        correct += hits[c];
    }
    return {correct / static_cast<double>(dev.count), f1 / seen};
}

} // namespace

Trainer::Trainer(const sn_plugin_network &sizes, const sn_plugin_dataset &train,
                 const sn_plugin_dataset &dev, const sentiment_train_options &options)
    : options_(options), train_(train), dev_(dev), train_totals_(make_totals(train, options)),
      dev_totals_(make_totals(dev, options)), train_lengths_(make_lengths(train)),
      counts_(count_tokens(train, sizes.vocab_size)),
      forgets_(rarity(counts_, options.rare_dropout)),
      order_(stream_seed(options.seed, stream_order)),
      masks_(stream_seed(options.seed, stream_masks)), network_(random_network(sizes, options)),
      class_weights_(balance(train, network_, options.class_balance))
{
    if (options.pretrain_epochs == 0) {
        start_classes();
        return;
    }
    language_ = std::make_unique<LanguageModel>(network_, counts_, masks_);
    std::vector<at::Tensor *> weights = network_.weights();
    weights.resize(weights.size() - 2); /* without the classes' head */
    for (at::Tensor *weight : language_->weights())
        weights.push_back(weight);
    optimizer_ = std::make_unique<Optimizer>(weights, options.weight_decay, 0);
}

void Trainer::start_classes()
{
    language_.reset();
    optimizer_ =
        std::make_unique<Optimizer>(network_.weights(), options_.weight_decay, options_.ema_decay);
}

std::vector<std::vector<size_t>> Trainer::make_epoch()
{
    /* Texts without a token would teach nothing but the last bias. */
    std::vector<size_t> texts;
    for (size_t i = 0; i < train_.count; i++)
        if (train_totals_[i] > 0)
            texts.push_back(i);
    order_.shuffle(texts);
    size_t batch = options_.batch_size;
    size_t chunk = std::min(batch, texts.size()) * chunk_batches;
    std::vector<std::vector<size_t>> batches;
    for (size_t start = 0; start < texts.size(); start += chunk) {
        auto begin = texts.begin() + static_cast<std::ptrdiff_t>(start);
        auto end =
            texts.begin() + static_cast<std::ptrdiff_t>(std::min(start + chunk, texts.size()));
        std::stable_sort(begin, end,
                         [&](size_t a, size_t b) { return train_totals_[a] > train_totals_[b]; });
        for (auto at = begin; at < end;
             at += std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(batch), end - at))
            batches.emplace_back(
                at, at + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(batch), end - at));
    }
    order_.shuffle(batches);
    return batches;
}

at::Tensor Trainer::drop(const at::Tensor &values, double probability)
{
    if (probability <= 0)
        return values;
    /* Two decisions from each random number. */
    const double range = 4294967296.0;
    const uint64_t limit = static_cast<uint64_t>(probability * range);
    const float kept = static_cast<float>(1 / (1 - probability));
    at::Tensor mask = at::empty(values.sizes(), at::kFloat);
    float *out = mask.data_ptr<float>();
    int64_t count = mask.numel();
    for (int64_t i = 0; i < count; i += 2) {
        uint64_t bits = masks_.next();
        out[i] = (bits >> 32) < limit ? 0.0f : kept;
        if (i + 1 < count)
            out[i + 1] = (bits & 0xffffffffu) < limit ? 0.0f : kept;
    }
    return values * mask.to(values.device());
}

void Trainer::forget_words(Batch &batch, double dropout)
{
    if (dropout <= 0 && options_.rare_dropout <= 0)
        return;
    for (int64_t row = 0; row < batch.rows; row++)
        for (int64_t t = 0; t < batch.totals[static_cast<size_t>(row)]; t++) {
            int64_t &id = batch.ids[static_cast<size_t>(row * batch.length + t)];
            double keep = (1 - dropout) * (1 - forgets_[static_cast<size_t>(id)]);
            if (id != 0 && masks_.uniform() >= keep)
                id = 0;
        }
}

at::Tensor Trainer::loss(const std::vector<size_t> &members)
{
    const sn_plugin_rows rows = {train_.ids, train_.offsets, train_totals_.data(), train_.count};
    Batch batch = make_batch(rows, members);
    forget_words(batch, options_.word_dropout);
    at::Tensor labels = at::empty({batch.rows}, at::kLong);
    for (size_t i = 0; i < members.size(); i++)
        labels.data_ptr<int64_t>()[i] = train_.labels[members[i]];
    at::Tensor states = hidden_states(network_, batch, true, [this](const at::Tensor &embedded) {
        return drop(embedded, options_.embedding_dropout);
    });
    at::Tensor pooled = drop(pool(network_, batch, states), options_.dropout);
    at::Tensor logits = at::linear(pooled, network_.fc_weight, network_.fc_bias);
    return at::cross_entropy_loss(logits, labels.to(network_.device), class_weights_,
                                  at::Reduction::Mean, -100, options_.label_smoothing);
}

double Trainer::update(const at::Tensor &loss, Optimizer &optimizer, double rate)
{
    double number = loss.item<double>();
    if (!std::isfinite(number))
        throw Refusal(SENTIMENT_ERROR_INTERNAL, "the training loss is no finite number any more; "
                                                "a lower learning_rate or gradient_clip helps");
    loss.backward();
    optimizer.step(rate, options_.gradient_clip);
    return number;
}

double Trainer::step(const std::vector<size_t> &members, double rate)
{
    return update(loss(members), *optimizer_, rate);
}

double Trainer::pretrain_step(const std::vector<size_t> &members, double rate)
{
    Batch batch =
        make_batch({train_.ids, train_.offsets, train_lengths_.data(), train_.count}, members);
    std::vector<int64_t> words = batch.ids;
    forget_words(batch, 0);
    at::Tensor value =
        language_->loss(network_, batch, words, masks_, [this](const at::Tensor &values) {
            return drop(values, pretrain_dropout);
        });
    return value.defined() ? update(value, *optimizer_, rate) : 0;
}

bool Trainer::evaluate(bool averages, const sentiment_cancel *cancel, Scores *scores)
{
    size_t classes = static_cast<size_t>(network_.classes);
    std::vector<float> logits(dev_.count * classes);
    c10::NoGradGuard no_gradients;
    if (averages)
        optimizer_->exchange_averages();
    bool complete = predict(network_, {dev_.ids, dev_.offsets, dev_totals_.data(), dev_.count},
                            logits.data(), cancel);
    if (averages)
        optimizer_->exchange_averages();
    if (complete)
        *scores = score(logits, dev_, classes);
    return complete;
}

void Trainer::store(bool averages, const sn_plugin_weights &out)
{
    std::vector<float *> targets{out.embedding};
    targets.insert(targets.end(), out.lstm, out.lstm + network_.lstm.size());
    targets.push_back(out.fc_weight);
    targets.push_back(out.fc_bias);
    if (averages)
        optimizer_->exchange_averages();
    std::vector<at::Tensor *> weights = network_.weights();
    for (size_t i = 0; i < weights.size(); i++) {
        at::Tensor values = weights[i]->detach().to(at::kCPU).contiguous();
        std::copy_n(values.data_ptr<float>(), values.numel(), targets[i]);
    }
    if (averages)
        optimizer_->exchange_averages();
}

} // namespace sn
