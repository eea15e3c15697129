/* SPDX-License-Identifier: Apache-2.0
 *
 * The golden texts, which the command and every binding read too: texts.tsv gives
 * texts of all sorts and the bundled model's answers to them, to the bit.
 *
 *     check_texts MODEL TABLE          compares, alone, in one batch and in pieces
 *     check_texts MODEL TABLE write    prints the table with the answers of now
 *
 * make_texts.py says what the columns are. */
#include <sentiment/sentiment.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 15
#define CLASSES 3
#define LINE_BYTES (1 << 20)

enum { NAME, PRECISION, UTF8, MAX_LENGTH, REPEAT, TEXT, ANSWERS };

typedef struct question {
    char *columns[COLUMNS];
    char *text;
    size_t size;
    uint32_t max_length;
} question;

typedef struct answer {
    sentiment_status status;
    sentiment_result result;
    uint64_t offset;
    float probabilities[CLASSES], logits[CLASSES];
} answer;

static sentiment_model *model;
/* By precision and by policy. */
static sentiment_session *sessions[2][2];

static sentiment_session *session_of(const question *asked)
{
    return sessions[strcmp(asked->columns[PRECISION], "int8") == 0]
                   [strcmp(asked->columns[UTF8], "replace") == 0];
}

static int open_sessions(const char *path)
{
    sentiment_error error = {.struct_size = sizeof error};
    int failed = sentiment_model_load(path, NULL, &model, &error);
    for (int i = 0; i < 4 && !failed; i++) {
        sentiment_session_options options = {
            .struct_size = sizeof options,
            .precision = i / 2 ? SENTIMENT_PRECISION_INT8 : SENTIMENT_PRECISION_FP32,
            .utf8_policy = i % 2 ? SENTIMENT_UTF8_REPLACE : SENTIMENT_UTF8_STRICT};
        failed = sentiment_session_create(model, &options, &sessions[i / 2][i % 2], &error);
    }
    if (failed)
        fprintf(stderr, "%s\n", error.message);
    return failed;
}

/* Cuts a line at its tabs and decodes the text; false: not a row of the table. */
static int read_question(char *line, question *out)
{
    int count = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *rest = line; rest && count < COLUMNS; count++)
        out->columns[count] = strsep(&rest, "\t");
    if (count < ANSWERS)
        return 0;
    for (; count < COLUMNS; count++)
        out->columns[count] = NULL;
    const char *hex = out->columns[TEXT];
    size_t bytes = strlen(hex) / 2, repeat = strtoul(out->columns[REPEAT], NULL, 10);
    out->max_length = (uint32_t)strtoul(out->columns[MAX_LENGTH], NULL, 10);
    out->size = bytes * repeat;
    out->text = malloc(out->size + 1);
    for (size_t i = 0; out->text && i < out->size; i++) {
        char pair[3] = {hex[i % bytes * 2], hex[i % bytes * 2 + 1], 0};
        out->text[i] = (char)strtol(pair, NULL, 16);
    }
    return out->text != NULL;
}

/* -------------------------------------------------------------- three ways */

static answer ask_alone(const question *asked)
{
    answer said = {.result = {.struct_size = sizeof said.result}};
    sentiment_error error = {.struct_size = sizeof error};
    said.status =
        sentiment_session_predict(session_of(asked), asked->text, asked->size, asked->max_length,
                                  &said.result, said.probabilities, said.logits, &error);
    said.offset = said.status ? error.offset : SENTIMENT_NO_OFFSET;
    return said;
}

/* Between two others, so that the text starts and ends inside the buffer. */
static answer ask_in_batch(const question *asked)
{
    answer said = {0};
    sentiment_result results[3] = {{.struct_size = sizeof *results}};
    float probabilities[3][CLASSES], logits[3][CLASSES];
    const uint32_t max_lengths[3] = {0, asked->max_length, 0};
    const uint64_t offsets[4] = {0, 4, 4 + asked->size, 8 + asked->size};
    char *text = malloc(asked->size + 8);
    if (!text)
        return (answer){.status = SENTIMENT_ERROR_OUT_OF_MEMORY};
    memcpy(text, "good", 4);
    memcpy(text + 4, asked->text, asked->size);
    memcpy(text + 4 + asked->size, "bad!", 4);
    said.status = sentiment_session_predict_batch(session_of(asked), text, offsets, 3, max_lengths,
                                                  results, probabilities[0], logits[0], NULL, NULL);
    free(text);
    if (said.status == SENTIMENT_OK) {
        said.result = results[1];
        said.status = results[1].status;
        said.offset = results[1].error_offset;
        memcpy(said.probabilities, probabilities[1], sizeof said.probabilities);
        memcpy(said.logits, logits[1], sizeof said.logits);
    }
    return said;
}

static answer ask_in_pieces(const question *asked)
{
    answer said = {.result = {.struct_size = sizeof said.result}};
    sentiment_error error = {.struct_size = sizeof error};
    sentiment_stream *stream = NULL;
    said.status = sentiment_stream_create(session_of(asked), asked->max_length, &stream, &error);
    for (size_t at = 0; at < asked->size && !said.status; at += 7)
        said.status = sentiment_stream_feed(stream, asked->text + at,
                                            asked->size - at < 7 ? asked->size - at : 7, NULL, NULL,
                                            NULL, &error);
    if (!said.status)
        said.status =
            sentiment_stream_end(stream, &said.result, said.probabilities, said.logits, &error);
    said.offset = said.status ? error.offset : SENTIMENT_NO_OFFSET;
    sentiment_stream_free(stream);
    return said;
}

/* ------------------------------------------------------------------ output */

static int put_floats(char *out, size_t room, const float *values, int count)
{
    int length = 0;
    for (int i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        length += snprintf(out + length, room - (size_t)length, "%s%08" PRIx32, i ? "," : "", bits);
    }
    return length;
}

/* The columns behind the text, as the table has them. */
static void put_answer(char *out, size_t room, const answer *said)
{
    char confidence[16], probabilities[CLASSES * 9 + 1], logits[CLASSES * 9 + 1], offset[24] = "-";
    if (said->status) {
        if (said->offset != SENTIMENT_NO_OFFSET)
            snprintf(offset, sizeof offset, "%" PRIu64, said->offset);
        snprintf(out, room, "%d\t0\t00000000\t0\t0\t0\t%s\t\t", said->status, offset);
        return;
    }
    put_floats(confidence, sizeof confidence, &said->result.confidence, 1);
    put_floats(probabilities, sizeof probabilities, said->probabilities, CLASSES);
    put_floats(logits, sizeof logits, said->logits, CLASSES);
    snprintf(out, room, "0\t%d\t%s\t%u\t%" PRIu64 "\t%" PRIu64 "\t-\t%s\t%s",
             said->result.prediction, confidence, said->result.flags, said->result.tokens,
             said->result.unknown, probabilities, logits);
}

static int compare(const question *asked, const char *how, const answer *said)
{
    char wanted[512] = "", real[512];
    size_t length = 0;
    for (int i = ANSWERS; i < COLUMNS; i++)
        length +=
            (size_t)snprintf(wanted + length, sizeof wanted - length, "%s%s",
                             i > ANSWERS ? "\t" : "", asked->columns[i] ? asked->columns[i] : "");
    put_answer(real, sizeof real, said);
    if (strcmp(wanted, real) == 0)
        return 0;
    printf("%s, %s, %s, %s:\n  expected %s\n  answered %s\n", asked->columns[NAME],
           asked->columns[PRECISION], asked->columns[UTF8], how, wanted, real);
    return 1;
}

static int check(const question *asked)
{
    const answer alone = ask_alone(asked), batch = ask_in_batch(asked),
                 pieces = ask_in_pieces(asked);
    return compare(asked, "alone", &alone) + compare(asked, "in a batch", &batch) +
           compare(asked, "in pieces", &pieces);
}

static void write_row(const question *asked)
{
    char columns[512];
    const answer said = ask_alone(asked);
    put_answer(columns, sizeof columns, &said);
    for (int i = 0; i < ANSWERS; i++)
        printf("%s\t", asked->columns[i]);
    printf("%s\n", columns);
}

int main(int argc, char **argv)
{
    static char line[LINE_BYTES];
    int wrong = 0, rows = 0;
    FILE *table = argc > 2 ? fopen(argv[2], "r") : NULL;
    if (!table || !fgets(line, sizeof line, table) || open_sessions(argv[1])) {
        fprintf(stderr, "usage: check_texts MODEL TABLE [write]\n");
        return 2;
    }
    if (argc > 3)
        fputs(line, stdout);
    for (question asked; fgets(line, sizeof line, table) && read_question(line, &asked); rows++) {
        if (argc > 3)
            write_row(&asked);
        else
            wrong += check(&asked);
        free(asked.text);
    }
    fclose(table);
    for (int i = 0; i < 4; i++)
        sentiment_session_free(sessions[i / 2][i % 2]);
    sentiment_model_free(model);
    if (argc == 3)
        printf("%d texts, %d wrong answers\n", rows, wrong);
    return wrong || rows == 0;
}
