/* SPDX-License-Identifier: MIT */
/* Unit tests: the part of the register state that core and vdev look at. */
#ifndef ASM_DOMAIN_H
#define ASM_DOMAIN_H

#include <argon/pgtable.h>
#include <argon/spinlock.h>
#include <vdev/mmio.h>
#include <vdev/vgic_state.h>
#include <vdev/vtimer_state.h>

struct cpu_regs { u64 x[31]; u64 pc, pstate, esr; };
#define PSTATE_I BIT(7)
#define guest_irqs_masked(v) ((v)->arch.regs.pstate & PSTATE_I)

struct arch_vcpu {
    struct cpu_regs regs;
    u64 vmpidr;
    bool bypass;
    struct vtimer_vcpu vtimer;
    struct vgic_vcpu vgic;
};
struct arch_vcpu_far { struct vgic_vcpu_far vgic; };

struct host_p2m_entry;
struct arch_domain {
    struct spinlock p2m_lock;
    struct host_p2m_entry *gfns; /* arch/host/p2m.c: array by gfn */
    struct pgtable p2m;          /* for tests of what looks stage 2 up on ARM */
    u64 p2m_max_gfn;             /* highest gfn ever mapped */
    struct mmio_table mmio;
    u32 event_ppi;
    bool mmio_on_fault;
    u64 vcounter_offset;
    struct vgic_domain vgic;
};

#endif
