/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment serve: runs the program sentiment-serve in its place, from beside
 * this one (a build folder) or from libexec (installed). It does nothing else:
 * the server needs libraries that the command does not. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "message.h"

#define PATH_BYTES 4096

/* The folder of this program with the slash behind it; false: unknown. An empty one
 * would run what lies in the current folder. */
static bool own_folder(char *path, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", path, size);
    if (length <= 0 || (size_t)length >= size || path[0] != '/')
        return false;
    path[length] = 0;
    strrchr(path, '/')[1] = 0;
    return true;
}

int command_serve(char **argv, emit *out)
{
    static const char *const places[] = {"sentiment-serve", "../libexec/sentiment/sentiment-serve"};
    char folder[PATH_BYTES], path[PATH_BYTES * 2];
    size_t count = 0;
    if (!own_folder(folder, sizeof folder)) {
        message("serve: /proc/self/exe does not tell where sentiment-serve is");
        return EXIT_FAILED;
    }
    while (argv[count])
        count++;
    char **words = calloc(count + 2, sizeof *words);
    if (!words)
        return message_no_memory();
    memcpy(words + 1, argv, count * sizeof *words);
    emit_flush(out);
    int reason = ENOENT;
    for (size_t i = 0; i < sizeof places / sizeof *places && reason == ENOENT; i++) {
        snprintf(path, sizeof path, "%s%s", folder, places[i]);
        words[0] = path;
        execv(path, words);
        reason = errno;
    }
    free(words);
    if (reason == ENOENT)
        message("serve: there is neither %s%s nor %s%s: built without libevent or OpenSSL?", folder,
                places[0], folder, places[1]);
    else
        message("serve: %s: %s", path, strerror(reason));
    return EXIT_FAILED;
}
