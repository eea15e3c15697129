/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two files of the Open Inference Protocol share. */
#ifndef TOOLS_SERVE_V2_H
#define TOOLS_SERVE_V2_H

#include "connection.h"
#include "registry.h"

enum { V2_PREDICTION, V2_CONFIDENCE, V2_PROBABILITIES, V2_LABEL, V2_OUTPUTS };

typedef struct v2_output {
    const char *name, *type;
} v2_output;

extern const v2_output v2_outputs[V2_OUTPUTS];

typedef struct v2_name {
    char name[SERVE_REGISTRY_NAME_LIMIT + 1], version[SERVE_REGISTRY_NAME_LIMIT + 1];
    bool has_version;
} v2_name;

/* Model and version out of the path; false after an answer. */
bool v2_names(connection *client, v2_name *names);

#endif
