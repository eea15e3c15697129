/* SPDX-License-Identifier: Apache-2.0
 *
 * The binary interface is the one that the bindings were made from: compiling this
 * file checks the layout of every public struct, the value of every constant and the
 * type of every function; running it checks what only the library knows. A change is
 * deliberate: `make bindings` and `make abi` in the commit that gives the reason. */
#include "generated_abi.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(void *) == 8, "the bindings are made for 64-bit machines");

int main(void)
{
    char version[64];
    snprintf(version, sizeof version, "%d.%d.%d", SENTIMENT_VERSION_MAJOR, SENTIMENT_VERSION_MINOR,
             SENTIMENT_VERSION_PATCH);
    if (strcmp(sentiment_version(), version) != 0) {
        fprintf(stderr, "library %s, header %s\n", sentiment_version(), version);
        return 1;
    }
    if (sentiment_abi_version() != SENTIMENT_ABI_VERSION) {
        fprintf(stderr, "ABI of the library %d, of the header %d\n", sentiment_abi_version(),
                SENTIMENT_ABI_VERSION);
        return 1;
    }
    return abi_all.version == sentiment_version ? 0 : 1;
}
