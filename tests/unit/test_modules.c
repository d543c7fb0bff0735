/* SPDX-License-Identifier: MIT */
/* unit-sources: firmware/machine.c firmware/fdt/dt.c firmware/fdt/prop.c firmware/fdt/irq.c firmware/fdt/machine.c */
/* unit-sources: firmware/fdt/numa.c */
/* unit-sources: firmware/fdt/gic.c firmware/fdt/chosen.c boot/modules.c */
/* unit-libs: -lfdt */
/* Boot modules and command lines: the rules of the boot protocol, checks, and giving their memory back. */
#include "unit.h"
#include "dt_tree.h"
#include <argon/boot.h>

static struct tree tree;
static struct machine_range freed[8];
static u32 nr_freed;

void mem_add_range(paddr_t start, paddr_t end, u32 node)
{
    assert_true(nr_freed < ARRAY_SIZE(freed));
    freed[nr_freed++] = (struct machine_range){ .start = start, .size = end - start, .node = node };
}

static int parse(const struct tree_options *o)
{
    unit_log_clear();
    return tree_machine(tree_virt(&tree, o), TREE_SIZE);
}

static void expect_kernel_and_ramdisk(void)
{
    const struct machine_module *k = machine_module(MODULE_KERNEL), *r = machine_module(MODULE_RAMDISK);

    assert_int_equal(machine.nr_modules, 2);
    assert_non_null(k);
    assert_non_null(r);
    assert_int_equal(k->start, TREE_KERNEL_AT);
    assert_int_equal(k->size, TREE_KERNEL_SIZE);
    assert_int_equal(r->start, TREE_RAMDISK_AT);
    assert_int_equal(r->size, TREE_RAMDISK_SIZE);
}

static void test_kinds(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    assert_int_equal(parse(&o), 0);
    expect_kernel_and_ramdisk();
    o.legacy = true;
    assert_int_equal(parse(&o), 0);
    expect_kernel_and_ramdisk();
    o.untyped = true;
    assert_int_equal(parse(&o), 0);
    expect_kernel_and_ramdisk();
    assert_false(machine.modules[0].typed);
    o.untyped = false;
    o.no_chosen_cells = true;    /* QEMU's guest-loader */
    assert_int_equal(parse(&o), 0);
    expect_kernel_and_ramdisk();
    o.chosen_initrd = true;
    assert_int_equal(parse(&o), 0);
    expect_kernel_and_ramdisk();
    o.no_modules = true;
    o.chosen_initrd = false;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine.nr_modules, 0);
    assert_null(machine_module(MODULE_KERNEL));
}

static void module_node(void *f, const char *name, const char *compatible, size_t len, u64 at, u64 size)
{
    tree_begin(f, name);
    tree_bytes(f, "compatible", compatible, len);
    tree_cells(f, "reg", RANGE(at, size));
    tree_end(f);
}
#define MODULE(f, name, compatible, at, size) module_node(f, name, compatible, sizeof(compatible), at, size)

/* Deeper, of other kinds, and of a dom0less domain. */
static void more_modules(void *f)
{
    tree_begin(f, "modules");
    tree_cells(f, "#address-cells", 2);
    tree_cells(f, "#size-cells", 2);
    MODULE(f, "module@60000000", "multiboot,module\0xen,xsm-policy", 0x60000000, 100);
    MODULE(f, "module@61000000", "multiboot,device-tree\0multiboot,module", 0x61000000, 200);
    MODULE(f, "module@62000000", "multiboot,kernel", 0x62000000, 300);    /* lacks multiboot,module */
    tree_end(f);
    tree_begin(f, "domU1");
    tree_cells(f, "#address-cells", 2);
    tree_cells(f, "#size-cells", 2);
    tree_str(f, "compatible", "xen,domain");
    MODULE(f, "module@63000000", "multiboot,module\0multiboot,kernel", 0x63000000, 0x1000);
    tree_end(f);
}

static void test_other_modules(void **state)
{
    struct tree_options o = tree_defaults();

    (void)state;
    o.more_chosen = more_modules;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine.nr_modules, 4);
    assert_int_equal(machine_module(MODULE_XSM)->start, 0x60000000);
    assert_int_equal(machine_module(MODULE_FDT)->start, 0x61000000);
    assert_int_equal(machine_module(MODULE_KERNEL)->start, TREE_KERNEL_AT);
    assert_non_null(strstr(unit_log(), "domain domU1 of the device tree is not started"));
    /* Its module is kept out of use all the same. */
    assert_int_equal(machine.nr_reserved, 1);
    assert_int_equal(machine.reserved[0].start, 0x63000000);
}

static void no_reg(void *f)
{
    tree_begin(f, "module@1");
    tree_str(f, "compatible", "multiboot,module");
    tree_str(f, "xen,uefi-binary", "vmlinuz");
    tree_end(f);
}

static void odd_reg(void *f)
{
    tree_begin(f, "module@1");
    tree_str(f, "compatible", "multiboot,module");
    tree_cells(f, "reg", 0, 0x50000000, 0);
    tree_end(f);
}

static void empty_reg(void *f) { MODULE(f, "module@2", "multiboot,module", 0x50000000, 0); }
static void wrapping_reg(void *f) { MODULE(f, "module@2", "multiboot,module", ~0UL - 100, 50); }

static void bad_initrd(void *f)
{
    tree_cells(f, "linux,initrd-start", 1, 2, 3);
    tree_cells(f, "linux,initrd-end", 9);
}

static void backward_initrd(void *f)
{
    tree_cells(f, "linux,initrd-start", 10);
    tree_cells(f, "linux,initrd-end", 9);
}

static void ramdisk_too(void *f) { MODULE(f, "module@2", "multiboot,module\0multiboot,ramdisk", 0x50000000, 0x1000); }

static void empty_initrd(void *f)
{
    tree_cells(f, "linux,initrd-start", 10);
    tree_cells(f, "linux,initrd-end", 10);
}

static void twenty(void *f)
{
    for (u32 i = 0; i < 20; i++) {
        char name[32];

        snprintf(name, sizeof(name), "module@%x", 0x50000000 + i * 0x10000);
        MODULE(f, name, "multiboot,module", 0x50000000 + i * 0x10000, 10);
    }
}

static void test_malformed(void **state)
{
    static const struct {
        void (*more)(void *f);
        const char *why;
    } cases[] = {
        { no_reg, "/chosen/module@1: boot module without reg" },
        { odd_reg, "/chosen/module@1: bad reg" },
        { empty_reg, "/chosen/module@2: bad reg" },
        { wrapping_reg, "its range wraps" },
        { bad_initrd, "bad linux,initrd-start" },
        { backward_initrd, "bad linux,initrd-start" },
        { empty_initrd, "bad linux,initrd-start" },
    };
    struct tree_options o = tree_defaults();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        o.more_chosen = cases[i].more;
        o.no_modules = cases[i].more == bad_initrd || cases[i].more == backward_initrd || cases[i].more == empty_initrd;
        assert_int_equal(parse(&o), -EINVAL);
        if (strstr(unit_log(), cases[i].why) == NULL) {
            fail_msg("log lacks \"%s\": %s", cases[i].why, unit_log());
        }
    }
    /* Beside a ramdisk module: it counts, and what /chosen names stays out of use. */
    o.no_modules = false;
    o.more_chosen = ramdisk_too;
    o.chosen_initrd = true;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine.nr_modules, 2);
    assert_int_equal(machine_module(MODULE_RAMDISK)->start, 0x50000000);
    assert_int_equal(machine.nr_reserved, 1);
    assert_int_equal(machine.reserved[0].start, TREE_RAMDISK_AT);
    o.chosen_initrd = false;
    o.more_chosen = twenty;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(machine.nr_modules, MACHINE_MAX_MODULES);
    assert_non_null(strstr(unit_log(), "more than 16 boot modules"));
    assert_int_equal(machine.nr_reserved, 6);
}

static void test_command_lines(void **state)
{
    static const struct {
        const char *chosen, *xen, *dom0, *kernel;
        const char *want_xen, *want_dom0;
    } cases[] = {
        { "C", "X", "D", "K", "X", "K" },
        { "C", "X", "D", NULL, "X", "D" },
        { "C", "X", NULL, NULL, "X", "C" },
        { "C", NULL, "D", NULL, "C", "D" },
        { "C", NULL, NULL, "K", "C", "K" },
        { "C", NULL, "D", "K", "C", "K" },
        { "C", NULL, NULL, NULL, "", "C" },
        { NULL, NULL, "D", NULL, "", "D" },
        { NULL, "X", NULL, NULL, "X", "" },
        { NULL, NULL, NULL, NULL, "", "" },
        { "C", NULL, NULL, "", "C", "" },
    };
    struct tree_options o = tree_defaults();
    static char longer[1500];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        o.chosen_args = cases[i].chosen;
        o.xen_args = cases[i].xen;
        o.dom0_args = cases[i].dom0;
        o.kernel_args = cases[i].kernel;
        assert_int_equal(parse(&o), 0);
        assert_string_equal(machine.xen_cmdline, cases[i].want_xen);
        assert_string_equal(machine.dom0_cmdline, cases[i].want_dom0);
    }
    memset(longer, 'x', sizeof(longer) - 1);
    o.xen_args = longer;
    o.kernel_args = longer;
    assert_int_equal(parse(&o), 0);
    assert_int_equal(strlen(machine.xen_cmdline), sizeof(machine.xen_cmdline) - 1);
    assert_int_equal(strlen(machine.dom0_cmdline), sizeof(machine.dom0_cmdline) - 1);
    assert_non_null(strstr(unit_log(), "command line of Argon is longer"));
}

static void test_check(void **state)
{
    struct tree_options o = tree_defaults();
    char why[160];

    (void)state;
    assert_int_equal(parse(&o), 0);
    assert_true(modules_check(&machine, 0x40200000, 0x80000, why, sizeof(why)));
    assert_false(modules_check(&machine, TREE_KERNEL_AT + TREE_KERNEL_SIZE - 1, 0x80000, why, sizeof(why)));
    assert_non_null(strstr(why, "the kernel module at 0x78000000..0x79e00123 overlaps Argon"));
    machine.modules[1].start = TREE_KERNEL_AT - TREE_RAMDISK_SIZE + 1;
    assert_false(modules_check(&machine, 0x40200000, 0x80000, why, sizeof(why)));
    assert_non_null(strstr(why, "the ramdisk module at"));
    assert_non_null(strstr(why, "overlaps the kernel module at 0x78000000"));
    machine.modules[1].start--;          /* they touch */
    assert_true(modules_check(&machine, 0x40200000, 0x80000, why, sizeof(why)));
    machine.modules[1].start = TREE_KERNEL_AT + TREE_KERNEL_SIZE;
    assert_true(modules_check(&machine, 0x40200000, 0x80000, why, sizeof(why)));
    machine.modules[1].start = TREE_KERNEL_AT - TREE_RAMDISK_SIZE;
    machine.tables.start = TREE_RAMDISK_AT - 0x1000000;
    machine.tables.size = 0x1000;
    machine.modules[1].start = machine.tables.start + 0xfff;
    assert_false(modules_check(&machine, 0x40200000, 0x80000, why, sizeof(why)));
    assert_non_null(strstr(why, "overlaps the device tree"));
    machine.tables.size = 0;
    machine.modules[0].start = 0xbfffffff;
    assert_false(modules_check(&machine, 0x40200000, 0x80000, why, sizeof(why)));
    assert_non_null(strstr(why, "is not in RAM"));
}

static void use_module(u32 i, u64 at, const char *contents, size_t len)
{
    machine.modules[i] = (struct machine_module){ .start = at, .size = len, .kind = machine.modules[i].kind };
    memcpy((char *)mfn_to_virt(paddr_to_mfn(at)) + at % PAGE_SIZE, contents, len);
}

static void test_classify(void **state)
{
    static const char policy[] = "\x8c\xff\x7c\xf9SE Linux";

    (void)state;
    memset(&machine, 0, sizeof(machine));
    machine.nr_modules = 3;
    machine.modules[0].kind = MODULE_KERNEL;
    machine.modules[1].kind = MODULE_RAMDISK;
    machine.modules[2].kind = MODULE_UNKNOWN;
    use_module(0, 0x40100000, policy, sizeof(policy));   /* a kernel is never asked */
    use_module(1, 0x40200010, policy, sizeof(policy));
    use_module(2, 0x40300000, "cpio", 4);
    modules_classify(&machine);
    assert_int_equal(machine.modules[0].kind, MODULE_KERNEL);
    assert_int_equal(machine.modules[1].kind, MODULE_XSM);
    assert_int_equal(machine.modules[2].kind, MODULE_RAMDISK);
    machine.modules[1].kind = MODULE_RAMDISK;
    machine.modules[2].kind = MODULE_UNKNOWN;
    machine.modules[1].typed = true;
    unit_log_clear();
    modules_classify(&machine);
    assert_int_equal(machine.modules[1].kind, MODULE_RAMDISK);
    assert_int_equal(machine.modules[2].kind, MODULE_UNKNOWN);
    assert_non_null(strstr(unit_log(), "boot module at 0x40300000 is not used"));
    /* Too short to begin with anything: what is behind it is not its. */
    machine.modules[1].typed = false;
    machine.modules[1].size = 3;
    modules_classify(&machine);
    assert_int_equal(machine.modules[1].kind, MODULE_RAMDISK);
}

static void test_give_back(void **state)
{
    (void)state;
    memset(&machine, 0, sizeof(machine));
    nr_freed = 0;
    assert_int_equal(machine_add_bank(&machine, 0x40000000, MIB(256), 2), 0);
    assert_int_equal(machine_add_reserved(&machine, 0x40104000, 0x1000), 0);
    machine.nr_modules = 4;
    machine.modules[0] = (struct machine_module){ .start = 0x40100000, .size = 0x8123 };   /* holds a reserved page */
    machine.modules[1] = (struct machine_module){ .start = 0x40108200, .size = 0x2e00 };   /* starts in the same page */
    machine.modules[2] = (struct machine_module){ .start = 0x40200010, .size = 0x100 };    /* no whole page */
    machine.modules[3] = (struct machine_module){ .start = 0x40300000, .size = 0x1800 };   /* its last page is shared */
    modules_free(&machine);
    assert_int_equal(nr_freed, 4);
    assert_int_equal(freed[3].start, 0x40300000);
    assert_int_equal(freed[3].size, PAGE_SIZE);
    assert_int_equal(freed[0].start, 0x40100000);
    assert_int_equal(freed[0].size, 0x4000);
    assert_int_equal(freed[0].node, 2);
    assert_int_equal(freed[1].start, 0x40105000);
    assert_int_equal(freed[1].size, 0x3000);
    assert_int_equal(freed[2].start, 0x40109000);
    assert_int_equal(freed[2].size, 0x2000);
    assert_int_equal(machine.nr_modules, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_case(test_kinds), unit_case(test_other_modules), unit_case(test_malformed), unit_case(test_command_lines),
        unit_case(test_check), unit_case(test_classify), unit_case(test_give_back)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
