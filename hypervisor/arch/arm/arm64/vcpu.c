/* SPDX-License-Identifier: MIT */
/* Guest register state: reset, switching, and the toolstack's view of it. */
#include <argon/arch.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/p2m.h>
#include <argon/percpu.h>
#include <argon/string.h>
#include <argon/xen.h>
#include <asm/errata.h>
#include <asm/fp.h>
#include <asm/hcr.h>
#include <asm/serror.h>
#include <asm/smp.h>
#include <asm/spectre.h>
#include <asm/tlb.h>
#include <asm/trap.h>
#include <asm/vcpu_regs.h>
#include <vdev/vgic.h>
#include <vdev/vtimer.h>

#define PSTATE_START    0x1c5UL                  /* EL1h; A, I, F masked */
#define PSTATE_VALID    (GENMASK(31, 28) | BIT(24) | BIT(22) | BIT(21) | BIT(20) | BIT(12) | GENMASK(11, 10) | 0x3c0UL | 0x1fUL)

/* Members and registers two at a time, in the order of struct el1_state: one load or store for both. */
#define EL1_PAIRS(X) \
    X(sp_el0, sp_el0, sp_el1, sp_el1) \
    X(elr_el1, elr_el1, spsr_el1, spsr_el1) \
    X(cpacr, cpacr_el1, ttbr0, ttbr0_el1) \
    X(ttbr1, ttbr1_el1, mair, mair_el1) \
    X(amair, amair_el1, vbar, vbar_el1) \
    X(esr, esr_el1, far, far_el1) \
    X(afsr0, afsr0_el1, afsr1, afsr1_el1) \
    X(par, par_el1, contextidr, contextidr_el1) \
    X(tpidr_el0, tpidr_el0, tpidrro_el0, tpidrro_el0) \
    X(tpidr_el1, tpidr_el1, csselr, csselr_el1)

static always_inline void el1_save(struct el1_state *s)
{
#define SAVE(m1, r1, m2, r2) do { \
        u64 first = sysreg_read(r1), second = sysreg_read(r2); \
        s->m1 = first; \
        s->m2 = second; \
    } while (0);
    SAVE(sctlr, sctlr_el1, tcr, tcr_el1)
    EL1_PAIRS(SAVE)
    s->cntkctl = sysreg_read(cntkctl_el1);
}

/* All but SCTLR_EL1 and TCR_EL1. */
static always_inline void el1_restore(const struct el1_state *s)
{
#define RESTORE(m1, r1, m2, r2) do { \
        u64 first = s->m1, second = s->m2; \
        sysreg_write(r1, first); \
        sysreg_write(r2, second); \
    } while (0);
    EL1_PAIRS(RESTORE)
    sysreg_write(cntkctl_el1, s->cntkctl);
}

static void vcpu_save(struct vcpu *v)
{
    vtimer_save(v);
    vgic_save(v);
    el1_save(&v->arch.el1);
    fp_save(&v->arch.fp);
}

/* What CPUs need when vCPUs change: one word, known once all are up, which each has at hand. */
#define SWITCH_HOLD   BIT32(0)   /* ERRATUM_SPECULATIVE_AT: walks are stopped meanwhile */
#define SWITCH_REPEAT BIT32(1)   /* ERRATUM_REPEAT_TLBI */
#define SWITCH_RAS    BIT32(2)
#define SWITCH_SME    BIT32(3)
#define SWITCH_V4     BIT32(4)   /* SPECTRE_V4_FIRMWARE */

static_assert(SWITCH_HOLD == SCTLR_M, "the one becomes the other in vcpu_load()");

boot_code void vcpu_boot_done(void)
{
    u32 flags = (errata_active(ERRATUM_SPECULATIVE_AT) ? SWITCH_HOLD : 0) |
                (errata_active(ERRATUM_REPEAT_TLBI) ? SWITCH_REPEAT : 0) | (cpu_has_ras ? SWITCH_RAS : 0) |
                (errata_active(SPECTRE_V4_FIRMWARE) ? SWITCH_V4 : 0) |
                ((sysreg_read(id_aa64pfr1_el1) >> 24 & 0xf) != 0 ? SWITCH_SME : 0);

    for_each_cpu (c) {
        pcpus[c]->arch.switch_flags = flags;
    }
}

/*
 * TPIDR2_EL0 comes with SME, which guests are not offered; yet no trap of this architecture level covers it. With HCR_EL2.AMO set
 * DISR_EL1 is VDISR_EL2 at EL1, RAS being hidden or not (D17.2.36). Both start as zero for each vCPU that is loaded, so that they carry
 * nothing from one to another. Store bypass is as the vCPU has asked of its firmware.
 */
static noinline u32 load_rest(const struct vcpu *v, u32 flags)
{
    if (flags & SWITCH_V4) {
        spectre_v4_load(v);
    }
    if (flags & SWITCH_SME) {
        sysreg_write(s3_3_c13_c0_5, 0);
    }
    if (flags & SWITCH_RAS) {
        sysreg_write(s3_4_c12_c1_1, 0);
    }
    return flags;                        /* for who does not keep it over the call */
}

/*
 * SCTLR_EL1 and TCR_EL1 of v, the last of its registers: walks that were stopped, by ERRATUM_SPECULATIVE_AT or for idle, are let in where
 * all else is v's and the TLB has nothing that must go.
 *
 * Was another vCPU of this domain the last to run here? With TTBRn_EL1.CnP clear, what one of them has in the TLB for its ASIDs may
 * differ from what the other's tables say (D8.15.1), as if they were CPUs of their own. Instructions too: one that fetched with its MMU
 * off filled the instruction cache from beyond the point of unification (D8.2.12). Of this CPU and VMID only.
 */
static always_inline void regime_load(struct vcpu *v, struct domain *d, u32 cpu, u32 flags)
{
    u64 sctlr = v->arch.el1.sctlr, tcr = v->arch.el1.tcr;
    u32 hold = flags & SWITCH_HOLD;

    sysreg_write(sctlr_el1, sctlr | hold);
    isb();                               /* HCR_EL2 and VTTBR_EL2 say what is invalidated */
    if (likely(d->arch.last_vcpu[cpu] != v->id + 1)) {
        d->arch.last_vcpu[cpu] = (u16)(v->id + 1);
        tlb_flush_guest_here(flags & SWITCH_REPEAT);
    }
    if (unlikely(hold)) {
        walks_resume(sctlr, tcr);
    } else {
        sysreg_write(tcr_el1, tcr);      /* as that, with SCTLR_EL1 in place */
    }
}

/* Registers of v, of which this CPU holds none. */
static always_inline void vcpu_load(struct vcpu *v, struct pcpu *p)
{
    u32 flags = p->arch.switch_flags, cpu = p->id;
    u64 hcr, vmpidr, vttbr, offset;
    struct domain *d;

    if (unlikely(flags & (SWITCH_SME | SWITCH_RAS | SWITCH_V4))) {
        flags = load_rest(v, flags);
    }
    d = v->domain;
    hcr = v->arch.hcr;
    vmpidr = v->arch.vmpidr;
    vttbr = d->arch.vttbr;
    offset = d->arch.vcounter_offset;
    sysreg_write(vttbr_el2, vttbr);
    sysreg_write(hcr_el2, hcr);
    sysreg_write(vmpidr_el2, vmpidr);
    sysreg_write(cntvoff_el2, offset);
    el1_restore(&v->arch.el1);
    p->arch.loaded = v;
    v->arch.loaded_on = cpu + 1;
    v->arch.stack_top = p->arch.stack_top;
    regime_load(v, d, cpu, flags);
    fp_restore(&v->arch.fp);
}

/*
 * EL1, EL0 and FP registers are not touched while a CPU idles, but for what stops walks: if v was the last to run here, has run nowhere
 * else since, and what was saved of it has not been changed, its registers are still in the CPU. `loaded` is compared, never followed:
 * that vCPU may be gone.
 */
static always_inline void vcpu_restore(struct vcpu *v, struct pcpu *p)
{
    sysreg_write(spsr_el2, v->arch.regs.pstate);     /* for guest_irqs_masked() */
    if (unlikely(p->arch.loaded != v || v->arch.loaded_on != p->id + 1)) {
        vcpu_load(v, p);
    } else {
        walks_resume(v->arch.el1.sctlr, v->arch.el1.tcr);
    }
    /* The translation regime is complete before anything (AT, the timer's comparison) uses it. */
    isb();
    vgic_restore(v);
    vtimer_restore(v);
}

/* Nobody else may be struck by what v has done: the next vCPU, or the hypervisor. */
static noinline u32 serror_blame(struct vcpu *v, u32 flags)
{
    u64 esr = serror_take();

    this_cpu()->arch.loaded = NULL;           /* the vectors have used registers of v's */
    domain_crash(v->domain, "vcpu%u left an asynchronous abort behind, syndrome %#lx", v->id, esr);
    return flags;                        /* as load_rest() */
}

/*
 * Between a guest and idle nothing is loaded or stored twice. prev may go on elsewhere, between a TLBI, IC or DC of its own and the DSB after
 * it, which there would wait for that CPU's alone (D8.14.5, D7.5.9): serror_waits() has one here.
 */
void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
    struct pcpu *p;

    if (!prev->is_idle) {
        u32 flags;

        vcpu_save(prev);
        flags = this_cpu()->arch.switch_flags;
        if (unlikely(serror_waits(flags & SWITCH_RAS))) {
            flags = serror_blame(prev, flags);
        }
        if ((flags & SWITCH_HOLD) || next->is_idle) {
            walks_stop(prev->arch.el1.sctlr, prev->arch.el1.tcr);
        }
    } else if (unlikely(sysreg_read(isr_el1) & ISR_A)) {
        serror_while_idle();
    }
    p = this_cpu();
    p->current = next;
    if (!next->is_idle) {
        vcpu_restore(next, p);
    }
}

void vcpu_regs_reset(struct vcpu *v)
{
    memset(&v->arch.regs, 0, sizeof(v->arch.regs));
    memset(&v->arch.el1, 0, sizeof(v->arch.el1));
    memset(&v->arch.fp, 0, sizeof(v->arch.fp));
    v->arch.loaded_on = 0;
    v->arch.bypass = false;
    v->arch.regs.pstate = PSTATE_START;
    v->arch.el1.sctlr = SCTLR_EL1_RESET;
    v->arch.hcr = HCR_GUEST;
    v->arch.flush_gfn = 0;
    v->arch.vmpidr = BIT(31) | (u64)(v->id >> 4) << 8 | (v->id & 0xf);
}

int arch_vcpu_boot(struct vcpu *v, u64 entry, u64 context)
{
    if (entry & 3) {
        return -EINVAL;
    }
    vcpu_regs_reset(v);
    v->arch.regs.pc = entry;
    v->arch.regs.x[0] = context;
    v->initialised = true;
    return 0;
}

u64 arch_vcpu_mpidr(const struct vcpu *v)
{
    return v->arch.vmpidr;
}

int arch_set_address_size(struct domain *d, u32 bits)
{
    (void)d;
    return bits == 64 ? 0 : -EINVAL;     /* 32: AArch32 EL1 is not offered (docs/abi.md) */
}

/* Modes a toolstack may start a vCPU in: EL0t, EL1t, EL1h. */
static bool mode_ok(u64 pstate)
{
    u64 mode = pstate & 0x1f;

    return mode == 0 || mode == 4 || mode == 5;
}

int arch_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    const struct vcpu_guest_core_regs *r = &c->user_regs;

    if (!mode_ok(r->cpsr)) {
        return -EINVAL;
    }
    v->arch.loaded_on = 0;               /* what a CPU may still hold of it is out of date */
    memcpy(v->arch.regs.x, &r->x0, sizeof(v->arch.regs.x));
    v->arch.regs.pc = r->pc64;
    v->arch.regs.pstate = r->cpsr & PSTATE_VALID;
    v->arch.el1.spsr_el1 = r->spsr_el1;
    v->arch.el1.spsr_fiq = r->spsr_fiq;
    v->arch.el1.spsr_irq = r->spsr_irq;
    v->arch.el1.spsr_und = r->spsr_und;
    v->arch.el1.spsr_abt = r->spsr_abt;
    v->arch.el1.sp_el0 = r->sp_el0;
    v->arch.el1.sp_el1 = r->sp_el1;
    v->arch.el1.elr_el1 = r->elr_el1;
    v->arch.el1.sctlr = c->sctlr;
    v->arch.el1.tcr = c->ttbcr;
    v->arch.el1.ttbr0 = c->ttbr0;
    v->arch.el1.ttbr1 = c->ttbr1;
    return 0;
}

void arch_get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
    struct vcpu_guest_core_regs *r = &c->user_regs;

    memcpy(&r->x0, v->arch.regs.x, sizeof(v->arch.regs.x));
    r->pc64 = v->arch.regs.pc;
    r->cpsr = v->arch.regs.pstate;
    r->spsr_el1 = (u32)v->arch.el1.spsr_el1;
    r->spsr_fiq = (u32)v->arch.el1.spsr_fiq;
    r->spsr_irq = (u32)v->arch.el1.spsr_irq;
    r->spsr_und = (u32)v->arch.el1.spsr_und;
    r->spsr_abt = (u32)v->arch.el1.spsr_abt;
    r->sp_el0 = v->arch.el1.sp_el0;
    r->sp_el1 = v->arch.el1.sp_el1;
    r->elr_el1 = v->arch.el1.elr_el1;
    c->sctlr = v->arch.el1.sctlr;
    c->ttbcr = v->arch.el1.tcr;
    c->ttbr0 = v->arch.el1.ttbr0;
    c->ttbr1 = v->arch.el1.ttbr1;
}

void arch_vcpu_dump(struct vcpu *v)
{
    const struct cpu_regs *r = &v->arch.regs;

    con_printf("d%uv%u on CPU %u: pc %016lx pstate %08lx\n", v->domain->id, v->id, v->cpu, r->pc, r->pstate);
    for (unsigned int i = 0; i < 30; i += 3) {
        con_printf("  x%-2u %016lx  x%-2u %016lx  x%-2u %016lx\n", i, r->x[i], i + 1, r->x[i + 1], i + 2, r->x[i + 2]);
    }
    if (v == current_vcpu()) {
        el1_save(&v->arch.el1);          /* live here: bring the copy up to date */
    }
    con_printf("  x30 %016lx  sp_el0 %016lx  sp_el1 %016lx\n", r->x[30], v->arch.el1.sp_el0, v->arch.el1.sp_el1);
    con_printf("  elr_el1 %016lx spsr_el1 %08lx esr_el1 %08lx far_el1 %016lx\n", v->arch.el1.elr_el1, v->arch.el1.spsr_el1,
               v->arch.el1.esr, v->arch.el1.far);
    con_printf("  sctlr %016lx tcr %016lx ttbr0 %016lx ttbr1 %016lx vbar %016lx\n", v->arch.el1.sctlr, v->arch.el1.tcr,
               v->arch.el1.ttbr0, v->arch.el1.ttbr1, v->arch.el1.vbar);
    con_printf("  vttbr %016lx hcr %016lx vmpidr %016lx\n", v->domain->arch.vttbr, v->arch.hcr, v->arch.vmpidr);
}
