/* SPDX-License-Identifier: MIT */
/* unit-sources: boot/dom0_acpi.c boot/dom0_acpi_madt.c boot/dom0_acpi_iort.c boot/build/area.c firmware/machine.c */
/* unit-sources: firmware/acpi/tables.c firmware/acpi/view.c firmware/acpi/machine.c firmware/acpi/madt.c */
/* unit-sources: firmware/acpi/numa.c firmware/acpi/mcfg.c firmware/acpi/iort.c */
/*
 * dom0's ACPI tables, from those of QEMU's machines and from others made by hand: read here by the rules of the
 * specification, with nothing of what wrote them.
 */
#include "unit.h"
#include "area_view.h"
#include "acpi_host.h"
#include <boot/dom0_acpi.h>

#define AREA 0x48200000UL
#define ROOM 0x100000UL

static u8 *area_buf;
static u64 mpidr[MAX_VCPUS], rsdp;

/* ---- the machine ---- */

static int build(u32 nr_vcpus)
{
    struct dom0_acpi in = { .m = &machine, .host = &host, .mpidr = mpidr, .nr_vcpus = nr_vcpus };
    struct area counted = { .buf = NULL };
    u64 other;
    int r = dom0_acpi_build(&in, &counted, &other);

    memset(area_buf, 0, ROOM);
    area = (struct area){ .buf = area_buf, .base = AREA, .room = ROOM };
    assert_int_equal(dom0_acpi_build(&in, &area, &rsdp), r);
    assert_int_equal(counted.used, area.used);
    assert_true(area_fits(&area));
    assert_int_equal(host_windows, 0);
    return r;
}

static void use_spcr(void)
{
    u32 size;
    const u8 *spcr = host_find("SPCR", &size);

    machine.has_uart = true;
    machine.uart.base = num(spcr + 44, 8);
}

static void load(const char *folder)
{
    host_reset();
    host_load(folder);
    assert_int_equal(acpi_parse_all(&machine, &host), 0);
    use_spcr();
}

/* The n-th of dom0's tables with that signature, by RSDP and XSDT. */
static const u8 *find(const char *signature, u32 n)
{
    const u8 *root = at(rsdp, 36), *xsdt;
    u32 size;

    assert_memory_equal(root, "RSD PTR ", 8);
    want_sum(root, 20);
    want_sum(root, 36);
    assert_int_equal(root[15], 2);
    assert_int_equal(num(root + 20, 4), 36);
    xsdt = at(num(root + 24, 8), 36);
    size = (u32)num(xsdt + 4, 4);
    assert_memory_equal(xsdt, "XSDT", 4);
    want_sum(at(num(root + 24, 8), size), size);
    for (u32 i = 36; i < size; i += 8) {
        const u8 *t = at(num(xsdt + i, 8), 36);

        want_sum(at(num(xsdt + i, 8), num(t + 4, 4)), num(t + 4, 4));
        if (memcmp(t, signature, 4) == 0 && n-- == 0) {
            return t;
        }
    }
    return NULL;
}

static void want_copy(const char *signature, const u8 *t)
{
    u32 size;
    const u8 *was = host_find(signature, &size);

    if (was == NULL) {
        assert_null(t);
    } else {
        assert_non_null(t);
        assert_memory_equal(t, was, size);
    }
}

/* ---- by table ---- */

static void want_oem(const char *signature, const u8 *t)
{
    u32 size;

    assert_memory_equal(t + 10, host_find(signature, &size) + 10, 26);   /* OEM's ids, creator's */
    assert_memory_equal(t, signature, 4);
}

static void want_fadt(const u8 *t)
{
    u32 size, dsdt_size;
    const u8 *was = host_find("FACP", &size), *dsdt = host_find("DSDT", &dsdt_size);

    want_oem("FACP", t);
    assert_true(num(t + 4, 4) >= 268);
    assert_true(t[8] > 5 || (t[8] == 5 && (t[131] & 0xf) >= 1));
    assert_int_equal(num(t + 112, 4), (num(was + 112, 4) | BIT(20)) & ~BIT(10));
    assert_int_equal(num(t + 129, 2), 3);
    assert_int_equal(num(t + 109, 2),
                     num(was + 109, 2) | (machine.gic.version == 3 && machine.gic.nr_its == 0 ? 8 : 0));
    assert_int_equal(num(t + 36, 4), 0);
    assert_int_equal(num(t + 40, 4), 0);
    assert_int_equal(num(t + 132, 8), 0);
    assert_memory_equal(at(num(t + 140, 8), dsdt_size), dsdt, dsdt_size);
    for (u32 i = 116; i < 129; i++) {
        assert_int_equal(t[i], 0);
    }
    for (u32 i = 244; i < 268; i++) {
        assert_int_equal(t[i], 0);
    }
}

static void want_gtdt(const u8 *t)
{
    u32 size;
    const u8 *was = host_find("GTDT", &size);

    want_oem("GTDT", t);
    assert_int_equal(num(t + 4, 4), t[8] >= 3 && size >= 104 ? 104 : 96);
    assert_int_equal(num(t + 36, 8), UINT64_MAX);
    assert_int_equal(num(t + 48, 8), num(was + 48, 8));
    assert_int_equal(num(t + 56, 4), machine.timer_irq_phys_ns);
    assert_int_equal(num(t + 64, 4), machine.timer_irq_virt);
    assert_int_equal(num(t + 72, 8), num(was + 72, 8));
    assert_int_equal(num(t + 80, 8), UINT64_MAX);
    assert_int_equal(num(t + 88, 8), 0);
    assert_true(num(t + 4, 4) == 96 || num(t + 96, 8) == num(was + 96, 8));
}

/* The n-th structure of that type. */
static const u8 *madt_find(const u8 *t, u8 type, u32 n)
{
    u32 size = (u32)num(t + 4, 4);

    for (u32 i = 44; i < size; i += t[i + 1]) {
        assert_true(t[i + 1] >= 2 && i + t[i + 1] <= size);
        assert_true(t[i] == 0xb || t[i] == 0xc || t[i] == 0xd || t[i] == 0xe || t[i] == 0xf);
        if (t[i] == type && n-- == 0) {
            return t + i;
        }
    }
    return NULL;
}

static void want_gicc(const u8 *g, u32 i)
{
    assert_true(g[1] == 76 || g[1] == 80 || g[1] == 82);
    assert_int_equal(num(g + 4, 4), i);
    assert_int_equal(num(g + 12, 4), 1);
    assert_int_equal(num(g + 20, 4), 0);
    assert_int_equal(num(g + 24, 8), 0);
    assert_int_equal(num(g + 32, 8), machine.gic.version == 2 ? machine.gic.gicc : 0);
    assert_int_equal(num(g + 40, 8), 0);
    assert_int_equal(num(g + 48, 8), 0);
    assert_int_equal(num(g + 56, 4), 0);
    assert_int_equal(num(g + 60, 8), 0);
    assert_int_equal(num(g + 68, 8), mpidr[i]);
    for (u32 b = 76; b < g[1]; b++) {
        assert_int_equal(g[b], 0);
    }
}

static void want_madt(const u8 *t, u32 nr_vcpus)
{
    const struct machine_range *r = machine_redist(&machine.gic);
    u32 size;
    const u8 *was = host_find("APIC", &size), *s;

    want_oem("APIC", t);
    assert_memory_equal(t + 36, was + 36, 8);
    s = madt_find(t, 0xc, 0);
    assert_int_equal(s[1], 24);
    assert_int_equal(num(s + 8, 8), machine.gic.gicd);
    assert_int_equal(s[20], machine.gic.version);
    assert_null(madt_find(t, 0xc, 1));
    for (u32 i = 0; i < nr_vcpus; i++) {
        s = madt_find(t, 0xb, i);
        assert_non_null(s);
        want_gicc(s, i);
        for (u32 j = 0; j < i; j++) {
            assert_int_not_equal(num(s + 8, 4), num(madt_find(t, 0xb, j) + 8, 4));
        }
        if (i < machine.nr_cpus) {
            assert_int_equal(num(s + 8, 4), machine.cpus[i].acpi_uid);
        }
    }
    assert_null(madt_find(t, 0xb, nr_vcpus));
    s = madt_find(t, 0xe, 0);
    if (machine.gic.version == 2) {
        assert_null(s);
    } else {
        assert_int_equal(s[1], 16);
        assert_int_equal(num(s + 4, 8), r->start);
        assert_int_equal(num(s + 12, 4), r->size);
        assert_null(madt_find(t, 0xe, 1));
    }
    for (u32 i = 0; i < acpi_devices.nr_msi_frames; i++) {
        s = madt_find(t, 0xd, i);
        assert_int_equal(num(s + 8, 8), acpi_devices.msi_frame[i].base);
        assert_int_equal(num(s + 20, 2), acpi_devices.msi_frame[i].nr_spis);
        assert_int_equal(num(s + 22, 2), acpi_devices.msi_frame[i].first_spi);
    }
    assert_null(madt_find(t, 0xd, acpi_devices.nr_msi_frames));
}

static const u8 *iort_node(const u8 *t, u32 n)
{
    u32 off = (u32)num(t + 40, 4), nr = (u32)num(t + 36, 4);

    assert_true(n < nr);
    for (u32 i = 0; i < n; i++) {
        off += (u32)num(t + off + 1, 2);
    }
    assert_true(off + num(t + off + 1, 2) <= num(t + 4, 4));
    return t + off;
}

/* No node but groups, root complexes and named devices; every mapping leads to a group. */
static void want_iort(const u8 *t)
{
    u32 end = 48;

    want_oem("IORT", t);
    for (u32 i = 0; i < num(t + 36, 4); i++) {
        const u8 *n = iort_node(t, i);
        u32 nr = (u32)num(n + 8, 4), maps = (u32)num(n + 12, 4);

        assert_int_equal(n - t, end);
        end += (u32)num(n + 1, 2);
        assert_true(n[0] <= 2);
        assert_true(nr == 0 || maps + nr * 20 == num(n + 1, 2));
        for (u32 m = 0; m < nr; m++) {
            const u8 *to = t + num(n + maps + m * 20 + 12, 4);
            bool found = false;

            for (u32 j = 0; j < num(t + 36, 4); j++) {
                found |= iort_node(t, j) == to;
            }
            assert_true(found && to[0] == 0);
        }
    }
    assert_int_equal(end, num(t + 4, 4));
}

/* DOM0_ACPI_DUMP=<folder>: the tables as files, to be looked at with iasl. */
static void dump(const char *folder)
{
    static const char *const names[] = { "FACP", "APIC", "GTDT", "IORT", "STAO", "SPCR", "MCFG", "DBG2", "XSDT" };
    const char *to = getenv("DOM0_ACPI_DUMP");

    for (u32 i = 0; to != NULL && i < ARRAY_SIZE(names); i++) {
        const u8 *t = i < 8 ? find(names[i], 0) : at(num(at(rsdp, 36) + 24, 8), 36);
        char path[300];
        FILE *f;

        if (t != NULL) {
            snprintf(path, sizeof(path), "%s/%s-%s.dat", to, folder, names[i]);
            f = fopen(path, "wb");
            assert_int_equal(fwrite(t, 1, num(t + 4, 4), f), num(t + 4, 4));
            fclose(f);
        }
    }
}

static void want_all(u32 nr_vcpus)
{
    static const char *const copies[] = { "MCFG", "SPCR", "DBG2", "SSDT" };
    static const char *const gone[] = { "PPTT", "SRAT", "SLIT", "HEST", "DSDT", "XENV" };
    const u8 *stao;

    for (u32 i = 0; i < ARRAY_SIZE(copies); i++) {
        want_copy(copies[i], find(copies[i], 0));
    }
    for (u32 i = 0; i < ARRAY_SIZE(gone); i++) {
        assert_null(find(gone[i], 0));
    }
    want_fadt(find("FACP", 0));
    want_madt(find("APIC", 0), nr_vcpus);
    want_gtdt(find("GTDT", 0));
    if (acpi_find(&host, "IORT", 0) != NULL) {
        want_iort(find("IORT", 0));
    }
    stao = find("STAO", 0);
    assert_int_equal(num(stao + 4, 4), 37);
    assert_int_equal(stao[8], 1);
    assert_int_equal(stao[36], 1);
    assert_memory_equal(stao + 10, find("FACP", 0) + 10, 26);
    assert_null(find("STAO", 1));
}

/* ---- tests ---- */

static void test_qemu(void **state)
{
    DIR *dir = opendir(host_path("."));
    struct dirent *e;
    u32 seen = 0;

    (void)state;
    assert_non_null(dir);
    while ((e = readdir(dir)) != NULL) {
        /* virtualization=off: there is nothing for a hypervisor, and Argon does not start. */
        if (e->d_name[0] != 'q' || strstr(e->d_name, "novirt") != NULL) {
            continue;
        }
        load(e->d_name);
        assert_int_equal(build(MIN(machine.nr_cpus, (u32)MAX_VCPUS)), 0);
        want_all(MIN(machine.nr_cpus, (u32)MAX_VCPUS));
        dump(e->d_name);
        seen++;
    }
    closedir(dir);
    assert_true(seen >= 14);
}

/* Of 140 CPUs as many as dom0 has vCPUs; and more vCPUs than CPUs. */
static void test_vcpus(void **state)
{
    (void)state;
    load("q7-gic3-140cpu");
    assert_int_equal(build(3), 0);
    want_all(3);
    load("q7-gic3-2cpu");
    assert_int_equal(build(5), 0);
    want_all(5);
    assert_int_equal(num(madt_find(find("APIC", 0), 0xb, 4) + 8, 4), 4);
}

/* Where an id of that node ends up, UINT32_MAX: nowhere. The first mapping counts. */
static u32 resolve(const u8 *t, const u8 *n, u32 id)
{
    for (u32 i = 0; n[0] != 0; i++) {
        const u8 *m = n + num(n + 12, 4) + i * 20;

        if (i == num(n + 8, 4)) {
            return UINT32_MAX;
        }
        if (id >= num(m, 4) && id - num(m, 4) <= num(m + 4, 4)) {
            id = (u32)(num(m + 8, 4) + id - num(m, 4));
            n = t + num(m + 12, 4);
            i = UINT32_MAX;
        }
    }
    return id;
}

/* SMMUs are gone, and each of PCI's ids is the ITS's as it was behind them. */
static void test_smmu(void **state)
{
    static const char *const folders[] = { "q7-gic3-smmu", "q10-gic3-smmu", "q7-gic3-4cpu-its" };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(folders); i++) {
        const u8 *root = NULL, *was, *t;
        u32 size;

        load(folders[i]);
        assert_int_equal(build(2), 0);
        was = host_find("IORT", &size);
        for (u32 n = 0; n < num(was + 36, 4); n++) {
            root = iort_node(was, n)[0] == 2 ? iort_node(was, n) : root;
        }
        t = find("IORT", 0);
        assert_int_equal(num(t + 36, 4), 2);
        for (u32 id = 0; id < 0x10000; id++) {
            assert_int_equal(resolve(t, iort_node(t, 1), id), resolve(was, root, id));
        }
    }
}

/*
 * SSDTs stay, in order; a STAO of the host's does not, nor what firmware reports to itself; a FADT shorter than ACPI
 * 5.0's.
 */
static void test_others(void **state)
{
    static const char *const gone[] = {
        "HEST", "BERT", "EINJ", "ERST", "SDEI", "AGDI", "APMT", "HMAT", "BGRT", "STAO", "XENV"
    };
    static u8 ssdt[3][100];

    (void)state;
    host_reset();
    host_load("q7-gic3-2cpu");
    assert_int_equal(acpi_parse_all(&machine, &host), 0);
    for (u32 i = 0; i < 3; i++) {
        memset(ssdt[i], (int)i, sizeof(ssdt[i]));
        host_table("SSDT", ssdt[i], sizeof(ssdt[i]) - i);
    }
    for (u32 i = 0; i < ARRAY_SIZE(gone); i++) {
        host_table(gone[i], NULL, 64);
    }
    /* The console is another UART than SPCR's: no STAO. */
    machine.has_uart = true;
    machine.uart.base = 0x12345000;
    assert_int_equal(build(2), 0);
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(num(find("SSDT", i) + 4, 4), 100 - i);
        assert_int_equal(find("SSDT", i)[50], i);
    }
    for (u32 i = 0; i < ARRAY_SIZE(gone); i++) {
        assert_null(find(gone[i], 0));
    }
    assert_non_null(strstr(unit_log(), "SPCR does not name the console's UART at 0x12345000"));
    /* A shorter FADT of 5.0. */
    host_reset();
    host_load("q7-gic3-2cpu");
    assert_int_equal(acpi_parse_all(&machine, &host), 0);
    for (u32 i = 0; i < host.nr; i++) {
        if (memcmp(host.table[i].signature, "FACP", 4) == 0) {
            host.table[i].size = 200;
        }
    }
    use_spcr();
    assert_int_equal(build(2), 0);
    assert_int_equal(num(find("FACP", 0) + 4, 4), 268);
    assert_int_equal(num(find("FACP", 0) + 129, 2), 3);
}

/* What dom0 cannot do without. */
static void test_lacking(void **state)
{
    static const char *const needed[] = { "DSDT", "FACP", "APIC", "GTDT" };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(needed); i++) {
        load("q10-gic2-2cpu");
        for (u32 j = 0; j < host.nr; j++) {
            if (memcmp(host.table[j].signature, needed[i], 4) == 0) {
                memcpy(host.table[j].signature, "NONE", 4);
            }
        }
        assert_int_equal(build(2), -EINVAL);
        assert_non_null(strstr(unit_log(), needed[i]));
    }
}

/* An area that is too small: nothing is written outside of it, and it is known. */
static void test_small(void **state)
{
    struct dom0_acpi in = { .m = &machine, .host = &host, .mpidr = mpidr, .nr_vcpus = 2 };

    (void)state;
    load("q7-gic3-smmu");
    for (u64 room = 0; room < 0x3000; room += 0x155) {
        u8 *buf = calloc(1, room + 1);

        area = (struct area){ .buf = buf, .base = AREA, .room = room };
        assert_int_equal(dom0_acpi_build(&in, &area, &rsdp), 0);
        assert_int_equal(buf[room], 0);
        assert_int_equal(area_fits(&area), area.used <= room);
        free(buf);
    }
}

static int setup(void **state)
{
    unit_setup(state);
    area_buf = calloc(1, ROOM);
    for (u32 i = 0; i < MAX_VCPUS; i++) {
        mpidr[i] = (i & 15) | (i >> 4) << 8;
    }
    return 0;
}

static int teardown(void **state)
{
    host_reset();
    free(area_buf);
    return unit_teardown(state);
}

#define acpi_case(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        acpi_case(test_qemu), acpi_case(test_vcpus), acpi_case(test_smmu),
        acpi_case(test_others), acpi_case(test_lacking), acpi_case(test_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
