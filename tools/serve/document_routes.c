/* SPDX-License-Identifier: Apache-2.0
 *
 * What was built in: GET /openapi.json, the description of all routes, and GET /,
 * a page to try the model on. */
#include "answer_http.h"
#include "documents.h"
#include "handlers.h"

void handle_openapi(connection *client)
{
    answer_bytes(client, 200, "application/json", document_openapi, document_openapi_size);
}

void handle_page(connection *client)
{
    out_format(answer_fields(client),
               "Content-Security-Policy: %s\r\nX-Content-Type-Options: nosniff\r\n"
               "Referrer-Policy: no-referrer\r\nCache-Control: no-cache\r\n",
               document_page_policy);
    answer_bytes(client, 200, "text/html; charset=utf-8", document_page, document_page_size);
}
