/* SPDX-License-Identifier: Apache-2.0
 *
 * GET /openapi.json: the description of all routes, as it was built in. */
#include "answer_http.h"
#include "documents.h"
#include "handlers.h"

void handle_openapi(connection *client)
{
    answer_bytes(client, 200, "application/json", document_openapi, document_openapi_size);
}
