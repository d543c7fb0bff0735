/* SPDX-License-Identifier: MIT */
/* Data cache maintenance by address, and fast zeroing. Line sizes from CTR_EL0 and DCZID_EL0 (Arm ARM D17.2.34, D17.2.38). */
#include <argon/arch.h>
#include <argon/string.h>
#include <asm/cache.h>

static u64 dcache_line(void)
{
    return 4UL << ((sysreg_read(ctr_el0) >> 16) & 0xf);
}

/* To the point of coherency, so that a guest with its caches off reads what we wrote (D7.5.8). */
void arch_clean_dcache(const void *va, size_t n)
{
    u64 line = dcache_line();

    for (u64 a = ROUND_DOWN((u64)va, line); a < (u64)va + n; a += line) {
        __asm__ volatile("dc cvac, %0" : : "r"(a) : "memory");
    }
    dsb(sy);
}

void arch_clean_inval_dcache(const void *va, size_t n)
{
    u64 line = dcache_line();

    for (u64 a = ROUND_DOWN((u64)va, line); a < (u64)va + n; a += line) {
        __asm__ volatile("dc civac, %0" : : "r"(a) : "memory");
    }
    dsb(sy);
}

/* Invalidate what code was read from before the guest's own caches knew (D7.5.9). */
void arch_inval_icache(void)
{
    __asm__ volatile("ic ialluis" : : : "memory");
    dsb(ish);
    isb();
}

void arch_zero_pages(void *va, u64 nr_pages)
{
    u64 dczid = sysreg_read(dczid_el0);
    u64 block = 4UL << (dczid & 0xf);
    u64 a = (u64)va, end = a + nr_pages * PAGE_SIZE;

    if ((dczid & BIT(4)) || block > PAGE_SIZE / 4) {
        memset(va, 0, nr_pages * PAGE_SIZE);
        return;
    }
    for (; a < end; a += 4 * block) {
        __asm__ volatile("dc zva, %0\n\tdc zva, %1\n\tdc zva, %2\n\tdc zva, %3"
                         : : "r"(a), "r"(a + block), "r"(a + 2 * block), "r"(a + 3 * block) : "memory");
    }
}
