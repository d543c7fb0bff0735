/* SPDX-License-Identifier: MIT */
/*
 * Data cache maintenance by address, and fast zeroing. Line sizes from CTR_EL0 and DCZID_EL0 (Arm ARM D17.2.34, D17.2.38). Whole guests
 * pass through these loops, so they are unrolled: an instruction a line and one for its address.
 */
#include <argon/arch.h>
#include <argon/string.h>
#include <asm/cache.h>
#include <asm/errata.h>

#define CTR_DIC BIT(29)

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

void arch_clean_inval_dcache(const void *va, size_t n)
{
    u64 line = dcache_line();

    for_each_block(civac, va, n, line);
    dsb(sy);
}

/*
 * To the point of coherency, so that a guest with its caches off reads what we wrote (D7.5.8). Early Cortex-A53 may lose a store that comes
 * after a clean of its line (819472, 824069, 826319, 827319): the line goes, too.
 */
void arch_clean_dcache(const void *va, size_t n)
{
    u64 line = dcache_line();

    if (errata_active(ERRATUM_CLEAN_INVAL)) {
        arch_clean_inval_dcache(va, n);
        return;
    }
    for_each_block(cvac, va, n, line);
    dsb(sy);
}

/* Invalidate what code was read from before the guest's own caches knew (D7.5.9). */
void arch_inval_icache(void)
{
    ic(ialluis);
    dsb(ish);
    isb();
}

/*
 * Instruction caches hold a page's contents by physical address (VIPT, PIPT: D7.5.2), stage 2 and its owner nothing to them: the next owner
 * who jumps there without a word of his own written, or whose toolstack wrote it, would execute what the last one left. Cleaned data
 * first (the caller's DSB), then all of the caches: by address would reach one alias of a VIPT cache only (D7.5.9). Not where CTR_EL0.DIC
 * says that instruction caches see data (D17.2.34). Who executes there next does so after an exception return.
 */
void arch_forget_code(void)
{
    if (!(sysreg_read(ctr_el0) & CTR_DIC)) {
        ic(ialluis);
        dsb(ish);
    }
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

    if (block == 0 || block != dcache_line() || block > PAGE_SIZE / 32 || errata_active(ERRATUM_CLEAN_INVAL)) {
        arch_zero_pages(va, nr_pages);
        arch_clean_dcache(va, nr_pages * PAGE_SIZE);
        return;
    }
    while (a < end) {
        dc_zero_clean_32(a, block);
    }
    dsb(sy);
}
