/* SPDX-License-Identifier: Apache-2.0
 *
 * The texts of one request on their way from a connection through the batcher
 * and back. A job belongs to its loop; while the batcher has it, the loop
 * touches only `connection`, and the batcher everything else. Its memory is
 * kept for the next request. */
#ifndef TOOLS_SERVE_JOB_H
#define TOOLS_SERVE_JOB_H

#include <sentiment/sentiment.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry.h"

struct connection;
struct loop;
struct job;

/* Bytes that make a token of an estimate: a short word and its space. */
#define JOB_TOKEN_BYTES 4
/* Tokens up to which a text counts as one: the guide's max_length. */
#define JOB_UNIT 512

/* Writes the answer of a finished job to its connection, which is there. */
typedef void (*job_answer_fn)(struct connection *connection, struct job *job);

/* What each token of a text added, for jobs that ask for it. */
typedef struct job_explanation {
    size_t length, capacity; /* tokens */
    float *bias;             /* [classes] */
    float *logits;           /* [classes] */
    float *contributions;    /* [length][classes] */
    uint64_t *starts, *ends; /* [length] */
} job_explanation;

typedef struct job {
    struct job *next, *previous; /* in the batcher's queue, or in a list of the loop's */
    struct loop *loop;
    struct connection *connection; /* NULL: the client is gone */
    job_answer_fn answer;
    serve_version *version; /* pinned */
    serve_version *shadow;  /* that is to see the texts when they are answered; pinned */
    bool is_shadow;         /* it is there, and nobody waits */
    int32_t *expected;      /* [count]: what was answered, while is_shadow */
    size_t classes;

    char *text; /* the texts, one behind the other */
    size_t text_size, text_capacity;
    size_t count, capacity; /* texts */
    uint64_t *offsets;      /* [count + 1] */
    uint32_t *max_lengths;  /* [count]; 0: the model's */
    uint32_t model_length;  /* the model's; 0: not known */
    bool pads;              /* it computes that many tokens of a shorter text, too */
    sentiment_result *results;
    float *probabilities; /* [count][classes] */
    size_t probabilities_capacity;
    bool explains; /* instead of predicting; one text */
    job_explanation why;
    sentiment_status status; /* of the job as a whole */
    uint32_t hits;           /* texts whose answer came from the cache */

    size_t claimed, done; /* texts that workers took, and finished */
    unsigned slices;      /* workers that have some of them */
    bool queued, cancelled;
    uint64_t received, queued_at, started, finished; /* nanoseconds */

    bool forbid_truncation; /* for the answer */
    bool many;              /* asked for as a list */
    uint32_t outputs;       /* bits of what is asked for */
    size_t id_size;         /* of a protocol's own request id */
    char id[128];
} job;

/* An empty job; NULL: no memory. */
job *job_create(struct loop *loop);
/* Empties it for the next request, gives back what was large, and its version. */
void job_reset(job *work);
void job_free(job *work);
/* Appends a text; false: no memory. */
bool job_add(job *work, const char *text, size_t size, uint32_t max_length);
/* What `count` of its texts from `first` on cost, in texts of up to JOB_UNIT tokens; at
 * least 1 each. Tokens are estimated from bytes. */
size_t job_units(const job *work, size_t first, size_t count);
/* Room for the results of its texts with so many classes; false: no memory. */
bool job_prepare(job *work, size_t classes);

/* A clock that does not go back. */
uint64_t job_now(void);

#endif
