/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: drivers/irqchip/gicv3_its.c drivers/irqchip/gicv3_its_init.c drivers/irqchip/gicv3_its_memory.c */
/* unit-sources: drivers/irqchip/gicv3_chips.c */
/* The GICv3 driver: what a CPU finds left by firmware or an earlier kernel, and the order of its register accesses. */
#include "sysreg.h"
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <vdev/vgic_host.h>
#include "gic_bits.h"
#include "../../hypervisor/drivers/irqchip/gicv3.c"

#define FRAMES 0x20000
static u32 dist[0x10000 / 4], redists[2 * FRAMES / 4];
static const struct irqchip_ops *const chip = &gicv3_ops;

static u32 *rd_reg(u32 cpu, u32 offset) { return &redists[(cpu * FRAMES + offset) / 4]; }

/* Two CPUs, five bits of priority, four list registers, 64 interrupts. */
static int setup(void **state)
{
    int rc = sysreg_setup(state);

    memset(dist, 0, sizeof(dist));
    memset(redists, 0, sizeof(redists));
    dist[GICD_TYPER / 4] = 1;
    *rd_reg(0, 0x14) = 2;                /* GICR_WAKER: asleep */
    *rd_reg(1, 8) = BIT32(4);            /* GICR_TYPER: affinity 1, the last */
    *rd_reg(1, 12) = 1;
    machine.gic = (struct machine_gic){ .version = 3, .gicd = (paddr_t)dist, .gicd_size = sizeof(dist), .nr_redist = 1,
                                        .redist = { { .start = (paddr_t)redists, .size = sizeof(redists) } } };
    reg_set("ich_vtr_el2", 4UL << 29 | 4UL << 26 | 3);
    reg_set("icc_ctlr_el1", 4UL << 8);
    return rc;
}

static void start(void)
{
    assert_int_equal(chip->init(&machine), 0);
    insn_forget();
    assert_int_equal(chip->init_cpu(), 0);
}

/* ICC_SRE_EL1 is set once, and no guest's from then on. */
static void test_sre(void **state)
{
    (void)state;
    start();
    insn_expect("msr icc_sre_el2", "isb", "mrs icc_sre_el2", "msr icc_sre_el1", "isb", "msr icc_sre_el2", "isb",
                "msr icc_igrpen1_el1", NULL);
    assert_int_equal(insn_nth("msr icc_sre_el2", 0)->value, 0xf);
    assert_int_equal(reg_get("icc_sre_el1"), 7);
    assert_int_equal(reg_get("icc_sre_el2"), 7);
}

static void test_sre_denied(void **state)
{
    (void)state;
    reg_writable("icc_sre_el2", 0);
    assert_int_equal(chip->init(&machine), 0);
    assert_int_not_equal(chip->init_cpu(), 0);
    assert_int_equal(insn_count("msr icc_sre_el1"), 0);
    assert_non_null(strstr(unit_log(), "firmware keeps"));
}

/* Nothing is signalled until active priorities, list registers and modes are known. */
static void test_leftovers(void **state)
{
    (void)state;
    reg_set("icc_igrpen1_el1", 1);
    reg_set("icc_ap1r0_el1", 0x10000);
    reg_set("ich_hcr_el2", 1);
    reg_set("ich_lr2_el2", 1UL << 62 | 40);
    start();
    insn_expect("msr icc_igrpen1_el1", "isb", "msr ich_hcr_el2", "msr icc_ap1r0_el1", "isb", "msr icc_ctlr_el1",
                "msr icc_igrpen1_el1", "isb", NULL);
    assert_int_equal(insn_nth("msr icc_igrpen1_el1", 0)->value, 0);
    assert_int_equal(reg_get("icc_igrpen1_el1"), 1);
    assert_int_equal(reg_get("icc_ap1r0_el1"), 0);
    assert_int_equal(insn_count("msr icc_ap1r1_el1"), 0);        /* UNDEFINED with five bits */
    assert_int_equal(reg_get("ich_lr2_el2"), 0);
    assert_int_equal(*rd_reg(0, 0x14) & 2, 0);
    assert_int_equal(*rd_reg(0, 0x10000 + GIC_ICACTIVER), ~0u);
    assert_int_equal(*rd_reg(0, 0x10000 + GIC_ICENABLER), ~0u);
}

/* A stride that firmware says; one that is larger than the region leaves its first redistributor, and no step back. */
static void test_stride(void **state)
{
    paddr_t pa;

    (void)state;
    this_cpu()->hwid = 1;
    machine.gic.redist_stride = FRAMES;
    assert_int_equal(chip->init(&machine), 0);
    assert_ptr_equal(find_redist(&pa), rd_reg(1, 0));
    /* CPU 1's is before the region, which is the second's frames alone. */
    machine.gic.redist_stride = -(u64)FRAMES;
    machine.gic.redist[0] = (struct machine_range){ .start = (paddr_t)rd_reg(1, 0), .size = FRAMES };
    assert_int_equal(chip->init(&machine), 0);
    *rd_reg(0, 12) = 1;
    *rd_reg(1, 12) = 0;
    *rd_reg(1, 8) = 0;
    assert_null(find_redist(&pa));
    this_cpu()->hwid = 0;
}

static void test_active_priorities(void **state)
{
    (void)state;
    reg_set("icc_ctlr_el1", 5UL << 8);
    start();
    assert_int_equal(insn_count("msr icc_ap1r1_el1"), 1);
    assert_int_equal(insn_count("msr icc_ap1r2_el1"), 0);
    reg_set("icc_ctlr_el1", 6UL << 8);
    insn_forget();
    assert_int_equal(chip->init_cpu(), 0);
    insn_expect("msr icc_ap1r3_el1", "msr icc_ap1r2_el1", "msr icc_ap1r1_el1", "msr icc_ap1r0_el1", NULL);
}

/* LPIs of an earlier kernel are turned off; if their pending table is in memory that has not been kept, it is said. */
static void test_lpis(void **state)
{
    (void)state;
    *rd_reg(0, 0) = 1;
    start();
    assert_int_equal(*rd_reg(0, 0), 0);
    assert_null(strstr(unit_log(), "LPIs"));
    machine.nr_banks = 1;
    machine.banks[0] = (struct machine_range){ .start = 0x40000000, .size = 0x40000000 };
    *rd_reg(0, 0) = 1;
    *rd_reg(0, GICR_PENDBASER) = 0x41230000 | 0x780;
    assert_int_equal(chip->init_cpu(), 0);
    assert_int_equal(*rd_reg(0, 0), 0);
    assert_non_null(strstr(unit_log(), "CPU 0's LPIs were left enabled"));
    assert_non_null(strstr(unit_log(), "memory that is in use, from 0x41230000"));
    unit_log_clear();
    machine.nr_reserved = 1;
    machine.reserved[0] = (struct machine_range){ .start = 0x41230000, .size = 0x10000 };
    *rd_reg(0, 0) = 1;
    assert_int_equal(chip->init_cpu(), 0);
    assert_null(strstr(unit_log(), "LPIs"));
    machine.nr_banks = machine.nr_reserved = 0;
}

/* Each CPU has the redistributor of its own affinity, or none. */
static void test_redist(void **state)
{
    (void)state;
    start();
    unit_set_cpu(1);
    *rd_reg(1, 0x10000 + GIC_ICENABLER) = 0;
    assert_int_equal(chip->init_cpu(), 0);
    assert_int_equal(*rd_reg(1, 0x10000 + GIC_ICENABLER), ~0u);
    unit_set_cpu(2);
    assert_int_not_equal(chip->init_cpu(), 0);
    assert_non_null(strstr(unit_log(), "no redistributor"));
}

/* A cluster's last one may be followed by the next cluster's: where a table names each, and only there. */
static void test_redist_clusters(void **state)
{
    (void)state;
    *rd_reg(0, 8) = BIT32(4);
    start();
    unit_set_cpu(1);
    assert_int_not_equal(chip->init_cpu(), 0);
    unit_set_cpu(0);
    machine.gic.redist_each = true;
    start();
    unit_set_cpu(1);
    assert_int_equal(chip->init_cpu(), 0);
    unit_set_cpu(2);
    assert_int_not_equal(chip->init_cpu(), 0);   /* and not beyond the region */
}

/* Acknowledged before the device is looked at, ended before its line is; memory is seen before an SGI. */
static void test_barriers(void **state)
{
    (void)state;
    start();
    insn_forget();
    reg_set("icc_iar1_el1", 42);
    assert_int_equal(chip->ack(), 42);
    insn_expect("mrs icc_iar1_el1", "dsb sy", NULL);
    insn_forget();
    chip->eoi(42);
    chip->deactivate(42);
    insn_expect_exactly("msr icc_eoir1_el1", "isb", "msr icc_dir_el1", "isb", NULL);
    insn_forget();
    pcpus[1]->hwid = 3UL << 32 | 0x10203;
    chip->send_ipi(1);
    insn_expect_exactly("dsb ishst", "msr icc_sgi1r_el1", "isb", NULL);
    assert_int_equal(reg_get("icc_sgi1r_el1"), 3UL << 48 | 1UL << 32 | (u64)IPI_SGI << 24 | 2 << 16 | 8);
    insn_forget();
    (void)chip->virt->lr_empty();
    insn_expect("isb", "mrs ich_elrsr_el2", NULL);
}

/* The timer of the vCPU that comes is active before that one can end it, and after that of the one before has ended. */
static void test_made_active(void **state)
{
    (void)state;
    start();
    insn_forget();
    chip->set_active(27, true);
    insn_expect_exactly("dsb sy", "write bit", "read bit", "dsb sy", NULL);
    assert_int_equal(insn_nth("write bit", 0)->value, GIC_ISACTIVER);
    assert_int_equal(insn_nth("read bit", 0)->value, GIC_ISACTIVER);
    assert_int_equal(*rd_reg(0, 0x10000 + GIC_ISACTIVER), BIT32(27));
    insn_forget();
    chip->set_active(40, false);
    insn_expect_exactly("write bit", "dsb sy", NULL);
    assert_int_equal(dist[GIC_ICACTIVER / 4 + 1], BIT32(8));
}

/* The interface is off before list registers are taken away, and on when the next vCPU's are all there. */
static void test_virtual(void **state)
{
    struct vgic_vcpu s = { 0 };

    (void)state;
    start();
    reg_set("ich_vmcr_el2", 0x12);
    reg_set("ich_lr1_el2", 77);
    insn_forget();
    chip->virt->virt_save(&s, 2);
    insn_expect("mrs ich_vmcr_el2", "mrs ich_ap1r0_el2", "msr ich_hcr_el2", "mrs ich_lr1_el2", NULL);
    assert_int_equal(s.lr[1], 77);
    s.hcr = 1;
    insn_forget();
    chip->virt->virt_restore(&s, 2, 1);
    insn_expect("msr ich_vmcr_el2", "msr ich_ap0r0_el2", "msr ich_ap1r0_el2", "msr ich_lr0_el2", "msr ich_lr1_el2",
                "msr ich_hcr_el2", NULL);
    assert_int_equal(reg_get("ich_lr0_el2"), 0);
    assert_int_equal(insn_count("msr ich_ap1r1_el2"), 0);
}

#define gic_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        gic_case(test_sre), gic_case(test_sre_denied), gic_case(test_leftovers), gic_case(test_active_priorities),
        gic_case(test_stride), gic_case(test_lpis), gic_case(test_redist), gic_case(test_redist_clusters),
        gic_case(test_barriers), gic_case(test_virtual),
        gic_case(test_made_active),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
