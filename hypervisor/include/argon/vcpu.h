/* SPDX-License-Identifier: MIT */
/* A virtual CPU. */
#ifndef ARGON_VCPU_H
#define ARGON_VCPU_H

#include <argon/event.h>
#include <argon/sched.h>
#include <argon/timer.h>
#include <argon/xen.h>
#include <asm/domain.h>          /* struct arch_vcpu, struct arch_domain */

/*
 * vcpu->pending: everything that must happen before this vCPU runs guest code again. One word, tested once on the exit
 * path.
 */
enum vcpu_pending {
    PEND_RESCHED = 1u << 0,      /* run the scheduler */
    PEND_VGIC    = 1u << 1,      /* interrupts wait to be moved to list registers */
    PEND_SYNC    = 1u << 2,      /* another CPU wants this vCPU's list registers read back to memory */
    PEND_QUIESCE = 1u << 3,      /* a grace period must be answered */
    PEND_DUMP    = 1u << 4,      /* print its registers (vcpu_dump()) */
    PEND_RUNSTATE = 1u << 5,     /* the guest's runstate copy is to be written */
    PEND_LINE    = 1u << 6,      /* a level interrupt waits that the guest may retract: look on each exit (vgic_check_lines) */
    PEND_ITS     = 1u << 7,      /* commands of an interrupt translation service wait (vgic_its_work) */
};

struct vcpu {
    struct arch_vcpu arch;       /* first: the vectors save registers here */
    u32 pending;                 /* enum vcpu_pending; atomic or own CPU only when current */
    u32 pause_flags;             /* enum vcpu_pause; atomic */
    u16 id;
    bool is_idle;
    bool initialised;            /* has a register state (setvcpucontext or CPU_ON) */
    u32 cpu;                     /* physical CPU it runs or last ran on, whose queue holds it; that CPU's RANK_SCHED */
    struct domain *domain;
    struct vcpu_info *info;      /* never NULL: in shared_info, a registered page, or a private dummy */
    mfn_t info_mfn;              /* registered page (reference held), INVALID_MFN if none */
    struct event_vcpu event;
    struct sched_vcpu sched;
    u32 pause_count;             /* RANK_SCHED of v->cpu; VPF_PAUSED while above 0 */
    bool ctl_paused;             /* a domctl that must restart holds one of these counts; domain's domctl_lock */
    struct vcpu_info dummy_info; /* what info points at until the guest registers one */
    struct vcpu_runstate_info runstate;      /* RANK_SCHED; state, entry time, time per state in ns */
    u64 runstate_gva;            /* guest's copy, 0 if none registered */
    struct timer poll_timer;     /* sched_op(poll) time-out */
    struct arch_vcpu_far arch_far; /* last: what is large, and would put the rest out of one instruction's reach */
};

/* Create vCPU `id` of d, down and without register state. -EEXIST, -EINVAL, -ENOMEM; on failure nothing is left. */
must_check int vcpu_create(struct domain *d, u16 id);
/* Stop what would fire later on its behalf; then, when nobody can hold a pointer to it, free it. */
void vcpu_quiesce(struct vcpu *v);
void vcpu_free(struct vcpu *v);
/* The idle vCPU of a CPU (sched_init_cpu); stops boot when there is no memory. */
struct vcpu *vcpu_create_idle(u32 cpu);
/*
 * Something the guest waits for: make it runnable if blocked or polling, and make it look at its pending work. Any CPU.
 */
void vcpu_kick(struct vcpu *v, u32 pending);
/*
 * Registers of v to the console: now if it is off the CPUs, else on its next way back to the guest, where all of them are
 * in memory. Any CPU.
 */
void vcpu_dump(struct vcpu *v);
/*
 * Would the guest take an interrupt, has it an event, or commands that may lead to one: then WFI and block must not
 * sleep.
 */
bool vcpu_event_pending(struct vcpu *v);
/*
 * Register vcpu_info at (gfn, offset) of its domain: -EINVAL twice, for a vCPU that may run elsewhere, or for a page
 * that is not the domain's RAM; -ENXIO straddling or misaligned. Contents move over; all events are made to look
 * pending.
 */
must_check int vcpu_register_info(struct vcpu *v, gfn_t g, u32 offset);
void vcpu_unregister_info(struct vcpu *v);
/* Runstate change; caller holds the run queue lock of v->cpu. */
static inline void vcpu_runstate_change(struct vcpu *v, int state, u64 now)
{
    u64 since = v->runstate.state_entry_time;
    u64 *time = &v->runstate.time[v->runstate.state];

    if (likely(now > since)) {
        WRITE_ONCE(*time, *time + now - since);
    }
    WRITE_ONCE(v->runstate.state, state);
    WRITE_ONCE(v->runstate.state_entry_time, now);
}
void vcpu_runstate_publish(struct vcpu *v);                               /* v is current: write the guest's copy */

#endif
