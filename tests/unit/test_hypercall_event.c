/* SPDX-License-Identifier: MIT */
/* event_channel_op: arguments, permissions, results in guest memory. */
/* unit-sources: core/hypercall/event_channel.c core/event/event.c */
/* unit-sources: core/event/table.c core/event/bind.c core/event/two_level.c */
/* unit-sources: core/event/fifo.c core/event/fifo_setup.c core/event/dump.c core/event/guest_atomic.c lib/bitmap.c */
#include "test_event_common.h"

#define NOWHERE 0x7ff0000UL      /* no guest memory there */

/* The hypercall as v's guest makes it, argument *a; the guest's copy is read back. */
static long call_sized(struct vcpu *v, u32 cmd, void *a, size_t size)
{
    u64 gva = unit_guest_put(v->domain, a, size);
    u64 args[5] = { cmd, gva };
    long rc;

    unit_set_current(v);
    rc = do_event_channel_op(v, args);
    for (size_t i = 0; i < size; i++) {
        ((char *)a)[i] = *(char *)unit_guest_ptr(v->domain, gva + i);
    }
    return rc;
}
#define call(v, cmd, a) call_sized((v), (cmd), (a), sizeof(*(a)))

static long call_raw(struct vcpu *v, u64 cmd, u64 arg)
{
    u64 args[5] = { cmd, arg };

    unit_set_current(v);
    return do_event_channel_op(v, args);
}

static void test_unknown_commands(void **state)
{
    struct domain *d = make(1, 1);

    (void)state;
    assert_int_equal(call_raw(d->vcpu[0], 14, 0), -ENOSYS);
    assert_int_equal(call_raw(d->vcpu[0], 15, NOWHERE), -ENOSYS);
    assert_int_equal(call_raw(d->vcpu[0], ~0u, 0), -ENOSYS);
    assert_int_equal(call_raw(d->vcpu[0], ~0UL, 0), -ENOSYS);
    /* The command is an int: upper halves do not count. */
    assert_int_equal(call_raw(d->vcpu[0], 1UL << 32 | EVTCHNOP_send, NOWHERE), -EFAULT);
}

static void test_unreadable_argument(void **state)
{
    struct domain *d = make(0, 1);

    (void)state;
    for (u32 cmd = 0; cmd <= 13; cmd++) {
        assert_int_equal(call_raw(d->vcpu[0], cmd, NOWHERE), -EFAULT);
        assert_int_equal(call_raw(d->vcpu[0], cmd, ~0UL), -EFAULT);
    }
    assert_int_equal(d->event.active, 0);
}

/* Readable, but the result cannot be written: nothing stays open. */
static void test_unwritable_result(void **state)
{
    struct domain *d = make(0, 1);
    u64 gva = unit_guest_alloc(d, PAGE_SIZE);
    struct p2m_old old;
    enum p2m_type t;
    mfn_t m;
    static const u32 cmds[] = { EVTCHNOP_bind_virq, EVTCHNOP_bind_ipi, EVTCHNOP_alloc_unbound, EVTCHNOP_status,
                                EVTCHNOP_init_control };

    (void)state;
    m = p2m_lookup(d, gpa_to_gfn(gva), &t, NULL);
    assert_int_equal(p2m_replace(d, gpa_to_gfn(gva), m, P2M_RAM_RO, P2M_RAM, &old), 0);
    assert_int_equal(unit_unbound(d, 0), 1);
    for (size_t i = 0; i < ARRAY_SIZE(cmds); i++) {
        assert_int_equal(call_raw(d->vcpu[0], cmds[i], gva), -EFAULT);
    }
    /* bind_interdomain to dom 0 (itself) port 1. */
    ((struct evtchn_bind_interdomain *)unit_guest_ptr(d, gva))->remote_port = 1;
    assert_int_equal(call_raw(d->vcpu[0], EVTCHNOP_bind_interdomain, gva), -EFAULT);
    assert_int_equal(d->event.active, 1);
    assert_int_equal(status_of(d, 1).status, EVTCHNSTAT_unbound);
    assert_ptr_equal(d->event.ops, &event_2l_ops);
    assert_int_equal(d->vcpu[0]->event.virq_port[0], 0);
}

static void test_alloc_unbound(void **state)
{
    struct domain *d0 = make(0, 1), *d1 = make(1, 1), *d2 = make(2, 1);
    struct evtchn_alloc_unbound a;
    struct evtchn_status st;

    (void)state;
    a = (struct evtchn_alloc_unbound){ .dom = DOMID_SELF, .remote_dom = 0 };
    assert_int_equal(call(d1->vcpu[0], EVTCHNOP_alloc_unbound, &a), 0);
    assert_int_equal(a.port, 1);
    assert_int_equal(a.dom, DOMID_SELF);                      /* inputs are left alone */
    a = (struct evtchn_alloc_unbound){ .dom = 1, .remote_dom = DOMID_SELF };
    assert_int_equal(call(d1->vcpu[0], EVTCHNOP_alloc_unbound, &a), 0);
    assert_int_equal(a.port, 2);
    assert_int_equal(status_of(d1, 2).u.unbound.dom, 1);
    /* The toolstack's: for a guest, towards dom0. */
    a = (struct evtchn_alloc_unbound){ .dom = 1, .remote_dom = 0 };
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_alloc_unbound, &a), 0);
    assert_int_equal(a.port, 3);
    /* Another guest's table, another guest as peer, nobody. */
    a = (struct evtchn_alloc_unbound){ .dom = 2, .remote_dom = 1 };
    assert_int_equal(call(d1->vcpu[0], EVTCHNOP_alloc_unbound, &a), -EPERM);
    a = (struct evtchn_alloc_unbound){ .dom = DOMID_SELF, .remote_dom = 2 };
    assert_int_equal(call(d1->vcpu[0], EVTCHNOP_alloc_unbound, &a), -EPERM);
    a = (struct evtchn_alloc_unbound){ .dom = 0, .remote_dom = DOMID_SELF };      /* dom0 may, for itself */
    assert_int_equal(call(d1->vcpu[0], EVTCHNOP_alloc_unbound, &a), -EPERM);
    a = (struct evtchn_alloc_unbound){ .dom = DOMID_SELF, .remote_dom = 77 };
    assert_int_equal(call(d1->vcpu[0], EVTCHNOP_alloc_unbound, &a), -ESRCH);
    a = (struct evtchn_alloc_unbound){ .dom = 77, .remote_dom = 0 };
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_alloc_unbound, &a), -ESRCH);
    assert_int_equal(d2->event.active, 0);
    memset(&st, 0xff, sizeof(st));
    st.dom = 1;
    st.port = 3;
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_status, &st), 0);
    assert_int_equal(st.status, EVTCHNSTAT_unbound);
    assert_int_equal(st.vcpu, 0);
    assert_int_equal(st.u.unbound.dom, 0);
    assert_int_equal(st.u.interdomain.port, 0);               /* what is not said is zero */
}

static void test_bind_and_send(void **state)
{
    struct domain *d0 = make(0, 1), *d1 = make(1, 1), *d2 = make(2, 1);
    struct evtchn_bind_interdomain b;
    struct evtchn_send s;
    u32 p1 = (u32)unit_unbound(d1, 0), p2 = (u32)unit_unbound(d2, 1);

    (void)state;
    b = (struct evtchn_bind_interdomain){ .remote_dom = 1, .remote_port = p1 };
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_bind_interdomain, &b), 0);
    assert_int_equal(b.local_port, 1);
    s.port = b.local_port;
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_send, &s), 0);
    assert_true(pending_2l(d1, p1));
    s.port = 4000;
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_send, &s), -EINVAL);
    /* SILO: two guests, even where the other end would accept. */
    b = (struct evtchn_bind_interdomain){ .remote_dom = 2, .remote_port = p2 };
    assert_int_equal(call(d1->vcpu[0], EVTCHNOP_bind_interdomain, &b), -EPERM);
    b = (struct evtchn_bind_interdomain){ .remote_dom = 9, .remote_port = 1 };
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_bind_interdomain, &b), -ESRCH);
    b = (struct evtchn_bind_interdomain){ .remote_dom = 1, .remote_port = 4000 };
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_bind_interdomain, &b), -EINVAL);
}

/*
 * A send is not lost, and not made twice, because an exclusive store failed for no reason: whichever of its own it was,
 * the lock's or that of the pending bit. The n-th send here has the n-th fail, until there are no more to fail.
 */
static void test_send_with_failing_stores(void **state)
{
    struct domain *d0 = make(0, 1), *d1 = make(1, 1);
    struct evtchn_send s;
    u32 remote, sends = 0;
    bool failed;

    (void)state;
    connect_pair(d0, &s.port, d1, &remote);
    do {
        clear_2l(d1, d1->vcpu[0], remote);
        host_record_reset();
        host_exclusive_fail_in = ++sends;
        assert_int_equal(call(d0->vcpu[0], EVTCHNOP_send, &s), 0);
        failed = host_exclusive_fail_in == 0;
        assert_true(pending_2l(d1, remote));
        assert_int_equal(host_calls("vgic_set_level"), 1);
        assert_false(spin_is_locked(&event_known_port(d0, s.port)->lock));
    } while (failed);
    assert_int_equal(sends, 3);              /* lock and bit can fail */
    s.port = 4;                              /* nobody's */
    host_exclusive_fail_in = 1;
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_send, &s), -EINVAL);
    assert_int_equal(host_exclusive_fail_in, 0);
}

static void test_virq_ipi_vcpu_unmask_close(void **state)
{
    struct domain *d = make(1, 2);
    struct vcpu *v = d->vcpu[0];
    struct evtchn_bind_virq virq = { .virq = VIRQ_DEBUG, .vcpu = 1 };
    struct evtchn_bind_ipi ipi = { .vcpu = 1 };
    struct evtchn_bind_vcpu bv;
    struct evtchn_unmask u;
    struct evtchn_close c;
    struct evtchn_bind_pirq pirq = { .pirq = 5 };

    (void)state;
    assert_int_equal(call(v, EVTCHNOP_bind_virq, &virq), 0);
    assert_int_equal(virq.port, 1);
    assert_int_equal(call(v, EVTCHNOP_bind_virq, &virq), -EEXIST);
    assert_int_equal(call(v, EVTCHNOP_bind_ipi, &ipi), 0);
    assert_int_equal(ipi.port, 2);
    ipi.vcpu = 2;
    assert_int_equal(call(v, EVTCHNOP_bind_ipi, &ipi), -ENOENT);
    bv = (struct evtchn_bind_vcpu){ .port = 1, .vcpu = 0 };
    assert_int_equal(call(v, EVTCHNOP_bind_vcpu, &bv), -EINVAL);
    u.port = 2;
    assert_int_equal(call(v, EVTCHNOP_unmask, &u), 0);
    u.port = 100000;
    assert_int_equal(call(v, EVTCHNOP_unmask, &u), -EINVAL);
    c.port = 1;
    assert_int_equal(call(v, EVTCHNOP_close, &c), 0);
    assert_int_equal(call(v, EVTCHNOP_close, &c), -EINVAL);
    assert_int_equal(call(v, EVTCHNOP_bind_pirq, &pirq), -EINVAL);
    assert_int_equal(d->event.active, 1);
}

static void test_status_permissions(void **state)
{
    struct domain *d0 = make(0, 1), *d1 = make(1, 1), *d2 = make(2, 1);
    u32 a, b;
    struct evtchn_status st;

    (void)state;
    connect_pair(d0, &a, d1, &b);
    st = (struct evtchn_status){ .dom = DOMID_SELF, .port = b };
    assert_int_equal(call(d1->vcpu[0], EVTCHNOP_status, &st), 0);
    assert_int_equal(st.dom, DOMID_SELF);
    assert_int_equal(st.u.interdomain.dom, 0);
    assert_int_equal(st.u.interdomain.port, a);
    st = (struct evtchn_status){ .dom = 1, .port = b };
    assert_int_equal(call(d2->vcpu[0], EVTCHNOP_status, &st), -EPERM);
    st = (struct evtchn_status){ .dom = 1, .port = b };
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_status, &st), 0);
    st = (struct evtchn_status){ .dom = 1, .port = 99999 };
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_status, &st), -EINVAL);
    st = (struct evtchn_status){ .dom = 44, .port = 1 };
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_status, &st), -ESRCH);
    st = (struct evtchn_status){ .dom = DOMID_SELF, .port = 5 };
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_status, &st), 0);
    assert_int_equal(st.status, EVTCHNSTAT_closed);
}

static void test_fifo_operations(void **state)
{
    struct domain *d = make(1, 1);
    struct vcpu *v = d->vcpu[0];
    struct evtchn_init_control ic;
    struct evtchn_expand_array ea;
    struct evtchn_set_priority sp;

    (void)state;
    ea.array_gfn = unit_guest_alloc(d, PAGE_SIZE) >> PAGE_SHIFT;
    assert_int_equal(call(v, EVTCHNOP_expand_array, &ea), -EOPNOTSUPP);
    memset(&ic, 0xff, sizeof(ic));
    ic.control_gfn = unit_guest_alloc(d, PAGE_SIZE) >> PAGE_SHIFT;
    ic.offset = 0;
    ic.vcpu = 0;
    assert_int_equal(call(v, EVTCHNOP_init_control, &ic), 0);
    assert_int_equal(ic.link_bits, 17);
    assert_int_equal(ic._pad[0] | ic._pad[6], 0);
    assert_int_equal(call(v, EVTCHNOP_init_control, &ic), -EINVAL);
    ic.vcpu = 1;
    assert_int_equal(call(v, EVTCHNOP_init_control, &ic), -ENOENT);
    assert_int_equal(call(v, EVTCHNOP_expand_array, &ea), 0);
    ea.array_gfn = ~0UL;
    assert_int_equal(call(v, EVTCHNOP_expand_array, &ea), -EINVAL);
    assert_int_equal(event_bind_ipi(d, 0), 1);
    sp = (struct evtchn_set_priority){ .port = 1, .priority = 15 };
    assert_int_equal(call(v, EVTCHNOP_set_priority, &sp), 0);
    sp.priority = 16;
    assert_int_equal(call(v, EVTCHNOP_set_priority, &sp), -EINVAL);
}

static void test_reset(void **state)
{
    struct domain *d0 = make(0, 1), *d1 = make(1, 1), *d2 = make(2, 1);
    struct evtchn_reset r = { .dom = DOMID_SELF };

    (void)state;
    for (int i = 0; i < 50; i++) {
        assert_true(unit_unbound(d1, 0) > 0);
    }
    assert_int_equal(call(d1->vcpu[0], EVTCHNOP_reset, &r), 0);
    assert_int_equal(d1->event.active, 0);
    r.dom = 1;
    assert_int_equal(call(d2->vcpu[0], EVTCHNOP_reset, &r), -EPERM);
    /* Of another domain only while it is paused. */
    assert_true(unit_unbound(d1, 0) > 0);
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_reset, &r), -EINVAL);
    d1->pause_count = 1;
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_reset, &r), 0);
    assert_int_equal(d1->event.active, 0);
    r.dom = 50;
    assert_int_equal(call(d0->vcpu[0], EVTCHNOP_reset, &r), -ESRCH);
    for (int i = 0; i < 50; i++) {
        assert_true(unit_unbound(d1, 0) > 0);
    }
    r.dom = DOMID_SELF;
    host_irq_waiting = true;
    assert_int_equal(call(d1->vcpu[0], EVTCHNOP_reset, &r), -ERESTART);
    host_irq_waiting = false;
    assert_int_equal(call(d1->vcpu[0], EVTCHNOP_reset, &r), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        event_test(test_unknown_commands), event_test(test_unreadable_argument), event_test(test_unwritable_result),
        event_test(test_alloc_unbound), event_test(test_bind_and_send), event_test(test_send_with_failing_stores),
        event_test(test_virq_ipi_vcpu_unmask_close),
        event_test(test_status_permissions), event_test(test_fifo_operations), event_test(test_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
