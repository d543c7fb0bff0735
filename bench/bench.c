/* SPDX-License-Identifier: MIT */
/*
 * Microbenchmark of a hypervisor, as its dom0: MMU off, interrupts masked and polled. Under QEMU's -icount shift=0 one
 * tick of the 62.5 MHz counter is 16 instructions, guest and hypervisor together. One line an operation:
 * "bench <id> <instructions>". Needs two vCPUs on one pCPU for the last rows.
 */
#include "bench.h"
#include "console.h"
#include "cpu.h"
#include "fdt.h"
#include "gic.h"
#include "machine.h"
#include "sysreg.h"
#include "timer.h"
#include "xenabi.h"

#define INSTRUCTIONS_PER_TICK 16

static struct {
    long port; /* the one that is measured, the last of those bound */
    volatile xen_ulong_t *pending; /* its word in the shared info page */
    uint64_t page;
} setup;

void bench_report(const char *id, uint64_t ticks, uint64_t rounds)
{
    print("bench %s %lu\n", id, (unsigned long)((ticks * INSTRUCTIONS_PER_TICK + rounds / 2) / rounds));
}

/*
 * Windows of bench/io/plugin.c around what bench_measure() repeats, for kinds.py: two marks each, functions of two
 * instructions, which do nothing where no plugin looks. The last window only begins the counting.
 */
#define WINDOWS 64u
extern const char bench_marks[];
asm(".pushsection .text\n"
    "bench_marks: .set mark, 0\n"
    ".rept 128\n"
    "movz xzr, #0xa000 + mark\n"
    "ret\n"
    ".set mark, mark + 1\n"
    ".endr\n"
    ".popsection\n");

static unsigned windows;

static void mark(unsigned window, unsigned end)
{
    if (window < WINDOWS)
        ((void (*)(void))(uintptr_t)(bench_marks + 8 * (2 * window + end)))();
}

void bench_window_begin(void) { mark(windows, 0); }

void bench_window_end(const char *id, unsigned rounds)
{
    mark(windows, 1);
    print("# window %u %s %u\n", windows++, id, rounds);
}

void bench_measure(const char *id, void (*once)(void), unsigned rounds)
{
    uint64_t start, ticks;

    once();
    once();
    bench_window_begin();
    start = counter();
    for (unsigned i = 0; i < rounds; i++)
        once();
    ticks = counter() - start;
    bench_window_end(id, rounds);
    bench_report(id, ticks, rounds);
}

/* Sorted by insertion: n is small, and most values are equal. */
static void sort(uint32_t *values, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        uint32_t v = values[i];
        unsigned at = i;

        for (; at > 0 && values[at - 1] > v; at--)
            values[at] = values[at - 1];
        values[at] = v;
    }
}

void bench_measure_middle(const char *id, void (*once)(void))
{
    static uint32_t ticks[BENCH_MIDDLE_ROUNDS];
    uint64_t sum = 0, last;

    once();
    once();
    bench_window_begin();
    last = counter();
    for (unsigned i = 0; i < BENCH_MIDDLE_ROUNDS; i++) {
        uint64_t now;

        once();
        now = counter();
        ticks[i] = (uint32_t)(now - last);
        last = now;
    }
    bench_window_end(id, BENCH_MIDDLE_ROUNDS);
    sort(ticks, BENCH_MIDDLE_ROUNDS);
    for (unsigned i = BENCH_MIDDLE_ROUNDS / 4; i < BENCH_MIDDLE_ROUNDS * 3 / 4; i++)
        sum += ticks[i];
    bench_report(id, sum, BENCH_MIDDLE_ROUNDS / 2);
}

uint32_t bench_acknowledge(void)
{
    return gic.version == 2 ? mmio_read32(gic.cpu_if + GICC_IAR) : (uint32_t)sysreg_read(S3_0_C12_C12_0);
}

void bench_end(uint32_t iar)
{
    if (gic.version == 2) {
        mmio_write32(gic.cpu_if + GICC_EOIR, iar);
    } else {
        sysreg_write(S3_0_C12_C12_1, iar);
        isb();
    }
}

uint32_t bench_take(void)
{
    uint32_t iar;

    do
        iar = bench_acknowledge();
    while ((iar & 0x3ff) == IRQ_NONE);
    return iar;
}

static void hypercall(void) { (void)hypercall2(__HYPERVISOR_xen_version, 0, 0); }
static void psci(void) { (void)smccc_hvc(PSCI_VERSION, 0, 0, 0); }
static void yield(void) { (void)sched_op(SCHEDOP_yield, 0); }
static void id_register(void) { (void)sysreg_read(id_aa64pfr0_el1); }
static void mmio(void) { (void)mmio_read32(gic.dist + GICD_TYPER); }

static void sgi_self(void)
{
    if (gic.version == 2)
        mmio_write32(gic.dist + GICD_SGIR, 1u << 16 | 3);
    else
        sysreg_write(S3_0_C12_C11_5, 3ul << 24 | 1);
    bench_end(bench_take());
}

static void timer(void)
{
    sysreg_write(cntv_cval_el0, sysreg_read(cntvct_el0));
    sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
    isb();
    {
        uint32_t iar = bench_take();

        sysreg_write(cntv_ctl_el0, 0);
        bench_end(iar);
    }
}

static void wfi_timer(void)
{
    uint32_t iar;

    sysreg_write(cntv_cval_el0, counter() + 32000 / INSTRUCTIONS_PER_TICK);
    sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
    isb();
    wfi();
    iar = bench_take();
    sysreg_write(cntv_ctl_el0, 0);
    bench_end(iar);
}

static void event_self(void)
{
    volatile shared_info_t *shared = xen_shared_info();
    uint32_t iar;

    (void)event_send((uint32_t)setup.port);
    iar = bench_take();
    shared->vcpu_info[0].evtchn_upcall_pending = 0;
    shared->vcpu_info[0].evtchn_pending_sel = 0;
    *setup.pending = 0;
    bench_end(iar);
}

static void event_masked(void)
{
    (void)event_send((uint32_t)setup.port);
    *setup.pending = 0;
}

static void give_and_take(void)
{
    xen_pfn_t pfn = setup.page >> 12;
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

    r.extent_start.p = &pfn;
    (void)memory_op(XENMEM_decrease_reservation, &r);
    pfn = setup.page >> 12;
    (void)memory_op(XENMEM_populate_physmap, &r);
}

static void grant(void)
{
    struct gnttab_map_grant_ref map = { .host_addr = setup.page + 4096, .flags = GNTMAP_host_map, .ref = 8 };
    struct gnttab_unmap_grant_ref unmap = { .host_addr = setup.page + 4096 };

    (void)grant_op(GNTTABOP_map_grant_ref, &map, 1);
    unmap.handle = map.handle;
    (void)grant_op(GNTTABOP_unmap_grant_ref, &unmap, 1);
}

/* Fails loudly where an operation does not do what is to be measured. */
static bool check(const char *what, bool ok)
{
    if (!ok)
        print("FAIL %s\n", what);
    return ok;
}

static void interrupts(void)
{
    gic_set_bit(3, GICD_ISENABLER);
    gic_set_bit(timer_irqs.virtual, GICD_ISENABLER);
    bench_measure("sgi_self", sgi_self, 2000);
    bench_measure("timer", timer, 2000);
    bench_complete_timer();
    bench_measure("wfi_timer", wfi_timer, 3000);
    timer_stop();
}

static void events(uint64_t ports)
{
    volatile shared_info_t *shared = xen_shared_info();

    for (uint64_t i = 0; i < ports; i++)
        setup.port = shared ? event_ipi(0) : -1;
    if (!check("event channel", setup.port > 0 && setup.port < 4096))
        return;
    setup.pending = &shared->evtchn_pending[setup.port / 64];
    gic_set_bit(machine.event_irq, GICD_ISENABLER);
    bench_measure("event_self", event_self, 2000);
    shared->evtchn_mask[setup.port / 64] = 1ul << setup.port % 64;
    bench_measure("event_masked", event_masked, 2000);
    shared->evtchn_mask[setup.port / 64] = 0;
}

static void memory(void)
{
    volatile grant_entry_v1_t *entry = (volatile grant_entry_v1_t *)machine.grant_base + 8;

    setup.page = machine_spare_page(PAGE_MEMORY);
    give_and_take();
    mmio_write64(setup.page, 1);
    bench_measure("give_and_take", give_and_take, 1000);
    if (!check("grant table", xen_map(XENMAPSPACE_grant_table, 0, machine.grant_base) == 0))
        return;
    entry->domid = 0;
    entry->frame = (uint32_t)(setup.page >> 12);
    entry->flags = GTF_permit_access;
    (void)xen_unmap(setup.page + 4096);
    grant();
    bench_measure("grant", grant, 1000);
    check("grant is unmapped", entry->flags == GTF_permit_access);
}

static void traps(void)
{
    bench_measure("psci", psci, 4000);
    bench_measure("id_register", id_register, 4000);
    bench_measure("mmio", mmio, 4000);
}

static void hypercalls(void)
{
    bench_measure("hypercall", hypercall, 4000);
    bench_measure("yield_alone", yield, 4000);
}

static void everything(void)
{
    hypercalls();
    traps();
    interrupts();
    events(1);
    memory();
    bench_more();
    bench_domain(256 << 10);
    bench_two_vcpus();
    bench_cpu_on();
}

/* The main rows once more, with more of one thing. */
static void scaling(void)
{
    uint64_t domains = bench_option("domains=", 1), kib = bench_option("guest=", ONE_PAGE_KIB);
    uint64_t vcpus = bench_option("vcpus=", 1), ports = bench_option("ports=", 1);

    if (!check("idle domains", bench_idle_domains((unsigned)domains, kib)) ||
        !check("vCPUs", bench_idle_vcpus((unsigned)vcpus)))
        return;
    bench_event_domains("event_domains");
    bench_foreign_map();
    hypercalls();
    traps();
    interrupts();
    events(ports);
    memory();
    bench_two_vcpus();
    print("# scaling: %u idle domains, the last of %lu KiB; %u vCPUs; last port %lu\n",
          (unsigned)domains, (unsigned long)kib,
          bench_online(), (unsigned long)setup.port);
}

static void in_kvm(void)
{
    bench_kvm_groups(0);
    if (string_find(machine.bootargs, "pcpus")) {
        bench_two_pcpus();
    } else if (string_find(machine.bootargs, "vcpus")) {
        if (bench_start_second())
            bench_ping_pong();
    } else {
        traps();
        interrupts();
        bench_first_touch();
    }
}

uint64_t bench_option(const char *key, uint64_t otherwise)
{
    const char *at = string_find(machine.bootargs, key);
    uint64_t value = 0;

    if (!at)
        return otherwise;
    for (at += strlen(key); *at >= '0' && *at <= '9'; at++)
        value = value * 10 + (uint64_t)(*at - '0');
    return value;
}

/* The command line says which rows: all that need one physical CPU, unless it begins with another word. */
static void choose(void)
{
    if (machine.grant_base == 0)
        in_kvm();
    else if (string_find(machine.bootargs, "large"))
        bench_domain(bench_option("guest=", ONE_PAGE_KIB));
    else if (string_find(machine.bootargs, "scaling"))
        scaling();
    else if (string_find(machine.bootargs, "pcpus"))
        bench_two_pcpus();
    else
        everything();
}

void main(const void *fdt);
void main(const void *fdt)
{
    bool ready = fdt_init(fdt) && machine_init();

    if (machine.grant_base == 0)
        bench_kvm_console();
    if (check("device tree", ready && gic_init())) {
        cpu_init(machine.cpus);
        timer_init();
        gic_init_cpu();
        timer_stop();
        mark(WINDOWS - 1, 0);
        print("# entry: pc %lx cntvct %lu\n", (unsigned long)cpus[0].entry.pc, (unsigned long)cpus[0].entry.cntvct);
        choose();
        print("bench done\n");
    }
    bench_off();
}
