/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening the listening socket: a name or address, IPv4 or IPv6. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"

#define BACKLOG 1024

static int try_address(const struct addrinfo *address)
{
    const int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

int listen_open(const char *host, uint32_t port)
{
    char service[12];
    struct addrinfo wanted = {.ai_family = AF_UNSPEC,
                              .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    snprintf(service, sizeof service, "%u", (unsigned)port);
    int wrong = getaddrinfo(host, service, &wanted, &found);
    if (wrong) {
        message("serve: %s: %s", host, gai_strerror(wrong));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *address = found; address && fd < 0; address = address->ai_next)
        fd = try_address(address);
    if (fd < 0)
        message("serve: cannot listen on %s port %u: %s", host, (unsigned)port, strerror(errno));
    freeaddrinfo(found);
    return fd;
}

/* The first of the manager's sockets; they begin at 3. */
#define MANAGED 3

static bool is_managed(void)
{
    const char *process = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    return process && count && strtol(process, NULL, 10) == (long)getpid() &&
           strtol(count, NULL, 10) >= 1;
}

int listen_inherited(void)
{
    int listening = 0;
    socklen_t size = sizeof listening;
    if (!is_managed() ||
        getsockopt(MANAGED, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening)
        return -1;
    fcntl(MANAGED, F_SETFD, FD_CLOEXEC);
    fcntl(MANAGED, F_SETFL, fcntl(MANAGED, F_GETFL) | O_NONBLOCK);
    return MANAGED;
}

void listen_end(int fd)
{
    if (fd != MANAGED || !is_managed())
        shutdown(fd, SHUT_RD);
}

void listen_name(int fd, char *name, size_t size)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char host[NI_MAXHOST], service[NI_MAXSERV];
    snprintf(name, size, "unknown");
    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo((struct sockaddr *)&address, length, host, sizeof host, service, sizeof service,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return;
    snprintf(name, size, address.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, service);
}
