/* SPDX-License-Identifier: Apache-2.0
 *
 *     rewrite_folder SOURCE TARGET
 *
 * Reads model.pth and tokenizer.pkl of the folder SOURCE and writes them anew
 * into the existing folder TARGET, as float32: what check_written.py then opens
 * in Python. */
#include <stdio.h>
#include <stdlib.h>

#include "formats/pth.h"
#include "formats/tokenizer_pkl.h"

static int report(const char *path, const sentiment_error *error)
{
    fprintf(stderr, "%s: %s\n", path, error->message);
    return 1;
}

static int save(const char *folder, const char *name, const sn_buffer *content)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(content->data, 1, content->size, file) != content->size ||
        fclose(file) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

/* Makes every tensor contiguous float32, in memory of its own. */
static int to_float32(sn_bundle *bundle, float **values, sentiment_error *error)
{
    for (size_t i = 0; i < bundle->tensor_count; i++) {
        sn_tensor *tensor = &bundle->tensors[i];
        values[i] = malloc((size_t)tensor->elements * sizeof(float) + 1);
        if (!values[i] || sn_tensor_to_f32(tensor, values[i], error))
            return 1;
        tensor->data = (const uint8_t *)values[i];
        tensor->dtype = SN_F32;
        if (!sn_tensor_set_contiguous(tensor))
            return 1;
    }
    return 0;
}

static int rewrite_model(const char *source, const char *target, sentiment_error *error)
{
    static float *values[1000];
    char path[4096];
    sn_bytes bytes = {0};
    sn_read_options options = {0};
    sn_bundle bundle = {.memory = &sn_memory_default};
    sn_buffer out = {.memory = &sn_memory_default};
    snprintf(path, sizeof path, "%s/model.pth", source);
    int failed = sn_file_read(path, &sn_memory_default, 0, 1u << 30, &bytes, error) ||
                 sn_pth_read(&bytes, &options, &bundle, error) || bundle.tensor_count > 1000 ||
                 to_float32(&bundle, values, error) ||
                 sn_pth_write(bundle.tensors, bundle.tensor_count, &sn_memory_default, &out, error);
    failed = failed ? report(path, error) : save(target, "model.pth", &out);
    for (size_t i = 0; i < 1000; i++)
        free(values[i]);
    sn_buffer_free(&out);
    sn_bundle_free(&bundle);
    sn_bytes_free(&bytes);
    return failed;
}

static int rewrite_tokenizer(const char *source, const char *target, sentiment_error *error)
{
    char path[4096];
    sn_bytes bytes = {0};
    sn_words words = {0};
    sn_buffer out = {.memory = &sn_memory_default};
    snprintf(path, sizeof path, "%s/tokenizer.pkl", source);
    int failed =
        sn_file_read(path, &sn_memory_default, 0, 1u << 30, &bytes, error) ||
        sn_tokenizer_pkl_read(bytes.data, bytes.size, &sn_memory_default, &words, error) ||
        sn_tokenizer_pkl_write(&words, &sn_memory_default, &out, error);
    failed = failed ? report(path, error) : save(target, "tokenizer.pkl", &out);
    sn_buffer_free(&out);
    sn_words_free(&sn_memory_default, &words);
    sn_bytes_free(&bytes);
    return failed;
}

int main(int argc, char **argv)
{
    sentiment_error error = {.struct_size = sizeof error};
    if (argc != 3) {
        fprintf(stderr, "usage: rewrite_folder SOURCE TARGET\n");
        return 2;
    }
    return rewrite_model(argv[1], argv[2], &error) || rewrite_tokenizer(argv[1], argv[2], &error);
}
