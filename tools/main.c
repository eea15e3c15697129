/* SPDX-License-Identifier: Apache-2.0
 *
 * The sentiment command: picks the subcommand and settles the exit status.
 * Everything it does goes through the public header of the library. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <sentiment/sentiment.h>

#include "command.h"
#include "message.h"

typedef struct subcommand {
    const char *name;
    int (*run)(char **argv, emit *out);
    const char *summary;
} subcommand;

static const subcommand subcommands[] = {
    {"predict", command_predict, "classify texts"},
    {"tokenize", command_tokenize, "show the tokens of texts"},
    {"info", command_info, "show a model"},
    {"convert", command_convert, "convert a model between formats"},
    {"create", command_create, "make a new classifier with random weights"},
    {"train", command_train, "train a classifier on labelled texts"},
    {"test", command_test, "measure a model on labelled texts"},
    {"compare", command_compare, "compare two models on labelled texts"},
    {"calibrate", command_calibrate, "make confidences mean what they say"},
    {"bench", command_bench, "measure speed"},
    {"optimize", command_optimize, "make a model smaller and faster, in int8"},
    {"verify", command_verify, "check that a model is whole and answers as it did"},
    {"publish", command_publish, "put a model into the folder of a server"},
    {"key", command_key, "make an API key for a server"},
    {"serve", command_serve, "answer over HTTP"},
};
#define SUBCOMMANDS (sizeof subcommands / sizeof *subcommands)

static int print_help(char **argv, emit *out)
{
    (void)argv;
    emit_format(out, "Usage: sentiment SUBCOMMAND [options] [arguments]\n\n"
                     "Text in, a sentiment label with probabilities out.\n\n");
    for (size_t i = 0; i < SUBCOMMANDS; i++)
        emit_format(out, "  %-10s %s\n", subcommands[i].name, subcommands[i].summary);
    emit_format(out, "\n  --help     this text; 'sentiment SUBCOMMAND --help' tells more\n"
                     "  --version  version of the library\n\n"
                     "Try: sentiment predict \"I love this product!\"\n\n"
                     "Exit status: 0 done, 1 something failed, 2 wrong usage.\n");
    return EXIT_DONE;
}

static int print_version(char **argv, emit *out)
{
    (void)argv;
    emit_format(out, "sentiment %s\n", sentiment_version());
    return EXIT_DONE;
}

static const subcommand switches[] = {
    {"--help", print_help, NULL},
    {"-h", print_help, NULL},
    {"--version", print_version, NULL},
};

static const subcommand *find(const subcommand *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

static int run(char **argv, emit *out)
{
    if (!argv[0] || !argv[1]) {
        message("which subcommand? try 'sentiment --help'");
        return EXIT_USAGE;
    }
    const subcommand *chosen = find(subcommands, SUBCOMMANDS, argv[1]);
    if (!chosen)
        chosen = find(switches, sizeof switches / sizeof *switches, argv[1]);
    if (!chosen) {
        message("unknown subcommand '%s'; try 'sentiment --help'", argv[1]);
        return EXIT_USAGE;
    }
    return chosen->run(argv + 2, out);
}

int main(int argc, char **argv)
{
    static emit out = {.fd = STDOUT_FILENO};
    (void)argc;
    /* A reader that has enough, such as head, ends us by EPIPE, quietly. */
    signal(SIGPIPE, SIG_IGN);
    int status = run(argv, &out);
    if (emit_flush(&out))
        return status;
    if (out.error != EPIPE)
        message("standard output: %s", strerror(out.error));
    return status == EXIT_USAGE ? status : EXIT_FAILED;
}
