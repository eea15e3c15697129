/* SPDX-License-Identifier: Apache-2.0
 *
 * See cgroup.h. A service of systemd has its quota in a group of its own, far
 * below the root; a container sees its group as the root, or has a path that is
 * not there: then the root is all that is left to ask. */
#include "base/cgroup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 4608

/* Numbers at the start of a file, at most two; how many there are. */
static int read_numbers(const char *folder, const char *name, long long values[2])
{
    char path[PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    int count = fscanf(file, "%lld %lld", &values[0], &values[1]);
    fclose(file);
    return count;
}

/* What a single group allows; 0: anything. */
static double quota_of(const char *folder, bool unified)
{
    long long quota[2] = {0, 0}, period[2] = {0, 0};
    bool good = false;
    if (unified) {
        good = read_numbers(folder, "cpu.max", quota) == 2;
        period[0] = quota[1];
    } else {
        good = read_numbers(folder, "cpu.cfs_quota_us", quota) >= 1 &&
               read_numbers(folder, "cpu.cfs_period_us", period) >= 1;
    }
    return good && quota[0] > 0 && period[0] > 0 ? (double)quota[0] / (double)period[0] : 0;
}

static double smaller(double one, double other)
{
    return one > 0 && (other <= 0 || one < other) ? one : other;
}

/* From the group at `path` up to the root, which is where it is mounted. */
static double smallest_quota(const char *root, const char *mount, const char *path, bool unified)
{
    char folder[PATH_BYTES];
    int top = snprintf(folder, sizeof folder, "%s%s", root, mount);
    int used = snprintf(folder, sizeof folder, "%s%s%s", root, mount, path);
    double least = 0;
    if (top < 0 || (size_t)top >= sizeof folder || used < 0)
        return 0;
    for (;;) {
        least = smaller(quota_of(folder, unified), least);
        char *slash = strrchr(folder + top, '/');
        if (!slash)
            return least;
        *slash = 0;
    }
}

/* Whether a list with commas has "cpu". */
static bool has_cpu(const char *list)
{
    while (*list) {
        size_t size = strcspn(list, ",");
        if (size == 3 && memcmp(list, "cpu", 3) == 0)
            return true;
        list += size + (list[size] == ',');
    }
    return false;
}

/* A line "number:controllers:path"; version 2 has number 0 and no controllers. */
static double quota_of_line(const char *root, char *line)
{
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return 0;
    *controllers++ = 0;
    *path++ = 0;
    path[strcspn(path, "\n")] = 0;
    if (!*controllers && strcmp(line, "0") == 0)
        return smallest_quota(root, "/sys/fs/cgroup", path, true);
    return has_cpu(controllers) ? smallest_quota(root, "/sys/fs/cgroup/cpu", path, false) : 0;
}

double sn_cgroup_quota(const char *root)
{
    char line[PATH_BYTES], name[PATH_BYTES];
    double least = 0;
    snprintf(name, sizeof name, "%s/proc/self/cgroup", root);
    FILE *file = fopen(name, "re");
    while (file && fgets(line, sizeof line, file))
        least = smaller(quota_of_line(root, line), least);
    if (file)
        fclose(file);
    /* Without /proc the root is all that can be asked. */
    if (!file)
        least = smaller(smallest_quota(root, "/sys/fs/cgroup", "", true),
                        smallest_quota(root, "/sys/fs/cgroup/cpu", "", false));
    return least;
}
