/* SPDX-License-Identifier: Apache-2.0
 *
 * Quotas in trees of files that look like those of the kernel: of systemd's
 * services, of containers, of version 1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cgroup.h"

#define GROUPS "/sys/fs/cgroup"

static char root[64];

static int make_tree(void **state)
{
    (void)state;
    strcpy(root, "/tmp/cgroup-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

static int remove_tree(void **state)
{
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file of the tree, and makes its folders. */
static void put(const char *name, const char *content)
{
    char path[512];
    snprintf(path, sizeof path, "%s%s", root, name);
    for (char *slash = strchr(path + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void is(double expected)
{
    assert_true(sn_cgroup_quota(root) == expected);
}

static void finds_that_of_a_service(void **state)
{
    (void)state;
    is(0);
    put("/proc/self/cgroup", "0::/system.slice/sentiment.service\n");
    is(0);
    put(GROUPS "/system.slice/sentiment.service/cpu.max", "150000 100000\n");
    is(1.5);
    /* One further up may be smaller, or larger. */
    put(GROUPS "/system.slice/cpu.max", "50000 100000\n");
    is(0.5);
    put(GROUPS "/system.slice/cpu.max", "400000 100000\n");
    is(1.5);
    put(GROUPS "/system.slice/sentiment.service/cpu.max", "max 100000\n");
    is(4);
    put(GROUPS "/cpu.max", "300000 100000\n");
    is(3);
}

static void finds_that_of_a_container(void **state)
{
    (void)state;
    put(GROUPS "/cpu.max", "200000 100000\n");
    is(2);
    put("/proc/self/cgroup", "0::/\n");
    is(2);
    put("/proc/self/cgroup", "0::/docker/not/mounted/here\n");
    is(2);
    put("/proc/self/cgroup", "0::/../elsewhere\n");
    is(2);
}

static void finds_that_of_version_1(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "4:memory:/m\n3:cpuset:/s\n2:cpu,cpuacct:/a/b\n1:name=systemd:/x\n"
                             "0::/y\n");
    is(0);
    put(GROUPS "/cpu/a/b/cpu.cfs_quota_us", "-1\n");
    put(GROUPS "/cpu/a/b/cpu.cfs_period_us", "100000\n");
    is(0);
    put(GROUPS "/cpu/a/cpu.cfs_quota_us", "25000\n");
    is(0);
    put(GROUPS "/cpu/a/cpu.cfs_period_us", "100000\n");
    is(0.25);
    put(GROUPS "/cpu/s/cpu.cfs_quota_us", "1\n");
    put(GROUPS "/cpu/s/cpu.cfs_period_us", "100000\n");
    is(0.25);
}

static void stands_nonsense(void **state)
{
    (void)state;
    put(GROUPS "/a/cpu.max", "100000 100000\n");
    for (size_t i = 0; i < 6; i++) {
        static const char *const lines[] = {"", "\n", "0:", "0:/a", "5::/a\n", "0::a:b\n"};
        put("/proc/self/cgroup", lines[i]);
        is(0);
    }
    put("/proc/self/cgroup", "0::/a");
    is(1);
    for (size_t i = 0; i < 6; i++) {
        static const char *const values[] = {"", "max", "0 100000", "5 0", "-1 -1", "5"};
        put(GROUPS "/a/cpu.max", values[i]);
        is(0);
    }
    char *line = calloc(1, 10000);
    assert_non_null(line);
    memset(line, '/', 9999);
    memcpy(line, "0::", 3);
    put("/proc/self/cgroup", line);
    is(0);
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_that_of_a_service, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(finds_that_of_a_container, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(finds_that_of_version_1, make_tree, remove_tree),
        cmocka_unit_test_setup_teardown(stands_nonsense, make_tree, remove_tree),
    };
    return cmocka_run_group_tests_name("base cgroup", tests, NULL, NULL);
}
