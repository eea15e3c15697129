/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling the service manager how far the server is (sd_notify(3)). */
#ifndef TOOLS_SERVE_NOTIFY_H
#define TOOLS_SERVE_NOTIFY_H

/* Sends lines such as "READY=1"; nothing where there is no manager. */
void notify_manager(const char *state);

#endif
