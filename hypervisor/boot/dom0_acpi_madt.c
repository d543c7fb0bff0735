/* SPDX-License-Identifier: MIT */
/* dom0's MADT (ACPI 6.5, 5.2.12): its vCPUs and the virtual GIC, where the host's is. */
#include "dom0_acpi.h"

#include <argon/console.h>
#include <argon/string.h>

#define GICC_MAX   82u
#define GICD       0xc
#define GICD_BYTES 24u
#define GICC_ENABLED 1u

boot_code const u8 *madt_next(const u8 *madt, u32 size, u32 *at)
{
    u32 off = *at != 0 ? *at : MADT_FIRST;

    *at = off;
    if (off > size || size - off < 2 || madt[off + 1] < 2 || madt[off + 1] > size - off) {
        return NULL;
    }
    *at += madt[off + 1];
    return madt + off;
}

/* Said once, where the table is written. */
static boot_code void check_end(const u8 *madt, u32 size)
{
    u32 at = 0;

    while (madt_next(madt, size, &at) != NULL) {
    }
    if (at != size) {
        log_warn("ACPI: MADT: bad length of the structure at offset %u: it and what follows are not in dom0's", at);
    }
}

/* The next CPU's. */
static boot_code const u8 *next_cpu(const u8 *madt, u32 size, u32 *at)
{
    const u8 *s;

    do {
        s = madt_next(madt, size, at);
    } while (s != NULL && (s[0] != MADT_GICC || s[1] < MADT_GICC_MIN));
    return s;
}

static boot_code bool may_run(const u8 *gicc)
{
    return (le_u32(gicc + 12) & GICC_ENABLED) != 0;
}

static boot_code u32 highest_uid(const u8 *madt, u32 size)
{
    u32 at = 0, uid = 0;
    const u8 *s;

    while ((s = next_cpu(madt, size, &at)) != NULL) {
        uid = MAX(uid, le_u32(s + 8));
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
    u64 at = area_put(a, NULL, GICD_BYTES, 1);

    area_set(a, at, GICD, 1);
    area_set(a, at + 1, GICD_BYTES, 1);
    area_set(a, at + 8, g->gicd, 8);
    area_set(a, at + 20, g->version, 1);
    if (g->version == 3) {
        const struct machine_range *r = machine_redist(g);

        at = area_put(a, NULL, MADT_GICR_BYTES, 1);
        area_set(a, at, MADT_GICR, 1);
        area_set(a, at + 1, MADT_GICR_BYTES, 1);
        area_set(a, at + 4, r->start, 8);
        area_set(a, at + 12, MIN(r->size, (u64)UINT32_MAX & PAGE_MASK), 4);
    }
}

/* Frames that turn a PCI device's writes into SPIs, which are dom0's, are mapped with all that is no Argon's. */
static boot_code void put_frames(const u8 *madt, u32 size, struct area *a)
{
    u32 at = 0;
    const u8 *s;

    while ((s = madt_next(madt, size, &at)) != NULL) {
        if (s[0] == MADT_FRAME && s[1] >= MADT_FRAME_BYTES) {
            (void)area_put(a, s, s[1], 1);
        }
    }
}

/* Translation services of the machine that work are dom0's virtual ones, too (vdev/vgic). */
static boot_code void put_its(const struct machine_gic *g, const u8 *madt, u32 size, struct area *a)
{
    u32 at = 0;
    const u8 *s;

    while ((s = madt_next(madt, size, &at)) != NULL) {
        for (u32 i = 0; s[0] == MADT_ITS && s[1] >= MADT_ITS_BYTES && i < g->nr_its; i++) {
            if (le_u64(s + 8) == g->its[i].base) {
                (void)area_put(a, s, s[1], 1);
                break;
            }
        }
    }
}

boot_code u64 dom0_acpi_madt(const struct dom0_acpi *in, const u8 *madt, u32 size, struct area *a)
{
    u64 gpa = acpi_begin(a, madt, MADT_FIRST);
    u32 at = 0, spare_uid = highest_uid(madt, size), i = 0;
    const u8 *s = next_cpu(madt, size, &at);
    u32 bytes = s != NULL ? MIN((u32)s[1], GICC_MAX) : MADT_GICC_MIN;

    if (a->buf != NULL) {
        check_end(madt, size);
    }
    put_gic(&in->m->gic, a);
    for (; i < in->nr_vcpus && s != NULL; s = next_cpu(madt, size, &at)) {
        if (may_run(s)) {
            put_gicc(in, i++, le_u32(s + 8), bytes, a);
        }
    }
    while (i < in->nr_vcpus) {           /* more than the host has CPUs */
        put_gicc(in, i++, ++spare_uid, bytes, a);
    }
    put_frames(madt, size, a);
    put_its(&in->m->gic, madt, size, a);
    acpi_end(a, gpa);
    return gpa;
}
