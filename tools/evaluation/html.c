/* SPDX-License-Identifier: Apache-2.0
 *
 * See html.h. */
#include "evaluation/html.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"
#include "utf8.h"

#define SUFFIX ".unfinished-"

static bool fail(const char *path)
{
    message("%s: cannot be written: %s", path, strerror(errno));
    return false;
}

/* Renaming would replace a device by a file. */
static bool is_special(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

bool html_can_write(const char *path)
{
    struct stat status;
    bool exists = stat(path, &status) == 0;
    if (exists && S_ISDIR(status.st_mode))
        errno = EISDIR;
    if (exists && (S_ISDIR(status.st_mode) || access(path, W_OK) != 0))
        return fail(path);
    if (exists && !S_ISREG(status.st_mode))
        return true;
    char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        slash[slash == folder] = 0;
    bool good = folder && access(slash ? folder : ".", W_OK | X_OK) == 0;
    free(folder);
    if (good && !*path) {
        errno = ENOENT;
        good = false;
    }
    return good || fail(path);
}

bool html_file_open(html_file *page, const char *path)
{
    *page = (html_file){.path = path, .out = calloc(1, sizeof *page->out)};
    size_t size = strlen(path) + sizeof SUFFIX + 20;
    page->aside = is_special(path) ? NULL : malloc(size);
    if (!page->out || (!page->aside && !is_special(path))) {
        free(page->out);
        page->out = NULL;
        message_no_memory();
        return false;
    }
    if (page->aside)
        snprintf(page->aside, size, "%s" SUFFIX "%ld", path, (long)getpid());
    page->out->fd = page->aside ? open(page->aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)
                                : open(path, O_WRONLY | O_CLOEXEC);
    if (page->out->fd >= 0)
        return true;
    fail(path);
    free(page->out);
    page->out = NULL;
    return false;
}

bool html_file_save(html_file *page)
{
    if (!emit_flush(page->out)) {
        errno = page->out->error;
        return fail(page->path);
    }
    if (!page->aside)
        return true;
    if (fsync(page->out->fd) != 0 || rename(page->aside, page->path) != 0)
        return fail(page->path);
    free(page->aside);
    page->aside = NULL;
    return true;
}

void html_file_close(html_file *page)
{
    if (page->out) {
        close(page->out->fd);
        if (page->aside)
            unlink(page->aside);
    }
    free(page->aside);
    free(page->out);
    *page = (html_file){0};
}

/* Controls and noncharacters, which HTML does not allow. */
static bool is_allowed(uint32_t character)
{
    bool control = (character < 0x20 && character != '\t' && character != '\n') ||
                   (character >= 0x7F && character < 0xA0);
    bool nothing = (character >= 0xFDD0 && character <= 0xFDEF) || (character & 0xFFFE) == 0xFFFE;
    return !control && !nothing;
}

static const char *entity_of(uint32_t character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void html_text(emit *out, const char *text, size_t size)
{
    while (size > 0) {
        utf8_step step = utf8_next(text, size);
        const char *entity = step.valid ? entity_of(step.character) : NULL;
        if (!step.valid || !is_allowed(step.character))
            emit_bytes(out, "\xEF\xBF\xBD", 3);
        else if (entity)
            emit_bytes(out, entity, strlen(entity));
        else
            emit_bytes(out, text, step.length);
        text += step.length;
        size -= step.length;
    }
}

void html_name(emit *out, const char *text)
{
    html_text(out, text, strlen(text));
}
