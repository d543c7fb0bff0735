/* SPDX-License-Identifier: MIT */
/* Rows beside the baseline's: batches, a device's interrupt, first touch of RAM. */
#include "bench.h"
#include "console.h"
#include "gic.h"
#include "machine.h"
#include "sysreg.h"
#include "timer.h"
#include "xenabi.h"

#define BATCH 64u
#define BLOCKS 16u
#define BLOCK_SIZE 0x200000ul
#define UNTOUCHED 0xa000000ul /* from the start of RAM: beyond image, spare pages and device tree */

#define RTC_DR 0x00u
#define RTC_MR 0x04u
#define RTC_IMSC 0x10u
#define RTC_RIS 0x14u
#define RTC_ICR 0x1cu

static multicall_entry_t calls[BATCH];

static void multicall(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        calls[i].op = __HYPERVISOR_xen_version;
    (void)hypercall2(__HYPERVISOR_multicall, calls, n);
}

static void multicall_1(void) { multicall(1); }
static void multicall_64(void) { multicall(BATCH); }

static void memory_64(void)
{
    static xen_pfn_t frames[BATCH];
    struct xen_memory_reservation r = { .nr_extents = BATCH, .domid = DOMID_SELF };

    r.extent_start.p = frames;
    for (unsigned i = 0; i < BATCH; i++)
        frames[i] = machine_spare_page(PAGE_BATCH + i) >> 12;
    (void)memory_op(XENMEM_decrease_reservation, &r);
    for (unsigned i = 0; i < BATCH; i++)
        frames[i] = machine_spare_page(PAGE_BATCH + i) >> 12;
    (void)memory_op(XENMEM_populate_physmap, &r);
}

/* The PL031 raises its line when its match register is set to its counter. */
void bench_rtc_raise(void)
{
    do
        mmio_write32(machine.rtc + RTC_MR, mmio_read32(machine.rtc + RTC_DR));
    while (!mmio_read32(machine.rtc + RTC_RIS));
}

void bench_rtc_quiet(void) { mmio_write32(machine.rtc + RTC_ICR, 1); }

static void device_interrupt(void)
{
    uint32_t iar;

    bench_rtc_raise();
    iar = bench_take();
    bench_rtc_quiet();
    bench_end(iar);
}

static void devices(void)
{
    if (!machine.rtc)
        return;
    gic_set_edge(machine.rtc_irq, false);
    gic_route(machine.rtc_irq, 0);
    gic_set_bit(machine.rtc_irq, GICD_ISENABLER);
    mmio_write32(machine.rtc + RTC_ICR, 1);
    mmio_write32(machine.rtc + RTC_IMSC, 1);
    bench_measure("device_interrupt", device_interrupt, 500);
    bench_complete_device();
    mmio_write32(machine.rtc + RTC_IMSC, 0);
}

void bench_first_touch(void)
{
    uint64_t base = machine.ram_base + UNTOUCHED, start;

    if (base + BLOCKS * BLOCK_SIZE > machine.ram_base + machine.ram_size)
        return;
    start = counter();
    for (unsigned i = 0; i < BLOCKS; i++)
        (void)mmio_read32(base + i * BLOCK_SIZE);
    bench_report("first_touch", counter() - start, BLOCKS);
}

void bench_more(void)
{
    bench_measure("multicall_1", multicall_1, 1000);
    bench_measure("multicall_64", multicall_64, 200);
    bench_measure("memory_64", memory_64, 50);
    devices();
    bench_first_touch();
}
