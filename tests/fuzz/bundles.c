/* SPDX-License-Identifier: Apache-2.0
 *
 * See bundles.h: the part about bundles. */
#include "bundles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "formats/names.h"

/* The last element's offset, in elements. */
static uint64_t span_of(const sn_tensor *tensor)
{
    uint64_t last = 0;
    for (uint32_t d = 0; d < tensor->rank; d++)
        last += (tensor->dims[d] - 1) * tensor->strides[d];
    return last;
}

/* Reads every element, so that a sanitizer sees each access. */
static void check_values(const sn_tensor *tensor)
{
    sentiment_error error = {.struct_size = sizeof error};
    size_t count = (size_t)tensor->elements;
    float *values = malloc(count ? count * sizeof *values : 1);
    FUZZ_CHECK(values != NULL);
    sentiment_status status = sn_tensor_to_f32(tensor, values, &error);
    FUZZ_CHECK(status == SENTIMENT_OK || error.message[0] != '\0');
    for (size_t i = 0; status == SENTIMENT_OK && i < count; i++)
        FUZZ_CHECK(isfinite(values[i]));
    free(values);
}

static void check_tensor(const sn_bundle *bundle, const sn_tensor *tensor)
{
    uint64_t elements = 1;
    FUZZ_CHECK(tensor->name != NULL && tensor->rank <= SN_TENSOR_MAX_RANK);
    for (uint32_t d = 0; d < tensor->rank; d++)
        elements *= tensor->dims[d];
    FUZZ_CHECK(elements == tensor->elements);
    if (elements == 0)
        return;
    if (!bundle->decoded) {
        const sn_bytes *file = bundle->script.size ? &bundle->script : &bundle->file;
        const uint8_t *end = file->data + file->size;
        FUZZ_CHECK(span_of(tensor) < file->size);
        FUZZ_CHECK(tensor->data >= file->data && tensor->data < end);
        FUZZ_CHECK((span_of(tensor) + 1) * sn_dtype_size(tensor->dtype) <=
                   (uint64_t)(end - tensor->data));
        FUZZ_CHECK(elements <= file->size);
    }
    check_values(tensor);
}

static void check_words(const sn_words *words)
{
    FUZZ_CHECK(words->offsets[0] == 0);
    for (size_t i = 0; i < words->count; i++)
        FUZZ_CHECK(words->offsets[i] <= words->offsets[i + 1]);
}

static void check_string(const char *text)
{
    size_t size = strlen(text);
    FUZZ_CHECK(sn_name_utf8_check((const uint8_t *)text, size, 0) == size);
}

void bundle_check(const sn_bundle *bundle)
{
    FUZZ_CHECK(bundle->format != NULL);
    for (size_t i = 0; i < bundle->tensor_count; i++)
        check_tensor(bundle, &bundle->tensors[i]);
    if (bundle->has_words)
        check_words(&bundle->words);
    for (size_t i = 0; i < bundle->metadata_count; i++) {
        check_string(bundle->metadata[i].key);
        check_string(bundle->metadata[i].value);
        FUZZ_CHECK(i == 0 || strcmp(bundle->metadata[i - 1].key, bundle->metadata[i].key) < 0);
    }
}

/* Bytes of element `index` of the row-major order. */
static const uint8_t *element(const sn_tensor *tensor, uint64_t index)
{
    uint64_t at = 0;
    for (uint32_t d = tensor->rank; d-- > 0; index /= tensor->dims[d])
        at += index % tensor->dims[d] * tensor->strides[d];
    return tensor->data + at * sn_dtype_size(tensor->dtype);
}

static void check_same_tensor(const sn_tensor *a, const sn_tensor *b)
{
    FUZZ_CHECK(b != NULL && a->dtype == b->dtype && a->rank == b->rank);
    FUZZ_CHECK(memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0);
    for (uint64_t i = 0; i < a->elements; i++)
        FUZZ_CHECK(memcmp(element(a, i), element(b, i), sn_dtype_size(a->dtype)) == 0);
}

static void check_same_words(const sn_words *a, const sn_words *b)
{
    FUZZ_CHECK(a->count == b->count);
    FUZZ_CHECK(memcmp(a->offsets, b->offsets, (a->count + 1) * sizeof *a->offsets) == 0);
    FUZZ_CHECK(memcmp(a->bytes, b->bytes, (size_t)a->offsets[a->count]) == 0);
    for (size_t i = 0; i < a->count; i++)
        FUZZ_CHECK((a->ids ? a->ids[i] : (int64_t)i) == (b->ids ? b->ids[i] : (int64_t)i));
}

void bundle_check_same(const sn_bundle *a, const sn_bundle *b)
{
    FUZZ_CHECK(a->tensor_count == b->tensor_count && a->has_words == b->has_words);
    for (size_t i = 0; i < a->tensor_count; i++)
        check_same_tensor(&a->tensors[i], sn_bundle_find(b, a->tensors[i].name));
    if (a->has_words)
        check_same_words(&a->words, &b->words);
}
