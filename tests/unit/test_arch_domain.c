/* SPDX-License-Identifier: MIT */
/* unit-sources: arch/arm/domain.c firmware/machine.c */
/* Which interrupt controller a domain gets, where, and how much of the hardware's CPU interface. */
#include "unit.h"
#include <argon/machine.h>
#include <vdev/vgic.h>
#include <vdev/vgic_host.h>

static u32 hosts;
static u64 layout[3];
static int layout_rc;
static struct domain *d;
static const struct vgic_host_ops fake_ops = { .gic_version = 3 };
const struct vgic_host_ops *vgic_host = &fake_ops;

u32 vgic_host_versions(void) { return hosts; }

int vgic_init_domain(struct domain *who, u8 version, u32 nr_spis)
{
    who->arch.vgic.version = version;
    who->arch.vgic.nr_spis = nr_spis;
    return 0;
}

int vgic_set_layout(struct domain *who, u64 gicd, u64 gicr_or_gicc, u64 gicr_size)
{
    assert_ptr_equal(who, d);
    layout[0] = gicd;
    layout[1] = gicr_or_gicc;
    layout[2] = gicr_size;
    return layout_rc;
}

void vgic_destroy_domain(struct domain *who) { who->arch.vgic.version = 0; }

/* unit_domain() makes stage 2, which is arch_domain_create()'s business here. */
static int create(u16 id, u8 gic, u32 vcpus)
{
    struct domain_config cfg = { .gic_version = gic, .nr_spis = 96, .privileged = id == 0, .max_vcpus = vcpus };

    if (d != NULL) {
        unit_domain_free(d);
    }
    d = unit_domain(id, vcpus);
    assert_int_equal(p2m_teardown(d), 0);
    memset(layout, 0, sizeof(layout));
    return arch_domain_create(d, &cfg);
}

/* Pages of the GICV from gicc on: all of them, and nothing behind. */
static void expect_gicv(u64 gicc, u64 pages)
{
    enum p2m_type t;

    for (u64 i = 0; i <= pages; i++) {
        mfn_t m = p2m_lookup(d, gpa_to_gfn(gicc + i * PAGE_SIZE), &t, NULL);

        assert_int_equal(t, i < pages ? P2M_MMIO : P2M_INVALID);
        assert_true(i == pages || m.m == (machine.gic.gicv >> PAGE_SHIFT) + i);
    }
}

static int setup(void **state)
{
    unit_setup(state);
    d = NULL;
    hosts = BIT32(2) | BIT32(3);
    layout_rc = 0;
    machine.gic = (struct machine_gic){
        .version = 3, .gicd = 0x8000000, .nr_redist = 2, .gicv = 0x8040000, .gicv_size = 0x10000,
        .redist = { { 0x80a0000, 0x40000, 0 }, { 0x90a0000, 0x80000, 0 } }
    };
    return 0;
}

static void test_v3(void **state)
{
    (void)state;
    assert_int_equal(create(0, XEN_DOMCTL_CONFIG_GIC_NATIVE, 2), 0);
    assert_int_equal(d->arch.vgic.version, 3);
    assert_int_equal(d->arch.vgic.nr_spis, 96);
    /* dom0's is the host's, with the largest of its regions. */
    assert_int_equal(layout[0], 0x8000000);
    assert_int_equal(layout[1], 0x90a0000);
    assert_int_equal(layout[2], 0x80000);
    assert_int_equal(create(1, XEN_DOMCTL_CONFIG_GIC_V3, 16), 0);
    assert_int_equal(layout[0], 0);
    expect_gicv(GUEST_GICC_BASE, 0);
    hosts = BIT32(3);
    assert_int_equal(create(1, XEN_DOMCTL_CONFIG_GIC_V2, 2), -ENODEV);
    assert_int_equal(create(1, XEN_DOMCTL_CONFIG_GIC_V3 + 1, 2), -EINVAL);
}

static void test_v2(void **state)
{
    (void)state;
    /* A guest has room for two pages, and gets no more than there is. */
    assert_int_equal(create(1, XEN_DOMCTL_CONFIG_GIC_V2, 8), 0);
    expect_gicv(GUEST_GICC_BASE, 2);
    machine.gic.gicv_size = 0x1000;
    assert_int_equal(create(1, XEN_DOMCTL_CONFIG_GIC_V2, 8), 0);
    expect_gicv(GUEST_GICC_BASE, 1);
    assert_int_equal(create(1, XEN_DOMCTL_CONFIG_GIC_V2, 9), -EINVAL);
    /* dom0's is as large as both of the host's are. */
    machine.gic.version = 2;
    machine.gic.gicc = 0x8010000;
    machine.gic.gicc_size = 0x10000;
    machine.gic.gicv_size = 0x8000;
    assert_int_equal(create(0, XEN_DOMCTL_CONFIG_GIC_V2, 8), 0);
    assert_int_equal(layout[1], 0x8010000);
    expect_gicv(0x8010000, 8);
    machine.gic.gicc_size = 0x2000;
    assert_int_equal(create(0, XEN_DOMCTL_CONFIG_GIC_V2, 8), 0);
    expect_gicv(0x8010000, 2);
    layout_rc = -ENOMEM;
    assert_int_equal(create(0, XEN_DOMCTL_CONFIG_GIC_V2, 8), -ENOMEM);
    assert_int_equal(d->arch.vgic.version, 0);
}

#define domain_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = { domain_case(test_v3), domain_case(test_v2) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
