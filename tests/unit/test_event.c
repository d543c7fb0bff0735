/* SPDX-License-Identifier: MIT */
/* Event channels: ports, connections, VIRQs, the 2-level ABI. */
/* unit-sources: core/event/event.c core/event/table.c core/event/bind.c core/event/two_level.c core/event/fifo.c */
/* unit-sources: core/event/fifo_setup.c core/event/dump.c core/event/guest_atomic.c lib/bitmap.c */
#include "test_event_common.h"

/* ---- allocation ---- */

static void test_ports_are_lowest_free(void **state)
{
    struct domain *d = make(1, 1);

    (void)state;
    make(0, 1);
    assert_int_equal(unit_unbound(d, 0), 1);
    assert_int_equal(unit_unbound(d, 0), 2);
    assert_int_equal(unit_unbound(d, 0), 3);
    assert_int_equal(d->event.active, 3);
    assert_int_equal(event_close(d, 2), 0);
    assert_int_equal(d->event.active, 2);
    assert_int_equal(unit_unbound(d, 0), 2);
    assert_int_equal(unit_unbound(d, 0), 4);
}

static void test_ports_up_to_the_limit(void **state)
{
    struct domain *d = make_max(1, 1, 200);

    (void)state;
    for (int i = 1; i <= 200; i++) {
        assert_int_equal(unit_unbound(d, 0), i);
    }
    assert_int_equal(unit_unbound(d, 0), -ENOSPC);
    assert_int_equal(event_close(d, 77), 0);
    assert_int_equal(unit_unbound(d, 0), 77);
    assert_int_equal(unit_unbound(d, 0), -ENOSPC);
    assert_int_equal(d->event.active, 200);
}

static void test_two_level_has_4096_ports(void **state)
{
    struct domain *d = make(1, 1);

    (void)state;
    for (int i = 1; i < 4096; i++) {
        assert_int_equal(unit_unbound(d, 0), i);
    }
    assert_int_equal(unit_unbound(d, 0), -ENOSPC);
    /* The last word's bits all in use, one freed in the middle of a full word. */
    assert_int_equal(event_close(d, 2111), 0);
    assert_int_equal(unit_unbound(d, 0), 2111);
}

static void test_max_port_zero(void **state)
{
    struct domain *d = make_max(1, 1, 0);

    (void)state;
    assert_int_equal(unit_unbound(d, 0), -ENOSPC);
    assert_int_equal(event_close(d, 0), -EINVAL);
}

static void test_init_without_memory(void **state)
{
    struct domain *d = unit_domain(1, 1);
    u64 before = unit_allocs();

    (void)state;
    for (u64 n = 0; n < 3; n++) {
        unit_alloc_fail_after = n;
        assert_int_equal(event_init(d, 1023), -ENOMEM);
        unit_alloc_fail_after = ~0UL;
        assert_int_equal(unit_allocs(), before);
    }
    /* A port whose struct cannot be had. */
    assert_int_equal(event_init(d, 1023), 0);
    unit_alloc_fail_after = 0;
    assert_int_equal(unit_unbound(d, 0), -ENOMEM);
    unit_alloc_fail_after = ~0UL;
    assert_int_equal(d->event.active, 0);
    assert_int_equal(unit_unbound(d, 0), 1);
    event_free(d);
    assert_int_equal(unit_allocs(), before);
}

static void test_dying_domain_gets_no_port(void **state)
{
    struct domain *d = make(1, 1);

    (void)state;
    d->dying = DOMAIN_DYING;
    assert_int_equal(unit_unbound(d, 0), -EINVAL);
    assert_int_equal(event_bind_virq(d, VIRQ_TIMER, 0), -EINVAL);
    assert_int_equal(event_bind_ipi(d, 0), -EINVAL);
}

/* ---- interdomain ---- */

static void test_bind_and_send(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 1);
    struct evtchn_status st;
    u32 pa, pb;

    (void)state;
    pb = (u32)unit_unbound(b, 0);
    assert_int_equal(event_send(b, pb), 0);                    /* nobody there: dropped */
    pa = (u32)event_bind_interdomain(a, b, pb);
    assert_int_equal(pa, 1);
    /* Binding makes the local end pending once. */
    assert_true(pending_2l(a, pa));
    assert_int_equal(a->vcpu[0]->info->evtchn_pending_sel, 1);
    assert_int_equal(a->vcpu[0]->info->evtchn_upcall_pending, 1);
    assert_false(pending_2l(b, pb));
    clear_2l(a, a->vcpu[0], pa);

    st = status_of(a, pa);
    assert_int_equal(st.status, EVTCHNSTAT_interdomain);
    assert_int_equal(st.u.interdomain.dom, 1);
    assert_int_equal(st.u.interdomain.port, pb);
    assert_int_equal(st.vcpu, 0);
    st = status_of(b, pb);
    assert_int_equal(st.status, EVTCHNSTAT_interdomain);
    assert_int_equal(st.u.interdomain.dom, 0);
    assert_int_equal(st.u.interdomain.port, pa);

    host_record_reset();
    assert_int_equal(event_send(a, pa), 0);
    assert_true(pending_2l(b, pb));
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 1);
    assert_int_equal(host_calls("vgic_set_level"), 1);
    assert_ptr_equal(host_last("vgic_set_level")->a[1], b->vcpu[0]);
    assert_int_equal(host_last("vgic_set_level")->a[2], 31);
    assert_int_equal(host_last("vgic_set_level")->a[3], 1);
    /* Pending already: nothing more happens. */
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(host_calls("vgic_set_level"), 1);
    assert_int_equal(event_send(b, pb), 0);
    assert_true(pending_2l(a, pa));
}

static void test_bind_refusals(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 1), *c = make(2, 1);
    u32 pb = (u32)unit_unbound(b, 0);

    (void)state;
    assert_int_equal(event_bind_interdomain(c, b, pb), -EINVAL);        /* waits for 0, not 2 */
    assert_int_equal(c->event.active, 0);
    assert_int_equal(event_bind_interdomain(a, b, 0), -EINVAL);
    assert_int_equal(event_bind_interdomain(a, b, pb + 1), -EINVAL);    /* closed */
    assert_int_equal(event_bind_interdomain(a, b, 100000), -EINVAL);
    assert_int_equal(event_bind_interdomain(a, b, ~0u), -EINVAL);
    assert_int_equal(event_bind_interdomain(a, b, pb), 1);
    assert_int_equal(event_bind_interdomain(a, b, pb), -EINVAL);        /* taken */
    b->dying = DOMAIN_DYING;
    assert_int_equal(a->event.active, 1);
}

/* A port waits for a domain, not for whoever has its id next. */
static void test_id_given_again(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 1);
    u32 waits = (u32)unit_unbound(a, 1), connected = (u32)unit_unbound(a, 1);

    (void)state;
    assert_int_equal(event_bind_interdomain(b, a, connected), 1);
    b->dying = DOMAIN_DYING;
    assert_int_equal(event_destroy(b), 0);
    event_free(b);
    unit_domain_free(b);
    nr_made--;
    b = make(1, 1);
    assert_int_equal(status_of(a, waits).u.unbound.dom, 1);
    assert_int_equal(event_bind_interdomain(b, a, waits), -EINVAL);
    assert_int_equal(event_bind_interdomain(b, a, connected), -EINVAL);
    assert_int_equal(event_bind_interdomain(b, a, (u32)unit_unbound(a, 1)), 1);
}

static void test_bind_to_dying_domain(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 1);
    u32 pb = (u32)unit_unbound(b, 0);

    (void)state;
    b->dying = DOMAIN_DYING;
    assert_int_equal(event_bind_interdomain(a, b, pb), -EINVAL);
    assert_int_equal(a->event.active, 0);
}

static void test_loopback(void **state)
{
    struct domain *d = make(3, 1);
    u32 one, two;

    (void)state;
    connect_pair(d, &one, d, &two);
    assert_int_not_equal(one, two);
    assert_int_equal(event_send(d, one), 0);
    assert_true(pending_2l(d, two));
    assert_int_equal(event_send(d, two), 0);
    assert_true(pending_2l(d, one));
    assert_int_equal(event_close(d, one), 0);
    assert_int_equal(status_of(d, two).status, EVTCHNSTAT_unbound);
    assert_int_equal(status_of(d, two).u.unbound.dom, 3);
    /* The port that would be allocated next can itself not be the remote end. */
    assert_int_equal(event_bind_interdomain(d, d, one), -EINVAL);
    assert_int_equal(event_bind_interdomain(d, d, two), one);
}

static void test_close_unbinds_the_remote(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 1);
    u32 pa, pb;

    (void)state;
    connect_pair(a, &pa, b, &pb);
    assert_int_equal(event_send(b, pb), 0);
    assert_true(pending_2l(a, pa));
    assert_int_equal(event_close(a, pa), 0);
    assert_false(pending_2l(a, pa));                          /* closing clears what was pending */
    assert_int_equal(status_of(a, pa).status, EVTCHNSTAT_closed);
    assert_int_equal(status_of(b, pb).status, EVTCHNSTAT_unbound);
    assert_int_equal(status_of(b, pb).u.unbound.dom, 0);
    assert_int_equal(event_send(b, pb), 0);                   /* no error, no effect */
    assert_false(pending_2l(a, pa));
    assert_int_equal(event_send(a, pa), -EINVAL);
    assert_int_equal(event_close(a, pa), -EINVAL);
    /* And it can be bound again. */
    assert_int_equal(event_bind_interdomain(a, b, pb), pa);
    assert_int_equal(event_close(b, pb), 0);
    assert_int_equal(status_of(a, pa).status, EVTCHNSTAT_unbound);
    assert_int_equal(status_of(a, pa).u.unbound.dom, 1);
}

static void test_bad_ports(void **state)
{
    struct domain *d = make(1, 2);
    static const u32 bad[] = { 0, 5, 127, 128, 4095, 4096, 131071, 131072, 0x80000000, ~0u };
    struct evtchn_status st;

    (void)state;
    assert_int_equal(unit_unbound(d, 0), 1);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        bool exists = bad[i] < d->event.valid_ports;

        assert_int_equal(event_send(d, bad[i]), -EINVAL);
        assert_int_equal(event_close(d, bad[i]), -EINVAL);
        assert_int_equal(event_bind_vcpu(d, bad[i], 0), -EINVAL);
        assert_int_equal(event_unmask(d, bad[i]), exists ? 0 : -EINVAL);
        assert_int_equal(event_status(d, bad[i], &st), exists ? 0 : -EINVAL);
        assert_false(event_port_is_pending(d, bad[i]));
    }
}

/* ---- masks, vCPUs ---- */

static void test_masked_port(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 1);
    u32 pa, pb;

    (void)state;
    connect_pair(a, &pa, b, &pb);
    mask_2l(b, pb);
    host_record_reset();
    assert_int_equal(event_send(a, pa), 0);
    assert_true(pending_2l(b, pb));
    assert_true(event_port_is_pending(b, pb));
    assert_int_equal(b->vcpu[0]->info->evtchn_pending_sel, 0);
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 0);
    assert_int_equal(host_calls("vgic_set_level"), 0);
    /* Unmasking delivers. */
    assert_int_equal(event_unmask(b, pb), 0);
    assert_int_equal(b->vcpu[0]->info->evtchn_pending_sel, 1);
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 1);
    assert_int_equal(host_calls("vgic_set_level"), 1);
    /* Unmasking what is not masked, or not pending, does nothing. */
    clear_2l(b, b->vcpu[0], pb);
    assert_int_equal(event_unmask(b, pb), 0);
    mask_2l(b, pb);
    assert_int_equal(event_unmask(b, pb), 0);
    assert_int_equal(b->shared_info->evtchn_mask[0], 0);
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 0);
    /* Pending and not masked: it has been told. */
    assert_int_equal(event_send(a, pa), 0);
    b->vcpu[0]->info->evtchn_pending_sel = 0;
    b->vcpu[0]->info->evtchn_upcall_pending = 0;
    assert_int_equal(event_unmask(b, pb), 0);
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 0);
}

/* What a guest has made of the words of a port that is closed stays so, and means nothing. */
static void test_words_of_a_closed_port(void **state)
{
    struct domain *d = make(1, 1);
    u32 p = (u32)unit_unbound(d, 0);

    (void)state;
    assert_int_equal(event_close(d, p), 0);
    mask_2l(d, p);
    d->shared_info->evtchn_pending[0] |= BIT(p);
    assert_false(event_port_is_pending(d, p));
    assert_int_equal(event_unmask(d, p), 0);
    assert_int_equal(d->shared_info->evtchn_mask[0], BIT(p));
    assert_int_equal(d->vcpu[0]->info->evtchn_upcall_pending, 0);
}

/* The selector's bit is that of the port's word, the 63rd for the last one. */
static void test_selector_of_each_word(void **state)
{
    struct domain *d = make(1, 1);
    static const u32 ports[] = { 1, 63, 64, 70, 127, 128, 2111, 4095 };

    (void)state;
    for (u32 i = 1; i < EVENT_2L_PORTS; i++) {
        assert_int_equal(event_bind_ipi(d, 0), i);
    }
    for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
        assert_int_equal(event_send(d, ports[i]), 0);
        assert_int_equal(d->vcpu[0]->info->evtchn_pending_sel, BIT(ports[i] / 64));
        assert_true(pending_2l(d, ports[i]));
        clear_2l(d, d->vcpu[0], ports[i]);
    }
}

static void test_bind_vcpu(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 3);
    u32 pa, pb, ipi, timer, con;

    (void)state;
    connect_pair(a, &pa, b, &pb);
    ipi = (u32)event_bind_ipi(b, 1);
    timer = (u32)event_bind_virq(b, VIRQ_TIMER, 2);
    con = (u32)event_bind_virq(b, VIRQ_CONSOLE, 0);
    assert_int_equal(event_bind_vcpu(b, pb, 3), -ENOENT);
    assert_int_equal(event_bind_vcpu(b, pb, ~0u), -ENOENT);
    assert_int_equal(event_bind_vcpu(b, ipi, 0), -EINVAL);
    assert_int_equal(event_bind_vcpu(b, timer, 0), -EINVAL);
    assert_int_equal(event_bind_vcpu(b, con, 1), 0);
    assert_int_equal(event_bind_vcpu(b, pb, 2), 0);
    assert_int_equal(status_of(b, pb).vcpu, 2);
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 0);
    assert_int_equal(b->vcpu[2]->info->evtchn_upcall_pending, 1);
    /* A number that is used again starts at vCPU 0. */
    assert_int_equal(event_close(b, pb), 0);
    assert_int_equal(unit_unbound(b, 0), pb);
    assert_int_equal(status_of(b, pb).vcpu, 0);
    assert_int_equal(event_bind_vcpu(b, pb, 1), 0);           /* unbound ports can be moved */
}

static void test_port_of_vcpuless_domain(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 1);
    struct vcpu *v = b->vcpu[0];
    u32 pa, pb;

    (void)state;
    b->vcpu[0] = NULL;                                        /* before domctl max_vcpus */
    connect_pair(a, &pa, b, &pb);
    assert_int_equal(event_send(a, pa), 0);
    assert_true(pending_2l(b, pb));
    assert_int_equal(event_unmask(b, pb), 0);
    b->vcpu[0] = v;
}

/* ---- IPIs, VIRQs ---- */

/* ---- upcall, waking ---- */

static void test_upcall_wakes(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 1);
    struct vcpu *v = b->vcpu[0];
    u32 pa, pb;

    (void)state;
    connect_pair(a, &pa, b, &pb);
    v->pause_flags = VPF_BLOCKED;
    host_record_reset();
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(host_calls("vcpu_kick"), 1);
    assert_ptr_equal(host_last("vcpu_kick")->a[0], v);
    /* In SCHEDOP_poll, for whatever ports. */
    clear_2l(b, v, pb);
    v->pause_flags = VPF_POLL;
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(host_calls("vcpu_kick"), 2);
    /* Running: only the interrupt. */
    clear_2l(b, v, pb);
    v->pause_flags = 0;
    host_record_reset();
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(host_calls("vcpu_kick"), 0);
    assert_int_equal(host_calls("vgic_set_level"), 1);
}

static void test_pollers(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 3);
    u32 pa, pb;

    (void)state;
    connect_pair(a, &pa, b, &pb);
    mask_2l(b, pb);                                           /* polls are for masked ports, too */
    b->vcpu[2]->pause_flags = VPF_POLL;
    host_record_reset();
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(host_calls("vcpu_unblock"), 0);          /* the hint says nobody polls */
    clear_2l(b, b->vcpu[0], pb);
    b->poll_mask = 1;
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(host_calls("vcpu_unblock"), 1);
    assert_ptr_equal(host_last("vcpu_unblock")->a[0], b->vcpu[2]);
    assert_int_equal(host_last("vcpu_unblock")->a[1], VPF_POLL);
    assert_int_equal(b->poll_mask, 0);                        /* the hint is used up */
}

static void test_resync(void **state)
{
    struct domain *d = make(1, 1);
    struct vcpu *v = d->vcpu[0];

    (void)state;
    event_resync_vcpu(v);
    assert_int_equal(v->info->evtchn_pending_sel, ~0UL);
    assert_int_equal(v->info->evtchn_upcall_pending, 1);
    assert_int_equal(host_last("vgic_set_level")->a[3], 1);
}

/* The guest may have set bits itself: nothing but its own notification is lost, none is invented. */
static void test_scribbled_words(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 1);
    u32 pa, pb;

    (void)state;
    connect_pair(a, &pa, b, &pb);
    memset(b->shared_info->evtchn_pending, 0xff, sizeof(b->shared_info->evtchn_pending));
    memset(b->shared_info->evtchn_mask, 0xff, sizeof(b->shared_info->evtchn_mask));
    b->vcpu[0]->info->evtchn_pending_sel = ~0UL;
    b->vcpu[0]->info->evtchn_upcall_pending = 0x55;
    host_record_reset();
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(event_unmask(b, pb), 0);
    assert_int_equal(event_close(b, pb), 0);
    assert_int_equal(host_calls("vgic_set_level"), 0);
    assert_int_equal(b->vcpu[0]->info->evtchn_upcall_pending, 0x55);
}

/* ---- reset, destruction ---- */

static void test_reset(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 2);
    u32 pa, pb;

    (void)state;
    connect_pair(a, &pa, b, &pb);
    assert_true(event_bind_virq(b, VIRQ_TIMER, 1) > 0);
    assert_true(event_bind_ipi(b, 1) > 0);
    for (int i = 0; i < 40; i++) {
        assert_true(unit_unbound(b, 0) > 0);
    }
    host_irq_waiting = true;
    assert_int_equal(event_reset(b), -ERESTART);
    assert_true(b->event.active < 43 && b->event.active > 0);
    host_irq_waiting = false;
    assert_int_equal(event_reset(b), 0);
    assert_int_equal(b->event.active, 0);
    assert_int_equal(b->vcpu[1]->event.virq_port[VIRQ_TIMER], 0);
    assert_int_equal(status_of(a, pa).status, EVTCHNSTAT_unbound);
    assert_int_equal(event_reset(b), 0);
    assert_int_equal(unit_unbound(b, 0), 1);
}

static void test_destroy_is_preemptible(void **state)
{
    struct domain *a = make(0, 1), *b = make(1, 1);
    u32 pa, pb, rounds = 0;

    (void)state;
    connect_pair(a, &pa, b, &pb);
    for (int i = 0; i < 100; i++) {
        assert_true(unit_unbound(b, 0) > 0);
    }
    b->dying = DOMAIN_DYING;
    host_irq_waiting = true;
    while (event_destroy(b) == -ERESTART) {
        rounds++;
        assert_true(rounds < 100);
    }
    host_irq_waiting = false;
    assert_true(rounds >= 6);
    assert_int_equal(b->event.active, 0);
    assert_int_equal(status_of(a, pa).status, EVTCHNSTAT_unbound);
    assert_int_equal(event_destroy(b), 0);
}

static void test_dump(void **state)
{
    struct domain *a = make(0, 2), *b = make(7, 1);
    u32 pa, pb;

    (void)state;
    connect_pair(a, &pa, b, &pb);
    assert_int_equal(event_bind_virq(a, VIRQ_TIMER, 1), 2);
    assert_int_equal(event_bind_ipi(a, 1), 3);
    assert_int_equal(unit_unbound(a, 7), 4);
    assert_int_equal(event_send(b, pb), 0);
    mask_2l(a, pa);
    unit_log_clear();
    event_dump(a);
    assert_non_null(strstr(unit_log(), "d0: 2-level, 4 open"));
    assert_non_null(strstr(unit_log(), "   1  [1/1]    0    7  connected to d7 port 1"));
    assert_non_null(strstr(unit_log(), "   2  [0/0]    1    7  VIRQ 0\n"));
    assert_non_null(strstr(unit_log(), "   3  [0/0]    1    7  IPI"));
    assert_non_null(strstr(unit_log(), "   4  [0/0]    0    7  unbound, for d7"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        event_test(test_ports_are_lowest_free), event_test(test_ports_up_to_the_limit),
        event_test(test_two_level_has_4096_ports), event_test(test_max_port_zero),
        event_test(test_init_without_memory), event_test(test_dying_domain_gets_no_port),
        event_test(test_bind_and_send), event_test(test_bind_refusals), event_test(test_bind_to_dying_domain),
        event_test(test_id_given_again), event_test(test_loopback), event_test(test_close_unbinds_the_remote),
        event_test(test_bad_ports), event_test(test_masked_port), event_test(test_words_of_a_closed_port),
        event_test(test_selector_of_each_word), event_test(test_bind_vcpu), event_test(test_port_of_vcpuless_domain),
        event_test(test_upcall_wakes), event_test(test_pollers), event_test(test_resync),
        event_test(test_scribbled_words), event_test(test_reset), event_test(test_destroy_is_preemptible),
        event_test(test_dump),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
