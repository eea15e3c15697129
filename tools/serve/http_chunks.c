/* SPDX-License-Identifier: Apache-2.0
 *
 * Decoder of chunked bodies (RFC 9112 7.1): hexadecimal sizes, extensions and
 * trailers skipped and bounded, every line ended by CRLF. */
#include "http_parse.h"

/* Sizes, extensions and trailers of one body together; and digits of a size. */
#define MAX_OVERHEAD (1u << 20)
#define MAX_DIGITS 8

enum {
    SIZE,         /* first digit of a size */
    DIGITS,       /* further ones */
    EXTENSION,    /* behind ';' */
    SIZE_END,     /* line feed behind a size */
    DATA,         /* bytes of the chunk */
    DATA_CR,      /* carriage return behind them */
    DATA_LF,      /* line feed behind that */
    TRAILER,      /* first byte of a line behind the last chunk */
    TRAILER_LINE, /* further ones */
    TRAILER_LF,   /* its line feed */
    END_LF        /* the last line feed */
};

static int digit_of(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return -1;
}

/* Inside the line of a size; the next state, -1: malformed. */
static int step_size(http_chunks *chunks, char byte)
{
    int digit = digit_of(byte);
    if (chunks->state == EXTENSION)
        return byte == '\r'                                   ? SIZE_END
               : ((unsigned char)byte < 0x20 && byte != '\t') ? -1
                                                              : EXTENSION;
    if (chunks->state == SIZE) {
        chunks->left = 0;
        chunks->line = 0;
    }
    if (digit >= 0 && chunks->line++ < MAX_DIGITS) {
        chunks->left = chunks->left * 16 + (uint64_t)digit;
        return DIGITS;
    }
    if (digit >= 0 || chunks->state == SIZE)
        return -1;
    return byte == '\r' ? SIZE_END : byte == ';' ? EXTENSION : -1;
}

static int step(http_chunks *chunks, char byte)
{
    switch (chunks->state) {
    case SIZE:
    case DIGITS:
    case EXTENSION:
        return step_size(chunks, byte);
    case SIZE_END:
        return byte != '\n' ? -1 : chunks->left ? DATA : TRAILER;
    case DATA_CR:
        return byte == '\r' ? DATA_LF : -1;
    case DATA_LF:
        return byte == '\n' ? SIZE : -1;
    case TRAILER:
        return byte == '\r' ? END_LF : (unsigned char)byte <= 0x20 ? -1 : TRAILER_LINE;
    case TRAILER_LINE:
        return byte == '\r'                                   ? TRAILER_LF
               : ((unsigned char)byte < 0x20 && byte != '\t') ? -1
                                                              : TRAILER_LINE;
    case TRAILER_LF:
        return byte == '\n' ? TRAILER : -1;
    default:
        return -1;
    }
}

http_progress http_decode(http_chunks *chunks, const char *input, size_t size, size_t *used,
                          http_slice *data)
{
    *used = 0;
    while (*used < size) {
        if (chunks->state == DATA) {
            size_t here = size - *used;
            if (here > chunks->left)
                here = (size_t)chunks->left;
            *data = (http_slice){input + *used, here};
            *used += here;
            chunks->left -= here;
            if (chunks->left == 0)
                chunks->state = DATA_CR;
            return HTTP_DATA;
        }
        char byte = input[(*used)++];
        if (chunks->state == END_LF)
            return byte == '\n' ? HTTP_DONE : HTTP_BAD;
        int next = step(chunks, byte);
        if (next < 0 || ++chunks->overhead > MAX_OVERHEAD)
            return HTTP_BAD;
        chunks->state = next;
    }
    return HTTP_MORE;
}
