/* SPDX-License-Identifier: MIT */
/*
 * Interrupt translation services and LPIs at boot (IHI0069 chapter 5, registers 12.11 and 12.19): tables in memory
 * that the hardware reads. docs/design/its.md.
 *
 * How the hardware reads memory is asked for when it is told where that is: inner shareable, write-back. It answers by
 * what it then shows in the register (5.1, GITS_BASER.Shareability): non-shareable, and what it is to see is cleaned to
 * the point of coherency by address. Either way what is written is complete (DSB) before the register that makes the
 * hardware look.
 */
#include "gicv3_its_parts.h"

#include <argon/console.h>
#include <argon/errno.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/string.h>
#include <argon/timer.h>

#define GICD_TYPER_LPIS     BIT32(17)
#define GICD_TYPER_NUM_LPIS(t) ((t) >> 11 & 31)  /* 0: all that INTIDs have room for, else 2^(this + 1) */
#define GICR_CTLR           0x0000
#define GICR_CTLR_LPIS      BIT32(0)
#define GICR_TYPER          0x0008
#define GICR_TYPER_PLPIS    BIT(0)
#define GICR_PROPBASER      0x0070
#define GICR_PENDBASER      0x0078
#define PENDBASER_PTZ       BIT(62)      /* the table is zero */

#define GITS_CTLR           0x0000
#define GITS_CTLR_ENABLED   BIT32(0)
#define GITS_CTLR_QUIESCENT BIT32(31)
#define GITS_IIDR           0x0004
#define GITS_TYPER          0x0008
#define GITS_TYPER_ITT_ENTRY GENMASK(7, 4)       /* bytes - 1 */
#define GITS_TYPER_CIL      BIT(36)      /* bits of collections' numbers: CIDbits + 1, else 16 */
#define GITS_CBASER         0x0080
#define GITS_BASER(n)       (0x0100u + 8 * (n))
#define GITS_NR_BASER       8u
#define GITS_PIDR2          0xffe8

#define BASER_INDIRECT      BIT(62)
#define BASER_DEVICES       1u           /* types */
#define BASER_COLLECTIONS   4u
#define BASER_PAGE_SHIFT    8
#define BASER_PAGES_MAX     256u
#define BASER_ADDRESS       GENMASK(47, 12)
#define SHAREABILITY        (UINT64_C(3) << 10)
#define INNER_SHAREABLE     (UINT64_C(1) << 10)
/* Inner cacheability is in GITS_CBASER and GITS_BASER at bit 59, in GICR_PROPBASER and GICR_PENDBASER at bit 7. */
#define ITS_CACHE_SHIFT     59
#define GICR_CACHE_SHIFT    7
#define CACHE_WRITE_BACK    UINT64_C(7)  /* read-allocate, write-allocate */
#define CACHE_NONE          UINT64_C(1)  /* ... and 0, of a device: all others look into caches */

#define FLAT_LIMIT          MIB(8)       /* a table of devices of one level is no larger (20 bits): fewer devices */

static bool noncoherent;         /* redistributors do not see caches, whatever they say */
static u32 redist_memf;          /* as struct its.memf */
static bool unusable;            /* a CPU cannot have LPIs */

/*
 * Products with errata. What is refused is left off, and said: its devices have their interrupts by wire, or none.
 * What needs nothing here is not in the table (docs/design/its.md).
 */
static const struct its_quirk {
    u32 iidr, mask;
    u32 itt_entry;               /* bytes, whatever GITS_TYPER says; 0: as it says */
    const char *refused;
} quirks[] = {
    { 0xa100034c, 0xffff0fff, 0, "ThunderX (errata 22375, 24313, 23144)" },
    { 0x00001070, 0xffffffff, 16, NULL },                /* QDF2400 (erratum 0065) */
};

/*
 * Tell the hardware where memory is; true: it does not look into caches, as firmware says or it does itself, and has
 * been told so that it does not think it does.
 */
static bool write_base(volatile void *regs, u32 offset, u64 value, u32 cache_shift, bool never)
{
    if (!never) {
        u64 taken;

        gic_write64(regs, offset, value | INNER_SHAREABLE | CACHE_WRITE_BACK << cache_shift);
        taken = gic_read64(regs, offset);
        if ((taken & SHAREABILITY) && (taken >> cache_shift & 7) > CACHE_NONE) {
            return false;
        }
    }
    gic_write64(regs, offset, value | CACHE_NONE << cache_shift);
    return true;
}

/* Has the register kept what matters of it? One with fewer bits of address than the memory has would not. */
static boot_code bool kept(struct its *its, u32 offset, u64 value, u64 mask)
{
    u64 is = gic_read64(its->regs, offset);

    if (((is ^ value) & mask) != 0) {
        log_warn("ITS at %#" PRIx64 ": register %#x takes %#" PRIx64 " for %#" PRIx64, its->base, offset, is, value);
        return false;
    }
    return true;
}

/* ---- tables ---- */

static u64 baser_of(const struct its *its, u32 type, u32 *n)
{
    for (*n = 0; *n < GITS_NR_BASER; (*n)++) {
        u64 value = gic_read64(its->regs, GITS_BASER(*n));

        if ((value >> 56 & 7) == type) {
            return value;
        }
    }
    return 0;
}

/* A table of `bytes` in pages of that size, and the register that names it. NULL: no memory, or not as written. */
static boot_code void *table_write(struct its *its, u32 n, u64 bytes, u64 flags, u32 page_bits)
{
    u64 page = KIB(4) << 2 * page_bits, nr = DIV_ROUND_UP(bytes, page);
    unsigned int order = order_of(MAX(nr * page, page));
    void *table = its_pages(order, its->memf);
    u64 value;

    if (table == NULL) {
        return NULL;
    }
    /* Whether it sees caches is known only once it has been told. */
    its_publish(table, (size_t)PAGE_SIZE << order, true);
    value = pa_of(table) | flags | BASER_VALID | (u64)page_bits << BASER_PAGE_SHIFT | (nr - 1);
    if (write_base(its->regs, GITS_BASER(n), value, ITS_CACHE_SHIFT, its->noncoherent)) {
        its->clean_tables = true;
    }
    return kept(its, GITS_BASER(n), value, BASER_VALID | BASER_INDIRECT | BASER_ADDRESS | GENMASK(9, 0)) ? table : NULL;
}

/* The page size that the register has when that one is written: 0, 1, 2 are 4, 16, 64 KiB; 3 is none, taken for 64. */
static boot_code u32 page_size_taken(struct its *its, u32 n, u32 page_bits)
{
    gic_write64(its->regs, GITS_BASER(n), (u64)page_bits << BASER_PAGE_SHIFT);
    return gic_read64(its->regs, GITS_BASER(n)) >> BASER_PAGE_SHIFT & 3;
}

static boot_code bool two_levels_possible(struct its *its, u32 n)
{
    gic_write64(its->regs, GITS_BASER(n), BASER_INDIRECT);
    return gic_read64(its->regs, GITS_BASER(n)) & BASER_INDIRECT;
}

/*
 * Device table: a level, or two with the second made as devices come. The page size, smallest first, with which it is
 * possible; that, and whether there are two levels, may be fixed: what is read back says what is.
 */
static boot_code int devices_init(struct its *its)
{
    u32 n, bits = its->device_bits, page_bits = 0;
    u64 baser = baser_of(its, BASER_DEVICES, &n), page, first;
    bool two;

    if (baser == 0) {
        return 0;                        /* the service has memory of its own for all of them */
    }
    its->device_entry = (u32)(baser >> 48 & 31) + 1;
    two = ((u64)its->device_entry << bits) > FLAT_MAX && two_levels_possible(its, n);
    for (;;) {
        u32 taken = page_size_taken(its, n, page_bits);

        page = KIB(4) << 2 * MIN(taken, 2u);
        first = two ? DIV_ROUND_UP((u64)its->device_entry << bits, page) * 8 : (u64)its->device_entry << bits;
        if (first <= page * BASER_PAGES_MAX && (two || first <= FLAT_LIMIT)) {
            page_bits = MIN(taken, 2u);
            break;
        }
        if (taken >= 2 || taken != page_bits || ++page_bits > 2) {
            page_bits = 0;
            bits--;                      /* fewer devices then: those with the highest numbers have no messages */
        }
    }
    if (bits != its->device_bits) {
        log_warn("ITS at %#" PRIx64 ": devices from %#" PRIx64 " on are too many for its table", its->base, BIT(bits));
        its->device_bits = bits;
    }
    its->table_page = (u32)page;
    its->devices_per_page = two ? page / its->device_entry : 0;
    its->nr_entries = first / (two ? 8 : its->device_entry);
    its->devices = table_write(its, n, first, two ? BASER_INDIRECT : 0, page_bits);
    return its->devices != NULL ? 0 : -ENOMEM;
}

static boot_code int collections_init(struct its *its)
{
    u32 n, bits = its->typer & GITS_TYPER_CIL ? (u32)(its->typer >> 32 & 15) + 1 : 16;
    u64 baser = baser_of(its, BASER_COLLECTIONS, &n);
    void *table;

    its->nr_collections = BIT32(bits);
    if (baser == 0) {
        /* HCC: it keeps them itself. */
        its->nr_collections = MIN(its->nr_collections, (u32)(its->typer >> 24 & 0xff));
        return 0;
    }
    table = table_write(its, n, ((baser >> 48 & 31) + 1) * NR_CPUS, 0, MIN(page_size_taken(its, n, 0), 2u));
    return table != NULL ? 0 : -ENOMEM;
}

static boot_code int queue_init(struct its *its)
{
    u64 value;

    its->queue = its_pages(QUEUE_ORDER, its->memf);
    if (its->queue == NULL) {
        return -ENOMEM;
    }
    its_publish(its->queue, QUEUE_BYTES, true);
    value = BASER_VALID | pa_of(its->queue) | (QUEUE_BYTES / KIB(4) - 1);
    its->clean_queue = write_base(its->regs, GITS_CBASER, value, ITS_CACHE_SHIFT, its->noncoherent);
    its->tail = its->head = 0;
    gic_write64(its->regs, GITS_CWRITER, 0);
    return kept(its, GITS_CBASER, value, BASER_VALID | BASER_ADDRESS | GENMASK(7, 0)) ? 0 : -EIO;
}

/* Off, as the registers of tables want it (GITS_CTLR.Quiescent); and no table of somebody's before us, of any type. */
static boot_code int quiesce(struct its *its)
{
    u64 deadline = arch_counter() + ns_to_ticks(GIC_WAIT_NS);
    bool late = false;

    gic_write32(its->regs, GITS_CTLR, gic_read32(its->regs, GITS_CTLR) & ~GITS_CTLR_ENABLED);
    while (!(gic_read32(its->regs, GITS_CTLR) & GITS_CTLR_QUIESCENT)) {
        if (late) {
            return -EIO;
        }
        late = arch_counter() > deadline;
        cpu_relax();
    }
    for (u32 n = 0; n < GITS_NR_BASER; n++) {
        gic_write64(its->regs, GITS_BASER(n), 0);
    }
    return 0;
}

/* Its name and what it can do, but for what is known better. False: it is one that is not to be used. */
static boot_code bool identify(struct its *its)
{
    its->iidr = gic_read32(its->regs, GITS_IIDR);
    its->typer = gic_read64(its->regs, GITS_TYPER);
    for (u32 i = 0; i < ARRAY_SIZE(quirks); i++) {
        if ((its->iidr & quirks[i].mask) == quirks[i].iidr) {
            if (quirks[i].refused != NULL) {
                log_warn("ITS at %#" PRIx64 ": %s: not used", its->base, quirks[i].refused);
                return false;
            }
            its->typer = (its->typer & ~GITS_TYPER_ITT_ENTRY) | (quirks[i].itt_entry - 1) << 4;
        }
    }
    its->device_bits = (u32)(its->typer >> 13 & 31) + 1;
    return true;
}

/* Is there one? What firmware lists may not be there, as on QEMU with its=off by ACPI: then the access fails. */
static boot_code bool is_there(const struct its *its)
{
    u32 pidr2;

    if (arch_probe_read32((volatile char *)its->regs + GITS_PIDR2, &pidr2) != 0) {
        log_warn("ITS at %#" PRIx64 ": firmware lists it, and nothing is there", its->base);
        return false;
    }
    if ((pidr2 >> 4 & 15) != 3 && (pidr2 >> 4 & 15) != 4) {
        log_warn("ITS at %#" PRIx64 ": no ITS by its identification (GITS_PIDR2 %#x): not used", its->base, pidr2);
        return false;
    }
    return true;
}

static boot_code int service_init(struct its *its, const struct machine_its *m, u32 memf)
{
    int rc;

    *its = (struct its){
        .base = m->base, .noncoherent = m->noncoherent, .memf = memf, .regs = arch_ioremap(m->base, ITS_FRAMES)
    };
    if (its->regs == NULL || !is_there(its) || !identify(its)) {
        return -ENODEV;
    }
    rc = quiesce(its);
    rc = rc != 0 ? rc : devices_init(its);
    rc = rc != 0 ? rc : collections_init(its);
    rc = rc != 0 ? rc : queue_init(its);
    if (rc != 0) {
        log_warn("ITS at %#" PRIx64 ": cannot be used: error %d", its->base, rc);
        return rc;
    }
    gic_write32(its->regs, GITS_CTLR, GITS_CTLR_ENABLED);
    return 0;
}

/* All off, with one priority: the hypervisor does not tell LPIs apart. */
static boot_code bool properties_init(void)
{
    gicv3_lpi_properties = its_pages(order_of(LPI_MAX), redist_memf);
    if (gicv3_lpi_properties == NULL) {
        return false;
    }
    memset(gicv3_lpi_properties, IRQ_PRIO_DEFAULT & 0xfc, LPI_MAX);
    its_publish(gicv3_lpi_properties, LPI_MAX, true);
    return true;
}

/* Bits of LPIs' INTIDs, so that there are all of them. 0: none are. */
static boot_code u32 lpi_bits(u32 typer)
{
    u32 num = GICD_TYPER_NUM_LPIS(typer), bits = MIN((typer >> 19 & 31) + 1, (u32)LPI_ID_BITS);

    while (num != 0 && BIT(bits) > BIT(num + 1) + LPI_FIRST) {
        bits--;
    }
    return (typer & GICD_TYPER_LPIS) && bits >= LPI_ID_BITS_MIN ? bits : 0;
}

boot_code void gicv3_its_init(const struct machine *m, volatile void *gicd)
{
    gicv3_nr_its = 0;
    unusable = false;
    noncoherent = m->gic.redist_noncoherent;
    redist_memf = m->gic.low32 ? MEMF_LOW32 : 0;
    if (m->gic.nr_its == 0) {
        return;
    }
    /* Without LPIs an ITS has nothing to send. */
    gicv3_lpi_bits = lpi_bits(gic_read32(gicd, GICD_TYPER));
    if (gicv3_lpi_bits == 0) {
        log_warn("GICv3: firmware lists an ITS, but the distributor has no LPIs, or too few: no device has MSIs by it");
        return;
    }
    if (!properties_init()) {
        log_warn("GICv3: no memory for LPIs");
        return;
    }
    for (u32 i = 0; i < MIN(m->gic.nr_its, (u32)MACHINE_MAX_ITS); i++) {
        if (service_init(&gicv3_its[gicv3_nr_its], &m->gic.its[i], redist_memf) == 0) {
            gicv3_nr_its++;
        }
    }
}

/* ---- each CPU ---- */

static int lpis_enable(volatile void *rd)
{
    void *pending;

    if (!(gic_read64(rd, GICR_TYPER) & GICR_TYPER_PLPIS)) {
        return -ENODEV;
    }
    if (gic_read32(rd, GICR_CTLR) & GICR_CTLR_LPIS) {
        return -EBUSY;                           /* lpis_off() of gicv3.c has tried */
    }
    pending = its_pages(4, redist_memf);   /* 64 KiB for its alignment (GICR_PENDBASER) */
    if (pending == NULL) {
        return -ENOMEM;
    }
    its_publish(pending, BIT(LPI_ID_BITS) / 8, true);
    if (write_base(rd, GICR_PROPBASER, pa_of(gicv3_lpi_properties) | (gicv3_lpi_bits - 1), GICR_CACHE_SHIFT,
                   noncoherent)) {
        atomic_store(&gicv3_lpi_clean, true);
    }
    (void)write_base(rd, GICR_PENDBASER, pa_of(pending) | PENDBASER_PTZ, GICR_CACHE_SHIFT, noncoherent);
    gic_write32(rd, GICR_CTLR, gic_read32(rd, GICR_CTLR) | GICR_CTLR_LPIS);
    dsb(sy);                                     /* before a service sends it any */
    return 0;
}

/* Once: what one CPU has not, most likely none has. */
static void cannot_have(u32 cpu, int rc)
{
    if (atomic_exchange(&unusable, true)) {
        return;
    }
    log_warn("GICv3: CPU %u cannot have LPIs (error %d): devices have no MSIs by an ITS", cpu, rc);
    if (rc == -EBUSY) {
        log_warn("GICv3: a kernel before this one (kexec) has turned them on, and this GIC does not turn them off. "
                 "Start from the firmware, or tell that kernel irqchip.gicv3_nolpi=1");
    }
}

void gicv3_its_init_cpu(volatile void *rd, paddr_t pa)
{
    u32 cpu = cpu_id();
    int rc;

    if (gicv3_nr_its == 0) {
        return;
    }
    rc = lpis_enable(rd);
    if (rc != 0) {
        cannot_have(cpu, rc);
        return;
    }
    gicv3_redist_of[cpu].address = pa & GENMASK(51, 16);
    gicv3_redist_of[cpu].number = (gic_read64(rd, GICR_TYPER) >> 8 & 0xffff) << 16;
    spin_lock(&gicv3_its_lock);
    for (u32 i = 0; i < gicv3_nr_its; i++) {
        struct its *its = &gicv3_its[i];

        if (cpu >= its->nr_collections && !its->dead) {
            its_give_up(its, "has fewer collections than there are CPUs");
        }
        its_post(its, CMD_MAPC, 0, BASER_VALID | its_redistributor(its, cpu) | cpu, 0);
        its_post_sync(its, cpu);
        its_post(its, CMD_INVALL, 0, cpu, 0);
        its_post_sync(its, cpu);
        its_wait_read(its, 0);
    }
    spin_unlock(&gicv3_its_lock);
}

/* ---- when all CPUs are up ---- */

boot_code u32 gicv3_its_list(struct machine_its *out)
{
    u32 nr = 0;

    if (unusable) {
        return 0;
    }
    for (u32 i = 0; i < gicv3_nr_its; i++) {
        if (!gicv3_its[i].dead) {         /* it has answered for each CPU */
            gicv3_its[nr] = gicv3_its[i];
            out[nr] = (struct machine_its){ .base = gicv3_its[nr].base, .iidr = gicv3_its[nr].iidr };
            nr++;
        }
    }
    gicv3_nr_its = nr;
    return nr;
}
