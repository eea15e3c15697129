/* SPDX-License-Identifier: Apache-2.0
 *
 * Addresses of S3, and its answers. Keys are coded as the signature wants them:
 * all bytes but the unreserved ones and the slash. */
#include "s3.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES 3
#define FIRST_PAUSE 200 /* milliseconds; doubles each time */
#define MOST_KEY 1024

/* What a request needs; `error` is the start of an answer that is no object. */
typedef struct request {
    char url[4096], sign[160], keys[600], token[4200];
    struct curl_slist *headers;
    FILE *file;
    CURL *easy;
    bool full; /* the file could not be written */
    transfer_bytes error;
} request;

static const char *variable(const char *name, const char *other)
{
    const char *value = getenv(name);
    if ((!value || !*value) && other)
        value = getenv(other);
    return value ? value : "";
}

static bool is_bucket(const char *name, size_t size)
{
    static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyz-.";
    return size >= 3 && size <= 63 && strspn(name, allowed) >= size && name[0] != '.' &&
           name[0] != '-';
}

/* Percent-codes the key behind what the URL has; false: no room. */
static bool add_key(char *url, size_t room, const char *key)
{
    static const char kept[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "-_.~/";
    size_t at = strlen(url);
    for (; *key; key++) {
        if (at + 4 > room)
            return false;
        if (strchr(kept, *key))
            url[at++] = *key;
        else
            at += (size_t)snprintf(url + at, 4, "%%%02X", (unsigned char)*key);
        url[at] = '\0';
    }
    return true;
}

/* The object's address: in the bucket's own host, or in the path where the endpoint is
 * given or a dot in the bucket's name would not match the certificate. */
static bool make_url(char *url, size_t room, const char *uri, const char *region)
{
    const char *bucket = uri + strlen("s3://"), *slash = strchr(bucket, '/');
    int size = (int)(slash - bucket);
    const char *endpoint = variable("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
    const char *domain = strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
    int wrote;
    if (*endpoint) {
        size_t length = strlen(endpoint);
        length -= endpoint[length - 1] == '/';
        wrote = snprintf(url, room, "%.*s/%.*s/", (int)length, endpoint, size, bucket);
    } else if (memchr(bucket, '.', (size_t)size)) {
        wrote = snprintf(url, room, "https://s3.%s.%s/%.*s/", region, domain, size, bucket);
    } else {
        wrote = snprintf(url, room, "https://%.*s.s3.%s.%s/", size, bucket, region, domain);
    }
    return wrote > 0 && (size_t)wrote < room && add_key(url, room, slash + 1);
}

static bool check_uri(const char *uri, char *problem)
{
    const char *bucket = strncmp(uri, "s3://", 5) == 0 ? uri + 5 : "";
    const char *slash = strchr(bucket, '/');
    if (slash && slash[1] && is_bucket(bucket, (size_t)(slash - bucket)) &&
        strlen(slash + 1) <= MOST_KEY)
        return true;
    snprintf(problem, PROBLEM_SIZE, "MODEL_S3_URI is '%.200s': expected s3://BUCKET/KEY", uri);
    return false;
}

static bool make_request(request *ask, const char *uri, char *problem)
{
    const char *region = variable("AWS_REGION", "AWS_DEFAULT_REGION");
    const char *id = variable("AWS_ACCESS_KEY_ID", NULL);
    const char *secret = variable("AWS_SECRET_ACCESS_KEY", NULL);
    const char *token = variable("AWS_SESSION_TOKEN", NULL);
    if (!*region || !*id || !*secret) {
        snprintf(problem, PROBLEM_SIZE,
                 "%.200s: AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set",
                 uri);
        return false;
    }
    int sign = snprintf(ask->sign, sizeof ask->sign, "aws:amz:%s:s3", region);
    int keys = snprintf(ask->keys, sizeof ask->keys, "%s:%s", id, secret);
    int long_token = snprintf(ask->token, sizeof ask->token, "X-Amz-Security-Token: %s", token);
    if (sign >= (int)sizeof ask->sign || keys >= (int)sizeof ask->keys ||
        long_token >= (int)sizeof ask->token || !make_url(ask->url, sizeof ask->url, uri, region)) {
        snprintf(problem, PROBLEM_SIZE, "%.200s: its address, region or keys are too long", uri);
        return false;
    }
    /* The digest of no body. */
    ask->headers =
        curl_slist_append(NULL, "x-amz-content-sha256: "
                                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    if (*token && ask->headers)
        curl_slist_append(ask->headers, ask->token);
    return ask->headers != NULL;
}

/* Where systems keep the certificates that they trust: Amazon's first. */
static const char *find_certificates(void)
{
    static const char *const places[] = {"/etc/pki/tls/certs/ca-bundle.crt",
                                         "/etc/ssl/certs/ca-certificates.crt",
                                         "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"};
    const char *given = variable("AWS_CA_BUNDLE", "SSL_CERT_FILE");
    if (*given)
        return given;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (access(places[i], R_OK) == 0)
            return places[i];
    }
    return NULL;
}

static size_t take(char *data, size_t size, size_t count, void *given)
{
    request *ask = given;
    long status = 0;
    curl_easy_getinfo(ask->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return transfer_collect(data, size, count, &ask->error);
    ask->full = fwrite(data, size, count, ask->file) != count;
    return ask->full ? 0 : size * count;
}

static int ask_once(transfer *on, request *ask)
{
    CURL *easy = ask->easy = transfer_prepare(on, ask->url);
    const char *certificates = find_certificates();
    ask->error.size = 0;
    curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, ask->sign);
    curl_easy_setopt(easy, CURLOPT_USERPWD, ask->keys);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, ask->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, ask);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    /* One that stands still, not one that is slow. */
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, 5L);
    if (certificates)
        curl_easy_setopt(easy, CURLOPT_CAINFO, certificates);
    return transfer_run(on);
}

/* What S3 calls the error in its XML: between <Code> and <. */
static void tell_refusal(const request *ask, long status, const char *uri, char *problem)
{
    const char *code = ask->error.size ? strstr(ask->error.data, "<Code>") : NULL;
    size_t size = code ? strcspn(code + 6, "<") : 0;
    const char *hint = status == 403   ? "; may the function's role s3:GetObject it?"
                       : status == 404 ? "; is there such an object?"
                       : status == 301 || status == 400
                           ? "; is the bucket in the region of the function?"
                           : "";
    snprintf(problem, PROBLEM_SIZE, "%.600s: S3 answered %ld %.*s%s", uri, status,
             (int)(size < 80 ? size : 80), code ? code + 6 : "", hint);
}

/* True: there is an answer, or no use in another try; false: try again. */
static bool try_once(transfer *on, request *ask, const char *uri, bool *good, char *problem)
{
    int code = ask_once(on, ask);
    long status = code ? 0 : transfer_status(on);
    *good = code == 0 && status == 200;
    if (*good)
        return true;
    if (code == TRANSFER_STOPPED)
        snprintf(problem, PROBLEM_SIZE, "%.600s: stopped", uri);
    else if (ask->full)
        snprintf(problem, PROBLEM_SIZE, "%.600s: cannot be written to /tmp, is it full?", uri);
    else if (code)
        snprintf(problem, PROBLEM_SIZE, "%.600s: %s", uri, on->error);
    else
        tell_refusal(ask, status, uri, problem);
    bool again = code > 0 ? !ask->full : status == 429 || status >= 500;
    return !again || code == TRANSFER_STOPPED;
}

bool s3_fetch(transfer *on, const char *uri, FILE *file, char problem[PROBLEM_SIZE])
{
    bool good = false;
    int pause = FIRST_PAUSE;
    if (!check_uri(uri, problem))
        return false;
    request *ask = calloc(1, sizeof *ask);
    snprintf(problem, PROBLEM_SIZE, "%.600s: out of memory", uri);
    if (!ask)
        return false;
    ask->file = file;
    ask->error.most = 4096;
    if (!make_request(ask, uri, problem))
        goto out;
    for (int tried = 1; !try_once(on, ask, uri, &good, problem) && tried < TRIES; tried++) {
        rewind(file);
        if (ftruncate(fileno(file), 0) || transfer_pause(on, pause))
            break;
        pause *= 2;
    }
out:
    curl_slist_free_all(ask->headers);
    free(ask->error.data);
    free(ask);
    return good;
}
