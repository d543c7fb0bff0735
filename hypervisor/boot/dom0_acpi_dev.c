/* SPDX-License-Identifier: MIT */
/*
 * What of the machine is dom0's when there is no device tree: all but what Argon, or firmware behind it, has
 * (docs/design/dom0-acpi.md).
 */
#include "dom0.h"
#include "dom0_acpi.h"

#include <argon/console.h>
#include <argon/errno.h>
#include <argon/rangeset.h>

#define ITS_BYTES     0x20000u   /* two frames of 64 KiB (IHI0069 12.4) */
#define SMMUV3_BYTES  0x20000u   /* two pages of 64 KiB (IHI0070 6.1) */
#define PMCG_BYTES    0x1000u
#define DESC_MIN      40u        /* bytes of a descriptor that mean something (UEFI 2.10, 7.2.3) */
#define GTDT_EL2_VIRTUAL 96
#define GICR_BYTES    0x20000u   /* the least that a redistributor has: two frames (IHI0069 12.10) */
#define GICC_PMU      20
#define GICC_MAINTENANCE 56
#define GICC_GICR     60
#define GICC_SPE      78
#define GICC_TRBE     80

struct finder {
    const struct machine *m;
    const struct acpi_tables *host;
    struct dom0_devices *out;
};

/* EFI_MEMORY_TYPE and the attribute of what firmware's runtime services need. */
enum {
    MEMORY_RESERVED = 0, MEMORY_ACPI_RECLAIM = 9, MEMORY_ACPI_NVS = 10, MEMORY_MMIO = 11, MEMORY_MMIO_PORTS = 12,
    MEMORY_PERSISTENT = 14
};
#define MEMORY_RUNTIME BIT(63)

static boot_code int keep(struct finder *f, u64 start, u64 size)
{
    u64 last = start + size - 1;

    if (size == 0) {
        return 0;
    }
    return rangeset_remove(f->out->iomem_caps, start >> PAGE_SHIFT, (last >= start ? last : UINT64_MAX) >> PAGE_SHIFT);
}

/* Memory that firmware has set aside may be what AML works with: dom0's. RAM, and what runtime services use, is not. */
static boot_code bool is_dom0s(u32 type, u64 attribute)
{
    static const u32 types = BIT32(MEMORY_RESERVED) | BIT32(MEMORY_ACPI_RECLAIM) | BIT32(MEMORY_ACPI_NVS) |
                             BIT32(MEMORY_MMIO) | BIT32(MEMORY_MMIO_PORTS) | BIT32(MEMORY_PERSISTENT);

    return type < 32 && (types >> type & 1) != 0 && (attribute & MEMORY_RUNTIME) == 0;
}

static boot_code int keep_efi_memory(struct finder *f)
{
    const struct machine_efi *efi = &f->m->efi;
    const u8 *map;
    int r = 0;

    if (efi->system_table == 0 || efi->map.size == 0) {
        return 0;
    }
    map = efi->desc_size >= DESC_MIN ? f->host->memory->map(efi->map.start, efi->map.size) : NULL;
    if (map == NULL) {
        log_err("UEFI: the memory map at %#" PRIx64 " (%" PRIu64 " bytes, %u each) cannot be read", efi->map.start,
                efi->map.size, efi->desc_size);
        return -EINVAL;
    }
    for (u64 at = 0; r == 0 && efi->map.size - at >= efi->desc_size; at += efi->desc_size) {
        const u8 *d = map + at;

        if (!is_dom0s(le_u32(d), le_u64(d + 32))) {
            r = keep(f, le_u64(d + 8), le_u64(d + 24) << PAGE_SHIFT);
        }
    }
    f->host->memory->unmap(map, efi->map.size);
    return r;
}

static boot_code int keep_own(struct finder *f)
{
    const struct machine_gic *g = &f->m->gic;
    int r = keep(f, g->gicd, g->gicd_size);

    for (u32 i = 0; r == 0 && i < g->nr_redist; i++) {
        r = keep(f, g->redist[i].start, g->redist[i].size);
    }
    r = r != 0 ? r : keep(f, g->gicc, g->gicc_size);
    r = r != 0 ? r : keep(f, g->gich, g->gich_size);
    r = r != 0 ? r : keep(f, g->gicv, g->gicv_size);
    r = r != 0 || !f->m->has_uart ? r : keep(f, f->m->uart.base, f->m->uart.size);
    for (u32 i = 0; r == 0 && i < f->m->nr_banks; i++) {
        r = keep(f, f->m->banks[i].start, f->m->banks[i].size);
    }
    for (u32 i = 0; r == 0 && i < f->m->nr_nomap; i++) {
        r = keep(f, f->m->nomap[i].start, f->m->nomap[i].size);
    }
    return r;
}

static boot_code void note_ppi(struct finder *f, u64 intid)
{
    if (intid >= 16 && intid < 32) {
        f->out->ppis_used |= BIT32(intid - 16);
    }
}

/*
 * MADT: an ITS is programmed by who sees it, and would have LPIs of the machine; redistributors that Argon does not use
 * (of CPUs that are off or too many); private interrupts that a CPU's own devices have.
 */
static boot_code int keep_madt(struct finder *f, const u8 *madt, u32 size)
{
    u32 at = 0;
    const u8 *s;
    int r = 0;

    while (r == 0 && (s = madt_next(madt, size, &at)) != NULL) {
        if (s[0] == MADT_ITS && s[1] >= MADT_ITS_BYTES) {
            r = keep(f, le_u64(s + 8), ITS_BYTES);
        } else if (s[0] == MADT_GICR && s[1] >= MADT_GICR_BYTES) {
            r = keep(f, le_u64(s + 4), le_u32(s + 12));
        } else if (s[0] == MADT_GICC && s[1] >= MADT_GICC_MIN) {
            r = keep(f, le_u64(s + GICC_GICR), le_u64(s + GICC_GICR) != 0 ? GICR_BYTES : 0);
            note_ppi(f, le_u32(s + GICC_PMU));
            note_ppi(f, le_u32(s + GICC_MAINTENANCE));
            note_ppi(f, s[1] >= GICC_SPE + 2 ? le_u16(s + GICC_SPE) : 0);
            note_ppi(f, s[1] >= GICC_TRBE + 2 ? le_u16(s + GICC_TRBE) : 0);
        }
    }
    return r;
}

/* GTDT: the EL2 virtual timer's interrupt, which the machine has no other word for. */
static boot_code int note_gtdt(struct finder *f, const u8 *gtdt, u32 size)
{
    note_ppi(f, gtdt[8] >= 3 && size >= GTDT_EL2_VIRTUAL + 4 ? le_u32(gtdt + GTDT_EL2_VIRTUAL) : 0);
    return 0;
}

/* IORT: SMMUs stay as firmware left them. */
static boot_code int keep_iort(struct finder *f, const u8 *iort, u32 size)
{
    u32 at = 0;
    const u8 *n;
    int r = 0;

    while (r == 0 && (n = iort_next(iort, size, &at)) != NULL) {
        u32 len = le_u16(n + 1);

        if (n[0] == IORT_SMMU && len >= 32) {
            r = keep(f, le_u64(n + 16), le_u64(n + 24));
        } else if (n[0] == IORT_SMMU_V3 && len >= 24) {
            r = keep(f, le_u64(n + 16), SMMUV3_BYTES);
        } else if (n[0] == IORT_PMCG && len >= 24) {
            r = keep(f, le_u64(n + 16), PMCG_BYTES);
        }
    }
    return r;
}

static boot_code int keep_by(struct finder *f, const char *signature, int (*fn)(struct finder *, const u8 *, u32))
{
    const struct acpi_table *t = acpi_find(f->host, signature, 0);
    const u8 *data = t != NULL && t->size >= MADT_FIRST ? f->host->memory->map(t->start, t->size) : NULL;
    int r;

    if (data == NULL) {
        return 0;
    }
    r = fn(f, data, t->size);
    f->host->memory->unmap(data, t->size);
    return r;
}

/* All shared interrupts but the console's. */
static boot_code int give_irqs(struct finder *f, struct rangeset *set, u32 nr_irqs)
{
    u32 own = f->m->has_uart ? f->m->uart.irq : 0;
    int r = nr_irqs > 32 ? rangeset_add(set, 32, nr_irqs - 1) : 0;

    return r == 0 && own >= 32 ? rangeset_remove(set, own, own) : r;
}

static boot_code void note_own_ppis(struct finder *f)
{
    note_ppi(f, f->m->gic.maintenance_irq);
    note_ppi(f, f->m->timer_irq_phys_s);
    note_ppi(f, f->m->timer_irq_phys_ns);
    note_ppi(f, f->m->timer_irq_virt);
    note_ppi(f, f->m->timer_irq_hyp);
}

boot_code int dom0_find_acpi_devices(const struct machine *m, const struct acpi_tables *host, u32 gpaddr_bits,
                                     u32 nr_irqs, struct dom0_devices *out)
{
    struct finder f = { .m = m, .host = host, .out = out };
    int r = dom0_devices_create(out);

    if (r != 0) {
        return r;
    }
    r = rangeset_add(out->iomem_caps, 0, BIT(gpaddr_bits - PAGE_SHIFT) - 1);
    r = r != 0 ? r : keep_own(&f);
    r = r != 0 ? r : keep_efi_memory(&f);
    r = r != 0 ? r : keep_by(&f, "APIC", keep_madt);
    r = r != 0 ? r : keep_by(&f, "IORT", keep_iort);
    r = r != 0 ? r : keep_by(&f, "GTDT", note_gtdt);
    r = r != 0 ? r : give_irqs(&f, out->spis, nr_irqs);
    note_own_ppis(&f);
    return r != 0 ? r : give_irqs(&f, out->irq_caps, nr_irqs);
}
