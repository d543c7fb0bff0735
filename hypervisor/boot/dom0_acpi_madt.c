/* SPDX-License-Identifier: MIT */
/* dom0's MADT (ACPI 6.5, 5.2.12): its vCPUs and the virtual GIC, where the host's is. */
#include "dom0_acpi.h"

#define GICC_MAX   82u           /* what is known of it: ACPI 6.5 */

/* The next CPU's. */
static boot_code bool next_cpu(struct acpi_view *madt, u32 *pos, struct acpi_entry *e)
{
    while (acpi_next_entry(madt, pos, e)) {
        if (e->type == MADT_GICC && e->size >= GICC_MIN) {
            return true;
        }
    }
    return false;
}

static boot_code u32 uid_of(const struct acpi_view *madt, const struct acpi_entry *e)
{
    return acpi_u32(madt, e->off + 8);
}

static boot_code u32 highest_uid(struct acpi_view *madt)
{
    u32 pos = MADT_ENTRIES, uid = 0;
    struct acpi_entry e;

    while (next_cpu(madt, &pos, &e)) {
        uid = MAX(uid, uid_of(madt, &e));
    }
    return uid;
}

/*
 * A vCPU has the UID of a CPU of the host's: that of a processor device in the DSDT, which Linux looks for. No
 * performance monitor, no maintenance interrupt, no parking: all that is zero.
 */
static boot_code void put_gicc(const struct dom0_acpi *in, u32 i, u32 uid, u32 bytes, struct area *a)
{
    u64 at = area_put(a, NULL, bytes, 1);

    area_set(a, at, MADT_GICC, 1);
    area_set(a, at + 1, bytes, 1);
    area_set(a, at + 4, i, 4);
    area_set(a, at + 8, uid, 4);
    area_set(a, at + 12, GICC_ENABLED, 4);
    area_set(a, at + 32, in->m->gic.version == 2 ? in->m->gic.gicc : 0, 8);
    area_set(a, at + 68, in->mpidr[i], 8);
}

static boot_code void put_gic(const struct machine_gic *g, struct area *a)
{
    u64 at = area_put(a, NULL, GICD_MIN, 1);

    area_set(a, at, MADT_GICD, 1);
    area_set(a, at + 1, GICD_MIN, 1);
    area_set(a, at + 8, g->gicd, 8);
    area_set(a, at + 20, g->version, 1);
    if (g->version == 3) {
        const struct machine_range *r = machine_redist(g);

        at = area_put(a, NULL, GICR_MIN, 1);
        area_set(a, at, MADT_GICR, 1);
        area_set(a, at + 1, GICR_MIN, 1);
        area_set(a, at + 4, r->start, 8);
        area_set(a, at + 12, MIN(r->size, (u64)UINT32_MAX & PAGE_MASK), 4);
    }
}

/* Translation services of the machine that work are dom0's virtual ones, too (vdev/vgic). */
static boot_code bool has_its(const struct machine_gic *g, paddr_t base)
{
    for (u32 i = 0; i < g->nr_its; i++) {
        if (g->its[i].base == base) {
            return true;
        }
    }
    return false;
}

/*
 * What takes a PCI device's messages. Frames that turn them into SPIs, which are dom0's, are mapped with all that is no
 * Argon's.
 */
static boot_code void put_msi(const struct machine_gic *g, struct acpi_view *madt, u8 type, struct area *a)
{
    u32 pos = MADT_ENTRIES;
    struct acpi_entry e;

    while (acpi_next_entry(madt, &pos, &e)) {
        bool whole = e.size >= (type == MADT_ITS ? ITS_MIN : MSI_FRAME_MIN);

        if (e.type == type && whole && (type != MADT_ITS || has_its(g, acpi_u64(madt, e.off + 8)))) {
            (void)area_put(a, madt->data + e.off, e.size, 1);
        }
    }
}

boot_code u64 dom0_acpi_madt(const struct dom0_acpi *in, struct acpi_view *madt, struct area *a)
{
    u64 gpa = acpi_begin(a, madt, MADT_ENTRIES);
    u32 pos = MADT_ENTRIES, spare_uid = highest_uid(madt), i = 0;
    struct acpi_entry e;
    bool more = next_cpu(madt, &pos, &e);
    u32 bytes = more ? MIN(e.size, GICC_MAX) : GICC_MIN;

    put_gic(&in->m->gic, a);
    for (; i < in->nr_vcpus && more; more = next_cpu(madt, &pos, &e)) {
        if (acpi_u32(madt, e.off + 12) & GICC_ENABLED) {
            put_gicc(in, i++, uid_of(madt, &e), bytes, a);
        }
    }
    while (i < in->nr_vcpus) {           /* more than the host has CPUs */
        put_gicc(in, i++, ++spare_uid, bytes, a);
    }
    put_msi(&in->m->gic, madt, MADT_MSI_FRAME, a);
    put_msi(&in->m->gic, madt, MADT_ITS, a);
    acpi_end(a, gpa);
    return gpa;
}
