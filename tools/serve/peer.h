/* SPDX-License-Identifier: Apache-2.0
 *
 * What clients without a key are told apart by: their addresses. Whoever has
 * one of IPv6 has 2^64 of them, those of a network: these count as one client. */
#ifndef TOOLS_SERVE_PEER_H
#define TOOLS_SERVE_PEER_H

#include <netinet/in.h>

#define PEER_SIZE INET6_ADDRSTRLEN

struct sockaddr;

/* The address, of IPv6 its first 64 bits; one of IPv4 inside IPv6 is one of IPv4.
 * Empty for other families. */
void peer_name(const struct sockaddr *address, char name[PEER_SIZE]);

#endif
