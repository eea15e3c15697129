/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines have no fixed size and gzip no index, so the input is counted first,
 * which costs little beside answering it. */
#include "range.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MOST_SHARDS 1000000

/* A number of digits alone, up to `end`. */
static bool parse_number(const char *text, char end, uint32_t *number, const char **behind)
{
    char *stopped = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &stopped, 10);
    if (!isdigit((unsigned char)text[0]) || errno || *stopped != end || value > MOST_SHARDS)
        return false;
    *number = (uint32_t)value;
    *behind = stopped + 1;
    return true;
}

bool range_parse(const char *text, uint32_t *index, uint32_t *shards)
{
    return parse_number(text, '/', index, &text) && parse_number(text, 0, shards, &text) &&
           *index < *shards;
}

/* total * part / parts, for totals up to 2^64: no product overflows. */
static uint64_t share_of(uint64_t total, uint64_t part, uint64_t parts)
{
    return total / parts * part + total % parts * part / parts;
}

bool range_find(range *wanted, const inputs *from, uint32_t index, uint32_t shards, progress *shown,
                const volatile sig_atomic_t *stop)
{
    const uint64_t step = 1 << 16;
    uint64_t total = 0, before = 0;
    reader in;
    struct stat status;
    if (!reader_open(&in, from->path, from->format, false))
        return false;
    bool good = fstat(in.in.fd, &status) == 0 && S_ISREG(status.st_mode);
    if (!good) {
        message("%s: --shard needs a regular file, which can be read twice", from->path);
        reader_close(&in);
        return false;
    }
    do {
        before = total;
        good = reader_skip(&in, step, &total);
        progress_share(shown, "counting lines",
                       in.in.size ? (double)in.in.read_bytes / (double)in.in.size : -1);
    } while (good && total - before == step && !*stop);
    if (!good)
        message("line %llu: a part needs the whole input", (unsigned long long)in.line + 1);
    reader_close(&in);
    wanted->first = share_of(total, index, shards);
    wanted->count = share_of(total, index + 1, shards) - wanted->first;
    return good && !*stop;
}
