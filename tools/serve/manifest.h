/* SPDX-License-Identifier: Apache-2.0
 *
 * manifest.json of a version: which files it is made of, with their digests.
 *
 * {"format": "safetensors", "file": "model.safetensors", "sha256": "<64 hex digits>",
 *  "files": {"config.json": "<64 hex digits>"}, "lineage": [{"action": "train"}]}
 *
 * `format` is "safetensors", "onnx" or "folder" (the guide's three files; `file` is then
 * model.pth and may be left out). `files` holds whatever else is read: the tokenizer
 * and config of a folder or an ONNX model. `lineage` is an array of objects, as in the
 * model's own metadata. `name` and `version`, where they are there, must be those of
 * the folders. Other keys are somebody else's. */
#ifndef TOOLS_SERVE_MANIFEST_H
#define TOOLS_SERVE_MANIFEST_H

#include <sentiment/sentiment.h>

#include <stddef.h>

#include "registry.h"

#define SERVE_MANIFEST_NAME "manifest.json"
/* Bytes of a manifest, and files besides the weights. */
#define SERVE_MANIFEST_LIMIT ((size_t)1 << 20)
#define SERVE_MANIFEST_FILES 16

typedef struct serve_manifest_file {
    char name[SERVE_REGISTRY_NAME_LIMIT + 1];
    char sha256[65]; /* lower case */
} serve_manifest_file;

typedef struct serve_manifest {
    char format[16];
    size_t count;
    serve_manifest_file files[1 + SERVE_MANIFEST_FILES]; /* first the weights */
    char name[SERVE_REGISTRY_NAME_LIMIT + 1];            /* "": not said */
    char version[SERVE_REGISTRY_NAME_LIMIT + 1];
    char *lineage; /* JSON in one line; NULL: not said */
} serve_manifest;

/* BAD_MODEL with what is wrong, or OUT_OF_MEMORY; `manifest` is then empty. */
sentiment_status serve_manifest_parse(const char *text, size_t size, serve_manifest *manifest,
                                      sentiment_error *error);
/* Frees what a manifest holds and empties it; NULL and an empty one are fine. */
void serve_manifest_clear(serve_manifest *manifest);
/* Whether a file is part of the version: the manifest itself, or one that it lists. */
_Bool serve_manifest_lists(const serve_manifest *manifest, const char *name);

#endif
