/* SPDX-License-Identifier: MIT */
/*
 * Knobs of the fake architecture under the host unit tests: RAM in one mmap'ed arena, virtual time, a record of what
 * hooks were asked to do, and injected failures. Nothing here exists in a real build.
 */
#ifndef ASM_HOST_H
#define ASM_HOST_H

#include <argon/types.h>

struct domain;
struct pcpu;

/*
 * ---- RAM: frames [first, first + nr) exist; frame table zeroed, frame_base and frame_end set. Replaces what was
 * there. ----
 */
void host_ram_init(u64 first, u64 nr);
void host_ram_free(void);
extern u64 host_ram_first, host_ram_nr;

extern bool host_irq_waiting;    /* hypercall_preempt_check() and, but with ARM's headers, arch_irq_waiting() */

extern __thread struct pcpu *host_pcpu;  /* this_cpu() */

/* ---- time ---- */
extern u64 host_counter;         /* arch_counter(): ticks; tests read it as ns (a 1 GHz counter) */
extern u64 host_timer_compare;   /* last arch_timer_program(); ~0 when off */

/* ---- what was called: name and up to four arguments, oldest records overwritten after HOST_RECORDS ---- */
#define HOST_RECORDS 512
struct host_record {
    const char *fn;
    u64 a[4];
};
void host_record(const char *fn, u64 a0, u64 a1, u64 a2, u64 a3);
void host_record_reset(void);
u64 host_calls(const char *fn);                        /* how often since the reset */
const struct host_record *host_last(const char *fn);   /* newest record still held, NULL if none */

/* ---- stage 2 (arch/host/p2m.c) ---- */
#define HOST_P2M_BITS 36         /* guest-physical address bits */
extern u64 host_p2m_fail_after;  /* so many p2m_map/p2m_replace calls succeed, then -ENOMEM; ~0: never fail */
extern u64 host_p2m_flushes;     /* TLB flushes that removals and p2m_replace() would have done */

/* ---- copies (arch/host/guest_access.c): gva == gpa of the current vCPU's domain ---- */
extern u64 host_access_fail_after; /* so many copies succeed, then -EFAULT; ~0: never fail */

/*
 * ---- atomics (asm/atomic.h): what is one pair of exclusive accesses on ARM, a trylock for one, may fail for no reason. The n-th pair
 * from now does, once; 0: none ----
 */
extern u32 host_exclusive_fail_in;

/* Pages that arch_zero_pages()/arch_clean_dcache() were given, in all. */
extern u64 host_zeroed_pages, host_cleaned_pages;
/* What host_cleaned_pages was at the last arch_forget_code(). */
extern u64 host_forgotten;

#endif
