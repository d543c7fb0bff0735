/* SPDX-License-Identifier: MIT */
/* unit-sources: boot/efi/main.c boot/efi/boot.c boot/efi/config.c boot/efi/file.c */
/* unit-sources: boot/efi/memory.c boot/efi/options.c */
/* unit-sources: boot/efi/text.c boot/efi/tree.c */
/* unit-libs: -lfdt */
/*
 * The EFI application and device trees: firmware's, one of dtb=, GRUB's with modules in it, and trees that name
 * files.
 */
#include "unit.h"
#include "efi_fake.h"
#include "dt_tree.h"

#define DIR "\\EFI\\argon\\"

static struct tree tree, other;

static void files(const char *config)
{
    fake_text(DIR "argon.cfg", config);
    fake_text(DIR "vmlinuz", "MZ the kernel");
    fake_text(DIR "initrd.img", "the ramdisk");
}

/* Begin a tree with /chosen open; cells 0: it has none. */
static void *begin(struct tree *t, u32 ac, u32 sc)
{
    memset(t->blob, 0, sizeof(t->blob));
    tree_ok(fdt_create(t->blob, TREE_SIZE));
    tree_ok(fdt_finish_reservemap(t->blob));
    tree_begin(t->blob, "");
    tree_cells(t->blob, "#address-cells", 2);
    tree_cells(t->blob, "#size-cells", 1);
    tree_str(t->blob, "model", "of-firmware");
    tree_begin(t->blob, "chosen");
    if (ac != 0) {
        tree_cells(t->blob, "#address-cells", ac);
        tree_cells(t->blob, "#size-cells", sc);
    }
    return t->blob;
}

/* Ends /chosen and the tree, with a node behind it that is none of its. */
static void end(void *f)
{
    tree_end(f);
    tree_begin(f, "later");
    tree_strings(f, "compatible", "multiboot,module");
    tree_str(f, "xen,uefi-binary", "not-in-chosen");
    tree_end(f);
    tree_end(f);
    tree_ok(fdt_finish(f));
}

static void binary(void *f, const char *name, const char *kind, const char *file)
{
    char compatible[64];
    size_t n = (size_t)snprintf(compatible, sizeof(compatible), "%s", kind) + 1;

    memcpy(compatible + n, "multiboot,module", 17);
    tree_begin(f, name);
    tree_bytes(f, "compatible", compatible, n + 17);
    tree_str(f, "xen,uefi-binary", file);
    tree_end(f);
}

/* Firmware's tree is kept, but for what a loader before us said to a kernel. */
static void test_firmware_tree(void **state)
{
    void *f = begin(&tree, 0, 0);

    (void)state;
    tree_str(f, "bootargs", "quiet");
    tree_str(f, "stdout-path", "serial0");
    tree_cells(f, "linux,initrd-start", 0x48000000);
    tree_cells(f, "linux,initrd-end", 0x48001000);
    tree_cells(f, "linux,uefi-mmap-size", 1, 2);         /* of another form, and older */
    end(f);
    fake_set_tree(f);
    files("options=a\nkernel=vmlinuz b\nramdisk=initrd.img\n");
    fake_starts();
    check_module("multiboot,kernel", "MZ the kernel");
    check_module("multiboot,ramdisk", "the ramdisk");
    assert_null(chosen_string("bootargs"));
    assert_null(chosen_string("linux,initrd-start"));
    assert_null(chosen_string("linux,initrd-end"));
    assert_string_equal(chosen_string("stdout-path"), "serial0");
    assert_string_equal(chosen_string("xen,xen-bootargs"), "a");
    assert_string_equal(fdt_getprop(fake.tree, 0, "model", NULL), "of-firmware");
    assert_int_equal(fdt32_ld(fdt_getprop(fake.tree, 0, "#size-cells", NULL)), 1);
    assert_memory_equal(fake.firmware_tree, fake.firmware_copy, fdt_totalsize(f));
}

/* It had no /chosen at all. */
static void test_no_chosen(void **state)
{
    void *f = tree.blob;

    (void)state;
    tree_ok(fdt_create_empty_tree(f, TREE_SIZE));
    fake_set_tree(f);
    files("kernel=vmlinuz b\n");
    fake_starts();
    check_module("multiboot,kernel", "MZ the kernel");
}

static void test_dtb(void **state)
{
    void *f = begin(&tree, 0, 0), *g;

    (void)state;
    end(f);
    fake_set_tree(f);
    g = begin(&other, 0, 0);
    tree_str(g, "stdout-path", "of-the-file");
    end(g);
    files("kernel=vmlinuz b\ndtb=board.dtb with more words\n");
    fake_add(DIR "board.dtb", g, fdt_totalsize(g));
    fake_starts();
    assert_string_equal(chosen_string("stdout-path"), "of-the-file");
    fake_file(DIR "board.dtb")->size--;
    fake_refuses("dtb=: is no device tree, or is damaged or too large");
    fake_file(DIR "board.dtb")->size = 7;
    fake_refuses("dtb=: is no device tree, or is damaged or too large");
    fake_file(DIR "board.dtb")->size = TREE_SIZE;        /* what is behind it does no harm */
    fake_starts();
    fdt_set_totalsize(g, MIB(2));
    fake_file(DIR "board.dtb")->data = calloc(1, MIB(2));
    memcpy((void *)(uintptr_t)fake_file(DIR "board.dtb")->data, g, TREE_SIZE);
    fake_file(DIR "board.dtb")->size = MIB(2);
    fake_refuses("dtb=: is no device tree, or is damaged or too large");
    free((void *)(uintptr_t)fake_file(DIR "board.dtb")->data);
}

/* Each word of its structure wrong: it starts with a tree that libfdt calls sound, or says that this one is not. */
static void test_damaged(void **state)
{
    void *f = begin(&tree, 0, 0);
    u32 at, words, refused = 0;

    (void)state;
    end(f);
    at = fdt_off_dt_struct(f);
    words = fdt_size_dt_struct(f) / 4;
    files("kernel=vmlinuz b\n");
    for (u32 i = 0; i < words; i++) {
        fdt32_t *word = (void *)(tree.blob + at + 4 * i), was = *word;

        *word = cpu_to_fdt32(0xff);
        fake_set_tree(f);
        if (fake_run()) {
            assert_int_equal(fdt_check_full(fake.tree, fdt_totalsize(fake.tree)), 0);
        } else {
            fake_said("firmware's device tree: is ");
            fake_check_returned();
            refused++;
        }
        *word = was;
    }
    assert_in_range(refused, words / 4, words);
    fdt_set_magic(f, 1);
    fake_set_tree(f);
    fake_refuses("firmware's device tree: is no device tree");
}

/* ---- GRUB ---- */
static void grub_module(void *f, const char *name, u32 at, const char *args, size_t bytes)
{
    tree_begin(f, name);
    tree_strings(f, "compatible", "multiboot,module");
    tree_cells(f, "reg", 0, at, 0, 0x1000);
    tree_bytes(f, "bootargs", args, bytes);
    tree_end(f);
}

static void test_grub(void **state)
{
    static const char args[] = "placeholder root=/dev/vda2 ro\0\x66";
    void *f = begin(&tree, 2, 2);
    int node, len;

    (void)state;
    tree_str(f, "bootargs", "placeholder console=dtuart no-real-mode edd=off");
    grub_module(f, "module@48000000", 0x48000000, args, sizeof(args) - 1);
    grub_module(f, "module@49000000", 0x49000000, "", 1);
    end(f);
    fake_set_tree(f);
    fake.loaded.device = NULL;
    fake_started_as("x", NULL);
    memcpy(fake.path, (u8[]){ 1, 3, 5 }, 3);     /* a piece of memory, not a file */
    memcpy((u8 *)fake.path + 5, (u8[]){ 0x7f, 0xff, 4, 0 }, 4);
    fake_options_bytes("placeholder console=dtuart", 52);
    fake_starts();
    assert_string_equal(fake.log, "");
    assert_string_equal(chosen_string("bootargs"), "placeholder console=dtuart no-real-mode edd=off");
    assert_null(chosen_string("xen,xen-bootargs"));
    node = tree_node("/chosen/module@48000000");
    assert_memory_equal(fdt_getprop(fake.tree, node, "bootargs", &len), args, sizeof(args) - 1);
    assert_int_equal(len, sizeof(args) - 1);
    assert_int_equal(fdt32_ld((const void *)((const u8 *)fdt_getprop(fake.tree, node, "reg", NULL) + 4)), 0x48000000);
    assert_true(fdt_next_subnode(fake.tree, node) == tree_node("/chosen/module@49000000"));
    assert_int_equal(fake.nr_alloc_calls, 2);    /* tree and map */
}

/* GRUB's without modules, and there is no file system to read a configuration file from. */
static void test_grub_without_modules(void **state)
{
    void *f = begin(&tree, 2, 2);

    (void)state;
    tree_begin(f, "other");
    tree_end(f);
    end(f);
    fake_set_tree(f);
    fake.loaded.device = NULL;
    fake_refuses("started by a boot loader that passed no kernel (in GRUB: xen_hypervisor, and xen_module for it)");
}

/* The file counts all the same. */
static void test_cfg_load(void **state)
{
    void *f = begin(&tree, 2, 2);

    (void)state;
    tree_empty(f, "xen,uefi-cfg-load");
    grub_module(f, "module@48000000", 0x48000000, "of-the-tree", 12);
    end(f);
    fake_set_tree(f);
    files("kernel=vmlinuz of-the-file\n");
    fake_starts();
    assert_string_equal(fdt_getprop(fake.tree, check_module("multiboot,kernel", "MZ the kernel"), "bootargs", NULL),
                        "of-the-file");
    assert_true(tree_node("/chosen/module@48000000") > 0);
    fake_file(DIR "argon.cfg")->error = EFI_NOT_FOUND;
    fake_refuses("argon.efi: no configuration file");
}

/* ---- trees that name files ---- */
static void test_binaries(void **state)
{
    static const u32 cells[][2] = { { 1, 1 }, { 2, 2 }, { 2, 1 }, { 1, 2 }, { 0, 0 } };

    (void)state;
    files("kernel=none\n");              /* not looked at: the tree has modules */
    fake_text(DIR "guest", "of a guest");
    for (u32 i = 0; i < ARRAY_SIZE(cells); i++) {
        u32 ac = cells[i][0] != 0 ? cells[i][0] : 2, sc = cells[i][1] != 0 ? cells[i][1] : 1;
        void *f = begin(&tree, cells[i][0], cells[i][1]);

        tree_str(f, "xen,xen-bootargs", "of-the-tree");
        binary(f, "module@1", "multiboot,kernel", "vmlinuz");
        binary(f, "module@2", "multiboot,ramdisk", "initrd.img");
        tree_begin(f, "domU1");
        tree_str(f, "compatible", "xen,domain");
        tree_cells(f, "#address-cells", 3 - ac);
        tree_cells(f, "#size-cells", 3 - sc);
        binary(f, "module@1", "multiboot,kernel", "guest");
        tree_end(f);
        tree_begin(f, "no-module");
        tree_str(f, "xen,uefi-binary", "gone");
        tree_end(f);
        end(f);
        fake_set_tree(f);
        fake_starts();
        check_reg(tree_node("/chosen/module@1"), ac, sc, "MZ the kernel");
        check_reg(tree_node("/chosen/module@2"), ac, sc, "the ramdisk");
        check_reg(tree_node("/chosen/domU1/module@1"), 3 - ac, 3 - sc, "of a guest");
        assert_string_equal(chosen_string("xen,xen-bootargs"), "of-the-tree");
    }
}

static void one_binary(u32 ac, u32 sc, const char *kind, const char *file)
{
    void *f = begin(&tree, ac, sc);

    binary(f, "module@1", kind, file);
    end(f);
    fake_set_tree(f);
}

static void test_bad_binaries(void **state)
{
    void *f;

    (void)state;
    files("kernel=none\n");
    one_binary(2, 2, "multiboot,kernel", "gone");
    fake_refuses("xen,uefi-binary=: gone: no such file");
    one_binary(2, 2, "multiboot,kernel", "");
    fake_refuses("xen,uefi-binary=: no file is named");
    one_binary(3, 2, "multiboot,kernel", "vmlinuz");
    fake_refuses("device tree: reg of a module cannot be written: libfdt error 14");
    one_binary(1, 1, "multiboot,kernel", "vmlinuz");
    fake.high = true;
    fake_refuses("device tree: reg of a module cannot be written: libfdt error 14");
    fake.high = false;
    f = begin(&tree, 2, 2);
    tree_begin(f, "module@1");
    tree_strings(f, "compatible", "multiboot,kernel\0xen,multiboot-module");
    tree_bytes(f, "xen,uefi-binary", "vmlinuz", 7);      /* without its end */
    tree_end(f);
    end(f);
    fake_set_tree(f);
    fake_refuses("xen,uefi-binary=: no file is named");
    one_binary(2, 2, "multiboot,kernel", "vmlinuz");
    fake.loaded.device = NULL;           /* GRUB loads nothing by itself, and we cannot */
    fake_refuses("was not loaded from a file system");
}

/* What is started is shown to shim, wherever its name stood; what is not started is not. */
static void test_binaries_and_shim(void **state)
{
    static const struct { const char *kind; bool verified; } rows[] = {
        { "multiboot,kernel", true }, { "xen,linux-zimage", true }, { "some,thing", true },
        { "multiboot,ramdisk", false }, { "xen,linux-initrd", false }, { "xen,xsm-policy", false },
        { "multiboot,device-tree", false }
    };

    (void)state;
    files("kernel=none\n");
    fake.has_shim = true;
    for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
        one_binary(2, 2, rows[i].kind, "vmlinuz");
        fake.shim_status = EFI_SUCCESS;
        fake_starts();
        assert_int_equal(fake.verified, rows[i].verified);
        fake.shim_status = EFI_ERROR(26);
        if (rows[i].verified) {
            fake_refuses("xen,uefi-binary=: shim does not accept the kernel's signature: security violation");
        } else {
            fake_starts();
        }
    }
}

/* A configuration file and modules of the tree together, with cells that the tree had. */
static void test_both(void **state)
{
    void *f = begin(&tree, 1, 1);

    (void)state;
    tree_empty(f, "xen,uefi-cfg-load");
    binary(f, "module@1", "multiboot,ramdisk", "initrd.img");
    end(f);
    fake_set_tree(f);
    files("kernel=vmlinuz of-the-file\n");
    fake_starts();
    check_reg(tree_node("/chosen/module@1"), 1, 1, "the ramdisk");
    check_reg(fdt_node_offset_by_compatible(fake.tree, -1, "multiboot,kernel"), 1, 1, "MZ the kernel");
}

/* A command line for which there is no room in the tree. */
static void test_no_room(void **state)
{
    static char text[40000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    memcpy(text, "kernel=vmlinuz ", 15);
    files(text);
    fake_refuses("device tree: module@");
    fake_said("cannot be written: libfdt error 3");
}

static void test_each_allocation(void **state)
{
    void *f = begin(&tree, 2, 2);
    u32 n;

    (void)state;
    binary(f, "module@1", "multiboot,kernel", "vmlinuz");
    binary(f, "module@2", "multiboot,ramdisk", "initrd.img");
    end(f);
    fake_set_tree(f);
    files("kernel=none\n");
    for (n = 1;; n++) {
        fake.fail_alloc = n;
        if (fake_run()) {
            break;
        }
        fake_said("no memory for ");
        fake_check_returned();
    }
    assert_int_equal(n, 5);              /* tree, kernel, ramdisk, map */
    fake.fail_alloc = 0;
    for (n = 1;; n++) {
        fake.fail_call = n;
        if (fake_run()) {
            break;
        }
        fake_said("Argon: ");
        fake_check_returned();
    }
    assert_int_equal(n, fake.calls + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fake_case(test_firmware_tree), fake_case(test_no_chosen), fake_case(test_dtb), fake_case(test_damaged),
        fake_case(test_grub), fake_case(test_grub_without_modules), fake_case(test_cfg_load), fake_case(test_binaries),
        fake_case(test_bad_binaries), fake_case(test_binaries_and_shim), fake_case(test_both), fake_case(test_no_room),
        fake_case(test_each_allocation)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
