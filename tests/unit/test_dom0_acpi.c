/* SPDX-License-Identifier: MIT */
/* unit-sources: boot/dom0_acpi.c boot/dom0_acpi_madt.c boot/dom0_acpi_iort.c boot/build/area.c firmware/machine.c */
/* unit-sources: firmware/acpi/tables.c firmware/acpi/view.c firmware/acpi/machine.c firmware/acpi/madt.c */
/* unit-sources: firmware/acpi/numa.c firmware/acpi/mcfg.c firmware/acpi/iort.c */
/*
 * dom0's ACPI tables, from those of QEMU's machines and from others made by hand: read here by the rules of the specification, with
 * nothing of what wrote them.
 */
#include "unit.h"
#include "acpi_host.h"
#include <boot/dom0_acpi.h>

#define AREA 0x48200000UL
#define ROOM 0x100000UL

static u8 *area_buf;
static struct area area;
static u64 mpidr[MAX_VCPUS], rsdp;

static u64 num(const u8 *at, u32 n)
{
    u64 v = 0;

    memcpy(&v, at, n);
    return v;
}

static const u8 *at(u64 gpa, u64 n)
{
    assert_true(gpa >= AREA && gpa + n <= AREA + area.used);
    return area_buf + (gpa - AREA);
}

static void want_sum(const u8 *p, u64 n)
{
    u8 sum = 0;

    for (u64 i = 0; i < n; i++) {
        sum = (u8)(sum + p[i]);
    }
    assert_int_equal(sum, 0);
}

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
    assert_int_equal(num(t + 109, 2), num(was + 109, 2) | (machine.gic.version == 3 ? 8 : 0));
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
        assert_true(t[i] == 0xb || t[i] == 0xc || t[i] == 0xd || t[i] == 0xe);
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

static void want_map(const u8 *node, u32 i, u32 input, u32 count, u32 output)
{
    const u8 *m = node + num(node + 12, 4) + i * 20;

    assert_true(i < num(node + 8, 4));
    assert_int_equal(num(m, 4), input);
    assert_int_equal(num(m + 4, 4), count);
    assert_int_equal(num(m + 8, 4), output);
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

static void put32(u8 *p, u32 off, u32 v) { memcpy(p + off, &v, 4); }

static void put_node(u8 *t, u32 off, u8 type, u16 len, u32 nr, u32 maps)
{
    t[off] = type;
    memcpy(t + off + 1, &len, 2);
    put32(t, off + 8, nr);
    put32(t, off + 12, maps);
}

static void put_map(u8 *t, u32 off, u32 in, u32 count, u32 out, u32 to, u32 flags)
{
    const u32 m[] = { in, count, out, to, flags };

    memcpy(t + off, m, sizeof(m));
}

/* Two SMMUs of two groups before and behind them, a named device, a monitor; single and partial mappings; a mapping to nowhere. */
static void test_iort(void **state)
{
    static u8 t[1024];
    struct area a = { .buf = area_buf, .base = AREA, .room = ROOM };
    const u8 *d;

    (void)state;
    memset(t, 0, sizeof(t));
    memset(area_buf, 0, ROOM);
    put32(t, 40, 52);                                    /* nodes begin behind a gap */
    put_node(t, 52, 0, 24, 0, 0);                        /* group A */
    put_node(t, 76, 3, 80 + 40, 2, 80);                  /* SMMU 1 */
    put_map(t, 156, 0x100, 0xff, 0x1100, 52, 0);
    put_map(t, 176, 0, 0, 0x77, 52, 1);
    put_node(t, 196, 4, 72 + 40, 2, 72);                 /* SMMU 2 */
    put_map(t, 268, 0, 0x7fff, 0x10000, 472, 0);
    put_map(t, 288, 0x8000, 0x7fff, 0x40000, 472, 0);
    put_node(t, 308, 5, 40 + 20, 1, 40);                 /* monitor */
    put_map(t, 348, 0, 0, 5, 52, 1);
    put_node(t, 368, 2, 36 + 68 - 8 + 8, 3, 36);         /* root complex: 36 + 3 * 20 = 96, and 8 bytes of padding */
    put_map(t, 404, 0, 0x1ff, 0x80, 76, 0);
    put_map(t, 424, 0x200, 0xffff - 0x200, 0x200, 196, 0);
    put_map(t, 444, 0x99, 0, 0, 53, 0);
    put_node(t, 472, 0, 24, 0, 0);                       /* group B */
    put_node(t, 496, 1, 52, 1, 32);                      /* named device */
    put_map(t, 528, 0, 0, 0x55, 472, 1);
    put32(t, 4, 548);
    put32(t, 36, 7);
    d = at((dom0_acpi_iort(t, 548, &a), area = a, AREA), 48);
    want_sum(d, num(d + 4, 4));
    assert_int_equal(num(d + 36, 4), 4);
    assert_int_equal(iort_node(d, 0)[0], 0);
    assert_int_equal(iort_node(d, 1)[0], 0);
    assert_int_equal(iort_node(d, 2)[0], 2);
    assert_int_equal(num(iort_node(d, 2) + 8, 4), 3);
    want_map(iort_node(d, 2), 0, 0x80, 0xff, 0x1100);
    want_map(iort_node(d, 2), 1, 0x200, 0x7fff - 0x200, 0x10200);
    want_map(iort_node(d, 2), 2, 0x8000, 0x7fff, 0x40000);
    assert_int_equal(num(iort_node(d, 2) + 36 + 12, 4), 48);
    assert_int_equal(num(iort_node(d, 2) + 56 + 12, 4), 72);
    want_map(iort_node(d, 3), 0, 0, 0, 0x55);
    assert_int_equal(num(iort_node(d, 3) + 32 + 12, 4), 72);
    assert_int_equal(iort_node(d, 3) + 52 - d, num(d + 4, 4));
    /* A node that cannot be ends it: what is before it stays. */
    put_node(t, 368, 2, 8, 0, 0);
    area = a = (struct area){ .buf = area_buf, .base = AREA, .room = ROOM };
    (void)dom0_acpi_iort(t, 548, &a);
    area = a;
    assert_int_equal(num(at(AREA, 48) + 36, 4), 1);
    assert_non_null(strstr(unit_log(), "IORT: bad node at offset 368"));
}

/* Any bytes: nothing is read outside, and what comes out is a table. */
static void test_iort_any(void **state)
{
    u32 seed = 7;

    (void)state;
    for (u32 round = 0; round < 3000; round++) {
        u32 size = 48 + seed % 200;
        u8 *t = malloc(size);
        struct area a = { .buf = area_buf, .base = AREA, .room = ROOM };

        for (u32 i = 0; i < size; i++) {
            seed = seed * 1664525 + 1013904223;
            t[i] = seed >> 28 < 11 ? 0 : (u8)(seed >> 24 & 0x3f);
        }
        put32(t, 40, 48);
        (void)dom0_acpi_iort(t, size, &a);
        want_sum(area_buf, num(area_buf + 4, 4));
        a = (struct area){ .buf = area_buf, .base = AREA, .room = ROOM };
        (void)dom0_acpi_madt(&(struct dom0_acpi){ .m = &machine, .mpidr = mpidr, .nr_vcpus = 2 }, t, size, &a);
        want_sum(area_buf, num(area_buf + 4, 4));
        free(t);
    }
}

static void put_gicc(u8 *t, u32 off, u8 len, u32 uid, u32 flags, u64 id)
{
    t[off] = 0xb;
    t[off + 1] = len;
    put32(t, off + 8, uid);
    put32(t, off + 12, flags);
    memcpy(t + off + 68, &id, 8);
}

/* ACPI 5.1's GICC of 76 bytes; CPUs that are off are nobody's; an MSI frame of 24 bytes stays as it is; an ITS does not. */
static void test_madt(void **state)
{
    struct dom0_acpi in = { .m = &machine, .mpidr = mpidr, .nr_vcpus = 2 };
    static u8 t[44 + 3 * 76 + 24 + 20];
    const u8 *d;

    (void)state;
    memset(t, 0, sizeof(t));
    memset(area_buf, 0, ROOM);
    put_gicc(t, 44, 76, 7, 0, 3);
    put_gicc(t, 120, 76, 9, 1, 0x100);
    put_gicc(t, 196, 76, 4, 1, 0);
    t[272] = 0xd, t[273] = 24;
    put32(t, 280, 0x8020000);
    t[296] = 0xf, t[297] = 20;
    machine.gic = (struct machine_gic){ .version = 2, .gicd = 0x8000000, .gicc = 0x8010000 };
    area = (struct area){ .buf = area_buf, .base = AREA, .room = ROOM };
    (void)dom0_acpi_madt(&in, t, sizeof(t), &area);
    d = at(AREA, 44);
    want_sum(d, num(d + 4, 4));
    assert_int_equal(num(d + 4, 4), 44 + 24 + 2 * 76 + 24);
    want_gicc(madt_find(d, 0xb, 0), 0);
    want_gicc(madt_find(d, 0xb, 1), 1);
    assert_int_equal(num(madt_find(d, 0xb, 0) + 8, 4), 9);
    assert_int_equal(num(madt_find(d, 0xb, 1) + 8, 4), 4);
    assert_memory_equal(madt_find(d, 0xd, 0), t + 272, 24);
    /* One that cannot be ends it; vCPUs have ids all the same. */
    t[197] = 0;
    area = (struct area){ .buf = area_buf, .base = AREA, .room = ROOM };
    (void)dom0_acpi_madt(&in, t, sizeof(t), &area);
    assert_int_equal(num(madt_find(d, 0xb, 1) + 8, 4), 10);
    assert_non_null(strstr(unit_log(), "MADT: bad length of the structure at offset 196"));
}

/* FADT of ACPI 5.0's length; SSDTs stay, in order; a STAO of the host's does not; what firmware reports to itself does not. */
static void test_others(void **state)
{
    static const char *const gone[] = { "HEST", "BERT", "EINJ", "ERST", "SDEI", "AGDI", "APMT", "HMAT", "BGRT", "STAO", "XENV" };
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
        acpi_case(test_qemu), acpi_case(test_vcpus), acpi_case(test_smmu), acpi_case(test_iort), acpi_case(test_iort_any),
        acpi_case(test_madt), acpi_case(test_others), acpi_case(test_lacking), acpi_case(test_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
