/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: boot/init.c */
/* The list of boot_main(): what has to come before what, and where it ends early. */
#include "sysreg.h"
#include <argon/acpi.h>
#include <argon/boot.h>
#include <argon/boot_memory.h>
#include <argon/console.h>
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/param.h>
#include <argon/timer.h>
#include <asm/errata.h>
#include <asm/firmware.h>
#include <asm/hcr.h>
#include <asm/irq.h>
#include <asm/mmu.h>
#include <asm/p2m.h>
#include <asm/serror.h>
#include <asm/smp.h>
#include <asm/trap.h>
#include <vdev/vgic_host.h>

noreturn_fn void boot_main(paddr_t tables, paddr_t image);

#define TABLES 0x48000000UL
#define MAX_STEPS 64

struct pcpu boot_pcpu;
struct options opt;
char boot_stack_top[16];
static const char *steps[MAX_STEPS];
static u32 nr_steps;
static u64 tables_size, hz, stacks, window;
static int parse_rc, describe_rc, uart_rc, chip_rc;
static bool mapped, cpu_ok, acpi, reading;
static char stopped[256];
static jmp_buf end;

static void step(const char *name)
{
    assert_true(nr_steps < MAX_STEPS);
    steps[nr_steps++] = name;
}
#define STEP(fn) void fn(void) { step(#fn); }

static bool has(const char *name)
{
    for (u32 i = 0; i < nr_steps; i++) {
        if (strcmp(steps[i], name) == 0) {
            return true;
        }
    }
    return false;
}

STEP(console_init_early)
STEP(console_init)
STEP(console_boot_done)
STEP(boot_memory_init)
STEP(boot_memory_release)
STEP(dom0_claim)
STEP(efi_boot_find)
STEP(efi_boot_enable)
STEP(dom0_build)
STEP(errata_boot_done)
STEP(firmware_boot_init)
STEP(cpu_init_el2)
STEP(p2m_boot_init)
STEP(p2m_cpu_init)
STEP(serror_boot_init)
STEP(vcpu_boot_done)
STEP(irq_boot_init)
STEP(domain_init)
STEP(mem_scrub_all)
void mmu_init(paddr_t image) { assert_int_equal(image, 0x40200000); step("mmu_init"); }
void options_parse(const char *line) { assert_string_equal(line, "the line"); step("options_parse"); }
void errata_boot_init(const char *given) { (void)given; step("errata_boot_init"); }
bool errata_cpu_up(void) { step("errata_cpu_up"); return cpu_ok; }
void time_init(u64 freq) { hz = freq; step("time_init"); }
void timer_init_cpu(struct timer_pcpu *t) { (void)t; }
void sched_init(const char *name) { (void)name; step("sched_init"); }
void sched_init_cpu(u32 cpu) { assert_int_equal(cpu, 0); step("sched_init_cpu"); }
u32 smp_boot(u32 max) { (void)max; step("smp_boot"); return 1; }
void mem_idle_start(bool zero) { assert_int_equal(zero, opt.bootscrub != BOOTSCRUB_NO); step("mem_idle_start"); }
void guest_enter(void) { step("guest_enter"); longjmp(end, 1); }
u64 mmu_map_stack(u32 cpu, u32 node, bool emergency)
{
    (void)cpu, (void)emergency;
    /* The boot CPU's, found by its MPIDR. */
    assert_int_equal(node, boot_pcpu.hwid == 0xff00000102UL ? 5 : 0);
    step("mmu_map_stack");
    return stacks;
}


void boot_stop(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(stopped, sizeof(stopped), fmt, ap);
    va_end(ap);
    longjmp(end, 2);
}

void *mmu_window(paddr_t pa, u64 size, enum mmu_kind kind)
{
    assert_int_equal(kind, MMU_RO);
    if (reading) {
        assert_int_equal(pa, TABLES + 0x10);
        return boot_stack_top;
    }
    assert_int_equal(pa, TABLES);
    assert_int_equal(window, 0);
    window = mapped ? size : 0;
    return mapped ? boot_stack_top : NULL;
}

/* Twice: what the header was read through, and at the end the whole. */
void mmu_window_close(const void *va, u64 size)
{
    assert_ptr_equal(va, boot_stack_top);
    if (reading) {
        assert_int_equal(size, 8);
        return;
    }
    assert_int_equal(size, window);
    window = 0;
    if (has("machine_from_firmware")) {
        step("window_closed");
    }
}

size_t machine_firmware_bytes(const void *header) { assert_ptr_equal(header, boot_stack_top); return tables_size; }

int machine_from_firmware(const void *tables, size_t max, paddr_t at)
{
    (void)tables;
    assert_int_equal(max, tables_size);
    assert_int_equal(max, window);               /* and not a byte more is mapped */
    assert_int_equal(at, TABLES);
    machine.tables = (struct machine_range){ .start = at, .size = max };
    strcpy(machine.xen_cmdline, "the line");
    machine.nr_cpus = 2;
    machine.cpus[1] = (struct machine_cpu){ .hwid = 0xff00000102UL, .node = 5 };
    step("machine_from_firmware");
    return parse_rc;
}

/* UEFI's map has memory there and nowhere else; it is read itself without being asked. */
bool efi_is_memory(const struct machine_efi *efi, const struct firmware_memory *memory, paddr_t pa, u64 size)
{
    assert_ptr_equal(efi, &machine.efi);
    assert_ptr_equal(memory->map(TABLES + 0x10, 8), boot_stack_top);
    memory->unmap(boot_stack_top, 8);
    return pa == TABLES + 0x10 && size == 8;
}

int machine_describe(enum acpi_choice how, const struct firmware_memory *memory)
{
    assert_int_equal(how, ACPI_ON);              /* as the command line has it */
    machine.acpi = acpi;
    step("machine_describe");
    /* The reader of firmware's memory is a window on memory, and of registers there is none. */
    reading = true;
    assert_ptr_equal(memory->map(TABLES + 0x10, 8), boot_stack_top);
    memory->unmap(boot_stack_top, 8);
    assert_null(memory->map(TABLES + 0x18, 8));
    reading = false;
    return describe_rc;
}

int machine_find_uart(const char *dtuart) { (void)dtuart; step("machine_find_uart"); return uart_rc; }

static int chip_init(const struct machine *m) { (void)m; step("chip_init"); return chip_rc; }
static int chip_init_cpu(void) { step("chip_init_cpu"); return 0; }
static const struct vgic_host_ops virt;
const struct irqchip_ops gicv2_ops = { .name = "v2", .init = chip_init, .init_cpu = chip_init_cpu, .virt = &virt };
const struct irqchip_ops gicv3_ops = { .name = "v3", .init = chip_init, .init_cpu = chip_init_cpu, .virt = &virt };
const struct irqchip_ops *irqchip;
const struct vgic_host_ops *vgic_host;
const struct uart_ops *const *uart_drivers;
const struct uart_ops *const uart_driver_list[] = { NULL };

static int setup(void **state)
{
    sysreg_setup(state);
    memset(&machine, 0, sizeof(machine));
    opt = (struct options){ .bootscrub = BOOTSCRUB_IDLE, .acpi = ACPI_ON };
    machine.gic.version = 3;
    nr_steps = 0;
    tables_size = 0x1000;
    stacks = 0x1000;
    parse_rc = describe_rc = uart_rc = chip_rc = 0;
    mapped = cpu_ok = true;
    acpi = reading = false;
    stopped[0] = '\0';
    return 0;
}

/* True: a guest is entered. False: boot stopped. */
static bool boot(paddr_t tables)
{
    int how = setjmp(end);

    if (how == 0) {
        nr_steps = 0;
        window = 0;
        boot_main(tables, 0x40200000);
    }
    return how == 1;
}

/* Position of a step; fails if it is not there. */
static u32 at(const char *name)
{
    for (u32 i = 0; i < nr_steps; i++) {
        if (strcmp(steps[i], name) == 0) {
            return i;
        }
    }
    fail_msg("%s was not called", name);
    return 0;
}

static const struct { const char *first, *then; } order[] = {
    { "mmu_init", "console_init_early" },
    { "machine_from_firmware", "options_parse" },
    { "options_parse", "machine_describe" },     /* acpi= */
    { "machine_describe", "errata_boot_init" },  /* the timer's, by what firmware says */
    { "machine_describe", "time_init" },
    { "options_parse", "errata_boot_init" },
    { "options_parse", "time_init" },            /* dtuart=, console=; and deadlines need the clock */
    { "time_init", "machine_find_uart" },
    { "console_init", "boot_memory_init" },      /* what stops from here on is seen */
    { "efi_boot_find", "boot_memory_init" },     /* what it reserves is not given away */
    { "boot_memory_init", "dom0_claim" },
    { "dom0_claim", "mmu_map_stack" },           /* the first allocation: what is free is in one piece */
    { "errata_boot_init", "errata_cpu_up" },
    { "errata_cpu_up", "cpu_init_el2" },
    { "p2m_boot_init", "p2m_cpu_init" },
    { "p2m_cpu_init", "dom0_build" },
    { "serror_boot_init", "cpu_init_el2" },      /* what firmware left is not blamed on a guest */
    { "smp_boot", "vcpu_boot_done" },
    { "vcpu_boot_done", "dom0_build" },
    { "chip_init", "chip_init_cpu" },
    { "chip_init_cpu", "irq_boot_init" },
    { "irq_boot_init", "smp_boot" },
    { "sched_init", "sched_init_cpu" },
    { "sched_init_cpu", "smp_boot" },
    { "mmu_map_stack", "efi_boot_enable" },      /* each region of addresses is there: it is copied */
    { "sched_init_cpu", "efi_boot_enable" },
    { "efi_boot_enable", "dom0_build" },         /* which tells dom0 what it may call */
    { "domain_init", "dom0_build" },
    { "smp_boot", "errata_boot_done" },          /* every CPU has said what it is */
    { "errata_boot_done", "dom0_build" },
    { "dom0_build", "window_closed" },
    { "window_closed", "boot_memory_release" },
    { "boot_memory_release", "mem_idle_start" },
    { "mem_idle_start", "console_boot_done" },   /* input may go to dom0 now */
    { "console_boot_done", "guest_enter" },
};

static void test_order(void **state)
{
    (void)state;
    reg_set("mpidr_el1", 0xff80000102UL | 1UL << 31);
    machine.timer_hz = 24000000;
    assert_true(boot(TABLES));
    for (u32 i = 0; i < ARRAY_SIZE(order); i++) {
        if (at(order[i].first) >= at(order[i].then)) {
            fail_msg("%s comes after %s", order[i].first, order[i].then);
        }
    }
    assert_int_equal(hz, 24000000);
    assert_int_equal(boot_pcpu.hwid, 0xff00000102UL);
    assert_ptr_equal(pcpus[0], &boot_pcpu);
    assert_true(boot_pcpu.online);
    assert_string_equal(irqchip->name, "v3");
    assert_ptr_equal(vgic_host, &virt);
    assert_ptr_equal(uart_drivers, uart_driver_list);
    assert_int_equal(window, 0);
    assert_false(has("mem_scrub_all"));
    opt.bootscrub = BOOTSCRUB_YES;
    machine.gic.version = 2;
    assert_true(boot(TABLES));
    assert_true(at("boot_memory_release") < at("mem_scrub_all"));
    assert_string_equal(irqchip->name, "v2");
    opt.bootscrub = BOOTSCRUB_NO;
    uart_rc = -ENODEV;                           /* no console is no reason to stop */
    assert_true(boot(TABLES));
    assert_false(has("console_init"));
}

static void stops(paddr_t tables, const char *why)
{
    assert_false(boot(tables));
    assert_false(has("guest_enter"));
    if (strstr(stopped, why) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", stopped, why);
    }
}

static void test_stops(void **state)
{
    (void)state;
    stops(0, "no device tree: x0 was 0");
    stops(TABLES + 4, "no device tree: x0 was 0x48000004");
    mapped = false;
    stops(TABLES, "no device tree at 0x48000000");
    mapped = true;
    tables_size = 0;
    stops(TABLES, "no device tree at 0x48000000");
    tables_size = MIB(2) + 1;
    stops(TABLES, "larger than 2 MiB");
    tables_size = MIB(2);
    parse_rc = -EINVAL;
    stops(TABLES, "cannot be used");
    assert_true(has("console_init"));            /* the log with the reason is shown where that can be */
    uart_rc = -ENODEV;
    stops(TABLES, "cannot be used");
    assert_false(has("console_init"));
    assert_false(has("machine_describe"));
    parse_rc = uart_rc = 0;
    describe_rc = -EINVAL;
    stops(TABLES, "what firmware says of the machine cannot be used");
    assert_true(has("console_init"));
    acpi = true;
    stops(TABLES, "ACPI's tables cannot be used");
    acpi = false;
    describe_rc = 0;
    stacks = 0;
    stops(TABLES, "boot CPU's stacks");
    stacks = 0x1000;
    cpu_ok = false;
    stops(TABLES, "the boot CPU cannot be used");
    cpu_ok = true;
    reg_set("hcr_el2", HCR_E2H);
    stops(TABLES, "VHE");
    assert_true(has("console_init"));
    reg_set("hcr_el2", 0);
    chip_rc = -EIO;
    stops(TABLES, "the GICv3 cannot be used");
    assert_false(has("irq_boot_init"));
}

#define init_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { init_case(test_order), init_case(test_stops) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
