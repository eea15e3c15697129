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

namespace sn
{

namespace
{

/* Seconds between two calls of the progress function. */
constexpr double progress_interval = 0.1;

class Run
{
  public:
    Run(const sn_plugin_network &sizes, const sn_plugin_dataset &train,
        const sn_plugin_dataset &dev, const sentiment_train_options &options,
        const sentiment_cancel *cancel, const sn_plugin_weights &weights)
        : options_(options), cancel_(cancel), weights_(weights),
          trainer_(sizes, train, dev, options), start_(std::chrono::steady_clock::now())
    {
        state_.struct_size = sizeof state_;
    }

    /* False if cancelled before the dev set was first looked at. */
    bool epochs()
    {
        if (options_.pretrain_epochs && !pretrain())
            return false;
        start_phase(false, options_.epochs);
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

    void start_phase(bool pretraining, uint32_t epochs)
    {
        state_.pretraining = pretraining;
        state_.epochs = epochs;
        steps_done_ = texts_done_ = 0;
        phase_start_ = elapsed();
    }

    /* Rises linearly during the warm-up, then falls to zero along a cosine. */
    double rate(double peak) const
    {
        double total = static_cast<double>(state_.steps) * state_.epochs;
        double now = static_cast<double>(steps_done_), rising = options_.warmup * total;
        if (now < rising)
            return peak * (now + 1) / (rising + 1);
        double share = total > rising ? (now - rising) / (total - rising) : 1;
        return peak * 0.5 * (1 + std::cos(3.141592653589793 * share));
    }

    void tell(bool epoch_done)
    {
        double seconds = elapsed(), phase = seconds - phase_start_;
        if (!options_.progress || (!epoch_done && seconds - told_ < progress_interval))
            return;
        told_ = seconds;
        double done = static_cast<double>(steps_done_);
        double total = static_cast<double>(state_.steps) * state_.epochs;
        /* Steps of both phases cost about the same. */
        double later = state_.pretraining ? static_cast<double>(state_.steps) * options_.epochs : 0;
        state_.epoch_done = epoch_done;
        state_.seconds = seconds;
        state_.seconds_left = done > 0 ? phase / done * (total - done + later) : 0;
        state_.texts_per_second = phase > 0 ? static_cast<double>(texts_done_) / phase : 0;
        options_.progress(options_.progress_user, &state_);
    }

    /* Counts a step that is done. */
    void note_step(double loss, size_t texts)
    {
        steps_done_++;
        texts_done_ += texts;
        losses_ += loss;
        state_.loss = losses_ / static_cast<double>(++state_.step);
    }

    std::vector<std::vector<size_t>> start_epoch()
    {
        auto batches = trainer_.make_epoch();
        state_.steps = batches.size();
        state_.step = 0;
        losses_ = 0;
        return batches;
    }

    /* False if cancelled. */
    bool pretrain()
    {
        start_phase(true, options_.pretrain_epochs);
        for (state_.epoch = 1; state_.epoch <= options_.pretrain_epochs; state_.epoch++) {
            for (const std::vector<size_t> &members : start_epoch()) {
                if (sentiment_cancel_requested(cancel_))
                    return false;
                note_step(trainer_.pretrain_step(members, rate(options_.pretrain_learning_rate)),
                          members.size());
                tell(false);
            }
            tell(true);
        }
        trainer_.start_classes();
        return true;
    }

    /* False if cancelled. */
    bool one_epoch()
    {
        const auto batches = start_epoch();
        uint64_t looks = 0, wanted = std::max<uint32_t>(options_.evaluations, 1);
        for (const std::vector<size_t> &members : batches) {
            if (sentiment_cancel_requested(cancel_))
                return false;
            note_step(trainer_.step(members, rate(options_.learning_rate)), members.size());
            tell(false);
            if (state_.step * wanted / state_.steps > looks) {
                looks++;
                if (!look())
                    return false;
            }
        }
        tell(true);
        return true;
    }

    /* Looks at the dev set; false if cancelled. */
    bool look()
    {
        for (bool averages : {false, true}) {
            Scores scores;
            if (averages && options_.ema_decay <= 0)
                break;
            if (!trainer_.evaluate(averages, cancel_, &scores))
                return false;
            keep_best(averages, scores);
        }
        return true;
    }

    void keep_best(bool averages, const Scores &scores)
    {
        state_.dev_accuracy = scores.accuracy;
        state_.dev_macro_f1 = scores.macro_f1;
        if (state_.best_epoch && scores.macro_f1 <= state_.best_macro_f1)
            return;
        trainer_.store(averages, weights_);
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
    double told_ = 0, phase_start_ = 0, losses_ = 0;
};

} // namespace

sentiment_status engine_train(const sn_plugin_network *network, const sn_plugin_dataset *train,
                              const sn_plugin_dataset *dev, const sentiment_train_options *options,
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
