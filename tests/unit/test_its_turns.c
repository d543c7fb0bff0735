/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/* unit-sources: vdev/vgic/its.c vdev/vgic/its_commands.c vdev/vgic/lpi.c lib/rbtree.c */
/*
 * Commands that take long: whose turn it is, and what others do meanwhile. What is done for all LPIs at once. And a
 * vCPU that goes to another CPU with LPIs in each state.
 */
#include "its_common.h"

#include <unistd.h>

#define CHUNKS 100u

/* LPIs of as many chunks, so that a command for all of a collection has as many turns. */
static void map_chunks(void)
{
    want("mapd 0 8 10", MAPD(8, 10));
    for (u32 i = 0; i < CHUNKS; i++) {
        put(MAPTI(8, i, LPI_FIRST + i * LPI_CHUNK, 0));
    }
    go();
    ops_log[0] = 0;
}

static u32 other_turns;

/* vCPU 1, on its CPU, while vCPU 0 has a turn: it does not wait, interrupts masked, to have one itself. */
static void other_cpu(void)
{
    struct vcpu *v = d->vcpu[1];
    u16 waiting = d->arch.vgic.lpis->lock.next;

    on_complete = NULL;
    unit_set_cpu(1);
    v->pending = 0;
    (void)alarm(20);                     /* it would wait for ever */
    vgic_its_work(v);
    (void)alarm(0);
    assert_int_equal(d->arch.vgic.lpis->lock.next, waiting);
    assert_int_equal(v->pending, PEND_ITS);
    unit_set_cpu(0);
    other_turns++;
}

static void test_one_at_a_time(void **state)
{
    (void)state;
    map_chunks();
    other_turns = 0;
    on_complete = other_cpu;
    put(INVALL(0));
    write_tail();                        /* a turn of who writes ... */
    assert_int_equal(other_turns, 1);
    assert_int_equal(count_ops("off"), 1);
    on_complete = other_cpu;
    d->vcpu[0]->pending = 0;
    vgic_its_work(d->vcpu[0]);           /* ... and of who goes on */
    assert_int_equal(other_turns, 2);
    assert_int_equal(count_ops("off"), 2);
    assert_int_equal(d->vcpu[0]->pending, PEND_ITS);
    unit_set_cpu(1);
    d->vcpu[1]->pending = 0;
    d->vcpu[1]->arch.vgic.its_owed = 1;  /* it has seen that there is work */
    vgic_its_work(d->vcpu[1]);           /* then the other one can */
    unit_set_cpu(0);
    assert_int_equal(count_ops("off"), 3);
    finish();
    assert_int_equal(count_ops("off"), CHUNKS);
}

/* Work that never ends at one service does not keep another one's from being done. `hook`: in each turn. */
static void two_services(void (*hook)(void))
{
    const u64 commands[2][4] = { { MAPC(0, 0) }, { INVALL(0) } };
    u64 other_queue = unit_guest_alloc(d, PAGE_SIZE);
    u32 turns = 0;

    map_chunks();
    mmio(ITS(1) + 0x80, 8, true, BIT(63) | other_queue);
    wr(ITS(1), 1);
    memcpy(unit_guest_ptr(d, other_queue), commands, sizeof(commands));
    put(INVALL(0));
    write_tail();
    wr(ITS(1) + 0x88, sizeof(commands));
    while (rd(ITS(1) + 0x90) != sizeof(commands) && turns < 20 * CHUNKS) {
        if (rd(ITS(0) + 0x90) == rd(ITS(0) + 0x88)) {
            put(INVALL(0));
            write_tail();
        }
        d->vcpu[0]->pending = 0;
        on_complete = hook;
        vgic_its_work(d->vcpu[0]);
        turns++;
    }
    on_complete = NULL;
    assert_in_range(turns, CHUNKS, 5 * CHUNKS);
    finish();
}

static void test_none_starves(void **state)
{
    (void)state;
    two_services(NULL);
}

/* Nor where another CPU asks for a turn in each of these: one that nobody has had is not the other service's. */
static void in_vain(void)
{
    unit_set_cpu(1);
    vgic_its_work(d->vcpu[1]);
    unit_set_cpu(0);
    on_complete = NULL;
}

static void test_none_starves_by_others(void **state)
{
    (void)state;
    two_services(in_vain);
}

/*
 * Who has written to one service, and had what it asked for, goes on: another's long command is not its work, which in
 * exits one after the other, the guest not getting anywhere, would be all of that command's time.
 */
static void test_not_my_work(void **state)
{
    const u64 commands[2][4] = { { SYNC(0) }, { SYNC(1) } };
    u64 other_queue = unit_guest_alloc(d, PAGE_SIZE);
    struct vcpu *v = d->vcpu[1];
    u32 exits = 0;

    (void)state;
    map_chunks();
    memcpy(unit_guest_ptr(d, other_queue), commands, sizeof(commands));
    mmio(ITS(1) + 0x80, 8, true, BIT(63) | other_queue);
    wr(ITS(1), 1);
    put(INVALL(0));
    write_tail();                        /* vCPU 0 is at it, for long */
    assert_int_equal(d->vcpu[0]->pending & PEND_ITS, PEND_ITS);
    unload(d->vcpu[0]);
    unit_set_cpu(1);
    load(v);
    wr(ITS(1) + 0x88, sizeof(commands));
    for (; (v->pending & PEND_ITS) && exits < 10; exits++) {
        v->pending &= ~(u32)PEND_ITS;
        vgic_its_work(v);
    }
    assert_in_range(exits, 0, 4);
    assert_false(v->pending & PEND_ITS);
    assert_int_equal(d->arch.vgic.lpis->its[1].creadr, sizeof(commands));
    unload(v);
    unit_set_cpu(0);
    load(d->vcpu[0]);
    finish();
    assert_int_equal(count_ops("off"), CHUNKS);
}

/* The groups are turned off and on: a lock for each LPI that pends, not for each that there is. */
static void test_groups(void **state)
{
    u16 before;

    (void)state;
    map_chunks();
    set_property(LPI_FIRST, 0xa1);
    set_property(LPI_FIRST + LPI_CHUNK, 0xa1);
    want("on 8192", INV(8, 0));
    want("on 8224", INV(8, 1));
    assert_true(vgic_inject_lpi(LPI_FIRST));
    before = d->vcpu[0]->arch.vgic.lock.owner;
    wr(GICD, 0x10);
    assert_in_range((u16)(d->vcpu[0]->arch.vgic.lock.owner - before), VGIC_NR_PRIVATE, 2 * VGIC_NR_PRIVATE);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_true(vgic_inject_lpi(LPI_FIRST + LPI_CHUNK));
    assert_int_equal(guest_ack(), FAKE_NONE);
    (void)check_all();
    before = d->vcpu[0]->arch.vgic.lock.owner;
    wr(GICD, 0x12);
    assert_in_range((u16)(d->vcpu[0]->arch.vgic.lock.owner - before), VGIC_NR_PRIVATE, 2 * VGIC_NR_PRIVATE);
    assert_int_equal(guest_ack(), LPI_FIRST);
    guest_eoi(LPI_FIRST);
    assert_int_equal(guest_ack(), LPI_FIRST + LPI_CHUNK);
    guest_eoi(LPI_FIRST + LPI_CHUNK);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

/* v leaves the CPU it is on, and is on that one next; the test goes on as CPU 0 with vCPU 0. */
static void move_to(struct vcpu *v, u32 from, u32 to)
{
    if (from != 0) {
        unload(d->vcpu[0]);
        unit_set_cpu(from);
        unit_set_current(v);
        unload(v);
    }
    unit_set_cpu(to);
    load(v);
    guest_on(to);
    unit_set_cpu(0);
    load(d->vcpu[0]);
}

/*
 * By affinity or to another pool of CPUs, it is the same: vCPU 1 with LPIs active, in list registers, waiting for one,
 * and just come from another CPU. Each is taken once on the new CPU, in its order. What comes to the old one by then
 * does so once, and the next of it to the new one.
 */
static void test_moved(void **state)
{
    enum { ACTIVE = 1, WAITING = 10, LATE = 4, ALL = ACTIVE + WAITING + LATE };
    struct vcpu *v = d->vcpu[1];
    u32 expected = 0;

    (void)state;
    want("mapd 0 8 5", MAPD(8, 5));
    for (u32 i = 0; i < ALL; i++) {
        set_property(LPI + i, (u8)(0x20 + 8 * i) | 1);
        put(MAPTI(8, i, LPI + i, 1));
    }
    go();
    move_to(v, 0, 1);
    unload(d->vcpu[0]);
    unit_set_cpu(1);
    unit_set_current(v);
    for (u32 i = ALL - LATE; i-- > 0; ) {
        assert_true(vgic_inject_lpi(LPI + i));
    }
    assert_int_equal(guest_ack(), LPI);
    unit_set_cpu(0);
    load(d->vcpu[0]);
    ops_log[0] = 0;
    for (u32 i = ALL - LATE; i < ALL - 1; i++) {
        assert_true(vgic_inject_lpi(LPI + i));                   /* on CPU 0, though it is for CPU 1 */
    }
    assert_int_equal(count_ops("move"), 0);                      /* there it would go next, anyway */
    move_to(v, 1, 3);
    (void)check_all();
    unload(d->vcpu[0]);
    unit_set_cpu(1);
    load(d->vcpu[2]);                                            /* who is on the old one */
    assert_true(vgic_inject_lpi(LPI + ALL - 1));
    assert_string_equal(ops_log, "move 0 8 14 3|");
    assert_true(v->pending & PEND_VGIC);
    unload(d->vcpu[2]);
    unit_set_cpu(3);
    unit_set_current(v);
    vgic_flush(v);
    (void)check_all();
    guest_eoi(LPI);                                              /* of the one that was active when it left */
    for (expected = LPI + ACTIVE; expected < LPI + ALL; expected++) {
        assert_int_equal(guest_ack(), expected);
        guest_eoi(expected);
        if (fake_maintenance()) {
            vgic_maintenance();
        }
    }
    assert_int_equal(guest_ack(), FAKE_NONE);
    unload(v);
    unit_set_cpu(0);
    load(d->vcpu[0]);
}

/* Neither by a command: what pends elsewhere is gone when it is moved to a redistributor whose LPIs are off. */
static void test_moved_to_disabled(void **state)
{
    (void)state;
    set_property(LPI, 0xa1);
    set_property(LPI + 1, 0xa1);
    want("mapd 0 8 5", MAPD(8, 5));
    want("map 0 8 0 8200 0|on 8200", MAPTI(8, 0, LPI, 0));
    want("map 0 8 1 8201 2|on 8201", MAPTI(8, 1, LPI + 1, 2));
    assert_true(vgic_inject_lpi(LPI));
    assert_true(vgic_inject_lpi(LPI + 1));
    wr(GICR(1), 0);
    want("move 0 8 0 1", MOVI(8, 0, 1));
    want("move 0 8 1 1", MAPC(2, 1));
    change_to(0, 1);
    guest_on(1);
    assert_int_equal(guest_ack(), FAKE_NONE);
    wr(GICR(1), 1);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_true(vgic_inject_lpi(LPI));
    assert_int_equal(guest_ack(), LPI);
    change_to(1, 0);
}

/*
 * A kernel started by kexec has other devices first, or has not all drivers: an LPI that the one before gave to one
 * device is another's. Which events there were it does not know, and there is no table for it to leave out.
 */
static void test_anew_other_device(void **state)
{
    (void)state;
    set_property(LPI, 0xa1);
    want("mapd 0 8 5", MAPD(8, 5));
    want("map 0 8 3 8200 0|on 8200", MAPTI(8, 3, LPI, 0));
    wr(GICR(0), 0);
    wr(ITS(0), 0);
    mmio(ITS(0) + 0x80, 8, true, BIT(63) | queue | (PAGES - 1));
    tail = 0;
    wr(GICR(0), 1);
    wr(ITS(0), 1);
    put(MAPC(0, 0));
    put(INVALL(0));
    put(MAPD(9, 5));
    put(MAPTI(9, 0, LPI, 0));
    put(INV(9, 0));
    go();
    assert_null(strstr(unit_log(), "ignored"));
    assert_int_equal(mapped[LPI - LPI_FIRST], 1);
    assert_true(on[LPI - LPI_FIRST]);
    assert_true(vgic_inject_lpi(LPI));
    assert_int_equal(guest_ack(), LPI);
    guest_eoi(LPI);
    ops_log[0] = 0;
    put(UNMAPD(8));                                              /* the other one has nothing of it any more */
    go();
    assert_string_equal(ops_log, "unmapd 0 8|");
    assert_true(vgic_inject_lpi(LPI));
    assert_int_equal(guest_ack(), LPI);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        its_case(test_one_at_a_time), its_case(test_none_starves),
        its_case(test_none_starves_by_others), its_case(test_not_my_work), its_case(test_groups),
        its_case(test_moved), its_case(test_moved_to_disabled), its_case(test_anew_other_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
