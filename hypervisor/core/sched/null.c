/* SPDX-License-Identifier: MIT */
/*
 * `null`, for real time: each vCPU keeps the CPU it was put on, and runs until it blocks or yields. With more vCPUs
 * than CPUs the others wait for that, in the order in which they came.
 */
#include "internal.h"

#include <argon/xen.h>

static u32 null_rate(u32 weight)
{
    (void)weight;
    return 0;
}

static void null_woken(u32 cpu, struct vcpu *v, u64 now)
{
    (void)cpu;
    (void)v;
    (void)now;
}

static bool null_keeps_turn(const struct sched_pcpu *sp, struct vcpu *prev, const struct vcpu *first, u64 now)
{
    (void)sp;
    (void)prev;
    (void)first;
    (void)now;
    return true;
}

const struct sched_ops sched_null = {
    .name = "null",
    .id = XEN_SCHEDULER_NULL,
    .rate = null_rate,
    .woken = null_woken,
    .keeps_turn = null_keeps_turn,
};
