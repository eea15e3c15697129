/* SPDX-License-Identifier: Apache-2.0
 *
 * The multi interface runs a single handle: it can wait for the connection and
 * for the signal at once, which the easy one cannot. */
#include "transfer.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

bool transfer_open(transfer *on, int stop)
{
    *on = (transfer){.stop = stop};
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return false;
    on->multi = curl_multi_init();
    on->easy = curl_easy_init();
    if (on->multi && on->easy)
        return true;
    transfer_close(on);
    return false;
}

void transfer_close(transfer *on)
{
    curl_easy_cleanup(on->easy);
    curl_multi_cleanup(on->multi);
    curl_global_cleanup();
    *on = (transfer){.stop = on->stop};
}

CURL *transfer_prepare(transfer *on, const char *url)
{
    curl_easy_reset(on->easy);
    on->error[0] = '\0';
    curl_easy_setopt(on->easy, CURLOPT_URL, url);
    curl_easy_setopt(on->easy, CURLOPT_ERRORBUFFER, on->error);
    curl_easy_setopt(on->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(on->easy, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    curl_easy_setopt(on->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(on->easy, CURLOPT_USERAGENT, "libsentiment-lambda");
    return on->easy;
}

/* Goes on as far as it can without waiting; true: there is an end, `code` is how. */
static bool step(transfer *on, int *code)
{
    int running = 0, left = 0;
    if (curl_multi_perform(on->multi, &running)) {
        *code = CURLE_FAILED_INIT;
        return true;
    }
    if (running > 0)
        return false;
    const CURLMsg *message = curl_multi_info_read(on->multi, &left);
    *code = message ? (int)message->data.result : CURLE_FAILED_INIT;
    return true;
}

/* Waits for the connection; true: SIGTERM came, and counts. */
static bool wait_for_more(transfer *on)
{
    struct curl_waitfd stop = {.fd = on->stop, .events = CURL_WAIT_POLLIN};
    curl_multi_poll(on->multi, &stop, on->deaf ? 0 : 1, 1000, NULL);
    return stop.revents != 0;
}

int transfer_run(transfer *on)
{
    int code = CURLE_FAILED_INIT;
    bool stopped = false;
    if (curl_multi_add_handle(on->multi, on->easy))
        return code;
    /* An answer that came together with the signal still counts. */
    bool ended = step(on, &code);
    while (!ended && !stopped) {
        stopped = wait_for_more(on);
        ended = step(on, &code);
    }
    if (!ended)
        code = TRANSFER_STOPPED;
    curl_multi_remove_handle(on->multi, on->easy);
    if (code > 0 && !on->error[0])
        strncpy(on->error, curl_easy_strerror((CURLcode)code), sizeof on->error - 1);
    return code;
}

long transfer_status(transfer *on)
{
    long status = 0;
    curl_easy_getinfo(on->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

bool transfer_pause(const transfer *on, int milliseconds)
{
    struct pollfd stop = {.fd = on->stop, .events = POLLIN};
    return poll(&stop, on->deaf ? 0 : 1, milliseconds) > 0;
}

/* Room for `more` bytes and a NUL; false: no memory. */
static bool grow(transfer_bytes *bytes, size_t more)
{
    if (bytes->capacity - bytes->size > more)
        return true;
    size_t capacity = bytes->capacity ? bytes->capacity : 4096;
    while (capacity - bytes->size <= more)
        capacity *= 2;
    char *data = realloc(bytes->data, capacity);
    if (!data)
        return false;
    bytes->data = data;
    bytes->capacity = capacity;
    return true;
}

size_t transfer_collect(char *data, size_t size, size_t count, void *given)
{
    transfer_bytes *bytes = given;
    size_t more = size * count;
    if (bytes->too_large || more > bytes->most - bytes->size) {
        bytes->too_large = true;
        return more;
    }
    if (!grow(bytes, more))
        return 0;
    memcpy(bytes->data + bytes->size, data, more);
    bytes->size += more;
    bytes->data[bytes->size] = '\0';
    return more;
}
