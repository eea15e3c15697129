/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of the processor each kernel uses, for the roofline of bench.py: the
 * recurrent product alone (the kernel `project` with as many inputs as units), the
 * whole step, and the input projection that folding saves, at embedding size 128
 * and hidden size 256, for one row and for a full tile, on every instruction set
 * that the machine has. Prints one JSON array. Each figure is the
 * median of many short runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "clock.h"
#include "kernels/kernels.h"

#define EMBEDDING 128
#define HIDDEN 256
#define BLOCKS (HIDDEN / SN_BLOCK)
#define GATES (SN_GATES * HIDDEN)
#define TILE 24
#define RUNS 2001
#define STEPS 2 /* of a run: there and back */

typedef struct network {
    float *weights, *bias, *gates, *out, *h[2], *c, *sum;
    int8_t *weights_int8;
    float *scale;
    int32_t *start;
    uint8_t *bytes[2];
} network;

/* Zeroed and on a page of its own; ends the program where there is none. */
static void *take(size_t bytes)
{
    void *taken = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    if (!taken) {
        fprintf(stderr, "kernels: out of memory\n");
        exit(1);
    }
    return memset(taken, 0, bytes);
}

static network make_network(void)
{
    network made = {0};
    uint32_t seed = 1;
    made.weights = take(sizeof(float) * GATES * HIDDEN);
    made.weights_int8 = take(GATES * HIDDEN);
    for (size_t i = 0; i < GATES * HIDDEN; i++) {
        seed = seed * 1664525u + 1013904223u;
        made.weights_int8[i] = (int8_t)((int)(seed >> 24) % 255 - 127);
        made.weights[i] = (float)made.weights_int8[i] / 2048;
    }
    made.bias = take(sizeof(float) * GATES);
    made.scale = take(sizeof(float) * GATES);
    made.start = take(sizeof(int32_t) * GATES);
    for (size_t i = 0; i < GATES; i++)
        made.scale[i] = 1.0f / (127 * 2048);
    made.gates = take(sizeof(float) * GATES * TILE);
    made.out = take(sizeof(float) * GATES * TILE);
    for (int i = 0; i < 2; i++) {
        made.h[i] = take(sizeof(float) * HIDDEN * TILE);
        made.bytes[i] = memset(take(HIDDEN * TILE), 128, HIDDEN * TILE);
    }
    made.c = take(sizeof(float) * HIDDEN * TILE);
    made.sum = take(sizeof(float) * HIDDEN * TILE);
    return made;
}

/* Two whole steps. */
static void run_steps(const sn_kernels *kernels, const network *at, size_t rows, int int8)
{
    const float *gates[TILE];
    for (size_t r = 0; r < rows; r++)
        gates[r] = at->gates + r * GATES;
    for (int i = 0; i < STEPS; i++) {
        const sn_step step = {.weights = at->weights,
                              .int8 = {at->weights_int8, at->scale, at->start},
                              .blocks = BLOCKS,
                              .hidden = HIDDEN,
                              .rows = rows,
                              .gates = gates,
                              .h = at->h[i],
                              .h_next = at->h[!i],
                              .bytes = at->bytes[i],
                              .bytes_next = at->bytes[!i],
                              .c = at->c,
                              .sum = at->sum,
                              .descending = i == 1};
        (int8 ? kernels->step_int8 : kernels->step)(&step);
    }
}

/* Two products with so many inputs. */
static void project(const sn_kernels *kernels, const network *at, size_t rows, int int8,
                    size_t inputs)
{
    const float *x[TILE];
    const uint8_t *bytes[TILE];
    float *out[TILE];
    for (size_t r = 0; r < rows; r++) {
        x[r] = at->h[0] + r * HIDDEN;
        bytes[r] = at->bytes[0] + r * HIDDEN;
        out[r] = at->out + r * GATES;
    }
    const sn_project project = {.weights = at->weights,
                                .int8 = {at->weights_int8, at->scale, at->start},
                                .bias = at->bias,
                                .blocks = BLOCKS,
                                .inputs = inputs,
                                .rows = rows,
                                .x = x,
                                .bytes = bytes,
                                .x_scale = 1.0f,
                                .out = out};
    for (int i = 0; i < STEPS; i++)
        (int8 ? kernels->project_int8 : kernels->project)(&project);
}

static void run_products(const sn_kernels *kernels, const network *at, size_t rows, int int8)
{
    project(kernels, at, rows, int8, HIDDEN);
}

static void run_projections(const sn_kernels *kernels, const network *at, size_t rows, int int8)
{
    project(kernels, at, rows, int8, EMBEDDING);
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Seconds of one row's share of the work. */
static double measure(void (*work)(const sn_kernels *, const network *, size_t, int),
                      const sn_kernels *kernels, const network *at, size_t rows, int int8)
{
    static double seconds[RUNS];
    for (int i = 0; i < RUNS; i++) {
        double begin = now();
        work(kernels, at, rows, int8);
        seconds[i] = (now() - begin) / (double)(STEPS * rows);
    }
    qsort(seconds, RUNS, sizeof *seconds, compare);
    return seconds[RUNS / 2];
}

int main(void)
{
    network at = make_network();
    const char *separator = "[";
    /* Plain C is the yardstick of the tests, not of speed. */
    for (int32_t isa = sn_cpu_isa(); isa > SENTIMENT_ISA_C; isa--) {
        const sn_kernels *kernels = sn_kernels_get(isa);
        if (kernels->isa != isa)
            continue;
        for (int int8 = 0; int8 < 2; int8++)
            for (size_t rows = 1; rows <= TILE; rows += TILE - 1) {
                printf("%s{\"isa\": \"%s\", \"int8\": %d, \"rows\": %zu, \"product\": %.6g, "
                       "\"step\": %.6g, \"projection\": %.6g}",
                       separator, sn_isa_name(isa), int8, rows,
                       measure(run_products, kernels, &at, rows, int8),
                       measure(run_steps, kernels, &at, rows, int8),
                       measure(run_projections, kernels, &at, rows, int8));
                separator = ",\n ";
            }
    }
    printf("%s]\n", separator[0] == '[' ? "[" : "");
    return 0;
}
