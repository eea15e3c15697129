/* SPDX-License-Identifier: Apache-2.0
 *
 * lib/base/file.c: whole files in and out, and everything that may stand
 * where a file should: folders, pipes, devices, links, too little permission,
 * too little disk. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "support/faulty_allocator.h"
#include "support/scratch.h"

#define NO_LIMIT UINT64_MAX

static char folder[SCRATCH_PATH_SIZE];

static int set_up(void **state)
{
    (void)state;
    scratch_make(folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

static void expect_failure(const char *path, uint64_t limit, sentiment_status code,
                           const char *words)
{
    sn_bytes bytes = {0};
    for (int use_mmap = 0; use_mmap < 2; use_mmap++) {
        sentiment_error error = {.struct_size = sizeof error};
        assert_int_equal(
            sn_file_read(path, &sn_memory_default, use_mmap != 0, limit, &bytes, &error), code);
        assert_non_null(strstr(error.message, words));
        assert_non_null(strstr(error.message, path));
        assert_null(bytes.data);
    }
}

static void reads_and_maps(void **state)
{
    (void)state;
    const char *path = scratch_path(folder, "data");
    for (size_t size = 0; size < 10000; size = size * 3 + 1) {
        uint8_t data[10000];
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)(i * 31);
        scratch_write(path, data, size);
        for (int use_mmap = 0; use_mmap < 2; use_mmap++) {
            sn_bytes bytes = {0};
            assert_int_equal(
                sn_file_read(path, &sn_memory_default, use_mmap != 0, size, &bytes, NULL),
                SENTIMENT_OK);
            assert_int_equal(bytes.size, size);
            assert_memory_equal(bytes.data, data, size);
            sn_bytes_free(&bytes);
            sn_bytes_free(&bytes);
        }
    }
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    const char *pipe_path = scratch_path(folder, "pipe");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    expect_failure(folder, NO_LIMIT, SENTIMENT_ERROR_IO, "is a folder; expected a file");
    expect_failure(pipe_path, NO_LIMIT, SENTIMENT_ERROR_IO, "pipe");
    expect_failure("/dev/zero", NO_LIMIT, SENTIMENT_ERROR_IO, "device");
    expect_failure(scratch_path(folder, "absent"), NO_LIMIT, SENTIMENT_ERROR_NOT_FOUND, "open");
    expect_failure("", NO_LIMIT, SENTIMENT_ERROR_NOT_FOUND, "open");
}

static void refuses_long_files(void **state)
{
    (void)state;
    const char *path = scratch_path(folder, "long");
    scratch_write(path, "12345", 5);
    expect_failure(path, 4, SENTIMENT_ERROR_BAD_MODEL, "5 bytes; at most 4");
}

static void refuses_without_permission(void **state)
{
    (void)state;
    const char *path = scratch_path(folder, "secret");
    if (geteuid() == 0)
        skip();
    scratch_write(path, "1", 1);
    assert_int_equal(chmod(path, 0), 0);
    expect_failure(path, NO_LIMIT, SENTIMENT_ERROR_IO, "open");
}

static size_t releases;

static void count_release(void *user, const void *data, size_t size)
{
    assert_ptr_equal(user, &releases);
    assert_memory_equal(data, "abc", size);
    releases++;
}

static void copies_and_borrows(void **state)
{
    (void)state;
    static const char text[] = "abc";
    sn_bytes bytes = {0};
    assert_int_equal(sn_bytes_copy(text, 3, &sn_memory_default, &bytes, NULL), SENTIMENT_OK);
    assert_ptr_not_equal(bytes.data, text);
    assert_memory_equal(bytes.data, text, 3);
    sn_bytes_free(&bytes);
    assert_int_equal(sn_bytes_copy(NULL, 0, &sn_memory_default, &bytes, NULL), SENTIMENT_OK);
    assert_int_equal(bytes.size, 0);
    sn_bytes_free(&bytes);
    sn_bytes_borrow(text, 3, count_release, &releases, &bytes);
    assert_ptr_equal(bytes.data, text);
    assert_int_equal(releases, 0);
    sn_bytes_free(&bytes);
    assert_int_equal(releases, 1);
    sn_bytes_borrow(text, 3, NULL, NULL, &bytes);
    sn_bytes_free(&bytes);
}

static sentiment_status write_text(const char *path, const sn_memory *memory, const char *text,
                                   sentiment_error *error)
{
    sn_writer writer = {0};
    sentiment_status status = sn_writer_open(&writer, path, memory, error);
    if (status == SENTIMENT_OK)
        status = sn_writer_write(&writer, text, strlen(text), error);
    if (status == SENTIMENT_OK)
        status = sn_writer_commit(&writer, error);
    sn_writer_abort(&writer);
    return status;
}

static void expect_content(const char *path, const char *expected)
{
    size_t size;
    char *found = scratch_read(path, &size);
    assert_string_equal(found, expected);
    assert_int_equal(size, strlen(expected));
    free(found);
}

static void writes_and_replaces(void **state)
{
    (void)state;
    struct stat info;
    const char *path = scratch_path(folder, "file");
    mode_t mask = umask(027);
    assert_int_equal(write_text(path, &sn_memory_default, "first", NULL), SENTIMENT_OK);
    umask(mask);
    expect_content(path, "first");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(write_text(path, &sn_memory_default, "second", NULL), SENTIMENT_OK);
    expect_content(path, "second");
    assert_int_equal(scratch_count(folder), 1);
}

/* Before the commit the old file stands, whatever happens to the new one. */
static void keeps_the_old_until_the_new_is_whole(void **state)
{
    (void)state;
    const char *path = scratch_path(folder, "file");
    sn_writer writer = {0};
    scratch_write(path, "old", 3);
    assert_int_equal(sn_writer_open(&writer, path, &sn_memory_default, NULL), SENTIMENT_OK);
    assert_int_equal(sn_writer_write(&writer, "new", 3, NULL), SENTIMENT_OK);
    expect_content(path, "old");
    assert_int_equal(sn_writer_sync(&writer, NULL), SENTIMENT_OK);
    expect_content(path, "old");
    sn_writer_abort(&writer);
    sn_writer_abort(&writer);
    expect_content(path, "old");
    assert_int_equal(scratch_count(folder), 1);
}

static void refuses_bad_targets(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    const char *deep = scratch_path(folder, "absent/file");
    const char *pipe_path = scratch_path(folder, "pipe"), *slash = scratch_path(folder, "name/");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_int_equal(write_text(folder, &sn_memory_default, "x", &error), SENTIMENT_ERROR_IO);
    assert_non_null(strstr(error.message, "is a folder; expected a file"));
    assert_int_equal(write_text(deep, &sn_memory_default, "x", &error),
                     SENTIMENT_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, deep));
    assert_int_equal(write_text(pipe_path, &sn_memory_default, "x", &error), SENTIMENT_ERROR_IO);
    assert_int_equal(write_text(slash, &sn_memory_default, "x", &error), SENTIMENT_ERROR_IO);
    assert_int_equal(write_text("/dev/null", &sn_memory_default, "x", &error),
                     SENTIMENT_ERROR_IO);
    assert_int_equal(scratch_count(folder), 1);
}

/* A file size limit stands in for a full disk: write() fails in its middle. */
static void leaves_nothing_on_a_full_disk(void **state)
{
    (void)state;
    static char data[100000];
    sentiment_error error = {.struct_size = sizeof error};
    struct rlimit before, small;
    const char *path = scratch_path(folder, "file");
    scratch_write(path, "old", 3);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 65536;
    memset(data, 'x', sizeof data - 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    sentiment_status status = write_text(path, &sn_memory_default, data, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, SENTIMENT_ERROR_IO);
    assert_non_null(strstr(error.message, "cannot write"));
    expect_content(path, "old");
    assert_int_equal(scratch_count(folder), 1);
}

static void survives_every_failed_allocation(void **state)
{
    (void)state;
    const char *path = scratch_path(folder, "file");
    for (size_t n = 1;; n++) {
        faulty_allocator faulty = {.fail_at = n};
        sentiment_allocator hooks = faulty_allocator_hooks(&faulty);
        sn_memory memory = {hooks.user, hooks.allocate, hooks.reallocate, hooks.release};
        sn_bytes bytes = {0};
        sentiment_status status = write_text(path, &memory, "text", NULL);
        if (status == SENTIMENT_OK)
            status = sn_file_read(path, &memory, 0, NO_LIMIT, &bytes, NULL);
        sn_bytes_free(&bytes);
        assert_int_equal(faulty_allocator_live(&faulty), 0);
        if (!faulty_allocator_failed(&faulty)) {
            assert_int_equal(status, SENTIMENT_OK);
            assert_true(n > 3);
            break;
        }
        assert_int_equal(status, SENTIMENT_ERROR_OUT_OF_MEMORY);
    }
    assert_int_equal(scratch_count(folder), 1);
}

static void makes_folders_and_paths(void **state)
{
    (void)state;
    sentiment_error error = {.struct_size = sizeof error};
    const char *sub = scratch_path(folder, "sub"), *file = scratch_path(folder, "file");
    scratch_write(file, "x", 1);
    assert_int_equal(sn_directory_make(sub, NULL), SENTIMENT_OK);
    assert_int_equal(sn_directory_make(sub, NULL), SENTIMENT_OK);
    assert_int_equal(sn_directory_make(file, &error), SENTIMENT_ERROR_IO);
    assert_int_equal(sn_directory_make(scratch_path(folder, "a/b"), &error),
                     SENTIMENT_ERROR_NOT_FOUND);
    assert_int_equal(sn_path_is_directory(sub, NULL), 1);
    assert_int_equal(sn_path_is_directory(file, NULL), 0);
    assert_int_equal(sn_path_is_directory(scratch_path(folder, "no"), &error),
                     SENTIMENT_ERROR_NOT_FOUND);
    assert_true(sn_path_exists(file));
    assert_false(sn_path_exists(scratch_path(folder, "no")));
    assert_false(sn_path_exists(scratch_path(folder, "file/no")));
    static const char *const folders[] = {"a", "a/", "", "/"};
    static const char *const expected[] = {"a/n", "a/n", "n", "/n"};
    for (size_t i = 0; i < 4; i++) {
        char *path = sn_path_join(&sn_memory_default, folders[i], "n");
        assert_string_equal(path, expected[i]);
        sn_free(&sn_memory_default, path);
    }
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(reads_and_maps),
        FILE_TEST(refuses_what_is_no_file),
        FILE_TEST(refuses_long_files),
        FILE_TEST(refuses_without_permission),
        FILE_TEST(copies_and_borrows),
        FILE_TEST(writes_and_replaces),
        FILE_TEST(keeps_the_old_until_the_new_is_whole),
        FILE_TEST(refuses_bad_targets),
        FILE_TEST(leaves_nothing_on_a_full_disk),
        FILE_TEST(survives_every_failed_allocation),
        FILE_TEST(makes_folders_and_paths),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
