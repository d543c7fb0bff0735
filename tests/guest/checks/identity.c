/* SPDX-License-Identifier: MIT */
/* What a vCPU has beside its general and FP registers, in values of its own (state.h). */
#include "console.h"
#include "cpu.h"
#include "domu.h"
#include "gic.h"
#include "state.h"
#include "sysreg.h"
#include "timer.h"

/*
 * EL1 registers that the hypervisor must switch. mask: bits that may hold anything while this code runs. Not all CPUs
 * have all of them: what counts is what can be read back.
 */
#define EL1_REGISTERS(X) \
    X(tpidr_el0, ~0ul) X(tpidrro_el0, ~0ul) X(tpidr_el1, ~0ul) X(sp_el0, ~0ul) X(contextidr_el1, 0xffffffff) \
    X(far_el1, ~0ul) X(elr_el1, 0xfffffffffffc) X(spsr_el1, 0xf00003c5) X(esr_el1, 0xffffffff) \
    X(par_el1, 0xfffffffff000) X(mair_el1, 0xffffffffff000000) X(ttbr0_el1, 0xfful << 48) \
    X(ttbr1_el1, 0xfffffff000) X(cntkctl_el1, 0x303) X(csselr_el1, 0x3) X(tcr_el1, 3ul << 37) \
    X(sctlr_el1, 0x400c200) X(vbar_el1, 0xfffffffff800) X(cpacr_el1, 0x200000) X(afsr0_el1, 0xffffffff) \
    X(afsr1_el1, 0xffffffff) X(amair_el1, ~0ul)

enum {
#define INDEX_ONE(reg, mask) INDEX_##reg,
    EL1_REGISTERS(INDEX_ONE)
#undef INDEX_ONE
    EL1_COUNT
};

static struct identity {
    uint64_t el1[EL1_COUNT], before[EL1_COUNT];
    uint64_t cntv_cval, cntp_cval;
    uint32_t cntv_ctl, cntp_ctl; /* never one that asks for an interrupt */
    uint32_t interface;          /* gic_interface() */
    uint32_t active;             /* IAR of the interrupt in service */
    unsigned priority;           /* of the active one */
    unsigned pending;            /* SGI that waits behind it */
} identities[MAX_CPUS];

static struct identity *mine(void) { return &identities[this_cpu()->index]; }

static void el1_read(uint64_t *v)
{
#define READ_ONE(reg, mask) v[INDEX_##reg] = sysreg_read(reg);
    EL1_REGISTERS(READ_ONE)
#undef READ_ONE
}

void el1_assume(unsigned round)
{
    struct identity *id = mine();
    uint64_t v = (0x0123456789abcdeful + state_owner() * 0x1111111111111111ul) * (round + 1);

    el1_read(id->before);
#define WRITE_ONE(reg, mask) \
    sysreg_write(reg, (id->before[INDEX_##reg] & ~(uint64_t)(mask)) | \
                      ((v + INDEX_##reg * 0x1010101010101010ul) & (mask)));
    EL1_REGISTERS(WRITE_ONE)
#undef WRITE_ONE
    isb();
    el1_read(id->el1);
}

unsigned el1_check(void)
{
    const struct identity *id = mine();
    uint64_t now[EL1_COUNT];

    el1_read(now);
    for (unsigned i = 0; i < EL1_COUNT; i++)
        if (now[i] != id->el1[i])
            return 301 + i;
    return 0;
}

void el1_drop(void)
{
    const struct identity *id = mine();

#define RESTORE_ONE(reg, mask) sysreg_write(reg, id->before[INDEX_##reg]);
    EL1_REGISTERS(RESTORE_ONE)
#undef RESTORE_ONE
    isb();
}

unsigned identity_compare(unsigned cpu, const struct vcpu_guest_context *c)
{
    const uint64_t *v = identities[cpu].el1;
    const struct { unsigned index; uint64_t value; } seen[] = {
        { INDEX_sp_el0, c->user_regs.sp_el0 },
        { INDEX_elr_el1, c->user_regs.elr_el1 },
        { INDEX_spsr_el1, c->user_regs.spsr_el1 },
        { INDEX_sctlr_el1, c->sctlr },
        { INDEX_tcr_el1, c->ttbcr },
        { INDEX_ttbr0_el1, c->ttbr0 },
        { INDEX_ttbr1_el1, c->ttbr1 },
    };

    for (unsigned i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
        if (v[seen[i].index] != seen[i].value)
            return 301 + seen[i].index;
    return 0;
}

static void end(uint32_t iar)
{
    gic_eoi(iar);
    if (mine()->interface >> 16)
        gic_deactivate(iar);
}

static void timers_write(const struct identity *id)
{
    sysreg_write(cntv_ctl_el0, id->cntv_ctl);
    sysreg_write(cntp_ctl_el0, id->cntp_ctl);
    sysreg_write(cntv_cval_el0, id->cntv_cval);
    sysreg_write(cntp_cval_el0, id->cntp_cval);
    isb();
}

/* One SGI in service and a less urgent one waiting; what wakes is more urgent than both. */
static void gic_assume(struct identity *id)
{
    unsigned owner = state_owner(), active = 1 + owner * 2 % 14;

    gic_drain();
    gic_reset();
    id->priority = 0x60 + owner % 3 * 0x20; /* what a binary point of 4 leaves of it is the same */
    id->pending = active + 1;
    gic_set_priority(active, id->priority);
    gic_set_priority(id->pending, 0xc0);
    gic_set_priority(IDENTITY_WAKE_SGI, 0x40);
    gic_set_priority(timer_irqs.virtual, 0x40);
    gic_set_priority(timer_irqs.physical, 0x40);
    for (unsigned i = 0; i < 4; i++) {
        const unsigned irqs[] = { active, IDENTITY_WAKE_SGI, timer_irqs.virtual, timer_irqs.physical };

        gic_set_bit(irqs[i], GICD_ISENABLER);
    }
    if (domu_self) {
        gic_set_priority(DOMU_EVENT_IRQ, 0x40);
        gic_set_bit(DOMU_EVENT_IRQ, GICD_ISENABLER);
    }
    gic_set_mask(0xf8 - owner % 4 * 8);
    gic_set_binary_point(3 + owner % 2);
    gic_set_eoi_mode(owner / 2 % 2);
    id->interface = gic_interface();
    gic_sgi_self(active);
    id->active = gic_wait_ack(patience_ms);
    gic_set_bit(id->pending, GICD_ISENABLER);
    gic_sgi_self(id->pending);
}

void identity_assume(unsigned round)
{
    struct identity *id = mine();
    unsigned owner = state_owner();

    timer_stop();
    gic_assume(id);
    id->cntv_cval = (1ul << 60) + owner * 0x123456789ul + round;
    id->cntp_cval = (1ul << 60) + owner * 0x987654321ul + round;
    id->cntv_ctl = (owner + round) % 4;
    id->cntp_ctl = (owner + round / 4) % 4;
    timers_write(id);
    el1_assume(round);
}

static unsigned timers_check(const struct identity *id)
{
    if (sysreg_read(cntv_cval_el0) != id->cntv_cval)
        return 401;
    if ((sysreg_read(cntv_ctl_el0) & 3) != id->cntv_ctl)
        return 402;
    if (sysreg_read(cntp_cval_el0) != id->cntp_cval)
        return 403;
    return (sysreg_read(cntp_ctl_el0) & 3) != id->cntp_ctl ? 404 : 0;
}

static unsigned gic_check(const struct identity *id)
{
    if (gic_interface() != id->interface)
        return 501;
    if (gic_running_priority() != id->priority)
        return 502;
    if (!WAIT_FOR(IRQ_ID(gic_highest_pending()) == id->pending, patience_ms))
        return 503;
    return gic_irq_signalled() ? 504 : 0;
}

unsigned identity_check(void)
{
    const struct identity *id = mine();
    unsigned where = el1_check();

    if (!where)
        where = timers_check(id);
    return where ? where : gic_check(id);
}

/* What was in service ends, what waits comes, and then there is nothing. */
static unsigned gic_drop(const struct identity *id)
{
    uint32_t iar;

    if (IRQ_ID(id->active) != id->pending - 1)
        return 510;
    end(id->active);
    iar = gic_wait_ack(patience_ms);
    if (IRQ_ID(iar) != id->pending)
        return 511;
    end(iar);
    return IRQ_ID(gic_ack()) == IRQ_NONE ? 0 : 512;
}

unsigned identity_drop(void)
{
    unsigned where = gic_drop(mine());

    el1_drop();
    timer_stop();
    gic_drain();
    gic_reset();
    return where;
}

static unsigned wake_id(enum wake wake)
{
    return wake == WAKE_VIRTUAL_TIMER ? timer_irqs.virtual : wake == WAKE_PHYSICAL_TIMER ? timer_irqs.physical :
           wake == WAKE_SGI ? IDENTITY_WAKE_SGI : DOMU_EVENT_IRQ;
}

unsigned identity_sleep(enum wake wake, unsigned us, unsigned round)
{
    struct identity *id = mine();
    uint64_t due = counter() + ticks_us(us), limit = due + ticks_ms(patience_ms);
    unsigned where = 0;
    uint32_t iar;

    if (wake == WAKE_VIRTUAL_TIMER) {
        sysreg_write(cntv_cval_el0, due);
        sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
    } else if (wake == WAKE_PHYSICAL_TIMER) {
        sysreg_write(cntp_cval_el0, due);
        sysreg_write(cntp_ctl_el0, TIMER_ENABLE);
    }
    isb();
    while (!where && !gic_irq_signalled() && counter() < limit)
        where = state_sleep(round);
    for (unsigned i = 0; i < state_operations() && !where; i++)
        where = state_exercise(i, round); /* what woke it still waits: WFI among these does not sleep */
    if (!where)
        where = el1_check();
    if (!where && wake <= WAKE_PHYSICAL_TIMER && counter() < due)
        where = 405;
    iar = gic_ack();
    timers_write(id);
    if (wake == WAKE_EVENT)
        domu_clear_event();
    if (IRQ_ID(iar) < 1020)
        end(iar);
    return where ? where : IRQ_ID(iar) != wake_id(wake) ? 505 : 0;
}
