/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/* unit-sanitize: thread */
/*
 * The vGIC used by several CPUs at once, each a thread: two vCPUs play ping-pong with SGIs while a third one reads
 * and changes the state of their interrupts, and all leave and enter their CPUs now and then. Nothing may be lost,
 * nobody may wait for ever.
 */
#include "unit.h"

#include "fake_irqchip.h"

#include <vdev/mmio.h>
#include <vdev/vtimer.h>

#include <sched.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 2000
#define SGIF(n) (GUEST_GICV3_GICR_BASE + (n) * 0x20000UL + 0x10000)

static const struct irqchip_ops ops = FAKE_OPS(3);
static struct domain *d;
static u32 rounds[2], done;
static bool finished[2];

u64 arch_counter(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (u64)t.tv_sec * 62500000 + (u64)t.tv_nsec / 16;
}

bool vtimer_virt_line(const struct vcpu *v) { (void)v; return true; }

void vcpu_kick(struct vcpu *v, u32 pending)
{
    atomic_fetch_or(&v->pending, pending);
    atomic_fetch_and(&v->pause_flags, ~(u32)VPF_BLOCKED);
}

static void access_reg(struct vcpu *v, u64 gpa, bool write, u32 value)
{
    const struct mmio_region *r = mmio_find(&d->arch.mmio, gpa);

    if (write) {
        r->write(v, gpa - r->base, 4, value);
    } else {
        (void)r->read(v, gpa - r->base, 4);
    }
}

/* An exit: what the exit path does. Every seventh time the vCPU leaves its CPU and comes back. */
static void pass_exit(struct vcpu *v, u32 n)
{
    u32 todo = atomic_exchange(&v->pending, 0);

    if (todo & PEND_SYNC) {
        vgic_sync(v);
    }
    if (todo & PEND_VGIC) {
        vgic_flush(v);
    }
    if (n % 7 == 0) {
        (void)vgic_irq_deliverable(v);
        vgic_save(v);
        sched_yield();
        vgic_restore(v);
    }
}

static struct vcpu *enter(void)
{
    struct vcpu *v = d->vcpu[cpu_id()];

    unit_set_current(v);
    vgic_restore(v);
    return v;
}

static void player(void)
{
    u32 self = cpu_id();
    struct vcpu *v = enter();
    time_t end = time(NULL) + 60;

    for (u32 n = 0; rounds[self] < ROUNDS && time(NULL) < end; ) {
        u32 irq;

        if (self == 0) {
            vgic_sgi1r_write(v, 1UL << 24 | 2);
        }
        do {
            pass_exit(v, ++n);
            irq = guest_ack();
            if (irq == 2) {                              /* the third one's */
                guest_eoi(irq);
            }
        } while (irq != 1 && time(NULL) < end);
        if (irq == 1) {
            guest_eoi(irq);
            rounds[self]++;
        }
        if (self == 1) {
            vgic_sgi1r_write(v, 1UL << 24 | 1);
        }
    }
    atomic_store_release(&finished[self], true);
    while (atomic_load(&done) == 0) {                    /* the third one may still ask */
        pass_exit(v, 1);
        sched_yield();
    }
    vgic_save(v);
}

static void meddler(void)
{
    struct vcpu *v = enter();

    for (u32 n = 0; n < 3000; n++) {
        u64 frame = SGIF(n % 2);

        pass_exit(v, n + 1);
        switch (n / 2 % 8) {
        case 0: access_reg(v, frame + 0x200, false, 0); break;
        case 1: access_reg(v, frame + 0x200, true, BIT32(2)); break;
        case 2: access_reg(v, frame + 0x280, true, BIT32(2)); break;
        case 3: access_reg(v, frame + 0x300, false, 0); break;
        case 4: access_reg(v, frame + 0x180, true, BIT32(2)); break;
        case 5: access_reg(v, frame + 0x100, true, BIT32(2)); break;
        case 6: access_reg(v, frame + 0x400, true, (n & 0x18) << 16); break;
        default: access_reg(v, GUEST_GICD_BASE + 0x204, true, BIT32(8 + n % 8)); break;
        }
        access_reg(v, GUEST_GICD_BASE + 0x6000 + (40 + n % 8) * 8, true, n % 3);
    }
    vgic_save(v);
}

static void all_at_once(void **state)
{
    (void)state;
    unit_thread_start(0, player);
    unit_thread_start(1, player);
    unit_thread_start(2, meddler);
    unit_thread_join(2);
    /* The players stop by themselves, at the end or when time is up. */
    for (u32 i = 0; i < 2; i++) {
        while (!atomic_load(&finished[i])) {
            usleep(1000);
        }
    }
    atomic_store(&done, 1);
    unit_thread_join(0);
    unit_thread_join(1);
    assert_int_equal(rounds[0], ROUNDS);
    assert_int_equal(rounds[1], ROUNDS);
}

static int setup(void **state)
{
    unit_setup(state);
    irqchip = &ops;
    vgic_host = irqchip->virt;
    d = unit_domain(1, 3);
    d->arch.event_ppi = 31;
    assert_int_equal(vgic_init_domain(d, 3, 32), 0);
    d->arch.vgic.ctlr = 3;
    for_each_vcpu (d, v) {
        vgic_init_vcpu(v);
        v->arch.vtimer.virt_irq = 27;
        v->arch.vgic.vmcr = 0xf0u << VMCR_PMR_SHIFT | VMCR_VENG0 | VMCR_VENG1;
    }
    for (u32 i = 0; i < d->arch.vgic.nr_spis; i++) {
        d->arch.vgic.spis[i].enabled = true;
        d->arch.vgic.spis[i].priority = 0xf0;                 /* masked: they take list registers, nobody takes them */
        d->arch.vgic.spis[i].is_level = false;
    }
    return 0;
}

static int teardown(void **state)
{
    vgic_destroy_domain(d);
    return unit_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(all_at_once, setup, teardown) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
