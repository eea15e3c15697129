/* SPDX-License-Identifier: Apache-2.0
 *
 * A training run: epochs, learning rate, progress, early stopping, the best
 * epoch. What a step does is in torch_trainer.cpp. */
#include <algorithm>
#include <chrono>
#include <cmath>

#include "torch_engine.h"
#include "torch_guard.h"
#include "torch_trainer.h"

namespace sn {

namespace {

/* Seconds between two calls of the progress function. */
constexpr double progress_interval = 0.1;

class Run {
public:
    Run(const sn_plugin_network &sizes, const sn_plugin_dataset &train,
        const sn_plugin_dataset &dev, const sentiment_train_options &options,
        const sentiment_cancel *cancel, const sn_plugin_weights &weights)
        : options_(options), cancel_(cancel), weights_(weights),
          trainer_(sizes, train, dev, options), start_(std::chrono::steady_clock::now())
    {
        state_.struct_size = sizeof state_;
        state_.epochs = options.epochs;
    }

    /* False if cancelled before an epoch was complete. */
    bool epochs()
    {
        for (uint32_t epoch = 1; epoch <= options_.epochs; epoch++) {
            state_.epoch = epoch;
            if (!one_epoch())
                break;
            epochs_run_ = epoch;
            if (options_.patience && epoch - state_.best_epoch >= options_.patience)
                break;
        }
        return state_.best_epoch > 0;
    }

    sn_plugin_train_result result() const
    {
        return {epochs_run_, state_.best_epoch, best_.accuracy, best_.macro_f1, elapsed()};
    }

private:
    double elapsed() const
    {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

    /* Rises linearly during the warm-up, then falls to zero along a cosine. */
    double rate() const
    {
        double total = static_cast<double>(state_.steps) * options_.epochs;
        double now = static_cast<double>(steps_done_), rising = options_.warmup * total;
        if (now < rising)
            return options_.learning_rate * (now + 1) / (rising + 1);
        double share = total > rising ? (now - rising) / (total - rising) : 1;
        return options_.learning_rate * 0.5 * (1 + std::cos(3.141592653589793 * share));
    }

    void tell(bool epoch_done)
    {
        double seconds = elapsed();
        if (!options_.progress || (!epoch_done && seconds - told_ < progress_interval))
            return;
        told_ = seconds;
        double done = static_cast<double>(steps_done_);
        double total = static_cast<double>(state_.steps) * options_.epochs;
        state_.epoch_done = epoch_done;
        state_.seconds = seconds;
        state_.seconds_left = done > 0 ? seconds / done * (total - done) : 0;
        state_.texts_per_second = seconds > 0 ? static_cast<double>(texts_done_) / seconds : 0;
        options_.progress(options_.progress_user, &state_);
    }

    /* False if cancelled. */
    bool one_epoch()
    {
        const auto batches = trainer_.make_epoch();
        double losses = 0;
        state_.steps = batches.size();
        state_.step = 0;
        for (const std::vector<size_t> &members : batches) {
            if (sentiment_cancel_requested(cancel_))
                return false;
            losses += trainer_.step(members, rate());
            steps_done_++;
            texts_done_ += members.size();
            state_.loss = losses / static_cast<double>(++state_.step);
            tell(false);
        }
        Scores scores;
        if (!trainer_.evaluate(cancel_, &scores))
            return false;
        keep_best(scores);
        tell(true);
        return true;
    }

    void keep_best(const Scores &scores)
    {
        state_.dev_accuracy = scores.accuracy;
        state_.dev_macro_f1 = scores.macro_f1;
        if (state_.best_epoch && scores.macro_f1 <= state_.best_macro_f1)
            return;
        trainer_.store(weights_);
        best_ = scores;
        state_.best_macro_f1 = scores.macro_f1;
        state_.best_epoch = state_.epoch;
    }

    const sentiment_train_options &options_;
    const sentiment_cancel *cancel_;
    const sn_plugin_weights &weights_;
    Trainer trainer_;
    std::chrono::steady_clock::time_point start_;
    sentiment_train_progress state_{};
    Scores best_{};
    uint64_t steps_done_ = 0, texts_done_ = 0;
    uint32_t epochs_run_ = 0;
    double told_ = 0;
};

} // namespace

sentiment_status engine_train(const sn_plugin_network *network, const sn_plugin_dataset *train,
                              const sn_plugin_dataset *dev,
                              const sentiment_train_options *options,
                              const sentiment_cancel *cancel, const sn_plugin_weights *weights,
                              sn_plugin_train_result *result, sentiment_error *error)
{
    return guarded("training", error, [&]() -> sentiment_status {
        use_threads(std::max<uint32_t>(options->threads, 1));
        Run run(*network, *train, *dev, *options, cancel, *weights);
        if (!run.epochs())
            throw Refusal(SENTIMENT_ERROR_CANCELLED,
                          "training was cancelled before its first epoch was done");
        *result = run.result();
        return SENTIMENT_OK;
    });
}

} // namespace sn
