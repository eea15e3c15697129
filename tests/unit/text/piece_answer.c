/* SPDX-License-Identifier: Apache-2.0
 *
 * See piece_answer.h. */
#include "piece_answer.h"

#include <stdlib.h>
#include <string.h>

#include "text/utf8.h"

static const char normalizer_letters[] = "CDKklscha"; /* in the order of the enum */
static const char splitter_letters[] = "BWSPL";

const char *piece_steps(const char *question, sn_steps *steps)
{
    *steps = (sn_steps){0};
    for (; *question && *question != ':'; question++) {
        const char *found = strchr(normalizer_letters, *question);
        if (!found || steps->normalizer_count == SN_MAX_STEPS)
            return NULL;
        steps->normalizers[steps->normalizer_count++] = (sn_normalizer)(found - normalizer_letters);
    }
    if (*question++ != ':')
        return NULL;
    for (; *question && *question != ' '; question++) {
        const char *found = strchr(splitter_letters, *question);
        if (!found || steps->splitter_count == SN_MAX_STEPS)
            return NULL;
        sn_splitter *splitter = &steps->splitters[steps->splitter_count++];
        splitter->kind = (sn_splitter_kind)(found - splitter_letters);
        if (splitter->kind != SN_SPLIT_PUNCTUATION && splitter->kind != SN_SPLIT_BYTE_LEVEL)
            continue;
        int digit = *++question - '0';
        if (digit < 0 || digit > 4)
            return NULL;
        splitter->behaviour = (sn_behaviour)digit;
        splitter->add_prefix_space = digit & 1;
        splitter->use_regex = (digit & 2) != 0;
    }
    return question;
}

static void print_piece(const sn_pieces *pieces, size_t i, FILE *out)
{
    size_t at = pieces->begins[i], end = pieces->ends[i];
    while (at < end) {
        sn_char next = sn_utf8_get(pieces->bytes + at, end - at);
        size_t last = at + next.length - 1;
        uint64_t from = pieces->from ? pieces->from[at] : at;
        uint64_t to = pieces->to ? pieces->to[last] : last + 1;
        for (; at <= last; at++)
            fprintf(out, "%02x", (unsigned)pieces->bytes[at]);
        fprintf(out, "@%llu,%llu.", (unsigned long long)from, (unsigned long long)to);
    }
}

_Bool piece_answer(const char *question, sn_pieces *pieces, FILE *out)
{
    sn_steps steps;
    const char *hex = piece_steps(question, &steps);
    if (!hex || *hex++ != ' ')
        return 0;
    size_t size = strspn(hex, "0123456789abcdef") / 2;
    uint8_t *text = malloc(size ? size : 1);
    if (!text)
        return 0;
    for (size_t i = 0; i < size; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        text[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    sentiment_error error = {.struct_size = sizeof error};
    if (sn_pieces_make(&steps, &sn_memory_default, text, size, pieces, &error) != SENTIMENT_OK)
        fprintf(out, "error: %s", error.message);
    for (size_t i = 0; i < pieces->count; i++) {
        if (i)
            fputc(' ', out);
        print_piece(pieces, i, out);
    }
    free(text);
    return 1;
}
