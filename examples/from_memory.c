/* SPDX-License-Identifier: Apache-2.0
 *
 * A model from memory: the bytes of a native file stay the program's, wherever it has
 * them from (here a mapped file), until the library says that it needs them no more.
 *
 *     ./from_memory MODEL.safetensors "I love this product!"
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sentiment/sentiment.h>

static void release(void *user, const void *data, size_t size)
{
    (void)data;
    munmap(user, size);
}

/* The file's bytes, which must not change while they are in use; NULL: errno. */
static void *map(const char *path, size_t *size)
{
    struct stat status;
    int file = open(path, O_RDONLY);
    void *bytes = MAP_FAILED;
    if (file >= 0 && fstat(file, &status) == 0) {
        *size = (size_t)status.st_size;
        bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, file, 0);
    }
    if (file >= 0)
        close(file);
    return bytes == MAP_FAILED ? NULL : bytes;
}

int main(int argc, char **argv)
{
    size_t size = 0;
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_result result = {.struct_size = sizeof result};
    sentiment_model *model = NULL;
    sentiment_session *session = NULL;
    void *bytes = argc == 3 ? map(argv[1], &size) : NULL;

    if (!bytes)
        return argc == 3 ? perror(argv[1]), 1 : (fputs("usage: MODEL TEXT\n", stderr), 2);
    int failed = sentiment_model_load_borrowed(bytes, size, release, bytes, NULL, &model, &error);
    if (failed)
        munmap(bytes, size); /* still ours */
    failed = failed || sentiment_session_create(model, NULL, &session, &error) ||
             sentiment_session_predict(session, argv[2], strlen(argv[2]), 0, &result, NULL, NULL,
                                       &error);
    printf("%s\n", failed ? error.message : sentiment_model_get_label(model, result.prediction));
    sentiment_session_free(session);
    sentiment_model_free(model); /* the last reference: release is called */
    return failed;
}
