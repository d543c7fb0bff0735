/* SPDX-License-Identifier: MIT */
/*
 * What an exit must leave alone: general, FP/SIMD and EL1 registers, on one vCPU and between vCPUs that hold different values.
 * The values name their vCPU and register, so that a leak shows where from.
 */
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "gic.h"
#include "hypercall.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"
#include <xen/sched.h>

struct state {
    uint64_t x[31];
    uint64_t nzcv, fpcr, fpsr;
    uint64_t v[64];
};
_Static_assert(sizeof(struct state) == 272 + 512, "state_asm.S");

void state_hypercall(const struct state *in, struct state *out);
void state_smccc(const struct state *in, struct state *out);
void state_sysreg(const struct state *in, struct state *out);
void state_mmio(const struct state *in, struct state *out);
void state_mmio_write(const struct state *in, struct state *out);
void state_wfi(const struct state *in, struct state *out);
void state_wfe(const struct state *in, struct state *out);
void state_spin(const struct state *in, struct state *out);

#define X30_VALUE 0x3030303030303030ul

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
    { "id-register", state_sysreg, 1, 0, 0, 0x1616 },
    { "gicd-read", state_mmio, 1, 0, GICD_TYPER, 0x1616 },
    { "gicd-write", state_mmio_write, 0, 0, GICD_IIDR, 0x1616 },
    { "wfi", state_wfi, 0, 0, 0, 0x1616 },
    { "wfe", state_wfe, 0, 0, 0, 0x1616 },
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static struct state in_state[MAX_CPUS], out_state[MAX_CPUS];

static void fill(struct state *s, const struct operation *op, unsigned round)
{
    uint64_t tag = 0xc0de000000000000ul | (uint64_t)this_cpu()->index << 40 | (uint64_t)round << 16;

    for (unsigned i = 0; i < 31; i++)
        s->x[i] = tag | i;
    for (unsigned i = 0; i < 64; i++)
        s->v[i] = tag | 0x100 | i;
    s->nzcv = (uint64_t)(round % 16) << 28;
    s->fpcr = (uint64_t)(round % 4) << 22 | 1ul << 24; /* rounding mode, flush to zero */
    s->fpsr = round & 0x1f;
    if (op->run == state_mmio || op->run == state_mmio_write)
        s->x[1] = gic.dist + op->x1;
    if (op->run == state_hypercall || op->run == state_smccc) {
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

/* Something pending, so that WFI does not sleep. */
static void keep_awake(void)
{
    gic_drain();
    gic_reset();
    gic_set_bit(3, GICD_ISENABLER);
    gic_sgi_self(3);
    (void)WAIT_FOR(gic_irq_signalled(), 100);
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

static void over_interrupts(void)
{
    static const struct operation spin = { "spin", state_spin, 1u << 5, 0, 0, 0 };
    uint64_t end = counter() + ticks_ms(5000);

    trap_irq_hook = rearm;
    gic_set_bit(timer_irqs.virtual, GICD_ISENABLER);
    sysreg_write(cntv_cval_el0, counter());
    sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
    for (unsigned round = 0; this_cpu()->irq_count < 200 && counter() < end; round++) {
        struct state *in = &in_state[0], *out = &out_state[0];

        fill(in, &spin, round);
        in->x[5] = 20000;
        state_spin(in, out);
        in->nzcv = out->nzcv; /* the loop's own */
        CHECK_EQ("register", 0, difference(in, out, 1u << 5));
    }
    CHECK_RANGE("interrupts", 200, 100000000, this_cpu()->irq_count);
}

/* Several vCPUs, each with its own values, all exits mixed with yields and sleeps. */
struct outcome {
    unsigned operation, round, where;
};
static volatile struct outcome outcome[MAX_CPUS];
static volatile unsigned rounds_done[MAX_CPUS];

static void mix(uint64_t rounds)
{
    unsigned cpu = (unsigned)this_cpu()->index;

    keep_awake();
    for (unsigned round = 0; round < rounds && !outcome[cpu].where; round++)
        for (unsigned i = 0; i < OPERATIONS; i++) {
            unsigned where = exercise(&operations[(i + cpu) % OPERATIONS], round);

            if (where) {
                outcome[cpu].operation = (i + cpu) % OPERATIONS;
                outcome[cpu].round = round;
                outcome[cpu].where = where;
                return;
            }
            rounds_done[cpu] = round + 1;
        }
}

static void on_all(void (*work)(uint64_t), uint64_t rounds)
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
    }
}

static void between_vcpus(void)
{
    on_all(mix, 60);
    for (unsigned i = 0; i < cpu_count; i++)
        if (outcome[i].where)
            print("# vCPU %u: %s in round %u\n", i, operations[outcome[i].operation].name, outcome[i].round);
}

/* EL1 registers that the hypervisor must switch. mask: bits that hold what is written on every CPU. */
#define EL1_REGISTERS(X)                                                                                        \
    X(tpidr_el0, ~0ul) X(tpidrro_el0, ~0ul) X(tpidr_el1, ~0ul) X(sp_el0, ~0ul) X(contextidr_el1, 0xffffffff)        \
    X(far_el1, ~0ul) X(elr_el1, 0xfffffffffffc) X(spsr_el1, 0xf00003c5) X(esr_el1, 0xffffffff) X(par_el1, 0xfffffffff000) \
    X(mair_el1, 0xffffffffff000000) X(ttbr1_el1, 0xfffffff000) X(cntkctl_el1, 0x303) X(csselr_el1, 0x3)            \
    X(cntv_cval_el0, 0x3fffffffffffffff) X(cntp_cval_el0, 0x3fffffffffffffff) X(cpacr_el1, 0x300000)

enum { EL1_COUNT = 0
#define COUNT_ONE(reg, mask) + 1
       EL1_REGISTERS(COUNT_ONE)
#undef COUNT_ONE
};

static void el1_write(const uint64_t *v)
{
    unsigned n = 0;
#define WRITE_ONE(reg, mask) sysreg_write(reg, (sysreg_read(reg) & ~(uint64_t)(mask)) | (v[n] & (mask))); n++;
    EL1_REGISTERS(WRITE_ONE)
#undef WRITE_ONE
    isb();
}

static unsigned el1_compare(const uint64_t *v)
{
    unsigned n = 0;
#define COMPARE_ONE(reg, mask) if ((sysreg_read(reg) & (mask)) != (v[n] & (mask))) return n + 1; n++;
    EL1_REGISTERS(COMPARE_ONE)
#undef COMPARE_ONE
    return 0;
}

static void el1_mix(uint64_t rounds)
{
    unsigned cpu = (unsigned)this_cpu()->index;
    uint64_t v[EL1_COUNT];

    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < EL1_COUNT; i++)
            v[i] = (0x0123456789abcdeful + cpu * 0x1111111111111111ul) * (round + 1) + i * 0x1010101010101010ul;
        el1_write(v);
        for (unsigned i = 0; i < 4; i++) {
            (void)hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
            (void)mmio_read32(gic.dist + GICD_TYPER);
        }
        outcome[cpu].where = el1_compare(v);
        if (outcome[cpu].where)
            return;
        rounds_done[cpu] = round + 1;
    }
    sysreg_write(cpacr_el1, 3ul << 20);
    timer_stop();
}

static void el1_registers(void)
{
    uint64_t cntkctl = sysreg_read(cntkctl_el1);

    on_all(el1_mix, 100);
    sysreg_write(cntkctl_el1, cntkctl);
    sysreg_write(ttbr1_el1, 0);
}

/*
 * Registers of features that may be hidden and yet be reachable, for want of a trap: what can be written is no channel between
 * vCPUs. TPIDR2, SCXTNUM, pointer authentication keys, LORegions, RAS, trace and debug.
 */
#define HIDDEN_REGISTERS(X)                                                                                     \
    X(S3_3_C13_C0_5) X(S3_3_C13_C0_7) X(S3_0_C13_C0_7) X(S3_0_C2_C1_0) X(S3_0_C2_C3_1) X(S3_0_C10_C4_1) X(S3_0_C10_C4_3) \
    X(S3_0_C5_C3_1) X(S3_0_C1_C2_1) X(S2_0_C0_C0_4) X(S2_0_C0_C0_6) X(S2_0_C0_C5_4) X(S3_0_C1_C0_5) X(S3_0_C5_C6_0)

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
    unsigned cpu = (unsigned)this_cpu()->index;
    uint64_t mine[HIDDEN_COUNT], now[HIDDEN_COUNT];

    for (unsigned round = 0; round < rounds; round++) {
        hidden_write((0x00000f0f0f0f0ff0ul << cpu) + round * 16);
        hidden_read(mine);
        for (unsigned i = 0; i < 4; i++)
            (void)hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        hidden_read(now);
        for (unsigned i = 0; i < HIDDEN_COUNT; i++)
            if (mine[i] != now[i])
                outcome[cpu].where = i + 1;
        if (outcome[cpu].where)
            break;
        rounds_done[cpu] = round + 1;
    }
    hidden_write(0);
}

static void hidden_registers(void)
{
    on_all(hidden_mix, 50);
}

/* An exit is an exception return: a store-exclusive after it must fail or be sound, never store behind another's write. */
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
    { 0 },
};
