/* SPDX-License-Identifier: MIT */
/*
 * The commands of dom0's interrupt translation services (IHI0069 5.3), one step at a time. Each number in a command is
 * dom0's word: it is checked before it is used, once, from the copy that the queue's owner has read.
 *
 * Addresses of tables in commands are not looked at: what would be there is in memory of Argon's.
 */
#include "its.h"

#include <argon/console.h>
#include <argon/mem.h>
#include <argon/nospec.h>

#define VALID BIT(63)

/* A command's fields. */
static u32 device_id(const struct vits *its) { return (u32)(its->command[0] >> 32); }
static u32 event_id(const struct vits *its) { return (u32)its->command[1]; }
static u32 lpi_id(const struct vits *its) { return (u32)(its->command[1] >> 32); }
static u32 collection_id(const struct vits *its) { return (u32)its->command[2] & 0xffff; }
static bool is_valid(const struct vits *its) { return its->command[2] & VALID; }

/* Of a number that has been checked. */
static struct vcpu **collection_of(struct vits *its, u32 id)
{
    return &its->collection[index_nospec(id, MAX_VCPUS)];
}

/* RDbase: GITS_TYPER.PTA is 0, so it is a redistributor's number, which is a vCPU's. */
static struct vcpu *redistributor(const struct domain *d, u64 word)
{
    return domain_vcpu(d, word >> 16 & GENMASK(34, 0));
}

/* ---- devices ---- */
static bool device_less(const struct rb_node *a, const struct rb_node *b)
{
    return container_of(a, struct vits_device, node)->id < container_of(b, struct vits_device, node)->id;
}

static struct vits_device *find_device(const struct vits *its, u32 id)
{
    struct rb_node *n = its->devices.root;

    while (n != NULL) {
        struct vits_device *dev = container_of(n, struct vits_device, node);

        if (dev->id == id) {
            return dev;
        }
        n = id < dev->id ? n->left : n->right;
    }
    return NULL;
}

static u32 charge(u32 bits)
{
    return MAX(BIT32(bits), VITS_EVENTS_MIN);
}

static int add_device(struct domain *d, struct vits *its, u32 id, u32 bits)
{
    struct vgic_lpis *l = d->arch.vgic.lpis;
    struct vits_device *dev;
    int rc;

    if (charge(bits) > VITS_EVENTS_MAX - l->events) {
        return -ENOSPC;
    }
    dev = xzalloc_bytes(sizeof(*dev) + (sizeof(dev->lpi[0]) << bits));
    if (dev == NULL) {
        return -ENOMEM;
    }
    rc = irqchip->its->map_device(its->id, id, bits, &dev->itt);
    if (rc != 0) {
        xfree(dev);
        return rc;
    }
    dev->id = id;
    dev->bits = bits;
    l->events += charge(bits);
    rb_insert(&its->devices, &dev->node, device_less);
    return 0;
}

/* Its events one after the other, so many in a step; then itself. */
static int remove_device(struct domain *d, struct vits *its, struct vits_device *dev)
{
    struct vgic_lpis *l = d->arch.vgic.lpis;
    u32 turns = LPI_CHUNK;

    for (; its->step < BIT32(dev->bits); its->step++) {
        u32 intid = dev->lpi[its->step];

        if (intid == 0) {
            continue;
        }
        if (turns-- == 0) {
            return -EAGAIN;
        }
        vgic_lpi_unmap(vgic_lpi_of(l, intid));
        dev->lpi[its->step] = 0;
    }
    irqchip->its->unmap_device(its->id, dev->id, dev->bits, dev->itt);
    rb_remove(&its->devices, &dev->node);
    l->events -= charge(dev->bits);
    xfree(dev);
    return 0;
}

/* MAPD (5.3.11). A device that is mapped begins anew. */
static int cmd_mapd(struct domain *d, struct vits *its)
{
    u32 id = device_id(its), bits = (u32)(its->command[1] & 31) + 1;
    struct vits_device *dev = find_device(its, id);

    if (is_valid(its) && (id >> (irqchip->its->device_bits(its->id) - 1) > 1 ||
                          bits > irqchip->its->event_bits(its->id))) {
        return -ERANGE;
    }
    if (dev != NULL) {
        int rc = remove_device(d, its, dev);

        if (rc != 0) {
            return rc;
        }
    }
    return is_valid(its) ? add_device(d, its, id, bits) : 0;
}

/* ---- collections ---- */
/*
 * All LPIs of a chunk that are of the collection, and so on with the next one that there is: -EAGAIN until there is
 * none.
 */
static int each_of_collection(struct domain *d, struct vits *its, u32 collection,
                              void (*fn)(struct domain *d, struct vits *its, struct vgic_lpi *lpi))
{
    struct vgic_lpis *l = d->arch.vgic.lpis;

    while (its->step < ARRAY_SIZE(l->chunk) && l->chunk[its->step] == NULL) {
        its->step++;
    }
    if (its->step == ARRAY_SIZE(l->chunk)) {
        return 0;
    }
    for (u32 i = 0; i < LPI_CHUNK; i++) {
        struct vgic_lpi *lpi = &l->chunk[its->step][i];

        if (lpi->mapped && lpi->event.its == its->id && lpi->collection == collection) {
            fn(d, its, lpi);
        }
    }
    its->step++;
    return -EAGAIN;
}

static void move_one(struct domain *d, struct vits *its, struct vgic_lpi *lpi)
{
    (void)d;
    vgic_lpi_move(lpi, lpi->collection, its->collection[lpi->collection]);
}

/* MAPC (5.3.10). What the collection has goes where it is from now on, pending or not. */
static int cmd_mapc(struct domain *d, struct vits *its)
{
    u32 id = collection_id(its);
    struct vcpu *v = is_valid(its) ? redistributor(d, its->command[2]) : NULL;

    if (id >= MAX_VCPUS || (is_valid(its) && v == NULL)) {
        return -ERANGE;
    }
    *collection_of(its, id) = v;
    return each_of_collection(d, its, id, move_one);
}

static void configure_one(struct domain *d, struct vits *its, struct vgic_lpi *lpi)
{
    (void)its;
    vgic_lpi_configure(d, lpi);
}

static int cmd_invall(struct domain *d, struct vits *its)
{
    u32 id = collection_id(its);

    if (id >= MAX_VCPUS || *collection_of(its, id) == NULL) {
        return -ERANGE;
    }
    return each_of_collection(d, its, id, configure_one);
}

/*
 * MOVALL (5.3.12): nothing is left behind, as MAPC has moved it. SYNC: all that was before it is done when it is read.
 */
static int cmd_movall(struct domain *d, struct vits *its)
{
    bool both = redistributor(d, its->command[2]) != NULL && redistributor(d, its->command[3]) != NULL;

    return both ? 0 : -ERANGE;
}

static int cmd_sync(struct domain *d, struct vits *its)
{
    return redistributor(d, its->command[2]) != NULL ? 0 : -ERANGE;
}

/* ---- events ---- */
/* Where the device has the LPI of the event; NULL: it has no such event, or is not mapped. */
static u16 *find_event(const struct vits *its)
{
    struct vits_device *dev = find_device(its, device_id(its));
    u32 event = event_id(its);

    return dev != NULL && event < BIT32(dev->bits) ? &dev->lpi[index_nospec(event, BIT32(dev->bits))] : NULL;
}

/*
 * An LPI has one event, as the machine's has: the last that dom0 gave it. A kernel that dom0's starts by kexec does not
 * know of those before; on a machine they are gone with the tables (GITS_BASER), of which there are none here.
 */
static void lose_event(struct domain *d, struct vgic_lpi *lpi)
{
    struct its_event e = lpi->event;
    struct vits_device *dev = find_device(&d->arch.vgic.lpis->its[e.its], e.device);

    ASSERT_ALWAYS(dev != NULL && e.event < BIT32(dev->bits));
    vgic_lpi_unmap(lpi);
    dev->lpi[e.event] = 0;
    irqchip->its->complete(e.its);       /* before another service may have it */
}

static int map_event(struct domain *d, struct vits *its, u32 intid)
{
    struct its_event e = { .its = its->id, .device = device_id(its), .event = event_id(its), .lpi = intid };
    u32 collection = collection_id(its);
    u16 *slot = find_event(its);
    struct vgic_lpi *lpi;

    if (slot == NULL || intid < LPI_FIRST || intid >> d->arch.vgic.lpis->id_bits != 0 || collection >= MAX_VCPUS) {
        return -ERANGE;
    }
    intid = LPI_FIRST + (u32)index_nospec(intid - LPI_FIRST, LPI_MAX);
    lpi = vgic_lpi_make(d, intid);
    if (lpi == NULL) {
        return -ENOMEM;
    }
    if (lpi->mapped && *slot != intid) {
        lose_event(d, lpi);
    }
    if (*slot != 0) {
        vgic_lpi_unmap(vgic_lpi_of(d->arch.vgic.lpis, *slot));
    }
    *slot = (u16)intid;
    vgic_lpi_map(d, lpi, &e, collection, *collection_of(its, collection));
    return 0;
}

static int cmd_mapti(struct domain *d, struct vits *its)
{
    return map_event(d, its, lpi_id(its));
}

static int cmd_mapi(struct domain *d, struct vits *its)
{
    return map_event(d, its, event_id(its));
}

static struct vgic_lpi *find_lpi(const struct domain *d, const struct vits *its)
{
    const u16 *slot = find_event(its);

    return slot != NULL && *slot != 0 ? vgic_lpi_of(d->arch.vgic.lpis, *slot) : NULL;
}

static int cmd_movi(struct domain *d, struct vits *its)
{
    u32 collection = collection_id(its);
    struct vgic_lpi *lpi = find_lpi(d, its);

    if (lpi == NULL || collection >= MAX_VCPUS || *collection_of(its, collection) == NULL) {
        return -ERANGE;
    }
    vgic_lpi_move(lpi, collection, *collection_of(its, collection));
    return 0;
}

static int cmd_discard(struct domain *d, struct vits *its)
{
    struct vgic_lpi *lpi = find_lpi(d, its);

    if (lpi == NULL) {
        return -ERANGE;
    }
    *find_event(its) = 0;
    vgic_lpi_unmap(lpi);
    return 0;
}

static int cmd_inv(struct domain *d, struct vits *its)
{
    struct vgic_lpi *lpi = find_lpi(d, its);

    if (lpi == NULL) {
        return -ERANGE;
    }
    vgic_lpi_configure(d, lpi);
    return 0;
}

static int cmd_int(struct domain *d, struct vits *its)
{
    struct vgic_lpi *lpi = find_lpi(d, its);

    if (lpi == NULL) {
        return -ERANGE;
    }
    (void)vgic_inject_lpi(lpi->irq.intid);
    return 0;
}

static int cmd_clear(struct domain *d, struct vits *its)
{
    struct vgic_lpi *lpi = find_lpi(d, its);

    if (lpi == NULL) {
        return -ERANGE;
    }
    irqchip->its->clear(&lpi->event);
    vgic_clear_pending(NULL, &lpi->irq, 1);
    return 0;
}

static const struct {
    const char *name;
    int (*step)(struct domain *d, struct vits *its);
} commands[] = {
    [0x01] = { "MOVI", cmd_movi }, [0x03] = { "INT", cmd_int }, [0x04] = { "CLEAR", cmd_clear },
    [0x05] = { "SYNC", cmd_sync }, [0x08] = { "MAPD", cmd_mapd }, [0x09] = { "MAPC", cmd_mapc },
    [0x0a] = { "MAPTI", cmd_mapti }, [0x0b] = { "MAPI", cmd_mapi }, [0x0c] = { "INV", cmd_inv },
    [0x0d] = { "INVALL", cmd_invall }, [0x0e] = { "MOVALL", cmd_movall }, [0x0f] = { "DISCARD", cmd_discard },
};

/* So many bad commands are said. */
#define MAX_SAID 10u

int vits_command(struct domain *d, struct vits *its)
{
    u64 nr = its->command[0] & 0xff;
    const char *name = nr < ARRAY_SIZE(commands) ? commands[nr].name : NULL;
    int rc = name != NULL ? commands[index_nospec(nr, ARRAY_SIZE(commands))].step(d, its) : -ENOSYS;

    if (rc != 0 && rc != -EAGAIN && d->arch.vgic.lpis->nr_said < MAX_SAID) {
        d->arch.vgic.lpis->nr_said++;
        log_guest(LOG_WARN, d,
                  "ITS %u: command %s at offset %#x (%016" PRIx64 " %016" PRIx64 " %016" PRIx64 ") is ignored: %s",
                  its->id, name != NULL ? name : "that does not exist", its->creadr, its->command[0], its->command[1],
                  its->command[2],
                  rc == -ERANGE ? "no such device, event, LPI, collection or redistributor"
                  : rc == -ENOSPC ? "too many devices and events"
                  : rc == -ENOMEM ? "out of memory"
                  : rc == -EIO ? "the machine's service does not answer" : "not known");
    }
    return rc;
}
