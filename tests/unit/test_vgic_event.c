/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/* The event-channel interrupt: a level whose line is the upcall byte. */
#include "vgic_v3.h"

static void event_upcall(void **state)
{
    struct vcpu *v = d->vcpu[0];

    (void)state;
    enable_ppi(0, 31, 0xa0);
    for (u32 i = 0; i < 3; i++) {
        u32 reads = fake.lr_reads;

        raise_event(v);
        if (i > 0) {
            assert_int_equal(fake.lr_reads, reads);      /* one write, nothing read back */
        }
        assert_int_equal(guest_ack(), 31);
        v->info->evtchn_upcall_pending = 0;
        guest_eoi(31);
        assert_true(fake_maintenance());
        vgic_maintenance();
        assert_false(fake_maintenance());
        assert_int_equal(guest_ack(), FAKE_NONE);
    }
    /* Ended with the byte still set: a level, it comes again. */
    raise_event(v);
    assert_int_equal(guest_ack(), 31);
    guest_eoi(31);
    v->pending = 0;
    vgic_maintenance();
    assert_int_equal(v->pending, PEND_LINE);
    assert_true(vgic_check_lines(v));
    assert_true(vgic_check_lines(v));
    assert_int_equal(guest_ack(), 31);
    guest_eoi(31);
    vgic_maintenance();
    assert_true(vgic_check_lines(v));
    v->info->evtchn_upcall_pending = 0;                  /* cleared before it is taken again */
    assert_false(vgic_check_lines(v));
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_false(fake_maintenance());
    /* Raised again after the guest has cleared the byte and before its EOI: not lost. */
    raise_event(v);
    assert_int_equal(guest_ack(), 31);
    v->info->evtchn_upcall_pending = 0;
    raise_event(v);
    guest_eoi(31);
    assert_int_equal(guest_ack(), 31);
    v->info->evtchn_upcall_pending = 0;
    guest_eoi(31);
    vgic_maintenance();
    /* The guest polls the byte instead: the line is seen to be low when the state is looked at. */
    raise_event(v);
    v->info->evtchn_upcall_pending = 0;
    assert_int_equal(rd(SGIF(0) + 0x200), 0);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

/* A guest that always clears the byte is spared the report of each end; one that stops doing so loses that. */
static void event_trust(void **state)
{
    struct vcpu *v = d->vcpu[0];
    u32 reports = 0;

    (void)state;
    enable_ppi(0, 31, 0xa0);
    for (u32 i = 0; i < 300; i++) {
        raise_event(v);
        assert_int_equal(guest_ack(), 31);
        v->info->evtchn_upcall_pending = 0;
        guest_eoi(31);
        if (fake_maintenance()) {
            reports++;
            vgic_maintenance();
        }
    }
    assert_int_equal(reports, 100);
    assert_int_equal(guest_ack(), FAKE_NONE);
    /* Ended with the byte set: comes again when the vCPU's interrupts are looked at, and is reported from then on. */
    raise_event(v);
    assert_int_equal(guest_ack(), 31);
    guest_eoi(31);
    assert_false(fake_maintenance());
    assert_true(vgic_irq_deliverable(v));
    assert_int_equal(guest_ack(), 31);
    guest_eoi(31);
    assert_true(fake_maintenance());
    vgic_maintenance();
    assert_int_equal(guest_ack(), 31);
    v->info->evtchn_upcall_pending = 0;
    guest_eoi(31);
    vgic_maintenance();
    /* The same over a change of CPUs. */
    for (u32 i = 0; i < 110; i++) {
        raise_event(v);
        assert_int_equal(guest_ack(), 31);
        v->info->evtchn_upcall_pending = 0;
        guest_eoi(31);
        vgic_maintenance();
    }
    raise_event(v);
    assert_int_equal(guest_ack(), 31);
    guest_eoi(31);
    unload(v);
    load(v);
    assert_int_equal(guest_ack(), 31);
    v->info->evtchn_upcall_pending = 0;
    guest_eoi(31);
}

static void event_trust_and_remote_senders(void **state)
{
    struct vcpu *b = d->vcpu[1];

    (void)state;
    enable_ppi(1, 31, 0xa0);
    unit_set_cpu(1);
    load(b);
    for (u32 i = 0; i < 200; i++) {
        unit_set_cpu(0);
        raise_event(b);
        unit_set_cpu(1);
        if (b->pending & PEND_VGIC) {
            b->pending = 0;
            vgic_flush(b);
        }
        assert_int_equal(guest_ack(), 31);
        b->info->evtchn_upcall_pending = 0;
        guest_eoi(31);
        assert_int_equal(fake_maintenance(), i < 100);
        if (i < 100) {
            vgic_maintenance();
        }
    }
    unload(b);
    unit_set_cpu(0);
}

static void event_while_off_cpu(void **state)
{
    struct vcpu *v = d->vcpu[1];

    (void)state;
    enable_ppi(1, 31, 0xa0);
    v->pause_flags = VPF_BLOCKED;
    raise_event(v);
    assert_int_equal(kicks[1], 1);
    assert_int_equal(v->pause_flags, 0);
    assert_true(vgic_irq_deliverable(v));
    unload(d->vcpu[0]);
    load(v);
    assert_int_equal(guest_ack(), 31);
    v->info->evtchn_upcall_pending = 0;
    guest_eoi(31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        vcase(event_upcall), vcase(event_trust), vcase(event_trust_and_remote_senders), vcase(event_while_off_cpu),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
