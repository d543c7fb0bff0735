/* SPDX-License-Identifier: MIT */
/*
 * The contract between core and an architecture. Hot hooks are inline, from <asm/...> chosen by include path (arch/arm/include or
 * arch/host/include):
 *   <asm/percpu.h>   this_cpu(), struct arch_pcpu
 *   <asm/domain.h>   struct arch_vcpu, struct arch_domain
 *   <asm/vcpu.h>     arch_event_upcall() (v's upcall byte was set: let it take its event interrupt), arch_vcpu_irq_pending() (would
 *                    v, current or not running, take an interrupt now?)
 *   <asm/cpu.h>      cpu_relax(), cpu_barrier_*(), arch_irq_waiting(), arch_counter() (CNTPCT_EL0, ticks), arch_counter_hz(),
 *                    arch_index_nospec() (index_nospec() of <argon/nospec.h>, any limit),
 *                    arch_timer_program() (this CPU's hypervisor timer compare, ticks; ~0 = off)
 *   <asm/atomic.h>, <asm/directmap.h>, <asm/guest_access.h>, <asm/string.h>   what <argon/...> of those subjects has from them
 *   <asm/errata.h>   for these themselves: does the CPU need a workaround?
 *   <asm/vtimer.h>, <asm/firmware.h>   for vdev: this CPU's virtual timer, and the host's firmware
 * Further parts are <argon/p2m.h> and <argon/guest_access.h>. All these headers together name what the layers below an architecture may
 * call of it: scripts/layers.py reads them.
 */
#ifndef ARGON_ARCH_H
#define ARGON_ARCH_H

#include <argon/types.h>
#include <asm/cpu.h>

struct domain;
struct vcpu;
struct domain_config;
struct vcpu_guest_context;

/* ---- memory ---- */
void arch_zero_pages(void *va, u64 nr_pages);    /* page aligned */
void arch_scrub_pages(void *va, u64 nr_pages);   /* zeroed and cleaned as by the next: any guest may read them */
void arch_forget_code(void);                     /* ... and, after this, execute: no CPU has what was scrubbed before as instructions */
void arch_clean_dcache(const void *va, size_t n);/* to the point of coherency: a guest with caches off sees it */
void arch_clean_inval_dcache(const void *va, size_t n); /* as that, and drops the lines: what a device wrote is seen */
volatile void *arch_ioremap(paddr_t pa, u64 size);/* device registers; NULL when it cannot be mapped. Never undone. */
/* A register that may not be there: -EIO if the access is aborted. Boot only: no guest has run. */
must_check int arch_probe_read32(volatile void *va, u32 *value);
u64 arch_image_bytes(void);                      /* the hypervisor's own image in memory, and where it is */
paddr_t arch_image_start(void);
u64 arch_cpu_stack_bytes(void);                  /* stacks of one CPU, for debug key H */

/* ---- CPUs ---- */
void arch_send_ipi(u32 cpu);
noreturn_fn void arch_machine_restart(void);
noreturn_fn void arch_machine_poweroff(void);
noreturn_fn void arch_stop_cpu(void);
/*
 * Call UEFI at `fn` with five arguments, pointers of the hypervisor's among them, on behalf of the current vCPU: in a translation of its
 * own, interrupts masked. One CPU at a time. 0: firmware's answer is in *status; -EIO: it took an exception, or caused an SError, and a
 * message has said so; -EBUSY: nothing was done, as an SError of the guest's is to be taken first.
 */
must_check int arch_firmware_call(u64 fn, const u64 *args, u64 *status);
void arch_dump_backtrace(void);                  /* of the caller, to the console */

/* ---- interrupts ---- */
/* irq_route_to_guest(): tie vintid of d to host_irq, and on its release undo that. */
must_check int arch_irq_connect(struct domain *d, u32 vintid, u32 host_irq);
void arch_irq_disconnect(struct domain *d, u32 vintid);
/* irq_release_from_guest() for all that a dying domain has, whose vCPUs are off the CPUs. */
void arch_domain_release_irqs(struct domain *d);
void arch_domain_dump_irqs(struct domain *d);    /* debug key v */
u64 arch_domain_irq_bytes(const struct domain *d); /* memory of their state, for debug key H */

/* ---- domains and vCPUs ---- */
void arch_domain_init_clock(struct domain *d);   /* its counter starts at zero now, as its time does */
must_check int arch_domain_create(struct domain *d, struct domain_config *cfg);
/* Preemptible part of destruction (-ERESTART), and the last part. */
must_check int arch_domain_relinquish(struct domain *d);
void arch_domain_destroy(struct domain *d);
must_check int arch_vcpu_create(struct vcpu *v);
void arch_vcpu_quiesce(struct vcpu *v);          /* vcpu_quiesce(): stop what would fire later on its behalf */
void arch_vcpu_destroy(struct vcpu *v);
void arch_vcpu_reset(struct vcpu *v);            /* domctl setvcpucontext(NULL) */
/* Move register state: prev's into memory, next's from memory (either may be idle); next is current then. Interrupts masked; on this CPU. */
void arch_context_switch(struct vcpu *prev, struct vcpu *next);
/* domctl 12/13. v is paused and descheduled. -EINVAL on modes other than EL0/EL1. */
must_check int arch_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
void arch_get_context(struct vcpu *v, struct vcpu_guest_context *c);
must_check int arch_set_address_size(struct domain *d, u32 bits);
void arch_vcpu_dump(struct vcpu *v);             /* registers in memory, to the console: debug_dump_vcpu() */
void arch_vcpu_show_regs_host(void);             /* debug key d: this CPU */
/* Entry point and argument for PSCI CPU_ON (vdev/vpsci). */
must_check int arch_vcpu_boot(struct vcpu *v, u64 entry, u64 context);
u64 arch_vcpu_mpidr(const struct vcpu *v);       /* affinity the guest sees */
u32 arch_physinfo_caps(void);                    /* XEN_SYSCTL_PHYSCAP_* beyond the common ones */

#endif
