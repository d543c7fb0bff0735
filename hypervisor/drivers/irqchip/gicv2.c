/* SPDX-License-Identifier: MIT */
/*
 * GICv2 with virtualisation extensions (IHI0048), such as GIC-400: distributor, CPU interface and GICH by MMIO,
 * EOImode 1.
 */
#include "gicv2.h"

#include <argon/arch.h>
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/machine.h>
#include <argon/param.h>
#include <argon/percpu.h>
#include <argon/spinlock.h>
#include <vdev/vgic_host.h>
#include <vdev/vgic_state.h>

volatile void *gicv2_gicd ro_after_boot, *gicv2_gicc ro_after_boot, *gicv2_gich ro_after_boot;
u32 gicv2_lr_count ro_after_boot;
static u32 irq_count ro_after_boot;
static const struct irqchip_ops gicv2_relink_ops;
static u8 cpu_mask[NR_CPUS];             /* CPU interface of each CPU as a GICD_ITARGETSR bit; 0: has not started */
static u32 sgi_iar[GICV2_MAX_CPUS];      /* by CPU: what an SGI's acknowledge returned: its end must name the sender */
static struct spinlock gicv2_lock = SPINLOCK_INIT(RANK_IRQCHIP);

/* QEMU's gives no product number (GICD_IIDR 31..24), GIC-400 has one. If this is wrong it costs a list register. */
static boot_code bool wants_relink(void)
{
    if (opt.gicv2_links != GICV2_LINKS_AUTO) {
        log_info("GICv2: links completed by %s (gicv2_links)",
                 opt.gicv2_links == GICV2_LINKS_HARDWARE ? "hardware" : "software");
        return opt.gicv2_links == GICV2_LINKS_SOFTWARE;
    }
    return gic_read32(gicv2_gicd, GICD_IIDR) >> 24 == 0;
}

static boot_code int gicv2_init(const struct machine *m)
{
    if (m->gic.gich == 0 || m->gic.gicv == 0 || m->gic.gicc_size < 0x2000) {
        log_err("GICv2: no virtualisation extensions, or a CPU interface without GICC_DIR");
        return -ENODEV;
    }
    gicv2_gicd = arch_ioremap(m->gic.gicd, m->gic.gicd_size);
    gicv2_gicc = arch_ioremap(m->gic.gicc, m->gic.gicc_size);
    gicv2_gich = arch_ioremap(m->gic.gich, m->gic.gich_size);
    if (gicv2_gicd == NULL || gicv2_gicc == NULL || gicv2_gich == NULL) {
        return -ENODEV;
    }
    irq_count = MIN(((gic_read32(gicv2_gicd, GICD_TYPER) & 31) + 1) * 32, (u32)INTID_SPECIAL);
    gicv2_lr_count = MIN((gic_read32(gicv2_gich, GICH_VTR) & 0x3f) + 1, (u32)VGIC_MAX_LRS);
    if (gicv2_lr_count > 1 && wants_relink()) {
        gicv2_relink_init(m->gic.maintenance_irq);
        irqchip = &gicv2_relink_ops;
    }
    gic_write32(gicv2_gicd, GICD_CTLR, 0);
    gic_reset_interrupts(gicv2_gicd, INTID_FIRST_SPI, irq_count);
    /*
     * The group that Non-secure software has; without Security Extensions bit 0 is group 0, where all interrupts
     * are after reset.
     */
    gic_write32(gicv2_gicd, GICD_CTLR, 1);
    return 0;
}

/* Read-only registers that show the reading CPU's bit (4.3.12); some bytes of private interrupts may be zero. */
static u8 own_mask(void)
{
    u32 mask = 0;

    for (u32 i = 0; i < INTID_FIRST_SPI; i += 4) {
        mask |= gic_read32(gicv2_gicd, GIC_ITARGETSR + i);
    }
    mask |= mask >> 16;
    mask |= mask >> 8;
    return (u8)mask;
}

static void lr_write(u32 n, u64 lr);

static int gicv2_init_cpu(void)
{
    u8 mask = own_mask();

    gic_write32(gicv2_gicc, GICC_CTLR, 0);               /* nothing is signalled until all is set up */
    cpu_mask[cpu_id()] = mask != 0 ? mask : 1;           /* a single CPU has no target registers */
    gic_reset_interrupts(gicv2_gicd, 0, INTID_FIRST_SPI);
    gic_write32(gicv2_gich, GICH_HCR, 0);
    gic_write32(gicv2_gich, GICH_VMCR, 0);
    for (u32 n = 0; n < gicv2_lr_count; n++) {
        lr_write(n, 0);
    }
    /* What was acknowledged and never ended before us. */
    for (u32 n = 0; n < 4; n++) {
        gic_write32(gicv2_gicc, GICC_APR + n * 4, 0);
    }
    gic_write32(gicv2_gicc, GICC_PMR, 0xff);
    gic_write32(gicv2_gicc, GICC_BPR, 0);
    gic_write32(gicv2_gicc, GICC_CTLR, GICC_CTLR_ENABLE | GICC_CTLR_EOIMODE);
    dsb(sy);
    return 0;
}

static u32 gicv2_nr_irqs(void) { return irq_count; }

static u32 gicv2_ack(void)
{
    u32 iar = gic_read32(gicv2_gicc, GICC_IAR);
    u32 intid = iar & 0x3ff;

    dsb(sy);                             /* acknowledged before the device or memory behind it is looked at */
    if (intid < INTID_FIRST_PPI) {
        sgi_iar[cpu_id() % GICV2_MAX_CPUS] = iar;
    }
    return intid;
}

static always_inline u32 end_value(u32 intid)
{
    return intid < INTID_FIRST_PPI ? sgi_iar[cpu_id() % GICV2_MAX_CPUS] : intid;
}

static void gicv2_eoi(u32 intid)
{
    gic_write32(gicv2_gicc, GICC_EOIR, end_value(intid));
    dsb(sy);                             /* dropped before the interrupt line is looked at again */
}

static void gicv2_deactivate(u32 intid)
{
    gic_write32(gicv2_gicc, GICC_DIR, end_value(intid));
    dsb(sy);
}

static void gicv2_enable(u32 intid)
{
    gic_write_bit(gicv2_gicd, GIC_ISENABLER, intid);
}

static void gicv2_disable(u32 intid)
{
    gic_write_bit(gicv2_gicd, GIC_ICENABLER, intid);
    dsb(sy);
}

static void gicv2_set_type(u32 intid, enum irq_type t)
{
    spin_lock(&gicv2_lock);
    gic_write_type(gicv2_gicd, intid, t);
    spin_unlock(&gicv2_lock);
}

static void gicv2_set_priority(u32 intid, u8 prio)
{
    gic_write8(gicv2_gicd, GIC_IPRIORITYR + intid, prio);
}

static void gicv2_set_target(u32 intid, u32 cpu)
{
    gic_write8(gicv2_gicd, GIC_ITARGETSR + intid, cpu_mask[cpu]);
}

/* Made active, it is so before a guest can end it through a list register. */
static void gicv2_set_active(u32 intid, bool active)
{
    gic_write_bit(gicv2_gicd, active ? GIC_ISACTIVER : GIC_ICACTIVER, intid);
    if (active) {
        (void)gic_read_bit(gicv2_gicd, GIC_ISACTIVER, intid);
    }
    dsb(sy);                             /* before its line may rise again: next device access or guest entry */
}

static void gicv2_set_pending(u32 intid, bool pending)
{
    gic_write_bit(gicv2_gicd, pending ? GIC_ISPENDR : GIC_ICPENDR, intid);
}

static bool gicv2_is_pending(u32 intid)
{
    return gic_read_bit(gicv2_gicd, GIC_ISPENDR, intid);
}

static void gicv2_send_ipi(u32 cpu)
{
    dsb(ishst);
    gic_write32(gicv2_gicd, GICD_SGIR, (u32)cpu_mask[cpu] << 16 | IPI_SGI);
}

/* ---- virtual interface ---- */

static u32 gicv2_nr_lrs(void) { return gicv2_lr_count; }
static u32 gicv2_nr_prio_bits(void) { return 5; }
static u32 gicv2_nr_preempt_bits(void) { return 5; }

static u64 lr_read(u32 n)
{
    return gich_lr_decode(gicv2_lr_raw(n));
}

static void lr_write(u32 n, u64 lr)
{
    gicv2_lr_set_raw(n, gich_lr_encode(lr));
}

static void gicv2_lr_pend(u32 n, u64 lr)
{
    u32 state = gicv2_lr_raw(n) & GICH_LR_ACTIVE;

    gicv2_lr_set_raw(n, gich_lr_encode((lr & ~LR_STATE) | LR_PENDING) | state);
}

static bool gicv2_lr_pend_same(u32 n, u64 lr)
{
    u32 new = gich_lr_encode(lr);
    u32 old = gicv2_lr_raw(n);

    if (unlikely((old & (GICH_LR_PENDING | GICH_LR_ACTIVE)) && old != new)) {
        return false;
    }
    gicv2_lr_set_raw(n, new);
    return true;
}

static u64 gicv2_lr_empty(void)
{
    return gic_read32(gicv2_gich, GICH_ELRSR0);
}

static u64 gicv2_lr_ended(void)
{
    return gic_read32(gicv2_gich, GICH_EISR0);
}

static u32 gicv2_hcr_read(void)
{
    return gic_read32(gicv2_gich, GICH_HCR);
}

static void gicv2_hcr_write(u32 hcr)
{
    gic_write32(gicv2_gich, GICH_HCR, hcr);
}

static void gicv2_virt_read(struct vgic_vcpu *s)
{
    s->vmcr = gic_read32(gicv2_gich, GICH_VMCR);
    s->apr[0] = gic_read32(gicv2_gich, GICH_APR);
}

static void gicv2_virt_save(struct vgic_vcpu *s, u32 lrs)
{
    gicv2_virt_read(s);
    gic_write32(gicv2_gich, GICH_HCR, 0);
    for (; lrs != 0; lrs &= lrs - 1) {
        u32 n = (u32)__builtin_ctz(lrs);

        s->lr[n] = lr_read(n);
    }
}

static void gicv2_virt_restore(const struct vgic_vcpu *s, u32 lrs, u32 clear)
{
    gic_write32(gicv2_gich, GICH_VMCR, s->vmcr);
    gic_write32(gicv2_gich, GICH_APR, s->apr[0]);
    for (; clear != 0; clear &= clear - 1) {
        lr_write((u32)__builtin_ctz(clear), 0);
    }
    for (; lrs != 0; lrs &= lrs - 1) {
        u32 n = (u32)__builtin_ctz(lrs);

        lr_write(n, s->lr[n]);
    }
    gic_write32(gicv2_gich, GICH_HCR, s->hcr);
    dsb(sy);                             /* the interface is this guest's before it runs */
}

/* ---- with gicv2_relink.c ---- */

static int relink_init_cpu(void)
{
    int rc = gicv2_init_cpu();

    gicv2_relink_init_cpu();
    return rc;
}

static u32 relink_ack(void)
{
    u32 intid = gicv2_ack();

    if (unlikely(intid == gicv2_maintenance_irq)) {
        gicv2_relink_maintenance();
    } else if (intid >= INTID_FIRST_SPI && intid < INTID_SPECIAL) {
        gicv2_relink_spi_acked(intid);
    }
    return intid;
}

#define GICV2_VIRT \
    .gic_version = 2, .nr_lrs = gicv2_nr_lrs, .nr_prio_bits = gicv2_nr_prio_bits, \
    .nr_preempt_bits = gicv2_nr_preempt_bits, .hcr_read = gicv2_hcr_read, .virt_read = gicv2_virt_read

static const struct vgic_host_ops gicv2_virt = {
    GICV2_VIRT,
    .lr_read = lr_read,
    .lr_write = lr_write,
    .lr_pend = gicv2_lr_pend,
    .lr_pend_same = gicv2_lr_pend_same,
    .lr_empty = gicv2_lr_empty,
    .lr_ended = gicv2_lr_ended,
    .hcr_write = gicv2_hcr_write,
    .virt_save = gicv2_virt_save,
    .virt_restore = gicv2_virt_restore,
};

static const struct vgic_host_ops gicv2_relink_virt = {
    GICV2_VIRT,
    .lr_read = gicv2_relink_lr_read,
    .lr_write = gicv2_relink_lr_write,
    .lr_pend = gicv2_relink_lr_pend,
    .lr_pend_same = gicv2_relink_lr_pend_same,
    .lr_empty = gicv2_relink_lr_empty,
    .lr_ended = gicv2_relink_lr_ended,
    .hcr_write = gicv2_relink_hcr_write,
    .virt_save = gicv2_relink_virt_save,
    .virt_restore = gicv2_relink_virt_restore,
};

#define GICV2_OPS \
    .name = "GICv2", .init = gicv2_init, .nr_irqs = gicv2_nr_irqs, .eoi = gicv2_eoi, \
    .deactivate = gicv2_deactivate, .enable = gicv2_enable, .disable = gicv2_disable, .set_type = gicv2_set_type, \
    .set_priority = gicv2_set_priority, .set_target = gicv2_set_target, .set_active = gicv2_set_active, \
    .set_pending = gicv2_set_pending, .is_pending = gicv2_is_pending, .send_ipi = gicv2_send_ipi

const struct irqchip_ops gicv2_ops = {
    GICV2_OPS,
    .init_cpu = gicv2_init_cpu,
    .ack = gicv2_ack,
    .virt = &gicv2_virt,
};

static const struct irqchip_ops gicv2_relink_ops = {
    GICV2_OPS,
    .init_cpu = relink_init_cpu,
    .ack = relink_ack,
    .virt = &gicv2_relink_virt,
};
