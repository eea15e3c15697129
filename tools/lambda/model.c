/* SPDX-License-Identifier: Apache-2.0
 *
 * What comes from S3 lies in /tmp, the one place that a function may write to,
 * until it has been loaded. */
#include "model.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"

#define DIGITS 64

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* The path of the model in the folder of the program; false: it has no room. */
static bool name_packaged(char *path, size_t room)
{
    ssize_t size = readlink("/proc/self/exe", path, room - 1);
    if (size <= 0)
        return false;
    path[size] = '\0';
    char *name = strrchr(path, '/') + 1;
    if ((size_t)(name - path) + sizeof MODEL_NAME > room)
        return false;
    memcpy(name, MODEL_NAME, sizeof MODEL_NAME);
    return true;
}

static bool hash_file(const char *path, char hex[DIGITS + 1])
{
    char block[16384];
    sn_sha256 hash;
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    sn_sha256_start(&hash);
    size_t size;
    while ((size = fread(block, 1, sizeof block, file)) > 0)
        sn_sha256_add(&hash, block, size);
    bool good = !ferror(file);
    fclose(file);
    sn_sha256_finish(&hash, hex);
    return good;
}

static bool check_digest(const char *path, const char *name, char *problem)
{
    const char *wanted = setting("MODEL_SHA256");
    char real[DIGITS + 1];
    if (!wanted)
        return true;
    if (strlen(wanted) != DIGITS || strspn(wanted, "0123456789abcdef") != DIGITS) {
        snprintf(problem, PROBLEM_SIZE,
                 "MODEL_SHA256 is '%.100s': expected 64 lower-case hexadecimal digits", wanted);
        return false;
    }
    if (!hash_file(path, real)) {
        snprintf(problem, PROBLEM_SIZE, "%.600s: cannot be read for its digest: %s", name,
                 strerror(errno));
        return false;
    }
    if (strcmp(wanted, real) == 0)
        return true;
    snprintf(problem, PROBLEM_SIZE, "%.600s: its SHA-256 is %s, MODEL_SHA256 says %s", name, real,
             wanted);
    return false;
}

static sentiment_model *load(const char *path, const char *name, const char **kind, char *problem)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *model = NULL;
    *kind = "Digest";
    if (!check_digest(path, name, problem))
        return NULL;
    *kind = "Load";
    if (sentiment_model_load(path, NULL, &model, &error))
        snprintf(problem, PROBLEM_SIZE, "%.400s: %s", name, error.message);
    return model;
}

static sentiment_model *load_from_s3(transfer *on, const char *uri, const char **kind,
                                     char *problem)
{
    char path[] = "/tmp/sentiment-model-XXXXXX";
    sentiment_model *model = NULL;
    *kind = "Download";
    int descriptor = mkstemp(path);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (!file) {
        snprintf(problem, PROBLEM_SIZE, "/tmp: no file can be made: %s", strerror(errno));
        return NULL;
    }
    bool good = s3_fetch(on, uri, file, problem);
    if (fclose(file) && good) {
        good = false;
        snprintf(problem, PROBLEM_SIZE, "%.600s: cannot be written to /tmp: %s", uri,
                 strerror(errno));
    }
    if (good)
        model = load(path, uri, kind, problem);
    unlink(path);
    return model;
}

sentiment_model *model_open(transfer *on, const char **kind, char problem[PROBLEM_SIZE])
{
    char path[PATH_MAX];
    const char *uri = setting("MODEL_S3_URI"), *given = setting("MODEL_PATH");
    if (uri)
        return load_from_s3(on, uri, kind, problem);
    if (given)
        return load(given, given, kind, problem);
    *kind = "Load";
    if (!name_packaged(path, sizeof path))
        snprintf(problem, PROBLEM_SIZE, "the folder of the program cannot be told");
    else if (access(path, F_OK))
        snprintf(problem, PROBLEM_SIZE, "no model: expected %.600s, MODEL_PATH or MODEL_S3_URI",
                 path);
    else
        return load(path, path, kind, problem);
    return NULL;
}
