/* SPDX-License-Identifier: MIT */
/*
 * Interrupt translation services (IHI0069 chapter 5, registers 12.19): a queue of commands, devices and their events.
 * docs/design/its.md; how the hardware sees memory is in gicv3_its_init.c.
 */
#include "gicv3_its_parts.h"

#include <argon/console.h>
#include <argon/errno.h>
#include <argon/panic.h>
#include <argon/string.h>
#include <argon/timer.h>

#define GITS_TYPER_PTA      BIT(19)      /* commands name a redistributor by its address, else by its number */
#define GITS_CREADR         0x0090
#define GITS_CREADR_STALLED BIT(0)
#define COMMAND_BYTES       32u
#define ITT_ALIGN           256u
#define PAGES_LIMIT         MIB(8)       /* all pages of a second level: of 64 KiB, 128 times 8192 devices */

struct its gicv3_its[MACHINE_MAX_ITS];
u32 gicv3_nr_its;
struct spinlock gicv3_its_lock = SPINLOCK_INIT(RANK_IRQCHIP);
struct its_redist gicv3_redist_of[NR_CPUS];
u8 *gicv3_lpi_properties;
u32 gicv3_lpi_bits;
bool gicv3_lpi_clean;

/* ---- the queue ---- */

void its_give_up(struct its *its, const char *why)
{
    its->dead = true;
    log_err("ITS at %#" PRIx64 " %s: no device's messages are set up by it any more", its->base, why);
}

static u32 in_queue(const struct its *its)
{
    return (its->tail - its->head) & (QUEUE_BYTES - 1);
}

void its_wait_read(struct its *its, u32 left)
{
    u64 deadline = arch_counter() + ns_to_ticks(GIC_WAIT_NS);
    bool late = false;           /* before the look: EL3 may have this CPU for longer than that */

    while (!its->dead) {
        u64 head = gic_read64(its->regs, GITS_CREADR);

        its->head = (u32)head & (QUEUE_BYTES - COMMAND_BYTES);
        if (head & GITS_CREADR_STALLED) {
            its_give_up(its, "has refused a command");
        } else if (in_queue(its) <= left) {
            return;
        } else if (late) {
            its_give_up(its, "does not read its commands");
        }
        late = arch_counter() > deadline;
        cpu_relax();
    }
}

void its_post(struct its *its, u64 w0, u64 w1, u64 w2, u64 w3)
{
    const u64 command[4] = { w0, w1, w2, w3 };

    if (unlikely(in_queue(its) > QUEUE_BYTES - 2 * COMMAND_BYTES)) {
        its_wait_read(its, QUEUE_BYTES - 2 * COMMAND_BYTES); /* a full queue would look like an empty one */
    }
    if (its->dead) {
        return;
    }
    memcpy(its->queue + its->tail, command, sizeof(command));
    its_publish(its->queue + its->tail, sizeof(command), its->clean_queue);
    its->tail = (its->tail + COMMAND_BYTES) & (QUEUE_BYTES - 1);
    gic_write64(its->regs, GITS_CWRITER, its->tail);
}

u64 its_redistributor(const struct its *its, u32 cpu)
{
    return its->typer & GITS_TYPER_PTA ? gicv3_redist_of[cpu].address : gicv3_redist_of[cpu].number;
}

void its_post_sync(struct its *its, u32 cpu)
{
    its_post(its, CMD_SYNC, 0, its_redistributor(its, cpu), 0);
}

/* A command of a device's event. Its collection has its CPU's number. */
static void post_event(const struct its_event *e, enum its_command c, u64 w1_high, u64 w2)
{
    struct its *its = &gicv3_its[e->its];

    spin_lock(&gicv3_its_lock);
    its_post(its, c | (u64)e->device << 32, e->event | w1_high << 32, w2, 0);
    its_post_sync(its, e->cpu);
    spin_unlock(&gicv3_its_lock);
}

static void its_complete(u32 n)
{
    spin_lock(&gicv3_its_lock);
    its_wait_read(&gicv3_its[n], 0);
    spin_unlock(&gicv3_its_lock);
}

/* ---- devices and events ---- */

static u32 its_lpi_bits(void) { return gicv3_lpi_bits; }
static u32 its_device_bits(u32 n) { return gicv3_its[n].device_bits; }
static u32 its_event_bits(u32 n) { return MIN((u32)(gicv3_its[n].typer >> 8 & 31) + 1, (u32)ITS_EVENT_BITS); }

/*
 * The page of a device table's second level that has the device: made once, and kept. Whose numbers they are may name
 * any, one after the other, so there is an end to them.
 */
static int device_page(struct its *its, u32 device)
{
    u64 *entry, page;
    void *va;

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
    va = its_pages(order_of(its->table_page), its->memf);
    if (va == NULL) {
        return -ENOMEM;
    }
    its->pages_bytes += its->table_page;
    its_publish(va, its->table_page, its->clean_tables);
    *entry = pa_of(va) | BASER_VALID;
    its_publish(entry, sizeof(*entry), its->clean_tables);
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

static void *itt_alloc(const struct its *its, size_t bytes)
{
    return its->memf == 0 ? xzalloc_bytes(bytes) : its_pages(order_of(bytes), its->memf);
}

static void itt_free(const struct its *its, void *itt, size_t bytes)
{
    if (its->memf == 0) {
        xfree(itt);
    } else {
        its_pages_free(itt, order_of(bytes));
    }
}

static int its_map_device(u32 n, u32 device, u32 bits, void **itt)
{
    struct its *its = &gicv3_its[n];
    size_t bytes = itt_bytes(its, bits);
    void *table;
    int rc;

    if (its->dead) {
        return -EIO;                     /* it could not be given back (its_unmap_device()) */
    }
    table = itt_alloc(its, bytes);
    if (table == NULL) {
        return -ENOMEM;
    }
    ASSERT(IS_ALIGNED(pa_of(table), ITT_ALIGN));
    its_publish(table, bytes, its->clean_tables);
    rc = device_page(its, device);
    if (rc != 0) {
        itt_free(its, table, bytes);
        return rc;
    }
    spin_lock(&gicv3_its_lock);
    its_post(its, CMD_MAPD | (u64)device << 32, bits - 1, BASER_VALID | pa_of(table), 0);
    spin_unlock(&gicv3_its_lock);
    *itt = table;
    return 0;
}

static void its_unmap_device(u32 n, u32 device, u32 bits, void *itt)
{
    struct its *its = &gicv3_its[n];

    spin_lock(&gicv3_its_lock);
    its_post(its, CMD_MAPD | (u64)device << 32, 0, 0, 0);
    its_wait_read(its, 0);
    spin_unlock(&gicv3_its_lock);
    if (!its->dead) {
        itt_free(its, itt, itt_bytes(its, bits));        /* else it may still be written */
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
    u8 *property = &gicv3_lpi_properties[e->lpi - LPI_FIRST];

    *property = (u8)((IRQ_PRIO_DEFAULT & 0xfc) | on);
    its_publish(property, 1, gicv3_lpi_clean);
    post_event(e, CMD_INV, 0, 0);
}

const struct its_ops gicv3_its_ops = {
    .list = gicv3_its_list,
    .lpi_bits = its_lpi_bits,
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
