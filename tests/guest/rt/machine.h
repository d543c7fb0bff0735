/* SPDX-License-Identifier: MIT */
/* What the device tree says about this guest, and spare RAM for tests. */
#ifndef RT_MACHINE_H
#define RT_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct machine {
    const char *bootargs;
    unsigned cpus;
    uint64_t ram_base, ram_size;      /* the bank this image is in */
    uint64_t grant_base, grant_size;  /* /hypervisor reg[0] */
    unsigned event_irq;               /* /hypervisor interrupts */
    uint64_t rtc;                     /* PL031, 0 if none */
    unsigned rtc_irq;
};
extern struct machine machine;

bool machine_init(void);

/* Page n of RAM that nothing uses (after the image), n < 8192. */
uint64_t machine_spare_page(unsigned n);

/* A guest physical address where there is nothing on QEMU's virt; Normal memory in our stage 1. */
#define UNMAPPED_GPA 0x3200000000ul

#endif
