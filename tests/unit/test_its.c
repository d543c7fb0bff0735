/* SPDX-License-Identifier: MIT */
/* unit-sources: vdev/vgic/vgic.c vdev/vgic/lr.c vdev/vgic/inject.c vdev/vgic/switch.c vdev/vgic/regs.c */
/* unit-sources: vdev/vgic/check.c vdev/vgic/host.c vdev/vgic/irqregs.c vdev/vgic/v2.c vdev/vgic/v3.c vdev/mmio.c */
/* unit-sources: vdev/vgic/its.c vdev/vgic/its_commands.c vdev/vgic/lpi.c lib/rbtree.c */
/* dom0's interrupt translation services and LPIs: what its commands do, good ones and bad. */
#include "its_common.h"

/* ---- what there is ---- */
static void test_registers(void **state)
{
    (void)state;
    assert_true(rd(GICD + 4) & BIT32(17));
    assert_int_equal(rd(GICD + 4) >> 19 & 31, LPI_ID_BITS - 1);
    assert_true(mmio(GICR(1) + 8, 8, false, 0) & 1);
    assert_int_equal(rd(ITS(0) + 0xffe8) >> 4 & 15, 3);
    assert_int_equal(rd(ITS(0) + 8) >> 13 & 31, DEVICE_BITS - 1);
    assert_int_equal(rd(ITS(0) + 8) >> 8 & 31, EVENT_BITS - 1);
    assert_int_equal(rd(ITS(0) + 12), 0);
    assert_int_equal(rd(ITS(0) + 4), 0x0001143b);                /* the machine's: kernels' workarounds go by it */
    assert_int_equal(mmio(ITS(0) + 0x100, 8, false, 0), 0);      /* no table of dom0's */
    assert_int_equal(rd(ITS(0) + 0x10040), 0);
    wr(ITS(0) + 0x10040, 1);                                     /* a message that is no device's goes nowhere */
    assert_int_equal(rd(ITS(0) + 0x81) | rd(ITS(0) + 0x20), 0);
    /* Halves, and what may not change while it is in use. */
    assert_int_equal(rd(ITS(0) + 0x80), (u32)queue | (PAGES - 1));
    wr(ITS(0) + 0x80, 0x1000);
    assert_int_equal(rd(ITS(0) + 0x80), (u32)queue | (PAGES - 1));
    assert_int_equal(rd(GICR(0)), 3);
    mmio(GICR(0) + 0x70, 8, true, 0);
    assert_int_equal(mmio(GICR(0) + 0x70, 8, false, 0), properties | (LPI_ID_BITS - 1));
    wr(ITS(0) + 0x88, PAGES << 12);                              /* beyond the queue */
    assert_int_equal(rd(ITS(0) + 0x88), rd(ITS(0) + 0x90));
}

/* ---- an interrupt's life ---- */
static void test_delivery(void **state)
{
    int best;
    u32 writes;

    (void)state;
    set_property(LPI, 0xa1);
    want("mapd 0 8 5", MAPD(8, 5));
    want("map 0 8 3 8200 0|on 8200", MAPTI(8, 3, LPI, 0));
    assert_true(vgic_inject_lpi(LPI));
    assert_int_equal(guest_ack(), LPI);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_true(vgic_inject_lpi(LPI));                           /* again while it runs */
    guest_eoi(LPI);
    assert_int_equal(guest_ack(), LPI);
    guest_eoi(LPI);
    assert_int_equal(guest_ack(), FAKE_NONE);
    /* As an SPI's: one write of a list register, nothing else. */
    writes = fake.lr_writes;
    fake.lr_reads = 0;
    assert_true(vgic_inject_lpi(LPI));
    assert_int_equal(fake.lr_writes, writes + 1);
    assert_int_equal(fake.lr_reads, 0);
    assert_int_equal(guest_ack(), LPI);
    guest_eoi(LPI);
    /* Off: kept until it is on; the machine's is off first. */
    set_property(LPI, 0xa0);
    want("off 8200", INV(8, 3));
    assert_true(vgic_inject_lpi(LPI));
    assert_int_equal(guest_ack(), FAKE_NONE);
    set_property(LPI, 0x41);
    want("on 8200", INV(8, 3));
    best = fake_best(fake_here());
    assert_int_equal(best >= 0 ? fake_here()->lr[best] >> LR_PRIO_SHIFT & 0xff : 0, 0x40);
    assert_int_equal(guest_ack(), LPI);
    guest_eoi(LPI);
    /* INT, CLEAR, DISCARD. */
    want("", INT(8, 3));
    want("clear 0 8 3", CLEAR(8, 3));
    assert_int_equal(guest_ack(), FAKE_NONE);
    want("", INT(8, 3));
    assert_int_equal(guest_ack(), LPI);
    guest_eoi(LPI);
    want("", INT(8, 3));
    want("off 8200|discard 0 8 3", DISCARD(8, 3));
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_true(vgic_inject_lpi(LPI));                           /* late: nobody's */
    assert_int_equal(guest_ack(), FAKE_NONE);
    want("map 0 8 4 8200 0|on 8200", MAPTI(8, 4, LPI, 0));       /* and not the next one's */
    assert_int_equal(guest_ack(), FAKE_NONE);
    want("off 8200|discard 0 8 4|unmapd 0 8", UNMAPD(8));
    assert_string_equal(unit_log(), "");
}

/* To another vCPU by MOVI, and all of a collection by MAPC; what pends goes along. */
static void test_moves(void **state)
{
    (void)state;
    set_property(LPI, 0xa1);
    set_property(LPI + 1, 0xa1);
    want("mapd 0 8 5", MAPD(8, 5));
    want("map 0 8 0 8200 0|on 8200", MAPTI(8, 0, LPI, 0));
    want("map 0 8 1 8201 1|on 8201", MAPTI(8, 1, LPI + 1, 1));
    want("", INT(8, 0));
    want("move 0 8 0 1", MOVI(8, 0, 1));
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_true(vgic_inject_lpi(LPI + 1));
    want("move 0 8 0 2|move 0 8 1 2", MAPC(1, 2));
    want("", MOVALL(1, 2));
    want("", SYNC(2));
    change_to(0, 1);
    guest_on(1);
    assert_int_equal(guest_ack(), FAKE_NONE);
    change_to(1, 2);
    guest_on(2);
    assert_int_equal(guest_ack() + guest_ack(), LPI + FAKE_NONE);
    guest_eoi(LPI);
    assert_int_equal(guest_ack(), LPI + 1);
    guest_eoi(LPI + 1);
    change_to(2, 0);
    assert_string_equal(unit_log(), "");
}

/* One that comes where its vCPU is not: the next is sent there. */
static void test_follow(void **state)
{
    (void)state;
    set_property(LPI, 0xa1);
    want("mapd 0 8 5", MAPD(8, 5));
    want("map 0 8 0 8200 1|on 8200", MAPTI(8, 0, LPI, 1));
    unload(d->vcpu[0]);
    unit_set_cpu(3);
    load(d->vcpu[1]);
    unit_set_cpu(0);
    load(d->vcpu[0]);
    ops_log[0] = 0;
    assert_true(vgic_inject_lpi(LPI));
    assert_string_equal(ops_log, "move 0 8 0 3|");
    assert_true(kick_bits[1] & PEND_VGIC);
    ops_log[0] = 0;
    assert_true(vgic_inject_lpi(LPI));
    assert_string_equal(ops_log, "");
    unload(d->vcpu[0]);
    unit_set_cpu(3);
    unit_set_current(d->vcpu[1]);
    vgic_flush(d->vcpu[1]);
    guest_on(3);
    assert_int_equal(guest_ack(), LPI);
    change_to(1, 0);
}

/* More than there are list registers, all active: an LPI's end is not counted, and none is lost or comes twice. */
static void test_pressure(void **state)
{
    u32 order[8];

    (void)state;
    want("mapd 0 8 5", MAPD(8, 5));
    for (u32 i = 0; i < 8; i++) {
        set_property(LPI + i, (u8)((0x80 - 8 * i) | 1));
        put(MAPTI(8, i, LPI + i, 0));
    }
    go();
    for (u32 i = 0; i < 8; i++) {                                /* each more urgent than the one that runs */
        assert_true(vgic_inject_lpi(LPI + i));
        order[i] = guest_ack();
        assert_int_equal(order[i], LPI + i);
    }
    assert_true(vgic_inject_lpi(LPI));
    (void)check_all();
    for (u32 i = 8; i-- > 0; ) {
        guest_eoi(order[i]);
        vgic_flush(d->vcpu[0]);
    }
    assert_int_equal(d->vcpu[0]->arch.vgic.nr_evicted, 0);
    assert_int_equal(guest_ack(), LPI);
    guest_eoi(LPI);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

/*
 * An LPI has no active state that would outlive who took it: a kernel that begins anew has no register to clear it.
 * So it goes with the event, and with the CPU interface.
 */
static void test_never_ended(void **state)
{
    (void)state;
    set_property(LPI, 0xa1);
    want("mapd 0 8 5", MAPD(8, 5));
    want("map 0 8 0 8200 0|on 8200", MAPTI(8, 0, LPI, 0));
    assert_true(vgic_inject_lpi(LPI));
    assert_int_equal(guest_ack(), LPI);
    want("off 8200|discard 0 8 0", DISCARD(8, 0));
    fake_here()->apr[4] = 0;                                     /* as a kernel does that begins */
    want("map 0 8 1 8200 0|on 8200", MAPTI(8, 1, LPI, 0));
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_true(vgic_inject_lpi(LPI));
    assert_int_equal(guest_ack(), LPI);
    (void)check_all();
    /* PSCI: off in the middle of it, and on. */
    unload(d->vcpu[0]);
    vgic_reset_cpu_interface(d->vcpu[0]);
    (void)check_all();
    assert_true(vgic_inject_lpi(LPI));
    d->vcpu[0]->arch.vgic.vmcr = 0xf0u << VMCR_PMR_SHIFT | VMCR_VENG1;
    load(d->vcpu[0]);
    assert_int_equal(guest_ack(), LPI);
    guest_eoi(LPI);
    assert_int_equal(guest_ack(), FAKE_NONE);
}

/*
 * Thousands may wait, and each is put among them without a look at those in between: dom0 may have all of them change
 * at once, by GICD_CTLR for one, and the square of their number would be a second. Whoever walked over them would here
 * stop at the one in the middle.
 */
static void test_many_wait(void **state)
{
    struct vgic_vcpu *g = &d->vcpu[0]->arch.vgic;
    struct vgic_irq *middle;

    (void)state;
    want("mapd 0 8 9", MAPD(8, 9));
    for (u32 i = 0; i < 300; i++) {
        set_property(LPI + i, (u8)((i < FAKE_LRS ? 8 : i == 299 ? 0x50 : 0xa0) | 1));
        put(MAPTI(8, i, LPI + i, 0));
        i % 100 == 99 ? go() : (void)0;
    }
    for (u32 i = 0; i < 299; i++) {
        assert_true(vgic_inject_lpi(LPI + i));
    }
    assert_int_equal(check_all(), 299);
    middle = &vgic_lpi_of(d->arch.vgic.lpis, LPI + 150)->irq;
    middle->priority = 0;
    assert_true(vgic_inject_lpi(LPI + 299));
    middle->priority = 0xa0;
    assert_int_equal(list_first_entry(&g->ready, struct vgic_irq, link)->intid, LPI + 299);
    assert_int_equal(check_all(), 300);
    /* In the order in which they are to be taken, however that changes; among equals, as they came. */
    for (u32 i = 4; i < 299; i += 2) {
        set_property(LPI + i, (u8)((i * 8 & 0x78) | 1));
        put(INV(8, i));
        i % 100 == 98 ? go() : (void)0;
    }
    go();
    wr(GICD, 0x10);
    assert_int_equal(check_all(), 0);
    wr(GICD, 0x12);
    for (u32 i = 0, last = 0; i < 300; i++) {
        u32 intid = guest_ack(), priority = (u32)__builtin_ctz(fake_here()->apr[4]);

        assert_in_range(intid, LPI, LPI + 299);
        assert_true(priority >= last);
        last = priority;
        guest_eoi(intid);
        if (fake_maintenance()) {
            vgic_maintenance();
        }
    }
    assert_int_equal(guest_ack(), FAKE_NONE);
}

/* ---- long and bad ones ---- */
/* A long queue is worked off in pieces, by whoever looks; GITS_CREADR says how far. */
static void test_long(void **state)
{
    u32 turns = 0;

    (void)state;
    for (u32 i = 0; i < PAGES * 128 - 1; i++) {
        put(SYNC(0));
    }
    write_tail();
    assert_true(d->vcpu[0]->pending & PEND_ITS);
    assert_in_range(rd(ITS(0) + 0x90), 32, 16 * 32);
    assert_false(rd(ITS(0)) & BIT32(31));
    while (d->vcpu[0]->pending & PEND_ITS) {
        d->vcpu[0]->pending = 0;
        vgic_its_work(d->vcpu[0]);
        turns++;
    }
    assert_in_range(turns, 8, PAGES * 128);
    assert_int_equal(rd(ITS(0) + 0x90), rd(ITS(0) + 0x88));
    assert_true(rd(ITS(0)) & BIT32(31));
    /* All of a collection, and of a device: in pieces, too. */
    want("mapd 0 8 8", MAPD(8, 8));
    for (u32 i = 0; i < 256; i++) {
        put(MAPTI(8, i, LPI_FIRST + 32 * i % LPI_MAX, 0));
        i % 128 == 127 ? go() : (void)0;
    }
    ops_log[0] = 0;
    put(INVALL(0));
    write_tail();
    assert_int_equal(count_ops("off"), 1);                         /* one of each 32: a turn */
    finish();
    assert_int_equal(count_ops("off"), 256);
    ops_log[0] = 0;
    put(UNMAPD(8));
    write_tail();
    assert_in_range(count_ops("discard"), 1, 200);
    assert_int_equal(count_ops("unmapd"), 0);
    finish();
    assert_int_equal(count_ops("discard"), 256);
    assert_int_equal(count_ops("unmapd"), 1);
}

/* Each costs itself, and a message; and is not heard of further down. */
static void test_bad(void **state)
{
    (void)state;
    want("mapd 0 8 5", MAPD(8, 5));
    want("", MAPD(1u << DEVICE_BITS, 5));
    want("", MAPD(9, EVENT_BITS + 1));
    want("", MAPTI(9, 0, LPI, 0));                               /* no such device */
    want("", MAPTI(8, 32, LPI, 0));
    want("", MAPTI(8, 0, LPI_FIRST - 1, 0));
    want("", MAPTI(8, 0, LPI_FIRST + LPI_MAX, 0));
    want("", MAPTI(8, 0, LPI, 0xffff));
    want("", MAPC(0xffff, 0));
    want("", MAPC(0, 77));
    assert_non_null(strstr(unit_log(), "command MAPD at offset 0x20 (0001000000000008"));
    want("", MOVI(8, 0, 0));                                     /* not mapped */
    want("", INT(8, 0)); want("", CLEAR(8, 0)); want("", DISCARD(8, 0)); want("", INV(8, 0));
    want("", INVALL(7));
    want("", SYNC(77));
    want("", MOVALL(0, 77));
    want("", 0xee, 0, 0, 0);
    want("map 0 8 0 8200 0|off 8200", MAPTI(8, 0, LPI, 0));
    want("off 8200|discard 0 8 0|map 0 8 1 8200 0|off 8200", MAPTI(8, 1, LPI, 0));       /* the last one has it */
    want("", MOVI(8, 0, 0));
    want("off 8200|discard 0 8 1|map 0 8 0 8200 0|off 8200", MAPTI(8, 0, LPI, 0));
    want("", MOVI(8, 0, 7));
    want("off 8200|discard 0 8 0|map 0 8 0 8201 0|off 8201", MAPTI(8, 0, LPI + 1, 0));
    want("off 8201|discard 0 8 0|unmapd 0 8|mapd 0 8 2", MAPD(8, 2));
    assert_in_range(nr_lines(unit_log()), 8, 12);                /* not a line for each for ever */
}

/*
 * Neither a queue nor a table that is no memory of dom0's is read; the service stalls, and goes on when it is told to.
 */
static void test_no_memory(void **state)
{
    (void)state;
    want("mapd 0 8 5", MAPD(8, 5));
    wr(ITS(1) + 0x80, 0x70000000);
    wr(ITS(1) + 0x84, BIT32(31));
    wr(ITS(1), 1);
    wr(ITS(1) + 0x88, 32);
    assert_int_equal(rd(ITS(1) + 0x90), 1);
    assert_non_null(strstr(unit_log(), "ITS 1: no memory at GITS_CBASER"));
    wr(ITS(1) + 0x88, 32);
    assert_int_equal(rd(ITS(1) + 0x90), 1);
    unit_guest_map(d, 0x70000000, PAGE_SIZE);
    wr(ITS(1) + 0x88, 32 | 1);
    assert_int_equal(rd(ITS(1) + 0x90), 32);
    /* Beyond the table of properties, and beyond its bits. */
    d->arch.vgic.lpis->propbaser = 0x71000000 | (LPI_ID_BITS - 1);
    want("map 0 8 0 8200 0|off 8200", MAPTI(8, 0, LPI, 0));
    d->arch.vgic.lpis->propbaser = properties | 12;
    set_property(LPI + 1, 0xff);
    want("map 0 8 1 8201 0|off 8201", MAPTI(8, 1, LPI + 1, 0));
    /* More bits than there are LPIs, up to the most that the register can say. */
    d->arch.vgic.lpis->propbaser = properties | 31;
    want("on 8201", INV(8, 1));
}

/* A redistributor whose LPIs are off gets none, and keeps none. */
static void test_disabled(void **state)
{
    (void)state;
    set_property(LPI, 0xa1);
    d->vcpu[0]->arch.vgic.lpis_on = false;
    want("mapd 0 8 5", MAPD(8, 5));
    want("map 0 8 0 8200 0|on 8200", MAPTI(8, 0, LPI, 0));
    assert_true(vgic_inject_lpi(LPI));
    wr(GICR(0), 1);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_true(vgic_inject_lpi(LPI));
    assert_int_equal(guest_ack(), LPI);
    assert_false(vgic_inject_lpi(LPI + LPI_CHUNK));
    assert_false(vgic_inject_lpi(LPI_FIRST + LPI_MAX));
    assert_false(vgic_inject_lpi(UINT32_MAX));
}

/*
 * A kernel that dom0's has started by kexec: LPIs off, another table, on again. Nothing comes that pended for the one
 * before, here or on another CPU; and until the new one has said so, nothing at all.
 */
static void test_anew(void **state)
{
    u64 table = unit_guest_alloc(d, LPI_MAX);

    (void)state;
    set_property(LPI, 0xa1);
    set_property(LPI + 1, 0xa1);
    want("mapd 0 8 5", MAPD(8, 5));
    want("map 0 8 0 8200 0|on 8200", MAPTI(8, 0, LPI, 0));
    want("map 0 8 1 8201 1|on 8201", MAPTI(8, 1, LPI + 1, 1));
    assert_true(vgic_inject_lpi(LPI));
    assert_true(vgic_inject_lpi(LPI + 1));
    wr(GICR(0), 0);
    assert_int_equal(rd(GICR(0)), 2);
    assert_int_equal(guest_ack(), FAKE_NONE);
    assert_true(vgic_inject_lpi(LPI));
    mmio(GICR(0) + 0x70, 8, true, table | (LPI_ID_BITS - 1));
    assert_int_equal(mmio(GICR(0) + 0x70, 8, false, 0), table | (LPI_ID_BITS - 1));
    wr(GICR(0), 1);
    assert_int_equal(rd(GICR(0)), 3);
    assert_int_equal(guest_ack(), FAKE_NONE);
    want("off 8200", INVALL(0));                                 /* the new table has it off */
    assert_true(d->arch.vgic.lpis->chunk[0][9].irq.latch || d->arch.vgic.lpis->chunk[0][9].irq.lr != 0);
    wr(GICR(1), 0);                                              /* the other vCPU's was kept until now */
    assert_false(d->arch.vgic.lpis->chunk[0][9].irq.latch);
    change_to(0, 1);
    guest_on(1);
    assert_int_equal(guest_ack(), FAKE_NONE);
    change_to(1, 0);
}

/* A machine's LPIs have fewer bits than Argon has room for: dom0 is told, and has no others. */
static void test_few(void **state)
{
    (void)its_teardown(state);
    lpi_bits = LPI_ID_BITS_MIN;
    (void)its_setup(state);
    lpi_bits = LPI_ID_BITS;
    assert_int_equal(rd(GICD + 4) >> 19 & 31, LPI_ID_BITS_MIN - 1);
    want("mapd 0 8 5", MAPD(8, 5));
    want("map 0 8 0 16383 0|off 16383", MAPTI(8, 0, BIT32(LPI_ID_BITS_MIN) - 1, 0));
    want("", MAPTI(8, 1, BIT32(LPI_ID_BITS_MIN), 0));
    assert_non_null(strstr(unit_log(), "command MAPTI"));
}

/* So much of the hypervisor's memory for devices, and no more, given back with them; none is no crash. */
static void test_memory(void **state)
{
    (void)state;
    for (u32 i = 0; i < 8192; i++) {
        put(MAPD(i, 1));
        if (i % 64 == 63) {
            go();
        }
    }
    assert_int_equal(d->arch.vgic.lpis->events, VITS_EVENTS_MAX);
    assert_non_null(strstr(unit_log(), "too many devices and events"));
    for (u32 i = 0; i < 8192; i++) {
        put(UNMAPD(i));
        if (i % 64 == 63) {
            go();
        }
    }
    assert_int_equal(d->arch.vgic.lpis->events, 0);
    assert_true(rb_empty(&d->arch.vgic.lpis->its[0].devices));
    map_result = -ENOMEM;
    want("mapd 0 8 5", MAPD(8, 5));
    want("", MAPTI(8, 0, LPI, 0));
    assert_int_equal(d->arch.vgic.lpis->events, 0);
}

/* Guests have none of it. */
static void test_guest_without(void **state)
{
    struct domain *first = d;

    (void)state;
    unload(d->vcpu[0]);
    d = unit_domain(2, 1);
    d->arch.event_ppi = 31;
    assert_int_equal(vgic_init_domain(d, 3, 32), 0);
    vgic_init_vcpu(d->vcpu[0]);
    d->vcpu[0]->arch.vtimer.virt_irq = 27;
    load(d->vcpu[0]);
    assert_int_equal(rd(GICD + 4) >> 16 & 0xff, 9 << 3);
    wr(GICR(0), 1);
    mmio(GICR(0) + 0x70, 8, true, UINT64_MAX);
    mmio(GICR(0) + 0x78, 8, true, UINT64_MAX);
    assert_int_equal(rd(GICR(0)) | rd(GICR(0) + 0x70) | rd(GICR(0) + 0x78) | (rd(GICR(0) + 8) & 1), 0);
    vgic_its_work(d->vcpu[0]);
    unload(d->vcpu[0]);
    vgic_destroy_domain(d);
    d = first;
    load(d->vcpu[0]);
}

/* ---- at random ---- */
static u64 some_word(u32 n)
{
    u64 x = rnd(2) ? rnd(4) : rnd(1u << 31);

    switch (n) {
    case 0: return (rnd(16) ? 1 + rnd(15) : rnd(256)) | (u64)(rnd(8) ? rnd(6) : x) << 32;
    case 1: return (rnd(8) ? rnd(40) : x) | (u64)(rnd(8) ? LPI_FIRST + rnd(80) : (u32)x * 7) << 32;
    default: return (rnd(8) ? rnd(5) : x) | (u64)(rnd(8) ? rnd(5) : x) << 16 | (rnd(4) ? BIT(63) : 0);
    }
}

static void step(void)
{
    u32 kind = rnd(16);

    if (kind < 8) {
        put(some_word(0), some_word(1), some_word(2), some_word(3));
        rnd(3) == 0 ? write_tail() : (void)0;
    } else if (kind < 10) {
        (void)vgic_inject_lpi(LPI_FIRST + rnd(100));
    } else if (kind < 12) {
        u32 intid = guest_ack();

        if (intid != FAKE_NONE) {
            guest_eoi(intid);
        }
    } else if (kind == 12) {
        set_property(LPI_FIRST + rnd(80), (u8)rnd(256));
    } else if (kind == 13) {
        d->vcpu[0]->pending = 0;
        vgic_its_work(d->vcpu[0]);
        vgic_flush(d->vcpu[0]);
    } else if (kind == 14) {
        mmio((ITS(rnd(2)) + rnd(0x20)) * 1 + (rnd(2) ? 0x80 : 0), rnd(2) ? 4 : 8, rnd(2), some_word(rnd(3)));
    } else {
        unload(d->vcpu[0]);
        load(d->vcpu[0]);
    }
}

/* The same event is mapped as often as it is unmapped, no LPI is two's, and the vGIC's own invariants hold. */
static void check_model(void)
{
    const struct vgic_lpis *l = d->arch.vgic.lpis;

    for (u32 i = 0; i < LPI_MAX; i++) {
        struct vgic_lpi *lpi = vgic_lpi_of(l, LPI_FIRST + i);

        assert_int_equal(lpi != NULL && lpi->mapped, mapped[i] != 0);
        assert_in_range(mapped[i], 0, 1);
        assert_true(lpi == NULL || lpi->mapped || (lpi->irq.target == NULL && !lpi->irq.enabled));
        assert_true(lpi == NULL || !lpi->mapped || lpi->irq.enabled == on[i]);
    }
    assert_in_range(l->events, 0, VITS_EVENTS_MAX);
    (void)check_all();
}

static void test_fuzz(void **state)
{
    (void)state;
    for (u32 seed = 1; seed <= 8; seed++) {
        random_state = seed;
        for (u32 i = 0; i < 20000; i++) {
            step();
            ops_log[0] = 0;
            if (i % 250 == 0) {
                check_model();
            }
        }
    }
    for (u32 i = 0; i < 1000; i++) {
        vgic_its_work(d->vcpu[0]);                               /* it may be stalled, or off, by now */
    }
    check_model();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        its_case(test_registers), its_case(test_delivery), its_case(test_moves), its_case(test_follow),
        its_case(test_pressure), its_case(test_never_ended), its_case(test_many_wait), its_case(test_long),
        its_case(test_bad), its_case(test_no_memory), its_case(test_disabled), its_case(test_memory),
        its_case(test_anew), its_case(test_few), its_case(test_guest_without), its_case(test_fuzz),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
