/* SPDX-License-Identifier: Apache-2.0
 *
 * The pickle machine under both of its policies, and the words of a
 * tokenizer.pkl: every node refers to nodes that exist and to bytes of the
 * file, every walk ends, and words that were read are written and read again
 * as the same. */
#include <string.h>

#include "formats/pickle.h"
#include "formats/pth_internal.h"
#include "formats/tokenizer_pkl.h"
#include "harness.h"

static const sn_pickle_policy inert = {0};

/* Bytes of the file, or the decoded text of protocol 0. */
static void check_bytes(const sn_pickle *p, const sn_pickle_node *node)
{
    const uint8_t *data = node->value.data;
    if (node->size == 0)
        return;
    if (data >= p->in.data && data < p->in.data + p->in.size)
        FUZZ_CHECK(node->size <= (size_t)(p->in.data + p->in.size - data));
    else
        FUZZ_CHECK(p->text && data >= p->text && data + node->size <= p->text + p->text_used);
    if (node->kind == SN_PICKLE_STRING)
        FUZZ_CHECK(sn_name_utf8_check(data, node->size, 1) == node->size);
}

static void check_node(const sn_pickle *p, sn_pickle_id id)
{
    const sn_pickle_node *node = sn_pickle_get(p, id);
    FUZZ_CHECK(node->kind > SN_PICKLE_NOTHING && node->kind < SN_PICKLE_KINDS);
    FUZZ_CHECK(node->depth >= 1 && node->depth <= SN_PICKLE_MAX_DEPTH);
    FUZZ_CHECK(node->at < p->in.size && node->state < p->node_count);
    FUZZ_CHECK(sn_pickle_kind_name(p, id)[0] != '\0');
    if (node->kind == SN_PICKLE_STRING || node->kind == SN_PICKLE_BYTES ||
        node->kind == SN_PICKLE_BIG)
        check_bytes(p, node);
    else if (node->kind >= SN_PICKLE_GLOBAL)
        FUZZ_CHECK(node->a != 0 && node->a < p->node_count && node->b < p->node_count);
}

/* Items and pairs of a node: no more than the machine ever stored. */
static void check_walks(const sn_pickle *p, sn_pickle_id id)
{
    sn_pickle_walk items = sn_pickle_items(p, id), pairs = sn_pickle_pairs(p, id);
    sn_pickle_id item, key, value;
    size_t count = 0;
    for (; (item = sn_pickle_next(&items)) != 0; count++)
        FUZZ_CHECK(item < p->node_count);
    FUZZ_CHECK(count <= p->item_count);
    for (count = 0; sn_pickle_next_pair(&pairs, &key, &value); count++)
        FUZZ_CHECK(key < p->node_count && value < p->node_count);
    FUZZ_CHECK(count <= p->item_count);
}

static sentiment_status run_machine(fuzz_run *run, const sn_pickle_policy *policy)
{
    sn_pickle pickle = {0};
    sentiment_status status = sn_pickle_read(&pickle, run->data, run->size, "pickle", 0, policy,
                                             &run->memory, &run->error);
    if (status)
        return status;
    FUZZ_CHECK(pickle.root > 0 && pickle.root < pickle.node_count);
    FUZZ_CHECK(sn_pickle_used(&pickle) > 0 && sn_pickle_used(&pickle) <= run->size);
    FUZZ_CHECK(run->data[sn_pickle_used(&pickle) - 1] == '.');
    for (sn_pickle_id id = 1; id < pickle.node_count; id++)
        check_node(&pickle, id);
    check_walks(&pickle, pickle.root);
    for (sn_pickle_id id = 1; id < pickle.node_count && id < 64; id++)
        check_walks(&pickle, id);
    sn_pickle_free(&pickle);
    return SENTIMENT_OK;
}

static void check_same(const sn_words *a, const sn_words *b)
{
    FUZZ_CHECK(a->count == b->count);
    FUZZ_CHECK(memcmp(a->offsets, b->offsets, (a->count + 1) * sizeof *a->offsets) == 0);
    FUZZ_CHECK(memcmp(a->ids, b->ids, a->count * sizeof *a->ids) == 0);
    FUZZ_CHECK(memcmp(a->bytes, b->bytes, (size_t)a->offsets[a->count]) == 0);
    FUZZ_CHECK(a->vocab_size < 0 || a->vocab_size == b->vocab_size);
}

static sentiment_status check_rewritten(fuzz_run *run, const sn_words *words)
{
    sn_buffer out = {.memory = &run->memory};
    sn_words again = {0};
    sentiment_status status = sn_tokenizer_pkl_write(words, &run->memory, &out, &run->error);
    if (!status)
        status = sn_tokenizer_pkl_read(out.data, out.size, &run->memory, &again, &run->error);
    if (!status)
        check_same(words, &again);
    fuzz_expect(run, status, __func__);
    sn_words_free(&run->memory, &again);
    sn_buffer_free(&out);
    return status;
}

static sentiment_status read_words(fuzz_run *run)
{
    sn_words words = {0};
    sentiment_status status =
        sn_tokenizer_pkl_read(run->data, run->size, &run->memory, &words, &run->error);
    if (status)
        return status;
    FUZZ_CHECK(words.offsets[0] == 0 && words.offsets[words.count] <= run->size);
    for (size_t i = 0; i < words.count; i++)
        FUZZ_CHECK(words.offsets[i] <= words.offsets[i + 1]);
    fuzz_lift_limit(run);
    status = check_rewritten(run, &words);
    sn_words_free(&run->memory, &words);
    return status;
}

static sentiment_status attempt(fuzz_run *run)
{
    sentiment_status status = run_machine(run, &inert);
    if (status != SENTIMENT_ERROR_OUT_OF_MEMORY)
        status = run_machine(run, &sn_pth_policy);
    return status == SENTIMENT_ERROR_OUT_OF_MEMORY ? status : read_words(run);
}

/* A byte may be an opcode that makes a node and pushes it, in arrays that
 * double as they grow. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 100, 8192};
    return fuzz_input(&target, data, size);
}
