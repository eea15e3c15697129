/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings of a session as JSON, and the digest of a model's files: the
 * weights, and where these do not carry everything, tokenizer and config from
 * the same folder. */
#include "asked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sha256.h"

static const char *const beside[] = {"tokenizer.json", "tokenizer.pkl", "config.json"};

/* Adds name and bytes of a file; one that is absent adds nothing where it `may` be. */
static bool add_file(sn_sha256 *hash, const char *path, const char *name, bool may_be_absent)
{
    uint8_t part[1 << 16];
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && may_be_absent)
        return true;
    sn_sha256_add(hash, name, strlen(name) + 1);
    while (fd >= 0 && ((got = read(fd, part, sizeof part)) > 0 || (got < 0 && errno == EINTR)))
        if (got > 0)
            sn_sha256_add(hash, part, (size_t)got);
    if (fd < 0 || got < 0)
        message("%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return fd >= 0 && got == 0;
}

/* Adds `name` of the folder whose path has `length` bytes. */
static bool add_beside(sn_sha256 *hash, const char *path, size_t length, const char *name,
                       bool may_be_absent)
{
    char full[SETUP_PATH_BYTES + 32];
    snprintf(full, sizeof full, "%.*s%s", (int)length, path, name);
    return add_file(hash, full, name, may_be_absent);
}

static bool is_native(const char *path)
{
    size_t length = strlen(path);
    static const char end[] = ".safetensors";
    return length >= sizeof end - 1 && strcmp(path + length - (sizeof end - 1), end) == 0;
}

/* Weights outside of an ONNX file, under the names that its exporters give them. */
static bool add_external(sn_sha256 *hash, const char *path)
{
    static const char *const ends[] = {".data", "_data"};
    char full[SETUP_PATH_BYTES + 32];
    bool good = true;
    for (size_t i = 0; good && i < sizeof ends / sizeof *ends; i++) {
        snprintf(full, sizeof full, "%s%s", path, ends[i]);
        good = add_file(hash, full, ends[i], true);
    }
    return good;
}

static bool digest_model(const char *path, char hex[65])
{
    struct stat status;
    sn_sha256 hash;
    const char *slash = strrchr(path, '/');
    size_t folder = slash ? (size_t)(slash - path) + 1 : 0;
    char inside[SETUP_PATH_BYTES + 1];
    sn_sha256_start(&hash);
    bool directory = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    bool good = directory || (add_file(&hash, path, "weights", false) && add_external(&hash, path));
    if (directory) {
        folder = (size_t)snprintf(inside, sizeof inside, "%s/", path);
        path = inside;
        good = add_beside(&hash, path, folder, "model.pth", false);
    }
    for (size_t i = 0; good && !is_native(path) && i < sizeof beside / sizeof *beside; i++)
        good = add_beside(&hash, path, folder, beside[i], true);
    sn_sha256_finish(&hash, hex);
    return good;
}

json_t *batch_asked(const setup *chosen, const sentiment_session *session, bool explain)
{
    char path[SETUP_PATH_BYTES], model[65];
    sentiment_session_info info = {.struct_size = sizeof info};
    sentiment_error error = {.struct_size = sizeof error};
    if (!setup_model_path(chosen, path, sizeof path) || !digest_model(path, model))
        return NULL;
    if (sentiment_session_get_info(session, &info, &error) != SENTIMENT_OK) {
        message_error(&error);
        return NULL;
    }
    json_t *asked = json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:b, s:b}", "job", 1, "library",
                              sentiment_version(), "model", model, "engine", info.engine_name,
                              "precision", option_choice_name(setup_precisions, info.precision),
                              "max_length", (json_int_t)info.max_length, "explain", explain,
                              "utf8_replace", chosen->utf8_policy == SENTIMENT_UTF8_REPLACE);
    if (asked && info.engine == SENTIMENT_ENGINE_TORCH)
        json_object_set_new(asked, "device", json_string(chosen->device ? chosen->device : "cpu"));
    if (!asked)
        message_no_memory();
    return asked;
}
