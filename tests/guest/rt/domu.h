/* SPDX-License-Identifier: MIT */
/*
 * Another domain, made as the toolstack makes one, that runs a copy of this very image: a test's code for both sides
 * is one source, and dom0 sees the other's answers in a page it maps. One vCPU, 2 MiB of RAM, one event channel.
 */
#ifndef RT_DOMU_H
#define RT_DOMU_H

#include <stdbool.h>
#include <stdint.h>
#include "domctl.h"

/* The page both see. Words below `gic_version` are for the test to use. */
struct domu_box {
    uint64_t work;           /* offset of the function to run in the image; cleared when it is back */
    uint64_t running;        /* set by the domain when it has come up */
    uint32_t gic_version;
    uint32_t port;           /* the domain's end of the event channel */
    uint64_t who, arg;       /* to the domain */
    uint64_t word[16];       /* from the domain */
    uint64_t data[256];
};

struct domu {
    domid_t id;
    uint32_t port;           /* our end of the event channel */
    unsigned slot;           /* 0 or 1: which of the windows shows its page */
    volatile struct domu_box *box;
};

typedef void domu_work(volatile struct domu_box *box);

/* Dom0's side; false on error, which is printed. Created paused. */
bool domu_create(struct domu *d, unsigned slot);
bool domu_run(struct domu *d, domu_work *work, uint64_t who, uint64_t arg); /* unpaused at first use */
bool domu_wait(struct domu *d, unsigned ms);                                /* until its work is done */
void domu_destroy(struct domu *d);                                          /* until it is gone */

/* A domain with RAM in blocks of 2 MiB and nothing in it, and its end: the hypervisor's side of a guest alone. */
bool domu_build(domid_t *domid, unsigned vcpus, unsigned blocks);
void domu_destroy_bare(domid_t domid);

/* The domain's side. */
void domu_main(volatile struct domu_box *box);
extern volatile struct domu_box *domu_self;  /* NULL in dom0 */
#define DOMU_EVENT_IRQ GUEST_EVTCHN_PPI
void domu_clear_event(void);                 /* take the event back, so that its interrupt is not pending any more */

#endif
