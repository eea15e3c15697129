/* SPDX-License-Identifier: Apache-2.0
 *
 * See answer.h. The words come from sn_tokenizer_split, the offsets from
 * sn_tokenizer_encode: the two must agree. */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

static void *count_allocate(void *user, size_t size)
{
    counter *count = user;
    if (++count->calls == count->fail_at)
        return NULL;
    void *block = malloc(size);
    count->live += block != NULL;
    return block;
}

static void *count_reallocate(void *user, void *pointer, size_t size)
{
    counter *count = user;
    if (++count->calls == count->fail_at)
        return NULL;
    return realloc(pointer, size);
}

static void count_release(void *user, void *pointer)
{
    ((counter *)user)->live--;
    free(pointer);
}

sn_memory counting_memory(counter *count)
{
    return (sn_memory){count, count_allocate, count_reallocate, count_release};
}

/* Where a word goes: the next token of an encoded text. */
typedef struct printer {
    FILE *out;
    const sn_tokens *tokens;
    size_t next;
} printer;

static sentiment_status print_word(void *user, const uint8_t *bytes, size_t size,
                                   sentiment_error *error)
{
    printer *to = user;
    if (to->next >= to->tokens->count)
        return sn_fail(error, SENTIMENT_ERROR_INTERNAL, SN_NO_OFFSET, "more words than tokens");
    fprintf(to->out, "%s%llu,%llu,", to->next ? " " : "",
            (unsigned long long)to->tokens->starts[to->next],
            (unsigned long long)to->tokens->ends[to->next]);
    for (size_t i = 0; i < size; i++)
        fprintf(to->out, "%02x", (unsigned)bytes[i]);
    to->next++;
    return SENTIMENT_OK;
}

static void print_tokens(int32_t kind, int32_t policy, const char *text, size_t size, FILE *out)
{
    const sn_memory *memory = &sn_memory_default;
    sentiment_error error = {.struct_size = sizeof error};
    const sn_tokenizer tokenizer = {.kind = kind};
    sn_tokens tokens = {0}, scratch = {0};
    sentiment_status status =
        sn_tokenizer_encode(&tokenizer, memory, text, size, policy, &tokens, &error);
    printer to = {out, &tokens, 0};
    if (status == SENTIMENT_OK)
        status =
            sn_tokenizer_split(kind, memory, text, size, policy, &scratch, print_word, &to, &error);
    if (status == SENTIMENT_ERROR_INVALID_UTF8)
        fprintf(out, "!%llu", (unsigned long long)error.offset);
    else if (status != SENTIMENT_OK)
        fprintf(out, "error %d: %s", (int)status, error.message);
    else if (to.next != tokens.count)
        fprintf(out, "more tokens than words");
    sn_tokens_free(memory, &tokens);
    sn_tokens_free(memory, &scratch);
}

/* Bytes written in hex, in a block of exactly their size so that the address
 * sanitizer sees a read past the end; NULL if malformed. */
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

_Bool answer(const char *question, FILE *out)
{
    char *rest;
    int32_t kind = (int32_t)strtol(question, &rest, 10);
    int32_t policy = (int32_t)strtol(rest, &rest, 10);
    if (*rest != ' ')
        return 0;
    size_t size;
    char *text = from_hex(rest + 1, &size);
    if (!text)
        return 0;
    print_tokens(kind, policy, text, size, out);
    free(text);
    return 1;
}
