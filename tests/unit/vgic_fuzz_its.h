/* SPDX-License-Identifier: MIT */
/*
 * For test_vgic_fuzz.c: an interrupt translation service of the machine's whose device sends messages, and one of the
 * domain's with commands at random. What was sent is owed (vgic_model.h) once the machine's LPI has been taken.
 */
#ifndef VGIC_FUZZ_ITS_H
#define VGIC_FUZZ_ITS_H

#include "vgic_fuzz_ops.h"

#define ITS_BASE UINT64_C(0x8080000)
#define DEVICE   3u              /* event n of it has LPI n, but in wild runs */
#define DEVICES  6u
#define QUEUE    PAGE_SIZE

static u64 its_queue, its_properties;

static u32 lpi_index(const struct its_event *e)
{
    u32 n = (e->lpi - LPI_FIRST) / LPI_STEP;

    return n < LPIS && e->lpi == lpi_intid(n) ? n : LPIS;        /* LPIS: one that only wild commands know */
}

/* Whatever was pending of it is no more, once its vCPU's CPU knows. */
static void forget(u32 n)
{
    m.host_lpi[n].pending = false;
    m.lpi[n].must = false;
    m.lpi[n].cleared = true;
}

static u32 mi_lpi_bits(void) { return 14; }
static u32 mi_bits(u32 its) { (void)its; return 8; }

static int mi_map_device(u32 its, u32 device, u32 bits, void **itt)
{
    (void)its;
    assert_true(device < 256 && bits > 0 && bits <= 8);
    *itt = &m;
    return m.wild && m.op != 0 && rnd(8) == 0 ? -ENOMEM : 0;
}

static void mi_unmap_device(u32 its, u32 device, u32 bits, void *itt)
{
    (void)bits;
    (void)its;
    (void)device;
    assert_ptr_equal(itt, &m);
}

static void mi_map(const struct its_event *e)
{
    u32 n = lpi_index(e);

    assert_in_range(e->cpu, 0, CPUS - 1);
    assert_false(m.host_lpi[n].mapped && n < LPIS);
    forget(n);
    m.host_lpi[n].mapped = true;
    m.host_lpi[n].cpu = e->cpu;
}

static void mi_move(const struct its_event *e)
{
    assert_in_range(e->cpu, 0, CPUS - 1);
    assert_true(m.host_lpi[lpi_index(e)].mapped);
    m.host_lpi[lpi_index(e)].cpu = e->cpu;
}

static void mi_discard(const struct its_event *e)
{
    u32 n = lpi_index(e);

    assert_true(m.host_lpi[n].mapped);
    assert_false(m.host_lpi[n].on && n < LPIS);
    forget(n);
    m.host_lpi[n].mapped = n == LPIS;
}

static void mi_clear(const struct its_event *e) { forget(lpi_index(e)); }

static void mi_enable(const struct its_event *e, bool on)
{
    assert_true(m.host_lpi[lpi_index(e)].mapped);
    m.host_lpi[lpi_index(e)].on = on;
}

static void mi_complete(u32 its) { (void)its; }

static const struct its_ops model_its = {
    .lpi_bits = mi_lpi_bits, .device_bits = mi_bits, .event_bits = mi_bits, .map_device = mi_map_device,
    .unmap_device = mi_unmap_device,
    .map = mi_map, .move = mi_move, .discard = mi_discard, .clear = mi_clear, .enable = mi_enable,
    .complete = mi_complete,
};

/* ---- the guest's commands ---- */
static bool queue_is_empty(void)
{
    const struct vits *its = &d->arch.vgic.lpis->its[0];

    return !its->busy && its->creadr == its->cwriter;
}

static void command(u64 w0, u64 w1, u64 w2)
{
    u32 tail = rd(ITS_BASE + 0x88);
    u64 *to = unit_guest_ptr(d, its_queue + tail);

    to[0] = w0, to[1] = w1, to[2] = w2, to[3] = w2;
    wr(ITS_BASE + 0x88, (tail + 32) % QUEUE);
}

static void event_command(u32 c, u32 n, u64 w1_high, u64 w2)
{
    command(c | (u64)DEVICE << 32, n | w1_high << 32, w2);
}

static void map_lpi(u32 n, u32 collection) { event_command(10, n, lpi_intid(n), collection); }
static void map_collection(u32 n, u32 rd_base) { command(9, 0, BIT(63) | (u64)rd_base << 16 | n); }

/* All of it, by whoever looks: v, current here. */
static void finish_commands(struct vcpu *v)
{
    for (u32 i = 0; i < 5000 && !queue_is_empty(); i++) {
        (void)rd(ITS_BASE + 0x90);
        vgic_its_work(v);
    }
    assert_true(queue_is_empty());
    atomic_fetch_and(&v->pending, ~(u32)PEND_ITS);
}

/* Its byte in the table is changed, and read: not of one that is being handled, whose end would come out of order. */
static void configure(u32 n, u8 property)
{
    for_each_vcpu (d, t) {
        if (!m.wild && in_stack(t, lpi_intid(n))) {
            return;
        }
    }
    *(u8 *)unit_guest_ptr(d, its_properties + (lpi_intid(n) - LPI_FIRST)) = property;
    event_command(12, n, 0, 0);
}

static void op_command(struct vcpu *v)
{
    u32 n = rnd(LPIS), kind = rnd(16);
    bool was_mapped = m.host_lpi[n].mapped;

    (void)v;
    if (!queue_is_empty()) {
        (void)rd(ITS_BASE + rnd(0x20) * 8);
        return;
    }
    switch (kind) {
    case 0: case 1:
        configure(n, (u8)(rnd(32) * 8 | (rnd(4) != 0)));
        break;
    case 2:
        if (was_mapped && irq_of(NULL, lpi_intid(n))->target != NULL) {
            owe(&m.lpi[n]);
        }
        event_command(3, n, 0, 0);
        break;
    case 3:
        event_command(4, n, 0, 0);
        break;
    case 4:
        event_command(15, n, 0, 0);
        break;
    case 5: case 6:
        map_lpi(n, rnd(VCPUS));
        break;
    case 7: case 8:
        map_collection(rnd(VCPUS), rnd(VCPUS));
        break;
    case 9:
        command(9, 0, rnd(VCPUS));               /* unmapped */
        break;
    case 10:
        command(13, 0, rnd(VCPUS));
        break;
    default:
        event_command(1, n, 0, rnd(VCPUS));
    }
    for (u32 i = rnd(4); i > 0 && kind > 9; i--) {
        event_command(1, rnd(LPIS), 0, rnd(VCPUS));
        command(13, 0, rnd(VCPUS));
        map_collection(rnd(VCPUS), rnd(VCPUS));
    }
}

static void op_message(struct vcpu *v)
{
    (void)v;
    m.host_lpi[rnd(LPIS)].pending = true;
}

/* ---- wild ones ---- */
static u64 some_word(u32 n)
{
    u64 x = m.random >> 7;

    switch (n) {
    case 0: return (rnd(16) ? 1 + rnd(15) : x & 0xff) | (u64)(rnd(16) ? rnd(DEVICES) : (u32)x) << 32;
    case 1: return (rnd(8) ? rnd(20) : (u32)x) | (u64)(rnd(8) ? lpi_intid(rnd(LPIS)) : (u32)x % 20000) << 32;
    default: return (rnd(8) ? rnd(4) : x & 0xffff) | (u64)(rnd(8) ? rnd(4) : (u32)x) << 16 | (rnd(4) ? BIT(63) : 0);
    }
}

static void op_wild_command(struct vcpu *v)
{
    (void)v;
    for (u32 i = rnd(4); i > 0; i--) {
        command(some_word(0), some_word(1), some_word(2));
    }
}

static void op_wild_its(struct vcpu *v)
{
    static const u16 at[] = { 0, 4, 0x80, 0x84, 0x88, 0x90, 0x100 };
    u64 gpa = ITS_BASE + at[rnd(ARRAY_SIZE(at))];

    (void)v;
    if (rnd(4) != 0) {
        (void)mmio(gpa, rnd(2) ? 4 : 8, false, 0);
    } else {
        mmio(gpa, rnd(2) ? 4 : 8, true, rnd(2) ? rnd(2) : m.random & 0xfe0);
    }
}

/* CPU_ON of one that is off. */
static void op_wild_on(struct vcpu *v)
{
    struct vcpu *t = d->vcpu[rnd(VCPUS)];

    (void)v;
    if (where(t) == CPUS && rnd(4) == 0) {
        vgic_reset_cpu_interface(t);
        t->arch.vgic.vmcr = 0xf8u << VMCR_PMR_SHIFT | VMCR_VENG0 | VMCR_VENG1;
        m.depth[t->id] = 0;
        for (u32 n = 0; n < LPIS; n++) {
            struct vgic_irq *irq = irq_of(t, lpi_intid(n));

            bool in_lr = irq->vcpu == t && irq->lr != 0;

            assert_false(irq->vcpu == t && irq->active);
            assert_false(in_lr && (t->arch.vgic.lr[irq->lr - 1u] & LR_ACTIVE));
        }
    }
}

/* A message that came late, of what is not mapped any more, or mapped to something else. */
static void op_wild_late(struct vcpu *v)
{
    (void)v;
    (void)vgic_inject_lpi(LPI_FIRST + rnd(LPI_MAX + 10));
}

/* ---- begin, set right, end ---- */
static void write_queue(struct vcpu *v)
{
    wr(ITS_BASE, 0);
    for (u32 i = 0; i < 1000 && d->arch.vgic.lpis->its[0].busy; i++) {
        vgic_its_work(v);
    }
    mmio(ITS_BASE + 0x80, 8, true, BIT(63) | its_queue);
    wr(ITS_BASE, 1);
}

/* v, on, is to have LPIs, and so is everybody else. */
static void begin_lpis(struct vcpu *v)
{
    its_queue = unit_guest_alloc(d, QUEUE);
    its_properties = unit_guest_alloc(d, LPI_MAX);
    for_each_vcpu (d, t) {
        mmio(GICR(t->id) + 0x70, 8, true, its_properties | (LPI_ID_BITS - 1));
        wr(GICR(t->id), 1);
    }
    write_queue(v);
    command(8 | (u64)DEVICE << 32, 4, BIT(63));
    for (u32 i = 0; i < VCPUS; i++) {
        map_collection(i, i);
    }
    finish_commands(v);
    for (u32 n = 0; n < LPIS; n++) {
        *(u8 *)unit_guest_ptr(d, its_properties + (lpi_intid(n) - LPI_FIRST)) = (u8)(rnd(32) * 8 | 1);
        map_lpi(n, rnd(VCPUS));
        finish_commands(v);
    }
}

/* All of them go somewhere, and are on. */
static void all_lpis(struct vcpu *v)
{
    for (u32 i = 0; i < VCPUS; i++) {
        map_collection(i, rnd(VCPUS));
        finish_commands(v);
    }
    for (u32 n = 0; n < LPIS; n++) {
        if (!m.host_lpi[n].mapped) {
            map_lpi(n, rnd(VCPUS));
        }
        configure(n, (u8)(rnd(31) * 8 | 1));
        finish_commands(v);
    }
}

/* After whatever the guest did: nothing is mapped, and nothing pends. */
static void recover_lpis(struct vcpu *v)
{
    const struct vgic_lpis *l = d->arch.vgic.lpis;

    write_queue(v);
    for (u32 i = 0; i < 256; i++) {
        command(8 | (u64)i << 32, 0, 0);
        finish_commands(v);
    }
    assert_true(rb_empty(&l->its[0].devices));
    assert_int_equal(l->events, 0);
    for (u32 i = 0; i < LPI_MAX; i++) {
        struct vgic_lpi *lpi = vgic_lpi_of(l, LPI_FIRST + i);

        assert_true(lpi == NULL || (!lpi->mapped && lpi->irq.target == NULL && !lpi->irq.enabled));
        if (lpi != NULL) {
            vgic_clear_active(NULL, &lpi->irq, 1);
        }
    }
    for (u32 n = 0; n < LPIS; n++) {
        assert_false(m.host_lpi[n].mapped || m.host_lpi[n].on);
    }
}

static void free_lpis(void)
{
    struct vgic_lpis *l = d->arch.vgic.lpis;
    struct rb_node *n;

    while ((n = rb_first(&l->its[0].devices)) != NULL) {
        rb_remove(&l->its[0].devices, n);
        xfree(container_of(n, struct vits_device, node));
    }
    for (u32 i = 0; i < ARRAY_SIZE(l->chunk); i++) {
        xfree(l->chunk[i]);
    }
}

#endif
