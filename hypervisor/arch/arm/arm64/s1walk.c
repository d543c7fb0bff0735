/* SPDX-License-Identifier: MIT */
/*
 * A guest's own stage-1 walk, followed in software (Arm ARM D8.2): only to tell at which level it met memory that is not there. The
 * abort that the guest gets names that level, as a bus error on the walk would (D17.2.37, DFSC 0b0101LL).
 */
#include <argon/domain.h>
#include <argon/guest_access.h>
#include <argon/vcpu.h>
#include <asm/cpu.h>
#include <asm/trap.h>

#define DESC_TABLE 3
#define DESC_ADDR  GENMASK(47, 12)

struct s1_regime {
    u64 table;                   /* gpa */
    unsigned int va_bits, page_shift;
};

/* TCR_EL1 granule fields: TG0 00 4K, 01 64K, 10 16K; TG1 01 16K, 10 4K, 11 64K (D17.2.131). */
static unsigned int page_shift_of(u64 tcr, bool upper)
{
    static const u8 tg0[] = { 12, 16, 14, 12 }, tg1[] = { 12, 14, 12, 16 };

    return upper ? tg1[tcr >> 30 & 3] : tg0[tcr >> 14 & 3];
}

static struct s1_regime regime_of(u64 va)
{
    bool upper = va >> 55 & 1;
    u64 tcr = sysreg_read(tcr_el1);
    u64 ttbr = upper ? sysreg_read(ttbr1_el1) : sysreg_read(ttbr0_el1);
    u64 tsz = upper ? tcr >> 16 & 0x3f : tcr & 0x3f;

    return (struct s1_regime){
        .table = ttbr & GENMASK(47, 1), .va_bits = 64 - (unsigned int)MIN(tsz, 48UL), .page_shift = page_shift_of(tcr, upper),
    };
}

/* EL1 registers are live: v is current. The walk of va met gpa (page-aligned), which has no memory behind it. */
unsigned int s1_fault_level(struct vcpu *v, u64 va, u64 gpa)
{
    struct s1_regime r = regime_of(va);
    unsigned int stride = r.page_shift - 3;
    unsigned int levels = (r.va_bits - r.page_shift + stride - 1) / stride;
    unsigned int level = levels < 4 ? 4 - levels : 0;
    u64 bits = va & (BIT(MIN(r.va_bits, 63u)) - 1);

    for (; level < 3; level++) {
        unsigned int shift = r.page_shift + (3 - level) * stride;
        u64 at = r.table + ((bits >> shift) << 3), desc;

        if ((at & PAGE_MASK) == (gpa & PAGE_MASK) || copy_from_gpa(v->domain, &desc, at, sizeof(desc)) != 0 ||
            (desc & 3) != DESC_TABLE) {
            break;
        }
        r.table = desc & DESC_ADDR & ~(BIT(r.page_shift) - 1);
        bits &= BIT(shift) - 1;
    }
    return level;
}
