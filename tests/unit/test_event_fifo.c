/* SPDX-License-Identifier: MIT */
/*
 * The FIFO event ABI, with a guest that takes events from its queues as the public header asks, and with guests that do
 * not.
 */
/* unit-sources: core/event/event.c core/event/table.c core/event/bind.c core/event/two_level.c core/event/fifo.c */
/* unit-sources: core/event/fifo_setup.c core/event/dump.c core/event/guest_atomic.c lib/bitmap.c */
#include "test_event_common.h"

#define PENDING BIT32(EVTCHN_FIFO_PENDING)
#define MASKED  BIT32(EVTCHN_FIFO_MASKED)
#define LINKED  BIT32(EVTCHN_FIFO_LINKED)
#define BUSY    BIT32(EVTCHN_FIFO_BUSY)
#define LINK    ((u32)EVTCHN_FIFO_LINK_MASK)

/* ---- the guest ---- */
static u64 array_gpa[4];
static u32 nr_array;
static struct evtchn_fifo_control_block *cb[4];
static u32 local_head[4][EVTCHN_FIFO_MAX_QUEUES];
static u32 local_ready[4];

static u32 *word(struct domain *d, u32 port)
{
    return unit_guest_ptr(d, array_gpa[port / 1024] + port % 1024 * 4);
}

/* A control block for vCPU n, somewhere in a page. */
static void give_control(struct domain *d, u32 n, u32 offset)
{
    u64 gpa = unit_guest_alloc(d, PAGE_SIZE);

    assert_int_equal(event_init_control(d, n, gpa >> PAGE_SHIFT, offset), 0);
    cb[n] = (void *)((char *)unit_guest_ptr(d, gpa) + offset);
    memset(local_head[n], 0, sizeof(local_head[n]));
    local_ready[n] = 0;
}

static void give_array_page(struct domain *d)
{
    u64 gpa = unit_guest_alloc(d, PAGE_SIZE);

    array_gpa[nr_array++] = gpa;
    assert_int_equal(event_expand_array(d, gpa >> PAGE_SHIFT), 0);
}

static struct domain *make_fifo(u16 id, u32 vcpus)
{
    struct domain *d = make(id, vcpus);

    nr_array = 0;
    for (u32 n = 0; n < vcpus; n++) {
        give_control(d, n, n * 8);
    }
    give_array_page(d);
    return d;
}

/* vCPU n takes the next event: its port, 0 if there is none. Handled at once: PENDING cleared. */
static u32 take(struct domain *d, u32 n)
{
    d->vcpu[n]->info->evtchn_upcall_pending = 0;
    local_ready[n] |= cb[n]->ready;
    cb[n]->ready = 0;
    while (local_ready[n] != 0) {
        u32 q = (u32)__builtin_ctz(local_ready[n]);
        u32 port = local_head[n][q] != 0 ? local_head[n][q] : cb[n]->head[q];
        u32 w = *word(d, port);

        *word(d, port) = w & ~(LINKED | LINK);
        local_head[n][q] = w & LINK;
        if ((w & LINK) == 0) {
            local_ready[n] &= ~BIT32(q);
        }
        if ((w & PENDING) && !(w & MASKED)) {
            *word(d, port) &= ~PENDING;
            return port;
        }
    }
    return 0;
}

/* An IPI port is the simplest one that can be sent to itself. */
static u32 ipi(struct domain *d, u32 vcpu)
{
    int port = event_bind_ipi(d, vcpu);

    assert_true(port > 0);
    return (u32)port;
}

/* ---- set-up ---- */

static void test_init_control_checks(void **state)
{
    struct domain *d = make(1, 2);
    u64 gpa = unit_guest_alloc(d, PAGE_SIZE);
    u64 g = gpa >> PAGE_SHIFT;
    struct domain *other = make(2, 1);
    struct page *pg;
    enum p2m_type t;

    (void)state;
    assert_int_equal(event_expand_array(d, g), -EOPNOTSUPP);
    assert_int_equal(event_set_priority(d, 1, 3), -EINVAL);               /* no such port */
    assert_int_equal(event_init_control(d, 2, g, 0), -ENOENT);
    assert_int_equal(event_init_control(d, ~0u, g, 0), -ENOENT);
    assert_int_equal(event_init_control(d, 0, g, 4), -EINVAL);            /* 8-aligned */
    assert_int_equal(event_init_control(d, 0, g, PAGE_SIZE - 64), -EINVAL);  /* 72 bytes do not fit */
    assert_int_equal(event_init_control(d, 0, g, ~7u), -EINVAL);
    assert_int_equal(event_init_control(d, 0, g + 1000, 0), -EINVAL);
    assert_int_equal(event_init_control(d, 0, ~0UL, 0), -EINVAL);
    assert_ptr_equal(d->event.ops, &event_2l_ops);
    /* Only the guest's own writable RAM: not read-only, not shared hypervisor pages, not foreign ones. */
    pg = p2m_get_page(d, gfn(g), &t);
    assert_int_equal(p2m_map(d, gfn(0x90), page_to_mfn(pg), 1, P2M_RAM_RO), 0);
    assert_int_equal(event_init_control(d, 0, 0x90, 0), -EINVAL);
    assert_int_equal(p2m_map(d, gfn(0x91), virt_to_mfn(d->shared_info), 1, P2M_RAM_RW), 0);
    assert_int_equal(event_init_control(d, 0, 0x91, 0), -EINVAL);
    assert_int_equal(p2m_map(other, gfn(0x92), page_to_mfn(pg), 1, P2M_FOREIGN_RW), 0);
    assert_int_equal(event_init_control(other, 0, 0x92, 0), -EINVAL);
    assert_int_equal(pg->count, 2);                                       /* the owner's and ours */

    assert_int_equal(event_init_control(d, 0, g, PAGE_SIZE - 72), 0);
    assert_int_equal(pg->count, 3);
    assert_ptr_equal(d->event.ops, &event_fifo_ops);
    assert_int_equal(event_init_control(d, 0, g, 0), -EINVAL);            /* again */
    assert_int_equal(event_init_control(d, 1, g, 0), 0);                  /* another vCPU, same page */
    assert_int_equal(event_expand_array(d, g + 1000), -EINVAL);
    assert_int_equal(event_reset(d), 0);
    assert_int_equal(pg->count, 2);
    assert_ptr_equal(d->event.ops, &event_2l_ops);
    page_put(pg);
}

static void test_init_control_without_memory(void **state)
{
    struct domain *d = make(1, 1);
    u64 g = unit_guest_alloc(d, PAGE_SIZE) >> PAGE_SHIFT;
    u64 before = unit_allocs();

    (void)state;
    for (u64 n = 0; n < 2; n++) {
        unit_alloc_fail_after = n;
        assert_int_equal(event_init_control(d, 0, g, 0), -ENOMEM);
        assert_int_equal(unit_allocs(), before);
    }
    unit_alloc_fail_after = ~0UL;
    assert_null(d->event.fifo);
    assert_null(d->vcpu[0]->event.fifo);
    assert_int_equal(event_init_control(d, 0, g, 0), 0);
}

static void test_expand_array_limit(void **state)
{
    struct domain *d = make(1, 1);
    u64 g = unit_guest_alloc(d, PAGE_SIZE) >> PAGE_SHIFT;

    (void)state;
    give_control(d, 0, 0);
    for (u32 i = 0; i < 128; i++) {
        assert_int_equal(event_expand_array(d, g), 0);
    }
    assert_int_equal(event_expand_array(d, g), -ENOSPC);
    /* Ports beyond the 4096 of 2-level now exist. */
    for (int i = 1; i <= 4100; i++) {
        assert_int_equal(unit_unbound(d, 0), i);
    }
}

/* ---- delivery ---- */

static void test_one_event(void **state)
{
    struct domain *d = make_fifo(1, 1);
    u32 p = ipi(d, 0);

    (void)state;
    host_record_reset();
    assert_int_equal(event_send(d, p), 0);
    assert_int_equal(*word(d, p), PENDING | LINKED);
    assert_int_equal(cb[0]->head[7], p);
    assert_int_equal(cb[0]->ready, BIT32(7));
    assert_int_equal(d->vcpu[0]->info->evtchn_upcall_pending, 1);
    assert_int_equal(host_calls("vgic_set_level"), 1);
    assert_true(event_port_is_pending(d, p));
    assert_int_equal(event_send(d, p), 0);
    assert_int_equal(host_calls("vgic_set_level"), 1);
    assert_int_equal(take(d, 0), p);
    assert_int_equal(take(d, 0), 0);
    assert_int_equal(*word(d, p), 0);
    assert_false(event_port_is_pending(d, p));
    /* The port is still the queue's tail: sending it again must not link it to itself. */
    assert_int_equal(event_send(d, p), 0);
    assert_int_equal(*word(d, p), PENDING | LINKED);
    assert_int_equal(take(d, 0), p);
    assert_int_equal(take(d, 0), 0);
}

static void test_order_within_a_queue(void **state)
{
    struct domain *d = make_fifo(1, 1);
    u32 p[20];

    (void)state;
    for (u32 i = 0; i < 20; i++) {
        p[i] = ipi(d, 0);
    }
    host_record_reset();
    for (u32 i = 0; i < 20; i++) {
        assert_int_equal(event_send(d, p[19 - i]), 0);
    }
    assert_int_equal(host_calls("vgic_set_level"), 1);        /* one upcall for all */
    for (u32 i = 0; i < 10; i++) {
        assert_int_equal(take(d, 0), p[19 - i]);
    }
    /* More come while the guest is at it. */
    assert_int_equal(event_send(d, p[19]), 0);
    for (u32 i = 10; i < 20; i++) {
        assert_int_equal(take(d, 0), p[19 - i]);
    }
    assert_int_equal(take(d, 0), p[19]);
    assert_int_equal(take(d, 0), 0);
}

static void test_priorities(void **state)
{
    struct domain *d = make_fifo(1, 1);
    u32 low = ipi(d, 0), mid = ipi(d, 0), high = ipi(d, 0);

    (void)state;
    assert_int_equal(event_set_priority(d, low, 15), 0);
    assert_int_equal(event_set_priority(d, high, 0), 0);
    assert_int_equal(event_set_priority(d, high, 16), -EINVAL);
    assert_int_equal(event_set_priority(d, 9999, 1), -EINVAL);
    assert_int_equal(event_send(d, low), 0);
    assert_int_equal(event_send(d, mid), 0);
    assert_int_equal(event_send(d, high), 0);
    assert_int_equal(cb[0]->ready, BIT32(15) | BIT32(7) | BIT32(0));
    assert_int_equal(take(d, 0), high);
    assert_int_equal(event_send(d, high), 0);
    assert_int_equal(take(d, 0), high);
    assert_int_equal(take(d, 0), mid);
    assert_int_equal(take(d, 0), low);
    assert_int_equal(take(d, 0), 0);
}

static void test_priority_needs_fifo(void **state)
{
    struct domain *d = make(1, 1);
    u32 p = ipi(d, 0);

    (void)state;
    assert_int_equal(event_set_priority(d, p, 3), -ENOSYS);
}

static void test_mask_and_unmask(void **state)
{
    struct domain *d = make_fifo(1, 1);
    u32 p = ipi(d, 0);

    (void)state;
    *word(d, p) = MASKED;
    host_record_reset();
    assert_int_equal(event_send(d, p), 0);
    assert_int_equal(*word(d, p), PENDING | MASKED);
    assert_int_equal(cb[0]->ready, 0);
    assert_int_equal(host_calls("vgic_set_level"), 0);
    assert_int_equal(event_unmask(d, p), 0);
    assert_int_equal(*word(d, p), PENDING | LINKED);
    assert_int_equal(take(d, 0), p);
    /* Masked while on a queue: the guest steps over it, unmasking links it again. */
    assert_int_equal(event_send(d, p), 0);
    *word(d, p) |= MASKED;
    assert_int_equal(take(d, 0), 0);
    assert_int_equal(*word(d, p), PENDING | MASKED);
    assert_int_equal(event_unmask(d, p), 0);
    assert_int_equal(take(d, 0), p);
    /* Not pending: unmasking links nothing. */
    *word(d, p) = MASKED;
    assert_int_equal(event_unmask(d, p), 0);
    assert_int_equal(*word(d, p), 0);
    assert_int_equal(cb[0]->ready, 0);
    /* Masked and unmasked while still linked: not linked twice. */
    assert_int_equal(event_send(d, p), 0);
    *word(d, p) |= MASKED;
    assert_int_equal(event_unmask(d, p), 0);
    assert_int_equal(*word(d, p), PENDING | LINKED);
    assert_int_equal(take(d, 0), p);
    assert_int_equal(take(d, 0), 0);
}

/* A port moves to another vCPU while it is the tail of its old queue. */
static void test_move_between_queues(void **state)
{
    struct domain *a = make(0, 1), *d = make_fifo(1, 2);
    u32 pa, p, other;

    (void)state;
    connect_pair(a, &pa, d, &p);
    other = ipi(d, 0);
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(take(d, 0), p);                          /* p is now tail of (vCPU 0, 7), taken */
    assert_int_equal(event_bind_vcpu(d, p, 1), 0);
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(cb[1]->head[7], p);
    assert_int_equal(d->vcpu[1]->info->evtchn_upcall_pending, 1);
    /* The old queue must not append to p, which looks LINKED there. */
    assert_int_equal(event_send(d, other), 0);
    assert_int_equal(*word(d, p), PENDING | LINKED);
    assert_int_equal(cb[0]->head[7], other);
    assert_int_equal(take(d, 0), other);
    assert_int_equal(take(d, 1), p);
    assert_int_equal(take(d, 1), 0);
    assert_int_equal(take(d, 0), 0);
}

/* Moved while linked: it is delivered where it is linked, and goes to the new place the next time. */
static void test_move_while_linked(void **state)
{
    struct domain *a = make(0, 1), *d = make_fifo(1, 2);
    u32 pa, p;

    (void)state;
    connect_pair(a, &pa, d, &p);
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(event_bind_vcpu(d, p, 1), 0);
    assert_int_equal(event_set_priority(d, p, 2), 0);
    assert_int_equal(event_unmask(d, p), 0);
    assert_int_equal(cb[1]->ready, 0);
    assert_int_equal(take(d, 0), p);
    assert_int_equal(event_send(a, pa), 0);
    assert_int_equal(cb[1]->ready, BIT32(2));
    assert_int_equal(take(d, 1), p);
    assert_int_equal(take(d, 0), 0);
}

static void test_close_while_linked(void **state)
{
    struct domain *d = make_fifo(1, 1);
    u32 p = ipi(d, 0), q = ipi(d, 0);

    (void)state;
    assert_int_equal(event_send(d, p), 0);
    assert_int_equal(event_send(d, q), 0);
    assert_int_equal(event_close(d, p), 0);
    assert_int_equal(*word(d, p), LINKED | q);                /* pending no more, still on its queue */
    /* Not given out again while it is there. */
    assert_int_not_equal(ipi(d, 0), p);
    assert_int_equal(take(d, 0), q);
    assert_int_equal(take(d, 0), 0);
    assert_int_equal(ipi(d, 0), p);
}

static void test_all_free_ports_linked(void **state)
{
    struct domain *d = make_fifo(1, 1);

    (void)state;
    /* The guest marks every word: allocation neither searches for ever nor fails. */
    for (u32 i = 0; i < 1024; i++) {
        *word(d, i) = LINKED;
    }
    assert_int_equal(event_bind_ipi(d, 0), 1);
    assert_int_equal(event_bind_ipi(d, 0), 2);
}

/* ---- pages and control blocks that come late ---- */

static void test_event_before_its_page(void **state)
{
    struct domain *d = make(1, 1);
    u32 p;

    (void)state;
    nr_array = 0;
    give_control(d, 0, 0);
    p = ipi(d, 0);
    assert_int_equal(event_send(d, p), 0);
    assert_int_equal(cb[0]->ready, 0);
    assert_true(event_port_is_pending(d, p));
    assert_int_equal(event_unmask(d, p), 0);
    give_array_page(d);
    assert_int_equal(*word(d, p), PENDING | LINKED);
    assert_int_equal(take(d, 0), p);
    /* Closing forgets it. */
    for (int i = 0; i < 1100; i++) {
        ipi(d, 0);
    }
    assert_int_equal(event_send(d, 1050), 0);
    assert_int_equal(event_send(d, 1051), 0);
    assert_int_equal(event_close(d, 1050), 0);
    give_array_page(d);
    assert_int_equal(take(d, 0), 1051);
    assert_int_equal(take(d, 0), 0);
}

static void test_carry_over_from_2l(void **state)
{
    struct domain *a = make(0, 1), *d = make(1, 1);
    u32 pa, pb, qa, qb;

    (void)state;
    connect_pair(a, &pa, d, &pb);
    connect_pair(a, &qa, d, &qb);
    assert_int_equal(event_send(a, qa), 0);
    mask_2l(d, pb);
    assert_int_equal(event_send(a, pa), 0);
    nr_array = 0;
    give_control(d, 0, 0);
    assert_true(event_port_is_pending(d, pb));
    assert_true(event_port_is_pending(d, qb));
    give_array_page(d);
    assert_int_equal(take(d, 0), pb);
    assert_int_equal(take(d, 0), qb);
    assert_int_equal(take(d, 0), 0);
    assert_int_equal(event_send(a, qa), 0);
    assert_int_equal(take(d, 0), qb);
}

static void test_vcpu_without_control_block(void **state)
{
    struct domain *d = make(1, 2);
    u32 p, q;

    (void)state;
    nr_array = 0;
    give_control(d, 0, 0);
    give_array_page(d);
    p = ipi(d, 1);
    q = ipi(d, 0);
    assert_int_equal(event_send(d, p), 0);
    assert_int_equal(*word(d, p), PENDING);
    assert_int_equal(event_send(d, q), 0);
    assert_int_equal(take(d, 0), q);
    give_control(d, 1, 64);
    assert_int_equal(event_send(d, p), 0);                    /* the next send finds the queue */
    assert_int_equal(take(d, 1), p);
}

/* ---- guests that break the rules ---- */

static void test_links_are_never_followed(void **state)
{
    struct domain *d = make_fifo(1, 1);
    u32 p = ipi(d, 0), q = ipi(d, 0), r = ipi(d, 0);

    (void)state;
    assert_int_equal(event_send(d, p), 0);
    *word(d, p) |= LINK;                                      /* points at port 131071, which has no word */
    assert_int_equal(event_send(d, q), 0);
    assert_int_equal(*word(d, p) & LINK, q);                  /* the tail's link is simply written */
    cb[0]->head[7] = 0x1ffff;
    cb[0]->ready = ~0u;
    *word(d, q) = ~0u;
    assert_int_equal(event_send(d, r), 0);
    assert_int_equal(*word(d, q) & LINK, r);
    for (u32 i = 0; i < 1024; i++) {
        *word(d, i) = 0xdeadbeef * i;
    }
    assert_int_equal(event_send(d, p), 0);
    assert_int_equal(event_send(d, q), 0);
    assert_int_equal(event_unmask(d, r), 0);
    assert_int_equal(event_close(d, r), 0);
}

static void test_busy_bit_stuck(void **state)
{
    struct domain *d = make_fifo(1, 1);
    u32 p = ipi(d, 0), q = ipi(d, 0);

    (void)state;
    assert_int_equal(event_send(d, p), 0);
    *word(d, p) |= BUSY;
    assert_int_equal(event_send(d, q), 0);
    assert_int_equal(*word(d, p), PENDING | LINKED | q);      /* written with the link */
    *word(d, q) = BUSY;                                       /* taken off by the guest, BUSY left */
    assert_int_equal(event_send(d, q), 0);
    assert_int_equal(cb[0]->head[7], q);
}

static void test_unlinked_tail(void **state)
{
    struct domain *d = make_fifo(1, 1);
    u32 p = ipi(d, 0), q = ipi(d, 0);

    (void)state;
    assert_int_equal(event_send(d, p), 0);
    *word(d, p) = 0;                                          /* without taking it from the queue */
    d->vcpu[0]->info->evtchn_upcall_pending = 0;
    assert_int_equal(event_send(d, q), 0);
    assert_int_equal(d->vcpu[0]->info->evtchn_upcall_pending, 0);   /* the queue's bit says so still */
    assert_int_equal(cb[0]->head[7], q);
    assert_int_equal(*word(d, p), 0);
}

/* ---- reset ---- */

static void test_reset_to_2l_and_back(void **state)
{
    struct domain *d = make_fifo(1, 2);
    u32 p = ipi(d, 1);
    u64 pages = unit_allocs();

    (void)state;
    assert_int_equal(event_set_priority(d, p, 3), 0);
    assert_int_equal(event_send(d, p), 0);
    assert_int_equal(event_reset(d), 0);
    assert_int_equal(unit_allocs(), pages - 3);               /* FIFO state and two vCPUs' */
    assert_ptr_equal(d->event.ops, &event_2l_ops);
    p = ipi(d, 1);
    assert_int_equal(event_send(d, p), 0);
    assert_true(pending_2l(d, p));
    /* A second time FIFO: nothing of the first is left in the queues. */
    nr_array = 0;
    give_control(d, 1, 0);
    give_array_page(d);
    assert_int_equal(take(d, 1), p);
    assert_int_equal(take(d, 1), 0);
    p = ipi(d, 0);
    assert_int_equal(event_send(d, p), 0);                    /* vCPU 0 has no control block now */
    give_control(d, 0, 0);
    assert_int_equal(event_send(d, p), 0);
    assert_int_equal(take(d, 0), p);
}

static void test_destroy_drops_pages(void **state)
{
    struct domain *d = make_fifo(1, 1);
    struct page *pg = virt_to_page(cb[0]);

    (void)state;
    assert_int_equal(pg->count, 2);
    ipi(d, 0);
    d->dying = DOMAIN_DYING;
    assert_int_equal(event_destroy(d), 0);
    assert_int_equal(pg->count, 1);
    assert_int_equal(event_init_control(d, 0, page_to_mfn(pg).m, 0), -EINVAL);
}

static void test_pollers(void **state)
{
    struct domain *d = make_fifo(1, 2);
    u32 p = ipi(d, 0);

    (void)state;
    d->poll_mask = 1;
    d->vcpu[1]->pause_flags = VPF_POLL;
    *word(d, p) = MASKED;
    host_record_reset();
    assert_int_equal(event_send(d, p), 0);
    assert_int_equal(host_calls("vcpu_unblock"), 1);
}

static void test_dump(void **state)
{
    struct domain *d = make_fifo(1, 1);
    u32 p = ipi(d, 0);

    (void)state;
    assert_int_equal(event_set_priority(d, p, 2), 0);
    assert_int_equal(event_send(d, p), 0);
    unit_log_clear();
    event_dump(d);
    assert_non_null(strstr(unit_log(), "d1: FIFO, 1 open"));
    assert_non_null(strstr(unit_log(), "event array: 1 pages"));
    assert_non_null(strstr(unit_log(), "[1/0]    0    2  IPI"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        event_test(test_init_control_checks), event_test(test_init_control_without_memory),
        event_test(test_expand_array_limit),
        event_test(test_one_event), event_test(test_order_within_a_queue), event_test(test_priorities),
        event_test(test_priority_needs_fifo), event_test(test_mask_and_unmask), event_test(test_move_between_queues),
        event_test(test_move_while_linked), event_test(test_close_while_linked), event_test(test_all_free_ports_linked),
        event_test(test_event_before_its_page), event_test(test_carry_over_from_2l),
        event_test(test_vcpu_without_control_block),
        event_test(test_links_are_never_followed), event_test(test_busy_bit_stuck), event_test(test_unlinked_tail),
        event_test(test_reset_to_2l_and_back), event_test(test_destroy_drops_pages), event_test(test_pollers),
        event_test(test_dump),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
