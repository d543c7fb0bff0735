/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* Data aborts: at which guest-physical address an access is emulated. */
#include "sysreg.h"

/* In place of the CPU's translation (<asm/guest_access.h>). */
static u64 answer, translations;
static u64 translate(u64 gva)
{
    assert_int_equal(gva, 0xffff000012345678UL);
    translations++;
    return answer;
}
#define guest_translate_stage1 translate
#include "../../hypervisor/arch/arm/trap.c"

u32 errata_word;

static u64 read_at;

static u64 device_read(struct vcpu *v, u64 offset, u64 size)
{
    (void)v;
    assert_int_equal(size, 4);
    read_at = 0x8000000 + offset;
    return 0x1234;
}

static struct vcpu *v;

/* LDR W3 at 0xffff000012345678; HPFAR_EL2 says 0x8005000. */
static void take_abort(u32 errata)
{
    struct domain *d = unit_domain(1, 1);

    v = d->vcpu[0];
    d->arch.mmio = (struct mmio_table){ .nr = 1 };
    d->arch.mmio.region[0] = (struct mmio_region){ .base = 0x8000000, .size = 0x10000, .read = device_read };
    unit_set_current(v);
    errata_word = errata;
    read_at = translations = 0;
    reg_set("far_el2", 0xffff000012345678UL);
    reg_set("hpfar_el2", 0x8005UL << 4);
    reg_set("elr_el2", 0x1000);
    trap_table[EC_DABT_LOW](v, (u64)EC_DABT_LOW << ESR_EC_SHIFT | ESR_IL | DABT_ISV | 2UL << 22 | 3UL << 16 |
                               FSC_TRANSLATION | 3);
}

static void test_plain(void **state)
{
    (void)state;
    take_abort(0);
    assert_int_equal(read_at, 0x8005678);
    assert_int_equal(translations, 0);
    assert_int_equal(v->arch.regs.x[3], 0x1234);
    assert_int_equal(reg_get("elr_el2"), 0x1004);
}

/* A57 834220: HPFAR_EL2 is not believed. Where stage 1 does not translate, the guest takes that fault itself. */
static void test_834220(void **state)
{
    (void)state;
    answer = 0x8007000 | 0xa00;
    take_abort(BIT32(ERRATUM_834220));
    assert_int_equal(translations, 1);
    assert_int_equal(read_at, 0x8007678);
    assert_int_equal(reg_get("elr_el2"), 0x1004);
    answer = PAR_F;
    take_abort(BIT32(ERRATUM_834220));
    assert_int_equal(read_at, 0);
    assert_int_equal(reg_get("elr_el2"), 0x1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { sysreg_case(test_plain), sysreg_case(test_834220) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
