/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/*
 * The driver of interrupt translation services, against a model of one that has the registers that are not memory: what
 * it takes of GITS_BASER and GITS_CBASER, and commands, which it reads when GITS_CWRITER is written. What the model
 * reads without looking into caches must have been cleaned.
 */
#include "sysreg.h"
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <asm/insn.h>

#define gic_write64 write64_unseen
#define gic_read64 read64_unseen
#define gic_write32 write32_unseen
#include "../../hypervisor/drivers/irqchip/gic.h"
#undef gic_write64
#undef gic_read64
#undef gic_write32

static void gic_write64(volatile void *base, u32 offset, u64 value);
static u64 gic_read64(volatile void *base, u32 offset);
static void gic_write32(volatile void *base, u32 offset, u32 value);

/* Memory of the test's is at its own address. */
static mfn_t pretend_mfn(const void *va) { return mfn((uintptr_t)va >> PAGE_SHIFT); }
#define virt_to_mfn pretend_mfn
#include "../../hypervisor/drivers/irqchip/gicv3_its.c"
#undef virt_to_mfn

#define NR 2
static u32 gicd[16], gicr[2][64];
static _Alignas(0x10000) u8 frames[NR][0x20000];

static struct model {
    bool coherent, two_levels, deaf, refuses, absent;
    u32 page_bits;               /* fixed to this; 3: any */
    u64 typer;
    u64 done;                    /* commands read */
    char log[8192];
} model;

/* ---- memory ---- */
static struct { void *va; size_t bytes; } memory[4096];
static u32 nr_memory;
static struct { uintptr_t from, to; } cleaned[65536];
static u32 nr_cleaned;
static bool no_memory;

static void *take(size_t align, size_t bytes)
{
    void *va = NULL;

    if (no_memory) {
        return NULL;
    }
    assert_int_equal(posix_memalign(&va, align, bytes), 0);
    memory[nr_memory].va = va;
    memory[nr_memory++].bytes = bytes;
    return memset(va, 0, bytes);
}

void *pages_alloc(unsigned int order, u32 memf) { (void)memf; return take(PAGE_SIZE << order, PAGE_SIZE << order); }
void *xzalloc_bytes(size_t size) { return take(256, size); }

void xfree(void *p)
{
    for (u32 i = 0; i < nr_memory; i++) {
        if (memory[i].va == p) {
            free(p);
            memory[i] = memory[--nr_memory];
            return;
        }
    }
    fail();
}

void arch_clean_dcache(const void *va, size_t n)
{
    insn_other("clean", (u64)(uintptr_t)va);
    cleaned[nr_cleaned].from = (uintptr_t)va;
    cleaned[nr_cleaned++ % ARRAY_SIZE(cleaned)].to = (uintptr_t)va + n;
}

static bool is_clean(u64 pa, size_t n)
{
    for (u32 i = 0; i < MIN(nr_cleaned, (u32)ARRAY_SIZE(cleaned)); i++) {
        if (pa >= cleaned[i].from && pa + n <= cleaned[i].to) {
            return true;
        }
    }
    return false;
}

int arch_probe_read32(volatile void *va, u32 *value)
{
    *value = *(volatile u32 *)va;
    return model.absent && (volatile u8 *)va >= frames[1] ? -EIO : 0;
}

/* ---- the model ---- */
static int which(volatile void *base)
{
    return (volatile u8 *)base >= frames[0] && (volatile u8 *)base < frames[NR] ? (int)(((volatile u8 *)base - frames[0]) / 0x20000) : -1;
}

static u64 *reg(int n, u32 offset) { return (u64 *)(frames[n] + offset); }

static void note(const char *fmt, ...)
{
    size_t at = strlen(model.log);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(model.log + at, sizeof(model.log) - at, fmt, ap);
    va_end(ap);
}

static void read_command(int n, const u64 *c)
{
    static const char *const names[16] = {
        [1] = "movi", [4] = "clear", [5] = "sync", [8] = "mapd", [9] = "mapc", [10] = "mapti", [12] = "inv",
        [13] = "invall", [15] = "discard"
    };

    assert_true(model.coherent || is_clean((u64)(uintptr_t)c, 32));
    assert_non_null(names[c[0] & 15]);
    assert_int_equal(c[0] & 0xfffffff0, 0);
    note("%d:%s", n, names[c[0] & 15]);
    if ((c[0] & 15) == 8 && c[2] >> 63 != 0) {
        u64 itt = c[2] & GENMASK(51, 8);

        assert_true(model.coherent || is_clean(itt, 256));
        note(" %x size %u;", (u32)(c[0] >> 32), (u32)c[1]);
    } else {
        note(" %x %" PRIx64 " %" PRIx64 ";", (u32)(c[0] >> 32), c[1], c[2]);
    }
    model.done++;
}

static void gic_write64(volatile void *base, u32 offset, u64 value)
{
    int n = which(base);

    insn_other("write", offset);
    if (n < 0) {
        write64_unseen(base, offset, model.coherent ? value : value & ~SHAREABILITY);
        return;
    }
    if (offset >= 0x100 && offset < 0x140) {
        u64 fixed = *reg(n, offset) & (GENMASK(58, 56) | GENMASK(52, 48));

        assert_false(*reg(n, 0) & 1);
        value &= ~(GENMASK(58, 56) | GENMASK(52, 48) | (model.two_levels ? 0 : BIT(62)));
        value = (model.page_bits < 3 ? (value & ~GENMASK(9, 8)) | (u64)model.page_bits << 8 : value) | fixed;
    }
    if (offset != GITS_CWRITER && !model.coherent) {
        value &= ~SHAREABILITY;
    }
    write64_unseen(base, offset, value);
    if (offset == GITS_CBASER) {
        *reg(n, GITS_CREADR) = 0;
    }
    while (offset == GITS_CWRITER && *reg(n, GITS_CREADR) != value && !model.deaf) {
        u64 head = *reg(n, GITS_CREADR);

        if (model.refuses) {
            *reg(n, GITS_CREADR) = head | 1;
            break;
        }
        read_command(n, (const u64 *)(uintptr_t)((*reg(n, GITS_CBASER) & GENMASK(51, 12)) + head));
        *reg(n, GITS_CREADR) = (head + 32) % 65536;
    }
}

static u64 gic_read64(volatile void *base, u32 offset)
{
    host_counter += 1000000;
    return read64_unseen(base, offset);
}

static void gic_write32(volatile void *base, u32 offset, u32 value)
{
    insn_other("write", offset);
    if (which(base) >= 0 && offset == 0) {
        value = (value & 1) | (value & 1 ? 0 : BIT32(31));
    }
    write32_unseen(base, offset, value);
}

static int its_setup(void **state)
{
    int rc = sysreg_setup(state);

    memset(frames, 0, sizeof(frames));
    memset(gicr, 0, sizeof(gicr));
    memset(&model, 0, sizeof(model));
    memset(gicr_of, 0, sizeof(gicr_of));
    nr_cleaned = nr_memory = 0;
    its_lock = (struct spinlock)SPINLOCK_INIT(RANK_IRQCHIP);
    no_memory = false;
    clean_properties = false;
    model.coherent = model.two_levels = true;
    model.page_bits = 3;
    gicd[GICD_TYPER / 4] = BIT32(17) | 15u << 19;
    for (u32 cpu = 0; cpu < 2; cpu++) {
        gicr[cpu][2] = 1 | cpu << 8;
    }
    for (int n = 0; n < NR; n++) {
        *reg(n, GITS_TYPER) = UINT64_C(15) << 13 | 15 << 8 | 7 << 4 | 1;      /* 16 bits each, ITT entries of 8 bytes */
        *reg(n, GITS_BASER(0)) = UINT64_C(1) << 56 | UINT64_C(7) << 48;
        *reg(n, GITS_BASER(1)) = UINT64_C(4) << 56 | UINT64_C(7) << 48;
        *(u32 *)reg(n, GITS_PIDR2) = 0x3b;
        *reg(n, 0) = 1;                  /* left on by somebody */
    }
    machine.gic.nr_its = NR;
    for (u32 n = 0; n < NR; n++) {
        machine.gic.its[n].base = (paddr_t)frames[n];
    }
    return rc;
}

static int its_teardown(void **state)
{
    while (nr_memory > 0) {
        free(memory[--nr_memory].va);
    }
    return unit_teardown(state);
}

static u32 start(void)
{
    struct machine_its list[MACHINE_MAX_ITS];

    gicv3_its_init(&machine, gicd);
    for (u32 cpu = 0; cpu < 2; cpu++) {
        unit_set_cpu(cpu);
        gicv3_its_init_cpu(gicr[cpu], 0x80a0000 + cpu * 0x20000);
    }
    unit_set_cpu(0);
    return its_list(list);
}

static const struct its_event event = { .its = 0, .device = 0x10, .event = 3, .lpi = 8200, .cpu = 1 };

/* ---- tests ---- */
static void test_start(void **state)
{
    u64 baser, prop;

    (void)state;
    assert_int_equal(start(), 2);
    assert_string_equal(unit_log(), "");
    baser = *reg(0, GITS_BASER(0));
    assert_true(baser & BASER_VALID);
    assert_int_equal(baser & SHAREABILITY, INNER_SHAREABLE);
    assert_int_equal(baser >> 59 & 7, CACHE_WRITE_BACK);
    assert_false(baser & BASER_INDIRECT);
    assert_int_equal((baser & 0xff) + 1, (65536 * 8) >> (12 + 2 * (baser >> 8 & 3)));
    assert_int_equal(*reg(0, 0) & 1, 1);
    /* Each CPU is a collection of each service, in a queue that began empty. */
    assert_string_equal(model.log, "0:mapc 0 0 8000000000000000;0:sync 0 0 0;0:invall 0 0 0;0:sync 0 0 0;"
                                   "1:mapc 0 0 8000000000000000;1:sync 0 0 0;1:invall 0 0 0;1:sync 0 0 0;"
                                   "0:mapc 0 0 8000000000010001;0:sync 0 0 10000;0:invall 0 0 1;0:sync 0 0 10000;"
                                   "1:mapc 0 0 8000000000010001;1:sync 0 0 10000;1:invall 0 0 1;1:sync 0 0 10000;");
    prop = read64_unseen(gicr[1], GICR_PROPBASER);
    assert_int_equal(prop & 31, LPI_ID_BITS - 1);
    assert_int_equal(prop & SHAREABILITY, INNER_SHAREABLE);
    assert_int_equal(*(u8 *)(uintptr_t)(prop & GENMASK(51, 12)), IRQ_PRIO_DEFAULT);
    assert_true(read64_unseen(gicr[0], GICR_PENDBASER) & PENDBASER_PTZ);
    assert_int_equal(read64_unseen(gicr[0], GICR_PENDBASER) & 0xf000, 0);
    assert_int_not_equal(read64_unseen(gicr[0], GICR_PENDBASER), read64_unseen(gicr[1], GICR_PENDBASER));
    assert_int_equal(gicr[0][0] & gicr[1][0] & 1, 1);
}

/* Tables are told of before LPIs are on, and that is done before a service hears of the CPU. */
static void test_order(void **state)
{
    (void)state;
    gicv3_its_init(&machine, gicd);
    insn_forget();
    unit_set_cpu(0);
    gicv3_its_init_cpu(gicr[0], 0x80a0000);
    insn_expect("clean", "dsb sy", "write", "write", "write", "dsb sy", "dsb sy", "write", NULL);
    assert_int_equal(insn_nth("write", 0)->value, GICR_PROPBASER);
    assert_int_equal(insn_nth("write", 1)->value, GICR_PENDBASER);
    assert_int_equal(insn_nth("write", 2)->value, GICR_CTLR);
    assert_int_equal(insn_nth("write", 3)->value, GITS_CWRITER);
    /* A property before the command that has it read, a command before the register that has that read. */
    gicr[0][0] = 0;
    assert_int_equal(start(), 2);
    insn_forget();
    its_enable(&event, true);
    insn_expect_exactly("dsb sy", "dsb sy", "write", "dsb sy", "write", NULL);
}

static void test_operations(void **state)
{
    void *itt;

    (void)state;
    assert_int_equal(start(), 2);
    model.log[0] = 0;
    assert_int_equal(its_map_device(0, 0x10, 5, &itt), 0);
    its_map(&event);
    its_enable(&event, true);
    assert_int_equal(properties[8], IRQ_PRIO_DEFAULT | 1);
    its_move(&event);
    its_clear(&event);
    its_enable(&event, false);
    assert_int_equal(properties[8], IRQ_PRIO_DEFAULT);
    its_discard(&event);
    its_complete(0);
    its_unmap_device(0, 0x10, itt);
    assert_string_equal(model.log, "0:mapd 10 size 4;0:mapti 10 200800000003 1;0:sync 0 0 10000;0:inv 10 3 0;0:sync 0 0 10000;"
                                   "0:movi 10 3 1;0:sync 0 0 10000;0:clear 10 3 0;0:sync 0 0 10000;0:inv 10 3 0;"
                                   "0:sync 0 0 10000;0:discard 10 3 0;0:sync 0 0 10000;0:mapd 10 0 0;");
    /* Around the end of the queue, any number of times. */
    for (u32 i = 0; i < 5000; i++) {
        insn_forget();
        model.log[0] = 0;
        its_clear(&event);
        assert_string_equal(model.log, "0:clear 10 3 0;0:sync 0 0 10000;");
    }
    assert_string_equal(unit_log(), "");
}

/* One that does not see caches: everything is cleaned (read_command(), its_map_device()), and it is told so. */
static void test_without_caches(void **state)
{
    void *itt;

    (void)state;
    model.coherent = false;
    assert_int_equal(start(), 2);
    assert_int_equal(*reg(0, GITS_CBASER) >> 59 & 7, CACHE_NONE);
    assert_int_equal(*reg(1, GITS_BASER(0)) >> 59 & 7, CACHE_NONE);
    assert_int_equal(read64_unseen(gicr[0], GICR_PROPBASER) >> 7 & 7, CACHE_NONE);
    assert_int_equal(its_map_device(0, 0x10, 5, &itt), 0);
    nr_cleaned = 0;
    its_enable(&event, true);
    assert_true(is_clean((u64)(uintptr_t)&properties[8], 1));
    insn_forget();
    its_clear(&event);
    insn_expect("clean", "dsb sy", "write", "clean", "dsb sy", "write", NULL);
}

/* Redistributors by their address; ITT entries of 16 bytes. */
static void test_by_address(void **state)
{
    (void)state;
    *reg(0, GITS_TYPER) |= GITS_TYPER_PTA;
    assert_int_equal(start(), 2);
    model.log[0] = 0;
    its_move(&event);
    assert_string_equal(model.log, "0:movi 10 3 1;0:sync 0 0 80c0000;");
    assert_int_equal(itt_bytes(&services[0], 1), 256);
    assert_int_equal(itt_bytes(&services[0], 11), 16384);
}

/* Many devices: two levels, the second made for those that come; or one, of as many as there is room for. */
static void test_device_tables(void **state)
{
    static const struct { u32 bits, page_bits; bool two; u32 want_bits, want_page; } cases[] = {
        { 16, 3, true, 16, 0 }, { 20, 3, true, 20, 0 }, { 32, 3, true, 32, 2 }, { 32, 0, true, 26, 0 },
        { 32, 3, false, 19, 2 }, { 20, 1, true, 20, 1 }, { 1, 2, true, 1, 2 },
    };
    void *itt;

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct its *its = &services[0];
        u64 baser, top;

        (void)its_setup(state);
        model.two_levels = cases[i].two;
        model.page_bits = cases[i].page_bits;
        *reg(0, GITS_TYPER) = (u64)(cases[i].bits - 1) << 13 | 15 << 8 | 7 << 4 | 1;
        assert_int_equal(start(), 2);
        assert_int_equal(its_device_bits(0), cases[i].want_bits);
        baser = *reg(0, GITS_BASER(0));
        top = BIT(cases[i].want_bits) - 1;
        if (cases[i].bits > 17 && cases[i].two) {
            const u64 *table = (const u64 *)(uintptr_t)(baser & GENMASK(47, 12));

            assert_true(baser & BASER_INDIRECT);
            assert_int_equal(baser >> 8 & 3, cases[i].want_page);
            assert_int_equal(its_map_device(0, (u32)top, 1, &itt), 0);
            assert_true(table[top / its->devices_per_page] & BASER_VALID);
            assert_true(top / its->devices_per_page < ((baser & 0xff) + 1) * its->table_page / 8);
            assert_int_equal(its_map_device(0, 0, 1, &itt), 0);
        } else {
            assert_true(((baser & 0xff) + 1) << (12 + 2 * (baser >> 8 & 3)) >= (top + 1) * 8);
            assert_int_equal(its_map_device(0, (u32)top, 1, &itt), 0);
        }
        assert_int_equal(strstr(unit_log(), "too many for its table") != NULL, cases[i].bits != cases[i].want_bits);
        (void)its_teardown(state);
    }
    (void)its_setup(state);
}

/* Pages of the second level are kept, so there is an end to them, whatever numbers devices have. */
static void test_device_pages(void **state)
{
    const struct its *its = &services[0];
    u32 made = 0, before;
    void *itt;

    (void)state;
    *reg(0, GITS_TYPER) = UINT64_C(31) << 13 | 15 << 8 | 7 << 4 | 1;
    assert_int_equal(start(), 2);
    assert_int_equal(its->table_page, KIB(64));
    for (u32 i = 0; i < 1000; i++) {
        insn_forget();
        if (its_map_device(0, (u32)(i * its->devices_per_page), 1, &itt) == 0) {
            its_unmap_device(0, (u32)(i * its->devices_per_page), itt);
            model.log[0] = 0;
            made++;
        }
    }
    assert_int_equal(made, PAGES_LIMIT / KIB(64));
    before = nr_memory;
    assert_int_equal(its_map_device(0, (u32)(made * its->devices_per_page), 1, &itt), -ENOSPC);
    assert_int_equal(nr_memory, before);
    /* In a page that there is. */
    assert_int_equal(its_map_device(0, (u32)(made * its->devices_per_page) - 1, 1, &itt), 0);
    its_unmap_device(0, (u32)(made * its->devices_per_page) - 1, itt);
    assert_int_equal(nr_memory, before);
}

/* What is listed and not there, or not an ITS, or not for LPIs costs itself. */
static void test_absent(void **state)
{
    (void)state;
    model.absent = true;
    assert_int_equal(start(), 1);
    assert_non_null(strstr(unit_log(), "nothing is there"));
    (void)its_teardown(state);
    (void)its_setup(state);
    *(u32 *)reg(0, GITS_PIDR2) = 0xffffffff;
    assert_int_equal(start(), 1);
    assert_non_null(strstr(unit_log(), "GITS_PIDR2 0xffffffff"));
    (void)its_teardown(state);
    (void)its_setup(state);
    gicd[GICD_TYPER / 4] = 15u << 19;
    assert_int_equal(start(), 0);
    assert_int_equal(model.done, 0);
    assert_int_equal(gicr[0][0], 0);
    assert_non_null(strstr(unit_log(), "no LPIs"));
    (void)its_teardown(state);
    (void)its_setup(state);
    gicr[1][2] &= ~1u;
    assert_int_equal(start(), 0);                                /* one CPU without: none has */
    assert_non_null(strstr(unit_log(), "CPU 1 cannot have LPIs"));
    (void)its_teardown(state);
    (void)its_setup(state);
    gicr[0][0] = 1;                                              /* left on, and not to be turned off */
    assert_int_equal(start(), 0);
    (void)its_teardown(state);
    (void)its_setup(state);
    machine.gic.nr_its = 0;
    assert_int_equal(start(), 0);
    assert_int_equal(nr_memory, 0);
    assert_int_equal(gicr[0][0], 0);
    no_memory = true;
    machine.gic.nr_its = 1;
    assert_int_equal(start(), 0);
    assert_non_null(strstr(unit_log(), "no memory for LPIs"));
}

/* One that does not answer, or refuses, is waited for once. */
static void test_dead(void **state)
{
    u32 before;
    void *itt;

    (void)state;
    assert_int_equal(start(), 2);
    assert_int_equal(its_map_device(0, 0x10, 5, &itt), 0);
    model.deaf = true;
    its_clear(&event);
    its_complete(0);
    assert_non_null(strstr(unit_log(), "does not read its commands"));
    unit_log_clear();
    for (u32 i = 0; i < 5000; i++) {
        insn_forget();
        its_clear(&event);
    }
    its_complete(0);
    before = nr_memory;
    its_unmap_device(0, 0x10, itt);                              /* its table may still be in use: kept */
    assert_int_equal(its_map_device(0, 0x11, 5, &itt), -EIO);    /* and there is no other one to be kept */
    assert_int_equal(nr_memory, before);
    assert_string_equal(unit_log(), "");
    (void)its_teardown(state);
    (void)its_setup(state);
    assert_int_equal(start(), 2);
    model.refuses = true;
    its_clear(&event);
    its_complete(0);
    assert_non_null(strstr(unit_log(), "has refused a command"));
}

#define its_case(fn) cmocka_unit_test_setup_teardown(fn, its_setup, its_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        its_case(test_start), its_case(test_order), its_case(test_operations), its_case(test_without_caches),
        its_case(test_by_address), its_case(test_device_tables), its_case(test_device_pages),
        its_case(test_absent), its_case(test_dead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
