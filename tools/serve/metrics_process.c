/* SPDX-License-Identifier: Apache-2.0
 *
 * CPU time, memory and descriptors of the process. Read at each scrape: a few
 * system calls every some seconds. */
#include "metrics_process.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static void put(out *to, const char *name, const char *type, const char *help, double value)
{
    out_format(to, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, value);
}

static void put_cpu(out *to)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage))
        return;
    double user = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec * 1e-6;
    double system = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec * 1e-6;
    put(to, "process_cpu_seconds_total", "counter", "User and system CPU time in seconds.",
        user + system);
}

static void put_memory(out *to)
{
    unsigned long long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return;
    int fields = fscanf(file, "%llu %llu", &pages, &resident);
    fclose(file);
    if (fields != 2)
        return;
    double page = (double)sysconf(_SC_PAGESIZE);
    put(to, "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.",
        (double)pages * page);
    put(to, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
        (double)resident * page);
}

static void put_descriptors(out *to)
{
    struct rlimit limit;
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    if (folder) {
        closedir(folder);
        /* One of them was the folder. */
        put(to, "process_open_fds", "gauge", "Number of open file descriptors.",
            (double)(count - (count > 0)));
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        put(to, "process_max_fds", "gauge", "Maximum number of open file descriptors.",
            (double)limit.rlim_cur);
}

void metrics_process_write(out *to, time_t start)
{
    put(to, "process_start_time_seconds", "gauge",
        "Start of the server since the Unix epoch in seconds.", (double)start);
    put_cpu(to);
    put_memory(to);
    put_descriptors(to);
}
