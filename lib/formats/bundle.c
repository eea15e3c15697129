/* SPDX-License-Identifier: Apache-2.0
 *
 * See bundle.h. */
#include "formats/bundle.h"

#include <string.h>

#include "base/sha256.h"

/* Bytes between two looks at the cancel token. */
#define STRIDE ((size_t)1 << 24)

sentiment_status sn_bytes_digest(const sn_bytes *bytes, const sn_read_options *options,
                                 char digest[65], sentiment_error *error)
{
    sn_sha256 hash;
    digest[0] = '\0';
    if (!options->digest)
        return SENTIMENT_OK;
    sn_sha256_start(&hash);
    for (size_t done = 0; done < bytes->size;) {
        size_t take = bytes->size - done < STRIDE ? bytes->size - done : STRIDE;
        sn_sha256_add(&hash, bytes->data + done, take);
        done += take;
        if (sentiment_cancel_requested(options->cancel))
            return sn_fail(error, SENTIMENT_ERROR_CANCELLED, SN_NO_OFFSET, "cancelled");
    }
    sn_sha256_finish(&hash, digest);
    return SENTIMENT_OK;
}

void sn_words_free(const sn_memory *memory, sn_words *words)
{
    sn_free(memory, words->bytes);
    sn_free(memory, words->offsets);
    sn_free(memory, words->ids);
    *words = (sn_words){.vocab_size = -1};
}

void sn_bundle_free(sn_bundle *bundle)
{
    const sn_memory *memory = bundle->memory;
    sn_bytes_free(&bundle->file);
    sn_free(memory, bundle->decoded);
    sn_free(memory, bundle->tensors);
    sn_free(memory, bundle->names);
    sn_words_free(memory, &bundle->words);
    sn_free(memory, bundle->tokenizer_json);
    sn_bytes_free(&bundle->script);
    sn_free(memory, bundle->config);
    for (size_t i = 0; i < bundle->metadata_count; i++) {
        sn_free(memory, bundle->metadata[i].key);
        sn_free(memory, bundle->metadata[i].value);
    }
    sn_free(memory, bundle->metadata);
    *bundle = (sn_bundle){.memory = memory};
}

const sn_tensor *sn_bundle_find(const sn_bundle *bundle, const char *name)
{
    for (size_t i = 0; i < bundle->tensor_count; i++)
        if (strcmp(bundle->tensors[i].name, name) == 0)
            return &bundle->tensors[i];
    return NULL;
}

const char *sn_bundle_metadata(const sn_bundle *bundle, const char *key)
{
    for (size_t i = 0; i < bundle->metadata_count; i++)
        if (strcmp(bundle->metadata[i].key, key) == 0)
            return bundle->metadata[i].value;
    return NULL;
}
