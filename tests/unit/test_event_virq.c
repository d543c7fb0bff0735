/* SPDX-License-Identifier: MIT */
/* Ports without a remote end: IPIs, and VIRQs, whose ports the hypervisor knows by number. */
/* unit-sources: core/event/event.c core/event/table.c core/event/bind.c core/event/two_level.c core/event/fifo.c */
/* unit-sources: core/event/fifo_setup.c core/event/dump.c core/event/guest_atomic.c lib/bitmap.c */
#include "test_event_common.h"

/* VIRQs go the long way: mask, and what is pending already, count there too. */
static void test_masked_virq(void **state)
{
    struct domain *d = make(0, 1);
    struct vcpu *v = d->vcpu[0];
    u32 p = (u32)event_bind_virq(d, VIRQ_DOM_EXC, 0);

    (void)state;
    mask_2l(d, p);
    event_send_global_virq(VIRQ_DOM_EXC);
    assert_true(pending_2l(d, p));
    assert_int_equal(v->info->evtchn_pending_sel, 0);
    assert_int_equal(v->info->evtchn_upcall_pending, 0);
    d->shared_info->evtchn_mask[0] = 0;
    event_send_global_virq(VIRQ_DOM_EXC);
    assert_int_equal(v->info->evtchn_upcall_pending, 0);
}

static void test_ipi(void **state)
{
    struct domain *d = make(1, 2);
    int port = event_bind_ipi(d, 1);

    (void)state;
    assert_int_equal(event_bind_ipi(d, 2), -ENOENT);
    assert_int_equal(status_of(d, (u32)port).status, EVTCHNSTAT_ipi);
    assert_int_equal(status_of(d, (u32)port).vcpu, 1);
    assert_int_equal(event_send(d, (u32)port), 0);
    assert_true(pending_2l(d, (u32)port));
    assert_int_equal(d->vcpu[1]->info->evtchn_upcall_pending, 1);
    assert_int_equal(d->vcpu[0]->info->evtchn_upcall_pending, 0);
}

static void test_virq_binding(void **state)
{
    struct domain *d = make(0, 2);
    int port;

    (void)state;
    assert_int_equal(event_bind_virq(d, NR_VIRQS, 0), -EINVAL);
    assert_int_equal(event_bind_virq(d, ~0u, 0), -EINVAL);
    assert_int_equal(event_bind_virq(d, VIRQ_CONSOLE, 1), -EINVAL);   /* global: only through vCPU 0 */
    assert_int_equal(event_bind_virq(d, VIRQ_TIMER, 2), -ENOENT);
    port = event_bind_virq(d, VIRQ_TIMER, 1);
    assert_int_equal(port, 1);
    assert_int_equal(event_bind_virq(d, VIRQ_TIMER, 1), -EEXIST);
    assert_int_equal(event_bind_virq(d, VIRQ_TIMER, 0), 2);           /* one per vCPU */
    assert_int_equal(status_of(d, 1).status, EVTCHNSTAT_virq);
    assert_int_equal(status_of(d, 1).u.virq, VIRQ_TIMER);
    assert_int_equal(status_of(d, 1).vcpu, 1);
    assert_int_equal(event_send(d, 1), -EINVAL);                      /* not the guest's to send */
    assert_int_equal(event_close(d, 1), 0);
    assert_int_equal(event_bind_virq(d, VIRQ_TIMER, 1), 1);
}

/* One that is sent while its port is closed, and given to another VIRQ, finds the port changed. */
static void test_virq_whose_port_is_another_ones(void **state)
{
    struct domain *d = make(0, 1);
    u32 p = (u32)event_bind_virq(d, VIRQ_TIMER, 0);

    (void)state;
    d->vcpu[0]->event.virq_port[VIRQ_DOM_EXC] = p;
    event_send_global_virq(VIRQ_DOM_EXC);
    assert_false(pending_2l(d, p));
    d->vcpu[0]->event.virq_port[VIRQ_DOM_EXC] = 0;
}

static void test_global_virq(void **state)
{
    struct domain *d0 = make(0, 2), *d5 = make(5, 1);
    int port = event_bind_virq(d0, VIRQ_DOM_EXC, 0);
    int other = event_bind_virq(d5, VIRQ_DOM_EXC, 0);

    (void)state;
    event_send_global_virq(VIRQ_DOM_EXC);
    assert_true(pending_2l(d0, (u32)port));
    assert_false(pending_2l(d5, (u32)other));
    clear_2l(d0, d0->vcpu[0], (u32)port);
    /* Moved to another vCPU it still closes and sends properly. */
    assert_int_equal(event_bind_vcpu(d0, (u32)port, 1), 0);
    event_send_global_virq(VIRQ_DOM_EXC);
    assert_int_equal(d0->vcpu[1]->info->evtchn_upcall_pending, 1);
    clear_2l(d0, d0->vcpu[1], (u32)port);

    assert_int_equal(event_set_global_virq_handler(d5, VIRQ_TIMER), -EINVAL);
    assert_int_equal(event_set_global_virq_handler(d5, NR_VIRQS), -EINVAL);
    assert_int_equal(event_set_global_virq_handler(d5, VIRQ_DOM_EXC), 0);
    event_send_global_virq(VIRQ_DOM_EXC);
    assert_true(pending_2l(d5, (u32)other));
    assert_false(pending_2l(d0, (u32)port));
    clear_2l(d5, d5->vcpu[0], (u32)other);
    event_send_global_virq(VIRQ_TIMER);                               /* not global: ignored */
    event_send_global_virq(NR_VIRQS);

    /* The handler dies: dom0 again. */
    d5->dying = DOMAIN_DYING;
    assert_int_equal(event_destroy(d5), 0);
    assert_int_equal(event_set_global_virq_handler(d5, VIRQ_DOM_EXC), -EINVAL);
    event_send_global_virq(VIRQ_DOM_EXC);
    assert_true(pending_2l(d0, (u32)port));
    assert_int_equal(event_close(d0, (u32)port), 0);
    assert_int_equal(d0->vcpu[0]->event.virq_port[VIRQ_DOM_EXC], 0);
    event_send_global_virq(VIRQ_DOM_EXC);
    assert_int_equal(event_bind_virq(d0, VIRQ_DOM_EXC, 0), port);
}

static void test_global_virq_without_dom0(void **state)
{
    struct domain *d = make(4, 1);

    (void)state;
    assert_null(dom0);
    assert_int_equal(event_bind_virq(d, VIRQ_CON_RING, 0), 1);
    event_send_global_virq(VIRQ_CON_RING);
    assert_false(pending_2l(d, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        event_test(test_masked_virq), event_test(test_ipi), event_test(test_virq_binding),
        event_test(test_virq_whose_port_is_another_ones),
        event_test(test_global_virq), event_test(test_global_virq_without_dom0),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
