/* SPDX-License-Identifier: MIT */
#include "mmu.h"
#include "sysreg.h"

#define MAIR_VALUE 0x4404fful /* 0: write-back, 1: device nGnRE, 2: non-cacheable */
/* 39 bits, 4K, TTBR1 off, 40-bit PA */
#define TCR_VALUE (25ul | 1ul << 8 | 1ul << 10 | 3ul << 12 | 1ul << 23 | 2ul << 32)
#define SCTLR_M_C_I (1ul | 1ul << 2 | 1ul << 12)

static uint64_t level1[512] __attribute__((aligned(4096)));
static uint64_t level2[512] __attribute__((aligned(4096)));
static uint64_t level3[512] __attribute__((aligned(4096)));

void mmu_init(void)
{
    for (uint64_t i = 0; i < 510; i++)
        level1[i] = i << 30 | (i >= 1 && i < 256 ? PTE_NORMAL & ~2ul : PTE_DEVICE & ~2ul);
    level1[511] = (uintptr_t)level2 | PTE_TABLE;
    level2[0] = (uintptr_t)level3 | PTE_TABLE;
    dsb();
}

void mmu_enable(void)
{
    if (!level1[511]) /* the benchmark runs without */
        return;
    sysreg_write(mair_el1, MAIR_VALUE);
    sysreg_write(tcr_el1, TCR_VALUE);
    sysreg_write(ttbr0_el1, (uintptr_t)level1);
    isb();
    asm volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
    sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) | SCTLR_M_C_I);
    isb();
}

void mmu_disable(void)
{
    sysreg_write(sctlr_el1, sysreg_read(sctlr_el1) & ~SCTLR_M_C_I);
    isb();
    asm volatile("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
}

bool mmu_enabled(void)
{
    return sysreg_read(sctlr_el1) & 1;
}

/* Arm ARM D8.14: break, invalidate, make. */
static void set_entry(uint64_t *entry, uint64_t descriptor)
{
    *(volatile uint64_t *)entry = 0;
    asm volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" : : : "memory");
    *(volatile uint64_t *)entry = descriptor;
    asm volatile("dsb ishst\n\tisb" : : : "memory");
}

uintptr_t mmu_window(unsigned page, uint64_t descriptor)
{
    set_entry(&level3[page], descriptor);
    return WINDOW_BASE + page * PAGE_SIZE;
}

uintptr_t mmu_broken_walk(uint64_t descriptor)
{
    set_entry(&level1[510], descriptor);
    return WINDOW_BASE - (1ul << 30);
}
