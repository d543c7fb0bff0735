/* SPDX-License-Identifier: MIT */
/* Between domains: dom0 makes others, which run this image too (domu.h); each finds what it left, nothing else. */
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "domu.h"
#include "gic.h"
#include "machine.h"
#include "state.h"
#include "sysreg.h"
#include "timer.h"

#define ANYWHERE (~0ul)
#define OWNER 8u /* the values of domain in slot n: OWNER + n; below are dom0's vCPUs */
#define REWRITTEN 0xabcd000000000000ul

enum { WORD_ROUNDS, WORD_WHERE, WORD_READY };

/* ---- what the other domains do ---- */

/* Time that stands still or goes back is somebody else's offset. */
static unsigned clock_check(uint64_t *last)
{
    uint64_t now = counter();
    unsigned where = now < *last ? 601 : 0;

    *last = now;
    return where;
}

static unsigned one_round(unsigned round, uint64_t *last)
{
    unsigned where = clock_check(last), ended;

    identity_assume(round);
    if (!where)
        where = identity_sleep(round % 2 ? WAKE_PHYSICAL_TIMER : WAKE_VIRTUAL_TIMER, 100 + round % 5 * 50, round);
    if (!where)
        where = clock_check(last);
    if (!where)
        where = identity_check();
    ended = identity_drop();
    return where ? where : ended;
}

static void rounds_work(volatile struct domu_box *box)
{
    uint64_t last = 0;

    state_set_owner((unsigned)box->who);
    box->word[WORD_WHERE] = 0;
    for (unsigned round = 0; round < box->arg && !box->word[WORD_WHERE]; round++) {
        box->word[WORD_WHERE] = one_round(round, &last);
        box->word[WORD_ROUNDS] = round + 1;
    }
}

/* As a new vCPU finds its registers: first thing in its life. */
static unsigned find_remains(const struct entry_state *e)
{
    static struct state s;
    const uint64_t el1[] = {
        sysreg_read(tpidr_el0), sysreg_read(tpidrro_el0), sysreg_read(sp_el0), sysreg_read(contextidr_el1),
        sysreg_read(far_el1), sysreg_read(elr_el1), sysreg_read(spsr_el1), sysreg_read(esr_el1),
        sysreg_read(par_el1), sysreg_read(ttbr1_el1), sysreg_read(cntkctl_el1), sysreg_read(csselr_el1),
        sysreg_read(cntv_ctl_el0) & 3, sysreg_read(cntp_ctl_el0) & 3,
    };

    state_vectors(&s);
    for (unsigned i = 1; i < 31; i++)
        if (e->x[i] != 0)
            return 1 + i;
    for (unsigned i = 0; i < 64; i++)
        if (s.v[i] != 0)
            return 101 + i / 2;
    if (s.fpcr | s.fpsr)
        return 202;
    for (unsigned i = 0; i < sizeof(el1) / sizeof(el1[0]); i++)
        if (el1[i] != 0)
            return 301 + i;
    if (e->sctlr != 0x00c50078 || e->ttbr0 | e->tcr)
        return 350;
    return IRQ_ID(gic_highest_pending()) != IRQ_NONE || gic_running_priority() < 0xf0 ? 502 : 0;
}

static void remains_work(volatile struct domu_box *box)
{
    box->word[WORD_WHERE] = find_remains(&cpus[0].entry);
}

/* Asleep until an event comes. */
static void sleep_work(volatile struct domu_box *box)
{
    unsigned where, ended;

    state_set_owner((unsigned)box->who);
    identity_assume((unsigned)box->arg);
    box->word[WORD_WHERE] = ~0ul;
    box->word[WORD_READY] = 1;
    where = identity_sleep(WAKE_EVENT, 0, (unsigned)box->arg);
    if (!where)
        where = identity_check();
    ended = identity_drop();
    box->word[WORD_WHERE] = where ? where : ended;
}

/* Asleep while the toolstack writes registers: tells what it has found, and what it kept. */
static void rewritten_work(volatile struct domu_box *box)
{
    const struct state *in = state_loaded(0), *out = state_found(0);
    uint64_t kept[4] = { 0 };

    state_set_owner((unsigned)box->who);
    identity_assume((unsigned)box->arg);
    kept[0] = sysreg_read(tpidr_el1), kept[1] = sysreg_read(contextidr_el1), kept[2] = sysreg_read(tpidr_el0);
    box->word[WORD_WHERE] = 0;
    box->word[WORD_READY] = 1;
    while (!gic_irq_signalled())
        (void)state_sleep((unsigned)box->arg);
    for (unsigned i = 0; i < 31; i++)
        box->data[i] = out->x[i];
    box->data[31] = sysreg_read(sp_el0);
    box->data[32] = sysreg_read(elr_el1);
    box->data[33] = sysreg_read(ttbr1_el1);
    if (kept[0] != sysreg_read(tpidr_el1) || kept[1] != sysreg_read(contextidr_el1) ||
        kept[2] != sysreg_read(tpidr_el0))
        box->word[WORD_WHERE] = 301;
    for (unsigned i = 0; i < 64; i++)
        if (in->v[i] != out->v[i])
            box->word[WORD_WHERE] = 101 + i / 2;
    domu_clear_event();
    el1_drop();
}

/* ---- dom0's side ---- */

static struct domu others[2];

static bool two_pcpus(void)
{
    return vcpu_pin(0, 0, 2) && vcpu_pin(0, 0, 1);
}

/* A domain that sleeps in work. */
static bool make_sleeper(struct domu *d, unsigned slot, uint64_t pcpus, domu_work *work, unsigned round)
{
    if (!domu_create(d, slot))
        return false;
    (void)vcpu_pin(d->id, 0, pcpus);
    d->box->word[WORD_READY] = 0;
    return domu_run(d, work, OWNER + slot, round) && WAIT_FOR(d->box->word[WORD_READY], patience_ms) &&
           WAIT_FOR(vcpu_is_blocked(d->id, 0), patience_ms);
}

static void wake_and_check(struct domu *d, const char *what)
{
    (void)event_send(d->port);
    CHECK("woken", domu_wait(d, 10000));
    CHECK_EQ(what, 0, d->box->word[WORD_WHERE]);
}

/* Dom0's vCPU 0 and two domains, all on one CPU or wherever they like. */
static void mix_on(uint64_t pcpus)
{
    const unsigned rounds = 40;
    uint64_t last = 0;
    unsigned where = 0;

    REQUIRE("pinned", vcpu_pin(0, 0, pcpus));
    for (unsigned i = 0; i < 2; i++) {
        REQUIRE("created", domu_create(&others[i], i));
        CHECK("pinned", vcpu_pin(others[i].id, 0, pcpus));
        CHECK("runs", domu_run(&others[i], rounds_work, OWNER + i, rounds));
    }
    for (unsigned round = 0; round < rounds && !where; round++)
        where = one_round(round, &last);
    CHECK_EQ("dom0", 0, where);
    for (unsigned i = 0; i < 2; i++) {
        CHECK(check_name("done", i), domu_wait(&others[i], 20000));
        CHECK_EQ(check_name("rounds", i), rounds, others[i].box->word[WORD_ROUNDS]);
        CHECK_EQ(check_name("where", i), 0, others[i].box->word[WORD_WHERE]);
        domu_destroy(&others[i]);
    }
    (void)vcpu_pin(0, 0, ANYWHERE);
}

static void mixed(void)
{
    mix_on(1);
}

static void mixed_anywhere(void)
{
    mix_on(ANYWHERE);
}

/*
 * Domains die asleep, their state perhaps still in a CPU; the next one there finds nothing of it, and another that
 * sleeps there lives on.
 */
static void destroyed_asleep(void)
{
    struct domu *survivor = &others[1], *victim = &others[0];
    uint64_t home = two_pcpus() ? 2 : 1;

    REQUIRE("survivor", make_sleeper(survivor, 1, home, sleep_work, 77));
    for (unsigned round = 0; round < 8; round++) {
        REQUIRE("created", domu_create(victim, 0));
        CHECK("pinned", vcpu_pin(victim->id, 0, round & 1 ? 1 : home));
        REQUIRE("runs", domu_run(victim, remains_work, OWNER, 0) && domu_wait(victim, 5000));
        CHECK_EQ(check_name("remains", round), 0, victim->box->word[WORD_WHERE]);
        victim->box->word[WORD_READY] = 0;
        REQUIRE("sleeps", domu_run(victim, sleep_work, OWNER, round) &&
                WAIT_FOR(victim->box->word[WORD_READY], patience_ms));
        CHECK("blocked", WAIT_FOR(vcpu_is_blocked(victim->id, 0), patience_ms));
        domu_destroy(victim);
    }
    wake_and_check(survivor, "survivor");
    domu_destroy(survivor);
    (void)vcpu_pin(0, 0, ANYWHERE);
}

/* The toolstack reads a sleeper's registers, whichever CPU it slept on; paused or not. */
static void read_asleep(void)
{
    static vcpu_guest_context_t context;
    static struct state expected;
    uint64_t home = two_pcpus() ? 2 : 1;
    const uint64_t *x = &context.user_regs.x0;

    REQUIRE("sleeper", make_sleeper(&others[0], 0, home, sleep_work, 5));
    state_values(OWNER, 5, &expected);
    for (unsigned round = 0; round < 4; round++) {
        if (round == 2)
            CHECK_EQ("pause", 0, domctl(XEN_DOMCTL_pausedomain, others[0].id));
        REQUIRE("get", vcpu_get_context(others[0].id, 0, &context) == 0);
        for (unsigned i = 0; i < 30; i++)
            CHECK_EQ(check_name("x", i), expected.x[i], x[i]);
        CHECK("sp_el0-not-mine", context.user_regs.sp_el0 != sysreg_read(sp_el0));
    }
    CHECK_EQ("unpause", 0, domctl(XEN_DOMCTL_unpausedomain, others[0].id));
    wake_and_check(&others[0], "as-it-was");
    domu_destroy(&others[0]);
    (void)vcpu_pin(0, 0, ANYWHERE);
}

/* No other vCPU of dom0's runs anywhere. */
static bool others_off(void)
{
    for (unsigned i = 1; i < cpu_count; i++)
        if (!cpu_stop(i))
            return false;
    return true;
}

/*
 * What the toolstack writes into a sleeper is what it wakes up with; the rest is as it was. Where it has a CPU of its
 * own, nothing runs there between sleep and waking: what that CPU still holds of it is out of date.
 */
static void written_asleep(void)
{
    static vcpu_guest_context_t context;
    uint64_t home = two_pcpus() ? 2 : 1;
    uint64_t *x = &context.user_regs.x0;

    REQUIRE("alone", others_off());
    for (unsigned round = 0; round < 4; round++) {
        REQUIRE("sleeper", make_sleeper(&others[0], 0, round & 1 ? 1 : home, rewritten_work, round));
        REQUIRE("get", vcpu_get_context(others[0].id, 0, &context) == 0);
        for (unsigned i = 0; i < 31; i++)
            x[i] = REWRITTEN | round << 8 | i;
        context.user_regs.sp_el0 = REWRITTEN | 31;
        context.user_regs.elr_el1 = REWRITTEN | 32;
        context.ttbr1 = 0xabcd000;
        CHECK_EQ("set", 0, vcpu_set_context(others[0].id, 0, &context));
        if (round & 2)
            (void)vcpu_pin(others[0].id, 0, 1);
        wake_and_check(&others[0], "kept");
        for (unsigned i = 0; i < 31; i++)
            CHECK_EQ(check_name("x", i), REWRITTEN | round << 8 | i, others[0].box->data[i]);
        CHECK_EQ("sp_el0", REWRITTEN | 31, others[0].box->data[31]);
        CHECK_EQ("elr_el1", REWRITTEN | 32, others[0].box->data[32]);
        CHECK_EQ("ttbr1", 0xabcd000, others[0].box->data[33]);
        domu_destroy(&others[0]);
    }
    (void)vcpu_pin(0, 0, ANYWHERE);
}

const struct test tests_domain[] = {
    { "domain.mixed", mixed, 0, 0 },
    { "domain.mixed-anywhere", mixed_anywhere, 0, 0 },
    { "domain.destroyed-asleep", destroyed_asleep, 0, 0 },
    { "domain.read-asleep", read_asleep, 0, 0 },
    { "domain.written-asleep", written_asleep, 0, 0 },
    { 0 },
};
