/* SPDX-License-Identifier: Apache-2.0
 *
 * Words from a file, then from the environment, then from the command line:
 * all become "--name=value" and go through the same parser, source by source, so
 * that the later one wins and a wrong value is told the same way wherever it stands. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define MAX_WORDS 256
#define MAX_LINE 8192

static const command_help help = {
    .name = "serve",
    .arguments = "",
    .summary = "Answers over HTTP: POST /predict, POST /predict_batch, GET /health, and more.",
    .details = "Each option is also an environment variable, SENTIMENT_ and its name in capitals\n"
               "with underscores (SENTIMENT_MAX_TEXTS), and a line of --config. The command line\n"
               "beats the environment, which beats the file. PORT, MODEL_PATH, LOG_LEVEL and\n"
               "GOOGLE_CLOUD_PROJECT are read too, where the names with SENTIMENT_ are not set.\n"
               "SIGTERM ends the server when all requests are answered."};

static const config defaults = {
    .host = "127.0.0.1",
    .port = 8000,
    .batch_tokens = 1024,
    .queue = 1024,
    .deadline = 5,
    .max_texts = 256,
    .max_text_bytes = 64 << 10,
    .max_body = 2 << 20,
    .body_memory = 256 << 20,
    .max_header = 16 << 10,
    .max_connections = 4096,
    .header_timeout = 10,
    .body_timeout = 30,
    .idle_timeout = 75,
    .write_timeout = 30,
    .drain_timeout = 30,
    .log_level = SERVE_LOG_INFO,
    .log_format = SERVE_LOG_JSON,
    .log_metrics = 60,
    .admin_port = 8001,
};

/* Names of the guide, and of what runs containers. */
static const struct {
    const char *variable, *option;
} others[] = {{"MODEL_PATH", "model"},
              {"PORT", "port"},
              {"LOG_LEVEL", "log-level"},
              {"GOOGLE_CLOUD_PROJECT", "log-project"}};

typedef struct words {
    char **items;
    size_t count;
} words;

static bool add_word(words *to, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 4;
    char *word = to->count < MAX_WORDS ? malloc(size) : NULL;
    if (!word)
        return false;
    snprintf(word, size, value[0] ? "--%s=%s" : "--%s=", name, value);
    to->items[to->count++] = word;
    return true;
}

/* Flags take no value on the command line; elsewhere 1 and 0. */
static bool add_flag(words *to, const option_spec *spec, const char *value)
{
    if (strcmp(value, "0") == 0 || strcmp(value, "false") == 0)
        return true;
    if (strcmp(value, "1") != 0 && strcmp(value, "true") != 0) {
        message("serve: %s: '%s' is neither 0 nor 1", spec->name, value);
        return false;
    }
    if (!add_word(to, spec->name, ""))
        return false;
    to->items[to->count - 1][strlen(spec->name) + 2] = 0;
    return true;
}

static bool add_setting(words *to, const option_spec *spec, const char *value)
{
    return spec->kind == OPTION_FLAG ? add_flag(to, spec, value) : add_word(to, spec->name, value);
}

static void variable_name(const char *option, char *name, size_t size)
{
    int used = snprintf(name, size, "SENTIMENT_%s", option);
    for (int i = 10; i < used && (size_t)i < size; i++)
        name[i] = name[i] == '-' ? '_' : (char)toupper((unsigned char)name[i]);
}

/* An empty variable is one that is not set. */
static const char *variable_of(const char *option)
{
    char name[64];
    variable_name(option, name, sizeof name);
    const char *value = getenv(name);
    /* SENTIMENT_MODELS says in other words what MODEL_PATH would. */
    if (strcmp(option, "model") == 0 && getenv("SENTIMENT_MODELS") && *getenv("SENTIMENT_MODELS"))
        return value && *value ? value : NULL;
    for (size_t i = 0; !(value && *value) && i < sizeof others / sizeof *others; i++)
        if (strcmp(others[i].option, option) == 0)
            value = getenv(others[i].variable);
    return value && *value ? value : NULL;
}

/* --print-config and --health-check are for a call; SENTIMENT_ISA is read by the
 * library, which knows more names. */
static bool is_for_environment(const option_spec *spec)
{
    return strcmp(spec->name, "config") == 0 ||
           (!config_is_source(spec) && strcmp(spec->name, "isa") != 0);
}

static bool from_environment(words *to, const option_group *groups)
{
    for (; groups->specs; groups++) {
        for (const option_spec *spec = groups->specs; spec->name; spec++) {
            const char *value = is_for_environment(spec) ? variable_of(spec->name) : NULL;
            if (value && !add_setting(to, spec, value))
                return false;
        }
    }
    return true;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        text[--size] = 0;
    return text;
}

static const option_spec *find_spec(const option_group *groups, const char *name)
{
    for (; groups->specs; groups++)
        for (const option_spec *spec = groups->specs; spec->name; spec++)
            if (strcmp(spec->name, name) == 0)
                return spec;
    return NULL;
}

static bool take_line(words *to, const option_group *groups, char *line)
{
    char *name = trim(line);
    if (!*name || *name == '#')
        return true;
    char *value = strchr(name, '=');
    if (!value) {
        message("serve: expected \"name = value\", found \"%s\"", name);
        return false;
    }
    *value++ = 0;
    name = trim(name);
    const option_spec *spec = find_spec(groups, name);
    if (!spec || config_is_source(spec)) {
        message("serve: there is no setting '%s'", name);
        return false;
    }
    return add_setting(to, spec, trim(value));
}

static bool from_file(words *to, const option_group *groups, const char *path)
{
    char line[MAX_LINE];
    unsigned number = 0;
    FILE *file = fopen(path, "r");
    if (!file) {
        message("serve: %s: %s", path, strerror(errno));
        return false;
    }
    bool good = true;
    while (good && fgets(line, sizeof line, file)) {
        number++;
        good = strchr(line, '\n') || feof(file);
        if (good)
            good = take_line(to, groups, line);
        else
            message("serve: a line has more than %d bytes", MAX_LINE - 2);
    }
    if (!good)
        message("serve: %s, line %u", path, number);
    if (good && ferror(file)) {
        message("serve: %s: %s", path, strerror(errno));
        good = false;
    }
    fclose(file);
    return good;
}

/* The file's name stands last among the command line's, or in the environment. */
static const char *file_name(char **argv)
{
    const char *name = variable_of("config");
    for (; *argv && strcmp(*argv, "--") != 0; argv++) {
        if (strncmp(*argv, "--config=", 9) == 0)
            name = *argv + 9;
        else if (strcmp(*argv, "--config") == 0 && argv[1])
            name = argv[1];
    }
    return name;
}

static bool wants_help(char **argv)
{
    for (; *argv; argv++)
        if (strcmp(*argv, "--help") == 0 || strcmp(*argv, "-h") == 0)
            return true;
    return false;
}

/* What the single rows of the tables cannot say. */
static int check_together(const config *settings)
{
    if (settings->default_model && !settings->models)
        return options_wrong(&help, "--default-model goes with --models");
    if (!settings->tls_certificate != !settings->tls_key)
        return options_wrong(&help, "--tls-cert and --tls-key go together");
    if (settings->cache > 0 && settings->cache < 64 << 10)
        return options_wrong(&help, "--cache is less than 65536 bytes");
    if (settings->burst > 0 && settings->rate <= 0)
        return options_wrong(&help, "--burst goes with --rate");
    if (settings->rate > 0 && settings->burst > 0 && settings->burst < 1)
        return options_wrong(&help, "--burst is less than one text");
    if (settings->log_project && strlen(settings->log_project) > SERVE_LOG_PROJECT_LIMIT)
        return options_wrong(&help, "--log-project has more than %d bytes",
                             SERVE_LOG_PROJECT_LIMIT);
    if (settings->health_check && settings->port == 0)
        return options_wrong(&help, "--health-check needs the server's --port");
    if (settings->max_texts > settings->queue)
        return options_wrong(&help, "--max-texts is %u, more than --queue %u can ever admit",
                             (unsigned)settings->max_texts, (unsigned)settings->queue);
    return EXIT_DONE;
}

/* Parses the words of one source. What it says of models takes the place of what the
 * weaker ones said. */
static bool parse_source(config *settings, const option_group *groups, char **items, size_t count,
                         emit *to, int *status)
{
    const char *model = settings->model.model, *models = settings->models;
    command_arguments arguments;
    /* The parser moves words about: it gets a list of its own. */
    char **list = calloc(count + 1, sizeof *list);
    if (!list) {
        *status = message_no_memory();
        return false;
    }
    memcpy(list, items, count * sizeof *list);
    settings->model.model = settings->models = NULL;
    bool good = options_parse(&help, groups, list, to, &arguments, status);
    free(list);
    if (good && settings->models && settings->model.model) {
        *status = options_wrong(&help, "--model and --models exclude each other");
        good = false;
    }
    if (!settings->models && !settings->model.model) {
        settings->model.model = model;
        settings->models = models;
    }
    return good;
}

bool config_read(config *settings, char **argv, emit *to, int *status)
{
    option_group groups[CONFIG_GROUPS];
    size_t given = 0;
    while (argv[given])
        given++;
    *settings = defaults;
    config_groups(settings, groups);
    *status = EXIT_USAGE;
    words all = {calloc(MAX_WORDS + given + 1, sizeof(char *)), 0};
    settings->storage = all.items;
    if (!all.items)
        return message_no_memory(), false;
    bool helps = wants_help(argv);
    const char *file = helps ? NULL : file_name(argv);
    if (file && !from_file(&all, groups, file))
        return false;
    size_t of_file = all.count;
    if (!from_environment(&all, groups))
        return false;
    bool good = (helps || (parse_source(settings, groups, all.items, of_file, to, status) &&
                           parse_source(settings, groups, all.items + of_file, all.count - of_file,
                                        to, status))) &&
                parse_source(settings, groups, argv, given, to, status);
    if (good && (*status = check_together(settings)) != EXIT_DONE)
        return false;
    if (good && settings->print)
        config_print(settings, to);
    return good && !settings->print;
}

void config_free(config *settings)
{
    for (char **word = settings->storage; word && *word; word++)
        free(*word);
    free(settings->storage);
    settings->storage = NULL;
}
