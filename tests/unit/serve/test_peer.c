/* SPDX-License-Identifier: Apache-2.0
 *
 * tools/serve/peer.c: which addresses are one client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "serve/peer.h"

static void is(const char *given, const char *expected)
{
    char name[PEER_SIZE] = "x";
    struct sockaddr_in narrow = {.sin_family = AF_INET, .sin_port = 1};
    struct sockaddr_in6 wide = {.sin6_family = AF_INET6, .sin6_port = 1};
    if (inet_pton(AF_INET, given, &narrow.sin_addr) == 1) {
        peer_name((struct sockaddr *)&narrow, name);
    } else {
        assert_int_equal(inet_pton(AF_INET6, given, &wide.sin6_addr), 1);
        peer_name((struct sockaddr *)&wide, name);
    }
    assert_string_equal(name, expected);
}

static void names_addresses(void **state)
{
    (void)state;
    is("192.0.2.7", "192.0.2.7");
    is("255.255.255.255", "255.255.255.255");
    is("::ffff:192.0.2.7", "192.0.2.7");
}

static void names_networks(void **state)
{
    (void)state;
    is("2001:db8:1:2::1", "2001:db8:1:2::");
    is("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::");
    is("2001:db8:1:3::1", "2001:db8:1:3::");
    is("::1", "::");
}

static void names_nothing_else(void **state)
{
    (void)state;
    char name[PEER_SIZE] = "x";
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    peer_name((struct sockaddr *)&local, name);
    assert_string_equal(name, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_addresses),
        cmocka_unit_test(names_networks),
        cmocka_unit_test(names_nothing_else),
    };
    return cmocka_run_group_tests_name("serve peer", tests, NULL, NULL);
}
