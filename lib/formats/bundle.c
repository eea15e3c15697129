/* SPDX-License-Identifier: Apache-2.0
 *
 * See bundle.h. */
#include "formats/bundle.h"

#include <string.h>

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
