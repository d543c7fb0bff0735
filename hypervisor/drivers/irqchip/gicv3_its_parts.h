/* SPDX-License-Identifier: MIT */
/* Between the parts of the driver of interrupt translation services: gicv3_its_init.c and gicv3_its.c. */
#ifndef DRIVERS_GICV3_ITS_PARTS_H
#define DRIVERS_GICV3_ITS_PARTS_H

#include "gic.h"
#include "gicv3_its.h"

#include <argon/arch.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/spinlock.h>

#define GITS_CWRITER        0x0088
#define BASER_VALID         BIT(63)
#define QUEUE_ORDER         4u           /* 64 KiB, which is its alignment too (GITS_CBASER) */
#define QUEUE_BYTES         (PAGE_SIZE << QUEUE_ORDER)
#define FLAT_MAX            MIB(1)       /* a table of devices larger than this has two levels, where the service can */

enum its_command {
    CMD_MOVI = 1, CMD_CLEAR = 4, CMD_SYNC = 5, CMD_MAPD = 8, CMD_MAPC = 9, CMD_MAPTI = 10, CMD_INV = 12,
    CMD_INVALL = 13, CMD_DISCARD = 15
};

struct its {
    volatile void *regs;
    paddr_t base;
    u64 typer;
    u32 iidr;
    u32 device_bits, nr_collections;
    u32 memf;                    /* where the memory of what it reads may be (MEMF_LOW32) */
    bool noncoherent;            /* it does not see caches, whatever it says */
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
 * Queues are under gicv3_its_lock, which ranks above the allocator; devices and their tables are the caller's to
 * serialize; all else is constant after boot. gicv3_redist_of[] is written by its CPU as it starts.
 */
extern struct its gicv3_its[MACHINE_MAX_ITS];
extern u32 gicv3_nr_its;
extern struct spinlock gicv3_its_lock;
/* As commands name redistributors, bits 51:16. */
extern struct its_redist { u64 address, number; } gicv3_redist_of[NR_CPUS];
extern u8 *gicv3_lpi_properties; /* of all LPIs: priority, enabled (IHI0069 5.1.1) */
extern u32 gicv3_lpi_bits;       /* of INTIDs: as many as the GIC and dom0 have */
extern bool gicv3_lpi_clean;     /* redistributors do not see caches */

/* ---- gicv3_its.c: the queue; the lock is held ---- */
void its_give_up(struct its *its, const char *why);
/* Until at most `left` bytes of the queue are not yet read. */
void its_wait_read(struct its *its, u32 left);
void its_post(struct its *its, u64 w0, u64 w1, u64 w2, u64 w3);
u64 its_redistributor(const struct its *its, u32 cpu);
/* What was asked for is done at the redistributor, too, once this has been read (5.3.15). */
void its_post_sync(struct its *its, u32 cpu);

/* ---- gicv3_its_memory.c; gicv3_its_lock is not held ---- */
/* Zeroed, aligned to their size. memf: MEMF_LOW32 or 0. NULL: there are none, which is said where they must be low. */
void *its_pages(unsigned int order, u32 memf);
void its_pages_free(void *va, unsigned int order);

/* ---- gicv3_its_init.c ---- */
u32 gicv3_its_list(struct machine_its *out);

static inline paddr_t pa_of(const void *va)
{
    return mfn_to_paddr(virt_to_mfn(va)) + ((uintptr_t)va & ~PAGE_MASK);
}

/* What was written is seen by the hardware (`clean`: it looks into no cache) before the next write to a register. */
static inline void its_publish(const void *va, size_t bytes, bool clean)
{
    if (clean) {
        arch_clean_dcache(va, bytes);
    }
    dsb(sy);                             /* also orders a write to memory before one to a device (Arm ARM B2.3.12) */
}

static inline unsigned int order_of(u64 bytes)
{
    unsigned int order = 0;

    while ((PAGE_SIZE << order) < bytes) {
        order++;
    }
    return order;
}

#endif
