/* SPDX-License-Identifier: MIT */
/* Unit tests: barriers of the host, and knobs in place of hardware. */
#ifndef ASM_CPU_H
#define ASM_CPU_H

#include <argon/types.h>

extern bool host_irq_waiting;    /* tests set it to exercise preemption */

int sched_yield(void);           /* libc's: another thread holds what this one spins for */
static inline void cpu_relax(void) { sched_yield(); }
/*
 * ThreadSanitizer knows no fences; a read-modify-write of a word of one's own is one, and tells it of no order between
 * threads.
 */
static inline void cpu_barrier(void)
{
    static __thread u32 word;

    (void)__atomic_fetch_add(&word, 1, __ATOMIC_SEQ_CST);
}
static inline void cpu_table_barrier(void) { cpu_barrier(); }
#define dsb(scope) cpu_barrier()         /* drivers whose registers a test has in memory */
static inline u64 arch_index_nospec(u64 i, u64 n) { return i < n ? i : 0; }
static inline bool arch_irq_waiting(void) { return host_irq_waiting; }
u64 arch_counter(void);
void arch_timer_program(u64 ticks);

#endif
