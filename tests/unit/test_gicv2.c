/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: drivers/irqchip/gicv2_relink.c */
/* The GICv2 driver: order of its register accesses. */
#include "sysreg.h"
#include <argon/irqchip.h>
#include <argon/machine.h>
#include "gic_bits.h"
#include "../../hypervisor/drivers/irqchip/gicv2.c"

static u32 dist[0x1000 / 4], cpu_if[0x2000 / 4];

static int setup(void **state)
{
    int rc = sysreg_setup(state);

    memset(dist, 0, sizeof(dist));
    memset(cpu_if, 0, sizeof(cpu_if));
    gicv2_gicd = dist;
    gicv2_gicc = cpu_if;
    insn_forget();
    return rc;
}

/* A timer of the vCPU that comes is active before that one can end it. */
static void test_made_active(void **state)
{
    (void)state;
    gicv2_ops.set_active(27, true);
    insn_expect_exactly("write bit", "read bit", "dsb sy", NULL);
    assert_int_equal(insn_nth("write bit", 0)->value, GIC_ISACTIVER);
    assert_int_equal(insn_nth("read bit", 0)->value, GIC_ISACTIVER);
    insn_forget();
    gicv2_ops.set_active(40, false);
    insn_expect_exactly("write bit", "dsb sy", NULL);
    assert_int_equal(dist[GIC_ICACTIVER / 4 + 1], BIT32(8));
}

/* Acknowledged before the device is looked at, ended before its line is; memory is seen before an SGI. */
static void test_barriers(void **state)
{
    (void)state;
    cpu_if[GICC_IAR / 4] = 42;
    assert_int_equal(gicv2_ops.ack(), 42);
    insn_expect_exactly("dsb sy", NULL);
    insn_forget();
    gicv2_ops.eoi(42);
    gicv2_ops.deactivate(42);
    insn_expect_exactly("dsb sy", "dsb sy", NULL);
    assert_int_equal(cpu_if[GICC_EOIR / 4], 42);
    assert_int_equal(cpu_if[GICC_DIR / 4], 42);
    insn_forget();
    gicv2_ops.send_ipi(0);
    insn_expect_exactly("dsb ishst", NULL);
    insn_forget();
    gicv2_ops.disable(42);
    insn_expect_exactly("write bit", "dsb sy", NULL);
}

/* An SGI's end names who sent it, as its acknowledgement did (IHI0048 4.4.5). */
static void test_sgi_end(void **state)
{
    (void)state;
    cpu_if[GICC_IAR / 4] = 3u << 10 | IPI_SGI;
    assert_int_equal(gicv2_ops.ack(), IPI_SGI);
    gicv2_ops.eoi(IPI_SGI);
    gicv2_ops.deactivate(IPI_SGI);
    assert_int_equal(cpu_if[GICC_EOIR / 4], 3u << 10 | IPI_SGI);
    assert_int_equal(cpu_if[GICC_DIR / 4], 3u << 10 | IPI_SGI);
}

#define gic_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        gic_case(test_made_active), gic_case(test_barriers), gic_case(test_sgi_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
