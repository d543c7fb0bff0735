/* SPDX-License-Identifier: MIT */
/*
 * Work between CPUs. The hypervisor never waits for another CPU with an interrupt: it sets a bit of work and kicks.
 *
 * Lifetime of objects found without a lock: hypervisor code is not preempted and runs with interrupts masked, so a CPU
 * that takes an IPI (from a guest, idle, or between two turns of exit_work()) holds no pointer from before, but to what
 * is current there and so cannot be freed. quiesce_defer() uses that: after it is
 * called, every other CPU is kicked, and when all have answered, fn(head) runs. Readers pay nothing.
 */
#ifndef ARGON_SMP_H
#define ARGON_SMP_H

#include <argon/list.h>
#include <argon/types.h>

enum ipi_work {
    IPI_RESCHED = 1u << 0,   /* look at vcpu->pending and the run queue again */
    IPI_QUIESCE = 1u << 1,   /* answer the grace period */
    IPI_TIMER   = 1u << 2,   /* reprogram this CPU's timer */
    IPI_STOP    = 1u << 3,   /* panic or reboot elsewhere: stop for good */
    IPI_DUMP    = 1u << 4,   /* debug key: print this CPU's state */
    IPI_CONSOLE = 1u << 5,   /* to itself: tell the log's consumers of new lines, from where locks may be taken */
};

struct quiesce_head {
    struct list_head link;
    void (*fn)(struct quiesce_head *head);
};

/* Ask `cpu` to do `work` soon; at most one physical IPI until it is answered. Any context. */
void smp_kick(u32 cpu, u32 work);
/* Called on receipt of the IPI, no lock held. */
void smp_handle_ipi(void);
/* IPI_STOP to all others; does not wait. */
void smp_stop_others(void);
/*
 * Run fn(head) once no CPU can hold a pointer obtained before this call; not before the caller returns to guest or
 * idle. Not before all CPUs are online (nr_cpus is final).
 */
void quiesce_defer(struct quiesce_head *head, void (*fn)(struct quiesce_head *));
/*
 * This CPU is between guest entries or idle and holds no such pointer: run what has become due. Called by exit_work()
 * with PEND_QUIESCE, of the idle vCPU too, and by smp_handle_ipi(). No lock held.
 */
void quiesce_poll(void);

#endif
