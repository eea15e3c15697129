/* SPDX-License-Identifier: Apache-2.0
 *
 * Where this library is on disk: plugins and the bundled model are looked for
 * from there. */
#ifndef SN_BASE_PLACE_H
#define SN_BASE_PLACE_H

#include <stddef.h>

#include "base/memory.h"

/* Room that any folder's name fits into, its NUL included. */
#define SN_PLACE_BYTES 4096

/* The folder of the shared library, or of the program that contains the static
 * one, with '/' at its end. False, and an empty string: the system does not
 * tell, or the name is longer than `capacity`. */
_Bool sn_own_folder(char *out, size_t capacity);

#endif
