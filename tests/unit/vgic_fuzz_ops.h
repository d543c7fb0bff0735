/* SPDX-License-Identifier: MIT */
/* What test_vgic_fuzz.c does at random: the guest on this CPU, devices, other domains, and wild things. */
#ifndef VGIC_FUZZ_OPS_H
#define VGIC_FUZZ_OPS_H

#include "vgic_model.h"

/* ---- registers ---- */

/* Of an interrupt: v's bank of it, accessed by whoever is on this CPU (v2: its own bank only). */
static u64 reg(const struct vcpu *v, u32 intid, u32 at)
{
    return (intid < 32 && m.version == 3 ? SGIF(v->id) : GICD) + at + intid / 32 * 4;
}

static void write_bit(const struct vcpu *v, u32 intid, u32 at)
{
    wr(reg(v, intid, at), BIT32(intid % 32));
}

static void write_priority(const struct vcpu *v, u32 intid, u32 value)
{
    mmio((intid < 32 && m.version == 3 ? SGIF(v->id) : GICD) + 0x400 + intid, 1, true, value);
}

static void write_route(u32 intid, u32 target)
{
    if (m.version == 3) {
        mmio(GICD + 0x6000 + intid * 8, 8, true, target < VCPUS ? target : 0x50);
    } else {
        mmio(GICD + 0x800 + intid, 1, true, target < VCPUS ? BIT32(target) : 0);
    }
}

static void write_ctlr(bool on)
{
    wr(GICD, on ? 3 : rnd(4));
}

/* ---- operations: the guest on this CPU ---- */

/* Whose private interrupts self may reach by register. */
static struct vcpu *some_bank(struct vcpu *self)
{
    return m.version == 3 ? d->vcpu[rnd(VCPUS)] : self;
}

static u32 some_irq(void)
{
    static const u8 private[] = { 1, 2, 3, 5, 8, 15, PPI_SOFT, PPI_TIMER, PPI_LEVEL, PPI_EVENT };

    return rnd(2) ? private[rnd(ARRAY_SIZE(private))] : 32 + rnd(SPIS);
}

/* Only by its owner: sender and interrupt. */
static void op_sgi(struct vcpu *v)
{
    u32 intid = 1 + rnd(6), targets = 1 + rnd((1 << VCPUS) - 1);

    for (u32 t = 0; t < VCPUS; t++) {
        if (targets & BIT32(t)) {
            owe(&m.sgi[t][m.version == 2 ? v->id : 0][intid]);
        }
    }
    if (m.version == 3) {
        vgic_sgi1r_write(v, (u64)intid << 24 | targets);
    } else {
        wr(GICD + 0xf00, targets << 16 | intid);
    }
}

static void op_enable(struct vcpu *v)
{
    write_bit(some_bank(v), some_irq(), rnd(3) ? 0x100 : 0x180);
}

/* Not of what is active: the guest would end it out of order. */
static void op_priority(struct vcpu *v)
{
    struct vcpu *bank = some_bank(v);
    u32 intid = some_irq();

    for_each_vcpu (d, t) {
        if (!m.wild && in_stack(t, intid) && (intid >= 32 || t == bank)) {
            return;
        }
    }
    write_priority(bank, intid, rnd(32) * 8);
}

/* By ISPENDR: of those that are owed for it (v2: not SGIs). */
static void op_pend(struct vcpu *v)
{
    struct vcpu *bank = some_bank(v);
    u32 intid = some_irq();

    if (is_level(intid) || (m.version == 2 && intid < 16) || (intid >= HOST_LEVEL && intid < HOST_END)) {
        return;
    }
    owe(owed_of(bank, intid, 0));
    write_bit(bank, intid, 0x200);
}

static void op_clear_pending(struct vcpu *v)
{
    struct vcpu *bank = some_bank(v);
    u32 intid = some_irq();
    struct owed *o = owed_of(bank, intid, 0);

    if (m.version == 2 && intid < 16) {
        return;
    }
    o->must = false;
    o->cleared = !is_level(intid);
    write_bit(bank, intid, 0x280);
}

static void op_read(struct vcpu *v)
{
    (void)rd(reg(some_bank(v), some_irq(), rnd(2) ? 0x200 : 0x300));
}

static void op_route(struct vcpu *v)
{
    (void)v;
    write_route(32 + rnd(SPIS), rnd(VCPUS + 1));
}

static void op_group(struct vcpu *v)
{
    wr(reg(some_bank(v), some_irq(), 0x80), (u32)m.random);
}

static void op_ctlr(struct vcpu *v)
{
    (void)v;
    write_ctlr(rnd(4) != 0);
}

static void op_acknowledge(struct vcpu *v)
{
    (void)v;
    (void)acknowledge();
}

static void op_end(struct vcpu *v)
{
    if (m.depth[v->id] != 0) {
        end_top(v);
    }
}

static void op_mask(struct vcpu *v)
{
    v->arch.regs.pstate ^= PSTATE_I;
}

static void op_interface(struct vcpu *v)
{
    (void)v;
    fake_here()->vmcr = (rnd(4) ? 0xf8 : rnd(32) * 8) << VMCR_PMR_SHIFT | (rnd(8) ? VMCR_VENG0 | VMCR_VENG1 : rnd(4));
}

static void op_timer(struct vcpu *v)
{
    m.timer_line[v->id] = rnd(2);
}

static void op_level(struct vcpu *v)
{
    vgic_set_level(d, v, PPI_LEVEL, rnd(2));
}

/* Clears its upcall byte, as a handler does. */
static void op_event_clear(struct vcpu *v)
{
    v->info->evtchn_upcall_pending = 0;
}

static void op_exit(struct vcpu *v)
{
    (void)v;
    run_exits();
}

static void op_leave(struct vcpu *v)
{
    (void)v;
    model_unload(cpu_id());
}

/* WFI, as vcpu_block_current() does it. */
static void op_sleep(struct vcpu *v)
{
    v->pause_flags |= VPF_BLOCKED;
    if (vgic_irq_deliverable(v) || v->info->evtchn_upcall_pending) {
        v->pause_flags &= ~(u32)VPF_BLOCKED;
    } else {
        model_unload(cpu_id());
    }
}

/* ---- operations: devices and other domains ---- */

static void op_event(struct vcpu *v)
{
    struct vcpu *t = d->vcpu[rnd(VCPUS)];

    (void)v;
    if (!t->info->evtchn_upcall_pending) {
        t->info->evtchn_upcall_pending = 1;
        vgic_set_level(d, t, PPI_EVENT, true);
    }
}

static void op_device(struct vcpu *v)
{
    u32 intid = HOST_LEVEL + rnd(HOST_END - HOST_LEVEL);

    (void)v;
    if (intid < HOST_EDGE) {
        m.dev_line[intid] = rnd(2);
    } else {
        m.dev_latch[intid] = true;
    }
}

static void op_line(struct vcpu *v)
{
    (void)v;
    vgic_set_level(d, NULL, SPI_LEVEL + rnd(LEVEL_END - SPI_LEVEL), rnd(2));
}

static void op_timer_expires(struct vcpu *v)
{
    struct vcpu *t = d->vcpu[rnd(VCPUS)];

    (void)v;
    if (where(t) == CPUS) {
        m.timer_line[t->id] = true;
        timer_expires(t);
    }
}

/* ---- wild ones ---- */

static void op_wild_register(struct vcpu *v)
{
    u64 frame = m.version == 3 && rnd(2) ? SGIF(rnd(VCPUS)) : GICD;
    u64 at = frame + (rnd(4) ? rnd(7) * 0x80 + 0x80 + rnd(2) * 4 : rnd(0x400) * 4);

    (void)v;
    if (rnd(2)) {
        wr(at, (u32)m.random & (u32)(m.random >> 32));
    } else {
        (void)rd(at);
    }
}

static void op_wild_end(struct vcpu *v)
{
    (void)v;
    guest_eoi(some_irq());
}

static void op_wild_reset(struct vcpu *v)
{
    struct vcpu *t = d->vcpu[rnd(VCPUS)];

    (void)v;
    if (where(t) == CPUS && rnd(8) == 0) {
        vgic_reset_vcpu(t);
        m.depth[t->id] = 0;
    }
}

static void op_wild_connect(struct vcpu *v)
{
    u32 intid = HOST_LEVEL + rnd(HOST_END - HOST_LEVEL);

    (void)v;
    if (vgic_spi(d, intid)->host_irq != 0) {
        fake.enabled[intid] = false;
        vgic_disconnect_host(d, intid);
        fake.active[intid] = false;
    } else {
        assert_int_equal(vgic_connect_host(d, intid, intid), 0);
    }
}

#endif
