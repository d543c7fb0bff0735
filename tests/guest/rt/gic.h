/* SPDX-License-Identifier: MIT */
/* The virtual GIC, version 2 or 3, as the device tree describes it. */
#ifndef RT_GIC_H
#define RT_GIC_H

#include <stdbool.h>
#include <stdint.h>

struct gic {
    unsigned version;
    uintptr_t dist, dist_size;
    uintptr_t cpu_if;              /* v2: GICC */
    uintptr_t redist, redist_size; /* v3: first region */
    unsigned lines;                /* interrupts the distributor says it has */
    uint8_t prio_mask;             /* priority bits that are implemented */
    uint32_t waker;                /* v3: GICR_WAKER as the vCPUs found it, before it was written to */
};
extern struct gic gic;

/* Distributor registers; for SGIs and PPIs on v3 the redistributor's at the same offset. */
#define GICD_CTLR 0x000u
#define GICD_TYPER 0x004u
#define GICD_IIDR 0x008u
#define GICD_IGROUPR 0x080u
#define GICD_ISENABLER 0x100u
#define GICD_ICENABLER 0x180u
#define GICD_ISPENDR 0x200u
#define GICD_ICPENDR 0x280u
#define GICD_ISACTIVER 0x300u
#define GICD_ICACTIVER 0x380u
#define GICD_IPRIORITYR 0x400u
#define GICD_ITARGETSR 0x800u
#define GICD_ICFGR 0xc00u
#define GICD_SGIR 0xf00u
#define GICD_CPENDSGIR 0xf10u
#define GICD_SPENDSGIR 0xf20u
#define GICD_IROUTER 0x6000u
#define GICR_CTLR 0x0u
#define GICR_IIDR 0x4u
#define GICR_TYPER 0x8u
#define GICR_WAKER 0x14u
#define GICR_SGI_FRAME 0x10000u

#define GICC_CTLR 0x0u
#define GICC_PMR 0x4u
#define GICC_BPR 0x8u
#define GICC_IAR 0xcu
#define GICC_EOIR 0x10u
#define GICC_RPR 0x14u
#define GICC_HPPIR 0x18u
#define GICC_ABPR 0x1cu
#define GICC_IIDR 0xfcu
#define GICC_DIR 0x1000u

#define IRQ_NONE 1023u
#define IRQ_ID(iar) ((iar) & (gic.version == 3 ? 0xffffffu : 0x3ffu))
/* 32 SPIs from here on have nothing behind them on QEMU's virt. */
#define FREE_SPI 208u
#define PRIO_DEFAULT 0xa0u

bool gic_init(void);      /* once, vCPU 0 */
void gic_init_domu(unsigned version); /* in a domain without a device tree: where the ABI has it; vCPU 0 too */
void gic_init_cpu(void);  /* each vCPU */
void gic_reset(void);     /* no SPI or own SGI/PPI enabled, pending or active, default priorities; CPU interface open */

/* Address of a per-interrupt register; cpu matters for banked ones on v3. */
uintptr_t gic_bit_reg(unsigned cpu, unsigned irq, unsigned reg);
uintptr_t gic_byte_reg(unsigned cpu, unsigned irq, unsigned reg);
bool gic_bit(unsigned irq, unsigned reg);
void gic_set_bit(unsigned irq, unsigned reg); /* write 1 to irq's bit, zeros beside it */
void gic_set_priority(unsigned irq, unsigned priority);
void gic_set_edge(unsigned irq, bool edge);
void gic_route(unsigned irq, unsigned cpu);
void gic_dist_enable(bool on);

uint32_t gic_ack(void);
void gic_eoi(uint32_t iar);
void gic_deactivate(uint32_t iar);
uint32_t gic_highest_pending(void);
uint32_t gic_running_priority(void);
void gic_set_mask(unsigned priority); /* PMR */
void gic_set_binary_point(unsigned value);
void gic_set_eoi_mode(bool split);
void gic_group_enable(bool on);
uint32_t gic_interface(void); /* PMR, BPR << 8 and EOI mode << 16 as they read */
bool gic_irq_signalled(void); /* ISR_EL1.I */

void gic_sgi(unsigned target_cpu_mask, unsigned id);
void gic_sgi_others(unsigned id);
void gic_sgi_self(unsigned id);

/* Acknowledge within ms, or IRQ_NONE. Whole IAR value. */
uint32_t gic_wait_ack(unsigned ms);
/* Take what is signalled; with the timers off it ends. */
void gic_drain(void);
/* Nothing is signalled for a while, with exits in between. */
bool gic_quiet(void);

#endif
