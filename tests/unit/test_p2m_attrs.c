/* SPDX-License-Identifier: MIT */
/* What stage 2 lets a guest make of each type of mapping, in the architecture's own bits. */
#include "unit.h"
#include "../../hypervisor/arch/arm/p2m_attrs.h"

/* Stage 2 descriptor (Arm ARM D8.5.5, D8.4.1, D8.4.3): MemAttr 5:2, S2AP 7:6, SH 9:8, AF 10, XN 54, software 58:55. */
#define MEMATTR(a)  ((a) >> 2 & 0xf)
#define S2AP(a)     ((a) >> 6 & 3)
#define EXECUTE_NEVER(a) ((a) >> 54 & 1)
#define DEVICE_NGNRE 0x1
#define NORMAL_NC    0x5
#define NORMAL_WB    0xf

static void expect(enum p2m_type t, u64 memattr, u64 s2ap, u64 xn)
{
    u64 a = s2_attrs[t];

    assert_int_equal(MEMATTR(a), memattr);
    assert_int_equal(S2AP(a), s2ap);
    assert_int_equal(EXECUTE_NEVER(a), xn);
    assert_int_equal(a >> 8 & 3, 3);         /* inner shareable */
    assert_int_equal(a >> 10 & 1, 1);
    assert_int_equal(a >> 55 & 0xf, t);
    assert_int_equal(a & ~(0x7fcUL | 1UL << 54 | 0xfUL << 55), 0);
}

static void test_types(void **state)
{
    (void)state;
    expect(P2M_RAM_RW, NORMAL_WB, 3, 0);
    expect(P2M_RAM_RO, NORMAL_WB, 1, 0);
    expect(P2M_MMIO, DEVICE_NGNRE, 3, 1);
    expect(P2M_MMIO_NC, NORMAL_NC, 3, 1);
    expect(P2M_MMIO_WB, NORMAL_WB, 3, 1);
    expect(P2M_FOREIGN_RW, NORMAL_WB, 3, 1);
    expect(P2M_FOREIGN_RO, NORMAL_WB, 1, 1);
    expect(P2M_GRANT_RW, NORMAL_WB, 3, 1);
    expect(P2M_GRANT_RO, NORMAL_WB, 1, 1);
    assert_int_equal(s2_attrs[P2M_INVALID], 0);
}

/* Only owned RAM is executable, only RAM may be given away, and what is writable says the same as the descriptor. */
static void test_predicates(void **state)
{
    (void)state;
    for (enum p2m_type t = P2M_RAM_RW; t < 16 && s2_attrs[t] != 0; t++) {
        assert_int_equal(p2m_is_ram(t) + p2m_is_foreign(t) + p2m_is_grant(t) + p2m_is_mmio(t), 1);
        assert_int_equal(p2m_is_writable(t), S2AP(s2_attrs[t]) == 3);
        assert_int_equal(p2m_is_ram(t), !EXECUTE_NEVER(s2_attrs[t]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { unit_case(test_types), unit_case(test_predicates) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
