/* SPDX-License-Identifier: MIT */
/*
 * What an exit must leave alone: general, FP/SIMD and EL1 registers, on one vCPU and between vCPUs that hold
 * different values. The values name their vCPU and register, so that a leak shows where from.
 */
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "gic.h"
#include "hypercall.h"
#include "state.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"
#include <xen/event_channel.h>
#include <xen/sched.h>

/* Which general registers an operation may change. */
static const struct operation {
    const char *name;
    void (*run)(const struct state *in, struct state *out);
    uint32_t changes;
    uint64_t x0, x1, x16;
} operations[] = {
    { "version", state_hypercall, 0x1001f, 0, 0, __HYPERVISOR_xen_version },
    { "yield", state_hypercall, 0x1001f, SCHEDOP_yield, 0, __HYPERVISOR_sched_op },
    { "unknown-hypercall", state_hypercall, 0x1001f, 0, 0, 999 },
    { "psci-version", state_smccc, 0xf, PSCI_VERSION, 0, 0x1616 },
    { "psci-by-smc", state_smc, 0xf, PSCI_VERSION, 0, 0x1616 },
    { "event-nowhere", state_hypercall, 0x1001f, EVTCHNOP_send, 0, __HYPERVISOR_event_channel_op },
    { "event-bad-command", state_hypercall, 0x1001f, 99, 0, __HYPERVISOR_event_channel_op },
    { "id-register", state_sysreg, 1, 0, 0, 0x1616 },
    { "timer-control", state_timer, 1, 0, 0, 0x1616 },
    { "gicd-read", state_mmio, 1, 0, GICD_TYPER, 0x1616 },
    { "gicd-write", state_mmio_write, 0, 0, GICD_IIDR, 0x1616 },
    { "sgi-to-nobody", state_mmio_write, 0, 0, GICD_SGIR, 0x1616 },
    { "wfi", state_wfi, 0, 0, 0, 0x1616 },
    { "wfe", state_wfe, 0, 0, 0, 0x1616 },
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static struct state in_state[MAX_CPUS], out_state[MAX_CPUS];
static unsigned owners[MAX_CPUS];

unsigned state_owner(void)
{
    return owners[this_cpu()->index] ? owners[this_cpu()->index] : (unsigned)this_cpu()->index;
}

void state_set_owner(unsigned owner)
{
    owners[this_cpu()->index] = owner;
}

const struct state *state_loaded(unsigned cpu)
{
    return &in_state[cpu];
}

const char *state_operation(unsigned n)
{
    return n < OPERATIONS ? operations[n].name : "sleep";
}

static void fill(struct state *s, const struct operation *op, unsigned round)
{
    uint64_t tag = 0xc0de000000000000ul | (uint64_t)state_owner() << 40 | (uint64_t)round << 16;

    for (unsigned i = 0; i < 31; i++)
        s->x[i] = tag | i;
    for (unsigned i = 0; i < 64; i++)
        s->v[i] = tag | 0x100 | i;
    s->nzcv = (uint64_t)(round % 16) << 28;
    s->fpcr = (uint64_t)(round % 4) << 22 | 1ul << 24; /* rounding mode, flush to zero */
    s->fpsr = round & 0x1f;
    if (op->run == state_mmio || op->run == state_mmio_write) {
        s->x[0] = 0; /* a store to GICD_SGIR reaches nobody */
        s->x[1] = gic.dist + op->x1;
    }
    if (op->run == state_hypercall || op->run == state_smccc || op->run == state_smc) {
        s->x[0] = op->x0;
        s->x[1] = op->x1;
        s->x[16] = op->x16;
    }
}

/* First difference as register number + 1 (general: 1.., vectors: 101.., nzcv 201, fpcr 202, fpsr 203); 0 if none. */
static unsigned difference(const struct state *in, const struct state *out, uint32_t changes)
{
    for (unsigned i = 0; i < 30; i++)
        if (!(changes & 1u << i) && in->x[i] != out->x[i])
            return i + 1;
    if (out->x[30] != X30_VALUE)
        return 31;
    for (unsigned i = 0; i < 64; i++)
        if (in->v[i] != out->v[i])
            return 101 + i / 2;
    if (in->nzcv != out->nzcv)
        return 201;
    if (in->fpcr != out->fpcr)
        return 202;
    return in->fpsr != out->fpsr ? 203 : 0;
}

static unsigned exercise(const struct operation *op, unsigned round)
{
    struct state *in = &in_state[this_cpu()->index], *out = &out_state[this_cpu()->index];

    memset(out, 0xee, sizeof(*out));
    fill(in, op, round);
    op->run(in, out);
    return difference(in, out, op->changes);
}

const struct state *state_found(unsigned cpu)
{
    return &out_state[cpu];
}

unsigned state_operations(void)
{
    return OPERATIONS;
}

unsigned state_exercise(unsigned n, unsigned round)
{
    return exercise(&operations[n % OPERATIONS], round);
}

static const struct operation sleep_operation = { "sleep", state_wfi, 0, 0, 0, 0x1616 };

unsigned state_sleep(unsigned round)
{
    return exercise(&sleep_operation, round);
}

void state_values(unsigned owner, unsigned round, struct state *s)
{
    unsigned self = owners[this_cpu()->index];

    state_set_owner(owner);
    fill(s, &sleep_operation, round);
    owners[this_cpu()->index] = self;
}

/* Something pending, so that WFI does not sleep. */
static void keep_awake(void)
{
    gic_drain();
    gic_reset();
    gic_set_bit(3, GICD_ISENABLER);
    gic_sgi_self(3);
    (void)WAIT_FOR(gic_irq_signalled(), patience_ms);
}

static void over_exits(void)
{
    keep_awake();
    for (unsigned round = 0; round < 32; round++)
        for (unsigned i = 0; i < OPERATIONS; i++)
            CHECK_EQ(operations[i].name, 0, exercise(&operations[i], round));
}

/* Timer interrupts while everything is loaded; the handler changes nothing but what it saves. */
static void rearm(uint32_t iar)
{
    if (IRQ_ID(iar) != timer_irqs.virtual)
        return;
    sysreg_write(cntv_cval_el0, counter() + ticks_us(50));
    sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
    isb();
}

/* 200 interrupts; the first difference. */
static unsigned through_interrupts(unsigned wanted)
{
    static const struct operation spin = { "spin", state_spin, 1u << 5, 0, 0, 0 };
    struct state *in = &in_state[this_cpu()->index], *out = &out_state[this_cpu()->index];
    uint64_t end = counter() + ticks_ms(patience_ms);
    unsigned where = 0;

    gic_set_bit(timer_irqs.virtual, GICD_ISENABLER);
    sysreg_write(cntv_cval_el0, counter());
    sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
    for (unsigned round = 0; !where && this_cpu()->irq_count < wanted && counter() < end; round++) {
        fill(in, &spin, round);
        in->x[5] = 20000;
        state_spin(in, out);
        in->nzcv = out->nzcv; /* the loop's own */
        where = difference(in, out, 1u << 5);
    }
    timer_stop();
    return where;
}

static void over_interrupts(void)
{
    trap_irq_hook = rearm;
    CHECK_EQ("register", 0, through_interrupts(200));
    CHECK_RANGE("interrupts", 200, 100000000, this_cpu()->irq_count);
}

/* Several vCPUs, each with its own values, all exits mixed with yields and sleeps. */
struct outcome {
    unsigned operation, round, where;
};
static volatile struct outcome outcome[MAX_CPUS];
static volatile unsigned rounds_done[MAX_CPUS];

void state_note(unsigned round, unsigned operation, unsigned where)
{
    unsigned cpu = (unsigned)this_cpu()->index;

    if (!where)
        rounds_done[cpu] = round + 1;
    outcome[cpu].operation = operation;
    outcome[cpu].round = round;
    outcome[cpu].where = where;
}

static void mix(uint64_t rounds)
{
    unsigned first = (unsigned)this_cpu()->index, where = 0;

    keep_awake();
    for (unsigned round = 0; round < rounds && !where; round++)
        for (unsigned i = first; i < first + OPERATIONS && !where; i++) {
            where = exercise(&operations[i % OPERATIONS], round);
            state_note(round, i % OPERATIONS, where);
        }
}

void state_on_all(void (*work)(uint64_t), uint64_t rounds)
{
    for (unsigned i = 0; i < cpu_count; i++) {
        outcome[i].where = 0;
        rounds_done[i] = 0;
    }
    for (unsigned i = 1; i < cpu_count; i++) {
        REQUIRE(check_name("starts", i), cpu_start(i));
        cpu_run(i, work, rounds);
    }
    work(rounds);
    for (unsigned i = 0; i < cpu_count; i++) {
        CHECK(check_name("done", i), i == 0 || cpu_wait(i));
        CHECK_EQ(check_name("register", i), 0, outcome[i].where);
        CHECK_EQ(check_name("rounds", i), rounds, rounds_done[i]);
        if (outcome[i].where)
            print("# vCPU %u: %s in round %u\n", i, state_operation(outcome[i].operation), outcome[i].round);
    }
}

static void between_vcpus(void)
{
    state_on_all(mix, 60);
}

static void el1_mix(uint64_t rounds)
{
    unsigned where = 0;

    for (unsigned round = 0; round < rounds && !where; round++) {
        el1_assume(round);
        for (unsigned i = 0; i < 4; i++) {
            (void)hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
            (void)mmio_read32(gic.dist + GICD_TYPER);
        }
        where = el1_check();
        el1_drop();
        state_note(round, OPERATIONS, where);
    }
}

static void el1_registers(void)
{
    state_on_all(el1_mix, 100);
}

static void interrupt_mix(uint64_t wanted)
{
    unsigned where;

    this_cpu()->irq_count = 0;
    gic_drain();
    gic_reset();
    where = through_interrupts((unsigned)wanted);
    if (this_cpu()->irq_count >= wanted)
        state_note((unsigned)wanted - 1, OPERATIONS, where);
}

static void interrupts_between_vcpus(void)
{
    trap_irq_hook = rearm;
    state_on_all(interrupt_mix, 150);
}

/*
 * Registers of features that may be hidden and yet be reachable, for want of a trap: what can be written is no
 * channel between vCPUs. TPIDR2, SCXTNUM, pointer authentication keys, LORegions, RAS (DISR_EL1 too), trace and debug.
 */
#define HIDDEN_REGISTERS(X) \
    X(S3_3_C13_C0_5) X(S3_3_C13_C0_7) X(S3_0_C13_C0_7) X(S3_0_C2_C1_0) X(S3_0_C2_C3_1) X(S3_0_C10_C4_1) \
    X(S3_0_C10_C4_3) X(S3_0_C5_C3_1) X(S3_0_C1_C2_1) X(S2_0_C0_C0_4) X(S2_0_C0_C0_6) X(S2_0_C0_C5_4) \
    X(S3_0_C1_C0_5) X(S3_0_C5_C6_0) X(S3_0_C12_C1_1)

enum { HIDDEN_COUNT = 0
#define COUNT_ONE(reg) + 1
       HIDDEN_REGISTERS(COUNT_ONE)
#undef COUNT_ONE
};

static void hidden_write(uint64_t value)
{
#define WRITE_ONE(reg) trap_probe_begin(); sysreg_write(reg, value); (void)trap_probe_end();
    HIDDEN_REGISTERS(WRITE_ONE)
#undef WRITE_ONE
}

static void hidden_read(uint64_t *v)
{
    unsigned n = 0;
#define READ_ONE(reg) trap_probe_begin(); v[n] = sysreg_read(reg); if (trap_probe_end()) v[n] = 0; n++;
    HIDDEN_REGISTERS(READ_ONE)
#undef READ_ONE
}

static void hidden_mix(uint64_t rounds)
{
    uint64_t mine[HIDDEN_COUNT], now[HIDDEN_COUNT];
    unsigned where = 0;

    for (unsigned round = 0; round < rounds && !where; round++) {
        hidden_write((0x00000f0f0f0f0ff0ul << this_cpu()->index) + round * 16);
        hidden_read(mine);
        for (unsigned i = 0; i < 4; i++)
            (void)hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        hidden_read(now);
        for (unsigned i = 0; i < HIDDEN_COUNT; i++)
            if (now[i] != mine[i] && now[i] != 0) /* lost is no channel: TPIDR2 is not offered, and reset */
                where = i + 1;
        state_note(round, OPERATIONS, where);
    }
    hidden_write(0);
}

static void hidden_registers(void)
{
    state_on_all(hidden_mix, 50);
}

/* An exit is an exception return: a store-exclusive after it fails or is sound, never behind another's write. */
static void exclusive(void)
{
    static volatile uint64_t word;
    uint64_t value, failed = 0;

    word = 5;
    asm volatile("ldxr %0, [%2]\n\tmov x16, #17\n\tmov x0, #0\n\tmov x1, #0\n\thvc #0xea1\n\tstxr %w1, xzr, [%2]"
                 : "=&r"(value), "=&r"(failed) : "r"(&word) : "x0", "x1", "x2", "x3", "x4", "x16", "memory");
    CHECK_EQ("loaded", 5, value);
    CHECK_EQ("monitor-cleared-by-eret", 1, failed);
    CHECK_EQ("not-stored", 5, word);
}

const struct test tests_state[] = {
    { "state.over-exits", over_exits, 0, 0 },
    { "state.over-interrupts", over_interrupts, 0, 0 },
    { "state.exclusive", exclusive, 0, 0 },
    { "state.el1-registers", el1_registers, 0, 0 },
    { "state.hidden-registers", hidden_registers, 2, 0 },
    { "state.between-vcpus", between_vcpus, 2, 0 },
    { "state.interrupts-between-vcpus", interrupts_between_vcpus, 2, 0 },
    { 0 },
};
