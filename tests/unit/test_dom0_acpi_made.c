/* SPDX-License-Identifier: MIT */
/* unit-sources: boot/dom0_acpi_madt.c boot/dom0_acpi_iort.c boot/dom0_acpi.c boot/build/area.c firmware/machine.c */
/* unit-sources: firmware/acpi/tables.c firmware/acpi/view.c firmware/acpi/machine.c firmware/acpi/madt.c */
/* unit-sources: firmware/acpi/numa.c firmware/acpi/mcfg.c firmware/acpi/iort.c */
/* dom0's MADT and IORT, of hosts as QEMU is none. */
#include "unit.h"
#include "area_view.h"
#include <boot/dom0_acpi.h>

#define AREA 0x48200000UL
#define ROOM 0x10000UL

static u8 area_buf[ROOM];
static u64 mpidr[MAX_VCPUS] = { 0, 1 };

/* The host's, as it is read again. */
static struct acpi_view *host_table(u8 *t, u32 size)
{
    static struct acpi_view v;

    v = (struct acpi_view){ .data = t, .size = size, .quiet = true };
    return &v;
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
    assert_int_equal(g[1], 76);
    assert_int_equal(num(g + 4, 4), i);
    assert_int_equal(num(g + 12, 4), 1);
    assert_int_equal(num(g + 32, 8), machine.gic.gicc);
    assert_int_equal(num(g + 68, 8), mpidr[i]);
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

static void want_map(const u8 *node, u32 i, u32 input, u32 count, u32 output)
{
    const u8 *m = node + num(node + 12, 4) + i * 20;

    assert_true(i < num(node + 8, 4));
    assert_int_equal(num(m, 4), input);
    assert_int_equal(num(m + 4, 4), count);
    assert_int_equal(num(m + 8, 4), output);
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

/*
 * Two SMMUs, a group before and one behind them, a named device, a monitor; single and partial mappings, one to
 * nowhere.
 */
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
    d = at((dom0_acpi_iort(host_table(t, 548), &a), area = a, AREA), 48);
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
    (void)dom0_acpi_iort(host_table(t, 548), &a);
    area = a;
    assert_int_equal(num(at(AREA, 48) + 36, 4), 1);
    assert_string_equal(unit_log(), "");                 /* who parsed it has said so */
}

/* Any bytes: nothing is read outside, and what comes out is a table. */
static void test_iort_any(void **state)
{
    struct dom0_acpi in = { .m = &machine, .mpidr = mpidr, .nr_vcpus = 2 };
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
        put32(t, 36, 100);
        put32(t, 40, 48);
        (void)dom0_acpi_iort(host_table(t, size), &a);
        want_sum(area_buf, num(area_buf + 4, 4));
        a = (struct area){ .buf = area_buf, .base = AREA, .room = ROOM };
        (void)dom0_acpi_madt(&in, host_table(t, size), &a);
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

/* ACPI 5.1's GICC of 76 bytes; CPUs that are off are nobody's; an MSI frame stays as it is, and an ITS that works. */
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
    (void)dom0_acpi_madt(&in, host_table(t, sizeof(t)), &area);
    d = at(AREA, 44);
    want_sum(d, num(d + 4, 4));
    assert_int_equal(num(d + 4, 4), 44 + 24 + 2 * 76 + 24);
    want_gicc(madt_find(d, 0xb, 0), 0);
    want_gicc(madt_find(d, 0xb, 1), 1);
    assert_int_equal(num(madt_find(d, 0xb, 0) + 8, 4), 9);
    assert_int_equal(num(madt_find(d, 0xb, 1) + 8, 4), 4);
    assert_memory_equal(madt_find(d, 0xd, 0), t + 272, 24);
    put32(t, 304, 0x8080000);
    for (u32 nr = 0; nr < 2; nr++) {
        machine.gic.nr_its = nr;
        machine.gic.its[0].base = 0x8080000;
        area = (struct area){ .buf = area_buf, .base = AREA, .room = ROOM };
        (void)dom0_acpi_madt(&in, host_table(t, sizeof(t)), &area);
        assert_int_equal(num(at(AREA, 44) + 4, 4), 44 + 24 + 2 * 76 + 24 + nr * 20);
    }
    assert_memory_equal(madt_find(at(AREA, 44), 0xf, 0), t + 296, 20);
    /* One that cannot be ends it; vCPUs have ids all the same. */
    t[197] = 0;
    area = (struct area){ .buf = area_buf, .base = AREA, .room = ROOM };
    (void)dom0_acpi_madt(&in, host_table(t, sizeof(t)), &area);
    assert_int_equal(num(madt_find(d, 0xb, 1) + 8, 4), 10);
    assert_string_equal(unit_log(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = { unit_case(test_iort), unit_case(test_iort_any), unit_case(test_madt) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
