/* SPDX-License-Identifier: MIT */
/*
 * Unit tests: include this first. It brings libc and cmocka before Argon's headers (whose attribute macros would
 * disturb them) and declares the fake machine: CPUs, domains, guest memory, virtual time.
 *
 * What a test's named sources do not define comes from tests/unit/support as weak functions: working fakes of the plain
 * services (heap, timers, domain lookup, permissions, log) and recorders of side effects (vcpu_kick, smp_kick,
 * vgic_set_level, ...; see host_calls() and host_last() in <asm/host.h>). Anything else fails the test that calls it. A
 * test overrides by defining the function.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <cmocka.h>

#ifdef UNIT_INTERLEAVE
#include "interleave.h"
#endif
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/hypercall.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <asm/host.h>

/*
 * 1: the test is linked with the stage 2 of arch/arm (support/sysreg/real_p2m.h), and the knobs of the fake one
 * (host_p2m_*) are not there but for the count of flushes.
 */
#ifndef UNIT_REAL_P2M
#define UNIT_REAL_P2M 0
#endif

/* First frame of RAM of the fake machine, and how many there are. */
#define UNIT_RAM_FIRST 0x40000UL
#define UNIT_RAM_PAGES 0x10000UL

/*
 * A machine of n CPUs, all online, the calling thread being CPU 0 with its idle vCPU current. Clears records, knobs,
 * log, timers and domains of an earlier test. With core/mem linked, the RAM is given to the real allocator, else to the
 * fake one. unit_machine_free() releases everything, also domains that the test left.
 */
void unit_machine(u32 cpus);
/* Called by that once there is RAM; a test may define it (support/sysreg/real_p2m.h). */
void unit_arch_init(void);
void unit_machine_free(void);
/* As cmocka set-up and tear-down of one test: a machine with 4 CPUs. */
int unit_setup(void **state);
int unit_teardown(void **state);

/* The calling thread plays this CPU from now on. */
void unit_set_cpu(u32 cpu);
/* A thread that plays this CPU and calls fn; and wait until it has ended. */
void unit_thread_start(u32 cpu, void (*fn)(void));
void unit_thread_join(u32 cpu);
/* event_alloc_unbound() for whoever has, or would have, that id. */
unused static inline int unit_unbound(struct domain *d, u16 remote)
{
    const struct domain nobody = { .id = remote, .serial = 1UL << 32 }, *r = domain_lookup(remote);

    return event_alloc_unbound(d, r != NULL ? r : &nobody);
}
/* v is current on this thread's CPU and runs there. */
void unit_set_current(struct vcpu *v);

/*
 * A domain as core expects to find one: locks, vCPUs (not paused, on CPU id % nr_cpus), shared_info with vcpu_info
 * pointers, stage 2, found by domain_lookup(). id 0 is privileged and dom0. Event, grant and vGIC parts are zero:
 * initialise them where linked.
 */
struct domain *unit_domain(u16 id, u32 nr_vcpus);
void unit_domain_free(struct domain *d);
/* Give d zeroed RAM at [gpa, gpa + bytes), page aligned; and at a place of its own (returns gpa). */
void unit_guest_map(struct domain *d, u64 gpa, u64 bytes);
u64 unit_guest_alloc(struct domain *d, u64 bytes);
/* Host pointer to guest memory (within one page), NULL where nothing is mapped. */
void *unit_guest_ptr(struct domain *d, u64 gpa);
/* Copy a struct to fresh guest memory of d: its address, as a hypercall argument. */
u64 unit_guest_put(struct domain *d, const void *data, size_t bytes);

/* Move virtual time forward by ns, running timers as they fall due. */
void unit_advance(u64 ns);
/* Deadline of the next fake timer, ~0 when none (only where core/time is not linked). */
u64 unit_next_timer(void);

/* What was logged or printed to the console since unit_machine(). */
const char *unit_log(void);
void unit_log_clear(void);

/* hypercall_preempt_check() answers true after so many calls, once; ~0 never. host_irq_waiting makes it always true. */
extern u64 unit_preempt_after;
/* Fake allocator: so many allocations succeed, then they fail; ~0 never. */
extern u64 unit_alloc_fail_after;
/* Fake allocator: allocations not yet freed (objects and page chunks): for leak checks. */
u64 unit_allocs(void);
/* Pages that mem_stats() calls free, and those that domains' stage-2 tables take (roots aside): a real one has some. */
u64 unit_free_pages(void);

/* The code under test must panic or fail an assertion. */
#define unit_expect_panic(call) expect_assert_failure(call)

/* A function that no linked source defines was called: fail the test (generated stubs). */
__attribute__((noreturn)) void unit_unexpected_call(const char *fn);

#define unit_case(fn) cmocka_unit_test_setup_teardown(fn, unit_setup, unit_teardown)

#endif
