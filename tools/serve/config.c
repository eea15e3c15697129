/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of settings and their defaults. Where the words come from is the
 * business of config_sources.c. */
#include "config.h"

#include "log.h"

#define SECONDS(spelt, member, text)                                                               \
  {                                                                                                \
    .name = spelt, .kind = OPTION_DOUBLE, .offset = offsetof(config, member),                      \
    .argument = "SECONDS", .help = text, .low = 0, .high = 86400                                   \
  }
#define NUMBER(spelt, member, least, most, text)                                                   \
  {                                                                                                \
    .name = spelt, .kind = OPTION_U32, .offset = offsetof(config, member), .argument = "N",        \
    .help = text, .low = least, .high = most                                                       \
  }
#define WORD(spelt, member, word, text)                                                            \
  {                                                                                                \
    .name = spelt, .kind = OPTION_STRING, .offset = offsetof(config, member), .argument = word,    \
    .help = text                                                                                   \
  }
#define FLAG(spelt, member, text)                                                                  \
  {                                                                                                \
    .name = spelt, .kind = OPTION_FLAG, .offset = offsetof(config, member), .help = text           \
  }

static const option_spec source_options[] = {
    WORD("config", file, "FILE", "settings, a line \"name = value\" each"),
    FLAG("print-config", print, "print the settings in that form and end"),
    FLAG("health-check", health_check, "ask the server of these settings for /health and end"),
    {.name = NULL}};

static const option_choice levels[] = {{"debug", SERVE_LOG_DEBUG},     {"info", SERVE_LOG_INFO},
                                       {"warning", SERVE_LOG_WARNING}, {"error", SERVE_LOG_ERROR},
                                       {"off", SERVE_LOG_OFF},         {NULL, 0}};

static const option_choice formats[] = {
    {"json", SERVE_LOG_JSON}, {"gcp", SERVE_LOG_GCP}, {NULL, 0}};

static const option_spec log_options[] = {
    WORD("log-file", log_file, "FILE", "write the log there instead of to standard error"),
    FLAG("log-stderr", log_stderr, "write it to standard error as well"),
    {.name = "log-level",
     .kind = OPTION_CHOICE,
     .offset = offsetof(config, log_level),
     .choices = levels,
     .help = "least that is logged"},
    {.name = "log-format",
     .kind = OPTION_CHOICE,
     .offset = offsetof(config, log_format),
     .choices = formats,
     .help = "names of its fields: the guide's, or those of Google Cloud Logging"},
    WORD("log-project", log_project, "ID", "gcp: the project that the traces of requests are in"),
    FLAG("log-text", log_text, "log the texts themselves, too"),
    SECONDS("log-metrics", log_metrics, "between lines that sum up; 0: none"),
    {.name = NULL}};

static const option_spec access_options[] = {
    WORD("tls-cert", tls_certificate, "FILE", "serve TLS with this chain of certificates (PEM)"),
    WORD("tls-key", tls_key, "FILE", "its private key (PEM)"),
    WORD("cors", cors, "ORIGINS", "pages that may call the server: origins with commas, or *"),
    WORD("api-keys", api_keys, "FILE", "digests of the keys that clients must have"),
    {.name = "rate",
     .kind = OPTION_DOUBLE,
     .offset = offsetof(config, rate),
     .argument = "N",
     .help = "texts a second of a client, one for each 512 tokens; 0: any",
     .low = 0,
     .high = 1e9},
    {.name = "burst",
     .kind = OPTION_DOUBLE,
     .offset = offsetof(config, burst),
     .argument = "N",
     .help = "texts that a client may send at once; 0: those of a second",
     .low = 0,
     .high = 1e9},
    {.name = NULL}};

static const option_spec admin_options[] = {
    WORD("admin-token", admin_token, "FILE", "serve the admin routes to those with its first line"),
    {.name = "admin-port",
     .kind = OPTION_U32,
     .offset = offsetof(config, admin_port),
     .argument = "N",
     .help = "their port, on 127.0.0.1",
     .low = 0,
     .high = 65535},
    {.name = NULL}};

static const option_spec own_options[] = {
    WORD("models", models, "DIR", "folder of models: DIR/NAME/VERSION/manifest.json"),
    WORD("default-model", default_model, "NAME",
         "the one for requests that name none; else the first in the alphabet"),
    WORD("host", host, "ADDRESS", "address to listen on"),
    {.name = "port",
     .kind = OPTION_U32,
     .offset = offsetof(config, port),
     .argument = "N",
     .help = "port to listen on; 0: any free one, told on standard output",
     .low = 0,
     .high = 65535},
    NUMBER("loops", loops, 0, 64, "threads for connections; 0: one for each four processors"),
    NUMBER("batch-tokens", batch_tokens, 1, 1u << 20, "tokens of texts that are computed together"),
    NUMBER("batch-wait", batch_wait, 0, 1000000,
           "microseconds that a batch may wait for more texts"),
    {.name = "cache",
     .kind = OPTION_U64,
     .offset = offsetof(config, cache),
     .argument = "BYTES",
     .help = "memory for answers to texts that come again; 0: none"},
    NUMBER("queue", queue, 1, 1u << 24,
           "texts that may wait, one for each 512 tokens; beyond: 503"),
    SECONDS("deadline", deadline, "a request that waits longer gets 504; 0: none does"),
    NUMBER("max-texts", max_texts, 1, 1u << 20, "texts of a request; beyond: 413"),
    NUMBER("max-tokens", max_tokens, 1, 65536,
           "max_length of a request; beyond: 400; else 4096 or the model's"),
    NUMBER("max-text-bytes", max_text_bytes, 1, 1u << 30, "bytes of a text; beyond: 413"),
    NUMBER("max-body", max_body, 1024, 1u << 30, "bytes of a body; beyond: 413"),
    {.name = "body-memory",
     .kind = OPTION_U64,
     .offset = offsetof(config, body_memory),
     .argument = "BYTES",
     .help = "for bodies of all requests that arrive in pieces; beyond: 503"},
    NUMBER("max-header", max_header, 1024, 65536, "bytes of a request's head; beyond: 431"),
    NUMBER("max-connections", max_connections, 1, 1u << 20, "connections; beyond: 503"),
    SECONDS("header-timeout", header_timeout, "for a request's head to arrive; 0: any time"),
    SECONDS("body-timeout", body_timeout, "for a request's body to arrive; 0: any time"),
    SECONDS("idle-timeout", idle_timeout,
            "that a connection may stay between requests; 0: any time"),
    SECONDS("write-timeout", write_timeout,
            "that a client may leave an answer unread; 0: any time"),
    SECONDS("drain-delay", drain_delay, "of serving on after SIGTERM, not ready any more"),
    SECONDS("drain-timeout", drain_timeout, "for what is under way when draining"),
    {.name = NULL}};

bool config_is_source(const option_spec *spec)
{
    const size_t count = sizeof source_options / sizeof *source_options;
    return spec >= source_options && spec < source_options + count;
}

void config_groups(config *settings, option_group groups[CONFIG_GROUPS])
{
    const option_group all[CONFIG_GROUPS] = {
        {setup_model_options, &settings->model},
        {setup_engine_options, &settings->model},
        {setup_compute_options, &settings->model},
        {setup_length_options, &settings->model},
        {own_options, settings},
        {log_options, settings},
        {access_options, settings},
        {admin_options, settings},
        {source_options, settings},
        {NULL, NULL},
    };
    for (size_t i = 0; i < CONFIG_GROUPS; i++)
        groups[i] = all[i];
}
