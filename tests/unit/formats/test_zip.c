/* SPDX-License-Identifier: Apache-2.0
 *
 * The archive by itself: what the writer writes, the reader reads. Hostile
 * archives are tested through the reader of model.pth (test_pth.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/zip.h"
#include "formats/zip_write.h"
#include "golden_files.h"

static const sn_read_options strict = {0};
static const sn_name folder = {(const uint8_t *)"m", 1};

static void write_archive(sn_buffer *out, size_t entries)
{
    char name[40], data[100];
    sn_zip_writer writer = {.memory = &sn_memory_default, .out = out};
    *out = (sn_buffer){.memory = &sn_memory_default};
    for (size_t i = 0; i < entries; i++) {
        snprintf(name, sizeof name, "m/data/%zu", i);
        memset(data, (int)i, sizeof data);
        assert_int_equal(sn_zip_writer_add(&writer, name, data, i % sizeof data, NULL), 0);
    }
    assert_int_equal(sn_zip_writer_finish(&writer, NULL), SENTIMENT_OK);
    sn_zip_writer_free(&writer);
}

static void test_round_trip(void **state)
{
    (void)state;
    sn_buffer out;
    sn_zip zip;
    sentiment_error error = {.struct_size = sizeof error};
    write_archive(&out, 150);
    assert_true(sn_zip_probe(out.data, out.size));
    if (sn_zip_open(&zip, out.data, out.size, &sn_memory_default, &error))
        fail_msg("%s", error.message);
    assert_int_equal(sn_zip_verify(&zip, &strict, &error), SENTIMENT_OK);
    assert_int_equal(zip.count, 150);
    for (size_t i = 0; i < 150; i++) {
        char key[8];
        snprintf(key, sizeof key, "%zu", i);
        sn_name name = {(const uint8_t *)key, strlen(key)};
        const sn_zip_entry *entry = sn_zip_find_data(&zip, folder, name);
        assert_non_null(entry);
        assert_int_equal(entry->size, i % 100);
        assert_int_equal(entry->offset % 64, 0);
        for (size_t k = 0; k < entry->size; k++)
            assert_int_equal(out.data[entry->offset + k], i);
    }
    sn_zip_free(&zip);
    sn_buffer_free(&out);
}

/* Names are compared whole: no prefix, no part, no longer one. */
static void test_find(void **state)
{
    (void)state;
    sn_buffer out;
    sn_zip zip;
    static const sn_name other = {(const uint8_t *)"n", 1}, none = {(const uint8_t *)"", 0};
    write_archive(&out, 12);
    assert_int_equal(sn_zip_open(&zip, out.data, out.size, &sn_memory_default, NULL), 0);
    assert_non_null(sn_zip_find(&zip, folder, "data/1"));
    assert_ptr_equal(sn_zip_find(&zip, folder, "data/1"),
                     sn_zip_find_data(&zip, folder, (sn_name){(const uint8_t *)"1", 1}));
    assert_null(sn_zip_find(&zip, folder, "data/12"));
    assert_null(sn_zip_find(&zip, folder, "data/"));
    assert_null(sn_zip_find(&zip, folder, "data/100"));
    assert_null(sn_zip_find(&zip, folder, ""));
    assert_null(sn_zip_find(&zip, other, "data/1"));
    assert_null(sn_zip_find_data(&zip, none, none));
    sn_zip_free(&zip);
    sn_buffer_free(&out);
}

/* Each byte of the data is under the CRC; zero for an absent CRC is accepted
 * only where that was asked for. */
static void test_crc(void **state)
{
    (void)state;
    sn_buffer out;
    sn_zip zip;
    sn_read_options lenient = {.allow_missing_crc = 1};
    sentiment_error error = {.struct_size = sizeof error};
    write_archive(&out, 5);
    assert_int_equal(sn_zip_open(&zip, out.data, out.size, &sn_memory_default, NULL), 0);
    sn_zip_entry *entry = &zip.entries[4];
    for (size_t i = 0; i < entry->size; i++) {
        out.data[entry->offset + i] ^= 0x10;
        assert_int_equal(sn_zip_verify(&zip, &strict, &error), SENTIMENT_ERROR_BAD_MODEL);
        assert_int_equal(error.offset, entry->offset);
        assert_non_null(strstr(error.message, "'m/data/4'"));
        out.data[entry->offset + i] ^= 0x10;
    }
    entry->crc = 0;
    assert_int_equal(sn_zip_verify(&zip, &strict, &error), SENTIMENT_ERROR_BAD_MODEL);
    assert_non_null(strstr(error.message, "allow_missing_crc"));
    assert_int_equal(sn_zip_verify(&zip, &lenient, &error), SENTIMENT_OK);
    entry->crc = 1;
    assert_int_equal(sn_zip_verify(&zip, &lenient, &error), SENTIMENT_ERROR_BAD_MODEL);
    sn_zip_free(&zip);
    sn_buffer_free(&out);
}

static void test_cancel(void **state)
{
    (void)state;
    sn_buffer out;
    sn_zip zip;
    sentiment_cancel *cancel;
    write_archive(&out, 5);
    assert_int_equal(sentiment_cancel_create(&cancel, NULL), SENTIMENT_OK);
    sn_read_options options = {.cancel = cancel};
    assert_int_equal(sn_zip_open(&zip, out.data, out.size, &sn_memory_default, NULL), 0);
    assert_int_equal(sn_zip_verify(&zip, &options, NULL), SENTIMENT_OK);
    sentiment_cancel_request(cancel);
    assert_int_equal(sn_zip_verify(&zip, &options, NULL), SENTIMENT_ERROR_CANCELLED);
    sentiment_cancel_free(cancel);
    sn_zip_free(&zip);
    sn_buffer_free(&out);
}

/* One byte changed anywhere: opened within bounds, or refused with a reason. */
static void test_changed(void **state)
{
    (void)state;
    sn_buffer out;
    write_archive(&out, 3);
    uint8_t *copy = golden_copy(out.data, out.size);
    for (size_t i = 0; i < out.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            sn_zip zip;
            sentiment_error error = {.struct_size = sizeof error};
            copy[i] = (uint8_t)(out.data[i] ^ 1 << bit);
            if (sn_zip_open(&zip, copy, out.size, &sn_memory_default, &error))
                assert_true(strlen(error.message) > 0);
            else
                (void)sn_zip_verify(&zip, &strict, &error);
            sn_zip_free(&zip);
            copy[i] = out.data[i];
        }
    free(copy);
    sn_buffer_free(&out);
}

static void test_writer_refuses(void **state)
{
    (void)state;
    sn_buffer out = {.memory = &sn_memory_default};
    sn_zip_writer writer = {.memory = &sn_memory_default, .out = &out};
    assert_int_equal(sn_zip_writer_add(&writer, "m/a-name-that-is-longer-than-thirty-nine-bytes",
                                       "x", 1, NULL),
                     SENTIMENT_ERROR_INTERNAL);
    assert_int_equal(sn_zip_writer_add(&writer, "m/large", "x", UINT32_MAX, NULL),
                     SENTIMENT_ERROR_UNSUPPORTED);
    sn_zip_writer_free(&writer);
    sn_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_find),
        cmocka_unit_test(test_crc),        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_changed),    cmocka_unit_test(test_writer_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
