/* SPDX-License-Identifier: Apache-2.0
 *
 * What all routes that infer have in common: a job for a version of a model,
 * texts that are not too long nor too many, admission, and what is said when a
 * text has no answer. */
#ifndef TOOLS_SERVE_INFER_H
#define TOOLS_SERVE_INFER_H

#include <jansson.h>

#include "connection.h"
#include "served.h"

/* The version that this request is to be answered by, pinned; NULL after an
 * answer (503: none is loaded, 404: no such model). `name` NULL: the default. */
serve_version *infer_version(connection *client, const char *name, const char *version);
/* A member that names a model or version; absent or null: NULL. False after an
 * answer: it is no string (400), or no such name can exist (404). */
bool infer_name(connection *client, const json_t *root, const char *key, const char **name);
/* A job for the request, by infer_version; NULL after an answer. */
job *infer_job(connection *client, const char *name, const char *version, job_answer_fn answer);
/* Gives back a job that is not submitted. */
void infer_drop(connection *client, job *work);
/* Adds a text, number `index` of a list or -1; false after an answer: it is too long, or
 * may be used beyond what the server allows. */
bool infer_add(connection *client, job *work, const char *text, size_t size, uint32_t max_length,
               long index);
/* Checks that a list has not too many texts; false after an answer. */
bool infer_count(connection *client, size_t count);
/* Who sends: the name of its key, else its address. */
const char *infer_client(const connection *client);
/* Asks the client's rate, then queues the job. Answers in any case. */
void infer_submit(connection *client, job *work);

/* Whether all texts have answers; else the first failure has been answered. */
bool infer_check(connection *client, const job *work);
/* Fields of the head that tell of the job: version, times, cache. */
void infer_fields(connection *client, const job *work);
/* Lines in the log, a text each; and the answers are remembered for feedback. */
void infer_note(connection *client, const job *work);
/* `"flags":["empty",...]` of a text, without the key. */
void infer_flags(out *to, uint32_t flags);

#endif
