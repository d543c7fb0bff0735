/* SPDX-License-Identifier: MIT */
/* Between the parts of dom0's LPIs and interrupt translation services. docs/design/its.md. */
#ifndef VGIC_ITS_H
#define VGIC_ITS_H

#include "internal.h"

#include <argon/its.h>
#include <argon/machine.h>
#include <argon/rbtree.h>

/*
 * So many LPIs are made at a time, when the first of them is mapped, and looked at in one step of a command that is for
 * all of a collection.
 */
#define LPI_CHUNK 32u

/*
 * An LPI of dom0's. It has one event at a time, or none: then irq.target is NULL, and what arrives is dropped. What is
 * beside irq is under struct vgic_lpis' lock.
 */
struct vgic_lpi {
    struct vgic_irq irq;
    bool mapped;
    u16 collection;
    struct its_event event;      /* event.cpu: where the machine's LPI goes */
};

/* A device that dom0 has mapped. */
struct vits_device {
    struct rb_node node;         /* struct vits.devices, by id */
    u32 id, bits;                /* 2^bits events */
    void *itt;                   /* the machine's */
    u16 lpi[];                   /* by event: INTID, 0: not mapped */
};

static_assert(MACHINE_MAX_ITS <= 32, "a bit for each in struct vgic_vcpu.its_owed");

struct vits {
    u32 id;                      /* of the machine's (argon/its.h), and its place in struct vgic_lpis */
    u32 iidr;                    /* the machine's */
    bool enabled;
    bool stalled;                /* a command could not be read: until dom0 writes GITS_CWRITER.Retry */
    u32 cwriter, creadr;         /* offsets in the queue */
    u64 cbaser;
    struct rb_root_cached devices;
    struct vcpu *collection[MAX_VCPUS];      /* by collection: who takes its LPIs; NULL: not mapped */
    /* The command that is being carried out. It was read once; `step` says how much of it is done. */
    bool busy;
    u64 command[4];
    u32 step;
};

struct vgic_lpis {
    struct spinlock lock;        /* RANK_ITS */
    u64 propbaser;               /* GICR_PROPBASER, one for all redistributors */
    u32 id_bits;                 /* of INTIDs: what the machine has; constant */
    u32 events;                  /* room for events that dom0's devices have been given: bounded */
    u32 nr_said;                 /* messages about commands */
    u32 at_work;                 /* somebody has a turn of commands; atomic */
    u32 turns;                   /* of the exit path's: which service is the first */
    struct vgic_lpi *chunk[LPI_MAX / LPI_CHUNK]; /* made once, never freed; read without the lock */
    u32 nr_its;
    struct vits its[];
};

/* Each device is charged with its events, this many at least; and all of dom0's may have so many. */
#define VITS_EVENTS_MIN 16u
#define VITS_EVENTS_MAX (2 * LPI_MAX)

static inline struct vgic_lpi *vgic_lpi_of(const struct vgic_lpis *l, u32 intid)
{
    u32 n = intid - LPI_FIRST;
    struct vgic_lpi *chunk = n < LPI_MAX ? atomic_load_acquire(&l->chunk[n / LPI_CHUNK]) : NULL;

    return chunk != NULL ? &chunk[n % LPI_CHUNK] : NULL;
}

/* Who has the machine's LPIs; NULL: nobody. */
struct domain *vgic_lpi_domain(void);

/* ---- lpi.c; l's lock is held but for the last ---- */
/* NULL: dom0's LPIs have no such number, or no memory. */
struct vgic_lpi *vgic_lpi_make(struct domain *d, u32 intid);
/* It has that event from now on, pends for v (NULL: nobody yet), and is enabled as dom0's table says. */
void vgic_lpi_map(struct domain *d, struct vgic_lpi *lpi, const struct its_event *e, u32 collection, struct vcpu *v);
void vgic_lpi_unmap(struct vgic_lpi *lpi);
void vgic_lpi_move(struct vgic_lpi *lpi, u32 collection, struct vcpu *v);
/* Priority and enable are read anew. */
void vgic_lpi_configure(struct domain *d, struct vgic_lpi *lpi);
/* It has arrived where its vCPU is not: the next one where that is now. If nobody is changing anything just now. */
void vgic_lpi_follow(struct domain *d, u32 intid);

/* ---- its_commands.c; l's lock is held ---- */
/*
 * A step of its->command. 0: it is done; -EAGAIN: there is more of it; another error: dom0's mistake, which costs that
 * command, after a message.
 */
must_check int vits_command(struct domain *d, struct vits *its);

#endif
