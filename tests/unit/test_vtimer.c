/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vtimer.c */
#include "unit.h"

#include <asm/vtimer.h>

#include <argon/machine.h>
#include <vdev/vgic.h>
#include <vdev/vtimer.h>

struct host_vtimer host_vtimer;
static struct domain *d;
static struct vcpu *v;
static u32 injected_off, injected_host, levels;
static bool level, in_flight, off_cpu = true;
static void (*before_level)(void);       /* once: what others do while the line's change is on its way */

bool vgic_inject_timer(struct vcpu *t, u32 intid)
{
    assert_ptr_equal(t, v);
    assert_int_equal(intid, 27);
    injected_off += off_cpu;
    return off_cpu;
}

bool vgic_timer_in_flight(struct vcpu *t, u32 intid) { (void)t; (void)intid; return in_flight; }
void vgic_watch_lines(struct vcpu *t) { t->pending |= PEND_LINE; }

void vgic_connect_timer(struct vcpu *t, u32 intid, u32 host)
{
    (void)t;
    assert_int_equal(intid, 27);
    assert_int_equal(host, 28);
}

void vgic_inject_host(struct domain *dom, struct vcpu *t, u32 intid, u32 host)
{
    assert_ptr_equal(dom, d);
    assert_ptr_equal(t, v);
    assert_int_equal(intid, 27);
    assert_int_equal(host, 28);
    injected_host++;
}

void vgic_set_level(struct domain *dom, struct vcpu *t, u32 intid, bool l)
{
    (void)dom;
    assert_ptr_equal(t, v);
    assert_int_equal(intid, 30);
    if (before_level != NULL) {
        void (*fn)(void) = before_level;

        before_level = NULL;
        fn();
    }
    levels++;
    level = l;
}

#define OFFSET 5000

static int setup(void **state)
{
    unit_setup(state);
    d = unit_domain(1, 1);
    v = d->vcpu[0];
    machine.timer_irq_virt = 28;
    injected_off = injected_host = levels = 0;
    level = in_flight = false;
    off_cpu = true;
    unit_advance(ticks_to_ns(OFFSET + 1000));
    d->arch.vcounter_offset = OFFSET;
    vtimer_init_vcpu(v, 27, 30);
    return 0;
}

static int teardown(void **state)
{
    vtimer_destroy_vcpu(v);
    return unit_teardown(state);
}

#define tcase(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static u64 count(void) { return arch_counter() - OFFSET; }

/* Leave the CPU with the virtual timer as given. */
static void save_with(u64 ctl, u64 cval)
{
    vtimer_restore(v);
    host_vtimer = (struct host_vtimer){ ctl, cval };
    vtimer_save(v);
    assert_int_equal(host_vtimer.ctl, 0);
}

static void fires_on_time(void **state)
{
    u64 due = count() + 100;

    (void)state;
    save_with(1, due);
    while (count() < due - 1) {
        unit_advance(ticks_to_ns(1));
    }
    assert_int_equal(injected_off, 0);                   /* never early */
    while (count() < due) {
        unit_advance(1);
    }
    assert_int_equal(injected_off, 1);                   /* and not late */
    unit_advance(NS_PER_SEC);
    assert_int_equal(injected_off, 1);
}

static void disabled_masked_or_far(void **state)
{
    (void)state;
    save_with(0, count() + 10);
    unit_advance(NS_PER_MS);
    save_with(3, count() + 10);
    unit_advance(NS_PER_MS);
    save_with(2, 0);
    unit_advance(NS_PER_MS);
    save_with(1, ~0UL);
    unit_advance(NS_PER_SEC);
    save_with(1, ~0UL - OFFSET);
    unit_advance(NS_PER_SEC);
    assert_int_equal(injected_off, 0);
}

static void expired_while_masked_here(void **state)
{
    (void)state;
    /* Not injected on the way off, where v is still current and its wake-up would be lost, but at once afterwards. */
    save_with(1, count() - 5);
    assert_int_equal(injected_off, 0);
    unit_advance(1);
    assert_int_equal(injected_off, 1);
    in_flight = true;                                    /* the guest has it and did not end it */
    save_with(1, count() - 5);
    unit_advance(NS_PER_MS);
    assert_int_equal(injected_off, 1);
}

static void back_in_time(void **state)
{
    u64 due = count() + 100;

    (void)state;
    save_with(1, due);
    vtimer_restore(v);
    assert_int_equal(host_vtimer.ctl, 1);
    assert_int_equal(host_vtimer.cval, due);
    unit_advance(NS_PER_MS);
    assert_int_equal(injected_off, 0);                   /* the hardware's matter */
    vtimer_interrupt(v);
    assert_int_equal(injected_host, 1);
    assert_int_equal(v->pending, 0);
    v->arch.regs.pstate = BIT(7);                        /* masked: it may be retracted before it is taken */
    vtimer_interrupt(v);
    assert_int_equal(v->pending, PEND_LINE);
}

static void line(void **state)
{
    (void)state;
    vtimer_restore(v);
    host_vtimer.ctl = 5;
    assert_true(vtimer_virt_line(v));
    host_vtimer.ctl = 7;
    assert_false(vtimer_virt_line(v));
    host_vtimer.ctl = 1;
    assert_false(vtimer_virt_line(v));
    save_with(1, count() + 10);
    assert_false(vtimer_virt_line(v));
    unit_advance(ticks_to_ns(10));
    assert_true(vtimer_virt_line(v));
}

static u64 get(enum vtimer_reg r)
{
    u64 val = 0;

    vtimer_phys_access(v, r, false, &val);
    return val;
}

static void set(enum vtimer_reg r, u64 val)
{
    vtimer_phys_access(v, r, true, &val);
}

/* The vCPU is going, and the handlers of its timers are under way on other CPUs: nothing is armed after the end. */
static void ended(void **state)
{
    void (*virt)(void *data), (*phys)(void *data);

    (void)state;
    v->arch.vtimer.cntv_ctl = 1;
    v->arch.vtimer.cntv_cval = count() + 1000;
    v->arch.vtimer.live = false;
    set(VTIMER_CNTP_CVAL, count() + 1000);
    set(VTIMER_CNTP_CTL, 1);
    virt = v->arch.vtimer.virt_wake.fn;
    phys = v->arch.vtimer.phys.fn;
    virt(v);
    assert_true(unit_next_timer() != ~0UL);
    vtimer_destroy_vcpu(v);
    virt(v);
    phys(v);
    v->arch.vtimer.live = true;
    WRITE_ONCE(v->cpu, 1);                               /* it "has just got on that CPU" */
    phys(v);
    assert_true(unit_next_timer() == ~0UL);
    v->cpu = 0;
}

/* The stand-in's handler is under way on another CPU: v runs there already, or has set its timer to later. */
static void handler_comes_late(void **state)
{
    void (*virt)(void *data);
    u64 due;

    (void)state;
    save_with(1, count() + 10);
    virt = v->arch.vtimer.virt_wake.fn;
    v->arch.vtimer.cntv_cval = count() - 1;
    v->arch.vtimer.live = true;
    virt(v);
    assert_int_equal(injected_off, 0);
    due = count() + 1000;
    save_with(1, due);
    virt(v);
    assert_int_equal(injected_off, 0);
    unit_advance(ticks_to_ns(1000) + 1);
    assert_int_equal(injected_off, 1);
}

/* Back on a CPU the hardware is the virtual timer, and the other one's stand-in is where its vCPU is. */
static void timers_follow_their_vcpu(void **state)
{
    (void)state;
    set(VTIMER_CNTP_CVAL, count() + 1000);
    set(VTIMER_CNTP_CTL, 1);
    save_with(1, count() + 100);
    assert_true(v->arch.vtimer.virt_wake.queued && v->arch.vtimer.phys.queued);
    assert_int_equal(v->arch.vtimer.phys.cpu, 0);
    unit_set_cpu(1);
    vtimer_restore(v);
    assert_false(v->arch.vtimer.virt_wake.queued);
    assert_true(v->arch.vtimer.phys.queued);
    assert_int_equal(v->arch.vtimer.phys.cpu, 1);
    unit_set_cpu(0);
}

static void physical_timer(void **state)
{
    (void)state;
    assert_int_equal(get(VTIMER_CNTPCT), count());
    assert_int_equal(get(VTIMER_CNTP_CTL), 0);
    set(VTIMER_CNTP_CVAL, count() + 50);
    assert_int_equal(get(VTIMER_CNTP_TVAL), 50);
    set(VTIMER_CNTP_CTL, 0xff);
    assert_int_equal(get(VTIMER_CNTP_CTL), 3);
    unit_advance(ticks_to_ns(60));
    assert_int_equal(levels, 0);                         /* masked */
    assert_int_equal(get(VTIMER_CNTP_CTL), 7);
    assert_int_equal(get(VTIMER_CNTP_TVAL), (u32)-10);
    set(VTIMER_CNTP_CTL, 1);
    assert_true(level);
    set(VTIMER_CNTP_TVAL, 1000);                         /* the line follows the condition */
    assert_false(level);
    assert_int_equal(get(VTIMER_CNTP_CVAL), count() + 1000);
    unit_advance(ticks_to_ns(999));
    assert_false(level);
    unit_advance(ticks_to_ns(1) + 1);
    assert_true(level);
    set(VTIMER_CNTP_TVAL, 0xffffffff);                   /* -1: already past */
    assert_true(level);
    assert_int_equal(levels, 3);
    set(VTIMER_CNTP_CTL, 0);
    assert_false(level);
    assert_int_equal(get(VTIMER_CNTP_CTL), 0);           /* ISTATUS only while enabled */
    set(VTIMER_CNTP_CVAL, ~0UL);
    set(VTIMER_CNTP_CTL, 1);
    unit_advance(NS_PER_SEC);
    assert_false(level);
}

static void guest_turns_it_off(void) { set(VTIMER_CNTP_CTL, 0); }
static void guest_sets_it_anew(void) { set(VTIMER_CNTP_CVAL, count() + 500); }
static void vcpu_is_reset(void) { vtimer_reset_vcpu(v); }

/* The stand-in fires while its vCPU, on another CPU, has other plans: what the registers say in the end holds. */
static void overtaken(void **state)
{
    static void (*const plans[])(void) = { guest_turns_it_off, guest_sets_it_anew, vcpu_is_reset };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
        set(VTIMER_CNTP_CVAL, count() + 100);
        set(VTIMER_CNTP_CTL, 1);
        assert_false(level);
        before_level = plans[i];
        unit_advance(ticks_to_ns(101));
        unit_advance(ticks_to_ns(1));
        assert_null(before_level);
        assert_false(level);
        unit_advance(ticks_to_ns(600));
        assert_int_equal(level, plans[i] == guest_sets_it_anew);
        set(VTIMER_CNTP_CTL, 0);
        assert_false(level);
    }
}

static void reset(void **state)
{
    (void)state;
    save_with(1, count() + 100);
    set(VTIMER_CNTP_CVAL, 0);
    set(VTIMER_CNTP_CTL, 1);
    assert_true(level);
    vtimer_reset_vcpu(v);
    assert_false(level);
    unit_advance(NS_PER_SEC);
    assert_int_equal(injected_off, 0);
    vtimer_restore(v);
    assert_int_equal(host_vtimer.ctl, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        tcase(fires_on_time), tcase(disabled_masked_or_far), tcase(expired_while_masked_here), tcase(back_in_time),
        tcase(line), tcase(handler_comes_late), tcase(timers_follow_their_vcpu), tcase(physical_timer),
        tcase(overtaken), tcase(ended), tcase(reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
