/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that share the steps of a single row. Each has a part of the hidden
 * units, the same at every step, so that its weights stay in the cache of its
 * core. The leader runs the pass and waits for nobody who has not begun: a part
 * that its member is late for it does itself. Members wait in a loop, since a step
 * takes microseconds. No bit depends on who does what. */
#ifndef SN_NN_TEAM_H
#define SN_NN_TEAM_H

#include <stdatomic.h>

#include "kernels/kernels.h"

/* At small hidden sizes more would wait longer for one another than they compute. */
#define SN_TEAM_MAX 4

typedef struct sn_team_member {
    _Alignas(64) _Atomic uint32_t taken; /* the last turn whose part somebody has taken, */
    _Atomic uint32_t done;               /* and the last one that the member has done */
} sn_team_member;

typedef struct sn_team {
    uint32_t size; /* the leader, number 0, counted in */
    void (*kernel)(const sn_step *step); /* of the present turn, */
    sn_step step;                        /* and what it is given */
    _Alignas(64) _Atomic uint32_t turn;
    sn_team_member members[SN_TEAM_MAX];
} sn_team;

/* A team for one pass or more over one row; size is 2 to SN_TEAM_MAX. */
void sn_team_begin(sn_team *team, uint32_t size);
/* The leader: runs a step of one row, all of it. `kernel` is one of sn_kernels.step
 * and step_int8. */
void sn_team_step(sn_team *team, void (*kernel)(const sn_step *step), const sn_step *step);
/* The leader: no more steps. */
void sn_team_end(sn_team *team);
/* A member, 1 ... size-1: takes part from now on and returns after the end, also
 * when that has been before. */
void sn_team_assist(sn_team *team, uint32_t member);

#endif
