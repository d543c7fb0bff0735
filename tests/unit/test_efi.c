/* SPDX-License-Identifier: MIT */
/* unit-sources: boot/efi/main.c boot/efi/boot.c boot/efi/config.c boot/efi/file.c */
/* unit-sources: boot/efi/memory.c boot/efi/options.c */
/* unit-sources: boot/efi/text.c boot/efi/tree.c */
/* unit-libs: -lfdt */
/* The EFI application started by firmware, with a configuration file: from the first to the last step. */
#include "unit.h"
#include "efi_fake.h"

#define DIR "\\EFI\\argon\\"
#define FULL "[global]\ndefault=debian\n\n[debian]\noptions=console=dtuart dom0_mem=1G\n" \
             "kernel=vmlinuz root=/dev/vda2 ro\nramdisk=initrd.img\nxsm=policy\n"

static void files(const char *config)
{
    fake_text(DIR "argon.cfg", config);
    fake_text(DIR "vmlinuz", "MZ the kernel");
    fake_text(DIR "initrd.img", "the ramdisk");
    fake_text(DIR "policy", "the policy");
}

static void kernel_args(const char *args)
{
    assert_string_equal(fdt_getprop(fake.tree, check_module("multiboot,kernel", "MZ the kernel"), "bootargs", NULL),
                        args);
}

static void test_all(void **state)
{
    (void)state;
    files(FULL);
    fake_starts();
    kernel_args("root=/dev/vda2 ro");
    assert_null(fdt_getprop(fake.tree, check_module("multiboot,ramdisk", "the ramdisk"), "bootargs", NULL));
    check_module("xen,xsm-policy", "the policy");
    assert_string_equal(chosen_string("xen,xen-bootargs"), "console=dtuart dom0_mem=1G");
    assert_null(chosen_string("bootargs"));
    assert_int_equal(fdt32_ld(fdt_getprop(fake.tree, 0, "#address-cells", NULL)), 2);
    assert_int_equal(fdt32_ld(fdt_getprop(fake.tree, 0, "#size-cells", NULL)), 2);
    assert_int_equal(fdt32_ld(fdt_getprop(fake.tree, tree_node("/chosen"), "#address-cells", NULL)), 2);
    assert_int_equal(fdt32_ld(fdt_getprop(fake.tree, tree_node("/chosen"), "#size-cells", NULL)), 2);
    assert_string_equal(fake.log, "");
    fake.high = true;                    /* pages above 4 GiB do as well */
    fake_starts();
    kernel_args("root=/dev/vda2 ro");
}

/* A kernel is all that is needed, in a file of one line without an end, and without options. */
static void test_least(void **state)
{
    (void)state;
    files("kernel=vmlinuz");
    fake_starts();
    kernel_args("");
    assert_string_equal(chosen_string("xen,xen-bootargs"), "");
    assert_true(fdt_node_offset_by_compatible(fake.tree, -1, "multiboot,ramdisk") < 0);
    assert_true(fdt_node_offset_by_compatible(fake.tree, -1, "xen,xsm-policy") < 0);
}

/* As editors leave it: other line ends, blanks, comments, directories with either bar. */
static void test_text(void **state)
{
    (void)state;
    files("\r\n# [other]\r\n  # kernel=none\r\n\t[debian]\t\r\n options = loglvl=all  \r\n"
          "kernel\t=  sub/vmlinuz \troot=/dev/vda2\t\r\nramdisk=\\initrd\r\n");
    fake_text(DIR "sub\\vmlinuz", "MZ the kernel");
    fake_text("\\initrd", "the ramdisk");
    fake_starts();
    kernel_args("root=/dev/vda2");
    check_module("multiboot,ramdisk", "the ramdisk");
    assert_string_equal(chosen_string("xen,xen-bootargs"), "loglvl=all");
}

/* The name: .cfg for .efi, then shorter, until there is one. */
static void test_names(void **state)
{
    static const struct { const char *path, *text, *why; } names[] = {
        { DIR "argon.cfg", "kernel=d", "kernel=: d: no such file" },
        { DIR "argon-1.cfg", "kernel=c", "kernel=: c: no such file" },
        { DIR "argon-1.0.cfg", "kernel=b", "kernel=: b: no such file" },
        { DIR "argon-1.0-arm64.cfg", "kernel=a", "kernel=: a: no such file" }
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
        fake_text(names[i].path, names[i].text);         /* the longest of those that there are */
        fake_started_as("\\EFI\\argon\\argon-1.0-arm64.EFI", NULL);
        fake_refuses(names[i].why);
        /* without .efi it is a part of the name like others */
        fake_started_as("\\EFI\\argon\\argon-1.0-arm64", NULL);
        fake_refuses(names[i].why);
    }
    fake_started_as("\\EFI\\argon\\argon_1.efi", NULL);
    fake_refuses(names[0].why);
}

static void test_no_config(void **state)
{
    (void)state;
    fake_refuses("argon.efi: no configuration file of that name with .cfg, nor of a shorter one");
    fake_started_as("\\EFI\\argon\\", "argon-2.efi");
    fake_refuses("argon-2.efi: no configuration file");
    fake_started_as("\\EFI\\argon\\", NULL);     /* no name at all */
    fake_refuses(": no configuration file");
    fake.loaded.path = NULL;
    fake_refuses("was not loaded from a file system");
    fake.no_file_system = true;
    fake_started_as("\\argon.efi", NULL);
    fake_refuses("was not loaded from a file system");
}

/* One that is there and cannot be read is not passed over for one that happens to have a shorter name. */
static void test_config_not_read(void **state)
{
    (void)state;
    files(FULL);
    fake_text(DIR "argon-1.cfg", FULL);
    fake_started_as("\\EFI\\argon", "argon-1.efi");
    fake_file(DIR "argon-1.cfg")->error = EFI_ERROR(15);
    fake_refuses("argon-1.cfg: cannot be opened: access denied");
    fake_file(DIR "argon-1.cfg")->error = 0;
    fake_file(DIR "argon-1.cfg")->size = 0;
    fake_refuses("argon-1.cfg: is empty");
    fake_file(DIR "argon-1.cfg")->directory = true;
    fake_refuses("argon-1.cfg: is no file that can be read: not supported");
}

/* Where the image is: the top of the file system, without a bar in front, in a path of two nodes. */
static void test_places(void **state)
{
    (void)state;
    files("kernel=none");
    fake_text("\\argon.cfg", "kernel=top");
    fake_started_as("\\argon.efi", NULL);
    fake_refuses("kernel=: top: no such file");
    fake_started_as("argon.efi", NULL);
    fake_refuses("kernel=: top: no such file");
    fake_started_as("\\EFI\\argon", "argon.efi");
    fake_refuses("kernel=: none: no such file");
    fake_started_as("EFI\\argon\\argon.efi", NULL);
    fake_refuses("kernel=: none: no such file");
    fake_started_as("\\EFI\\gone\\argon.efi", NULL);
    fake_refuses("\\EFI\\gone: cannot be opened: not found");
    static char name[300];

    memset(name, 'x', sizeof(name) - 1);
    fake_started_as(name, NULL);
    fake_refuses("by a name of more than 255 characters");
    fake_started_as("\\EFI\\argon\\argon.efi", NULL);
    ((u8 *)fake.path)[2] = 3;            /* a node shorter than its head */
    fake_refuses("was not loaded from a file system");
}

/* What the shell and boot entries pass. */
static void test_options(void **state)
{
    (void)state;
    files(FULL "[other]\nkernel=vmlinuz other\noptions=a=1\n");
    fake_options("fs0:\\EFI\\argon\\ARGON.EFI other -- loglvl=all  x");
    fake_starts();
    kernel_args("other");
    assert_string_equal(chosen_string("xen,xen-bootargs"), "a=1 loglvl=all  x");
    fake_options("other");               /* a boot entry's have no name in front */
    fake_starts();
    kernel_args("other");
    assert_string_equal(chosen_string("xen,xen-bootargs"), "a=1");
    fake_options("argon");
    fake_starts();
    kernel_args("root=/dev/vda2 ro");
    fake_options_bytes("other--", 10);   /* no NUL: ends with the size */
    fake_starts();
    kernel_args("other");
    fake_options_bytes("other--", 11);   /* half a character */
    fake_starts();
    kernel_args("other");
    fake_options_bytes("", 1);
    fake_starts();
    fake.loaded.options = NULL;
    fake.loaded.options_size = 6;
    fake_starts();
    kernel_args("root=/dev/vda2 ro");
    fake_options("argon.efi gone");
    fake_refuses("argon.cfg: no section [gone]");
    fake_options("argon.efi -bad -worse -basevideo");
    fake_starts();
    fake_said("unknown option, ignored: -bad");
    fake_options("-basevideo");
    fake_starts();
    assert_string_equal(fake.log, "");
    fake_options("argon.efi -help");
    fake_refuses("[-cfg=FILE] [-basevideo] [SECTION] [-- OPTIONS OF THE HYPERVISOR]");
}

static void test_long_options(void **state)
{
    static char line[2048];

    (void)state;
    files("options=quiet\nkernel=vmlinuz");
    memset(line, 'x', sizeof(line) - 1);
    fake_options(line);
    fake_refuses("options are longer than 1023 characters");
    memcpy(line, "-- ", 3);
    line[1023] = '\0';
    fake_options(line);                  /* fit, but not with options= */
    fake_refuses("argon.cfg: options= is longer than 1023 characters");
    line[3 + 1024 - 6] = '\0';
    fake_options(line);                  /* by one character */
    fake_refuses("argon.cfg: options= is longer than 1023 characters");
    line[3 + 1023 - 6] = '\0';
    fake_options(line);
    fake_starts();
    assert_int_equal(strlen(chosen_string("xen,xen-bootargs")), 1023);
}

static void test_cfg_option(void **state)
{
    (void)state;
    files("kernel=none");
    fake_text(DIR "my.conf", "kernel=vmlinuz mine");
    fake_options("-cfg=my.conf");
    fake_starts();
    kernel_args("mine");
    fake_options("-cfg=gone.cfg");
    fake_refuses("-cfg=: gone.cfg: no such file");
    fake_options("-cfg=a\x1b[2Jb\x01.cfg");  /* nothing that a terminal would obey */
    fake_refuses("-cfg=: a?[2Jb?.cfg: no such file");
    fake_options("-cfg=");
    fake_refuses("-cfg=: no file is named");
    static char line[400] = "-cfg=";

    memset(line + 5, 'y', 300);
    fake_options(line);
    fake_refuses("the name of a file is longer than 255 characters: yyyyy");
}

/* [global] gives what a section has not; without default= the first of all counts. */
static void test_sections(void **state)
{
    (void)state;
    files("[global]\ndefault=b\noptions=of-global\nramdisk=initrd.img\n[a]\nkernel=none\n[b]\nkernel=vmlinuz b\n");
    fake_starts();
    kernel_args("b");
    assert_string_equal(chosen_string("xen,xen-bootargs"), "of-global");
    check_module("multiboot,ramdisk", "the ramdisk");
    fake_file(DIR "argon.cfg")->data = "[a]\noptions=of-a\n[b]\noptions=of-b\nkernel=vmlinuz b\n";
    fake_file(DIR "argon.cfg")->size = strlen(fake_file(DIR "argon.cfg")->data);
    fake_starts();
    kernel_args("b");
    assert_string_equal(chosen_string("xen,xen-bootargs"), "of-a");
}

static void config(const char *text)
{
    fake_file(DIR "argon.cfg")->data = text;
    fake_file(DIR "argon.cfg")->size = strlen(text);
}

static void test_sections_missing(void **state)
{
    (void)state;
    files("[global]\ndefault=c\n[a]\nkernel=vmlinuz\n");
    fake_refuses("argon.cfg: no section [c]");
    config("[global]\ndefault=c\n[c]\nramdisk=initrd.img\n");
    fake_refuses("argon.cfg: no kernel= in section [c]");
    config("options=x\n");
    fake_refuses("argon.cfg: no kernel=");
    config("kernel=\n");
    fake_refuses("kernel=: no file is named");
    config("kernel=vmlinuz\nramdisk=gone.img\n");
    fake_refuses("ramdisk=: gone.img: no such file");
    config("kernel=vmlinuz\nxsm=gone.bin\n");
    fake_refuses("xsm=: gone.bin: no such file");
    config("kernel=vmlinuz\ndtb=gone.dtb\n");
    fake_refuses("dtb=: gone.dtb: no such file");
}

static void test_malformed(void **state)
{
    static const char utf16[] = "\xff\xfek\0e\0r\0n\0e\0l\0=\0v\0", plain16[] = "k\0e\0r\0n\0e\0l\0=\0v\0";

    (void)state;
    files("kernel=vmlinuz\n\nramdisk initrd.img\n");
    fake_refuses("argon.cfg, line 3: neither [SECTION] nor KEY=VALUE");
    config("[debian\nkernel=vmlinuz\n");
    fake_refuses("argon.cfg, line 1: a section is not [NAME]");
    config("# x\n[]\nkernel=vmlinuz\n");
    fake_refuses("argon.cfg, line 2: a section is not [NAME]");
    config("kernel=vmlinuz\n\n\n = x");
    fake_refuses("argon.cfg, line 4: nothing before =");
    config("\xef\xbb\xbfkernel=vmlinuz\n");
    fake_refuses("argon.cfg, line 1: not ASCII text (UTF-16, or a byte order mark)");
    fake_file(DIR "argon.cfg")->data = utf16;
    fake_file(DIR "argon.cfg")->size = sizeof(utf16) - 1;
    fake_refuses("argon.cfg, line 1: not ASCII text (UTF-16, or a byte order mark)");
    fake_file(DIR "argon.cfg")->data = plain16;
    fake_file(DIR "argon.cfg")->size = sizeof(plain16) - 1;
    fake_refuses("argon.cfg, line 1: not ASCII text (UTF-16, or a byte order mark)");
    config("kernel=vmlinuz name=\xc3\xa4\n");    /* in a value it is no business of ours */
    fake_starts();
    kernel_args("name=\xc3\xa4");
}

/* What is misspelt is named, and costs itself only; what only Xen on other machines knows is not misspelt. */
static void test_unknown_keys(void **state)
{
    (void)state;
    files("video=gfx-640x480\nucode=x\nkernel=vmlinuz a\n[other]\nramdsk=x\nKernel = y\n# z=\n");
    fake_starts();
    kernel_args("a");
    assert_string_equal(fake.log, "Argon: argon.cfg: unknown, ignored: ramdsk=x\n"
                                  "Argon: argon.cfg: unknown, ignored: Kernel = y\n");
}

static void test_chain(void **state)
{
    (void)state;
    files("[global]\nchain=next.cfg\n");
    fake_text(DIR "next.cfg", "[global]\ndefault=x\n[x]\nkernel=vmlinuz next\n");
    fake_starts();
    kernel_args("next");
    config("[global]\ndefault=y\nchain=next.cfg\n");     /* the section is the first file's */
    fake_refuses("next.cfg: no section [y]");
    fake_options("x");
    fake_starts();
    kernel_args("next");
    fake_options("");
    config("[global]\nchain=next.cfg\n[x]\nkernel=vmlinuz first\n[y]\nchain=gone\n");
    fake_starts();                       /* not asked for where a kernel is found */
    kernel_args("first");
    config("[global]\nchain=gone.cfg\n");
    fake_refuses("chain=: gone.cfg: no such file");
    config("[global]\nchain=\n");
    fake_refuses("chain=: no file is named");
    config("[global]\nchain=argon.cfg\n");
    fake_refuses("argon.cfg: more than 8 files in a row by chain=");
}

static void test_files(void **state)
{
    (void)state;
    files(FULL);
    fake.read_max = 3;                   /* firmware may give less than it was asked for */
    fake_starts();
    check_module("multiboot,ramdisk", "the ramdisk");
    fake.read_max = 0;
    fake.truncate = 1;
    fake_refuses("argon.cfg: cannot be read: load error");
    fake.truncate = 0;
    fake_file(DIR "vmlinuz")->size = 0;
    fake_refuses("vmlinuz: is empty");
    fake_file(DIR "vmlinuz")->size = GIB(4);     /* one byte more than shim can be told of */
    fake_refuses("vmlinuz: is 4 GiB or larger");
    fake_file(DIR "vmlinuz")->size = 5;
    fake_file(DIR "initrd.img")->directory = true;
    fake_refuses("initrd.img: is no file that can be read: not supported");
    fake_file(DIR "initrd.img")->error = EFI_ERROR(26);
    fake_refuses("initrd.img: cannot be opened: security violation");
}

static void test_shim(void **state)
{
    (void)state;
    files(FULL);
    fake.has_shim = true;
    fake_starts();
    assert_int_equal(fake.verified, 1);
    assert_int_equal(fake.verified_size, 13);
    assert_memory_equal(fake.verified_data, "MZ the kernel", 13);
    fake.shim_status = EFI_ERROR(26);
    fake_refuses("kernel=: shim does not accept the kernel's signature: security violation");
}

/* ---- ending boot services ---- */
static void test_stale_keys(void **state)
{
    (void)state;
    files(FULL);
    for (u32 n = 1; n < 8; n++) {
        fake.stale = n;
        fake.grow = 3;
        fake_starts();
        assert_int_equal(fake.exits, n + 1);
    }
    fake.stale = 1000;
    fake.grow = 0;
    fake_refuses("firmware does not end its boot services: invalid parameter");
    fake.stale = 1;
    fake.grow = 1000;                    /* more than there is room for */
    fake_refuses("firmware does not end its boot services: buffer too small");
    fake.stale = 0;
    fake.exit_error = EFI_ERROR(7);
    fake_refuses("firmware does not end its boot services: device error");
    assert_int_equal(fake.exits, 1);
}

static void test_bad_map(void **state)
{
    (void)state;
    files(FULL);
    fake.desc_size = 0;
    fake_refuses("firmware does not give its memory map (0 bytes, 0 a descriptor)");
    fake.desc_size = 32;
    fake_refuses("32 a descriptor)");
    fake.desc_size = MIB(1);
    fake_refuses("firmware does not give its memory map");
    fake.desc_size = 40;
    fake_starts();
}

/* ---- where there is nothing to start on ---- */
static void test_el1(void **state)
{
    (void)state;
    files(FULL);
    assert_false(fake_run_at(1));
    fake_said("firmware runs at EL1, and a hypervisor needs EL2 (in QEMU: virtualization=on)");
    fake_check_returned();
    assert_int_equal(fake.status, EFI_UNSUPPORTED);
    assert_int_equal(fake.calls, 0);
}

static void test_no_console(void **state)
{
    (void)state;
    files(FULL);
    fake.table.con_out = NULL;
    fake_starts();
    assert_false(fake_run_at(1));
    fake_check_returned();
    config("x\n");
    fake_refuses("");
}

static void test_no_tables(void **state)
{
    (void)state;
    files(FULL);
    fake.table.nr_tables = 0;
    fake_starts();
    fake_said("firmware describes the machine neither by ACPI tables nor by a device tree");
}

/* ---- each thing that can fail, by turn ---- */
static void test_each_allocation(void **state)
{
    u32 n;

    (void)state;
    files(FULL);
    for (n = 1;; n++) {
        fake.fail_alloc = n;
        if (fake_run()) {
            break;
        }
        fake_said("no memory for ");
        fake_said("KiB: out of memory");
        fake_check_returned();
    }
    assert_int_equal(n, fake.nr_alloc_calls + 1);
    assert_int_equal(n, 7);              /* configuration, tree, kernel, ramdisk, policy, map */
}

static void test_each_call(void **state)
{
    u32 n;

    (void)state;
    files(FULL);
    for (n = 1;; n++) {
        fake.fail_call = n;
        if (fake_run()) {
            break;
        }
        fake_said("Argon: ");
        fake_check_returned();
    }
    assert_int_equal(n, fake.calls + 1);
    assert_in_range(n, 30, 60);
}

/* More modules than there is a place for among what is held. */
static void test_chain_of_long_lists(void **state)
{
    (void)state;
    struct efi e = { .table = &fake.table, .boot = &fake.boot };

    for (u32 i = 0; i < EFI_MAX_HELD; i++) {
        assert_non_null(efi_pages(&e, 1 + i * PAGE_SIZE, "a"));
    }
    assert_null(efi_pages(&e, 1, "one too many"));
    fake_said("no memory for one too many: 1 KiB: out of memory");
    efi_pages_free(&e, fake.allocs[3].at);
    assert_non_null(efi_pages(&e, 1, "again"));
    efi_pages_free_all(&e);
    for (u32 i = 0; i < fake.nr_allocs; i++) {
        assert_false(fake.allocs[i].live);
        assert_int_equal(fake.allocs[i].pages, i < EFI_MAX_HELD ? i + 1 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        fake_case(test_all), fake_case(test_least), fake_case(test_text), fake_case(test_names),
        fake_case(test_no_config), fake_case(test_config_not_read), fake_case(test_places), fake_case(test_options),
        fake_case(test_long_options), fake_case(test_cfg_option), fake_case(test_sections),
        fake_case(test_sections_missing), fake_case(test_malformed), fake_case(test_unknown_keys),
        fake_case(test_chain), fake_case(test_files), fake_case(test_shim), fake_case(test_stale_keys),
        fake_case(test_bad_map), fake_case(test_el1), fake_case(test_no_console), fake_case(test_no_tables),
        fake_case(test_each_allocation), fake_case(test_each_call), fake_case(test_chain_of_long_lists)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
