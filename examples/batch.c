/* SPDX-License-Identifier: Apache-2.0
 *
 * Many texts in one call: one buffer with offsets goes in, one result a text
 * comes out, and a bad text spoils no other.
 *
 *     ./batch MODEL "I love it" "Not good" ...
 */
#include <stdio.h>
#include <string.h>

#include <sentiment/sentiment.h>

#define MOST 64

int main(int argc, char **argv)
{
    static char text[65536];
    uint64_t offsets[MOST + 1] = {0};
    sentiment_result results[MOST] = {{.struct_size = sizeof *results}};
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_model *model = NULL;
    sentiment_session *session = NULL;
    size_t count = 0;

    for (int i = 2; i < argc && count < MOST; i++, count++) {
        size_t size = strlen(argv[i]);
        if (size > sizeof text - offsets[count])
            break;
        memcpy(text + offsets[count], argv[i], size);
        offsets[count + 1] = offsets[count] + size;
    }
    if (argc < 3 || count + 2 != (size_t)argc) {
        fprintf(stderr, "usage: %s MODEL TEXT ... (up to %d texts, 64 KiB)\n", argv[0], MOST);
        return 2;
    }
    int failed = sentiment_model_load(argv[1], NULL, &model, &error) ||
                 sentiment_session_create(model, NULL, &session, &error) ||
                 sentiment_session_predict_batch(session, text, offsets, count, NULL, results, NULL,
                                                 NULL, NULL, &error);
    if (failed)
        fprintf(stderr, "%s\n", error.message);
    for (size_t i = 0; i < count && !failed; i++) {
        const sentiment_result *one = &results[i];
        printf("%s %.3f\n",
               one->status ? sentiment_status_name(one->status)
                           : sentiment_model_get_label(model, one->prediction),
               (double)one->confidence);
    }
    sentiment_session_free(session);
    sentiment_model_free(model);
    return failed;
}
