/* SPDX-License-Identifier: MIT */
/*
 * A GIC in memory for the vGIC's and irq core's tests: per CPU four list registers, VMCR, active priorities and HCR;
 * physical interrupts with enable, active, pending, target. guest_ack() and guest_eoi() do what the virtual CPU
 * interface does for the guest on a CPU.
 */
#ifndef FAKE_IRQCHIP_H
#define FAKE_IRQCHIP_H

#include <argon/irqchip.h>
#include <vdev/vgic.h>
#include <vdev/vgic_host.h>

#define FAKE_CPUS 4
#define FAKE_LRS  4
#define FAKE_IRQS 128
#define FAKE_NONE 1023u

struct fake_cpu {
    u64 lr[FAKE_LRS];
    u32 vmcr, hcr, apr[8];
    u32 ack_queue[16];           /* physical interrupts to be acknowledged */
    u32 ack_head, ack_tail;
    bool ppi_active[32], ppi_enabled[32];
};

struct fake_gic {
    struct fake_cpu cpu[FAKE_CPUS];
    bool enabled[FAKE_IRQS], active[FAKE_IRQS], pending[FAKE_IRQS];
    u32 target[FAKE_IRQS], type[FAKE_IRQS], priority[FAKE_IRQS];
    u32 eois, deactivates, lr_writes, lr_reads, hcr_writes, last_eoi;
};
static struct fake_gic fake;
/* CPUs may be threads. */
#define FAKE_COUNT(what) __atomic_fetch_add(&fake.what, 1, __ATOMIC_RELAXED)

static inline struct fake_cpu *fake_here(void) { return &fake.cpu[cpu_id()]; }

static inline bool *fake_active(u32 intid)
{
    return intid < 32 ? &fake_here()->ppi_active[intid] : &fake.active[intid];
}

static inline bool *fake_enabled(u32 intid)
{
    return intid < 32 ? &fake_here()->ppi_enabled[intid] : &fake.enabled[intid];
}

static int f_init(const struct machine *m) { (void)m; return 0; }
static int f_init_cpu(void) { return 0; }
static u32 f_nr_irqs(void) { return FAKE_IRQS; }

static u32 f_ack(void)
{
    struct fake_cpu *c = fake_here();
    u32 intid;

    if (c->ack_head == c->ack_tail) {
        return INTID_SPURIOUS;
    }
    intid = c->ack_queue[c->ack_head++];
    if (c->ack_head == c->ack_tail) {
        host_irq_waiting = false;
    }
    if (intid < FAKE_IRQS) {
        *fake_active(intid) = true;
    }
    return intid;
}

static inline void fake_raise(u32 intid)
{
    struct fake_cpu *c = fake_here();

    c->ack_queue[c->ack_tail++] = intid;
    host_irq_waiting = true;
}

static void f_eoi(u32 intid) { FAKE_COUNT(eois); fake.last_eoi = intid; }
static void f_deactivate(u32 intid) { FAKE_COUNT(deactivates); *fake_active(intid) = false; }
static void f_enable(u32 intid) { *fake_enabled(intid) = true; }
static void f_disable(u32 intid) { *fake_enabled(intid) = false; }
static void f_set_type(u32 intid, enum irq_type t) { fake.type[intid] = t; }
static void f_set_priority(u32 intid, u8 prio) { fake.priority[intid] = prio; }
static void f_set_target(u32 intid, u32 cpu) { fake.target[intid] = cpu; }
static void f_set_active(u32 intid, bool active) { *fake_active(intid) = active; }
static void f_set_pending(u32 intid, bool pending) { fake.pending[intid] = pending; }
static bool f_is_pending(u32 intid) { return fake.pending[intid]; }
static void f_send_ipi(u32 cpu) { (void)cpu; }
static u32 f_nr_lrs(void) { return FAKE_LRS; }
static u32 f_five(void) { return 5; }
static u64 f_lr_read(u32 n) { FAKE_COUNT(lr_reads); return fake_here()->lr[n]; }
static void f_lr_write(u32 n, u64 lr) { FAKE_COUNT(lr_writes); fake_here()->lr[n] = lr; }

static void f_lr_pend(u32 n, u64 lr)
{
    FAKE_COUNT(lr_writes);
    fake_here()->lr[n] = (lr & ~LR_STATE) | LR_PENDING | (fake_here()->lr[n] & LR_ACTIVE);
}

static bool f_lr_pend_same(u32 n, u64 lr)
{
    if ((fake_here()->lr[n] & LR_STATE) && fake_here()->lr[n] != lr) {
        return false;
    }
    f_lr_write(n, lr);
    return true;
}

static u64 f_lr_empty(void)
{
    u64 empty = 0;

    for (u32 n = 0; n < FAKE_LRS; n++) {
        u64 lr = fake_here()->lr[n];

        /* Nor where an end is still to be reported (IHI0048 5.3.6, IHI0069 12.4.3). */
        empty |= (lr & LR_STATE) || (lr & (LR_HW | LR_EOI)) == LR_EOI ? 0 : BIT(n);
    }
    return empty;
}

static u64 f_lr_ended(void)
{
    u64 ended = 0;

    for (u32 n = 0; n < FAKE_LRS; n++) {
        ended |= (fake_here()->lr[n] & (LR_STATE | LR_HW | LR_EOI)) == LR_EOI ? BIT(n) : 0;
    }
    return ended;
}

static u32 f_hcr_read(void) { return fake_here()->hcr; }
static void f_hcr_write(u32 hcr) { FAKE_COUNT(hcr_writes); fake_here()->hcr = hcr; }

static void f_virt_read(struct vgic_vcpu *s)
{
    s->vmcr = fake_here()->vmcr;
    memcpy(s->apr, fake_here()->apr, sizeof(s->apr));
}

static void f_virt_save(struct vgic_vcpu *s, u32 lrs)
{
    f_virt_read(s);
    fake_here()->hcr = 0;
    for (u32 n = 0; n < FAKE_LRS; n++) {
        if (lrs & BIT32(n)) {
            s->lr[n] = fake_here()->lr[n];
        }
    }
}

static void f_virt_restore(const struct vgic_vcpu *s, u32 lrs, u32 clear)
{
    fake_here()->vmcr = s->vmcr;
    memcpy(fake_here()->apr, s->apr, sizeof(s->apr));
    for (u32 n = 0; n < FAKE_LRS; n++) {
        if (lrs & BIT32(n)) {
            fake_here()->lr[n] = s->lr[n];
        } else if (clear & BIT32(n)) {
            fake_here()->lr[n] = 0;
        }
    }
    fake_here()->hcr = s->hcr;
}

#define FAKE_VIRT(v) { \
    .gic_version = (v), .nr_lrs = f_nr_lrs, .nr_prio_bits = f_five, .nr_preempt_bits = f_five, .lr_read = f_lr_read, \
    .lr_write = f_lr_write, .lr_pend = f_lr_pend, .lr_pend_same = f_lr_pend_same, .lr_empty = f_lr_empty, \
    .lr_ended = f_lr_ended, .hcr_read = f_hcr_read, .hcr_write = f_hcr_write, .virt_read = f_virt_read, \
    .virt_save = f_virt_save, .virt_restore = f_virt_restore }

#define FAKE_OPS(v) { \
    .name = "fake", .init = f_init, .init_cpu = f_init_cpu, .nr_irqs = f_nr_irqs, .ack = f_ack, .eoi = f_eoi, \
    .deactivate = f_deactivate, .enable = f_enable, .disable = f_disable, .set_type = f_set_type, \
    .set_priority = f_set_priority, .set_target = f_set_target, .set_active = f_set_active, \
    .set_pending = f_set_pending, .is_pending = f_is_pending, .send_ipi = f_send_ipi, \
    .virt = &(const struct vgic_host_ops)FAKE_VIRT(v) }

/* ---- the guest on this CPU ---- */

static inline u32 fake_running(const struct fake_cpu *c)
{
    return c->apr[4] != 0 ? (u32)__builtin_ctz(c->apr[4]) << 3 : 256;
}

/* List register the interface would deliver, -1: none. */
static inline int fake_best(const struct fake_cpu *c)
{
    int best = -1;

    for (int n = 0; n < FAKE_LRS && (c->hcr & VHCR_EN); n++) {
        u32 prio = c->lr[n] >> LR_PRIO_SHIFT & 0xff;
        u32 enable = c->lr[n] & LR_GROUP1 ? VMCR_VENG1 : VMCR_VENG0;

        if ((c->lr[n] & LR_STATE) == LR_PENDING && (c->vmcr & enable) && prio < c->vmcr >> VMCR_PMR_SHIFT &&
            prio < fake_running(c) &&
            (best < 0 || prio < (c->lr[best] >> LR_PRIO_SHIFT & 0xff))) {
            best = n;
        }
    }
    return best;
}

/* As a read of ICV_IAR1_EL1 or GICV_IAR: INTID, with the sender in bits 12..10. */
static inline u32 guest_ack(void)
{
    struct fake_cpu *c = fake_here();
    int n = fake_best(c);

    if (n < 0) {
        return FAKE_NONE;
    }
    c->lr[n] = (c->lr[n] & ~LR_STATE) | LR_ACTIVE;
    c->apr[4] |= BIT32((c->lr[n] >> LR_PRIO_SHIFT & 0xff) >> 3);
    return (u32)c->lr[n] & 0x3fff;
}

/* As a write of EOIR with EOImode 0. */
static inline void guest_eoi(u32 iar)
{
    struct fake_cpu *c = fake_here();

    c->apr[4] &= c->apr[4] - 1;
    for (int n = 0; n < FAKE_LRS; n++) {
        if ((c->lr[n] & LR_ACTIVE) && ((u32)c->lr[n] & 0x3fff) == iar) {
            c->lr[n] &= ~LR_ACTIVE;
            if (c->lr[n] & LR_HW) {
                *fake_active(c->lr[n] >> LR_HOST_SHIFT & 0x3ff) = false;
            }
            return;
        }
    }
    if (iar < 8192) {                    /* an LPI's end is not counted (IHI0069 12.4.4) */
        c->hcr += BIT32(VHCR_EOICOUNT_SHIFT);
    }
}

/* Would the maintenance interrupt be asserted? */
static inline bool fake_maintenance(void)
{
    const struct fake_cpu *c = fake_here();
    bool pending = false;

    for (int n = 0; n < FAKE_LRS; n++) {
        pending = pending || (c->lr[n] & LR_PENDING);
    }
    return (c->hcr & VHCR_EN) && (f_lr_ended() != 0 || ((c->hcr & VHCR_NPIE) && !pending) ||
                                  ((c->hcr & VHCR_LRENPIE) && c->hcr >> VHCR_EOICOUNT_SHIFT != 0));
}

#endif
