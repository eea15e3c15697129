/* SPDX-License-Identifier: Apache-2.0
 *
 * How much of the processors the control groups of this process leave to it. */
#ifndef SN_BASE_CGROUP_H
#define SN_BASE_CGROUP_H

/* The smallest quota from its group up to the root, in processors, of version 2 and
 * version 1; 0: none. `root` stands before /proc and /sys: empty, but for tests. */
double sn_cgroup_quota(const char *root);

#endif
