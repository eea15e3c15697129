/* SPDX-License-Identifier: Apache-2.0
 *
 * See team.h. A turn is a number that counts up. Whoever takes a member's part
 * moves `taken` from the turn before to this one; only one can. What a member
 * reads of a step it reads after that, and then the leader waits for it. */
#include "nn/team.h"

#include "base/cpu.h"

#define OVER UINT32_MAX

static size_t first_block(const sn_team *team, uint32_t member)
{
    return team->step.blocks * member / team->size;
}

/* The units of one member. */
static void run_part(const sn_team *team, uint32_t member)
{
    sn_step part = team->step;
    size_t begin = first_block(team, member), lanes = begin * SN_BLOCK_GATES;
    const float *gates = part.gates[0] + lanes;
    if (part.int8.weights) {
        part.int8.weights += (part.hidden + SN_GROUP - 1) / SN_GROUP * SN_GROUP * lanes;
        part.int8.scale += lanes;
        part.int8.start += lanes;
        part.bytes_next += begin * SN_BLOCK;
    } else {
        part.weights += part.hidden * lanes;
    }
    part.gates = &gates;
    part.blocks = first_block(team, member + 1) - begin;
    part.h_next += begin * SN_BLOCK;
    part.c += begin * SN_BLOCK;
    part.sum += begin * SN_BLOCK;
    team->kernel(&part);
}

/* Whether this thread is to do the member's part of the turn. */
static _Bool take(sn_team_member *member, uint32_t turn)
{
    uint32_t before = turn - 1;
    return atomic_compare_exchange_strong_explicit(&member->taken, &before, turn,
                                                   memory_order_acquire, memory_order_relaxed);
}

void sn_team_begin(sn_team *team, uint32_t size)
{
    *team = (sn_team){.size = size};
}

void sn_team_step(sn_team *team, void (*kernel)(const sn_step *step), const sn_step *step)
{
    uint32_t turn = atomic_load_explicit(&team->turn, memory_order_relaxed) + 1;
    team->kernel = kernel;
    team->step = *step;
    atomic_store_explicit(&team->turn, turn, memory_order_release);
    run_part(team, 0);
    for (uint32_t i = 1; i < team->size; i++) {
        sn_team_member *member = &team->members[i];
        unsigned looks = 0;
        if (take(member, turn))
            run_part(team, i);
        else
            while (atomic_load_explicit(&member->done, memory_order_acquire) != turn)
                sn_cpu_pause(&looks);
    }
}

void sn_team_end(sn_team *team)
{
    atomic_store_explicit(&team->turn, OVER, memory_order_release);
}

void sn_team_assist(sn_team *team, uint32_t member)
{
    uint64_t rounding = sn_cpu_fix_rounding();
    sn_team_member *self = &team->members[member];
    uint32_t seen = 0, turn;
    unsigned looks = 0;
    while ((turn = atomic_load_explicit(&team->turn, memory_order_acquire)) != OVER) {
        if (turn == seen) {
            sn_cpu_pause(&looks);
            continue;
        }
        seen = turn;
        if (!take(self, turn))
            continue;
        run_part(team, member);
        atomic_store_explicit(&self->done, turn, memory_order_release);
        looks = 0;
    }
    sn_cpu_restore_rounding(rounding);
}
