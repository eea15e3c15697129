/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/base/file_inside.c: what a name in somebody's file may make the library
 * read, and every way out of the folder that must be closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "support/faulty_allocator.h"
#include "support/scratch.h"

/* top/secret, top/inner, and in it: file, sub/file */
static char top[SCRATCH_PATH_SIZE], inner[SCRATCH_PATH_SIZE + 32];

static void write_text(const char *folder, const char *name)
{
    char path[4 * SCRATCH_PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    scratch_write(path, name, strlen(name));
}

static void make_link(const char *target, const char *name)
{
    char path[4 * SCRATCH_PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", inner, name);
    assert_int_equal(symlink(target, path), 0);
}

static int set_up(void **state)
{
    (void)state;
    char sub[3 * SCRATCH_PATH_SIZE];
    scratch_make(top);
    snprintf(inner, sizeof inner, "%s/inner", top);
    snprintf(sub, sizeof sub, "%s/sub", inner);
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(mkdir(sub, 0700), 0);
    write_text(top, "secret");
    write_text(inner, "file");
    write_text(sub, "deep");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char sub[3 * SCRATCH_PATH_SIZE];
    snprintf(sub, sizeof sub, "%s/sub", inner);
    scratch_remove(sub);
    scratch_remove(top);
    return 0;
}

/* What a reader does with a name. */
static sentiment_status read_inside(const char *folder, const char *name, const sn_memory *memory,
                                    sn_bytes *out, sentiment_error *error)
{
    char *path = NULL;
    sentiment_status status = sn_path_find_inside(folder, name, memory, &path, error);
    if (status == SENTIMENT_OK)
        status = sn_file_read(path, memory, 0, 100, out, error);
    sn_free(memory, path);
    return status;
}

static void reads(const char *folder, const char *name, const char *expected)
{
    sn_bytes bytes = {0};
    sentiment_error error = {.struct_size = sizeof error};
    if (read_inside(folder, name, &sn_memory_default, &bytes, &error))
        fail_msg("%s: %s", name, error.message);
    assert_int_equal(bytes.size, strlen(expected));
    assert_memory_equal(bytes.data, expected, bytes.size);
    sn_bytes_free(&bytes);
}

static void refuses(const char *name, sentiment_status code)
{
    sn_bytes bytes = {0};
    sentiment_error error = {.struct_size = sizeof error};
    assert_int_equal(read_inside(inner, name, &sn_memory_default, &bytes, &error), code);
    assert_null(bytes.data);
    assert_true(strlen(error.message) > 0);
}

static void reads_what_is_inside(void **state)
{
    (void)state;
    char slash[3 * SCRATCH_PATH_SIZE];
    snprintf(slash, sizeof slash, "%s/", inner);
    reads(inner, "file", "file");
    reads(slash, "file", "file");
    reads(inner, "./sub//deep", "deep");
    write_text(inner, "..file");
    write_text(inner, "...");
    reads(inner, "..file", "..file");
    reads(inner, "...", "...");
    make_link("sub/deep", "near");
    make_link("sub", "other");
    reads(inner, "near", "deep");
    reads(inner, "other/deep", "deep");
    /* The folder itself may be reached by a link. */
    make_link("../inner", "again");
    snprintf(slash, sizeof slash, "%s/again", inner);
    reads(slash, "file", "file");
}

static void refuses_what_leaves(void **state)
{
    (void)state;
    char absolute[3 * SCRATCH_PATH_SIZE];
    snprintf(absolute, sizeof absolute, "%s/file", inner);
    refuses("", SENTIMENT_ERROR_BAD_MODEL);
    refuses(absolute, SENTIMENT_ERROR_BAD_MODEL);
    refuses("..", SENTIMENT_ERROR_BAD_MODEL);
    refuses("../secret", SENTIMENT_ERROR_BAD_MODEL);
    refuses("sub/../file", SENTIMENT_ERROR_BAD_MODEL);
    refuses("sub/../../secret", SENTIMENT_ERROR_BAD_MODEL);
    refuses("sub/..", SENTIMENT_ERROR_BAD_MODEL);
    make_link("../secret", "out");
    make_link("..", "up");
    make_link("/dev/zero", "device");
    refuses("out", SENTIMENT_ERROR_BAD_MODEL);
    refuses("up/secret", SENTIMENT_ERROR_BAD_MODEL);
    refuses("device", SENTIMENT_ERROR_BAD_MODEL);
    refuses(".", SENTIMENT_ERROR_BAD_MODEL);
}

/* One file has one path, however its name is spelt. */
static void finds_one_path(void **state)
{
    (void)state;
    static const char *const spellings[] = {"sub/deep", "./sub//deep", "sub/./deep", "near"};
    char *first = NULL;
    make_link("sub/deep", "near");
    assert_int_equal(
        sn_path_find_inside(inner, spellings[0], &sn_memory_default, &first, NULL), SENTIMENT_OK);
    for (size_t i = 1; i < sizeof spellings / sizeof spellings[0]; i++) {
        char *path = NULL;
        assert_int_equal(
            sn_path_find_inside(inner, spellings[i], &sn_memory_default, &path, NULL),
            SENTIMENT_OK);
        assert_string_equal(path, first);
        sn_free(&sn_memory_default, path);
    }
    sn_free(&sn_memory_default, first);
}

/* A folder whose name begins like ours is another one. */
static void refuses_neighbours(void **state)
{
    (void)state;
    char neighbour[3 * SCRATCH_PATH_SIZE];
    snprintf(neighbour, sizeof neighbour, "%s-too", inner);
    assert_int_equal(mkdir(neighbour, 0700), 0);
    write_text(neighbour, "file");
    make_link("../inner-too/file", "sly");
    refuses("sly", SENTIMENT_ERROR_BAD_MODEL);
}

static void reports_what_is_not_there(void **state)
{
    (void)state;
    char fifo[3 * SCRATCH_PATH_SIZE];
    refuses("none", SENTIMENT_ERROR_NOT_FOUND);
    refuses("none/file", SENTIMENT_ERROR_NOT_FOUND);
    refuses("sub", SENTIMENT_ERROR_IO);
    make_link("loop", "loop");
    refuses("loop", SENTIMENT_ERROR_IO);
    snprintf(fifo, sizeof fifo, "%s/fifo", inner);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    refuses("fifo", SENTIMENT_ERROR_IO);
}

static void survives_every_failed_allocation(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        const sn_memory memory = {hooks.user, hooks.allocate, hooks.reallocate, hooks.release};
        sn_bytes bytes = {0};
        sentiment_status status = read_inside(inner, "file", &memory, &bytes, NULL);
        sn_bytes_free(&bytes);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty)) {
            assert_int_equal(status, SENTIMENT_OK);
            break;
        }
        assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
    }
}

#define INSIDE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INSIDE_TEST(reads_what_is_inside),      INSIDE_TEST(refuses_what_leaves),
        INSIDE_TEST(refuses_neighbours),        INSIDE_TEST(reports_what_is_not_there),
        INSIDE_TEST(survives_every_failed_allocation), INSIDE_TEST(finds_one_path),
    };
    return cmocka_run_group_tests_name("file_inside", tests, NULL, NULL);
}
