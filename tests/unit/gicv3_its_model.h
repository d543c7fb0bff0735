/* SPDX-License-Identifier: MIT */
/*
 * The driver of interrupt translation services, and a model of one that has the registers that are not memory: what
 * it takes of GITS_BASER and GITS_CBASER, and commands, which it reads when GITS_CWRITER is written. What the model
 * reads without looking into caches must have been cleaned.
 */
#ifndef GICV3_ITS_MODEL_H
#define GICV3_ITS_MODEL_H

#include "sysreg.h"
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <asm/insn.h>

#define gic_write64 write64_unseen
#define gic_read64 read64_unseen
#define gic_write32 write32_unseen
#include "../../hypervisor/drivers/irqchip/gic.h"
#undef gic_write64
#undef gic_read64
#undef gic_write32

static void gic_write64(volatile void *base, u32 offset, u64 value);
static u64 gic_read64(volatile void *base, u32 offset);
static void gic_write32(volatile void *base, u32 offset, u32 value);

/* Memory of the test's is at its own address. */
static mfn_t pretend_mfn(const void *va) { return mfn((uintptr_t)va >> PAGE_SHIFT); }
#define virt_to_mfn pretend_mfn
#include "../../hypervisor/drivers/irqchip/gicv3_its.c"
#include "../../hypervisor/drivers/irqchip/gicv3_its_init.c"
#include "../../hypervisor/drivers/irqchip/gicv3_its_memory.c"
#undef virt_to_mfn

#define NR 2
static u32 gicd[16], gicr[2][64];
static _Alignas(0x10000) u8 frames[NR][0x20000];

static struct model {
    bool coherent, two_levels, deaf, refuses, absent;
    bool blind;                  /* takes what it is told of caches, and does not look into them */
    bool device_memory;          /* shareable, it says, and that it does not cache */
    bool narrow;                 /* has 32 bits of address */
    u32 page_bits;               /* fixed to this; 3: any */
    u64 typer;
    u64 done;                    /* commands read */
    char log[8192];
} model;

/* ---- memory ---- */
static struct { void *va; size_t bytes; } memory[4096];
static u32 nr_memory;
static struct { uintptr_t from, to; } cleaned[65536];
static u32 nr_cleaned;
static bool no_memory, low_only;
static u32 chunks_left;          /* before there is none; 0: any number */

static void *take(size_t align, size_t bytes)
{
    void *va = NULL;

    if (no_memory) {
        return NULL;
    }
    assert_int_equal(posix_memalign(&va, align, bytes), 0);
    memory[nr_memory].va = va;
    memory[nr_memory++].bytes = bytes;
    return memset(va, 0, bytes);
}

void *pages_alloc(unsigned int order, u32 memf)
{
    assert_true(!low_only || (memf & MEMF_LOW32));
    if (chunks_left != 0 && --chunks_left == 0) {
        no_memory = true;
    }
    return take(PAGE_SIZE << order, PAGE_SIZE << order);
}

void *xzalloc_bytes(size_t size)
{
    assert_false(low_only);
    return take(256, size);
}

void xfree(void *p)
{
    for (u32 i = 0; i < nr_memory; i++) {
        if (memory[i].va == p) {
            free(p);
            memory[i] = memory[--nr_memory];
            return;
        }
    }
    fail();
}

void pages_free(void *va, unsigned int order)
{
    (void)order;
    xfree(va);
}

void arch_clean_dcache(const void *va, size_t n)
{
    insn_other("clean", (u64)(uintptr_t)va);
    cleaned[nr_cleaned].from = (uintptr_t)va;
    cleaned[nr_cleaned++ % ARRAY_SIZE(cleaned)].to = (uintptr_t)va + n;
}

static bool is_clean(u64 pa, size_t n)
{
    for (u32 i = 0; i < MIN(nr_cleaned, (u32)ARRAY_SIZE(cleaned)); i++) {
        if (pa >= cleaned[i].from && pa + n <= cleaned[i].to) {
            return true;
        }
    }
    return false;
}

int arch_probe_read32(volatile void *va, u32 *value)
{
    *value = *(volatile u32 *)va;
    return model.absent && (volatile u8 *)va >= frames[1] ? -EIO : 0;
}

/* ---- the model ---- */
static int which(volatile void *base)
{
    volatile u8 *at = base;

    return at >= frames[0] && at < frames[NR] ? (int)((at - frames[0]) / 0x20000) : -1;
}

static u64 *reg(int n, u32 offset) { return (u64 *)(frames[n] + offset); }

/* Does the service see what was written there? */
static bool looks(const void *va, size_t n)
{
    return (model.coherent && !model.blind && !model.device_memory) || is_clean((u64)(uintptr_t)va, n);
}

static void note(const char *fmt, ...)
{
    size_t at = strlen(model.log);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(model.log + at, sizeof(model.log) - at, fmt, ap);
    va_end(ap);
}

static void read_command(int n, const u64 *c)
{
    static const char *const names[16] = {
        [1] = "movi", [4] = "clear", [5] = "sync", [8] = "mapd", [9] = "mapc", [10] = "mapti", [12] = "inv",
        [13] = "invall", [15] = "discard"
    };

    assert_true(looks(c, 32));
    assert_non_null(names[c[0] & 15]);
    assert_int_equal(c[0] & 0xfffffff0, 0);
    note("%d:%s", n, names[c[0] & 15]);
    if ((c[0] & 15) == 8 && c[2] >> 63 != 0) {
        u64 itt = c[2] & GENMASK(51, 8);

        assert_true(looks((const void *)(uintptr_t)itt, 256));
        note(" %x size %u;", (u32)(c[0] >> 32), (u32)c[1]);
    } else {
        note(" %x %" PRIx64 " %" PRIx64 ";", (u32)(c[0] >> 32), c[1], c[2]);
    }
    model.done++;
}

static void gic_write64(volatile void *base, u32 offset, u64 value)
{
    int n = which(base);

    insn_other("write", offset);
    assert_false(model.blind && offset != GITS_CWRITER && (value & SHAREABILITY));
    if (n < 0) {
        write64_unseen(base, offset, model.coherent ? value : value & ~SHAREABILITY);
        return;
    }
    if (offset >= 0x100 && offset < 0x140) {
        u64 fixed = *reg(n, offset) & (GENMASK(58, 56) | GENMASK(52, 48));

        assert_false(*reg(n, 0) & 1);
        value &= ~(GENMASK(58, 56) | GENMASK(52, 48) | (model.two_levels ? 0 : BIT(62)));
        value = (model.page_bits < 3 ? (value & ~GENMASK(9, 8)) | (u64)model.page_bits << 8 : value) | fixed;
    }
    if (offset != GITS_CWRITER && !model.coherent) {
        value &= ~SHAREABILITY;
    }
    if (offset != GITS_CWRITER && model.device_memory) {
        value &= ~GENMASK(61, 59);
    }
    if (offset != GITS_CWRITER && model.narrow) {
        value &= ~GENMASK(47, 32);
    }
    write64_unseen(base, offset, value);
    if (offset == GITS_CBASER) {
        *reg(n, GITS_CREADR) = 0;
    }
    while (offset == GITS_CWRITER && *reg(n, GITS_CREADR) != value && !model.deaf) {
        u64 head = *reg(n, GITS_CREADR);

        if (model.refuses) {
            *reg(n, GITS_CREADR) = head | 1;
            break;
        }
        read_command(n, (const u64 *)(uintptr_t)((*reg(n, GITS_CBASER) & GENMASK(51, 12)) + head));
        *reg(n, GITS_CREADR) = (head + 32) % 65536;
    }
}

static u64 gic_read64(volatile void *base, u32 offset)
{
    host_counter += 1000000;
    return read64_unseen(base, offset);
}

static void gic_write32(volatile void *base, u32 offset, u32 value)
{
    insn_other("write", offset);
    if (which(base) >= 0 && offset == 0) {
        value = (value & 1) | (value & 1 ? 0 : BIT32(31));
    }
    write32_unseen(base, offset, value);
}

static int its_setup(void **state)
{
    int rc = sysreg_setup(state);

    memset(frames, 0, sizeof(frames));
    memset(gicr, 0, sizeof(gicr));
    memset(&model, 0, sizeof(model));
    memset(gicv3_redist_of, 0, sizeof(gicv3_redist_of));
    nr_cleaned = nr_memory = 0;
    gicv3_its_lock = (struct spinlock)SPINLOCK_INIT(RANK_IRQCHIP);
    no_memory = low_only = false;
    chunks_left = 0;
    gicv3_lpi_clean = false;
    memset(&low, 0, sizeof(low));
    model.coherent = model.two_levels = true;
    model.page_bits = 3;
    gicd[GICD_TYPER / 4] = BIT32(17) | 15u << 19;
    for (u32 cpu = 0; cpu < 2; cpu++) {
        gicr[cpu][2] = 1 | cpu << 8;
    }
    for (int n = 0; n < NR; n++) {
        *reg(n, GITS_TYPER) = UINT64_C(15) << 13 | 15 << 8 | 7 << 4 | 1;      /* 16 bits each, ITT entries of 8 bytes */
        *reg(n, GITS_BASER(0)) = UINT64_C(1) << 56 | UINT64_C(7) << 48;
        *reg(n, GITS_BASER(1)) = UINT64_C(4) << 56 | UINT64_C(7) << 48;
        *(u32 *)reg(n, GITS_PIDR2) = 0x3b;
        *reg(n, 0) = 1;                  /* left on by somebody */
    }
    machine.gic.nr_its = NR;
    machine.gic.redist_noncoherent = machine.gic.low32 = false;
    for (u32 n = 0; n < NR; n++) {
        machine.gic.its[n] = (struct machine_its){ .base = (paddr_t)frames[n] };
    }
    return rc;
}

static int its_teardown(void **state)
{
    while (nr_memory > 0) {
        free(memory[--nr_memory].va);
    }
    return unit_teardown(state);
}

static struct machine_its list[MACHINE_MAX_ITS];

static u32 start(void)
{
    gicv3_its_init(&machine, gicd);
    for (u32 cpu = 0; cpu < 2; cpu++) {
        unit_set_cpu(cpu);
        gicv3_its_init_cpu(gicr[cpu], 0x80a0000 + cpu * 0x20000);
    }
    unit_set_cpu(0);
    return gicv3_its_list(list);
}

static const struct its_event event = { .its = 0, .device = 0x10, .event = 3, .lpi = 8200, .cpu = 1 };

#define its_case(fn) cmocka_unit_test_setup_teardown(fn, its_setup, its_teardown)

#endif
