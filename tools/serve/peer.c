/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of clients from their addresses. */
#include "peer.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

void peer_name(const struct sockaddr *address, char name[PEER_SIZE])
{
    struct in6_addr wide;
    name[0] = 0;
    if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, name,
                  PEER_SIZE);
        return;
    }
    if (address->sa_family != AF_INET6)
        return;
    wide = ((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&wide)) {
        inet_ntop(AF_INET, wide.s6_addr + 12, name, PEER_SIZE);
        return;
    }
    memset(wide.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &wide, name, PEER_SIZE);
}
