/* SPDX-License-Identifier: MIT */
#include "gic.h"
#include "cpu.h"
#include "fdt.h"
#include "hypercall.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"

struct gic gic;

#define ICC_PMR S3_0_C4_C6_0
#define ICC_IAR1 S3_0_C12_C12_0
#define ICC_EOIR1 S3_0_C12_C12_1
#define ICC_HPPIR1 S3_0_C12_C12_2
#define ICC_BPR1 S3_0_C12_C12_3
#define ICC_CTLR S3_0_C12_C12_4
#define ICC_SRE S3_0_C12_C12_5
#define ICC_IGRPEN1 S3_0_C12_C12_7
#define ICC_DIR S3_0_C12_C11_1
#define ICC_RPR S3_0_C12_C11_3
#define ICC_SGI1R S3_0_C12_C11_5

static bool find_regions(const void *node, unsigned version)
{
    uint32_t length;
    const void *reg = fdt_property(node, "reg", &length);

    if (!reg || length < 32)
        return false;
    gic.version = version;
    gic.dist = fdt_u64(reg, 0);
    gic.dist_size = fdt_u64(reg, 2);
    if (version == 3) {
        gic.redist = fdt_u64(reg, 4);
        gic.redist_size = fdt_u64(reg, 6);
    } else {
        gic.cpu_if = fdt_u64(reg, 4);
    }
    return true;
}

static const void *find_v2(void)
{
    static const char *const names[] = {
        "arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a7-gic", "arm,cortex-a9-gic",
    };

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const void *node = fdt_compatible_after(0, names[i]);

        if (node)
            return node;
    }
    return 0;
}

static void count_lines(void)
{
    gic.lines = ((mmio_read32(gic.dist + GICD_TYPER) & 31) + 1) * 32;
    if (gic.lines > 1020)
        gic.lines = 1020;
}

bool gic_init(void)
{
    const void *node = fdt_compatible_after(0, "arm,gic-v3");
    bool found = node ? find_regions(node, 3) : (node = find_v2()) != 0 && find_regions(node, 2);

    if (!found)
        return false;
    count_lines();
    gic_dist_enable(true);
    return true;
}

void gic_init_domu(unsigned version)
{
    gic.version = version;
    gic.dist = version == 3 ? GUEST_GICV3_GICD_BASE : GUEST_GICD_BASE;
    gic.redist = GUEST_GICV3_GICR0_BASE;
    gic.redist_size = GUEST_GICV3_GICR0_SIZE;
    gic.cpu_if = GUEST_GICC_BASE;
    count_lines();
    gic_dist_enable(true);
    gic_init_cpu();
}

void gic_dist_enable(bool on)
{
    uint32_t v = gic.version == 3 ? (on ? 0x13u : 0x10u) : on;

    mmio_write32(gic.dist + GICD_CTLR, v);
    (void)WAIT_FOR(!(mmio_read32(gic.dist + GICD_CTLR) & 1u << 31), patience_ms);
}

/* Frame whose GICR_TYPER names this vCPU's affinity; 0 if none. */
static uintptr_t find_redist(void)
{
    uint64_t me = sysreg_read(mpidr_el1) & 0xffffff;
    uintptr_t frame = gic.redist;

    for (; frame < gic.redist + gic.redist_size; frame += 0x20000) {
        uint64_t typer = mmio_read64(frame + GICR_TYPER);

        if (typer >> 32 == me)
            return frame;
        if (typer & 1u << 4)
            break;
    }
    return 0;
}

void gic_init_cpu(void)
{
    struct cpu *cpu = this_cpu();

    if (gic.version == 3) {
        cpu->redist = find_redist();
        if (cpu->redist) {
            gic.waker |= mmio_read32(cpu->redist + GICR_WAKER);
            mmio_write32(cpu->redist + GICR_WAKER, 0);
        }
        sysreg_write(ICC_SRE, 7);
        isb();
    }
    gic_reset();
    mmio_write32(gic_byte_reg((unsigned)cpu->index, 0, GICD_IPRIORITYR), 0xff);
    gic.prio_mask = (uint8_t)mmio_read32(gic_byte_reg((unsigned)cpu->index, 0, GICD_IPRIORITYR));
    mmio_write32(gic_byte_reg((unsigned)cpu->index, 0, GICD_IPRIORITYR), PRIO_DEFAULT * 0x01010101u);
}

static uintptr_t bank(unsigned cpu, unsigned irq)
{
    return irq < 32 && gic.version == 3 ? cpus[cpu].redist + GICR_SGI_FRAME : gic.dist;
}

uintptr_t gic_bit_reg(unsigned cpu, unsigned irq, unsigned reg)
{
    return bank(cpu, irq) + reg + irq / 32 * 4;
}

uintptr_t gic_byte_reg(unsigned cpu, unsigned irq, unsigned reg)
{
    return bank(cpu, irq) + reg + irq;
}

bool gic_bit(unsigned irq, unsigned reg)
{
    return mmio_read32(gic_bit_reg((unsigned)this_cpu()->index, irq, reg)) >> (irq % 32) & 1;
}

void gic_set_bit(unsigned irq, unsigned reg)
{
    mmio_write32(gic_bit_reg((unsigned)this_cpu()->index, irq, reg), 1u << (irq % 32));
    if (reg == GICD_ICENABLER && gic.version == 3) /* wait for the effect: GICD_CTLR.RWP, GICR_CTLR.RWP (bit 3) */
        (void)WAIT_FOR(irq < 32 ? !(mmio_read32(this_cpu()->redist) & 8) : !(mmio_read32(gic.dist) & 1u << 31),
                       patience_ms);
}

void gic_set_priority(unsigned irq, unsigned priority)
{
    mmio_write8(gic_byte_reg((unsigned)this_cpu()->index, irq, GICD_IPRIORITYR), priority);
}

void gic_set_edge(unsigned irq, bool edge)
{
    uintptr_t reg = bank((unsigned)this_cpu()->index, irq) + GICD_ICFGR + irq / 16 * 4;
    uint32_t bit = 2u << (irq % 16 * 2);

    mmio_write32(reg, edge ? mmio_read32(reg) | bit : mmio_read32(reg) & ~bit);
}

void gic_route(unsigned irq, unsigned cpu)
{
    if (gic.version == 3)
        mmio_write64(gic.dist + GICD_IROUTER + 8 * irq, cpu_mpidr(cpu));
    else
        mmio_write8(gic.dist + GICD_ITARGETSR + irq, 1u << cpu);
}

static void reset_bits(unsigned reg)
{
    unsigned cpu = (unsigned)this_cpu()->index;

    for (unsigned irq = 0; irq < gic.lines; irq += 32)
        if (irq != 0 || reg != GICD_ICPENDR || gic.version == 3)
            mmio_write32(gic_bit_reg(cpu, irq, reg), 0xffffffff);
}

void gic_reset(void)
{
    unsigned cpu = (unsigned)this_cpu()->index;

    reset_bits(GICD_ICENABLER);
    reset_bits(GICD_ICPENDR);
    if (gic.version == 2) { /* Xen faults these; a test of its own looks at that */
        trap_probe_begin();
        for (unsigned i = 0; i < 16; i += 4)
            mmio_write32(gic.dist + GICD_CPENDSGIR + i, 0xffffffff);
        (void)trap_probe_end();
    }
    gic_set_eoi_mode(false);
    gic_set_binary_point(0);
    gic_set_mask(0xff);
    gic_group_enable(true);
    while (cpus[cpu].acked_count > 0)
        gic_eoi(cpus[cpu].acked[cpus[cpu].acked_count - 1]);
    reset_bits(GICD_ICACTIVER);
    for (unsigned irq = 0; irq < gic.lines; irq += 4)
        mmio_write32(gic_byte_reg(cpu, irq, GICD_IPRIORITYR), PRIO_DEFAULT * 0x01010101u);
    isb();
}

/* Not one of the special numbers; LPIs are beyond them. */
static bool is_interrupt(uint32_t iar)
{
    return IRQ_ID(iar) < 1020 || IRQ_ID(iar) >= 8192;
}

uint32_t gic_ack(void)
{
    struct cpu *cpu = this_cpu();
    uint32_t iar = gic.version == 2 ? mmio_read32(gic.cpu_if + GICC_IAR) : (uint32_t)sysreg_read(ICC_IAR1);

    dsb();
    if (is_interrupt(iar) && cpu->acked_count < MAX_ACKED)
        cpu->acked[cpu->acked_count++] = iar;
    return iar;
}

static void forget_acked(struct cpu *cpu, uint32_t iar)
{
    for (unsigned i = cpu->acked_count; i-- > 0;) {
        if (cpu->acked[i] != iar)
            continue;
        cpu->acked[i] = cpu->acked[--cpu->acked_count];
        return;
    }
}

void gic_eoi(uint32_t iar)
{
    forget_acked(this_cpu(), iar);
    if (gic.version == 2) {
        mmio_write32(gic.cpu_if + GICC_EOIR, iar);
        return;
    }
    sysreg_write(ICC_EOIR1, iar);
    isb();
}

void gic_deactivate(uint32_t iar)
{
    if (gic.version == 2) {
        mmio_write32(gic.cpu_if + GICC_DIR, iar);
        return;
    }
    sysreg_write(ICC_DIR, iar);
    isb();
}

uint32_t gic_highest_pending(void)
{
    return gic.version == 2 ? mmio_read32(gic.cpu_if + GICC_HPPIR) : (uint32_t)sysreg_read(ICC_HPPIR1);
}

uint32_t gic_running_priority(void)
{
    return (gic.version == 2 ? mmio_read32(gic.cpu_if + GICC_RPR) : (uint32_t)sysreg_read(ICC_RPR)) & 0xff;
}

void gic_set_mask(unsigned priority)
{
    if (gic.version == 2)
        mmio_write32(gic.cpu_if + GICC_PMR, priority);
    else
        sysreg_write(ICC_PMR, priority);
    isb();
}

void gic_set_binary_point(unsigned value)
{
    if (gic.version == 2)
        mmio_write32(gic.cpu_if + GICC_BPR, value);
    else
        sysreg_write(ICC_BPR1, value);
    isb();
}

void gic_set_eoi_mode(bool split)
{
    if (gic.version == 2) {
        uint32_t v = mmio_read32(gic.cpu_if + GICC_CTLR) & ~(1u << 9);

        mmio_write32(gic.cpu_if + GICC_CTLR, v | (uint32_t)split << 9);
    } else {
        sysreg_write(ICC_CTLR, (sysreg_read(ICC_CTLR) & ~2ul) | (split ? 2ul : 0));
    }
    isb();
}

uint32_t gic_interface(void)
{
    if (gic.version == 2)
        return mmio_read32(gic.cpu_if + GICC_PMR) | mmio_read32(gic.cpu_if + GICC_BPR) << 8 |
               (mmio_read32(gic.cpu_if + GICC_CTLR) >> 9 & 1) << 16;
    return (uint32_t)(sysreg_read(ICC_PMR) | sysreg_read(ICC_BPR1) << 8 | (sysreg_read(ICC_CTLR) >> 1 & 1) << 16);
}

void gic_group_enable(bool on)
{
    if (gic.version == 2)
        mmio_write32(gic.cpu_if + GICC_CTLR, (mmio_read32(gic.cpu_if + GICC_CTLR) & ~1u) | on);
    else
        sysreg_write(ICC_IGRPEN1, on);
    isb();
}

bool gic_irq_signalled(void)
{
    isb();
    return sysreg_read(isr_el1) & 0x80;
}

void gic_sgi(unsigned mask, unsigned id)
{
    dsb();
    if (gic.version == 2)
        mmio_write32(gic.dist + GICD_SGIR, mask << 16 | id);
    else
        sysreg_write(ICC_SGI1R, (uint64_t)id << 24 | mask);
    isb();
}

void gic_sgi_others(unsigned id)
{
    dsb();
    if (gic.version == 2)
        mmio_write32(gic.dist + GICD_SGIR, 1u << 24 | id);
    else
        sysreg_write(ICC_SGI1R, 1ul << 40 | (uint64_t)id << 24);
    isb();
}

void gic_sgi_self(unsigned id)
{
    if (gic.version == 2)
        mmio_write32(gic.dist + GICD_SGIR, 2u << 24 | id);
    else
        gic_sgi(1u << this_cpu()->index, id);
}

uint32_t gic_wait_ack(unsigned ms)
{
    uint64_t end = counter() + ticks_ms(ms);
    uint32_t iar;

    do
        iar = gic_ack();
    while (IRQ_ID(iar) == IRQ_NONE && counter() < end);
    return iar;
}

bool gic_quiet(void)
{
    for (unsigned i = 0; i < 20; i++) {
        if (gic_irq_signalled())
            return false;
        (void)hypercall2(__HYPERVISOR_xen_version, 0, 0);
        delay_us(20);
    }
    return !gic_irq_signalled();
}

void gic_drain(void)
{
    for (unsigned i = 0; i < 100 && gic_irq_signalled(); i++) {
        uint32_t iar = gic_ack();

        if (is_interrupt(iar))
            gic_eoi(iar);
    }
}
