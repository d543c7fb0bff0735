/* SPDX-License-Identifier: MIT */
/*
 * Data cache maintenance by address, and fast zeroing. Line sizes from CTR_EL0 and DCZID_EL0 (Arm ARM D17.2.34, D17.2.38). Whole guests
 * pass through these loops, so they are unrolled: an instruction a line and one for its address.
 */
#include <argon/arch.h>
#include <argon/string.h>
#include <asm/cache.h>

static u64 dcache_line(void)
{
    return 4UL << ((sysreg_read(ctr_el0) >> 16) & 0xf);
}

/* DC `op` on each block of `step` bytes that [va, va + n) touches. */
#define for_each_block(op, va, n, step)                                                                 \
    do {                                                                                                \
        u64 at = ROUND_DOWN((u64)(va), (step)), left = DIV_ROUND_UP((u64)(va) + (n) - at, (step));      \
                                                                                                        \
        for (; left >= 16; left -= 16) {                                                                \
            dc_step_16(op, at, step);                                                                   \
        }                                                                                               \
        for (; left != 0; left--) {                                                                     \
            dc_step(op, at, step);                                                                      \
        }                                                                                               \
    } while (0)

/* To the point of coherency, so that a guest with its caches off reads what we wrote (D7.5.8). */
void arch_clean_dcache(const void *va, size_t n)
{
    u64 line = dcache_line();

    for_each_block(cvac, va, n, line);
    dsb(sy);
}

void arch_clean_inval_dcache(const void *va, size_t n)
{
    u64 line = dcache_line();

    for_each_block(civac, va, n, line);
    dsb(sy);
}

/* Invalidate what code was read from before the guest's own caches knew (D7.5.9). */
void arch_inval_icache(void)
{
    ic(ialluis);
    dsb(ish);
    isb();
}

/* Bytes that DC ZVA clears; 0 where it is prohibited, or a block is no part of a page. */
static u64 zero_block(void)
{
    u64 dczid = sysreg_read(dczid_el0);
    u64 block = 4UL << (dczid & 0xf);

    return (dczid & BIT(4)) || block > PAGE_SIZE ? 0 : block;
}

void arch_zero_pages(void *va, u64 nr_pages)
{
    u64 block = zero_block(), bytes = nr_pages * PAGE_SIZE;

    if (block == 0) {
        memset(va, 0, bytes);
        return;
    }
    for_each_block(zva, va, bytes, block);
}

/*
 * Where a line is what DC ZVA clears, line by line: one pass, and nothing else is pushed out of the caches. A clean of an address is
 * ordered after a store or DC ZVA to the same line before it (D7.5.9); the DSB completes all of them.
 */
void arch_scrub_pages(void *va, u64 nr_pages)
{
    u64 block = zero_block(), a = (u64)va, end = a + nr_pages * PAGE_SIZE;

    if (block == 0 || block != dcache_line() || block > PAGE_SIZE / 32) {
        arch_zero_pages(va, nr_pages);
        arch_clean_dcache(va, nr_pages * PAGE_SIZE);
        return;
    }
    while (a < end) {
        dc_zero_clean_32(a, block);
    }
    dsb(sy);
}
