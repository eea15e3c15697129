/* SPDX-License-Identifier: Apache-2.0
 *
 * run_ids MODEL: reads rows of token ids from standard input, one a line, and
 * prints the logits of each row without padding, for tests that compare them
 * with other programs. */
#include <sentiment/sentiment.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_IDS = 4096 };

static void stop(const char *why)
{
    fprintf(stderr, "run_ids: %s\n", why);
    exit(1);
}

static uint64_t parse(char *line, int32_t *ids)
{
    uint64_t count = 0;
    for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
        if (count == MAX_IDS)
            stop("too many ids in a line");
        ids[count++] = (int32_t)strtol(word, NULL, 10);
    }
    return count;
}

int main(int count, char **arguments)
{
    static char line[16 * MAX_IDS];
    static int32_t ids[MAX_IDS];
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_session_options options = {
        .struct_size = sizeof options, .padding = SENTIMENT_PADDING_NONE, .max_length = MAX_IDS};
    sentiment_model_info info = {.struct_size = sizeof info};
    sentiment_model *model = NULL;
    sentiment_session *session = NULL;
    if (count != 2)
        stop("expected a model");
    if (sentiment_model_load(arguments[1], NULL, &model, &error) ||
        sentiment_session_create(model, &options, &session, &error) ||
        sentiment_model_get_info(model, &info, &error))
        stop(error.message);
    float *logits = malloc(info.num_classes * sizeof *logits);
    while (logits && fgets(line, sizeof line, stdin)) {
        const uint64_t offsets[] = {0, parse(line, ids)};
        sentiment_result result = {.struct_size = sizeof result};
        if (sentiment_session_predict_ids(session, ids, offsets, 1, NULL, &result, NULL, logits,
                                          NULL, &error) ||
            result.status)
            stop(error.message);
        for (uint32_t c = 0; c < info.num_classes; c++)
            printf("%.9g%c", (double)logits[c], c + 1 < info.num_classes ? ' ' : '\n');
    }
    free(logits);
    sentiment_session_free(session);
    sentiment_model_free(model);
    return 0;
}
