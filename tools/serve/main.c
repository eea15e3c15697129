/* SPDX-License-Identifier: Apache-2.0
 *
 * sentiment-serve, which `sentiment serve` runs: a program of its own, so that
 * the command stays free of libevent and OpenSSL. */
#include <string.h>
#include <unistd.h>

#include "health_check.h"
#include "server.h"

int main(int argc, char **argv)
{
    static emit to = {.fd = STDOUT_FILENO};
    config settings;
    int status = EXIT_DONE;
    (void)argc;
    bool go_on = config_read(&settings, argv + 1, &to, &status);
    if (go_on && settings.health_check)
        status = health_check_run(&settings, &to);
    if (!emit_flush(&to)) {
        message("standard output: %s", strerror(to.error));
        status = EXIT_FAILED;
    } else if (go_on && !settings.health_check) {
        status = server_run(&settings);
    }
    config_free(&settings);
    return status;
}
