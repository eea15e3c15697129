/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers questions from standard input, a line each (see answer.h): the C half
 * of test_python.py. */
#include <stdlib.h>

#include "answer.h"

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    int status = 0;
    while (status == 0 && getline(&line, &capacity, stdin) > 0) {
        status = answer(line, stdout) ? 0 : 1;
        putchar('\n');
    }
    free(line);
    return status;
}
