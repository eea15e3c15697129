/* SPDX-License-Identifier: Apache-2.0
 *
 * In a pool of threads of one's own: the model is shared, each worker has a session,
 * and takes the next text as long as there is one.
 *
 *     ./thread_pool MODEL "I love it" "Not good" ...
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <sentiment/sentiment.h>

#define WORKERS 4
#define MOST 1024

static sentiment_model *model;
static char **texts;
static int count;
static atomic_int next;
static sentiment_result results[MOST];

static void *work(void *unused)
{
    sentiment_session *session = NULL;
    (void)unused;
    if (sentiment_session_create(model, NULL, &session, NULL) == SENTIMENT_OK)
        for (int i; (i = atomic_fetch_add(&next, 1)) < count;)
            results[i].status = sentiment_session_predict(session, texts[i], strlen(texts[i]), 0,
                                                          &results[i], NULL, NULL, NULL);
    sentiment_session_free(session);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t workers[WORKERS];
    int started = 0, failed = 0;
    sentiment_error error = {.struct_size = sizeof error};

    texts = argv + 2;
    count = argc - 2;
    if (count < 1 || count > MOST)
        return fprintf(stderr, "usage: %s MODEL TEXT ... (up to %d)\n", argv[0], MOST), 2;
    for (int i = 0; i < count; i++) /* until a worker has been at it */
        results[i] = (sentiment_result){sizeof *results, .status = SENTIMENT_ERROR_INTERNAL};
    if (sentiment_model_load(argv[1], NULL, &model, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    while (started < WORKERS && !pthread_create(&workers[started], NULL, work, NULL))
        started++;
    while (started > 0)
        pthread_join(workers[--started], NULL);
    for (int i = 0; i < count; failed |= results[i++].status != 0)
        puts(results[i].status ? sentiment_status_name(results[i].status)
                               : sentiment_model_get_label(model, results[i].prediction));
    sentiment_model_free(model);
    return failed;
}
