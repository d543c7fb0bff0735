/* SPDX-License-Identifier: MIT */
/*
 * For test_vgic_fuzz.c: a machine of two CPUs with devices and timers, a domain of three vCPUs that move between them,
 * and what its interrupts owe it. One thread plays all CPUs; another CPU gets its turn between operations, and in the
 * middle of one where it is kicked.
 */
#ifndef VGIC_MODEL_H
#define VGIC_MODEL_H

#include "vgic_common.h"

#include "vdev/vgic/its.h"

#define CPUS 2u
#define VCPUS 3u
#define SPIS 32u
/* What stands behind an interrupt. */
#define PPI_SOFT   20u           /* nothing: pended by software, as are SGIs */
#define PPI_TIMER  27u
#define PPI_LEVEL  30u           /* a line by vgic_set_level(), as the emulated physical timer's */
#define PPI_EVENT  31u
#define HOST_LEVEL 40u           /* 40..43: devices' lines */
#define HOST_EDGE  44u           /* 44..47: devices' edges */
#define SPI_LEVEL  48u           /* 48..51: lines by vgic_set_level(); others of no device: pended by the guest */
#define HOST_END   SPI_LEVEL
#define LEVEL_END  52u
/* v3: LPIs, every so many-th number, so that they are of several chunks (vgic_fuzz_its.h). */
#define LPIS       16u
#define LPI_STEP   3u
#define lpi_intid(n) (LPI_FIRST + (n) * LPI_STEP)
/* All interrupts of a vCPU, one after the other: SGIs, PPIs, SPIs, LPIs. */
#define NR_ALL     (32 + SPIS + (m.version == 3 ? LPIS : 0))
#define nth_intid(i) ((i) < 32 + SPIS ? (i) : lpi_intid((i) - 32 - SPIS))

/* How often may it be delivered, and must it be? Changes for a vCPU on another CPU take effect there, later. */
struct owed {
    u8 max;
    bool must, cleared;
};

static struct model {
    u64 seed, random;
    u32 op;
    bool wild, done;             /* wild: the guest may do anything, so only the invariants are looked at */
    u8 version;
    struct vcpu *on[CPUS];
    u32 depth[VCPUS], stack[VCPUS][64];  /* acknowledged and not ended: IAR values */
    bool timer_line[VCPUS], timer_armed[VCPUS];
    bool dev_line[FAKE_IRQS], dev_latch[FAKE_IRQS];
    struct owed sgi[VCPUS][VCPUS][16], ppi[VCPUS][32], spi[FAKE_IRQS], lpi[LPIS + 1];
    struct { bool mapped, on, pending; u32 cpu; } host_lpi[LPIS + 1];
    bool nested;
    u64 delivered, lpis;
} m;

static u32 rnd(u32 n)
{
    m.random ^= m.random << 13;
    m.random ^= m.random >> 7;
    m.random ^= m.random << 17;
    return (u32)(m.random >> 20) % n;
}

bool vtimer_virt_line(const struct vcpu *v) { return m.timer_line[v->id]; }
u64 arch_counter(void) { return host_counter += 20000; }
int irq_release_from_guest(u32 host_irq, struct domain *dom) { vgic_disconnect_host(dom, host_irq); return 0; }

static bool model_is_pending(u32 intid) { return m.dev_line[intid] || m.dev_latch[intid]; }
static void model_set_pending(u32 intid, bool pending) { m.dev_latch[intid] = pending; }

static inline struct vgic_irq *irq_of(struct vcpu *v, u32 intid)
{
    return intid >= LPI_FIRST ? &vgic_lpi_of(d->arch.vgic.lpis, intid)->irq : vgic_irq_of(d, v, intid);
}

static inline struct owed *owed_of(const struct vcpu *v, u32 intid, u32 source)
{
    if (intid >= LPI_FIRST) {
        return &m.lpi[(intid - LPI_FIRST) / LPI_STEP];
    }
    return intid >= 32 ? &m.spi[intid] : intid >= 16 ? &m.ppi[v->id][intid] : &m.sgi[v->id][source][intid];
}

static void owe(struct owed *o)
{
    o->max++;
    o->must = true;
    o->cleared = false;
}

/* Where v's CPU has seen all that was changed, what was pended more than once is pending once. */
static void settle(struct vcpu *v)
{
    for (u32 i = 0; i < NR_ALL; i++) {
        for (u32 s = 0; s < (i < 16 && m.version == 2 ? VCPUS : 1); s++) {
            struct owed *o = owed_of(v, nth_intid(i), s);

            if ((o->max > 1 || o->cleared) && irq_of(v, nth_intid(i))->vcpu == v &&
                irq_of(v, nth_intid(i))->place != VGIC_STALE) {
                o->max = o->cleared ? 0 : 1;
                o->cleared = false;
            }
        }
    }
}

static void check_all(void)
{
    for_each_vcpu (d, v) {
        spin_lock(&v->arch.vgic.lock);
        (void)vgic_check_all(v);
        spin_unlock(&v->arch.vgic.lock);
    }
}

/* ---- CPUs ---- */

static void exit_path(struct vcpu *v)
{
    u32 todo;

    /* Some of the commands that wait; not where another CPU is in the middle of one. */
    if ((v->pending & PEND_ITS) && !spin_is_locked(&d->arch.vgic.lpis->lock)) {
        v->pending &= ~(u32)PEND_ITS;
        vgic_its_work(v);
    }
    for (u32 turns = 0; (todo = v->pending & ~(u32)(PEND_LINE | PEND_ITS)) != 0 && turns < 100; turns++) {
        v->pending &= ~todo;
        if (todo & PEND_SYNC) {
            vgic_sync(v);
        }
        if (todo & PEND_VGIC) {
            vgic_flush(v);
        }
    }
    assert_int_equal(v->pending & ~(u32)(PEND_LINE | PEND_ITS), 0);
    if ((v->pending & PEND_LINE) && !vgic_check_lines(v)) {
        v->pending &= ~(u32)PEND_LINE;
    }
    settle(v);
}

static u32 where(const struct vcpu *v)
{
    for (u32 c = 0; c < CPUS; c++) {
        if (m.on[c] == v) {
            return c;
        }
    }
    return CPUS;
}

/* Another CPU may get its turn right now, and answers most requests for its list registers. */
static void model_kick(struct vcpu *v)
{
    u32 self = cpu_id(), c = where(v);

    if (m.nested || c == CPUS || c == self || !(rnd(4) == 0 || ((v->pending & PEND_SYNC) && rnd(8) != 0))) {
        return;
    }
    m.nested = true;
    unit_set_cpu(c);
    exit_path(v);
    unit_set_cpu(self);
    m.nested = false;
}

static void model_load(u32 c, struct vcpu *v)
{
    assert_null(m.on[c]);
    m.on[c] = v;
    m.timer_armed[v->id] = false;
    load(v);
    exit_path(v);
}

static void model_unload(u32 c)
{
    struct vcpu *v = m.on[c];

    m.timer_armed[v->id] = !m.timer_line[v->id] || !vgic_timer_in_flight(v, PPI_TIMER);
    unload(v);
    m.on[c] = NULL;
    assert_false(fake.cpu[c].ppi_active[PPI_TIMER]);
}

/* Off the CPU the software timer stands in. */
static void timer_expires(struct vcpu *v)
{
    if (m.timer_line[v->id] && m.timer_armed[v->id] && where(v) == CPUS) {
        m.timer_armed[v->id] = false;
        owe(&m.ppi[v->id][PPI_TIMER]);
        assert_true(vgic_inject_timer(v, PPI_TIMER));
    }
}

/* Physical interrupts of this CPU, as irq_handle() takes them. False: there was none. */
static bool take_irqs(void)
{
    u32 c = cpu_id();
    struct vcpu *v = m.on[c];
    bool any = false;

    if (v != NULL && fake_maintenance()) {
        vgic_maintenance();
        any = true;
    }
    if (v != NULL && m.timer_line[v->id] && !fake.cpu[c].ppi_active[PPI_TIMER]) {
        fake.cpu[c].ppi_active[PPI_TIMER] = true;
        owe(&m.ppi[v->id][PPI_TIMER]);
        vgic_inject_host(d, v, PPI_TIMER, PPI_TIMER);
        if (guest_irqs_masked(v)) {
            vgic_watch_lines(v);
        }
        any = true;
    }
    for (u32 i = HOST_LEVEL; i < HOST_END; i++) {
        if (fake.enabled[i] && !fake.active[i] && fake.target[i] == c && model_is_pending(i)) {
            fake.active[i] = true;
            m.dev_latch[i] = false;
            owe(&m.spi[i]);
            vgic_inject_host(d, NULL, i, i);
            any = true;
        }
    }
    for (u32 i = 0; i < LPIS; i++) {
        if (m.host_lpi[i].mapped && m.host_lpi[i].on && m.host_lpi[i].pending && m.host_lpi[i].cpu == c) {
            m.host_lpi[i].pending = false;
            if (irq_of(NULL, lpi_intid(i))->target != NULL) {
                owe(&m.lpi[i]);
            }
            assert_true(vgic_inject_lpi(lpi_intid(i)));
            any = true;
        }
    }
    return any;
}

/* All that makes this CPU leave its guest, and the way back. */
static void run_exits(void)
{
    struct vcpu *v = m.on[cpu_id()];
    u32 turns = 0;

    do {
        while (take_irqs()) {
            assert_true(turns++ < 1000); /* an interrupt that is not quiet after it has been handled */
        }
        if (v != NULL) {
            exit_path(v);
        }
    } while (take_irqs());
}

/* ---- the guest ---- */

static bool is_level(u32 intid)
{
    return intid == PPI_TIMER || intid == PPI_LEVEL || intid == PPI_EVENT ||
           (intid >= HOST_LEVEL && intid < HOST_EDGE) || (intid >= SPI_LEVEL && intid < LEVEL_END);
}

/* v2: its sender is above it. */
static u32 taken_intid(u32 iar)
{
    return m.version == 2 ? iar & 0x3ff : iar;
}

/* The guest on this CPU acknowledges. False: there was nothing. */
static bool acknowledge(void)
{
    struct vcpu *v = m.on[cpu_id()];
    struct vgic_irq *irq;
    struct owed *o;
    u32 iar, intid;

    if (fake_here()->hcr & (VHCR_TALL0 | VHCR_TALL1)) {
        assert_true(vgic_acknowledge_trapped(v));
    }
    iar = guest_ack();
    intid = taken_intid(iar);
    if (intid == FAKE_NONE) {
        return false;
    }
    irq = irq_of(v, intid);
    assert_non_null(irq);
    m.delivered++;
    m.lpis += intid >= LPI_FIRST;
    if (m.depth[v->id] < 64) {
        m.stack[v->id][m.depth[v->id]++] = iar;
    }
    if (m.wild) {
        return true;
    }
    /* Not while disabled, nor to another vCPU, once its CPU knows. */
    assert_true(irq->place == VGIC_STALE || (irq->enabled && irq->vcpu == v));
    o = owed_of(v, intid, m.version == 2 ? iar >> 10 & 7 : 0);
    if (intid == PPI_LEVEL || (intid >= SPI_LEVEL && intid < LEVEL_END)) {
        assert_true(irq->line || irq->place == VGIC_STALE);
    } else if (intid != PPI_EVENT) {
        assert_true(o->max > 0);
        o->max--;
        o->must = o->max > 0;
    }
    return true;
}

static void end_top(struct vcpu *v)
{
    guest_eoi(m.stack[v->id][--m.depth[v->id]]);
}

/* Is irq active as the guest on this CPU sees it? */
static bool is_active(const struct vgic_irq *irq)
{
    return irq->lr != 0 ? (fake_here()->lr[irq->lr - 1u] & LR_ACTIVE) != 0 : irq->active;
}

static bool in_stack(const struct vcpu *v, u32 intid)
{
    for (u32 i = 0; i < m.depth[v->id]; i++) {
        if (taken_intid(m.stack[v->id][i]) == intid) {
            return true;
        }
    }
    return false;
}

/*
 * What is active is exactly what the guest has acknowledged and not ended; an LPI only while it has a list register.
 * Ends that are yet to be counted aside.
 */
static void check_active(struct vcpu *v)
{
    if (fake_here()->hcr >> VHCR_EOICOUNT_SHIFT != 0) {
        return;
    }
    for (u32 i = 0; i < NR_ALL; i++) {
        u32 intid = nth_intid(i);

        if (irq_of(v, intid)->vcpu == v) {
            bool active = is_active(irq_of(v, intid));

            assert_true(intid >= LPI_FIRST && !active ? true : active == in_stack(v, intid));
        }
    }
}

/* A physical interrupt is active on behalf of something that is still to be ended. */
static void check_physical(void)
{
    for (u32 c = 0; c < CPUS; c++) {
        if (fake.cpu[c].ppi_active[PPI_TIMER]) {
            assert_non_null(m.on[c]);
            assert_true(m.on[c]->arch.vgic.priv[PPI_TIMER].phys_active);
        }
    }
    for (u32 i = HOST_LEVEL; i < HOST_END; i++) {
        assert_true(!fake.active[i] || vgic_spi(d, i)->phys_active);
    }
}

static void check_step(void)
{
    check_all();
    check_physical();
    for_each_vcpu (d, v) {
        u32 self = cpu_id(), c = where(v);

        settle(v);
        if (c == CPUS) {
            /* No one sleeps on what it would take. */
            assert_true(!(v->pause_flags & VPF_BLOCKED) || m.wild || !vgic_irq_deliverable(v));
        } else if (!m.wild) {
            unit_set_cpu(c);
            check_active(v);
            unit_set_cpu(self);
        }
    }
}

#endif
