/* SPDX-License-Identifier: MIT */
/*
 * What of the machine is dom0's when there is no device tree: all but what Argon, or firmware behind it, has
 * (docs/design/dom0-acpi.md).
 */
#include "dom0.h"
#include "dom0_acpi.h"

#include <argon/console.h>
#include <argon/errno.h>
#include <argon/its.h>
#include <argon/rangeset.h>

#define SMMUV3_BYTES  0x20000u   /* two pages of 64 KiB (IHI0070 6.1) */
#define PMCG_BYTES    0x1000u
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

static boot_code int keep_descriptor(void *arg, const struct efi_memory *d)
{
    return is_dom0s(d->type, d->attributes) ? 0 : keep(arg, d->start, d->size);
}

static boot_code int keep_efi_memory(struct finder *f)
{
    return f->m->efi.system_table != 0 ? efi_each_memory(&f->m->efi, f->host->memory, keep_descriptor, f) : 0;
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
static boot_code int keep_madt(struct finder *f, struct acpi_view *madt)
{
    u32 pos = MADT_ENTRIES;
    struct acpi_entry e;
    int r = 0;

    while (r == 0 && acpi_next_entry(madt, &pos, &e)) {
        if (e.type == MADT_ITS && e.size >= ITS_MIN) {
            r = keep(f, acpi_u64(madt, e.off + 8), ITS_FRAMES);
        } else if (e.type == MADT_GICR && e.size >= GICR_MIN) {
            r = keep(f, acpi_u64(madt, e.off + 4), acpi_u32(madt, e.off + 12));
        } else if (e.type == MADT_GICC && e.size >= GICC_MIN) {
            paddr_t gicr = acpi_u64(madt, e.off + GICC_GICR);

            r = keep(f, gicr, gicr != 0 ? GICR_BYTES : 0);
            note_ppi(f, acpi_u32(madt, e.off + GICC_PMU));
            note_ppi(f, acpi_u32(madt, e.off + GICC_MAINTENANCE));
            note_ppi(f, e.size >= GICC_SPE + 2 ? acpi_u16(madt, e.off + GICC_SPE) : 0);
            note_ppi(f, e.size >= GICC_TRBE + 2 ? acpi_u16(madt, e.off + GICC_TRBE) : 0);
        }
    }
    return r;
}

/* GTDT: the EL2 virtual timer's interrupt, which the machine has no other word for. */
static boot_code int note_gtdt(struct finder *f, struct acpi_view *gtdt)
{
    note_ppi(f, acpi_u8(gtdt, ACPI_REVISION) >= 3 ? acpi_u32(gtdt, GTDT_EL2_VIRTUAL) : 0);
    return 0;
}

/* IORT: SMMUs stay as firmware left them. */
static boot_code int keep_iort(struct finder *f, struct acpi_view *iort)
{
    struct acpi_node n = { 0 };
    int r = 0;

    while (r == 0 && acpi_next_node(iort, &n)) {
        u64 base = n.size >= 24 ? acpi_u64(iort, n.off + 16) : 0;

        if (n.type == IORT_SMMU && n.size >= 32) {
            r = keep(f, base, acpi_u64(iort, n.off + 24));
        } else if (n.type == IORT_SMMU_V3 && base != 0) {
            r = keep(f, base, SMMUV3_BYTES);
        } else if (n.type == IORT_PMCG && base != 0) {
            r = keep(f, base, PMCG_BYTES);
        }
    }
    return r;
}

static boot_code int keep_by(struct finder *f, const char *signature, int (*fn)(struct finder *, struct acpi_view *))
{
    struct acpi_view v;
    int r;

    if (!acpi_view_again(&v, f->host, signature, ACPI_HEADER)) {
        return 0;
    }
    r = fn(f, &v);
    acpi_view_close(&v);
    return r;
}

/* All shared interrupts. */
static boot_code int give_irqs(struct rangeset *set, u32 nr_irqs)
{
    return nr_irqs > 32 ? rangeset_add(set, 32, nr_irqs - 1) : 0;
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
    r = r != 0 ? r : keep_efi_memory(&f);
    r = r != 0 ? r : keep_by(&f, "APIC", keep_madt);
    r = r != 0 ? r : keep_by(&f, "IORT", keep_iort);
    r = r != 0 ? r : keep_by(&f, "GTDT", note_gtdt);
    r = r != 0 ? r : give_irqs(out->spis, nr_irqs);
    r = r != 0 ? r : give_irqs(out->irq_caps, nr_irqs);
    return r != 0 ? r : dom0_take_back(m, out);
}
