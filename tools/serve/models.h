/* SPDX-License-Identifier: Apache-2.0
 *
 * Bringing models into service: what to load, in which order, and the step that
 * makes a loaded version answer requests. What fails leaves what is serving as it
 * was. Any thread that may block may call it; one change is made at a time. */
#ifndef TOOLS_SERVE_MODELS_H
#define TOOLS_SERVE_MODELS_H

#include "server.h"

/* Loads what the settings name. What fails of a folder is logged, and an error where
 * nothing of it can be served. */
sentiment_status models_load(server *own, sentiment_error *error);
/* Reads the folder or the file again: new versions, labels that changed, models
 * that went. Every model that can be taken over is; the first failure is told. */
sentiment_status models_reload(server *own, sentiment_error *error);

/* Loads a version, warms it and gives it a label; stable or share of canary and
 * shadow. */
sentiment_status models_label(server *own, const char *name, const char *version,
                              serve_registry_label label, double share, sentiment_error *error);
/* The other changes of labels. */
sentiment_status models_clear(server *own, const char *name, serve_registry_label label,
                              sentiment_error *error);
sentiment_status models_rollback(server *own, const char *name, sentiment_error *error);
sentiment_status models_unload(server *own, const char *name, sentiment_error *error);

/* Copies the drift of all versions into the metrics. */
void models_publish_drift(const server *own);

#endif
