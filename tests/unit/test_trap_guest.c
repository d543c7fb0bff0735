/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: arch/arm/trap.c arch/arm/arm64/inject.c */
/* What a guest sees of its exits: devices, exceptions put into it, calls; and the work before it goes on. */
#include "sysreg.h"
#include <asm/smp.h>
#include <asm/trap.h>
#include <vdev/mmio.h>
#include <vdev/vgic.h>
#include <vdev/vpsci.h>

#define VA        0xffff000012345678UL
#define GPA       0x8005678UL
#define PC        0x1000UL
#define VBAR      0xffff000010000000UL
#define EL1H      0x5UL
#define DABT_ISV  BIT(24)
#define DABT_SAS(n) ((u64)(n) << 22)     /* bytes: 1 << n */
#define DABT_SSE  BIT(21)
#define DABT_RT(n) ((u64)(n) << 16)
#define DABT_SF   BIT(15)
#define DABT_CM   BIT(8)
#define DABT_S1PTW BIT(7)
#define DABT_WNR  BIT(6)
#define TRANSLATION 0x07u                /* level 3 */
#define PERMISSION  0x0fu

u32 errata_word;
static struct vcpu *v;
static u64 device_value, written, accesses, access_size, stage1;
static u32 stale_asked, touched_asked;
static bool stale, touched, psci, lines_wait;

/* ---- what is not linked ---- */
static u64 device_read(struct vcpu *who, u64 offset, u64 size)
{
    assert_ptr_equal(who, v);
    assert_int_equal(offset, GPA - 0x8000000);
    accesses++;
    access_size = size;
    return device_value;
}

static void device_write(struct vcpu *who, u64 offset, u64 size, u64 value)
{
    (void)device_read(who, offset, size);
    written = value;
}

bool p2m_fault_is_stale(struct domain *d, u64 gpa, bool write)
{
    (void)write;
    assert_ptr_equal(d, v->domain);
    assert_int_equal(gpa, GPA);
    stale_asked++;
    return stale;
}

bool p2m_map_touched(struct domain *d, u64 gpa)
{
    assert_ptr_equal(d, v->domain);
    assert_int_equal(gpa, GPA);
    touched_asked++;
    return touched;
}

unsigned int s1_fault_level(struct vcpu *who, u64 va, u64 gpa)
{
    (void)who;
    (void)gpa;
    assert_int_equal(va, VA);
    return 2;
}

bool vpsci_call(struct vcpu *who)
{
    (void)who;
    return psci;
}

static void translates(const struct insn *i)
{
    if (strcmp(i->text, "at s1e1r") == 0) {
        assert_int_equal(i->value, VA);
        reg_set("par_el1", stage1);
    }
}

static int setup(void **state)
{
    int rc = sysreg_setup(state);
    struct domain *d = unit_domain(1, 2);

    v = d->vcpu[0];
    d->arch.mmio = (struct mmio_table){ .nr = 1 };
    d->arch.mmio.region[0] = (struct mmio_region){
        .base = 0x8000000, .size = 0x10000, .read = device_read, .write = device_write
    };
    unit_set_current(v);
    for (u32 i = 0; i < 31; i++) {
        v->arch.regs.x[i] = 0x1111111111111111UL * (i % 15);
    }
    errata_word = 0;
    written = accesses = stale_asked = touched_asked = 0;
    stale = touched = psci = lines_wait = false;
    stage1 = GPA & PAGE_MASK;
    insn_hook = translates;
    reg_set("far_el2", VA);
    reg_set("hpfar_el2", GPA >> 12 << 4);
    reg_set("elr_el2", PC);
    reg_set("spsr_el2", EL1H);
    reg_set("vbar_el1", VBAR);
    reg_set("sctlr_el1", BIT(23));       /* SPAN */
    return rc;
}
#define trap_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

static void take(u32 ec, u64 iss)
{
    u64 esr = (u64)ec << ESR_EC_SHIFT | ESR_IL | iss;

    reg_set("esr_el2", esr);
    trap_table[ec](v, esr);
}

/* A load or store of one register by a guest at EL1: where it goes on. */
static u64 access(u64 iss)
{
    reg_set("elr_el2", PC);
    take(EC_DABT_LOW, DABT_ISV | TRANSLATION | iss);
    return reg_get("elr_el2");
}

/* ---- devices ---- */
static void test_loads(void **state)
{
    (void)state;
    device_value = 0x80;
    assert_int_equal(access(DABT_SAS(0) | DABT_RT(3)), PC + 4);
    assert_int_equal(v->arch.regs.x[3], 0x80);
    assert_int_equal(access_size, 1);
    (void)access(DABT_SAS(0) | DABT_RT(3) | DABT_SSE | DABT_SF);
    assert_int_equal(v->arch.regs.x[3], 0xffffffffffffff80UL);
    (void)access(DABT_SAS(0) | DABT_RT(3) | DABT_SSE);
    assert_int_equal(v->arch.regs.x[3], 0xffffff80UL);
    device_value = 0x80000001;
    (void)access(DABT_SAS(2) | DABT_RT(4) | DABT_SSE | DABT_SF);
    assert_int_equal(v->arch.regs.x[4], 0xffffffff80000001UL);
    assert_int_equal(access_size, 4);
    /* To XZR: read all the same. */
    (void)access(DABT_SAS(2) | DABT_RT(31));
    assert_int_equal(accesses, 5);
}

static void test_stores(void **state)
{
    (void)state;
    v->arch.regs.x[5] = 0x123456789abcdef0UL;
    assert_int_equal(access(DABT_SAS(1) | DABT_RT(5) | DABT_WNR), PC + 4);
    assert_int_equal(written, 0xdef0);
    assert_int_equal(access_size, 2);
    (void)access(DABT_SAS(3) | DABT_RT(5) | DABT_WNR);
    assert_int_equal(written, 0x123456789abcdef0UL);
    (void)access(DABT_SAS(2) | DABT_RT(31) | DABT_WNR);
    assert_int_equal(written, 0);
    assert_int_equal(v->arch.regs.x[5], 0x123456789abcdef0UL);
}

/* T32 at EL0: an instruction of two bytes. */
static void test_two_bytes(void **state)
{
    (void)state;
    trap_table[EC_DABT_LOW](v, (u64)EC_DABT_LOW << ESR_EC_SHIFT | DABT_ISV | TRANSLATION | DABT_SAS(2));
    assert_int_equal(reg_get("elr_el2"), PC + 2);
}

/* ---- exceptions put into the guest ---- */
/* At the vector `offset`, with that syndrome, everything masked. */
static void expect_taken(u64 offset, u64 esr)
{
    assert_int_equal(reg_get("elr_el2"), VBAR + offset);
    assert_int_equal(reg_get("esr_el1"), esr);
    assert_int_equal(reg_get("spsr_el2") & 0x3ff, 0x3c5);
}

static void test_no_device(void **state)
{
    (void)state;
    v->domain->arch.mmio.nr = 0;
    reg_set("spsr_el2", EL1H | 0xaUL << 28);
    (void)access(DABT_SAS(2) | DABT_RT(3) | DABT_WNR);
    expect_taken(0x200, (u64)(EC_DABT_LOW + 1) << ESR_EC_SHIFT | ESR_IL | DABT_WNR | FSC_EXTERNAL);
    assert_int_equal(reg_get("far_el1"), VA);
    assert_int_equal(reg_get("elr_el1"), PC);
    assert_int_equal(reg_get("spsr_el1"), EL1H | 0xaUL << 28);
    assert_int_equal(reg_get("spsr_el2") >> 28, 0xa);
    assert_int_equal(stale_asked, 1);
    /* From EL0 it is another class at another vector; from EL1 with SP_EL0, and from AArch32, others still. */
    reg_set("spsr_el2", 0);
    (void)access(DABT_SAS(2) | DABT_RT(3));
    expect_taken(0x400, (u64)EC_DABT_LOW << ESR_EC_SHIFT | ESR_IL | FSC_EXTERNAL);
    reg_set("spsr_el2", 4);
    (void)access(DABT_SAS(2) | DABT_RT(3));
    expect_taken(0, (u64)(EC_DABT_LOW + 1) << ESR_EC_SHIFT | ESR_IL | FSC_EXTERNAL);
    reg_set("spsr_el2", 0x10);
    (void)access(DABT_SAS(2) | DABT_RT(3));
    expect_taken(0x600, (u64)EC_DABT_LOW << ESR_EC_SHIFT | ESR_IL | FSC_EXTERNAL);
    reg_set("spsr_el2", EL1H);
    reg_set("elr_el2", PC);
    take(EC_IABT_LOW, TRANSLATION);
    expect_taken(0x200, (u64)(EC_IABT_LOW + 1) << ESR_EC_SHIFT | ESR_IL | FSC_EXTERNAL);
}

/* PAN and SSBS as the guest's SCTLR_EL1 has them. */
static void test_state_of_a_handler(void **state)
{
    (void)state;
    v->domain->arch.mmio.nr = 0;
    (void)access(DABT_RT(3));
    assert_int_equal(reg_get("spsr_el2") & (BIT(22) | BIT(12)), 0);
    reg_set("sctlr_el1", BIT(44));
    (void)access(DABT_RT(3));
    assert_int_equal(reg_get("spsr_el2") & (BIT(22) | BIT(12)), BIT(12));    /* the CPU has no PAN */
    reg_set("id_aa64mmfr1_el1", 1 << 20);
    (void)access(DABT_RT(3));
    assert_int_equal(reg_get("spsr_el2") & (BIT(22) | BIT(12)), BIT(22) | BIT(12));
}

/* A stage-1 table at a device's address is no access of the device. */
static void test_walk_of_a_device(void **state)
{
    (void)state;
    (void)access(DABT_SAS(2) | DABT_RT(3) | DABT_S1PTW);
    assert_int_equal(accesses, 0);
    expect_taken(0x200, (u64)(EC_DABT_LOW + 1) << ESR_EC_SHIFT | ESR_IL | (FSC_EXTERNAL_WALK + 2));
}

/* HPFAR_EL2 says nothing at a permission fault: stage 1 is asked, and if that has changed the guest goes on. */
static void test_permission_fault(void **state)
{
    (void)state;
    reg_set("hpfar_el2", 0);
    take(EC_DABT_LOW, PERMISSION | DABT_WNR);
    assert_int_equal(insn_count("at s1e1r"), 1);
    expect_taken(0x200, (u64)(EC_DABT_LOW + 1) << ESR_EC_SHIFT | ESR_IL | DABT_WNR | FSC_EXTERNAL);
    assert_int_equal(stale_asked, 0);
    reg_set("elr_el2", PC);
    stage1 = 1;
    take(EC_DABT_LOW, PERMISSION | DABT_WNR);
    assert_int_equal(reg_get("elr_el2"), PC);
    /* HPFAR_EL2 is good for others. */
    insn_forget();
    v->domain->arch.mmio.nr = 0;
    reg_set("hpfar_el2", GPA >> 12 << 4);
    (void)access(DABT_RT(3));
    assert_int_equal(insn_count("at s1e1r"), 0);
    assert_int_equal(stale_asked, 1);
}

/* A device that is mapped when it is touched, also by cache maintenance; not to execute, nor where it is read-only. */
static void test_touched(void **state)
{
    (void)state;
    v->domain->arch.mmio.nr = 0;
    touched = true;
    assert_int_equal(access(DABT_RT(3)), PC);
    take(EC_DABT_LOW, TRANSLATION | DABT_CM | DABT_WNR);
    assert_int_equal(reg_get("elr_el2"), PC);
    assert_int_equal(touched_asked, 2);
    take(EC_IABT_LOW, TRANSLATION);
    take(EC_DABT_LOW, PERMISSION | DABT_WNR);
    assert_int_equal(touched_asked, 2);
}

/* Mapped by another CPU meanwhile: once more. Cache maintenance of nothing is skipped. */
static void test_nothing_to_tell(void **state)
{
    (void)state;
    v->domain->arch.mmio.nr = 0;
    stale = true;
    assert_int_equal(access(DABT_RT(3)), PC);
    stale = false;
    assert_int_equal(touched_asked, 0);
    take(EC_DABT_LOW, TRANSLATION | DABT_CM | DABT_WNR);
    assert_int_equal(reg_get("elr_el2"), PC + 4);
    assert_int_equal(touched_asked, 1);
    assert_int_equal(insn_count("msr esr_el1"), 0);
}

/* ---- calls and hints ---- */
#define UNDEFINED ((u64)EC_UNKNOWN << ESR_EC_SHIFT | ESR_IL)

static void test_hvc(void **state)
{
    (void)state;
    reg_set("elr_el2", PC + 4);
    take(EC_HVC64, 0x1234);
    expect_taken(0x200, UNDEFINED);
    assert_int_equal(reg_get("elr_el1"), PC);
}

static void test_smc(void **state)
{
    (void)state;
    psci = true;
    take(EC_SMC64, 0);
    assert_int_equal(reg_get("elr_el2"), PC + 4);
    reg_set("elr_el2", PC);
    take(EC_SMC64, 1);
    expect_taken(0x200, UNDEFINED);
    assert_int_equal(reg_get("elr_el1"), PC);
}

static void test_wait(void **state)
{
    (void)state;
    take(EC_WFX, 0);
    assert_int_equal(host_calls("vcpu_block_current"), 1);
    assert_int_equal(host_calls("vcpu_yield_current"), 0);
    assert_int_equal(reg_get("elr_el2"), PC + 4);
    take(EC_WFX, 1);
    assert_int_equal(host_calls("vcpu_block_current"), 1);
    assert_int_equal(host_calls("vcpu_yield_current"), 1);
    trap_table[EC_WFX](v, (u64)EC_WFX << ESR_EC_SHIFT);
    assert_int_equal(reg_get("elr_el2"), PC + 10);
}

/* Each class that can come from a guest has a handler; those that should not come are UNDEFINED. */
static void test_every_class(void **state)
{
    static const u8 own[] = {
        EC_IABT_CUR, EC_DABT_CUR, EC_HVC64, EC_SMC64, EC_SYSREG, EC_IABT_LOW, EC_DABT_LOW, EC_WFX
    };

    (void)state;
    for (u32 ec = 0; ec < 64; ec++) {
        assert_non_null(trap_table[ec]);
        if (memchr(own, (int)ec, sizeof(own)) == NULL) {
            reg_set("elr_el2", PC);
            take(ec, 0);
            expect_taken(0x200, UNDEFINED);
        }
    }
}

/* ---- work before a guest goes on ---- */
static u32 flushes, syncs, switches, idles, more_syncs, more_flushes;
static struct vcpu *next;

void vgic_flush(struct vcpu *who)
{
    flushes++;
    if (more_flushes > 0) {
        more_flushes--;
        atomic_fetch_or(&who->pending, PEND_VGIC);
    }
}

void vgic_sync(struct vcpu *who)
{
    syncs++;
    if (more_syncs > 0) {
        more_syncs--;
        atomic_fetch_or(&who->pending, PEND_SYNC);
    }
}

bool vgic_check_lines(struct vcpu *who) { (void)who; return lines_wait; }
void quiesce_poll(void) { host_record("quiesce_poll", 0, 0, 0, 0); }
void debug_dump_vcpu(struct vcpu *who) { (void)who; }
void vcpu_runstate_publish(struct vcpu *who) { host_record("vcpu_runstate_publish", (u64)(uintptr_t)who, 0, 0, 0); }
void cpu_idle(void) { idles++; }

struct vcpu *sched_switch(void)
{
    switches++;
    atomic_fetch_and(&v->pending, ~(u32)PEND_RESCHED);
    return switches > 1 || !next->is_idle ? next : pcpus[0]->idle;
}

static void begin(u32 pending)
{
    flushes = syncs = switches = idles = more_syncs = more_flushes = 0;
    next = v;
    host_record_reset();
    v->pending = pending;
}

static void test_work_is_done_once(void **state)
{
    (void)state;
    begin(PEND_VGIC | PEND_SYNC | PEND_RUNSTATE);
    assert_ptr_equal(exit_work(v), v);
    assert_int_equal(v->pending, 0);
    assert_int_equal(flushes, 1);
    assert_int_equal(syncs, 1);
    assert_int_equal(host_calls("vcpu_runstate_publish"), 1);
    assert_int_equal(switches, 0);
}

/* Asked for while the same is being done: it is done again. */
static void test_work_added_meanwhile(void **state)
{
    (void)state;
    begin(PEND_SYNC);
    more_syncs = 2;
    assert_ptr_equal(exit_work(v), v);
    assert_int_equal(syncs, 3);
    assert_int_equal(v->pending, 0);
    assert_int_equal(host_calls("smp_kick"), 0);
}

/* As fast as it is done: the guest goes on, and comes back at once. */
static void test_work_without_an_end(void **state)
{
    (void)state;
    begin(PEND_VGIC);
    more_flushes = 1000;
    assert_ptr_equal(exit_work(v), v);
    assert_int_equal(flushes, 9);
    assert_int_equal(v->pending, PEND_VGIC);
    assert_int_equal(host_calls("smp_kick"), 1);
    assert_int_equal(host_last("smp_kick")->a[0], 0);
    assert_int_equal(host_last("smp_kick")->a[1], IPI_RESCHED);
}

/* A line that waits to be taken is looked at on each exit, and on none after that. */
static void test_line_is_watched(void **state)
{
    (void)state;
    begin(PEND_LINE);
    lines_wait = true;
    assert_ptr_equal(exit_work(v), v);
    assert_int_equal(v->pending, PEND_LINE);
    lines_wait = false;
    assert_ptr_equal(exit_work(v), v);
    assert_int_equal(v->pending, 0);
}

static void test_switch(void **state)
{
    (void)state;
    begin(PEND_RESCHED | PEND_VGIC);
    next = v->domain->vcpu[1];
    assert_ptr_equal(exit_work(v), next);
    assert_int_equal(switches, 1);
    assert_int_equal(flushes, 0);        /* v's, for when it runs again */
    assert_int_equal(v->pending, PEND_VGIC);
}

static void test_quiesce(void **state)
{
    (void)state;
    begin(PEND_QUIESCE);
    assert_ptr_equal(exit_work(v), v);
    assert_int_equal(host_calls("quiesce_poll"), 1);
    assert_int_equal(v->pending, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        trap_case(test_loads), trap_case(test_stores), trap_case(test_two_bytes), trap_case(test_no_device),
        trap_case(test_state_of_a_handler), trap_case(test_walk_of_a_device), trap_case(test_permission_fault),
        trap_case(test_nothing_to_tell), trap_case(test_touched),
        trap_case(test_hvc), trap_case(test_smc), trap_case(test_wait),
        trap_case(test_every_class), trap_case(test_work_is_done_once), trap_case(test_work_added_meanwhile),
        trap_case(test_work_without_an_end), trap_case(test_line_is_watched), trap_case(test_switch),
        trap_case(test_quiesce),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
