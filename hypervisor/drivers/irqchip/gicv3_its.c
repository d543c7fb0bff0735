/* SPDX-License-Identifier: MIT */
/*
 * Interrupt translation services and LPIs (IHI0069 chapter 5, registers 12.11 and 12.19): tables in memory that the
 * hardware reads, and a queue of commands. docs/design/its.md.
 *
 * How the hardware reads memory is asked for when it is told where that is: inner shareable, write-back. It answers by
 * what it then shows in the register (5.1, GITS_BASER.Shareability): non-shareable, and what it is to see is cleaned to
 * the point of coherency by address. Either way what is written is complete (DSB) before the register that makes the
 * hardware look.
 */
#include "gicv3_its.h"

#include "gic.h"

#include <argon/arch.h>
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/spinlock.h>
#include <argon/string.h>
#include <argon/timer.h>

#define GICD_TYPER_LPIS     BIT32(17)
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
#define GITS_TYPER          0x0008
#define GITS_TYPER_PTA      BIT(19)      /* commands name a redistributor by its address, else by its number */
#define GITS_CBASER         0x0080
#define GITS_CWRITER        0x0088
#define GITS_CREADR         0x0090
#define GITS_CREADR_STALLED BIT(0)
#define GITS_BASER(n)       (0x0100u + 8 * (n))
#define GITS_NR_BASER       8u
#define GITS_PIDR2          0xffe8

#define BASER_VALID         BIT(63)
#define BASER_INDIRECT      BIT(62)
#define BASER_DEVICES       1u           /* types */
#define BASER_COLLECTIONS   4u
#define BASER_PAGE_SHIFT    8
#define BASER_PAGES_MAX     256u
#define SHAREABILITY        (UINT64_C(3) << 10)
#define INNER_SHAREABLE     (UINT64_C(1) << 10)
/* Inner cacheability is in GITS_CBASER and GITS_BASER at bit 59, in GICR_PROPBASER and GICR_PENDBASER at bit 7. */
#define ITS_CACHE_SHIFT     59
#define GICR_CACHE_SHIFT    7
#define CACHE_WRITE_BACK    UINT64_C(7)  /* read-allocate, write-allocate */
#define CACHE_NONE          UINT64_C(1)

#define FLAT_MAX            MIB(1)       /* a table of devices larger than this has two levels, where the service can */
#define FLAT_LIMIT          MIB(4)       /* ... and where it cannot, is no larger than this: fewer devices */

#define PAGES_LIMIT         MIB(8)       /* all pages of a second level: of 64 KiB, 128 times 8192 devices */

#define QUEUE_ORDER         4u           /* 64 KiB, which is its alignment too (GITS_CBASER) */
#define QUEUE_BYTES         (PAGE_SIZE << QUEUE_ORDER)
#define COMMAND_BYTES       32u
#define ITT_ALIGN           256u

enum its_command {
    CMD_MOVI = 1, CMD_CLEAR = 4, CMD_SYNC = 5, CMD_MAPD = 8, CMD_MAPC = 9, CMD_MAPTI = 10, CMD_INV = 12, CMD_INVALL = 13,
    CMD_DISCARD = 15
};

struct its {
    volatile void *regs;
    paddr_t base;
    u64 typer;
    u32 device_bits;
    u32 tail;                    /* offset in the queue of the next command, as last written to GITS_CWRITER */
    u32 head;                    /* what GITS_CREADR was when it was looked at: it may be further by now */
    u8 *queue;
    bool clean_queue, clean_tables;      /* the service does not see caches */
    bool dead;                   /* has not answered in time: is given nothing more */
    void *devices;               /* their table */
    u64 devices_per_page;        /* two levels: a page of the second has so many; 0: one level */
    u32 table_page;              /* bytes */
    u32 device_entry;            /* bytes of the first or only level's, and how many */
    u64 nr_entries;
    u64 pages_bytes;             /* of the second level, so far */
};

/*
 * Queues are under its_lock, which ranks above the allocator; devices and their tables are the caller's to serialize;
 * all else is constant after boot. gicr_of[] is written by its CPU as it starts.
 */
static struct its services[MACHINE_MAX_ITS];
static u32 nr_services;
static struct spinlock its_lock = SPINLOCK_INIT(RANK_IRQCHIP);
static struct { u64 address, number; } gicr_of[NR_CPUS]; /* as commands name redistributors, bits 50:16 */
static u8 *properties;           /* of all LPIs: priority, enabled (IHI0069 5.1.1) */
static bool clean_properties;
static bool unusable;            /* a CPU cannot have LPIs */

static paddr_t pa_of(const void *va)
{
    return mfn_to_paddr(virt_to_mfn(va)) + ((uintptr_t)va & ~PAGE_MASK);
}

/* What was written is seen by what reads `cached` or not, before the next write to a register. */
static void publish(const void *va, size_t bytes, bool clean)
{
    if (clean) {
        arch_clean_dcache(va, bytes);
    }
    dsb(sy);                             /* also orders a write to memory before one to a device (Arm ARM B2.3.12) */
}

/*
 * Tell the hardware where memory is; true: it does not look into caches, and has been told again so that it does not
 * think it does.
 */
static bool write_base(volatile void *regs, u32 offset, u64 value, u32 cache_shift)
{
    gic_write64(regs, offset, value | INNER_SHAREABLE | CACHE_WRITE_BACK << cache_shift);
    if (gic_read64(regs, offset) & SHAREABILITY) {
        return false;
    }
    gic_write64(regs, offset, value | CACHE_NONE << cache_shift);
    return true;
}

/* ---- the queue ---- */

static void give_up(struct its *its, const char *why)
{
    its->dead = true;
    log_err("ITS at %#" PRIx64 " %s: no device's messages are set up by it any more", its->base, why);
}

static u32 in_queue(const struct its *its)
{
    return (its->tail - its->head) & (QUEUE_BYTES - 1);
}

/* Until at most `left` bytes of the queue are not yet read. */
static void wait_read(struct its *its, u32 left)
{
    u64 deadline = arch_counter() + ns_to_ticks(GIC_WAIT_NS);

    while (!its->dead) {
        u64 head = gic_read64(its->regs, GITS_CREADR);

        its->head = (u32)head & (QUEUE_BYTES - COMMAND_BYTES);
        if (head & GITS_CREADR_STALLED) {
            give_up(its, "has refused a command");
        } else if (in_queue(its) <= left) {
            return;
        } else if (arch_counter() > deadline) {
            give_up(its, "does not read its commands");
        }
        cpu_relax();
    }
}

static void post(struct its *its, u64 w0, u64 w1, u64 w2, u64 w3)
{
    const u64 command[4] = { w0, w1, w2, w3 };

    if (unlikely(in_queue(its) > QUEUE_BYTES - 2 * COMMAND_BYTES)) {
        wait_read(its, QUEUE_BYTES - 2 * COMMAND_BYTES); /* a full queue would look like an empty one */
    }
    if (its->dead) {
        return;
    }
    memcpy(its->queue + its->tail, command, sizeof(command));
    publish(its->queue + its->tail, sizeof(command), its->clean_queue);
    its->tail = (its->tail + COMMAND_BYTES) & (QUEUE_BYTES - 1);
    gic_write64(its->regs, GITS_CWRITER, its->tail);
}

static u64 redistributor(const struct its *its, u32 cpu)
{
    return its->typer & GITS_TYPER_PTA ? gicr_of[cpu].address : gicr_of[cpu].number;
}

/* What was asked for is done at the redistributor, too, once this has been read (5.3.15). */
static void post_sync(struct its *its, u32 cpu)
{
    post(its, CMD_SYNC, 0, redistributor(its, cpu), 0);
}

/* A command of a device's event. Its collection has its CPU's number. */
static void post_event(const struct its_event *e, enum its_command c, u64 w1_high, u64 w2)
{
    struct its *its = &services[e->its];

    spin_lock(&its_lock);
    post(its, c | (u64)e->device << 32, e->event | w1_high << 32, w2, 0);
    post_sync(its, e->cpu);
    spin_unlock(&its_lock);
}

static void its_complete(u32 n)
{
    spin_lock(&its_lock);
    wait_read(&services[n], 0);
    spin_unlock(&its_lock);
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

/*
 * Choose the page size, smallest first, with which `bytes` of table are possible, and write the register. The page
 * size, and whether there are two levels, may be fixed: what is read back says what is.
 */
static boot_code void *table_write(struct its *its, u32 n, u64 bytes, u64 flags, u32 page_bits)
{
    u64 page = KIB(4) << 2 * page_bits, nr = DIV_ROUND_UP(bytes, page);
    unsigned int order = 0;
    void *table;
    u64 value;

    while ((PAGE_SIZE << order) < MAX(nr * page, page)) {
        order++;
    }
    table = pages_alloc(order, MEMF_ZERO);
    if (table == NULL) {
        return NULL;
    }
    publish(table, PAGE_SIZE << order, true);    /* whether it sees caches is known only once it has been told */
    value = pa_of(table) | flags | BASER_VALID | (u64)page_bits << BASER_PAGE_SHIFT | (nr - 1);
    its->clean_tables = write_base(its->regs, GITS_BASER(n), value, ITS_CACHE_SHIFT) || its->clean_tables;
    return table;
}

/* The page size that the register takes, of those with bit in `sizes`: 4, 16, 64 KiB. 3: none of them. */
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

/* Device table: a level, or two with the second made as devices come. */
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
    u32 n;
    u64 baser = baser_of(its, BASER_COLLECTIONS, &n);
    void *table;

    if (baser == 0) {
        return 0;                        /* GITS_TYPER.HCC: all that there are it keeps itself */
    }
    table = table_write(its, n, ((baser >> 48 & 31) + 1) * NR_CPUS, 0, MIN(page_size_taken(its, n, 0), 2u));
    return table != NULL ? 0 : -ENOMEM;
}

static boot_code int queue_init(struct its *its)
{
    its->queue = pages_alloc(QUEUE_ORDER, MEMF_ZERO);
    if (its->queue == NULL) {
        return -ENOMEM;
    }
    publish(its->queue, QUEUE_BYTES, true);
    its->clean_queue = write_base(its->regs, GITS_CBASER, BASER_VALID | pa_of(its->queue) | (QUEUE_BYTES / KIB(4) - 1),
                                  ITS_CACHE_SHIFT);
    its->tail = its->head = 0;
    gic_write64(its->regs, GITS_CWRITER, 0);
    return 0;
}

/* Off, as the registers of tables want it (GITS_CTLR.Quiescent). */
static boot_code int quiesce(struct its *its)
{
    u64 deadline = arch_counter() + ns_to_ticks(GIC_WAIT_NS);

    gic_write32(its->regs, GITS_CTLR, gic_read32(its->regs, GITS_CTLR) & ~GITS_CTLR_ENABLED);
    while (!(gic_read32(its->regs, GITS_CTLR) & GITS_CTLR_QUIESCENT)) {
        if (arch_counter() > deadline) {
            return -EIO;
        }
        cpu_relax();
    }
    return 0;
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

static boot_code int service_init(struct its *its, paddr_t base)
{
    int rc;

    *its = (struct its){ .base = base, .regs = arch_ioremap(base, ITS_FRAMES) };
    if (its->regs == NULL || !is_there(its)) {
        return -ENODEV;
    }
    its->typer = gic_read64(its->regs, GITS_TYPER);
    its->device_bits = (u32)(its->typer >> 13 & 31) + 1;
    rc = quiesce(its);
    rc = rc != 0 ? rc : devices_init(its);
    rc = rc != 0 ? rc : collections_init(its);
    rc = rc != 0 ? rc : queue_init(its);
    if (rc != 0) {
        log_warn("ITS at %#" PRIx64 ": cannot be used: error %d", base, rc);
        return rc;
    }
    gic_write32(its->regs, GITS_CTLR, GITS_CTLR_ENABLED);
    return 0;
}

/* All off, with one priority: the hypervisor does not tell LPIs apart. */
static boot_code bool properties_init(void)
{
    unsigned int order = 0;

    while ((PAGE_SIZE << order) < LPI_MAX) {
        order++;
    }
    properties = pages_alloc(order, 0);
    if (properties == NULL) {
        return false;
    }
    memset(properties, IRQ_PRIO_DEFAULT & 0xfc, LPI_MAX);
    publish(properties, LPI_MAX, true);
    return true;
}

boot_code void gicv3_its_init(const struct machine *m, volatile void *gicd)
{
    u32 typer = gic_read32(gicd, GICD_TYPER);

    nr_services = 0;
    unusable = false;
    if (m->gic.nr_its == 0) {
        return;
    }
    /* Without LPIs an ITS has nothing to send. */
    if (!(typer & GICD_TYPER_LPIS) || (typer >> 19 & 31) + 1 < LPI_ID_BITS) {
        log_warn("GICv3: firmware lists an ITS, but the distributor has no LPIs, or too few: devices have no MSIs by it");
        return;
    }
    if (!properties_init()) {
        log_warn("GICv3: no memory for LPIs");
        return;
    }
    for (u32 i = 0; i < MIN(m->gic.nr_its, (u32)MACHINE_MAX_ITS); i++) {
        if (service_init(&services[nr_services], m->gic.its[i].base) == 0) {
            nr_services++;
        }
    }
}

/* ---- each CPU ---- */

static int lpis_enable(volatile void *rd)
{
    void *pending;

    if (!(gic_read64(rd, GICR_TYPER) & GICR_TYPER_PLPIS) || (gic_read32(rd, GICR_CTLR) & GICR_CTLR_LPIS)) {
        return -ENODEV;
    }
    pending = pages_alloc(4, MEMF_ZERO);         /* 64 KiB for its alignment (GICR_PENDBASER) */
    if (pending == NULL) {
        return -ENOMEM;
    }
    publish(pending, BIT(LPI_ID_BITS) / 8, true);
    if (write_base(rd, GICR_PROPBASER, pa_of(properties) | (LPI_ID_BITS - 1), GICR_CACHE_SHIFT)) {
        atomic_store(&clean_properties, true);
    }
    (void)write_base(rd, GICR_PENDBASER, pa_of(pending) | PENDBASER_PTZ, GICR_CACHE_SHIFT);
    gic_write32(rd, GICR_CTLR, gic_read32(rd, GICR_CTLR) | GICR_CTLR_LPIS);
    dsb(sy);                                     /* before a service sends it any */
    return 0;
}

void gicv3_its_init_cpu(volatile void *rd, paddr_t pa)
{
    u32 cpu = cpu_id();
    int rc;

    if (nr_services == 0) {
        return;
    }
    rc = lpis_enable(rd);
    if (rc != 0) {
        log_warn("GICv3: CPU %u cannot have LPIs (error %d): devices have no MSIs by an ITS", cpu, rc);
        atomic_store(&unusable, true);
        return;
    }
    gicr_of[cpu].address = pa & GENMASK(50, 16);
    gicr_of[cpu].number = (gic_read64(rd, GICR_TYPER) >> 8 & 0xffff) << 16;
    spin_lock(&its_lock);
    for (u32 i = 0; i < nr_services; i++) {
        struct its *its = &services[i];

        post(its, CMD_MAPC, 0, BASER_VALID | redistributor(its, cpu) | cpu, 0);
        post_sync(its, cpu);
        post(its, CMD_INVALL, 0, cpu, 0);
        post_sync(its, cpu);
        wait_read(its, 0);
    }
    spin_unlock(&its_lock);
}

/* ---- devices and events ---- */

static boot_code u32 its_list(struct machine_its *out)
{
    if (unusable) {
        return 0;
    }
    for (u32 i = 0; i < nr_services; i++) {
        out[i].base = services[i].base;
    }
    return nr_services;
}

static u32 its_device_bits(u32 n) { return services[n].device_bits; }
static u32 its_event_bits(u32 n) { return MIN((u32)(services[n].typer >> 8 & 31) + 1, (u32)ITS_EVENT_BITS); }

/*
 * The page of a device table's second level that has the device: made once, and kept. Whose numbers they are may name
 * any, one after the other, so there is an end to them.
 */
static int device_page(struct its *its, u32 device)
{
    u64 *entry, page;
    void *va;
    unsigned int order = 0;

    if (its->devices_per_page == 0) {
        return 0;
    }
    page = device / its->devices_per_page;
    if (page >= its->nr_entries) {
        return -EINVAL;
    }
    entry = (u64 *)its->devices + page;
    if (*entry & BASER_VALID) {
        return 0;
    }
    if (its->pages_bytes >= PAGES_LIMIT) {
        return -ENOSPC;
    }
    while ((PAGE_SIZE << order) < its->table_page) {
        order++;
    }
    va = pages_alloc(order, MEMF_ZERO);
    if (va == NULL) {
        return -ENOMEM;
    }
    its->pages_bytes += its->table_page;
    publish(va, its->table_page, its->clean_tables);
    *entry = pa_of(va) | BASER_VALID;
    publish(entry, sizeof(*entry), its->clean_tables);
    return 0;
}

static size_t itt_bytes(const struct its *its, u32 bits)
{
    size_t bytes = ITT_ALIGN;

    while (bytes < (size_t)((its->typer >> 4 & 15) + 1) << bits) {
        bytes <<= 1;
    }
    return bytes;                        /* a power of two: so aligned it is, up to a page and beyond */
}

static int its_map_device(u32 n, u32 device, u32 bits, void **itt)
{
    struct its *its = &services[n];
    size_t bytes = itt_bytes(its, bits);
    void *table;
    int rc;

    if (its->dead) {
        return -EIO;                     /* it could not be given back (its_unmap_device()) */
    }
    table = xzalloc_bytes(bytes);
    if (table == NULL) {
        return -ENOMEM;
    }
    ASSERT(IS_ALIGNED(pa_of(table), ITT_ALIGN));
    publish(table, bytes, its->clean_tables);
    rc = device_page(its, device);
    if (rc != 0) {
        xfree(table);
        return rc;
    }
    spin_lock(&its_lock);
    post(its, CMD_MAPD | (u64)device << 32, bits - 1, BASER_VALID | pa_of(table), 0);
    spin_unlock(&its_lock);
    *itt = table;
    return 0;
}

static void its_unmap_device(u32 n, u32 device, void *itt)
{
    struct its *its = &services[n];

    spin_lock(&its_lock);
    post(its, CMD_MAPD | (u64)device << 32, 0, 0, 0);
    wait_read(its, 0);
    spin_unlock(&its_lock);
    if (!its->dead) {
        xfree(itt);                      /* else it may still be written */
    }
}

static void its_map(const struct its_event *e)
{
    post_event(e, CMD_MAPTI, e->lpi, e->cpu);
}

static void its_move(const struct its_event *e)
{
    post_event(e, CMD_MOVI, 0, e->cpu);
}

static void its_discard(const struct its_event *e)
{
    post_event(e, CMD_DISCARD, 0, 0);
}

static void its_clear(const struct its_event *e)
{
    post_event(e, CMD_CLEAR, 0, 0);
}

static void its_enable(const struct its_event *e, bool on)
{
    u8 *property = &properties[e->lpi - LPI_FIRST];

    *property = (u8)((IRQ_PRIO_DEFAULT & 0xfc) | on);
    publish(property, 1, clean_properties);
    post_event(e, CMD_INV, 0, 0);
}

const struct its_ops gicv3_its_ops = {
    .list = its_list,
    .device_bits = its_device_bits,
    .event_bits = its_event_bits,
    .map_device = its_map_device,
    .unmap_device = its_unmap_device,
    .map = its_map,
    .move = its_move,
    .discard = its_discard,
    .clear = its_clear,
    .enable = its_enable,
    .complete = its_complete,
};
