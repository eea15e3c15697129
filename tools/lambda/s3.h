/* SPDX-License-Identifier: Apache-2.0
 *
 * One object of S3 into a file, signed as the function's role (AWS Signature
 * Version 4, by libcurl). Region, keys and endpoint come from the environment,
 * under the names that Lambda and the SDKs of AWS use. */
#ifndef TOOLS_LAMBDA_S3_H
#define TOOLS_LAMBDA_S3_H

#include <stdio.h>

#include "transfer.h"

/* Room for any message about a model that cannot be had. */
#define PROBLEM_SIZE 1024

/* Writes s3://BUCKET/KEY to the file; false: `problem` says why not. */
bool s3_fetch(transfer *on, const char *uri, FILE *file, char problem[PROBLEM_SIZE]);

#endif
