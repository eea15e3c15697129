/* SPDX-License-Identifier: Apache-2.0
 *
 * Heads of requests: what is read, and what is refused with which status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "serve/http_parse.h"

/* Parses a copy that ends where its memory ends. */
static int parse(const char *text, http_head *head)
{
    static char *kept;
    size_t size = strlen(text);
    free(kept);
    kept = malloc(size ? size : 1);
    memcpy(kept, text, size);
    const http_refusal *refusal = http_parse_head(kept, size, head);
    return refusal ? refusal->status : 0;
}

static void assert_slice(http_slice slice, const char *text)
{
    assert_int_equal(slice.size, strlen(text));
    assert_memory_equal(slice.data, text, slice.size);
}

static void test_good(void **state)
{
    (void)state;
    http_head head;
    assert_int_equal(parse("POST /predict?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n"
                           "X-Thing:\t a b \r\n\r\n",
                           &head),
                     0);
    assert_slice(head.method, "POST");
    assert_slice(head.path, "/predict");
    assert_slice(head.query, "a=b");
    assert_int_equal(head.framing, HTTP_LENGTH);
    assert_int_equal(head.content_length, 12);
    assert_true(head.keep_alive);
    assert_slice(*http_find(&head, "x-thing"), "a b");
    assert_null(http_find(&head, "x-other"));
    assert_int_equal(parse("GET http://h:1/p HTTP/1.1\r\nHost: h\r\n\r\n", &head), 0);
    assert_slice(head.path, "/p");
    assert_int_equal(head.framing, HTTP_NO_BODY);
    assert_int_equal(parse("GET HTTPS://h/p/q?r HTTP/1.1\r\nHost: h\r\n\r\n", &head), 0);
    assert_slice(head.path, "/p/q");
    assert_slice(head.query, "r");
    assert_int_equal(parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", &head), 0);
}

static void test_keep_alive(void **state)
{
    (void)state;
    http_head head;
    parse("GET / HTTP/1.0\r\n\r\n", &head);
    assert_false(head.keep_alive);
    parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", &head);
    assert_true(head.keep_alive);
    parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: a, Close ,b\r\n\r\n", &head);
    assert_false(head.keep_alive);
    parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n", &head);
    assert_true(head.keep_alive);
}

static const struct {
    const char *text;
    int status;
} refused[] = {
    {"", 400},
    {"\r\n", 400},
    {"GET / HTTP/1.1", 400},
    {"GET / HTTP/1.1\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\n", 400},
    {"GET / HTTP/1.1\n\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\n\r\n", 400},
    {"GET /  HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {" GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400},
    {"GET / http/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET /\r\nHost: x\r\n\r\n", 400},
    {"G\x01T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET /\x7f HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET http://host HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET https:// HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"GET ftp://host/ HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"CONNECT h:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
    {"PRI * HTTP/2.0\r\n\r\n", 505},
    {"GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505},
    {"GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nA: b\x01\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\nContent-Length: 1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
    {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n", 501},
    {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
     "Transfer-Encoding: chunked\r\n\r\n",
     501},
    {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n", 417},
};

static void test_refused(void **state)
{
    (void)state;
    http_head head;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int status = parse(refused[i].text, &head);
        if (status != refused[i].status)
            print_message("%s\n", refused[i].text);
        assert_int_equal(status, refused[i].status);
    }
}

static void test_nul(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n";
    http_head head;
    assert_int_equal(http_parse_head(text, sizeof text - 1, &head)->status, 400);
}

static void test_many_fields(void **state)
{
    (void)state;
    static char text[8192] = "GET / HTTP/1.1\r\nHost: x\r\n";
    http_head head;
    for (int i = 1; i < HTTP_MAX_FIELDS; i++)
        strcat(text, "A: b\r\n");
    size_t size = strlen(text);
    strcat(text, "\r\n");
    assert_int_equal(parse(text, &head), 0);
    strcpy(text + size, "A: b\r\n\r\n");
    assert_int_equal(parse(text, &head), 431);
}

/* The end is found wherever the bytes are cut. */
static void test_head_end(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\nbody\r\n\r\n";
    size_t end = (size_t)(strstr(text, "body") - text);
    for (size_t cut = 0; cut < sizeof text; cut++) {
        size_t scanned = 0;
        size_t first = http_head_end(text, cut, &scanned);
        assert_int_equal(first, cut >= end ? end : 0);
        if (!first)
            assert_int_equal(http_head_end(text, sizeof text - 1, &scanned), end);
    }
    size_t scanned = 0;
    assert_int_equal(http_head_end("GET /\nHost", 10, &scanned), 6);
}

/* Decodes all of it in pieces of `step` bytes; the body goes into `out`. */
static http_progress decode(const char *text, size_t size, size_t step, char *out)
{
    http_chunks chunks = {0};
    size_t at = 0, length = 0;
    http_progress progress = HTTP_MORE;
    while (at < size && progress != HTTP_DONE && progress != HTTP_BAD) {
        size_t here = size - at < step ? size - at : step, used = 0;
        http_slice data;
        progress = http_decode(&chunks, text + at, here, &used, &data);
        assert_true(used <= here);
        at += used;
        if (progress == HTTP_DATA) {
            memcpy(out + length, data.data, data.size);
            length += data.size;
        }
    }
    out[length] = 0;
    return progress;
}

static void test_chunks(void **state)
{
    (void)state;
    static const char text[] = "5;a=\"b\"\r\nhello\r\n00A\r\n 123456789\r\n0;x\r\nT: u\r\n\r\n";
    char out[64];
    for (size_t step = 1; step < sizeof text; step++) {
        assert_int_equal(decode(text, sizeof text - 1, step, out), HTTP_DONE);
        assert_string_equal(out, "hello 123456789");
    }
    assert_int_equal(decode("0\r\n\r\n", 5, 5, out), HTTP_DONE);
}

static void test_bad_chunks(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\r\n",          ";\r\n",         " 5\r\nhello",     "5 \r\nhello", "0x5\r\nhello",
        "-5\r\nhello",   "5\nhello",      "5\rhello",        "5\r\nhelloX", "5\r\nhello\rX",
        "5\r\nhello\n0", "000000005\r\n", "fffffffff\r\n",   "0\r\nT: u\n", "0\r\n\n",
        "0\r\n\rX",      "0\r\n \r\n",    "5;\x01\r\nhello", "g\r\n",       "5\r\nhello\r\n\r\n",
    };
    char out[64];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        http_progress progress = decode(bad[i], strlen(bad[i]), 64, out);
        if (progress != HTTP_BAD)
            print_message("%s\n", bad[i]);
        assert_int_equal(progress, HTTP_BAD);
    }
}

/* Extensions and trailers without end. */
static void test_chunk_overhead(void **state)
{
    (void)state;
    size_t size = 3u << 20;
    char *text = malloc(size), out[64];
    memset(text, 'a', size);
    memcpy(text, "5;", 2);
    assert_int_equal(decode(text, size, size, out), HTTP_BAD);
    memcpy(text, "0\r\n", 3);
    assert_int_equal(decode(text, size, size, out), HTTP_BAD);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),           cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_refused),        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_many_fields),    cmocka_unit_test(test_head_end),
        cmocka_unit_test(test_chunks),         cmocka_unit_test(test_bad_chunks),
        cmocka_unit_test(test_chunk_overhead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
