/* SPDX-License-Identifier: MIT */
/*
 * The host's interrupt translation services (IHI0069 chapter 5) as the virtual ones use them: a device's messages become LPIs of the
 * machine, whose numbers are those that dom0 has given them. Tables that the hardware reads are Argon's own memory.
 */
#ifndef ARGON_ITS_H
#define ARGON_ITS_H

#include <argon/types.h>

struct machine_its;

#define LPI_FIRST      8192
#define LPI_ID_BITS    16                /* INTIDs of LPIs: LPI_FIRST and up, below 2^this at most */
#define LPI_ID_BITS_MIN 14               /* ... and as many as a GIC with LPIs has at least (IHI0069 5.1) */
#define LPI_MAX        ((1u << LPI_ID_BITS) - LPI_FIRST)
#define ITS_FRAMES     UINT64_C(0x20000) /* registers, then the page that devices write to: 64 KiB each */
#define ITS_EVENT_BITS 12                /* events of a device at most: a PCI function has 2048 */

/*
 * Which message: event of a device at a service, numbered as its_ops.list() has them; `lpi` and the CPU that it goes to are what was
 * given to map() and move().
 */
struct its_event { u32 its, device, event, lpi, cpu; };

/*
 * Operations are queued; complete() waits until the service has done all that it was given, for a bounded time: one that does not answer is
 * said once, and from then on given nothing. Any CPU, interrupts masked; a lock of RANK_IRQCHIP inside.
 */
struct its_ops {
    /*
     * After all CPUs are up, once: the services that can be used, into out[MACHINE_MAX_ITS]; returns how many. 0: no LPIs on this
     * machine.
     */
    u32 (*list)(struct machine_its *out);
    u32 (*lpi_bits)(void);               /* of LPIs' INTIDs: LPI_ID_BITS_MIN to LPI_ID_BITS */
    u32 (*device_bits)(u32 its);
    u32 (*event_bits)(u32 its);          /* of any device, at most ITS_EVENT_BITS */
    /*
     * One at a time, as the next. The device, below 2^device_bits(), has 2^bits events, none of them mapped. *itt is for unmap_device().
     * -ENOMEM; -ENOSPC: its table has no room for another page; -EIO: the service does not answer.
     */
    int (*map_device)(u32 its, u32 device, u32 bits, void **itt);
    void (*unmap_device)(u32 its, u32 device, u32 bits, void *itt);      /* waits, as complete() */
    void (*map)(const struct its_event *e);
    void (*move)(const struct its_event *e);     /* to another CPU */
    void (*discard)(const struct its_event *e);  /* no longer mapped, nor pending */
    void (*clear)(const struct its_event *e);    /* no longer pending */
    void (*enable)(const struct its_event *e, bool on);
    void (*complete)(u32 its);
};

#endif
