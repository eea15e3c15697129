/* SPDX-License-Identifier: Apache-2.0
 *
 * What the fuzz targets share. An input begins with two bytes that are the
 * target's and no file's: which allocation fails (0: none does), and switches.
 * The rest is the file or text. Each input runs once with all the memory that
 * an input of its size may ask for, and once more with the failing allocation,
 * after which nothing but OUT_OF_MEMORY will do. Neither run may leave a block. */
#ifndef FUZZ_HARNESS_H
#define FUZZ_HARNESS_H

#include "base/memory.h"
#include "base/status.h"

#define FUZZ_HEADER 2

/* Counts what is alive; aborts when that passes the limit. */
typedef struct fuzz_heap {
    size_t fail_at; /* this allocation fails (1 is the first); 0: none does */
    size_t calls;
    size_t blocks;
    size_t bytes;
    size_t limit;
    _Bool failed;
} fuzz_heap;

/* One run of a target over one input. */
typedef struct fuzz_run {
    const uint8_t *data;
    size_t size;
    uint8_t flags;
    fuzz_heap heap;
    sn_memory memory;              /* hooks of `heap` */
    sentiment_allocator allocator; /* the same for the public API */
    sentiment_error error;
} fuzz_run;

typedef struct fuzz_target {
    /* Reads the input and checks what came of it. A failure has its message in
     * run->error; OUT_OF_MEMORY is passed on from wherever it comes. */
    sentiment_status (*attempt)(fuzz_run *run);
    /* Reading may keep multiple * (size of the input) + constant bytes alive. */
    size_t multiple;
    size_t constant;
} fuzz_target;

int fuzz_input(const fuzz_target *target, const uint8_t *data, size_t size);
/* The input has been read: what follows is bounded by FUZZ_WORK_LIMIT alone. */
void fuzz_lift_limit(fuzz_run *run);
#define FUZZ_WORK_LIMIT ((size_t)256 << 20)

/* Ends the program: the input has shown a bug. */
_Noreturn void fuzz_fail(const char *file, int line, const char *what);
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fuzz_fail(__FILE__, __LINE__, #condition);                                             \
    } while (0)

/* What must work has worked, or memory ran out. */
void fuzz_expect(const fuzz_run *run, sentiment_status status, const char *what);

/* Called by libFuzzer and by replay.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
