/* SPDX-License-Identifier: MIT */
/*
 * What a vCPU has must follow it: through sleep, past others on its CPU, to another CPU, into what a toolstack reads
 * of it. A hypervisor may leave the state of one that sleeps in the CPU; nobody may notice.
 */
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "domctl.h"
#include "gic.h"
#include "state.h"
#include "sysreg.h"
#include "timer.h"

/* The vCPU that is looked at, and one that runs where it slept. */
#define SLEEPER 1u
#define NEIGHBOUR 2u
#define ANYWHERE (~0ul)

static void naps(uint64_t rounds)
{
    unsigned where = 0;

    for (unsigned round = 0; round < rounds && !where; round++) {
        unsigned ended;

        identity_assume(round);
        for (unsigned i = 0; i < 2 && !where; i++) {
            where = identity_sleep(i ? WAKE_PHYSICAL_TIMER : WAKE_VIRTUAL_TIMER, 100 + round % 7 * 40, round);
            if (!where)
                where = identity_check();
        }
        ended = identity_drop();
        where = where ? where : ended;
        state_note(round, state_operations(), where);
    }
}

/* Everyone sleeps a little, again and again, and finds everything as it was. */
static void sleep_together(void)
{
    state_on_all(naps, 30);
}

/* ---- one sleeper, step by step ---- */

static volatile struct {
    unsigned ready, where;
} sleeper;

static void sleep_once(uint64_t how)
{
    unsigned round = (unsigned)how >> 8, where, ended;

    identity_assume(round);
    sleeper.ready = 1;
    where = identity_sleep((enum wake)(how & 0xff), 4000, round);
    if (!where)
        where = identity_check();
    ended = identity_drop();
    sleeper.where = where ? where : ended;
}

static void one_nap(uint64_t rounds)
{
    naps(rounds);
}

/* The neighbour comes up on those CPUs, has values of its own there, and goes. */
static void neighbour_visits(uint64_t pcpus)
{
    (void)vcpu_pin(0, NEIGHBOUR, pcpus);
    REQUIRE("neighbour-starts", cpu_start(NEIGHBOUR));
    CHECK("neighbour-done", cpu_call(NEIGHBOUR, one_nap, 2));
    CHECK("neighbour-stops", cpu_stop(NEIGHBOUR));
}

static bool two_pcpus(void)
{
    return vcpu_pin(0, 0, 2) && vcpu_pin(0, 0, 1);
}

static bool alone(void)
{
    for (unsigned i = NEIGHBOUR; i < cpu_count; i++)
        if (!cpu_stop(i))
            return false;
    return cpu_start(SLEEPER);
}

static void everywhere(void)
{
    for (unsigned i = 0; i < cpu_count; i++)
        (void)vcpu_pin(0, i, ANYWHERE);
}

/* The general registers a toolstack reads of one asleep in identity_sleep(). */
static void compare_context(void)
{
    static vcpu_guest_context_t context;
    const struct state *s = state_loaded(SLEEPER);
    const uint64_t *x = &context.user_regs.x0;

    REQUIRE("get-context", vcpu_get_context(0, SLEEPER, &context) == 0);
    CHECK_EQ("context-el1", 0, identity_compare(SLEEPER, &context));
    for (unsigned i = 0; i < 30; i++)
        CHECK_EQ(check_name("context-x", i), s->x[i], x[i]);
    CHECK_EQ("context-x30", X30_VALUE, x[30]);
    CHECK_RANGE("context-pc", (uintptr_t)state_wfi, (uintptr_t)state_wfi + 256, context.user_regs.pc64);
    CHECK_EQ("context-masks", 0x3c5, (context.user_regs.cpsr & 0x3cf) | 0x340);
}

/* It sleeps on one CPU; bits of the round: somebody runs there, it is moved, it is looked at, its timer wakes it. */
static bool sleep_and_move(unsigned round, bool two)
{
    bool visit = (round & 1) && cpu_count > NEIGHBOUR, move = (round & 2) && two, look = round & 4, timer = round & 8;
    uint64_t home = two ? 2 : 1;

    CHECK("to-home", vcpu_pin(0, SLEEPER, home));
    sleeper.ready = 0;
    sleeper.where = ~0u;
    cpu_run(SLEEPER, sleep_once, (uint64_t)round << 8 | (timer ? WAKE_VIRTUAL_TIMER + (round >> 4) % 2u : WAKE_SGI));
    CHECK("ready", WAIT_FOR(sleeper.ready, patience_ms));
    if (!timer)
        CHECK("sleeps", WAIT_FOR(vcpu_is_blocked(0, SLEEPER), patience_ms));
    if (look && !timer)
        compare_context();
    if (visit)
        neighbour_visits(home);
    if (move)
        CHECK("moves", vcpu_pin(0, SLEEPER, 1));
    if (look && !timer)
        compare_context();
    if (!timer)
        gic_sgi(1u << SLEEPER, IDENTITY_WAKE_SGI);
    CHECK_EQ(check_name("where", round), 0, cpu_wait(SLEEPER) ? sleeper.where : ~0u);
    return sleeper.where == 0;
}

static void moves(void)
{
    bool two = two_pcpus();

    REQUIRE("alone", alone());
    for (unsigned round = 0; round < 64; round++)
        if (!sleep_and_move(round, two))
            break;
    everywhere();
}

/* It falls asleep on one CPU and wakes on another. */
static bool sleep_across(unsigned round, uint64_t from, uint64_t to)
{
    CHECK("to-bed", vcpu_pin(0, SLEEPER, from));
    sleeper.ready = 0;
    sleeper.where = ~0u;
    cpu_run(SLEEPER, sleep_once, (uint64_t)round << 8 | WAKE_SGI);
    CHECK("ready", WAIT_FOR(sleeper.ready, patience_ms));
    CHECK("sleeps", WAIT_FOR(vcpu_is_blocked(0, SLEEPER), patience_ms));
    CHECK("moves", vcpu_pin(0, SLEEPER, to));
    gic_sgi(1u << SLEEPER, IDENTITY_WAKE_SGI);
    CHECK_EQ(check_name("where", round), 0, cpu_wait(SLEEPER) ? sleeper.where : ~0u);
    return sleeper.where == 0;
}

/* Away and back to a CPU that nobody has used meanwhile: what that CPU still holds of it is out of date. */
static void home_again(void)
{
    if (!two_pcpus()) {
        check_skip("one CPU");
        everywhere();
        return;
    }
    REQUIRE("alone", alone());
    for (unsigned round = 0; round < 16; round += 2)
        if (!sleep_across(round, 2, 1) || !sleep_across(round + 1, 1, 2))
            break;
    everywhere();
}

/* The state of one that sleeps is in memory as soon as anybody may look; and looking does not change it. */
static void read_asleep(void)
{
    bool two = two_pcpus();

    REQUIRE("alone", alone());
    for (unsigned round = 0; round < 16; round++) {
        CHECK("pinned", vcpu_pin(0, SLEEPER, two ? 1ul << round % 2 : 1));
        sleeper.ready = 0;
        cpu_run(SLEEPER, sleep_once, (uint64_t)round << 8 | WAKE_SGI);
        REQUIRE("ready", WAIT_FOR(sleeper.ready, patience_ms));
        CHECK("sleeps", WAIT_FOR(vcpu_is_blocked(0, SLEEPER), patience_ms));
        for (unsigned i = 0; i < 8; i++)
            compare_context();
        gic_sgi(1u << SLEEPER, IDENTITY_WAKE_SGI);
        CHECK(check_name("woken", round), cpu_wait(SLEEPER));
        CHECK_EQ(check_name("where", round), 0, sleeper.where);
    }
    everywhere();
}

/* ---- off and on ---- */

static void go_off(uint64_t round)
{
    identity_assume((unsigned)round);
    this_cpu()->online = false;
    dmb();
    (void)smccc_hvc(PSCI_CPU_OFF, 0, 0, 0);
}

/* EL1 registers that CPU_ON leaves zero here, before anything has written them. */
static void look(uint64_t to)
{
    volatile uint64_t *v = (volatile uint64_t *)to;

    v[0] = sysreg_read(sp_el0);
    v[1] = sysreg_read(elr_el1);
    v[2] = sysreg_read(spsr_el1);
    v[3] = sysreg_read(ttbr1_el1);
}

/* One that was switched off with state in the CPU comes up reset, on that CPU or another. */
static void off_and_on(void)
{
    const struct entry_state *e = &cpus[SLEEPER].entry;
    bool two = two_pcpus();
    uint64_t seen[4];

    REQUIRE("alone", alone());
    for (unsigned round = 0; round < 16; round++) {
        uint64_t home = two ? 2 : 1;

        CHECK("to-home", vcpu_pin(0, SLEEPER, home));
        cpu_run(SLEEPER, go_off, round);
        REQUIRE("off", WAIT_FOR(smccc_hvc(PSCI_AFFINITY_INFO, cpu_mpidr(SLEEPER), 0, 0) == 1, patience_ms));
        if ((round & 1) && cpu_count > NEIGHBOUR)
            neighbour_visits(home);
        if ((round & 2) && two)
            CHECK("moves", vcpu_pin(0, SLEEPER, 1));
        memset(seen, 0xee, sizeof(seen));
        REQUIRE("on", cpu_start(SLEEPER) && cpu_call(SLEEPER, look, (uintptr_t)seen));
        CHECK_EQ("x0-context", 0x5ec0000 + SLEEPER, e->x[0]);
        for (unsigned i = 1; i < 31; i++)
            CHECK_EQ(check_name("x", i), 0, e->x[i]);
        CHECK_EQ("pstate", 0x1c5, e->pstate);
        CHECK_EQ("sctlr_el1", 0x00c50078, e->sctlr);
        CHECK_EQ("ttbr0_el1", 0, e->ttbr0);
        CHECK_EQ("tcr_el1", 0, e->tcr);
        for (unsigned i = 0; i < 4; i++)
            CHECK_EQ(check_name("el1", i), 0, seen[i]);
    }
    everywhere();
}

const struct test tests_switch[] = {
    { "switch.sleep", sleep_together, 0, 0 },
    { "switch.moves", moves, 2, 0 },
    { "switch.home-again", home_again, 2, 0 },
    { "switch.read-asleep", read_asleep, 2, 0 },
    { "switch.off-and-on", off_and_on, 2, 0 },
    { 0 },
};
