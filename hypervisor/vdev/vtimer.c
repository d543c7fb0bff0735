/* SPDX-License-Identifier: MIT */
/*
 * Generic timers of a guest (Arm ARM D11.2): the virtual one in hardware, the EL1 physical one emulated; both
 * level-sensitive.
 */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/percpu.h>
#include <asm/vtimer.h>
#include <vdev/vgic.h>
#include <vdev/vtimer.h>

#define CTL_ENABLE  1U
#define CTL_IMASK   2U
#define CTL_ISTATUS 4U

/* The count the guest sees. */
static u64 guest_count(const struct vcpu *v)
{
    return arch_counter() - v->domain->arch.vcounter_offset;
}

/*
 * Has the guest's count reached cval? Both are unsigned (D11.2.4): a compare value in the past fires, one far ahead
 * does not.
 */
static bool expired(const struct vcpu *v, u64 cval)
{
    return guest_count(v) >= cval;
}

/* System time at which the guest's count reaches cval, exactly; ~0 when that is centuries away. */
static u64 deadline_ns(const struct vcpu *v, u64 cval)
{
    u64 ticks = cval + v->domain->arch.vcounter_offset;

    return ticks < cval || ticks / time_counter_hz() > UINT64_C(9000000000) ? UINT64_MAX : ticks_to_ns(ticks);
}

static void arm(struct timer *t, u64 deadline)
{
    if (deadline == UINT64_MAX) {
        timer_stop(t);
        return;
    }
    if (t->cpu != cpu_id()) {
        timer_migrate(t, cpu_id());
    }
    timer_set(t, deadline);
}

/* ---- the virtual timer ---- */

static bool is_on(u64 ctl)
{
    return (ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE;
}

static bool virt_enabled(const struct vtimer_vcpu *t)
{
    return is_on(t->cntv_ctl);
}

/* The vCPU's virtual timer expires while it is off the CPU. */
static void virt_wake_fn(void *data)
{
    struct vcpu *v = data;
    struct vtimer_vcpu *t = &v->arch.vtimer;

    if (READ_ONCE(t->live) || !virt_enabled(t)) {
        return;
    }
    if (!expired(v, t->cntv_cval)) {
        arm(&t->virt_wake, deadline_ns(v, t->cntv_cval));
        return;
    }
    (void)vgic_inject_timer(v, t->virt_irq);     /* false: it got on a CPU meanwhile, whose hardware does it */
}

/*
 * The stand-in for v's timer, which is on. Also when it has expired just now: the interrupt, masked here, is lost with
 * the timer, and v may already have found nothing to wait for. The timer then fires at the next interrupt window and
 * wakes v. Not so when the guest has the interrupt already.
 */
static noinline void stand_in(struct vcpu *v)
{
    struct vtimer_vcpu *t = &v->arch.vtimer;

    if (!expired(v, t->cntv_cval) || !vgic_timer_in_flight(v, t->virt_irq)) {
        arm(&t->virt_wake, deadline_ns(v, t->cntv_cval));
    }
}

void vtimer_save(struct vcpu *v)
{
    struct vtimer_vcpu *t = &v->arch.vtimer;
    u64 ctl = arch_vtimer_ctl();

    t->cntv_ctl = ctl;
    t->cntv_cval = arch_vtimer_cval();
    arch_vtimer_off();
    WRITE_ONCE(t->live, false);
    if (is_on(ctl)) {
        stand_in(v);
    }
}

/* The stand-in has nothing to wake any more; the other timer fires where its vCPU is. */
static noinline void timers_follow(struct vtimer_vcpu *t)
{
    timer_stop(&t->virt_wake);
    if (t->phys.queued && t->phys.cpu != cpu_id()) {
        timer_migrate(&t->phys, cpu_id());
    }
}

void vtimer_restore(struct vcpu *v)
{
    struct vtimer_vcpu *t = &v->arch.vtimer;

    WRITE_ONCE(t->live, true);
    arch_vtimer_load(t->cntv_cval, t->cntv_ctl);
    if (unlikely((READ_ONCE(t->virt_wake.queued) | t->phys.queued) != 0)) {
        timers_follow(t);
    }
}

void vtimer_interrupt(struct vcpu *v)
{
    vgic_inject_host(v->domain, v, v->arch.vtimer.virt_irq, machine.timer_irq_virt);
    if (unlikely(guest_irqs_masked(v))) {
        vgic_watch_lines(v);
    }
}

bool vtimer_virt_line(const struct vcpu *v)
{
    const struct vtimer_vcpu *t = &v->arch.vtimer;

    if (t->live) {
        return (arch_vtimer_ctl() & (CTL_ENABLE | CTL_IMASK | CTL_ISTATUS)) == (CTL_ENABLE | CTL_ISTATUS);
    }
    return virt_enabled(t) && expired(v, t->cntv_cval);
}

/* ---- the EL1 physical timer ---- */

static bool phys_line(const struct vcpu *v)
{
    return is_on(v->arch.vtimer.cntp_ctl) && expired(v, v->arch.vtimer.cntp_cval);
}

/* The stand-in, for a line that is as given. */
static void phys_arm(struct vcpu *v, bool line)
{
    struct vtimer_vcpu *t = &v->arch.vtimer;

    if (is_on(t->cntp_ctl) && !line) {
        arm(&t->phys, deadline_ns(v, t->cntp_cval));
    } else {
        timer_stop(&t->phys);
    }
}

/* Line and stand-in after a change of the registers. */
static void phys_update(struct vcpu *v)
{
    struct vtimer_vcpu *t = &v->arch.vtimer;
    bool line = phys_line(v);

    phys_arm(v, line);
    cpu_barrier();                       /* the registers before the look at cntp_line: phys_fn() */
    if (line != t->cntp_line) {
        t->cntp_line = line;
        vgic_set_level(v->domain, v, t->phys_irq, line);
    }
}

/*
 * The stand-in has fired. No lock is held against v, which may get on another CPU, or be reset, while this CPU is here
 * with what the registers were: if they say otherwise in the end, once more, and the line is told whatever it is
 * thought to be.
 */
static void phys_fn(void *data)
{
    struct vcpu *v = data;
    struct vtimer_vcpu *t = &v->arch.vtimer;
    u32 cpu = READ_ONCE(v->cpu);
    bool line;

    if (unlikely(READ_ONCE(t->live) && cpu != cpu_id())) {
        timer_migrate(&t->phys, cpu);    /* v has just got on that CPU and uses the timer there */
        timer_set(&t->phys, now_ns());
        return;
    }
    line = phys_line(v);
    phys_arm(v, line);
    t->cntp_line = line;
    vgic_set_level(v->domain, v, t->phys_irq, line);
    cpu_barrier();                       /* the line before the look at the registers: phys_update() */
    if (unlikely(phys_line(v) != line)) {
        timer_set(&t->phys, now_ns());
    }
}

static u64 phys_read(struct vcpu *v, enum vtimer_reg reg)
{
    const struct vtimer_vcpu *t = &v->arch.vtimer;

    switch (reg) {
    case VTIMER_CNTP_CTL:
        return t->cntp_ctl | ((t->cntp_ctl & CTL_ENABLE) && expired(v, t->cntp_cval) ? CTL_ISTATUS : 0);
    case VTIMER_CNTP_CVAL:
        return t->cntp_cval;
    case VTIMER_CNTP_TVAL:
        return (u32)(t->cntp_cval - guest_count(v));
    default:
        return guest_count(v);
    }
}

void vtimer_phys_access(struct vcpu *v, enum vtimer_reg reg, bool write, u64 *val)
{
    struct vtimer_vcpu *t = &v->arch.vtimer;

    if (!write) {
        *val = phys_read(v, reg);
        return;
    }
    if (reg == VTIMER_CNTP_CTL) {
        t->cntp_ctl = (u32)*val & (CTL_ENABLE | CTL_IMASK);
    } else if (reg == VTIMER_CNTP_CVAL) {
        t->cntp_cval = *val;
    } else if (reg == VTIMER_CNTP_TVAL) {
        t->cntp_cval = guest_count(v) + (u64)(s64)(s32)*val;
    }
    phys_update(v);
}

/* ---- life ---- */

void vtimer_init_vcpu(struct vcpu *v, u32 virt_irq, u32 phys_irq)
{
    struct vtimer_vcpu *t = &v->arch.vtimer;

    *t = (struct vtimer_vcpu){ .virt_irq = virt_irq, .phys_irq = phys_irq };
    timer_setup(&t->virt_wake, virt_wake_fn, v, v->cpu);
    timer_setup(&t->phys, phys_fn, v, v->cpu);
    vgic_connect_timer(v, virt_irq, machine.timer_irq_virt);
}

void vtimer_reset_vcpu(struct vcpu *v)
{
    struct vtimer_vcpu *t = &v->arch.vtimer;

    t->cntv_ctl = t->cntv_cval = 0;
    t->cntp_ctl = 0;
    t->cntp_cval = 0;
    timer_stop(&t->virt_wake);
    phys_update(v);
}

void vtimer_destroy_vcpu(struct vcpu *v)
{
    timer_end(&v->arch.vtimer.virt_wake);
    timer_end(&v->arch.vtimer.phys);
}
