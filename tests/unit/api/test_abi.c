/* SPDX-License-Identifier: Apache-2.0
 *
 * The layout of every public struct and the number of every public constant,
 * as the binary interface has them on 64-bit machines with LP64. A line that
 * no longer holds is a change of the ABI: make it deliberately, here and in
 * docs/abi, in one commit with its reason. All of it is checked while
 * compiling; running it checks the numbers that only the library knows. */
#include <sentiment/sentiment.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SIZE(type, bytes)                                                                          \
  _Static_assert(sizeof(sentiment_##type) == (bytes), "size of sentiment_" #type)
#define OFFSET(type, field, bytes)                                                                 \
  _Static_assert(offsetof(sentiment_##type, field) == (bytes), #type "." #field)
#define VALUE(constant, number) _Static_assert((constant) == (number), #constant)

VALUE(sizeof(void *), 8);
VALUE(sizeof(sentiment_status), 4);
VALUE(SENTIMENT_NO_OFFSET, UINT64_MAX);
VALUE(SENTIMENT_ALL_THREADS, UINT32_MAX);

SIZE(error, 512);
OFFSET(error, struct_size, 0);
OFFSET(error, code, 4);
OFFSET(error, offset, 8);
OFFSET(error, message, 16);

SIZE(allocator, 40);
OFFSET(allocator, struct_size, 0);
OFFSET(allocator, reserved, 4);
OFFSET(allocator, user, 8);
OFFSET(allocator, allocate, 16);
OFFSET(allocator, reallocate, 24);
OFFSET(allocator, release, 32);

SIZE(model_options, 48);
OFFSET(model_options, struct_size, 0);
OFFSET(model_options, use_mmap, 4);
OFFSET(model_options, allow_missing_crc, 8);
OFFSET(model_options, digest, 12);
OFFSET(model_options, allocator, 16);
OFFSET(model_options, log, 24);
OFFSET(model_options, log_user, 32);
OFFSET(model_options, cancel, 40);

SIZE(model_config, 48);
OFFSET(model_config, struct_size, 0);
OFFSET(model_config, vocab_size, 4);
OFFSET(model_config, embedding_dim, 8);
OFFSET(model_config, hidden_size, 12);
OFFSET(model_config, num_classes, 16);
OFFSET(model_config, num_layers, 20);
OFFSET(model_config, bidirectional, 24);
OFFSET(model_config, padding, 28);
OFFSET(model_config, max_length, 32);
OFFSET(model_config, reserved, 36);
OFFSET(model_config, seed, 40);

SIZE(model_info, 104);
OFFSET(model_info, struct_size, 0);
OFFSET(model_info, vocab_size, 4);
OFFSET(model_info, embedding_dim, 8);
OFFSET(model_info, hidden_size, 12);
OFFSET(model_info, num_classes, 16);
OFFSET(model_info, num_layers, 20);
OFFSET(model_info, bidirectional, 24);
OFFSET(model_info, max_length, 28);
OFFSET(model_info, padding, 32);
OFFSET(model_info, precision, 36);
OFFSET(model_info, tokenizer, 40);
OFFSET(model_info, temperature, 44);
OFFSET(model_info, parameters, 48);
OFFSET(model_info, vocabulary_words, 56);
OFFSET(model_info, memory_bytes, 64);
OFFSET(model_info, format, 72);
OFFSET(model_info, sha256, 80);
OFFSET(model_info, tokenizer_ignored, 88);
OFFSET(model_info, has_script, 96);
OFFSET(model_info, has_weights, 100);

SIZE(session_options, 56);
OFFSET(session_options, struct_size, 0);
OFFSET(session_options, engine, 4);
OFFSET(session_options, precision, 8);
OFFSET(session_options, isa, 12);
OFFSET(session_options, threads, 16);
OFFSET(session_options, max_length, 20);
OFFSET(session_options, padding, 24);
OFFSET(session_options, utf8_policy, 28);
OFFSET(session_options, disable_settled_tail, 32);
OFFSET(session_options, reserved, 36);
OFFSET(session_options, fold_bytes, 40);
OFFSET(session_options, device, 48);

SIZE(session_info, 56);
OFFSET(session_info, struct_size, 0);
OFFSET(session_info, engine, 4);
OFFSET(session_info, precision, 8);
OFFSET(session_info, isa, 12);
OFFSET(session_info, threads, 16);
OFFSET(session_info, max_length, 20);
OFFSET(session_info, padding, 24);
OFFSET(session_info, reserved, 28);
OFFSET(session_info, memory_bytes, 32);
OFFSET(session_info, engine_name, 40);
OFFSET(session_info, isa_name, 48);

SIZE(result, 48);
OFFSET(result, struct_size, 0);
OFFSET(result, status, 4);
OFFSET(result, prediction, 8);
OFFSET(result, confidence, 12);
OFFSET(result, flags, 16);
OFFSET(result, reserved, 20);
OFFSET(result, tokens, 24);
OFFSET(result, unknown, 32);
OFFSET(result, error_offset, 40);

SIZE(save_options, 40);
OFFSET(save_options, struct_size, 0);
OFFSET(save_options, format, 4);
OFFSET(save_options, metadata_json, 8);
OFFSET(save_options, cancel, 16);
OFFSET(save_options, lineage_json, 24);
OFFSET(save_options, opset, 32);
OFFSET(save_options, reserved, 36);

SIZE(dataset, 40);
OFFSET(dataset, struct_size, 0);
OFFSET(dataset, reserved, 4);
OFFSET(dataset, count, 8);
OFFSET(dataset, text, 16);
OFFSET(dataset, offsets, 24);
OFFSET(dataset, labels, 32);

SIZE(train_progress, 96);
OFFSET(train_progress, struct_size, 0);
OFFSET(train_progress, epoch, 4);
OFFSET(train_progress, epochs, 8);
OFFSET(train_progress, epoch_done, 12);
OFFSET(train_progress, step, 16);
OFFSET(train_progress, steps, 24);
OFFSET(train_progress, texts_per_second, 32);
OFFSET(train_progress, seconds, 40);
OFFSET(train_progress, seconds_left, 48);
OFFSET(train_progress, loss, 56);
OFFSET(train_progress, dev_accuracy, 64);
OFFSET(train_progress, dev_macro_f1, 72);
OFFSET(train_progress, best_macro_f1, 80);
OFFSET(train_progress, best_epoch, 88);
OFFSET(train_progress, pretraining, 92);

SIZE(train_options, 200);
OFFSET(train_options, struct_size, 0);
OFFSET(train_options, epochs, 4);
OFFSET(train_options, batch_size, 8);
OFFSET(train_options, vocab_size, 12);
OFFSET(train_options, min_count, 16);
OFFSET(train_options, embedding_dim, 20);
OFFSET(train_options, hidden_size, 24);
OFFSET(train_options, num_layers, 28);
OFFSET(train_options, bidirectional, 32);
OFFSET(train_options, max_length, 36);
OFFSET(train_options, tokenizer, 40);
OFFSET(train_options, padding, 44);
OFFSET(train_options, patience, 48);
OFFSET(train_options, threads, 52);
OFFSET(train_options, pretrain_epochs, 56);
OFFSET(train_options, evaluations, 60);
OFFSET(train_options, learning_rate, 64);
OFFSET(train_options, pretrain_learning_rate, 72);
OFFSET(train_options, weight_decay, 80);
OFFSET(train_options, warmup, 88);
OFFSET(train_options, dropout, 96);
OFFSET(train_options, embedding_dropout, 104);
OFFSET(train_options, word_dropout, 112);
OFFSET(train_options, rare_dropout, 120);
OFFSET(train_options, embedding_std, 128);
OFFSET(train_options, gradient_clip, 136);
OFFSET(train_options, class_balance, 144);
OFFSET(train_options, label_smoothing, 152);
OFFSET(train_options, ema_decay, 160);
OFFSET(train_options, seed, 168);
OFFSET(train_options, device, 176);
OFFSET(train_options, progress, 184);
OFFSET(train_options, progress_user, 192);

VALUE(SENTIMENT_OK, 0);
VALUE(SENTIMENT_ERROR_INVALID_ARGUMENT, -1);
VALUE(SENTIMENT_ERROR_NOT_FOUND, -2);
VALUE(SENTIMENT_ERROR_IO, -3);
VALUE(SENTIMENT_ERROR_BAD_MODEL, -4);
VALUE(SENTIMENT_ERROR_UNSUPPORTED, -5);
VALUE(SENTIMENT_ERROR_SHAPE_MISMATCH, -6);
VALUE(SENTIMENT_ERROR_INVALID_UTF8, -7);
VALUE(SENTIMENT_ERROR_OUT_OF_MEMORY, -8);
VALUE(SENTIMENT_ERROR_CANCELLED, -9);
VALUE(SENTIMENT_ERROR_ENGINE_UNAVAILABLE, -10);
VALUE(SENTIMENT_ERROR_INTERNAL, -11);
VALUE(SENTIMENT_ERROR_BUFFER_TOO_SMALL, -12);
VALUE(SENTIMENT_ERROR_FORKED, -13);
VALUE(SENTIMENT_ENGINE_AUTO, 0);
VALUE(SENTIMENT_ENGINE_NATIVE, 1);
VALUE(SENTIMENT_ENGINE_TORCH, 2);
VALUE(SENTIMENT_PRECISION_DEFAULT, 0);
VALUE(SENTIMENT_PRECISION_FP32, 1);
VALUE(SENTIMENT_PRECISION_INT8, 2);
VALUE(SENTIMENT_ISA_AUTO, 0);
VALUE(SENTIMENT_ISA_C, 1);
VALUE(SENTIMENT_ISA_AVX2, 2);
VALUE(SENTIMENT_ISA_AVX512, 3);
VALUE(SENTIMENT_ISA_NEON, 4);
VALUE(SENTIMENT_PADDING_DEFAULT, 0);
VALUE(SENTIMENT_PADDING_NONE, 1);
VALUE(SENTIMENT_PADDING_MAX_LENGTH, 2);
VALUE(SENTIMENT_UTF8_STRICT, 0);
VALUE(SENTIMENT_UTF8_REPLACE, 1);
VALUE(SENTIMENT_TOKENIZER_DEFAULT, 0);
VALUE(SENTIMENT_TOKENIZER_WHITESPACE, 1);
VALUE(SENTIMENT_TOKENIZER_WORDS, 2);
VALUE(SENTIMENT_TOKENIZER_HUGGINGFACE, 3);
VALUE(SENTIMENT_FLAG_EMPTY, 1);
VALUE(SENTIMENT_FLAG_TRUNCATED, 2);
VALUE(SENTIMENT_FLAG_ALL_UNKNOWN, 4);
VALUE(SENTIMENT_FORMAT_AUTO, 0);
VALUE(SENTIMENT_FORMAT_SAFETENSORS, 1);
VALUE(SENTIMENT_FORMAT_FOLDER, 2);
VALUE(SENTIMENT_FORMAT_ONNX, 3);
VALUE(SENTIMENT_LOG_DEBUG, 1);
VALUE(SENTIMENT_LOG_INFO, 2);
VALUE(SENTIMENT_LOG_WARNING, 3);

int main(void)
{
    char version[64];
    snprintf(version, sizeof version, "%d.%d.%d", SENTIMENT_VERSION_MAJOR, SENTIMENT_VERSION_MINOR,
             SENTIMENT_VERSION_PATCH);
    if (strcmp(sentiment_version(), version) != 0) {
        fprintf(stderr, "library %s, header %s\n", sentiment_version(), version);
        return 1;
    }
    if (sentiment_abi_version() != SENTIMENT_ABI_VERSION) {
        fprintf(stderr, "ABI of the library %d, of the header %d\n", sentiment_abi_version(),
                SENTIMENT_ABI_VERSION);
        return 1;
    }
    return 0;
}
