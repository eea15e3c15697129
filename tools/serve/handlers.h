/* SPDX-License-Identifier: Apache-2.0
 *
 * The handlers of the routes. Each answers the request, or hands a job to the
 * batcher that answers it later. */
#ifndef TOOLS_SERVE_HANDLERS_H
#define TOOLS_SERVE_HANDLERS_H

#include <jansson.h>

#include "connection.h"

/* predict_routes.c */
void handle_predict(connection *client);
void handle_predict_batch(connection *client);
/* The same for a body that has been read, and with another answer. */
void predict_text(connection *client, const json_t *root, job_answer_fn answer, bool explains);
void predict_one(connection *client, json_t *root);
void predict_many(connection *client, json_t *root);

/* explain_routes.c */
void handle_explain(connection *client);

/* invocation_routes.c */
void handle_ping(connection *client);
void handle_invocations(connection *client);

/* v2_routes.c: the Open Inference Protocol */
void handle_v2(connection *client);
void handle_v2_live(connection *client);
void handle_v2_ready(connection *client);
void handle_v2_model(connection *client);
void handle_v2_model_ready(connection *client);
void handle_v2_config(connection *client);

/* v2_infer.c */
void handle_v2_infer(connection *client);

/* document_routes.c */
void handle_openapi(connection *client);
void handle_page(connection *client);

/* status_routes.c */
void handle_health(connection *client);
void handle_livez(connection *client);
void handle_readyz(connection *client);
void handle_metrics(connection *client);

/* feedback_routes.c */
void handle_feedback(connection *client);

/* admin_routes.c */
void handle_admin_models(connection *client);
void handle_admin_reload(connection *client);
void handle_admin_label(connection *client);
void handle_admin_rollback(connection *client);
void handle_admin_unload(connection *client);

/* model_routes.c */
void handle_model_info(connection *client);

#endif
