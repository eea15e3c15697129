/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP exchange at a time over libcurl, with bounds, which SIGTERM ends.
 * Its users, the Runtime API and S3, prepare the handle and read the answer. */
#ifndef TOOLS_LAMBDA_TRANSFER_H
#define TOOLS_LAMBDA_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes that grow up to a bound. */
typedef struct transfer_bytes {
    char *data;
    size_t size, capacity, most;
    bool too_large; /* what came after `most` was dropped */
} transfer_bytes;

typedef struct transfer {
    CURLM *multi;
    CURL *easy;
    int stop;  /* a descriptor that is readable once SIGTERM came */
    bool deaf; /* SIGTERM has to wait: an answer is on its way */
    char error[CURL_ERROR_SIZE];
} transfer;

/* Of transfer_run, beside the codes of libcurl. */
enum { TRANSFER_STOPPED = -1 };

bool transfer_open(transfer *on, int stop);
void transfer_close(transfer *on);
/* The handle with the defaults of both users and this URL; the connection stays open. */
CURL *transfer_prepare(transfer *on, const char *url);
/* Runs it to its end: a CURLcode, or TRANSFER_STOPPED. */
int transfer_run(transfer *on);
/* Status of the last answer. */
long transfer_status(transfer *on);
/* Waits; true: SIGTERM came, before or meanwhile, and counts. */
bool transfer_pause(const transfer *on, int milliseconds);
/* A write function of libcurl for transfer_bytes. */
size_t transfer_collect(char *data, size_t size, size_t count, void *bytes);

#endif
