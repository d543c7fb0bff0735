/* SPDX-License-Identifier: MIT */
/*
 * dom0 with two interrupt translation services, a queue in its memory, and a machine's services that note what they are
 * asked to do.
 */
#ifndef ITS_COMMON_H
#define ITS_COMMON_H

#include "vgic_v3.h"

#include "its_free.h"
#include "vdev/vgic/its.h"

#define ITS(n)      (UINT64_C(0x8080000) + (n) * 0x1000000)
#define DEVICE_BITS 16u
#define EVENT_BITS  10u
#define PAGES       2u           /* of the queue */
#define LPI         (LPI_FIRST + 8u)

/* Commands (IHI0069 5.3), as put() and want() take them. */
#define ON_DEVICE(c, dev)        (u64)(c) | (u64)(dev) << 32
#define MAPD(dev, bits)          ON_DEVICE(8, dev), (bits) - 1, BIT(63), 0
#define UNMAPD(dev)              ON_DEVICE(8, dev), 0, 0, 0
#define MAPC(col, rd)            9, 0, BIT(63) | (u64)(rd) << 16 | (col), 0
#define MAPTI(dev, ev, lpi, col) ON_DEVICE(10, dev), (ev) | (u64)(lpi) << 32, (col), 0
#define MOVI(dev, ev, col)       ON_DEVICE(1, dev), (ev), (col), 0
#define INT(dev, ev)             ON_DEVICE(3, dev), (ev), 0, 0
#define CLEAR(dev, ev)           ON_DEVICE(4, dev), (ev), 0, 0
#define INV(dev, ev)             ON_DEVICE(12, dev), (ev), 0, 0
#define DISCARD(dev, ev)         ON_DEVICE(15, dev), (ev), 0, 0
#define INVALL(col)              13, 0, (col), 0
#define MOVALL(a, b)             14, 0, (u64)(a) << 16, (u64)(b) << 16
#define SYNC(rd)                 5, 0, (u64)(rd) << 16, 0

static u64 queue, properties, tail;
static char ops_log[65536];
static int map_result;
static u32 mapped[LPI_MAX];      /* how many of the machine's events have it */
static bool on[LPI_MAX];
static u64 random_state;

static unused u32 rnd(u32 n)
{
    random_state = random_state * 6364136223846793005UL + 1442695040888963407UL;
    return (u32)(random_state >> 33) % n;
}

/* ---- the machine's services ---- */
static void note(const char *fmt, ...)
{
    size_t at = strlen(ops_log);
    va_list ap;

    va_start(ap, fmt);
    if (at + 64 < sizeof(ops_log)) {
        vsnprintf(ops_log + at, 64, fmt, ap);
    }
    va_end(ap);
}

static u32 lpi_bits = LPI_ID_BITS;
static u32 h_lpi_bits(void) { return lpi_bits; }
static u32 h_device_bits(u32 its) { (void)its; return DEVICE_BITS; }
static u32 h_event_bits(u32 its) { (void)its; return EVENT_BITS; }

static int h_map_device(u32 its, u32 device, u32 bits, void **itt)
{
    assert_true(device < BIT32(DEVICE_BITS) && bits <= EVENT_BITS && bits > 0);
    note("mapd %u %u %u|", its, device, bits);
    *itt = &fake;
    return map_result;
}

static void h_unmap_device(u32 its, u32 device, u32 bits, void *itt)
{
    assert_ptr_equal(itt, &fake);
    assert_in_range(bits, 1, EVENT_BITS);
    note("unmapd %u %u|", its, device);
}

static void h_map(const struct its_event *e)
{
    assert_in_range(e->lpi, LPI_FIRST, LPI_FIRST + LPI_MAX - 1);
    assert_in_range(e->cpu, 0, FAKE_CPUS - 1);
    mapped[e->lpi - LPI_FIRST]++;
    note("map %u %u %u %u %u|", e->its, e->device, e->event, e->lpi, e->cpu);
}

static void h_move(const struct its_event *e)
{
    assert_int_equal(mapped[e->lpi - LPI_FIRST], 1);
    note("move %u %u %u %u|", e->its, e->device, e->event, e->cpu);
}

static void h_discard(const struct its_event *e)
{
    mapped[e->lpi - LPI_FIRST]--;
    note("discard %u %u %u|", e->its, e->device, e->event);
}

static void h_clear(const struct its_event *e) { note("clear %u %u %u|", e->its, e->device, e->event); }

static void h_enable(const struct its_event *e, bool enable)
{
    assert_int_equal(mapped[e->lpi - LPI_FIRST], 1);
    on[e->lpi - LPI_FIRST] = enable;
    note("%s %u|", enable ? "on" : "off", e->lpi);
}

static void (*on_complete)(void);        /* what another CPU does in the middle of a turn */

static void h_complete(u32 its)
{
    (void)its;
    if (on_complete != NULL) {
        on_complete();
    }
}

static const struct its_ops host_its = {
    .lpi_bits = h_lpi_bits, .device_bits = h_device_bits, .event_bits = h_event_bits, .map_device = h_map_device,
    .unmap_device = h_unmap_device, .map = h_map, .move = h_move, .discard = h_discard, .clear = h_clear,
    .enable = h_enable, .complete = h_complete,
};
static struct irqchip_ops its_ops;

/* ---- dom0's side ---- */
static unused void set_property(u32 lpi, u8 value)
{
    *(u8 *)unit_guest_ptr(d, properties + (lpi - LPI_FIRST)) = value;
}

static void put(u64 w0, u64 w1, u64 w2, u64 w3)
{
    u64 *to = unit_guest_ptr(d, queue + tail);

    to[0] = w0, to[1] = w1, to[2] = w2, to[3] = w3;
    tail = (tail + 32) % (PAGES << 12);
}

static void write_tail(void)
{
    wr(ITS(0) + 0x88, (u32)tail);
}

/* As the exit path does it. */
static void finish(void)
{
    for (u32 i = 0; i < 2000 && rd(ITS(0) + 0x90) != rd(ITS(0) + 0x88); i++) {
        d->vcpu[0]->pending &= ~(u32)PEND_ITS;
        vgic_its_work(d->vcpu[0]);
    }
    assert_int_equal(rd(ITS(0) + 0x90), rd(ITS(0) + 0x88));
}

static void go(void)
{
    write_tail();
    finish();
}

/* The command makes the machine's services do this. */
static unused void want(const char *what, u64 w0, u64 w1, u64 w2, u64 w3)
{
    ops_log[0] = 0;
    put(w0, w1, w2, w3);
    go();
    if (ops_log[0] != 0) {
        ops_log[strlen(ops_log) - 1] = 0;
    }
    assert_string_equal(ops_log, what);
}

static unused u32 count_ops(const char *what)
{
    u32 n = 0;

    for (const char *s = ops_log; (s = strstr(s, what)) != NULL; s++) {
        n += s == ops_log || s[-1] == '|';
    }
    return n;
}

static unused u32 nr_lines(const char *s)
{
    u32 n = 0;

    for (; *s != 0; s++) {
        n += *s == '\n';
    }
    return n;
}

static int its_setup(void **state)
{
    struct machine_its its[2] = { { .base = ITS(0), .iidr = 0x0001143b }, { .base = ITS(1) } };

    setup(state);
    its_ops = ops;
    its_ops.its = &host_its;
    irqchip = &its_ops;
    map_result = 0;
    on_complete = NULL;
    memset(mapped, 0, sizeof(mapped));
    memset(on, 0, sizeof(on));
    assert_int_equal(vgic_create_lpis(d, its, 2), 0);
    queue = unit_guest_alloc(d, PAGES << 12);
    properties = unit_guest_alloc(d, LPI_MAX);
    tail = 0;
    guest_on(0);
    for (u32 i = 0; i < 4; i++) {
        mmio(GICR(i) + 0x70, 8, true, properties | (LPI_ID_BITS - 1));
        wr(GICR(i), 1);
    }
    mmio(ITS(0) + 0x80, 8, true, BIT(63) | queue | (PAGES - 1));
    wr(ITS(0), 1);
    for (u32 i = 0; i < 3; i++) {
        put(MAPC(i, i));
    }
    go();
    ops_log[0] = 0;
    for (u32 i = 0; tail != 0 && i < PAGES * 128; i++) {         /* from the queue's beginning */
        put(SYNC(0));
        if (i % 16 == 15 || tail == 0) {
            go();
        }
    }
    unit_log_clear();
    return 0;
}

/* dom0 is never destroyed: the test's is. */
static int its_teardown(void **state)
{
    struct vgic_lpis *l = d->arch.vgic.lpis;

    its_free_devices(l);
    if (current_vcpu() != NULL && !current_vcpu()->is_idle) {
        unload(current_vcpu());
    }
    (void)check_all();
    its_free_lpis(l);
    vgic_destroy_domain(d);
    irqchip = &ops;
    return unit_teardown(state);
}

#define its_case(fn) cmocka_unit_test_setup_teardown(fn, its_setup, its_teardown)

/* The vCPU leaves, and the test goes on as the other one, on the CPU of its number. */
static unused void change_to(u32 from, u32 to)
{
    unload(d->vcpu[from]);
    unit_set_cpu(to);
    load(d->vcpu[to]);
}

#endif
