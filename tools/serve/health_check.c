/* SPDX-License-Identifier: Apache-2.0
 *
 * One request to a server on this machine, over TLS where it serves that. Its
 * certificate is not held against anything: the question is whether the server
 * answers, and it stays on the loopback interface unless --host names another. */
#include "health_check.h"

#include <errno.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* For each step: connecting, and every piece of the answer. */
#define PATIENCE 5
#define ANSWER_BYTES 8192

typedef struct talk {
    int fd;
    SSL_CTX *context;
    SSL *secure; /* NULL: no TLS */
} talk;

static int try_address(const struct addrinfo *address)
{
    const struct timeval patience = {.tv_sec = PATIENCE};
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

/* A server that listens on all addresses is asked on the loopback one. */
static int open_socket(const config *settings)
{
    const char *host = settings->host;
    bool any = strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    char service[12];
    struct addrinfo wanted = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    snprintf(service, sizeof service, "%u", (unsigned)settings->port);
    int wrong = getaddrinfo(any ? NULL : host, service, &wanted, &found);
    if (wrong) {
        message("serve: --health-check: %s: %s", host, gai_strerror(wrong));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *address = found; address && fd < 0; address = address->ai_next)
        fd = try_address(address);
    if (fd < 0)
        message("serve: --health-check: no server at %s port %s: %s", any ? "localhost" : host,
                service, strerror(errno));
    freeaddrinfo(found);
    return fd;
}

static bool begin_tls(talk *with)
{
    with->context = SSL_CTX_new(TLS_client_method());
    with->secure = with->context ? SSL_new(with->context) : NULL;
    if (with->secure && SSL_set_fd(with->secure, with->fd) == 1 && SSL_connect(with->secure) == 1)
        return true;
    message("serve: --health-check: no TLS with the server");
    return false;
}

static bool send_request(talk *with)
{
    static const char request[] =
        "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    const int size = sizeof request - 1;
    bool sent = with->secure ? SSL_write(with->secure, request, size) == size
                             : send(with->fd, request, (size_t)size, MSG_NOSIGNAL) == size;
    if (!sent)
        message("serve: --health-check: the server takes no request");
    return sent;
}

/* The answer up to its end, or as much as there is room and time for. */
static void read_answer(talk *with, char answer[ANSWER_BYTES])
{
    const time_t end = time(NULL) + 2 * PATIENCE;
    size_t used = 0;
    while (used < ANSWER_BYTES - 1 && time(NULL) < end) {
        int room = (int)(ANSWER_BYTES - 1 - used);
        ssize_t count = with->secure ? SSL_read(with->secure, answer + used, room)
                                     : recv(with->fd, answer + used, (size_t)room, 0);
        if (count <= 0)
            break;
        used += (size_t)count;
    }
    answer[used] = 0;
}

/* Prints the body. */
static int judge(const char *answer, emit *to)
{
    static const char good[] = "HTTP/1.1 200 ";
    const char *body = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, good, sizeof good - 1) == 0 && body) {
        emit_bytes(to, body + 4, strlen(body + 4));
        emit_bytes(to, "\n", 1);
        return EXIT_DONE;
    }
    if (answer[0])
        message("serve: --health-check: the server answers %.*s%s%s", (int)strcspn(answer, "\r\n"),
                answer, body ? ": " : "", body ? body + 4 : "");
    else
        message("serve: --health-check: no answer within %d seconds", PATIENCE);
    return EXIT_FAILED;
}

int health_check_run(const config *settings, emit *to)
{
    char answer[ANSWER_BYTES] = "";
    /* A server that closes first is an error of a call, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    talk with = {.fd = open_socket(settings)};
    int status = EXIT_FAILED;
    if (with.fd >= 0 && (!settings->tls_key || begin_tls(&with)) && send_request(&with)) {
        read_answer(&with, answer);
        status = judge(answer, to);
    }
    SSL_free(with.secure);
    SSL_CTX_free(with.context);
    if (with.fd >= 0)
        close(with.fd);
    return status;
}
