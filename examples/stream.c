/* SPDX-License-Identifier: Apache-2.0
 *
 * A text that arrives in pieces: after each, the label so far if it has
 * changed; at the end the answer for the whole text.
 *
 *     ./stream MODEL < review.txt
 */
#include <stdio.h>

#include <sentiment/sentiment.h>

/* Small, to show that pieces may end anywhere: inside words and characters. */
#define PIECE 16

static void show(const sentiment_model *model, const sentiment_result *result)
{
    printf("%llu tokens: %s %.3f\n", (unsigned long long)result->tokens,
           sentiment_model_get_label(model, result->prediction), (double)result->confidence);
}

int main(int argc, char **argv)
{
    char piece[PIECE];
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_result result = {.struct_size = sizeof result};
    sentiment_model *model = NULL;
    sentiment_session *session = NULL;
    sentiment_stream *stream = NULL;

    if (argc != 2) {
        fprintf(stderr, "usage: %s MODEL < TEXT\n", argv[0]);
        return 2;
    }
    int failed = sentiment_model_load(argv[1], NULL, &model, &error) ||
                 sentiment_session_create(model, NULL, &session, &error) ||
                 sentiment_stream_create(session, 0, &stream, &error);
    int32_t last = -1;
    for (size_t size; !failed && (size = fread(piece, 1, sizeof piece, stdin)) > 0;) {
        failed = sentiment_stream_feed(stream, piece, size, &result, NULL, NULL, &error) != 0;
        if (!failed && result.prediction != last)
            show(model, &result);
        last = result.prediction;
    }
    failed = failed || sentiment_stream_end(stream, &result, NULL, NULL, &error);
    if (failed)
        fprintf(stderr, "%s\n", error.message);
    else
        show(model, &result);
    sentiment_stream_free(stream);
    sentiment_session_free(session);
    sentiment_model_free(model);
    return failed;
}
