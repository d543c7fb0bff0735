/* SPDX-License-Identifier: MIT */
/*
 * Ticket spinlocks. The hypervisor always runs with interrupts masked, so there is one kind of lock and no irqsave
 * variant. Each lock has a rank: a CPU takes locks in rising rank only (docs/locking.md lists them); debug builds and
 * host tests check it.
 */
#ifndef ARGON_SPINLOCK_H
#define ARGON_SPINLOCK_H

#include <argon/atomic.h>
#include <argon/config.h>

/*
 * The one lock order. A lock may be taken while locks of smaller rank are held; equal rank only through
 * spin_lock_nested().
 */
enum lock_rank {
    RANK_NONE = 0,
    RANK_FIRMWARE,       /* core/efi_runtime.c: who is in UEFI's runtime services */
    RANK_DOMCTL,         /* core/hypercall/domctl: one control operation per domain at a time */
    RANK_DOMLIST,        /* core/domain: insertion into and removal from the table of domains */
    RANK_CPUPOOL,        /* core/sched: cpupool membership */
    RANK_DOMAIN,         /* struct domain: pause, shutdown, parameters, vCPUs, shared info */
    RANK_GRANT_TABLE,    /* grant table: growth, where its frames are mapped */
    RANK_GRANT_MAPTRACK, /* maptrack free list */
    RANK_GRANT_ENTRY,    /* one active grant entry */
    RANK_EVENT_TABLE,    /* a domain's: allocation of ports, FIFO geometry; one: who gets global VIRQs */
    RANK_EVENT_PORT,     /* one port (nested: the two ends, lower address first) */
    RANK_EVENT_QUEUE,    /* one FIFO queue */
    RANK_P2M,            /* one guest's stage 2 */
    RANK_PAGE_LIST,      /* struct domain: page list and counts */
    RANK_VGIC,           /* vdev/vgic: interrupts whose home one vCPU is; a domain's GICD_CTLR. One at a time */
    RANK_IRQ,            /* core/irq: all host interrupt descriptors; arm64/mmu.c: the hypervisor's windows */
    RANK_SCHED,          /* core/sched: one run queue (nested: two, lower CPU first) */
    RANK_TIMER,          /* core/time: one CPU's timer queue */
    RANK_QUIESCE,        /* core/smp: grace periods */
    RANK_RANGESET,       /* core/mem/rangeset: one set */
    RANK_HEAP,           /* core/mem: one node's buddy lists; one of its slab classes */
    RANK_IRQCHIP,        /* drivers/irqchip: distributor read-modify-write */
    RANK_DUMP,           /* core/console: whose turn it is to print its CPU's registers */
    RANK_CONSOLE,        /* core/console: ring and UART; input for dom0; leaves, may be taken under any other */
};

struct spinlock {
    union {
        u32 word;
        struct { u16 owner, next; };
    };
#if CONFIG_LOCK_DEBUG
    u16 rank;
    u16 holder;          /* CPU + 1 */
    const char *name;
#endif
};

#if CONFIG_LOCK_DEBUG
#define SPINLOCK_INIT(r) { .rank = (r), .name = #r }
void lock_debug_acquire(struct spinlock *l, bool nested);   /* before waiting: checks the order */
void lock_debug_acquired(struct spinlock *l);
void lock_debug_tried(struct spinlock *l);                  /* trylock succeeded: cannot deadlock, any order */
void lock_debug_release(struct spinlock *l);
#else
#define SPINLOCK_INIT(r) { .word = 0 }
static inline void lock_debug_acquire(struct spinlock *l, bool nested) { (void)l; (void)nested; }
static inline void lock_debug_acquired(struct spinlock *l) { (void)l; }
static inline void lock_debug_tried(struct spinlock *l) { (void)l; }
static inline void lock_debug_release(struct spinlock *l) { (void)l; }
#endif

#define spin_lock_init(l, r) (*(l) = (struct spinlock)SPINLOCK_INIT(r))

/* The rest of spin_lock_raw() where others are before it: waits for its turn. */
void spin_lock_contended(struct spinlock *l, u16 ticket);

static always_inline void spin_lock_raw(struct spinlock *l)
{
    /* Both halves at once: `next` is the upper one, and its overflow goes nowhere. */
    u32 old = __atomic_fetch_add(&l->word, BIT32(16), __ATOMIC_ACQUIRE);

    if (unlikely((old & 0xffff) != old >> 16)) {
        spin_lock_contended(l, (u16)(old >> 16));
    }
}

/* Take the lock; the caller holds no lock of equal or higher rank. */
static always_inline void spin_lock(struct spinlock *l)
{
    lock_debug_acquire(l, false);
    spin_lock_raw(l);
    lock_debug_acquired(l);
}

/* As spin_lock(), for a second lock of the same rank; the caller states its order of the two where it calls. */
static always_inline void spin_lock_nested(struct spinlock *l)
{
    lock_debug_acquire(l, true);
    spin_lock_raw(l);
    lock_debug_acquired(l);
}

/* Take the lock if it is free; in any order of ranks. May fail for no reason: the caller then waits for it. */
must_check static inline bool spin_trylock(struct spinlock *l)
{
    if (!arch_ticket_trylock(&l->word)) {
        return false;
    }
    lock_debug_tried(l);
    return true;
}

static always_inline void spin_unlock(struct spinlock *l)
{
    lock_debug_release(l);
    arch_ticket_unlock(&l->owner);
}

static inline bool spin_is_locked(const struct spinlock *l)
{
    u32 w = atomic_load(&l->word);

    return (w >> 16) != (w & 0xffff);
}

#endif
