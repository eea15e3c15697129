/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that are part of the program; embed.py makes them arrays. */
#ifndef TOOLS_SERVE_DOCUMENTS_H
#define TOOLS_SERVE_DOCUMENTS_H

#include <stddef.h>

extern const char document_openapi[];
extern const size_t document_openapi_size;
extern const char document_page[];
extern const size_t document_page_size;
/* The value of its Content-Security-Policy. */
extern const char document_page_policy[];

#endif
