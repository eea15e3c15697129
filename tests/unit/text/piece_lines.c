/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers questions from standard input, a line each (see piece_answer.h): the C
 * half of test_pieces_python.py. */
#include <stdlib.h>

#include "piece_answer.h"

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    int status = 0;
    sn_pieces pieces = {0};
    while (status == 0 && getline(&line, &capacity, stdin) > 0) {
        status = piece_answer(line, &pieces, stdout) ? 0 : 1;
        putchar('\n');
    }
    sn_pieces_free(&sn_memory_default, &pieces);
    free(line);
    return status;
}
