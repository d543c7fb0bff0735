/* SPDX-License-Identifier: MIT */
/* What ARM has of each vCPU and domain. */
#ifndef ASM_DOMAIN_H
#define ASM_DOMAIN_H

#include <argon/spinlock.h>
#include <argon/pgtable.h>
#include <asm/regs.h>
#include <vdev/mmio.h>
#include <vdev/vgic_state.h>
#include <vdev/vtimer_state.h>

struct arch_vcpu {
    struct cpu_regs regs;        /* first */
    void *stack_top;             /* of the CPU that has loaded its registers: where its exits run */
    u64 hcr;                     /* HCR_EL2 while this vCPU runs */
    u64 vmpidr;                  /* VMPIDR_EL2: what the guest reads as MPIDR_EL1 */
    u32 loaded_on;               /* CPU + 1 whose EL1 and FP registers are el1 and fp below, if it has not loaded others since; 0: none */
    bool bypass;                 /* speculative store bypass: as the guest has asked by SMCCC_ARCH_WORKAROUND_2; off at reset */
    u64 flush_gfn;               /* where cleaning of its domain's memory goes on (setway.c) */
    struct el1_state el1;
    struct fp_state fp;
    struct vtimer_vcpu vtimer;
    struct vgic_vcpu vgic;
};
struct arch_vcpu_far { struct vgic_vcpu_far vgic; };

struct arch_domain {
    struct pgtable p2m;          /* stage 2; changes under p2m_lock */
    u64 vttbr;                   /* VTTBR_EL2: root and VMID */
    u64 vcounter_offset;         /* CNTVOFF, ticks: host counter at creation */
    u16 vmid;
    u16 last_vcpu[NR_CPUS];      /* by CPU: 1 + id of the vCPU whose registers it loaded last; that CPU only */
    struct spinlock p2m_lock;    /* RANK_P2M: tables and their quota */
    u64 p2m_max_gfn;
    unsigned int teardown_cursor;/* progress of a preemptible teardown */
    struct mmio_table mmio;
    u32 event_ppi;               /* event-channel interrupt the guest was told */
    bool mmio_on_fault;          /* device memory that it may have is mapped 1:1 where it is touched: p2m_map_touched() */
    struct vgic_domain vgic;
};

#endif
