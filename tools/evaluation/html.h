/* SPDX-License-Identifier: Apache-2.0
 *
 * A page of HTML on its way to a file: escaping, and a file that is there whole or
 * not at all. */
#ifndef TOOLS_EVALUATION_HTML_H
#define TOOLS_EVALUATION_HTML_H

#include "emit.h"

typedef struct html_file {
    const char *path;
    char *aside; /* what it is called until it is whole; NULL: written in place */
    emit *out;   /* NULL: not open */
} html_file;

/* Whether a file could be made there, as far as can be told without making one; false: the
 * reason went to stderr. Long work should not end at a folder that does not exist. */
bool html_can_write(const char *path);
/* Opens a file beside `path`, or where `path` is a pipe or a device that itself. False:
 * the reason went to stderr; then, too, html_file_close is called. */
bool html_file_open(html_file *page, const char *path);
/* Gives the file its name. False: reported. */
bool html_file_save(html_file *page);
/* Also removes what was not saved. */
void html_file_close(html_file *page);

/* Text in content or a quoted attribute: escaped, and what HTML does not allow, such as
 * control characters, becomes U+FFFD. */
void html_text(emit *out, const char *text, size_t size);
void html_name(emit *out, const char *text);

#endif
