/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of key and value strings, sorted by key: the model's metadata. */
#ifndef SN_MODEL_METADATA_H
#define SN_MODEL_METADATA_H

#include "model/model.h"

/* Texts with the answers that the model gives to them; the command's. */
#define SN_KEY_GOLDEN "golden"
/* What its answers look like in use, likewise. */
#define SN_KEY_BASELINE "baseline"
#define SN_KEY_TEMPERATURE "temperature"

typedef struct sn_pairs {
    const sn_memory *memory;
    sn_pair *items; /* sorted by key */
    size_t count;
} sn_pairs;

void sn_pairs_free(const sn_memory *memory, sn_pair *items, size_t count);
/* Copies sorted items into an empty list. What was copied stays in it on failure. */
sentiment_status sn_pairs_copy(sn_pairs *pairs, const sn_pair *items, size_t count,
                               sentiment_error *error);
/* Sets or replaces; the strings are copied. OUT_OF_MEMORY leaves the list as it was. */
sentiment_status sn_pairs_set(sn_pairs *pairs, const char *key, const char *value,
                              sentiment_error *error);
/* The value of a key, or NULL. */
const char *sn_pairs_get(const sn_pairs *pairs, const char *key);
/* Bytes of memory held. */
uint64_t sn_pairs_bytes(const sn_pairs *pairs);
void sn_pairs_remove(sn_pairs *pairs, size_t at);
/* Whether the library writes this key by itself: into a native file, or (the
 * lineage) wherever metadata goes. */
_Bool sn_metadata_is_reserved(const char *key);
/* Whether this is a key of lineage as version 0.1 wrote it. */
_Bool sn_lineage_is_old_key(const char *key);
/* sn_pairs_set for a key and value from outside: refuses reserved keys and bad UTF-8. */
sentiment_status sn_metadata_set(sn_pairs *pairs, const char *key, const char *value,
                                 sentiment_error *error);
/* For a model with another temperature than its file has: forgets what tells of the old
 * answers, and says the new temperature where the old one stands. */
sentiment_status sn_metadata_retune(sentiment_model *model, sentiment_error *error);

#endif
