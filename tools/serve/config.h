/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings of the server. Each is a flag, an environment variable and a line
 * of a file by the same name; a flag beats the environment, which beats the
 * file, which beats the default. */
#ifndef TOOLS_SERVE_CONFIG_H
#define TOOLS_SERVE_CONFIG_H

#include "setup.h"

typedef struct config {
    setup model; /* its threads are those for inference; 0: from the processors */
    const char *models;
    const char *default_model; /* NULL: the first of `models` */

    const char *host;
    uint32_t port;
    uint32_t loops; /* 0: from the processors */

    uint32_t batch_tokens;
    uint32_t batch_wait; /* microseconds */

    uint32_t max_body, max_texts, max_text_bytes, max_header;
    uint32_t max_tokens; /* 0: from the model */
    uint32_t max_connections;
    uint32_t queue;              /* texts */
    uint64_t cache, body_memory; /* bytes */
    double deadline, header_timeout, body_timeout, idle_timeout, write_timeout;
    double drain_delay, drain_timeout;

    const char *log_file;
    bool log_stderr, log_text;
    int32_t log_level;       /* serve_log_level */
    int32_t log_format;      /* serve_log_format */
    const char *log_project; /* NULL: none */
    double log_metrics;      /* seconds */
    const char *tls_certificate, *tls_key;
    const char *cors; /* NULL: off */
    const char *api_keys;
    double rate, burst;
    const char *admin_token; /* NULL: no admin port */
    uint32_t admin_port;

    bool print, health_check;
    const char *file;
    char **storage; /* words made from the file and the environment */
} config;

/* Reads all sources. Returns true to go on; else *status is the exit status
 * (help or configuration printed, wrong usage). */
bool config_read(config *out, char **argv, emit *to, int *status);
void config_free(config *settings);

/* The groups of options, ended by NULL specs; `groups` takes CONFIG_GROUPS. */
#define CONFIG_GROUPS 12
void config_groups(config *settings, option_group groups[CONFIG_GROUPS]);
/* Whether an option is no setting, but says what to do, or where settings are. */
bool config_is_source(const option_spec *spec);
/* Lines "name = value", which --config reads back. */
void config_print(config *settings, emit *to);

/* Processors that affinity and the cgroup allow, at least 1. */
uint32_t config_processors(void);

#endif
