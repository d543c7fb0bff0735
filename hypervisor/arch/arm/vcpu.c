/* SPDX-License-Identifier: MIT */
/* Guest register state: creation, switching, and the toolstack's view of it. */
#include <argon/arch.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/machine.h>
#include <argon/p2m.h>
#include <argon/percpu.h>
#include <argon/string.h>
#include <argon/xen.h>
#include <asm/errata.h>
#include <asm/fp.h>
#include <asm/smp.h>
#include <asm/spectre.h>
#include <asm/trap.h>
#include <vdev/vgic.h>
#include <vdev/vgic_host.h>
#include <vdev/vtimer.h>

/* HCR_EL2 (Arm ARM D17.2.48). */
#define HCR_VM     BIT(0)    /* stage 2 on */
#define HCR_SWIO   BIT(1)    /* set/way invalidate cleans too */
#define HCR_PTW    BIT(2)    /* a stage-1 walk through device memory faults at stage 2: the walker is never to read a device */
#define HCR_FMO    BIT(3)    /* physical interrupts to EL2, virtual ones to the guest */
#define HCR_IMO    BIT(4)
#define HCR_AMO    BIT(5)
#define HCR_FB     BIT(9)    /* broadcast the guest's local TLB and cache maintenance: it may move between CPUs */
#define HCR_BSU_IS (1UL << 10)
#define HCR_TWI    BIT(13)
#define HCR_TID3   BIT(18)   /* feature registers */
#define HCR_TSC    BIT(19)
#define HCR_TIDCP  BIT(20)   /* implementation defined registers */
#define HCR_TACR   BIT(21)
#define HCR_RW     BIT(31)   /* EL1 is AArch64 */
#define HCR_TLOR   BIT(35)
#define HCR_TERR   BIT(36)
#define HCR_GUEST  (HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU_IS | HCR_TWI | HCR_TID3 | \
                    HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_RW | HCR_TLOR | HCR_TERR)

#define SCTLR_EL1_RESET 0x00c50078UL
#define PSTATE_START    0x1c5UL                  /* EL1h; A, I, F masked */
#define PSTATE_VALID    (GENMASK(31, 28) | BIT(24) | BIT(22) | BIT(21) | BIT(20) | BIT(12) | GENMASK(11, 10) | 0x3c0UL | 0x1fUL)

/* Members and registers two at a time, in the order of struct el1_state: one load or store for both. */
#define EL1_PAIRS(X) \
    X(sp_el0, sp_el0, sp_el1, sp_el1) \
    X(elr_el1, elr_el1, spsr_el1, spsr_el1) \
    X(sctlr, sctlr_el1, cpacr, cpacr_el1) \
    X(tcr, tcr_el1, ttbr0, ttbr0_el1) \
    X(ttbr1, ttbr1_el1, mair, mair_el1) \
    X(amair, amair_el1, vbar, vbar_el1) \
    X(esr, esr_el1, far, far_el1) \
    X(afsr0, afsr0_el1, afsr1, afsr1_el1) \
    X(par, par_el1, contextidr, contextidr_el1) \
    X(tpidr_el0, tpidr_el0, tpidrro_el0, tpidrro_el0) \
    X(tpidr_el1, tpidr_el1, csselr, csselr_el1)

static void el1_save(struct el1_state *s)
{
#define SAVE(m1, r1, m2, r2) do { \
        u64 first = sysreg_read(r1), second = sysreg_read(r2); \
        s->m1 = first; \
        s->m2 = second; \
    } while (0);
    EL1_PAIRS(SAVE)
    s->cntkctl = sysreg_read(cntkctl_el1);
}

static void el1_restore(const struct el1_state *s)
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

/*
 * TPIDR2_EL0 comes with SME, which guests are not offered; yet no trap of this architecture level covers it. It starts as zero for
 * each vCPU that is loaded, so that it carries nothing from one to another.
 */
static bool has_sme ro_after_boot;

boot_code void vcpu_boot_init(void)
{
    has_sme = (sysreg_read(id_aa64pfr1_el1) >> 24 & 0xf) != 0;
}

/*
 * These, EL1, EL0 and FP registers are not touched while a CPU idles: if v was the last to run here, has run nowhere else since, and
 * what was saved of it has not been changed, its registers are still in the CPU. `loaded` is compared, never followed: that vCPU may be
 * gone.
 */
static always_inline void kept_restore(struct vcpu *v)
{
    struct pcpu *p = this_cpu();

    if (likely(p->arch.loaded == v && v->arch.loaded_on == p->id + 1)) {
        return;
    }
    if (unlikely(has_sme)) {
        sysreg_write(s3_3_c13_c0_5, 0);
    }
    sysreg_write(hcr_el2, v->arch.hcr);
    sysreg_write(vmpidr_el2, v->arch.vmpidr);
    sysreg_write(cntvoff_el2, v->domain->arch.vcounter_offset);
    el1_restore(&v->arch.el1);
    fp_restore(&v->arch.fp);
    p->arch.loaded = v;
    v->arch.loaded_on = p->id + 1;
}

static void vcpu_restore(struct vcpu *v)
{
    sysreg_write(vttbr_el2, v->domain->arch.vttbr);
    sysreg_write(spsr_el2, v->arch.regs.pstate);     /* for guest_irqs_masked() */
    if (errata_active(SPECTRE_V4_FIRMWARE)) {
        spectre_v4_load(v);
    }
    kept_restore(v);
    /* The translation regime is complete before anything (AT, the timer's comparison) uses it. */
    isb();
    vgic_restore(v);
    vtimer_restore(v);
}

/*
 * Between a guest and idle nothing is loaded or stored twice: the guest's translation root is only taken away, so that no speculative
 * walk uses tables that may be freed.
 */
void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
    if (!prev->is_idle) {
        vcpu_save(prev);
    }
    this_cpu()->current = next;
    next->arch.stack_top = this_cpu()->arch.stack_top;
    if (!next->is_idle) {
        vcpu_restore(next);
    } else {
        sysreg_write(vttbr_el2, 0);
        isb();
    }
}

static void regs_reset(struct vcpu *v)
{
    memset(&v->arch.regs, 0, sizeof(v->arch.regs));
    memset(&v->arch.el1, 0, sizeof(v->arch.el1));
    memset(&v->arch.fp, 0, sizeof(v->arch.fp));
    v->arch.loaded_on = 0;
    v->arch.bypass = false;
    v->arch.regs.pstate = PSTATE_START;
    v->arch.el1.sctlr = SCTLR_EL1_RESET;
    v->arch.hcr = HCR_GUEST;
    v->arch.vmpidr = BIT(31) | (u64)(v->id >> 4) << 8 | (v->id & 0xf);
}

int arch_vcpu_create(struct vcpu *v)
{
    const struct domain *d = v->domain;

    regs_reset(v);
    if (v->is_idle) {
        return 0;
    }
    vgic_init_vcpu(v);
    /* dom0's device tree names the host's timer interrupts, other guests' the ABI's. */
    vtimer_init_vcpu(v, d->is_privileged ? machine.timer_irq_virt : 27, d->is_privileged ? machine.timer_irq_phys_ns : 30);
    return 0;
}

void arch_vcpu_quiesce(struct vcpu *v)
{
    vtimer_destroy_vcpu(v);
}

void arch_vcpu_destroy(struct vcpu *v)
{
    if (!v->is_idle) {
        vtimer_destroy_vcpu(v);
    }
}

void arch_vcpu_reset(struct vcpu *v)
{
    regs_reset(v);
    vgic_reset_vcpu(v);
    vtimer_reset_vcpu(v);
}

int arch_vcpu_boot(struct vcpu *v, u64 entry, u64 context)
{
    if (entry & 3) {
        return -EINVAL;
    }
    regs_reset(v);
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
