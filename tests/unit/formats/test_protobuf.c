/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/formats/protobuf.c and protobuf_write.c: what is written reads back;
 * numbers at their limits; every way in which a message can be wrong, at every
 * length that it can be cut to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "formats/protobuf.h"
#include "formats/protobuf_write.h"
#include "golden_files.h"

static const sn_proto_spec specs[] = {
    {1, SN_PROTO_VARINT, 0},  {2, SN_PROTO_BYTES, 0},   {3, SN_PROTO_VARINT, 1},
    {4, SN_PROTO_FIXED32, 1}, {5, SN_PROTO_FIXED64, 0}, {63, SN_PROTO_BYTES, 1},
    {0},
};

static sn_proto message_of(const void *data, size_t size)
{
    return (sn_proto){.cursor = {data, size, 0}, .specs = specs, .what = "test"};
}

#define MESSAGE(...)                                                                               \
  message_of((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__})

/* The only field of the message. */
static sn_proto_field only_field(sn_proto message)
{
    sn_proto_field field, more;
    assert_int_equal(sn_proto_next(&message, &field, NULL), 1);
    assert_int_equal(sn_proto_next(&message, &more, NULL), 0);
    return field;
}

static void refuses(sn_proto message, const char *says)
{
    sentiment_error error = {.struct_size = sizeof error};
    sn_proto_field field;
    int more;
    while ((more = sn_proto_next(&message, &field, &error)) > 0)
        ;
    assert_int_equal(more, SENTIMENT_ERROR_BAD_MODEL);
    assert_int_equal(error.code, SENTIMENT_ERROR_BAD_MODEL);
    assert_true(error.offset <= message.cursor.size);
    if (!strstr(error.message, says))
        fail_msg("\"%s\" does not say \"%s\"", error.message, says);
}

static void test_numbers(void **state)
{
    (void)state;
    static const uint64_t values[] = {0,          1,          127,      128,      16383,
                                      UINT32_MAX, INT64_MAX, 1ull << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        sn_buffer out = {.memory = &sn_memory_default};
        sn_proto_put_number(&out, 1, values[i]);
        sn_proto_field field = only_field(message_of(out.data, out.size));
        assert_int_equal(field.number, 1);
        assert_int_equal(field.offset, 0);
        assert_true(field.value == values[i]);
        sn_buffer_free(&out);
    }
    /* Protobuf allows zeros at the end of a number. */
    assert_int_equal(only_field(MESSAGE(0x08, 0x85, 0x80, 0x00)).value, 5);
    assert_int_equal(only_field(MESSAGE(0x88, 0x00, 0x05)).value, 5);
    assert_true(only_field(MESSAGE(0x29, 1, 2, 3, 4, 5, 6, 7, 8)).value == 0x0807060504030201u);
    assert_int_equal(only_field(MESSAGE(0x25, 1, 2, 3, 4)).value, 0x04030201);
}

static void test_bytes_and_messages(void **state)
{
    (void)state;
    sn_buffer inner = {.memory = &sn_memory_default}, out = {.memory = &sn_memory_default};
    sn_proto_put_number(&inner, 1, 300);
    sn_proto_put_text(&inner, 63, "");
    sn_proto_put_message(&out, 2, &inner);
    assert_int_equal(inner.size, 0);
    sn_proto_put_float(&out, 4, -1.5f);
    sn_proto message = message_of(out.data, out.size);
    sn_proto_field field, deep;
    size_t size;
    assert_int_equal(sn_proto_next(&message, &field, NULL), 1);
    assert_ptr_equal(sn_proto_data(&field, &size), out.data + 2);
    assert_int_equal(size, 6);
    sn_proto nested = sn_proto_enter(&field, specs, "inner");
    assert_int_equal(sn_proto_next(&nested, &deep, NULL), 1);
    assert_int_equal(deep.value, 300);
    assert_int_equal(deep.offset, 2);
    assert_int_equal(sn_proto_next(&nested, &deep, NULL), 1);
    sn_proto_data(&deep, &size);
    assert_int_equal(size, 0);
    assert_int_equal(sn_proto_next(&nested, &deep, NULL), 0);
    assert_int_equal(sn_proto_next(&message, &field, NULL), 1);
    assert_int_equal(field.value, 0xbfc00000);
    sn_buffer_free(&inner);
    sn_buffer_free(&out);
}

static void test_repeated_numbers(void **state)
{
    (void)state;
    /* One on its own, then three packed, then none. */
    sn_proto message = MESSAGE(0x18, 0x07, 0x1a, 0x04, 0x01, 0x80, 0x01, 0x03, 0x1a, 0x00);
    const uint64_t expected[] = {7, 1, 128, 3};
    sn_proto_field field;
    size_t count = 0;
    while (sn_proto_next(&message, &field, NULL) > 0) {
        _Bool state_of = 0;
        uint64_t value;
        while (sn_proto_next_value(&field, SN_PROTO_VARINT, &state_of, &value, NULL) > 0)
            assert_int_equal(value, expected[count++]);
    }
    assert_int_equal(count, 4);
    sn_proto_field cut = only_field(MESSAGE(0x22, 0x06, 1, 2, 3, 4, 5, 6));
    sentiment_error error = {.struct_size = sizeof error};
    _Bool state_of = 0;
    uint64_t value;
    assert_int_equal(sn_proto_next_value(&cut, SN_PROTO_FIXED32, &state_of, &value, &error), 1);
    assert_int_equal(sn_proto_next_value(&cut, SN_PROTO_FIXED32, &state_of, &value, &error),
                     SENTIMENT_ERROR_BAD_MODEL);
    assert_int_equal(error.offset, 6);
}

static void test_unknown_fields(void **state)
{
    (void)state;
    sn_proto_field field =
        only_field(MESSAGE(0x30, 0x01, 0x3a, 0x02, 9, 9, 0x45, 1, 2, 3, 4, 0xf8, 0xff, 0xff, 0xff,
                           0x0f, 0x00, 0x08, 0x2a));
    assert_int_equal(field.number, 1);
    assert_int_equal(field.value, 42);
    assert_int_equal(sn_proto_next(&(sn_proto){.cursor = {0}, .specs = specs}, &field, NULL), 0);
}

static void test_refusals(void **state)
{
    (void)state;
    refuses(MESSAGE(0x00, 0x01), "no field begins here");
    refuses(MESSAGE(0x07, 0x01), "no field begins here");
    refuses(MESSAGE(0x80), "no field begins here");
    refuses(MESSAGE(0x80, 0x80, 0x80, 0x80, 0x80, 0x01), "no field begins here");
    refuses(MESSAGE(0x08, 1, 0x08, 1), "field 1 of 'test' stands twice");
    refuses(MESSAGE(0x12, 0, 0x12, 0), "field 2 of 'test' stands twice");
    refuses(MESSAGE(0x0a, 1, 1), "field 1 of 'test' has wire type 2, expected 0");
    refuses(MESSAGE(0x10, 1), "field 2 of 'test' has wire type 0, expected 2");
    refuses(MESSAGE(0x1d, 1, 2, 3, 4), "field 3 of 'test' has wire type 5");
    refuses(MESSAGE(0x33, 0x34), "unsupported wire type 3");
    refuses(MESSAGE(0x34), "unsupported wire type 4");
    refuses(MESSAGE(0x36), "unsupported wire type 6");
    refuses(MESSAGE(0x08, 0x80), "holds no number");
    refuses(MESSAGE(0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02),
            "holds no number");
    refuses(MESSAGE(0x25, 1, 2, 3), "holds no number");
    refuses(MESSAGE(0x29, 1, 2, 3, 4, 5, 6, 7), "holds no number");
    refuses(MESSAGE(0x12, 2, 0), "longer than the message around it");
    refuses(MESSAGE(0x12), "longer than the message around it");
    refuses(MESSAGE(0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
            "longer than the message around it");
    /* What is longer than its message, though not than the file. */
    sn_proto message = MESSAGE(0x12, 0x02, 0x0a, 0x05, 1, 2, 3, 4, 5);
    sn_proto_field field;
    assert_int_equal(sn_proto_next(&message, &field, NULL), 1);
    refuses(sn_proto_enter(&field, specs, "inner"), "longer than the message around it");
}

static void test_every_cut(void **state)
{
    (void)state;
    static const uint8_t whole[] = {0x08, 0x96, 0x01, 0x12, 0x03, 1, 2, 3, 0x1a, 0x02, 0x96,
                                    0x01, 0x25, 1, 2, 3, 4, 0x29, 1, 2, 3, 4, 5, 6, 7, 8};
    static const size_t ends[] = {0, 3, 8, 12, 17, 26};
    for (size_t cut = 0, next = 0; cut <= sizeof whole; cut++) {
        uint8_t *part = golden_copy(whole, cut);
        sn_proto message = message_of(part, cut);
        sn_proto_field field;
        int more;
        while ((more = sn_proto_next(&message, &field, NULL)) > 0)
            ;
        _Bool complete = cut == ends[next];
        next += complete;
        assert_int_equal(more, complete ? 0 : SENTIMENT_ERROR_BAD_MODEL);
        free(part);
    }
}

static void test_write_without_memory(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sn_memory memory = golden_faulty_memory(&faulty);
        sn_buffer inner = {.memory = &memory}, out = {.memory = &memory};
        for (size_t i = 0; i < 100; i++)
            sn_proto_put_text(&inner, 2, "some text that is not short");
        sn_proto_put_message(&out, 63, &inner);
        assert_int_equal(out.failed, faulty_allocator_failed(&faulty));
        sn_buffer_free(&inner);
        sn_buffer_free(&out);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty))
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),        cmocka_unit_test(test_bytes_and_messages),
        cmocka_unit_test(test_repeated_numbers), cmocka_unit_test(test_unknown_fields),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_write_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
