/* SPDX-License-Identifier: MIT */
/* From the assembler's first C call to dom0: one list of steps. */
#include <argon/acpi.h>
#include <argon/arch.h>
#include <argon/boot.h>
#include <argon/boot_memory.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/irqchip.h>
#include <argon/its.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/param.h>
#include <argon/percpu.h>
#include <asm/errata.h>
#include <asm/firmware.h>
#include <asm/hcr.h>
#include <asm/irq.h>
#include <asm/layout.h>
#include <asm/mmu.h>
#include <asm/p2m.h>
#include <asm/serror.h>
#include <asm/smp.h>
#include <asm/trap.h>
#include <vdev/vgic_host.h>

#define FDT_HEADER 40
#define FDT_MAX MIB(2)                   /* the boot protocol's limit for a device tree */

extern char boot_stack_top[];
noreturn_fn void boot_main(paddr_t tables_pa, paddr_t image);

static const void *tables;               /* firmware's, mapped until dom0 is built */

/* The reason for what comes is in the log: show it if firmware's tables still lead to a UART. */
static boot_code void show_log(void)
{
    if (machine_find_uart("") == 0) {
        console_init();
    }
}

/* What the boot loader passed in x0 (arm64 boot protocol), into `machine`. */
static boot_code void machine_init(paddr_t pa)
{
    u64 size;

    if (pa == 0 || !IS_ALIGNED(pa, 8)) {
        boot_stop("no device tree: x0 was %#" PRIx64 " at entry", pa);
    }
    tables = mmu_window(pa, FDT_HEADER, MMU_RO);
    size = tables != NULL ? machine_firmware_bytes(tables) : 0;
    if (size == 0) {
        boot_stop("no device tree at %#" PRIx64, pa);
    }
    if (size > FDT_MAX) {
        boot_stop("the device tree at %#" PRIx64 " is larger than 2 MiB", pa);
    }
    /* No byte more: what is behind it may be no memory, or not ours, and is not to be read by speculation. */
    mmu_window_close(tables, FDT_HEADER);
    tables = mmu_window(pa, size, MMU_RO);
    if (tables == NULL || machine_from_firmware(tables, (size_t)size, pa) != 0) {
        show_log();
        boot_stop("the device tree at %#" PRIx64 " cannot be used", pa);
    }
}

static boot_code const void *map_any(paddr_t pa, u64 size)
{
    return mmu_window(pa, size, MMU_RO);
}

static const struct firmware_memory any_memory = { .map = map_any, .unmap = mmu_window_close };

/*
 * A pointer in firmware's tables is believed where UEFI's map has memory. Elsewhere a read may abort, or do what a
 * register does, and the CPU may read at any time what is mapped as Normal memory (B2.7.2).
 */
static boot_code const void *map_firmware(paddr_t pa, u64 size)
{
    return efi_is_memory(&machine.efi, &any_memory, pa, size) ? map_any(pa, size) : NULL;
}

const struct firmware_memory boot_firmware_memory = { .map = map_firmware, .unmap = mmu_window_close };

/* The rest of `machine`, by tree or ACPI. */
static boot_code void machine_finish(void)
{
    if (machine_describe(opt.acpi, &boot_firmware_memory) != 0) {
        show_log();
        boot_stop("%s cannot be used", machine.acpi ? "ACPI's tables" : "what firmware says of the machine");
    }
}

static boot_code void boot_cpu_init(void)
{
    boot_pcpu.id = 0;
    boot_pcpu.hwid = sysreg_read(mpidr_el1) & UINT64_C(0xff00ffffff);
    boot_pcpu.arch.stack_top = boot_stack_top;
    boot_pcpu.arch.emergency_stack_top = boot_stack_top;      /* replaced when memory is there */
    boot_pcpu.online = true;
    pcpus[0] = &boot_pcpu;
    timer_init_cpu(&boot_pcpu.timers);
}

static boot_code void boot_cpu_stacks(void)
{
    u32 node = boot_pcpu.node;
    u64 top = mmu_map_stack(0, node, false), emergency = mmu_map_stack(0, node, true);

    if (top == 0 || emergency == 0) {
        boot_stop("not enough memory for the boot CPU's stacks");
    }
    boot_pcpu.arch.stack_top = (void *)(uintptr_t)top;   /* used from guest_enter() on */
    boot_pcpu.arch.emergency_stack_top = (void *)(uintptr_t)emergency;
}

static boot_code const struct irqchip_ops *irqs_driver(void)
{
    return machine.gic.version == 3 ? &gicv3_ops : &gicv2_ops;
}

static boot_code void irqs_init(void)
{
    irqchip = irqs_driver();
    if (irqchip->init(&machine) != 0 || irqchip->init_cpu() != 0) {
        boot_stop("the GICv%u cannot be used", machine.gic.version);
    }
    vgic_host = irqchip->virt;
    irq_boot_init();
}

/* All CPUs are up: which of the services that firmware lists there are, and work. Those dom0 will have. */
static boot_code void its_choose(void)
{
    struct machine_gic *g = &machine.gic;

    g->nr_its = irqchip->its != NULL ? irqchip->its->list(g->its) : 0;
    if (g->nr_its != 0) {
        log_info("%u ITS: devices' messages are LPIs", g->nr_its);
    }
}

/* Runs from the image, not from boot memory: that is given back here. */
static noreturn_fn noinline void boot_finish(void)
{
    mmu_window_close(tables, machine.tables.size);
    boot_memory_release();
    if (opt.bootscrub == BOOTSCRUB_YES) {
        mem_scrub_all();
    }
    mem_idle_start(opt.bootscrub != BOOTSCRUB_NO);
    console_boot_done();
    guest_enter();
}

noreturn_fn boot_code void boot_main(paddr_t tables_pa, paddr_t image)
{
    boot_cpu_init();
    mmu_init(image);
    console_init_early();
    uart_drivers = uart_driver_list;
    machine_init(tables_pa);
    options_parse(machine.xen_cmdline);
    machine_finish();
    boot_pcpu.node = machine_cpu_node(&machine, boot_pcpu.hwid);
    errata_boot_init(opt.errata);
    time_init(machine.timer_hz != 0 ? machine.timer_hz : arch_counter_hz());
    if (machine_find_uart(opt.dtuart) == 0) {
        console_init();
    }
    if (sysreg_read(hcr_el2) & HCR_E2H) {
        boot_stop("this CPU cannot leave the VHE mode (HCR_EL2.E2H is fixed at 1), which is not supported");
    }
    log_info("Argon hypervisor, Xen ABI %u.%u, loaded at %#" PRIx64, ARGON_XEN_MAJOR, ARGON_XEN_MINOR, image);
    log_info("command line: %s", machine.xen_cmdline);
    firmware_boot_init();
    efi_boot_find();
    boot_memory_init();
    if (irqs_driver()->reserve != NULL) {
        irqs_driver()->reserve(&machine);
    }
    dom0_claim();
    boot_cpu_stacks();
    if (!errata_cpu_up()) {
        boot_stop("the boot CPU cannot be used");
    }
    serror_boot_init();
    cpu_init_el2();
    p2m_boot_init();
    p2m_cpu_init();
    irqs_init();
    domain_init();
    sched_init(opt.sched);
    sched_init_cpu(0);
    efi_boot_enable();
    log_info("%u CPUs online", smp_boot(opt.maxcpus != 0 ? opt.maxcpus : NR_CPUS));
    its_choose();
    errata_boot_done();
    vcpu_boot_done();
    dom0_build();
    boot_finish();
}
