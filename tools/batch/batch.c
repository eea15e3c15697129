/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop of a batch job. A block is a chunk of the reader, the same texts
 * whenever it is made; behind each the journal gets a line, and every second what
 * was written goes to disk. A block that the end of reading cut short is answered
 * but not noted: whoever goes on makes it anew, in full. Starting means finding
 * the last line of the journal that the output bears out, and the same place in
 * the input, whose digest must be the one noted. */
#include "batch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal.h"
#include "output.h"
#include "progress.h"
#include "range.h"
#include "setup.h"

#define SYNC_SECONDS 1.0
#define SIGNAL_STATUS 128

typedef struct job {
    const batch *chosen;
    const inputs *from;
    batch_handler handler;
    void *user;
    journal log;
    batch_output to;
    reader in;
    sn_sha256 hash; /* of the lines of the input so far */
    range wanted;
    checkpoint reached;
    progress shown;
    double synced; /* when */
    chunk *records;
} job;

static volatile sig_atomic_t stop_signal;
static int stop_pipe[2]; /* readable once there was a signal: it ends waiting for input */

static void stop(int number)
{
    stop_signal = number;
    ssize_t written = write(stop_pipe[1], "", 1);
    (void)written;
}

/* SA_RESETHAND: the second signal finds the default action. */
static bool catch_signals(void)
{
    struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};
    if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
        message("no pipe for signals: %s", strerror(errno));
        return false;
    }
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return true;
}

/* Reads the journal up to the last line that the open file bears out. */
static void find_place(job *at)
{
    checkpoint next;
    while (journal_next(&at->log, &next) && batch_output_holds(&at->to, next.bytes, next.output)) {
        at->reached = next;
        journal_keep(&at->log);
    }
}

/* The finished file: it is what the journal says, or nothing is touched. */
static bool open_finished(job *at)
{
    if (!batch_output_open(&at->to, true))
        return false;
    find_place(at);
    if (at->reached.done && batch_output_ends(&at->to))
        return true;
    message("%s: not what its job has written (changed since?); --restart writes it anew",
            at->to.name);
    return false;
}

static bool open_partial(job *at)
{
    if (!batch_output_open(&at->to, false))
        return false;
    find_place(at);
    return batch_output_cut(&at->to) && journal_cut(&at->log);
}

/* The file comes first: a journal of its own with another one's output is refused. */
static bool begin(job *at, const json_t *asked)
{
    return batch_output_open(&at->to, false) && batch_output_cut(&at->to) &&
           journal_begin(&at->log, asked);
}

static bool is_same_file(int one, int other)
{
    struct stat a, b;
    return fstat(one, &a) == 0 && fstat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* Opens journal and output, and finds how far they are. Files of other people are not
 * touched, unless a new beginning is asked for. */
static bool open_job(job *at, const json_t *asked)
{
    const char *name = at->chosen->output;
    if (!journal_open(&at->log, name))
        return false;
    if (is_same_file(fileno(at->log.file), at->in.in.fd)) {
        message("%s: the input is the journal of that output", at->log.path);
        return false;
    }
    if (!at->chosen->restart && !journal_is_ours(&at->log)) {
        message("%s: not the journal of a batch job; --restart overwrites it", at->log.path);
        return false;
    }
    bool exists = batch_output_exists(&at->to), begun = batch_output_begun(&at->to);
    if (at->chosen->restart || (!exists && !begun))
        return begin(at, asked);
    journal_answer answer = journal_compare(&at->log, asked);
    if (answer == JOURNAL_OTHER)
        return false;
    if (answer == JOURNAL_SAME)
        return exists && !begun ? open_finished(at) : open_partial(at);
    /* A journal's first line is on the disk before any answer: torn, it may have been cut
     * by a failure since, but nothing leaves it empty beside answers. */
    if (!exists && !(journal_is_empty(&at->log) && batch_output_has_bytes(&at->to)))
        return begin(at, asked);
    if (!exists)
        name = at->to.partial;
    message("%s exists, and no %s tells where it is from; --restart replaces it", name,
            at->log.path);
    unlink(at->log.path); /* it is empty, and this run's */
    return false;
}

static bool refuse_input(const job *at, const char *how)
{
    message("%s: not the input that %s was begun with: %s; --restart begins anew", at->in.in.name,
            at->to.name, how);
    return false;
}

/* Passes over what is answered, in steps that a signal can end. */
static bool skip_input(job *at)
{
    const uint64_t step = 1 << 16, total = at->wanted.first + at->reached.texts;
    uint64_t passed = 0;
    while (passed < total && !stop_signal) {
        uint64_t before = passed, left = total - passed;
        if (!reader_skip(&at->in, left < step ? left : step, &passed))
            return false;
        if (passed == before)
            return refuse_input(at, "it has fewer lines");
        progress_share(&at->shown, "finding the place", (double)passed / (double)total);
    }
    return !stop_signal;
}

static void note_input(const job *at, char hex[65])
{
    sn_sha256 copy = at->hash;
    sn_sha256_finish(&copy, hex);
}

static bool find_input(job *at)
{
    char hex[65];
    if (!skip_input(at))
        return false;
    note_input(at, hex);
    if (at->reached.texts > at->wanted.count ||
        (at->reached.texts > 0 && strcmp(hex, at->reached.input) != 0))
        return refuse_input(at, "lines that are answered have changed");
    at->in.left = at->wanted.count - at->reached.texts;
    return true;
}

static void count_failures(job *at)
{
    checkpoint *now = &at->reached;
    for (size_t i = 0; i < at->records->count; i++)
        if (at->records->errors[i].code != SENTIMENT_OK && now->failed++ == 0)
            now->first_failed = now->texts + i + 1;
    now->texts += at->records->count;
}

static bool sync_files(job *at)
{
    at->synced = setup_seconds();
    return batch_output_sync(&at->to) && journal_sync(&at->log);
}

static bool note_block(job *at)
{
    at->reached.bytes = at->to.bytes;
    batch_output_digest(&at->to, at->reached.output);
    note_input(at, at->reached.input);
    return journal_add(&at->log, &at->reached) &&
           (setup_seconds() - at->synced < SYNC_SECONDS || sync_files(at));
}

static double share_done(const job *at)
{
    if (at->chosen->shard)
        return (double)at->reached.texts / (double)at->wanted.count;
    return at->in.in.size ? (double)at->in.in.read_bytes / (double)at->in.in.size : -1;
}

/* Answers what is left; true where the end of the input, or the part, was reached. */
static bool answer_all(job *at)
{
    reader_answer answer = READER_END;
    progress_resume(&at->shown, at->reached.texts, share_done(at));
    while (!stop_signal && (answer = reader_next(&at->in, at->records)) == READER_CHUNK) {
        if (stop_signal && at->in.failed)
            break;
        if (!at->handler(at->user, at->records, &at->to.out) || !batch_output_end_block(&at->to))
            return false;
        count_failures(at);
        if (!at->in.failed && !note_block(at))
            return false;
        progress_update(&at->shown, at->reached.texts, share_done(at));
    }
    progress_end(&at->shown);
    if (answer == READER_END && !stop_signal && at->chosen->shard && at->in.left > 0)
        return refuse_input(at, "it has fewer lines");
    return answer == READER_END && !stop_signal;
}

/* All answers are there: says so in the journal, then gives the file its name. */
static bool finish(job *at)
{
    at->reached.done = true;
    return batch_output_end_block(&at->to) && note_block(at) && sync_files(at) &&
           batch_output_rename(&at->to);
}

/* A job that was finished before, up to the name at most: the input must be, too. */
static bool stay_finished(job *at)
{
    reader_answer answer = reader_next(&at->in, at->records);
    if (answer == READER_CHUNK)
        return refuse_input(at, "it has more lines");
    return answer == READER_END && (at->to.open == at->to.name || batch_output_rename(&at->to));
}

/* What becomes of a job that came to no end. */
static void tell_rest(job *at)
{
    if (stop_signal)
        sync_files(at);
    else if (at->in.failed)
        message("line %llu: reading ended there; the answers before it are in %s, and the same "
                "command goes on when the input is whole",
                (unsigned long long)(at->in.line + 1), at->to.partial);
    else
        message("the same command goes on when that is mended");
}

static int tell_end(const job *at, bool good)
{
    const checkpoint *now = &at->reached;
    if (!good && stop_signal) {
        message(at->to.open ? "stopped by a signal; the same command goes on behind text %llu"
                            : "stopped by a signal, before the first text",
                (unsigned long long)now->texts);
        return SIGNAL_STATUS + stop_signal;
    }
    if (!good)
        return EXIT_FAILED;
    if (now->failed > 0)
        message("%llu of %llu texts failed; the first is line %llu of %s",
                (unsigned long long)now->failed, (unsigned long long)now->texts,
                (unsigned long long)now->first_failed, at->to.name);
    return now->failed > 0 && !at->chosen->accept_failures ? EXIT_FAILED : EXIT_DONE;
}

static bool open_input(job *at)
{
    const char *path = at->from->path ? at->from->path : "-";
    if (!reader_open(&at->in, path, at->from->format, false))
        return false;
    at->in.in.stop_fd = stop_pipe[0];
    at->in.hash = &at->hash;
    sn_sha256_start(&at->hash);
    if (batch_output_is(&at->to, at->in.in.fd)) {
        message("%s: input and output are the same file", path);
        return false;
    }
    at->wanted = (range){.count = UINT64_MAX};
    return !at->chosen->shard || range_find(&at->wanted, at->from, at->chosen->index,
                                            at->chosen->shards, &at->shown, &stop_signal);
}

/* What else the answers depend on: how the input is read, and which part. */
static bool add_input(const job *at, json_t *asked)
{
    const char *format = option_choice_name(reader_formats, (int32_t)at->in.format);
    bool good = json_object_set_new(asked, "format", json_string(format)) == 0;
    if (at->chosen->shard) {
        json_t *lines =
            json_pack("[I, I]", (json_int_t)at->wanted.first, (json_int_t)at->wanted.count);
        return good && json_object_set_new(asked, "first_and_count", lines) == 0;
    }
    return good && json_object_set_new(asked, "first_and_count", json_null()) == 0;
}

static void tell_start(const job *at)
{
    const checkpoint *now = &at->reached;
    if (now->done && at->to.open == at->to.name)
        message("%s is complete: %llu texts", at->to.name, (unsigned long long)now->texts);
    else if (now->texts > 0)
        message("%s: going on behind text %llu", at->to.name, (unsigned long long)now->texts);
}

static bool run_job(job *at, json_t *asked)
{
    progress_start(&at->shown, false);
    if (!catch_signals() || !open_input(at))
        return false;
    if (!add_input(at, asked)) {
        message_no_memory();
        return false;
    }
    if (!open_job(at, asked) || !find_input(at))
        return false;
    progress_end(&at->shown);
    tell_start(at);
    if (at->reached.done)
        return stay_finished(at);
    bool good = answer_all(at) && finish(at);
    progress_end(&at->shown);
    if (!good)
        tell_rest(at);
    return good;
}

int batch_run(const batch *chosen, const inputs *from, json_t *asked, batch_handler handler,
              void *user)
{
    int status = EXIT_FAILED;
    job *at = calloc(1, sizeof *at);
    if (at)
        *at = (job){.chosen = chosen,
                    .from = from,
                    .handler = handler,
                    .user = user,
                    .records = chunk_create(),
                    .to = {.fd = -1},
                    .in = {.in = {.fd = -1}}};
    if (!at || !at->records || !asked) {
        if (asked)
            message_no_memory();
    } else if (batch_output_init(&at->to, chosen->output)) {
        bool good = run_job(at, asked);
        progress_end(&at->shown);
        status = tell_end(at, good);
    }
    if (at) {
        reader_close(&at->in);
        batch_output_close(&at->to);
        journal_close(&at->log);
        chunk_free(at->records);
    }
    free(at);
    json_decref(asked);
    return status;
}
