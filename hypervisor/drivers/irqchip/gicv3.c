/* SPDX-License-Identifier: MIT */
/*
 * GICv3 and v4 as the hypervisor drives them (IHI0069): affinity routing, system registers, Non-secure group 1,
 * EOImode 1.
 */
#include "gic.h"
#include "gicv3_chips.h"
#include "gicv3_its.h"

#include <argon/arch.h>
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/machine.h>
#include <argon/percpu.h>
#include <argon/spinlock.h>
#include <argon/timer.h>
#include <vdev/vgic_host.h>
#include <vdev/vgic_state.h>

#define GICD_IROUTER        0x6000
#define GICD_CTLR_RWP       BIT32(31)
/* ARE and both group enables, as either security view has them. */
#define GICD_CTLR_ENABLE    (BIT32(4) | BIT32(1) | BIT32(0))
#define GICR_CTLR           0x0000
#define GICR_CTLR_LPIS      BIT32(0)
#define GICR_CTLR_RWP       BIT32(3)
#define GICR_TYPER          0x0008
#define GICR_TYPER_VLPIS    BIT(1)
#define GICR_TYPER_LAST     BIT(4)
#define GICR_WAKER          0x0014
#define GICR_PENDBASER      0x0078
#define PENDING_BYTES       KIB(64)      /* no table is larger without INTIDs of 17 bits or more */
#define WAKER_SLEEP         BIT32(1)
#define WAKER_ASLEEP        BIT32(2)
#define GICR_SGI_FRAME      0x10000
#define GICR_FRAMES_V3      UINT64_C(0x20000)
#define GICR_FRAMES_V4      UINT64_C(0x40000)

#define SRE_USE             UINT64_C(7)          /* SRE, DFB, DIB: system registers, no bypass */
#define SRE_ENABLE          BIT(3)       /* ICC_SRE_EL2: EL1 reaches ICC_SRE_EL1 */
#define ICC_CTLR_EOIMODE    BIT(1)

#define AFFINITY_MASK       (GENMASK(39, 32) | GENMASK(23, 0))

struct redist_region { volatile void *base; paddr_t start; u64 size; };

static volatile void *gicd ro_after_boot;
static struct redist_region redist[MACHINE_MAX_REDIST] ro_after_boot;
static u32 nr_redist ro_after_boot;
static u64 redist_stride ro_after_boot;
static bool redist_each ro_after_boot;
static volatile void *gicr[NR_CPUS];                     /* by CPU: RD_base; written by its CPU as it starts */
static u32 irq_count ro_after_boot, lr_count ro_after_boot, prio_bits ro_after_boot, preempt_bits ro_after_boot;
static struct spinlock gicv3_lock = SPINLOCK_INIT(RANK_IRQCHIP);

/* Wait until `mask` is clear in a register. */
static int wait_clear(volatile void *base, u32 offset, u32 mask)
{
    u64 deadline = arch_counter() + ns_to_ticks(GIC_WAIT_NS);
    bool late = false;           /* before the look: EL3 may have this CPU for longer than that */

    while (gic_read32(base, offset) & mask) {
        if (late) {
            return -EIO;
        }
        late = arch_counter() > deadline;
        cpu_relax();
    }
    return 0;
}

static boot_code int gicv3_init(const struct machine *m)
{
    gicd = arch_ioremap(m->gic.gicd, m->gic.gicd_size);
    if (gicd == NULL || m->gic.nr_redist == 0 || gicv3_chips_init(m, gicd) != 0) {
        return -ENODEV;
    }
    nr_redist = MIN(m->gic.nr_redist, (u32)MACHINE_MAX_REDIST);
    redist_stride = m->gic.redist_stride;
    redist_each = m->gic.redist_each;
    for (u32 i = 0; i < nr_redist; i++) {
        redist[i].base = arch_ioremap(m->gic.redist[i].start, m->gic.redist[i].size);
        redist[i].start = m->gic.redist[i].start;
        redist[i].size = m->gic.redist[i].size;
        if (redist[i].base == NULL) {
            return -ENODEV;
        }
    }
    irq_count = MIN(((gic_read32(gicd, GICD_TYPER) & 31) + 1) * 32, (u32)INTID_SPECIAL);
    gic_write32(gicd, GICD_CTLR, 0);
    if (wait_clear(gicd, GICD_CTLR, GICD_CTLR_RWP) != 0) {
        return -EIO;
    }
    gic_reset_interrupts(gicd, INTID_FIRST_SPI, irq_count);
    for (u32 i = INTID_FIRST_SPI; i < irq_count; i += 32) {
        gic_write32(gicd, GIC_IGROUPR + i / 8, ~0u);
    }
    gic_write32(gicd, GICD_CTLR, GICD_CTLR_ENABLE);
    if (wait_clear(gicd, GICD_CTLR, GICD_CTLR_RWP) != 0) {
        return -EIO;
    }
    /* IROUTER may be written only with affinity routing on (12.9.22). */
    for (u32 i = INTID_FIRST_SPI; i < irq_count; i++) {
        gic_write64(gicd, GICD_IROUTER + i * 8, this_cpu()->hwid & AFFINITY_MASK);
    }
    gicv3_its_init(m, gicd);
    return 0;
}

/* The redistributor whose GICR_TYPER names this CPU's affinity, and where it is. */
static volatile void *find_redist(paddr_t *pa)
{
    u64 hwid = this_cpu()->hwid;
    u32 affinity = (u32)(hwid >> 32 & 0xff) << 24 | (u32)(hwid & 0xffffff);

    for (u32 i = 0; i < nr_redist; i++) {
        u64 offset = 0, typer = 0;

        while (offset <= redist[i].size && redist[i].size - offset >= GICR_FRAMES_V3 &&
               (redist_each || !(typer & GICR_TYPER_LAST))) {
            volatile char *frame = (volatile char *)redist[i].base + offset;

            typer = gic_read64(frame, GICR_TYPER);
            if ((u32)(typer >> 32) == affinity) {
                *pa = redist[i].start + offset;
                return frame;
            }
            offset += redist_stride != 0 ? redist_stride : typer & GICR_TYPER_VLPIS ? GICR_FRAMES_V4 : GICR_FRAMES_V3;
        }
    }
    return NULL;
}

static volatile void *sgi_frame(void)
{
    return (volatile char *)gicr[cpu_id()] + GICR_SGI_FRAME;
}

/* RAM that somebody has by now, as firmware and who ran before us have not kept it out of use. */
static bool is_in_use(paddr_t start, u64 size)
{
    const struct machine_range r = { .start = start, .size = size };
    bool ram = false;

    for (u32 i = 0; i < machine.nr_reserved; i++) {
        if (machine_range_in(&r, &machine.reserved[i])) {
            return false;
        }
    }
    for (u32 i = 0; i < machine.nr_banks; i++) {
        ram |= machine_ranges_overlap(&r, &machine.banks[i]);
    }
    return ram;
}

/*
 * LPIs that a kexec'ing kernel or firmware has enabled. The GIC writes their pending table, now at the latest; and
 * where it cannot turn them off again (5.1) it goes on to. That memory must have been reserved (firmware/efi): else
 * what is in it now is not to be trusted. Those that come are ended, no more (core/irq).
 */
static int lpis_off(volatile void *rd)
{
    u32 ctlr = gic_read32(rd, GICR_CTLR);
    paddr_t table;
    int rc;

    if (!(ctlr & GICR_CTLR_LPIS)) {
        return 0;
    }
    table = gic_read64(rd, GICR_PENDBASER) & GENMASK(51, 16);
    gic_write32(rd, GICR_CTLR, ctlr & ~GICR_CTLR_LPIS);
    rc = wait_clear(rd, GICR_CTLR, GICR_CTLR_RWP);
    if (is_in_use(table, PENDING_BYTES)) {
        log_err("GICv3: CPU %u's LPIs were left enabled: the GIC writes to memory that is in use, from %#" PRIx64,
                cpu_id(), table);
    }
    return rc;
}

static int redist_init(void)
{
    paddr_t pa = 0;
    volatile void *rd = find_redist(&pa);

    if (rd == NULL) {
        log_err("GICv3: no redistributor for CPU %u (%" PRIx64 ")", cpu_id(), this_cpu()->hwid);
        return -ENODEV;
    }
    gicr[cpu_id()] = rd;
    gic_write32(rd, GICR_WAKER, gic_read32(rd, GICR_WAKER) & ~WAKER_SLEEP);
    if (wait_clear(rd, GICR_WAKER, WAKER_ASLEEP) != 0) {
        log_err("GICv3: redistributor of CPU %u does not wake", cpu_id());
        return -EIO;
    }
    if (lpis_off(rd) != 0) {
        return -EIO;
    }
    gic_write32(sgi_frame(), GIC_IGROUPR, ~0u);
    gic_reset_interrupts(sgi_frame(), 0, INTID_FIRST_SPI);
    if (wait_clear(rd, GICR_CTLR, GICR_CTLR_RWP) != 0) {
        return -EIO;
    }
    gicv3_its_init_cpu(rd, pa);
    return 0;
}

static void lr_write(u32 n, u64 lr);

/*
 * System registers for EL2 and EL1. ICC_SRE_EL1.SRE is writable where the GIC has legacy operation (GIC-500), and one
 * for all guests: it is set once, and is then out of their reach (Enable = 0 traps it, 12.2.22; answered by arch/arm).
 */
static int sre_init(void)
{
    sysreg_write(icc_sre_el2, SRE_USE | SRE_ENABLE);
    isb();                               /* the other ICC and ICH registers are accessible from here (12.2.22) */
    if (!(sysreg_read(icc_sre_el2) & 1)) {
        log_err("GICv3: firmware keeps the system registers of CPU %u disabled", cpu_id());
        return -ENODEV;
    }
    sysreg_write(icc_sre_el1, SRE_USE);
    isb();
    sysreg_write(icc_sre_el2, SRE_USE);
    isb();
    return 0;
}

/*
 * What was acknowledged and never ended before us would keep interrupts of its priority and below from us for ever
 * (4.8.3).
 */
static void active_priorities_clear(void)
{
    u64 bits = (sysreg_read(icc_ctlr_el1) >> 8 & 7) + 1;         /* PRIbits: 32 levels in each register */

    if (bits >= 7) {
        sysreg_write(icc_ap1r3_el1, 0);
        sysreg_write(icc_ap1r2_el1, 0);
    }
    if (bits >= 6) {
        sysreg_write(icc_ap1r1_el1, 0);
    }
    sysreg_write(icc_ap1r0_el1, 0);
    isb();
}

static int gicv3_init_cpu(void)
{
    u64 vtr;

    if (sre_init() != 0) {
        return -ENODEV;
    }
    sysreg_write(icc_igrpen1_el1, 0);    /* nothing is signalled until all is set up */
    isb();
    if (redist_init() != 0) {
        return -EIO;
    }
    vtr = sysreg_read(ich_vtr_el2);
    lr_count = MIN((u32)(vtr & 0x1f) + 1, (u32)VGIC_MAX_LRS);
    preempt_bits = (u32)(vtr >> 26 & 7) + 1;
    prio_bits = (u32)(vtr >> 29 & 7) + 1;

    sysreg_write(ich_hcr_el2, 0);
    sysreg_write(ich_vmcr_el2, 0);
    for (u32 n = 0; n < lr_count; n++) {
        lr_write(n, 0);
    }
    sysreg_write(icc_pmr_el1, 0xff);
    sysreg_write(icc_bpr1_el1, 0);
    active_priorities_clear();
    sysreg_write(icc_ctlr_el1, ICC_CTLR_EOIMODE);
    sysreg_write(icc_igrpen1_el1, 1);
    isb();
    return 0;
}

static u32 gicv3_nr_irqs(void) { return irq_count; }

static u32 gicv3_ack(void)
{
    u32 intid = (u32)sysreg_read(icc_iar1_el1) & 0xffffff;

    dsb(sy);                             /* acknowledged before the device behind it is looked at (IHI0069 4.1.1) */
    return intid;
}

static void gicv3_eoi(u32 intid)
{
    sysreg_write(icc_eoir1_el1, intid);
    isb();
}

static void gicv3_deactivate(u32 intid)
{
    sysreg_write(icc_dir_el1, intid);
    isb();
}

static always_inline volatile void *bank(u32 intid)
{
    return intid < INTID_FIRST_SPI ? sgi_frame() : gicd;
}

/* The same, to be read. */
static always_inline volatile void *bank_read(u32 intid)
{
    return intid < INTID_FIRST_SPI ? sgi_frame() : gicv3_spi_at(intid);
}

static void gicv3_enable(u32 intid)
{
    gic_write_bit(bank(intid), GIC_ISENABLER, intid);
}

/* On return it is no longer forwarded (12.9.4 RWP). */
static void gicv3_disable(u32 intid)
{
    int rc;

    gic_write_bit(bank(intid), GIC_ICENABLER, intid);
    if (intid < INTID_FIRST_SPI) {
        rc = wait_clear(gicr[cpu_id()], GICR_CTLR, GICR_CTLR_RWP);
    } else {
        rc = wait_clear(gicd, GICD_CTLR, GICD_CTLR_RWP);
    }
    (void)rc;                            /* broken hardware: the interrupt may come once more, which nobody minds */
}

static void gicv3_set_type(u32 intid, enum irq_type t)
{
    spin_lock(&gicv3_lock);
    gic_write_type(bank_read(intid), intid, t);
    spin_unlock(&gicv3_lock);
}

static void gicv3_set_priority(u32 intid, u8 prio)
{
    gic_write8(bank(intid), GIC_IPRIORITYR + intid, prio);
}

static void gicv3_set_target(u32 intid, u32 cpu)
{
    gic_write64(gicd, GICD_IROUTER + intid * 8, pcpus[cpu]->hwid & AFFINITY_MASK);
}

/*
 * Made active, it is so on return: a guest that ends it next, through a list register, would else be too early, and
 * it active for good. Only reading it back guarantees that (GICR_ISACTIVER0, 12.11). What the CPU interface has ended
 * before is so by the first DSB.
 */
static void gicv3_set_active(u32 intid, bool active)
{
    if (active) {
        dsb(sy);
        gic_write_bit(bank_read(intid), GIC_ISACTIVER, intid);       /* both there: so they are in order */
        (void)gic_read_bit(bank_read(intid), GIC_ISACTIVER, intid);
    } else {
        gic_write_bit(bank(intid), GIC_ICACTIVER, intid);
    }
    dsb(sy);                             /* before its line may rise again: next device access or guest entry */
}

static void gicv3_set_pending(u32 intid, bool pending)
{
    gic_write_bit(bank(intid), pending ? GIC_ISPENDR : GIC_ICPENDR, intid);
}

static bool gicv3_is_pending(u32 intid)
{
    return gic_read_bit(bank_read(intid), GIC_ISPENDR, intid);
}

/* ICC_SGI1R_EL1 (12.2.20): Aff3, range, Aff2, INTID, Aff1, bit in the target list. */
static void gicv3_send_ipi(u32 cpu)
{
    u64 h = pcpus[cpu]->hwid;
    u64 aff0 = h & 0xff;

    dsb(ishst);
    sysreg_write(icc_sgi1r_el1, (h >> 32 & 0xff) << 48 | (aff0 >> 4) << 44 | (h >> 16 & 0xff) << 32 |
                 (u64)IPI_SGI << 24 | (h >> 8 & 0xff) << 16 | BIT(aff0 & 15));
    isb();
}

/* ---- virtual interface ---- */

static u32 gicv3_nr_lrs(void) { return lr_count; }
static u32 gicv3_nr_prio_bits(void) { return prio_bits; }
static u32 gicv3_nr_preempt_bits(void) { return preempt_bits; }

#define LR_CASES(x) x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13) x(14) x(15)

static u64 lr_read(u32 n)
{
    switch (n) {
#define X(i) case i: return sysreg_read(ich_lr##i##_el2);
    LR_CASES(X)
#undef X
    default:
        return 0;
    }
}

static void lr_write(u32 n, u64 lr)
{
    if (likely(n == 0)) {
        sysreg_write(ich_lr0_el2, lr);   /* most often */
        return;
    }
    switch (n) {
#define X(i) case i: sysreg_write(ich_lr##i##_el2, lr); break;
    LR_CASES(X)
#undef X
    default:
        break;
    }
}

static void gicv3_lr_pend(u32 n, u64 lr)
{
    u64 pend = (lr & ~LR_STATE) | LR_PENDING;

    switch (n) {
#define X(i) case i: sysreg_write(ich_lr##i##_el2, pend | (sysreg_read(ich_lr##i##_el2) & LR_ACTIVE)); break;
    LR_CASES(X)
#undef X
    default:
        break;
    }
}

/* ELRSR and EISR follow writes of list registers by isb: they are indirect reads. */
static u64 gicv3_lr_empty(void)
{
    isb();
    return sysreg_read(ich_elrsr_el2);
}

static u64 gicv3_lr_ended(void)
{
    isb();
    return sysreg_read(ich_eisr_el2);
}

static u32 gicv3_hcr_read(void)
{
    return (u32)sysreg_read(ich_hcr_el2);
}

static void gicv3_hcr_write(u32 hcr)
{
    sysreg_write(ich_hcr_el2, hcr);
}

/* How many of AP0R<n>, AP1R<n> there are: 32 levels in each (12.4.2). The others are UNDEFINED. */
static void gicv3_virt_read(struct vgic_vcpu *s)
{
    s->vmcr = (u32)sysreg_read(ich_vmcr_el2);
    s->apr[0] = (u32)sysreg_read(ich_ap0r0_el2);
    s->apr[4] = (u32)sysreg_read(ich_ap1r0_el2);
    if (preempt_bits >= 6) {
        s->apr[1] = (u32)sysreg_read(ich_ap0r1_el2);
        s->apr[5] = (u32)sysreg_read(ich_ap1r1_el2);
    }
    if (preempt_bits >= 7) {
        s->apr[2] = (u32)sysreg_read(ich_ap0r2_el2);
        s->apr[3] = (u32)sysreg_read(ich_ap0r3_el2);
        s->apr[6] = (u32)sysreg_read(ich_ap1r2_el2);
        s->apr[7] = (u32)sysreg_read(ich_ap1r3_el2);
    }
}

static void gicv3_virt_save(struct vgic_vcpu *s, u32 lrs)
{
    gicv3_virt_read(s);
    sysreg_write(ich_hcr_el2, 0);
    for (; lrs != 0; lrs &= lrs - 1) {
        u32 n = (u32)__builtin_ctz(lrs);

        s->lr[n] = lr_read(n);
    }
}

static void gicv3_virt_restore(const struct vgic_vcpu *s, u32 lrs, u32 clear)
{
    sysreg_write(ich_vmcr_el2, s->vmcr);
    sysreg_write(ich_ap0r0_el2, s->apr[0]);
    sysreg_write(ich_ap1r0_el2, s->apr[4]);
    if (preempt_bits >= 6) {
        sysreg_write(ich_ap0r1_el2, s->apr[1]);
        sysreg_write(ich_ap1r1_el2, s->apr[5]);
    }
    if (preempt_bits >= 7) {
        sysreg_write(ich_ap0r2_el2, s->apr[2]);
        sysreg_write(ich_ap0r3_el2, s->apr[3]);
        sysreg_write(ich_ap1r2_el2, s->apr[6]);
        sysreg_write(ich_ap1r3_el2, s->apr[7]);
    }
    for (; clear != 0; clear &= clear - 1) {
        lr_write((u32)__builtin_ctz(clear), 0);
    }
    for (; lrs != 0; lrs &= lrs - 1) {
        u32 n = (u32)__builtin_ctz(lrs);

        lr_write(n, s->lr[n]);
    }
    sysreg_write(ich_hcr_el2, s->hcr);
}

static const struct vgic_host_ops gicv3_virt = {
    .gic_version = 3,
    .nr_lrs = gicv3_nr_lrs,
    .nr_prio_bits = gicv3_nr_prio_bits,
    .nr_preempt_bits = gicv3_nr_preempt_bits,
    .lr_read = lr_read,
    .lr_write = lr_write,
    .lr_pend = gicv3_lr_pend,
    .lr_empty = gicv3_lr_empty,
    .lr_ended = gicv3_lr_ended,
    .hcr_read = gicv3_hcr_read,
    .hcr_write = gicv3_hcr_write,
    .virt_read = gicv3_virt_read,
    .virt_save = gicv3_virt_save,
    .virt_restore = gicv3_virt_restore,
};

const struct irqchip_ops gicv3_ops = {
    .name = "GICv3",
    .reserve = gicv3_its_reserve,
    .init = gicv3_init,
    .init_cpu = gicv3_init_cpu,
    .nr_irqs = gicv3_nr_irqs,
    .ack = gicv3_ack,
    .eoi = gicv3_eoi,
    .deactivate = gicv3_deactivate,
    .enable = gicv3_enable,
    .disable = gicv3_disable,
    .set_type = gicv3_set_type,
    .set_priority = gicv3_set_priority,
    .set_target = gicv3_set_target,
    .set_active = gicv3_set_active,
    .set_pending = gicv3_set_pending,
    .is_pending = gicv3_is_pending,
    .send_ipi = gicv3_send_ipi,
    .virt = &gicv3_virt,
    .its = &gicv3_its_ops,
};
