/* SPDX-License-Identifier: Apache-2.0
 *
 * See default.h. The bundled model lies in models/ beside the library in a
 * build folder and in a Python wheel; `meson install` puts it into a data
 * folder, which is found from the library too, so that a prefix can move. */
#include "model/default.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/place.h"
#include "base/status.h"

#define BUNDLED "sentiment-en.safetensors"

/* From the library's folder: in lib/ or in lib/<architecture>/ of a prefix. */
static const char *const places[] = {"models/" BUNDLED, "../share/sentiment/" BUNDLED,
                                     "../../share/sentiment/" BUNDLED};

static sentiment_status find_bundled(const sn_memory *memory, char **out, sentiment_error *error)
{
    char folder[SN_PLACE_BYTES];
    _Bool known = sn_own_folder(folder, sizeof folder);
    for (size_t i = 0; known && i < sizeof places / sizeof *places; i++) {
        char *path = sn_path_join(memory, folder, places[i]);
        if (!path)
            return sn_fail_memory(error, "a path");
        if (sn_path_exists(path)) {
            *out = path;
            return SENTIMENT_OK;
        }
        sn_free(memory, path);
    }
    if (sn_path_exists(SN_DATA_DIRECTORY "/" BUNDLED)) {
        *out = sn_duplicate(memory, SN_DATA_DIRECTORY "/" BUNDLED,
                            sizeof SN_DATA_DIRECTORY "/" BUNDLED - 1);
        return *out ? SENTIMENT_OK : sn_fail_memory(error, "a path");
    }
    return sn_fail(error, SENTIMENT_ERROR_NOT_FOUND, SN_NO_OFFSET,
                   "no model: $SENTIMENT_MODEL is not set, and there is no %s, %s or %s in %s, nor "
                   "%s/%s",
                   places[0], places[1], places[2], known ? folder : "the library's folder",
                   SN_DATA_DIRECTORY, BUNDLED);
}

sentiment_status sn_default_model(const sn_memory *memory, char **out, sentiment_error *error)
{
    /* secure_getenv: a privileged program reads no file that its caller chose. */
    const char *given = secure_getenv("SENTIMENT_MODEL");
    if (!given || !*given)
        return find_bundled(memory, out, error);
    *out = sn_duplicate(memory, given, strlen(given));
    return *out ? SENTIMENT_OK : sn_fail_memory(error, "a path");
}
