/* SPDX-License-Identifier: Apache-2.0
 *
 * The options of a batch job, and which of them go together. What the answers
 * depend on is noted by asked.c. */
#include <string.h>

#include "batch.h"
#include "range.h"

const option_spec batch_options[] = {
    {.name = "output",
     .kind = OPTION_STRING,
     .offset = offsetof(batch, output),
     .argument = "FILE",
     .help = "write answers there as JSON lines (.gz: compressed), resumably"},
    {.name = "shard",
     .kind = OPTION_STRING,
     .offset = offsetof(batch, shard),
     .argument = "I/N",
     .help = "with --output: only part I (from 0) of N of --input"},
    {.name = "restart",
     .kind = OPTION_FLAG,
     .offset = offsetof(batch, restart),
     .help = "with --output: forget what an earlier run has done"},
    {.name = "accept-failures",
     .kind = OPTION_FLAG,
     .offset = offsetof(batch, accept_failures),
     .help = "with --output: exit status 0 even where texts failed"},
    {.name = NULL}};

/* Without --output the others mean nothing. */
static int check_alone(const batch *chosen, const command_help *help)
{
    const char *option = chosen->shard             ? "shard"
                         : chosen->restart         ? "restart"
                         : chosen->accept_failures ? "accept-failures"
                                                   : NULL;
    return option ? options_wrong(help, "--%s goes with --output", option) : EXIT_DONE;
}

int batch_check(batch *chosen, const inputs *from, const command_arguments *texts,
                const command_help *help)
{
    if (!chosen->output)
        return check_alone(chosen, help);
    if (texts->count > 0)
        return options_wrong(help, "TEXT and --output exclude each other");
    if (strcmp(chosen->output, "-") == 0 || !chosen->output[0])
        return options_wrong(help, "--output needs the name of a file; without --output answers "
                                   "go to standard output");
    if (!chosen->shard)
        return EXIT_DONE;
    if (!from->path || strcmp(from->path, "-") == 0)
        return options_wrong(help, "--shard needs --input FILE, whose lines it can count");
    if (!range_parse(chosen->shard, &chosen->index, &chosen->shards))
        return options_wrong(help, "--shard: '%s' is not I/N with I from 0 to N-1", chosen->shard);
    return EXIT_DONE;
}
