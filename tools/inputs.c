/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop over texts: failures are counted and reported once at the end, and
 * an output that cannot be written ends it early. */
#include "inputs.h"

#include <string.h>
#include <unistd.h>

#include "progress.h"

const option_spec inputs_options[] = {
    {.name = "input",
     .kind = OPTION_STRING,
     .offset = offsetof(inputs, path),
     .argument = "FILE",
     .help = "read texts from a file (may be gzip), - is standard input"},
    {.name = "input-format",
     .kind = OPTION_CHOICE,
     .offset = offsetof(inputs, format),
     .choices = reader_formats,
     .help = "default: by the name .jsonl or .tsv, else lines"},
    {.name = NULL}};

typedef struct run {
    emit *out;
    inputs_handler handler;
    void *user;
    uint64_t texts, failed, first_failed;
    record_error first;
} run;

static bool handle(run *all, chunk *records)
{
    if (!all->handler(all->user, records))
        return false;
    for (size_t i = 0; i < records->count; i++) {
        all->texts++;
        if (records->errors[i].code == SENTIMENT_OK)
            continue;
        if (all->failed++ == 0) {
            all->first = records->errors[i];
            all->first_failed = records->lines[i];
        }
    }
    return emit_flush(all->out);
}

static bool run_arguments(run *all, const command_arguments *texts, chunk *records)
{
    for (size_t i = 0; i < texts->count;) {
        records->count = 0;
        while (i < texts->count && records->count < CHUNK_RECORDS &&
               records->offsets[records->count] < CHUNK_BYTES) {
            records->lines[records->count] = i + 1;
            if (!chunk_add(records, texts->items[i], strlen(texts->items[i]), 0)) {
                message_no_memory();
                return false;
            }
            i++;
        }
        if (!handle(all, records))
            return false;
    }
    return true;
}

static bool run_reader(run *all, const inputs *chosen, chunk *records)
{
    reader in;
    progress shown;
    if (!reader_open(&in, chosen->path ? chosen->path : "-", chosen->format, false))
        return false;
    in.eager = chosen->eager;
    if (isatty(in.in.fd))
        message("reading texts from the terminal, one a line; Ctrl-D ends");
    progress_start(&shown, true);
    reader_answer answer = READER_END;
    bool good = true;
    while (good && (answer = reader_next(&in, records)) == READER_CHUNK) {
        good = handle(all, records);
        progress_update(&shown, all->texts,
                        in.in.size ? (double)in.in.read_bytes / (double)in.in.size : -1);
    }
    progress_end(&shown);
    reader_close(&in);
    return good && answer == READER_END;
}

int inputs_run(const inputs *chosen, const command_arguments *texts, emit *out,
               inputs_handler handler, void *user)
{
    run all = {.out = out, .handler = handler, .user = user};
    chunk *records = chunk_create();
    if (!records)
        return message_no_memory();
    bool good =
        texts->count > 0 ? run_arguments(&all, texts, records) : run_reader(&all, chosen, records);
    chunk_free(records);
    if (all.failed > 0)
        message("%llu of %llu texts failed; the first, number %llu: %s",
                (unsigned long long)all.failed, (unsigned long long)all.texts,
                (unsigned long long)all.first_failed, all.first.message);
    return good && all.failed == 0 ? EXIT_DONE : EXIT_FAILED;
}

void inputs_emit_error(emit *out, bool json, const record_error *error)
{
    if (!json) {
        emit_format(out, "error  ");
        emit_text(out, error->message, strlen(error->message));
        emit_format(out, "\n");
        return;
    }
    emit_open(out, '{');
    emit_key(out, "error");
    emit_open(out, '{');
    emit_key(out, "code");
    emit_integer(out, error->code);
    emit_key(out, "message");
    emit_name(out, error->message);
    emit_bytes(out, "}}\n", 3);
}
