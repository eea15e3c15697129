/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the torch plugin, with plugins that need no libtorch: what is passed
 * over, what is refused, what the message says, and that the choice is made
 * once. Arguments: a plugin of this build, one of another build, one that lets
 * every build in, a library that is no plugin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/torch_loader.h"
#include "support/scratch.h"

enum { RIGHT, OTHER, LIAR, NO_PLUGIN, LIBRARIES };

static char *libraries[LIBRARIES];
static char folder[SCRATCH_PATH_SIZE];

static int make_folder(void **state)
{
    (void)state;
    scratch_make(folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

/* Puts a library into the test's folder under the plugin's name. */
static void place(const char *library)
{
    assert_int_equal(symlink(library, scratch_path(folder, SN_TORCH_PLUGIN_FILE)), 0);
}

/* A search that fails, and whose message says `expected`. */
static void fails_with(const char *folders, const char *expected)
{
    sentiment_error error = {.struct_size = sizeof error};
    const void *plugin = NULL;
    assert_int_equal(sn_plugin_search(&sn_torch_plugin_kind, folders, &plugin, &error),
                     SENTIMENT_ERROR_ENGINE_UNAVAILABLE);
    assert_int_equal(error.code, SENTIMENT_ERROR_ENGINE_UNAVAILABLE);
    assert_null(plugin);
    assert_non_null(strstr(error.message, SN_TORCH_PLUGIN_FILE));
    assert_non_null(strstr(error.message, "-Dtorch=enabled"));
    if (!strstr(error.message, expected))
        fail_msg("\"%s\" does not say \"%s\"", error.message, expected);
}

static void test_nothing_there(void **state)
{
    (void)state;
    char expected[2 * SCRATCH_PATH_SIZE];
    snprintf(expected, sizeof expected, "%s/" SN_TORCH_PLUGIN_FILE ": not there", folder);
    fails_with("", "no folder to search");
    fails_with(":::", "no folder to search");
    fails_with(folder, expected);
}

static void test_every_place_is_told(void **state)
{
    (void)state;
    char folders[2 * SCRATCH_PATH_SIZE];
    snprintf(folders, sizeof folders, "%s:/nonexistent/other/", folder);
    fails_with(folders, folder);
    fails_with(folders, "/nonexistent/other/" SN_TORCH_PLUGIN_FILE ": not there");
}

static void test_garbage_file(void **state)
{
    (void)state;
    const char *path = scratch_path(folder, SN_TORCH_PLUGIN_FILE);
    scratch_write(path, "this is no library", 18);
    fails_with(folder, path);
}

static void test_library_without_symbol(void **state)
{
    (void)state;
    place(libraries[NO_PLUGIN]);
    fails_with(folder, "no " SN_TORCH_PLUGIN_SYMBOL);
}

static void test_other_build(void **state)
{
    (void)state;
    place(libraries[OTHER]);
    fails_with(folder, "other-build is not for " SN_PLUGIN_BUILD);
}

static void test_plugin_that_checks_nothing(void **state)
{
    (void)state;
    place(libraries[LIAR]);
    fails_with(folder, "of build other-build, the library of build " SN_PLUGIN_BUILD);
}

static void test_long_names(void **state)
{
    (void)state;
    char *folders = malloc(20001);
    assert_non_null(folders);
    memset(folders, 'x', 20000);
    folders[20000] = '\0';
    fails_with(folders, "too long");
    for (size_t i = 100; i < 20000; i += 100)
        folders[i] = ':';
    fails_with(folders, "not there");
    free(folders);
}

static void test_search_goes_on(void **state)
{
    (void)state;
    char bad[SCRATCH_PATH_SIZE], folders[3 * SCRATCH_PATH_SIZE];
    sentiment_error error = {.struct_size = sizeof error};
    const void *found = NULL;
    scratch_make(bad);
    scratch_write(scratch_path(bad, SN_TORCH_PLUGIN_FILE), "bad", 3);
    place(libraries[RIGHT]);
    snprintf(folders, sizeof folders, ":/nonexistent::%s:%s/", bad, folder);
    assert_int_equal(sn_plugin_search(&sn_torch_plugin_kind, folders, &found, &error),
                     SENTIMENT_OK);
    const sn_torch_plugin *plugin = found;
    assert_string_equal(plugin->torch_version, "fake");
    scratch_remove(bad);
}

static void *get_plugin(void *out)
{
    sn_torch_plugin_get(out, NULL);
    return NULL;
}

/* The last test: a plugin that was found stays for the rest of the process. */
static void test_opened_once(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    const sn_torch_plugin *plugins[THREADS] = {NULL}, *later = NULL;
    place(libraries[RIGHT]);
    setenv("SENTIMENT_PLUGIN_PATH", folder, 1);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get_plugin, &plugins[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_non_null(plugins[i]);
        assert_ptr_equal(plugins[i], plugins[0]);
    }
    setenv("SENTIMENT_PLUGIN_PATH", "/nonexistent", 1);
    assert_int_equal(sn_torch_plugin_get(&later, NULL), SENTIMENT_OK);
    assert_ptr_equal(later, plugins[0]);
    assert_string_equal(later->torch_version, "fake");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_nothing_there),
        IN_FOLDER(test_every_place_is_told),
        IN_FOLDER(test_garbage_file),
        IN_FOLDER(test_library_without_symbol),
        IN_FOLDER(test_other_build),
        IN_FOLDER(test_plugin_that_checks_nothing),
        IN_FOLDER(test_long_names),
        IN_FOLDER(test_search_goes_on),
        IN_FOLDER(test_opened_once),
    };
    if (count != 1 + LIBRARIES) {
        fprintf(stderr, "usage: %s RIGHT OTHER LIAR NO_PLUGIN\n", arguments[0]);
        return 2;
    }
    for (int i = 0; i < LIBRARIES; i++) {
        libraries[i] = realpath(arguments[i + 1], NULL); /* for symbolic links */
        if (!libraries[i]) {
            perror(arguments[i + 1]);
            return 2;
        }
    }
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    for (int i = 0; i < LIBRARIES; i++)
        free(libraries[i]);
    return failures;
}
