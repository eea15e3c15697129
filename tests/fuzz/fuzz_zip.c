/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of zip archives: what it accepts has entries that lie inside the
 * file, apart from each other, under names of their own; each is found by its
 * name; and the writer's archive of the same entries reads the same. */
#include <string.h>

#include "formats/zip.h"
#include "formats/zip_write.h"
#include "harness.h"

static void check_entries(const sn_zip *zip)
{
    FUZZ_CHECK(zip->count > 0 && zip->count <= SN_ZIP_MAX_ENTRIES);
    for (size_t i = 0; i < zip->count; i++) {
        const sn_zip_entry *entry = &zip->entries[i];
        FUZZ_CHECK(entry->name.size > 0 && entry->name.data >= zip->data);
        FUZZ_CHECK(entry->name.data + entry->name.size <= zip->data + zip->size);
        FUZZ_CHECK(entry->local < entry->offset && entry->offset <= zip->size);
        FUZZ_CHECK(entry->size <= zip->size - entry->offset);
        FUZZ_CHECK(i == 0 || sn_name_compare(entry[-1].name, entry->name) < 0);
        for (size_t k = 0; k < i && i < 64; k++)
            FUZZ_CHECK(zip->entries[k].offset + zip->entries[k].size <= entry->local ||
                       entry->offset + entry->size <= zip->entries[k].local);
    }
}

/* Each entry by its folder and the rest of its name. */
static sentiment_status check_find(fuzz_run *run, const sn_zip *zip)
{
    for (size_t i = 0; i < zip->count; i++) {
        sn_name name = zip->entries[i].name;
        const uint8_t *slash = memchr(name.data, '/', name.size);
        if (!slash)
            continue;
        size_t folder = (size_t)(slash - name.data);
        char *rest = sn_duplicate(&run->memory, slash + 1, name.size - folder - 1);
        if (!rest)
            return sn_fail_memory(&run->error, "a name");
        FUZZ_CHECK(sn_zip_find(zip, (sn_name){name.data, folder}, rest) == &zip->entries[i]);
        sn_free(&run->memory, rest);
    }
    return SENTIMENT_OK;
}

/* The mark of TorchScript is seen before the archive is, and deflated code is
 * checked; only OUT_OF_MEMORY matters of what comes of it. */
static sentiment_status check_packed(fuzz_run *run, const sn_zip *zip,
                                     const sn_read_options *options, _Bool listed)
{
    sn_name first = zip->entries[0].name;
    const uint8_t *slash = memchr(first.data, '/', first.size);
    if (!slash)
        return SENTIMENT_OK;
    first.size = (size_t)(slash - first.data);
    FUZZ_CHECK(listed || !sn_zip_find(zip, first, "constants.pkl"));
    sentiment_status status = sn_zip_verify_packed(zip, first, "code", options, &run->error);
    return status == SENTIMENT_ERROR_OUT_OF_MEMORY ? status : SENTIMENT_OK;
}

static void check_same(const sn_zip *a, const sn_zip *b)
{
    FUZZ_CHECK(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        const sn_zip_entry *x = &a->entries[i], *y = &b->entries[i];
        FUZZ_CHECK(sn_name_compare(x->name, y->name) == 0 && x->size == y->size);
        FUZZ_CHECK(memcmp(a->data + x->offset, b->data + y->offset, (size_t)x->size) == 0);
    }
}

static sentiment_status write_entries(fuzz_run *run, const sn_zip *zip, sn_zip_writer *writer)
{
    char name[sizeof writer->records->name];
    sentiment_status status = SENTIMENT_OK;
    for (size_t i = 0; i < zip->count && !status; i++) {
        const sn_zip_entry *entry = &zip->entries[i];
        memcpy(name, entry->name.data, entry->name.size);
        name[entry->name.size] = '\0';
        status = sn_zip_writer_add(writer, name, zip->data + entry->offset, (size_t)entry->size,
                                   &run->error);
    }
    return status ? status : sn_zip_writer_finish(writer, &run->error);
}

static sentiment_status check_rewritten(fuzz_run *run, const sn_zip *zip)
{
    sn_buffer out = {.memory = &run->memory};
    sn_zip_writer writer = {.memory = &run->memory, .out = &out};
    sn_zip again = {0};
    for (size_t i = 0; i < zip->count; i++)
        if (zip->entries[i].name.size >= sizeof writer.records->name)
            return SENTIMENT_OK;
    sentiment_status status = write_entries(run, zip, &writer);
    if (!status)
        status = sn_zip_open(&again, out.data, out.size, &run->memory, &run->error);
    if (!status)
        status = sn_zip_verify(&again, &(sn_read_options){0}, &run->error);
    if (!status)
        check_same(zip, &again);
    fuzz_expect(run, status, __func__);
    sn_zip_free(&again);
    sn_zip_writer_free(&writer);
    sn_buffer_free(&out);
    return status;
}

static sentiment_status attempt(fuzz_run *run)
{
    const sn_read_options options = {.allow_missing_crc = run->flags & 1};
    sn_zip zip = {0};
    _Bool listed = sn_zip_lists(run->data, run->size, "constants.pkl");
    sentiment_status status = sn_zip_open(&zip, run->data, run->size, &run->memory, &run->error);
    if (status)
        return status;
    check_entries(&zip);
    fuzz_lift_limit(run);
    status = check_find(run, &zip);
    if (!status)
        status = check_packed(run, &zip, &options, listed);
    if (!status)
        status = sn_zip_verify(&zip, &options, &run->error);
    if (!status)
        status = check_rewritten(run, &zip);
    sn_zip_free(&zip);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const fuzz_target target = {attempt, 1, 256};
    return fuzz_input(&target, data, size);
}
