/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest program: one model, one session, one text.
 *
 *     cc predict.c $(pkg-config --cflags --libs sentiment) -o predict
 *     ./predict MODEL "I love this product!"
 */
#include <stdio.h>
#include <string.h>

#include <sentiment/sentiment.h>

int main(int argc, char **argv)
{
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_result result = {.struct_size = sizeof result};
    sentiment_model *model = NULL;
    sentiment_session *session = NULL;

    if (argc != 3) {
        fprintf(stderr, "usage: %s MODEL TEXT\n", argv[0]);
        return 2;
    }
    int failed = sentiment_model_load(argv[1], NULL, &model, &error) ||
                 sentiment_session_create(model, NULL, &session, &error) ||
                 sentiment_session_predict(session, argv[2], strlen(argv[2]), 0, &result, NULL,
                                           NULL, &error);
    if (failed)
        fprintf(stderr, "%s\n", error.message);
    else
        printf("%s %.3f\n", sentiment_model_get_label(model, result.prediction),
               (double)result.confidence);

    sentiment_session_free(session);
    sentiment_model_free(model);
    return failed;
}
