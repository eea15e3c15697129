/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/keys.c: which keys are right, which files are refused as a whole,
 * and that no key or digest gets into a message. The time that a comparison takes
 * is not measured here: the code has no branch on what is compared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "serve/keys.h"
#include "support/scratch.h"

/* printf '%s' abcdefghijklmnop | sha256sum, and of 0123456789abcdef */
#define FIRST "f39dac6cbaba535e2c207cd0cd8f154974223c848f727f98b3564cea569b41cf"
#define SECOND "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f"

static serve_keys *parse(const char *text)
{
    sentiment_error error = {.struct_size = sizeof error};
    serve_keys *keys = NULL;
    if (serve_keys_parse(text, strlen(text), &keys, &error))
        fail_msg("%s", error.message);
    return keys;
}

static void is(const serve_keys *keys, const char *key, const char *name)
{
    const char *found = serve_keys_check(keys, key, strlen(key));
    if (name)
        assert_string_equal(found, name);
    else
        assert_null(found);
}

static void knows_its_keys(void **state)
{
    (void)state;
    serve_keys *keys = parse("# who\n\nfirst:" FIRST "\r\nsecond.2_-:" SECOND);
    assert_int_equal(serve_keys_count(keys), 2);
    is(keys, "abcdefghijklmnop", "first");
    is(keys, "0123456789abcdef", "second.2_-");
    is(keys, "abcdefghijklmnoq", NULL);
    is(keys, "abcdefghijklmno", NULL);
    is(keys, "abcdefghijklmnop ", NULL);
    is(keys, "", NULL);
    is(keys, FIRST, NULL);
    assert_null(serve_keys_check(keys, "abcdefghijklmnop\0", 17));
    serve_keys_free(keys);
    /* Digits in capitals are the same digest. */
    keys = parse("x:F39DAC6CBABA535E2C207CD0CD8F154974223C848F727F98B3564CEA569B41CF\n");
    is(keys, "abcdefghijklmnop", "x");
    serve_keys_free(keys);
    keys = parse("");
    assert_int_equal(serve_keys_count(keys), 0);
    is(keys, "abcdefghijklmnop", NULL);
    serve_keys_free(keys);
    is(NULL, "abcdefghijklmnop", NULL);
    assert_int_equal(serve_keys_count(NULL), 0);
    serve_keys_free(NULL);
}

static void refuses_wrong_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"plain", "line 1: expected name:sha256"},
        {"\n:" FIRST, "line 2: the name must be 1 to 64 of A-Z a-z 0-9 . _ -"},
        {"a b:" FIRST, "line 1: the name must be 1 to 64 of A-Z a-z 0-9 . _ -"},
        {"a:abcdefghijklmnop", "line 1: expected 64 hexadecimal digits after the name"},
        {"a:" FIRST "0", "line 1: expected 64 hexadecimal digits after the name"},
        {"a:g39dac6cbaba535e2c207cd0cd8f154974223c848f727f98b3564cea569b41cf",
         "line 1: expected 64 hexadecimal digits after the name"},
        {"a:" FIRST "\na:" SECOND, "line 2: the name is there twice"},
        {"a:" FIRST "\n#\nb:" FIRST, "line 3: the digest is there twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sentiment_error error = {.struct_size = sizeof error};
        serve_keys *keys = NULL;
        assert_int_equal(serve_keys_parse(cases[i].text, strlen(cases[i].text), &keys, &error),
                         SENTIMENT_ERROR_INVALID_ARGUMENT);
        assert_null(keys);
        assert_string_equal(error.message, cases[i].message);
    }
}

static void bounds_the_number(void **state)
{
    (void)state;
    size_t used = 0, size = (SERVE_KEYS_LIMIT + 1) * 72;
    char *text = malloc(size);
    assert_non_null(text);
    for (int i = 0; i <= SERVE_KEYS_LIMIT; i++)
        used += (size_t)snprintf(text + used, size - used, "%d:%064x\n", i, (unsigned)i);
    sentiment_error error = {.struct_size = sizeof error};
    serve_keys *keys = NULL;
    assert_int_equal(serve_keys_parse(text, used, &keys, &error), SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_string_equal(error.message, "line 4097: too many keys, at most 4096");
    char *last = strstr(text, "\n4096:");
    assert_non_null(last);
    assert_int_equal(serve_keys_parse(text, (size_t)(last - text) + 1, &keys, &error),
                     SENTIMENT_OK);
    assert_int_equal(serve_keys_count(keys), SERVE_KEYS_LIMIT);
    serve_keys_free(keys);
    free(text);
}

static void reads_files(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH_SIZE];
    sentiment_error error = {.struct_size = sizeof error};
    serve_keys *keys = NULL;
    scratch_make(folder);
    const char *path = scratch_path(folder, "keys");
    assert_int_equal(serve_keys_load(path, &keys, &error), SENTIMENT_ERROR_NOT_FOUND);
    scratch_write(path, "a:" FIRST "\n", 2 + 64 + 1);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(serve_keys_load(path, &keys, &error), SENTIMENT_OK);
    is(keys, "abcdefghijklmnop", "a");
    serve_keys_free(keys);
    keys = NULL;
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(serve_keys_load(path, &keys, &error), SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "anybody may write"));
    scratch_write(path, "a:abcdefghijklmnop\n", 19);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(serve_keys_load(path, &keys, &error), SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "keys: line 1: "));
    assert_null(strstr(error.message, "abcdefghijklmnop"));
    assert_int_equal(serve_keys_load(folder, &keys, &error), SENTIMENT_ERROR_IO);
    const char *fifo = scratch_path(folder, "fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(serve_keys_load(fifo, &keys, &error), SENTIMENT_ERROR_IO);
    char *large = calloc(1, (1 << 20) + 1);
    assert_non_null(large);
    memset(large, '\n', (1 << 20) + 1);
    scratch_write(path, large, (1 << 20) + 1);
    assert_int_equal(serve_keys_load(path, &keys, &error), SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "larger than 1 MiB"));
    free(large);
    assert_null(keys);
    scratch_remove(folder);
}

static void makes_keys_and_lines(void **state)
{
    (void)state;
    char one[SERVE_KEYS_KEY_SIZE], two[SERVE_KEYS_KEY_SIZE], line[SERVE_KEYS_LINE_SIZE];
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(serve_keys_make_line("first", "abcdefghijklmnop", 16, line, &error), 0);
    assert_string_equal(line, "first:" FIRST "\n");
    assert_int_equal(serve_keys_generate(one, &error), SENTIMENT_OK);
    assert_int_equal(serve_keys_generate(two, &error), SENTIMENT_OK);
    assert_string_not_equal(one, two);
    assert_int_equal(strspn(one, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789-_"),
                     43);
    assert_int_equal(strlen(one), 43);
    char name[SERVE_KEYS_NAME_LIMIT + 2];
    memset(name, 'n', sizeof name);
    name[SERVE_KEYS_NAME_LIMIT] = '\0';
    assert_int_equal(serve_keys_make_line(name, one, strlen(one), line, &error), SENTIMENT_OK);
    serve_keys *keys = parse(line);
    is(keys, one, name);
    is(keys, two, NULL);
    serve_keys_free(keys);
    name[SERVE_KEYS_NAME_LIMIT] = 'n';
    name[SERVE_KEYS_NAME_LIMIT + 1] = '\0';
    assert_int_equal(serve_keys_make_line(name, one, 43, line, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(serve_keys_make_line("a:b", one, 43, line, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(serve_keys_make_line("a", "secret", 6, line, &error),
                     SENTIMENT_ERROR_INVALID_ARGUMENT);
    assert_string_equal(error.message, "the key has 6 bytes, expected 16 to 512");
}

static void compares_secrets(void **state)
{
    (void)state;
    assert_true(serve_keys_equal("token", 5, "token", 5));
    assert_false(serve_keys_equal("tokem", 5, "token", 5));
    assert_false(serve_keys_equal("toke", 4, "token", 5));
    assert_false(serve_keys_equal("token\0", 6, "token", 5));
    assert_false(serve_keys_equal("", 0, "token", 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_its_keys),       cmocka_unit_test(refuses_wrong_lines),
        cmocka_unit_test(bounds_the_number),    cmocka_unit_test(reads_files),
        cmocka_unit_test(makes_keys_and_lines), cmocka_unit_test(compares_secrets),
    };
    return cmocka_run_group_tests_name("serve keys", tests, NULL, NULL);
}
