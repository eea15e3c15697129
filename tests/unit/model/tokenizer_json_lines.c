/* SPDX-License-Identifier: Apache-2.0
 *
 * What a tokenizer.json makes of texts, for the tests that ask from outside.
 * Usage: tokenizer_json_lines FILE < LINES. A line is a text in hex; its answer
 * is a token a word: id,start,end, an unknown one with a tilde before it. A file
 * that is refused is one line: an exclamation mark and the reason. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/tokenizer_json.h"

/* Ids below this are the embedding's rows. */
enum { ROWS = 1 << 20 };

static void print_tokens(const sn_tokens *tokens)
{
    for (size_t i = 0; i < tokens->count; i++) {
        int32_t id = tokens->ids[i];
        printf("%s%s%d,%llu,%llu", i ? " " : "", id < 0 ? "~" : "", (int)(id < 0 ? ~id : id),
               (unsigned long long)tokens->starts[i], (unsigned long long)tokens->ends[i]);
    }
    putchar('\n');
}

/* Bytes written in hex, in a block of exactly their size so that the address
 * sanitizer sees a read past the end. */
static char *from_hex(const char *hex, size_t *size)
{
    *size = strspn(hex, "0123456789abcdef") / 2;
    char *bytes = malloc(*size ? *size : 1);
    for (size_t i = 0; bytes && i < *size; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (char)strtoul(digits, NULL, 16);
    }
    return bytes;
}

static int answer_lines(const sn_tokenizer *tokenizer)
{
    sn_tokens tokens = {0};
    char *line = NULL;
    size_t capacity = 0;
    int status = 0;
    while (status == 0 && getline(&line, &capacity, stdin) > 0) {
        sentiment_error error = {.struct_size = sizeof error};
        size_t size = 0;
        char *text = from_hex(line, &size);
        status = !text || sn_tokenizer_encode(tokenizer, &sn_memory_default, text, size,
                                              SENTIMENT_UTF8_REPLACE, &tokens, &error) != 0;
        if (status == 0)
            print_tokens(&tokens);
        else
            printf("! %s\n", error.message);
        free(text);
    }
    free(line);
    sn_tokens_free(&sn_memory_default, &tokens);
    return status;
}

int main(int argc, char **argv)
{
    sentiment_error error = {.struct_size = sizeof error};
    sn_tokenizer tokenizer = {0};
    sn_bytes file = {0};
    if (argc != 2)
        return 2;
    if (sn_file_read(argv[1], &sn_memory_default, 0, UINT64_C(1) << 30, &file, &error) != 0 ||
        sn_tokenizer_json_build(&sn_memory_default, (const char *)file.data, file.size, ROWS,
                                &tokenizer, &error) != 0) {
        printf("! %s\n", error.message);
        sn_bytes_free(&file);
        return 0;
    }
    sn_bytes_free(&file);
    int status = answer_lines(&tokenizer);
    sn_tokenizer_free(&tokenizer);
    return status;
}
