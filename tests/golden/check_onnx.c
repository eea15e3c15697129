/* SPDX-License-Identifier: Apache-2.0
 *
 * check_onnx FOLDER: every ONNX file that answers-*.txt of the folder names
 * (written by make_onnx.py) loads, and gives the logits that PyTorch gave. */
#include <sentiment/sentiment.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_IDS = 64, CLASSES = 2, NAME_SIZE = 128 };

/* Sums of at most 30 steps of at most 8 numbers around 1, in float. */
static const double tolerance = 1e-5;

typedef struct answer {
    char name[NAME_SIZE];
    int32_t ids[MAX_IDS];
    uint64_t count;
    float logits[CLASSES];
} answer;

typedef struct opened {
    char name[NAME_SIZE];
    sentiment_model *model;
    sentiment_session *session;
} opened;

static void stop(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* Name, ids and logits, with tabs between them and blanks within. */
static void parse(char *line, answer *out)
{
    char *ids = strchr(line, '\t'), *logits = ids ? strchr(ids + 1, '\t') : NULL, *end;
    if (!logits)
        stop("answers", "a line without three fields");
    *ids++ = *logits++ = '\0';
    if (strlen(line) >= sizeof out->name)
        stop(line, "has too long a name");
    memcpy(out->name, line, strlen(line) + 1);
    for (out->count = 0; *ids && out->count < MAX_IDS; ids = end)
        out->ids[out->count++] = (int32_t)strtol(ids, &end, 10);
    for (size_t c = 0; c < CLASSES; c++, logits = end)
        out->logits[c] = strtof(logits, &end);
}

static void open_model(const char *folder, const char *name, opened *out)
{
    char path[1024];
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_session_options options = {.struct_size = sizeof options,
                                         .padding = SENTIMENT_PADDING_NONE};
    sentiment_model_info info = {.struct_size = sizeof info};
    sentiment_session_free(out->session);
    sentiment_model_free(out->model);
    out->model = NULL;
    out->session = NULL;
    memcpy(out->name, name, strlen(name) + 1);
    snprintf(path, sizeof path, "%s/%s.onnx", folder, name);
    if (sentiment_model_load(path, NULL, &out->model, &error) ||
        sentiment_session_create(out->model, &options, &out->session, &error) ||
        sentiment_model_get_info(out->model, &info, &error))
        stop(name, error.message);
    if (strcmp(info.format, "onnx") != 0 || info.vocab_size != 7 || info.num_classes != CLASSES)
        stop(name, "is another model");
}

static void compare(const opened *with, const answer *expected)
{
    float logits[CLASSES];
    const uint64_t offsets[] = {0, expected->count};
    sentiment_result result = {.struct_size = sizeof result};
    sentiment_error error = {.struct_size = sizeof error};
    if (sentiment_session_predict_ids(with->session, expected->ids, offsets, 1, NULL, &result, NULL,
                                      logits, NULL, &error))
        stop(expected->name, error.message);
    for (size_t c = 0; c < CLASSES; c++) {
        double off = fabs((double)logits[c] - (double)expected->logits[c]);
        if (off <= tolerance)
            continue;
        fprintf(stderr, "%s, %llu ids: logit %zu is %.9g, expected %.9g\n", expected->name,
                (unsigned long long)expected->count, c, (double)logits[c],
                (double)expected->logits[c]);
        exit(1);
    }
}

static size_t check_file(const char *folder, const char *name, opened *with)
{
    char path[1024], line[4096];
    size_t models = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file)
        stop(path, "cannot be opened");
    while (fgets(line, sizeof line, file)) {
        answer expected;
        parse(line, &expected);
        if (strcmp(with->name, expected.name) != 0) {
            open_model(folder, expected.name, with);
            models++;
        }
        compare(with, &expected);
    }
    fclose(file);
    return models;
}

int main(int count, char **arguments)
{
    opened with = {.name = ""};
    if (count != 2)
        stop("usage", "check_onnx FOLDER");
    size_t first = check_file(arguments[1], "answers-1.13.txt", &with);
    size_t second = check_file(arguments[1], "answers-2.txt", &with);
    sentiment_session_free(with.session);
    sentiment_model_free(with.model);
    printf("%zu models of PyTorch 1.13, %zu of PyTorch 2\n", first, second);
    return first > 0 && second > 0 ? 0 : 1;
}
