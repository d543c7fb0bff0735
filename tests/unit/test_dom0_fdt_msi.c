/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/machine.c firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c firmware/fdt/machine.c */
/* unit-sources: firmware/fdt/numa.c */
/* unit-sources: firmware/fdt/gic.c firmware/fdt/chosen.c firmware/fdt/uart.c */
/* unit-sources: boot/dom0_filter.c boot/dom0_fdt.c boot/build/fdt.c boot/dom0_dev.c */
/* unit-libs: -lfdt */
/* Where dom0's device tree says that devices' messages go. */
#include "unit.h"
#include "dom0_fdt_common.h"

#define ITS_PHANDLE 0x8004
#define OTHER_MSI   0x9000
#define NO_MSI      0x9001

static void messages(void *f)
{
    tree_begin(f, "msi@b000000");
    tree_cells(f, "phandle", OTHER_MSI);
    tree_end(f);
    tree_begin(f, "bridge");
    tree_cells(f, "msi-map", 0, ITS_PHANDLE, 0, 0x100, 0x100, OTHER_MSI, 0, 0x100, 0x200, NO_MSI, 0, 0x100, 7);
    tree_cells(f, "msi-map-mask", 0xffff);
    tree_end(f);
    tree_begin(f, "bridge2");
    tree_cells(f, "msi-map", 0, ITS_PHANDLE, 0, 0x10000);
    tree_end(f);
    tree_begin(f, "bridge3");
    tree_cells(f, "msi-map", 0, ITS_PHANDLE);
    tree_end(f);
    tree_begin(f, "device1");
    tree_cells(f, "msi-parent", ITS_PHANDLE, 5);
    tree_end(f);
    tree_begin(f, "device2");
    tree_cells(f, "msi-parent", OTHER_MSI);
    tree_end(f);
    tree_begin(f, "device3");
    tree_empty(f, "msi-parent");
    tree_end(f);
}

/* Messages go where dom0 has something to take them: to an ITS that works, or what Argon leaves alone. */
static void test_messages(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.more = messages;
    build(&o);
    want_cells("/bridge", "msi-map", 0, ITS_PHANDLE, 0, 0x100, 0x100, OTHER_MSI, 0, 0x100);
    want_cells("/bridge", "msi-map-mask", 0xffff);
    want_cells("/bridge2", "msi-map", 0, ITS_PHANDLE, 0, 0x10000);
    assert_false(has_prop("/bridge3", "msi-map"));
    want_cells("/device1", "msi-parent", ITS_PHANDLE, 5);
    want_cells("/device2", "msi-parent", OTHER_MSI);
    assert_false(has_prop("/device3", "msi-parent"));
    machine.gic.nr_its = 0;
    assert_true(dom0_fdt_build(&in, out, sizeof(out)) > 0);
    assert_false(has_node("/intc@8000000/its@8080000"));
    assert_true(has_node("/virtio_mmio@a003e00"));
    want_cells("/bridge", "msi-map", 0x100, OTHER_MSI, 0, 0x100);
    assert_false(has_prop("/bridge2", "msi-map"));
    assert_false(has_prop("/device1", "msi-parent"));
    want_cells("/device2", "msi-parent", OTHER_MSI);
}

int main(void)
{
    const struct CMUnitTest tests[] = { unit_case(test_messages) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
