/* SPDX-License-Identifier: MIT */
/* MADT (ACPI 6.5, 5.2.12): CPUs and the GIC. */
#include <argon/console.h>
#include <argon/string.h>
#include "parse.h"

#define MPIDR_AFFINITY UINT64_C(0xff00ffffff)

#define GICC_ONLINE_CAPABLE BIT32(3)
#define GICC_NONCOHERENT    BIT32(4)     /* its redistributor; as the next of ACPI 6.5's MADT, revision 7 */
#define NONCOHERENT         1u           /* GICR's and ITS' flags */
#define MADT_NONCOHERENT    7u
#define MSI_FRAME_SPIS      BIT32(0)     /* count and first SPI are the entry's, not the register's */

/*
 * The tables say where a GIC's parts are, and not how large: what its architecture has (IHI 0048 4.1, 5.1; IHI 0069
 * 12.8).
 */
#define GICD_V2_SIZE KIB(4)
#define GICC_SIZE    KIB(8)
#define GICH_SIZE    KIB(4)
#define GICV_SIZE    KIB(8)
#define GICD_V3_SIZE KIB(64)
#define GICR_V3_SIZE KIB(128)
#define GICR_V4_SIZE KIB(256)

struct madt {
    struct acpi_view v;
    struct machine *m;
    u32 nr_gicd, gicd_off, version;      /* GICD's: 0 = it does not say */
    u32 nr_gicc, first_gicc;             /* used ones; offset of the first */
    u32 nr_off, nr_online_capable, nr_too_many;
    bool base_differs;
    u32 nr_own;                          /* redistributors that GICCs name */
    paddr_t own[NR_CPUS];
};
static boot_data struct madt madt;

/* Does a GICC, GICR or ITS with these flags not see CPUs' caches? */
static boot_code bool says_noncoherent(const struct madt *d, u32 flags, u32 bit)
{
    return acpi_u8(&d->v, 8) >= MADT_NONCOHERENT && (flags & bit);
}

static boot_code bool is_ppi(u32 intid)
{
    return intid >= 16 && intid < 32;
}

/* What is the same for all CPUs: the first one's. */
static boot_code void take_gic(struct madt *d, u32 off)
{
    struct machine_gic *g = &d->m->gic;

    if (d->nr_gicc == 0) {
        d->first_gicc = off;
        g->gicc = acpi_u64(&d->v, off + 32);
        g->gicv = acpi_u64(&d->v, off + 40);
        g->gich = acpi_u64(&d->v, off + 48);
        g->maintenance_irq = acpi_u32(&d->v, off + 56);
    } else if (g->gicc != acpi_u64(&d->v, off + 32) || g->maintenance_irq != acpi_u32(&d->v, off + 56)) {
        d->base_differs = true;
    }
}

static boot_code int parse_gicc(struct madt *d, const struct acpi_entry *e)
{
    struct machine *m = d->m;
    u32 off = e->off, flags = acpi_u32(&d->v, off + 12);
    u64 mpidr = acpi_u64(&d->v, off + 68);
    paddr_t gicr = acpi_u64(&d->v, off + 60);

    if (e->size < GICC_MIN) {
        return acpi_bad(&d->v, off, "GICC of %u bytes: this CPU is not used", e->size);
    }
    if (!(flags & GICC_ENABLED)) {
        d->nr_off++;
        d->nr_online_capable += (flags & GICC_ONLINE_CAPABLE) != 0;
        return 0;
    }
    if ((mpidr & ~MPIDR_AFFINITY) != 0) {
        return acpi_bad(&d->v, off, "GICC with an MPIDR of %#" PRIx64 ": this CPU is not used", mpidr);
    }
    for (u32 i = 0; i < m->nr_cpus; i++) {
        if (m->cpus[i].hwid == mpidr) {
            return acpi_bad(&d->v, off, "GICC with the MPIDR of another, %#" PRIx64, mpidr);
        }
    }
    if (m->nr_cpus == NR_CPUS) {
        d->nr_too_many++;
        return 0;
    }
    take_gic(d, off);
    d->nr_gicc++;
    if (gicr != 0) {
        d->own[d->nr_own++] = gicr;
    }
    m->gic.redist_noncoherent |= says_noncoherent(d, flags, GICC_NONCOHERENT);
    m->cpus[m->nr_cpus++] = (struct machine_cpu){
        .hwid = mpidr, .acpi_uid = acpi_u32(&d->v, off + 8), .psci = m->psci_version != 0
    };
    return 0;
}

static boot_code int parse_gicd(struct madt *d, const struct acpi_entry *e)
{
    if (e->size < GICD_MIN) {
        return acpi_bad(&d->v, e->off, "GICD of %u bytes", e->size);
    }
    if (d->nr_gicd++ > 0) {
        return acpi_bad(&d->v, e->off, "one GICD more: not used");
    }
    d->gicd_off = e->off;
    d->m->gic.gicd = acpi_u64(&d->v, e->off + 8);
    d->version = acpi_u8(&d->v, e->off + 20);
    return 0;
}

static boot_code int add_redist(struct madt *d, u32 off, paddr_t base, u64 size)
{
    struct machine_gic *g = &d->m->gic;
    struct machine_range r = { .start = base, .size = size };

    if (base == 0 || !IS_ALIGNED(base | size, KIB(64)) || size < GICR_V3_SIZE || base + size < base) {
        return acpi_bad(&d->v, off, "redistributors at %#" PRIx64 ", %#" PRIx64 " bytes: not used", base, size);
    }
    for (u32 i = 0; i < g->nr_redist; i++) {
        if (machine_ranges_overlap(&r, &g->redist[i])) {
            return acpi_bad(&d->v, off, "redistributors at %#" PRIx64 ", which others are, too: not used", base);
        }
    }
    if (g->nr_redist == MACHINE_MAX_REDIST) {
        return acpi_bad(&d->v, off, "more than %u regions of redistributors: that at %#" PRIx64 " is not used",
                        MACHINE_MAX_REDIST, base);
    }
    g->redist[g->nr_redist++] = r;
    return 0;
}

static boot_code int parse_gicr(struct madt *d, const struct acpi_entry *e)
{
    if (e->size < GICR_MIN) {
        return acpi_bad(&d->v, e->off, "GICR of %u bytes", e->size);
    }
    d->m->gic.redist_noncoherent |= says_noncoherent(d, acpi_u8(&d->v, e->off + 2), NONCOHERENT);
    return add_redist(d, e->off, acpi_u64(&d->v, e->off + 4), acpi_u32(&d->v, e->off + 12));
}

static boot_code int parse_its(struct madt *d, const struct acpi_entry *e)
{
    struct acpi_its its = { .id = acpi_u32(&d->v, e->off + 4), .base = acpi_u64(&d->v, e->off + 8) };
    struct acpi_devices *dev = &acpi_devices;

    if (e->size < ITS_MIN || its.base == 0 || !IS_ALIGNED(its.base, KIB(64))) {
        return acpi_bad(&d->v, e->off, "ITS of %u bytes, with a base of %#" PRIx64, e->size, its.base);
    }
    for (u32 i = 0; i < dev->nr_its; i++) {
        if (dev->its[i].id == its.id || dev->its[i].base == its.base) {
            return acpi_bad(&d->v, e->off, "ITS %u, with number or base of another", its.id);
        }
    }
    if (dev->nr_its == ACPI_MAX_ITS) {
        return acpi_bad(&d->v, e->off, "more than %u ITS", ACPI_MAX_ITS);
    }
    dev->its[dev->nr_its++] = its;
    if (d->m->gic.nr_its == MACHINE_MAX_ITS) {
        return acpi_bad(&d->v, e->off, "more than %u ITS: devices have no MSIs by this one", MACHINE_MAX_ITS);
    }
    d->m->gic.its[d->m->gic.nr_its++] = (struct machine_its){
        .base = its.base, .noncoherent = says_noncoherent(d, acpi_u8(&d->v, e->off + 2), NONCOHERENT)
    };
    return 0;
}

static boot_code int parse_msi_frame(struct madt *d, const struct acpi_entry *e)
{
    struct acpi_devices *dev = &acpi_devices;
    struct acpi_msi_frame f = { .id = acpi_u32(&d->v, e->off + 4), .base = acpi_u64(&d->v, e->off + 8) };

    if (acpi_u32(&d->v, e->off + 16) & MSI_FRAME_SPIS) {
        f.nr_spis = acpi_u16(&d->v, e->off + 20);
        f.first_spi = acpi_u16(&d->v, e->off + 22);
    }
    if (e->size < MSI_FRAME_MIN || f.base == 0 || !IS_ALIGNED(f.base, KIB(4)) ||
        (f.nr_spis != 0 && (f.first_spi < 32 || f.first_spi + f.nr_spis > 1020))) {
        return acpi_bad(&d->v, e->off, "MSI frame of %u bytes, with a base of %#" PRIx64 " and %u SPIs from %u",
                        e->size, f.base, f.nr_spis, f.first_spi);
    }
    if (dev->nr_msi_frames == ACPI_MAX_MSI_FRAMES) {
        return acpi_bad(&d->v, e->off, "more than %u MSI frames", ACPI_MAX_MSI_FRAMES);
    }
    dev->msi_frame[dev->nr_msi_frames++] = f;
    return 0;
}

/* What is wrong with one costs that one; all others, those of x86 among them, are nothing that Argon needs. */
static boot_code void parse_entries(struct madt *d)
{
    static int (*const parse[])(struct madt *d, const struct acpi_entry *e) = {
        [MADT_GICC] = parse_gicc, [MADT_GICD] = parse_gicd, [MADT_MSI_FRAME] = parse_msi_frame,
        [MADT_GICR] = parse_gicr, [MADT_ITS] = parse_its,
    };
    struct acpi_entry e;
    u32 pos = MADT_ENTRIES;

    while (acpi_next_entry(&d->v, &pos, &e)) {
        if (e.type < ARRAY_SIZE(parse) && parse[e.type] != NULL) {
            (void)parse[e.type](d, &e);
        }
    }
    if (d->nr_off > 0) {
        log_info("MADT: %u CPUs are off, of which %u may be there one day: not used", d->nr_off, d->nr_online_capable);
    }
    if (d->nr_too_many > 0) {
        log_warn("MADT: more than %u CPUs: %u are not used", NR_CPUS, d->nr_too_many);
    }
    if (d->base_differs) {
        log_warn("MADT: GICCs differ in base or maintenance interrupt: those at offset %#x are taken for all",
                 d->first_gicc);
    }
}

static boot_code void sort_own(struct madt *d)
{
    for (u32 i = 1; i < d->nr_own; i++) {
        paddr_t x = d->own[i];
        u32 j = i;

        for (; j > 0 && d->own[j - 1] > x; j--) {
            d->own[j] = d->own[j - 1];
        }
        d->own[j] = x;
    }
}

/*
 * Without a GICR each GICC has its redistributor's base. A GICv4's has 256 KiB, and so has one of which the next is
 * just so far: the room is there, and the next one is found by this stride. Those without a gap become one region.
 */
static boot_code void take_own_redists(struct madt *d)
{
    u64 nearest = UINT64_MAX, size;
    u32 nr = 0, next;

    sort_own(d);
    for (u32 i = 0; i < d->nr_own; i++) {
        if (nr == 0 || d->own[i] != d->own[nr - 1]) {
            nearest = nr > 0 ? MIN(nearest, d->own[i] - d->own[nr - 1]) : nearest;
            d->own[nr++] = d->own[i];
        }
    }
    size = nearest == GICR_V4_SIZE || (nearest > GICR_V4_SIZE && d->version == 4) ? GICR_V4_SIZE : GICR_V3_SIZE;
    for (u32 i = 0; i < nr; i = next) {
        for (next = i + 1; next < nr && d->own[next] - d->own[next - 1] == size; next++) {
        }
        (void)add_redist(d, d->first_gicc, d->own[i], (next - i) * size);
    }
    d->m->gic.redist_stride = size;
    d->m->gic.redist_each = true;
}

static boot_code int check_v2(struct madt *d)
{
    struct machine_gic *g = &d->m->gic;

    g->gicd_size = GICD_V2_SIZE;
    g->gicc_size = GICC_SIZE;
    g->gich_size = GICH_SIZE;
    g->gicv_size = GICV_SIZE;
    g->nr_its = 0;
    if (g->gicc == 0 || g->gich == 0 || g->gicv == 0 || !IS_ALIGNED(g->gicc | g->gich | g->gicv, PAGE_SIZE)) {
        return acpi_bad(&d->v, d->first_gicc,
                        "GICC without the base of a GICv2's GICC, GICH or GICV: is EL2 off in firmware?");
    }
    return 0;
}

static boot_code int check_v3(struct madt *d)
{
    struct machine_gic *g = &d->m->gic;

    g->gicd_size = GICD_V3_SIZE;
    g->gicc = g->gich = g->gicv = 0;     /* a GICv2's interface for software that knows no other: not used */
    if (g->nr_redist == 0) {
        take_own_redists(d);
    }
    if (g->nr_redist == 0) {
        return acpi_bad(&d->v, d->gicd_off, "GICv3 without redistributors");
    }
    return 0;
}

static boot_code int check_gic(struct madt *d)
{
    struct machine_gic *g = &d->m->gic;

    if (d->nr_gicd == 0) {
        return acpi_bad(&d->v, MADT_ENTRIES, "no GICD that can be used");
    }
    if (d->nr_gicc == 0) {
        return acpi_bad(&d->v, MADT_ENTRIES, "no GICC that can be used: no CPUs");
    }
    if (d->version == 1) {
        return acpi_bad(&d->v, d->gicd_off, "GICv1, which has no virtualization");
    }
    if (d->version > 4) {
        (void)acpi_bad(&d->v, d->gicd_off, "GICD of version %u: taken for what its parts look like", d->version);
    }
    /* 0 and what is not known yet: by whether there are redistributors. */
    g->version = d->version == 2 ? 2 : d->version == 3 || d->version == 4 || g->nr_redist + d->nr_own > 0 ? 3 : 2;
    if (g->gicd == 0 || !IS_ALIGNED(g->gicd, PAGE_SIZE)) {
        return acpi_bad(&d->v, d->gicd_off, "GICD with a base of %#" PRIx64, g->gicd);
    }
    if (!is_ppi(g->maintenance_irq)) {
        return acpi_bad(&d->v, d->first_gicc, "GICC with a maintenance interrupt of %u: is EL2 off in firmware?",
                        g->maintenance_irq);
    }
    return g->version == 2 ? check_v2(d) : check_v3(d);
}

boot_code int acpi_parse_madt(struct machine *m, const struct acpi_tables *t)
{
    int r;

    memset(&madt, 0, sizeof(madt));
    madt.m = m;
    if (!acpi_view_find(&madt.v, t, "APIC")) {
        log_err("ACPI: no MADT: no CPUs and no GIC");
        return -EINVAL;
    }
    parse_entries(&madt);
    r = check_gic(&madt);
    acpi_view_close(&madt.v);
    return r;
}
