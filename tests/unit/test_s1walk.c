/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/arm64/s1walk.c */
/* At which level a guest's own walk met memory that is not there: granules, halves, where a walk begins and ends. */
#include "sysreg.h"
#include <argon/guest_access.h>
#include <asm/trap.h>

#define TABLE    3UL
#define BLOCK    1UL
#define T0SZ(bits)    (64UL - (bits))
#define T1SZ(bits)    (T0SZ(bits) << 16)
#define TG0_16K       (2UL << 14)
#define TG0_64K       (1UL << 14)
#define TG1_4K        (2UL << 30)
#define TG1_16K       (1UL << 30)
#define TG1_64K       (3UL << 30)

/* What the guest has in memory: descriptors by their address. Everything else cannot be read. */
static struct { u64 at, desc; } memory[8];
static u32 nr_descs;
static struct vcpu *v;

int copy_from_gpa(struct domain *d, void *to, u64 gpa, size_t bytes)
{
    assert_ptr_equal(d, v->domain);
    assert_int_equal(bytes, sizeof(u64));
    for (u32 i = 0; i < nr_descs; i++) {
        if (memory[i].at == gpa) {
            memcpy(to, &memory[i].desc, bytes);
            return 0;
        }
    }
    return -EFAULT;
}

static void put(u64 at, u64 desc)
{
    memory[nr_descs].at = at;
    memory[nr_descs++].desc = desc;
}

static int setup(void **state)
{
    int rc = sysreg_setup(state);

    v = unit_domain(1, 1)->vcpu[0];
    unit_set_current(v);
    nr_descs = 0;
    return rc;
}

/* 48 bits of 4 KiB pages: four tables, each found by nine bits of the address. */
static void test_4k(void **state)
{
    u64 va = 1UL << 39 | 2UL << 30 | 3UL << 21 | 4UL << 12 | 0x567;

    (void)state;
    reg_set("tcr_el1", T0SZ(48));
    reg_set("ttbr0_el1", 0x10000 | 7UL << 48 | 1);       /* an ASID, CnP */
    put(0x10008, 0x20000 | TABLE);
    put(0x20010, 0x30000 | TABLE | 1UL << 63);           /* its attributes */
    put(0x30018, 0x40000 | TABLE);
    assert_int_equal(s1_fault_level(v, va, 0x10000), 0);
    assert_int_equal(s1_fault_level(v, va, 0x20000), 1);
    assert_int_equal(s1_fault_level(v, va, 0x30000), 2);
    assert_int_equal(s1_fault_level(v, va, 0x40000), 3);
    assert_int_equal(s1_fault_level(v, va, 0x90000), 3);         /* none of the tables: the page */
}

/* Fewer bits begin at a later level. */
static void test_start(void **state)
{
    u64 va = 2UL << 30 | 3UL << 21 | 4UL << 12;

    (void)state;
    reg_set("ttbr0_el1", 0x20000);
    put(0x20010, 0x30000 | TABLE);
    put(0x30018, 0x40000 | TABLE);
    reg_set("tcr_el1", T0SZ(39));
    assert_int_equal(s1_fault_level(v, va, 0x20000), 1);
    assert_int_equal(s1_fault_level(v, va, 0x30000), 2);
    assert_int_equal(s1_fault_level(v, va, 0x40000), 3);
    reg_set("tcr_el1", T0SZ(40));                        /* one bit more: level 0, of two entries */
    assert_int_equal(s1_fault_level(v, va, 0x20000), 0);
    reg_set("tcr_el1", T0SZ(30));
    reg_set("ttbr0_el1", 0x30000);
    assert_int_equal(s1_fault_level(v, va & (BIT(30) - 1), 0x30000), 2);
    assert_int_equal(s1_fault_level(v, va & (BIT(30) - 1), 0x40000), 3);
}

/* Bit 55 chooses; what is above the table's bits is no index. */
static void test_upper_half(void **state)
{
    u64 va = 0xffff000000000000UL | 5UL << 39 | 6UL << 30 | 7UL << 21;

    (void)state;
    reg_set("tcr_el1", T0SZ(39) | TG0_64K | T1SZ(48) | TG1_4K);
    reg_set("ttbr0_el1", 0x70000);
    reg_set("ttbr1_el1", 0x10000);
    put(0x10028, 0x20000 | TABLE);
    put(0x20030, 0x30000 | TABLE);
    assert_int_equal(s1_fault_level(v, va, 0x10000), 0);
    assert_int_equal(s1_fault_level(v, va, 0x20000), 1);
    assert_int_equal(s1_fault_level(v, va, 0x30000), 2);
}

/* 16 KiB: eleven bits a level; a table may lie in any page of 4 KiB of what it takes. */
static void test_16k(void **state)
{
    u64 va = 0x123UL << 36 | 0x7ffUL << 25 | 5UL << 14;

    (void)state;
    reg_set("tcr_el1", T0SZ(47) | TG0_16K);
    reg_set("ttbr0_el1", 0x10000);
    put(0x10000 + 0x123 * 8, 0x20000 | TABLE);
    put(0x20000 + 0x7ff * 8, 0x34000 | TABLE);
    assert_int_equal(s1_fault_level(v, va, 0x10000), 1);
    assert_int_equal(s1_fault_level(v, va, 0x23000), 2);         /* the page that holds entry 0x7ff */
    assert_int_equal(s1_fault_level(v, va, 0x34000), 3);
    reg_set("tcr_el1", T1SZ(47) | TG1_16K);
    reg_set("ttbr1_el1", 0x10000);
    assert_int_equal(s1_fault_level(v, va | GENMASK(63, 47), 0x34000), 3);
}

/* 64 KiB: thirteen bits a level; an address of a table has none below bit 16. */
static void test_64k(void **state)
{
    u64 va = 9UL << 42 | 0x1fffUL << 29 | 5UL << 16;

    (void)state;
    reg_set("tcr_el1", T0SZ(48) | TG0_64K);
    reg_set("ttbr0_el1", 0x10000);
    put(0x10000 + 9 * 8, 0x20000 | 0xf000 | TABLE);
    put(0x20000 + 0x1fff * 8, 0x30000 | TABLE);
    assert_int_equal(s1_fault_level(v, va, 0x10000), 1);
    assert_int_equal(s1_fault_level(v, va, 0x2f000), 2);
    assert_int_equal(s1_fault_level(v, va, 0x30000), 3);
    reg_set("tcr_el1", T1SZ(48) | TG1_64K);
    reg_set("ttbr1_el1", 0x10000);
    assert_int_equal(s1_fault_level(v, va | GENMASK(63, 48), 0x2f000), 2);
}

/* A walk that ends early, or tables that cannot be read: as far as it went. Sizes that no CPU takes harm nobody. */
static void test_ends(void **state)
{
    u64 va = 1UL << 39 | 2UL << 30;

    (void)state;
    reg_set("tcr_el1", T0SZ(48));
    reg_set("ttbr0_el1", 0x10000);
    assert_int_equal(s1_fault_level(v, va, 0x90000), 0);
    put(0x10008, 0x20000 | TABLE);
    assert_int_equal(s1_fault_level(v, va, 0x90000), 1);
    put(0x20010, 0x40000000 | BLOCK);
    assert_int_equal(s1_fault_level(v, va, 0x40000000), 1);
    reg_set("tcr_el1", 0);
    assert_int_equal(s1_fault_level(v, ~BIT(55), 0x90000), 0);
    reg_set("tcr_el1", 63);
    assert_int_equal(s1_fault_level(v, ~BIT(55), 0x90000), 3);
}

#define walk_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        walk_case(test_4k), walk_case(test_start), walk_case(test_upper_half), walk_case(test_16k), walk_case(test_64k),
        walk_case(test_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
