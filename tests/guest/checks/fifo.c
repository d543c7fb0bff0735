/* SPDX-License-Identifier: MIT */
/* Event channels in the FIFO form (xen/event_channel.h). Each test ends in the 2-level form again. */
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "gic.h"
#include "machine.h"
#include "sysreg.h"
#include "timer.h"
#include "xenabi.h"

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED (1u << EVTCHN_FIFO_MASKED)
#define LINKED (1u << EVTCHN_FIFO_LINKED)
#define DEFAULT EVTCHN_FIFO_PRIORITY_DEFAULT

static volatile struct evtchn_fifo_control_block *control;
static volatile event_word_t *word;

static void clear_upcall(void)
{
    xen_vcpu_info(0)->evtchn_upcall_pending = 0;
    dsb();
    (void)hypercall2(__HYPERVISOR_xen_version, 0, 0);
}

static long init_control(unsigned vcpu, uint64_t gpa, uint32_t offset)
{
    evtchn_init_control_t op = { .control_gfn = gpa >> 12, .offset = offset, .vcpu = vcpu };
    long rc = evtchn_op(EVTCHNOP_init_control, &op);

    return rc ? rc : op.link_bits;
}

static long expand(uint64_t gpa)
{
    evtchn_expand_array_t op = { .array_gfn = gpa >> 12 };

    return evtchn_op(EVTCHNOP_expand_array, &op);
}

static long set_priority(uint32_t port, uint32_t priority)
{
    evtchn_set_priority_t op = { .port = port, .priority = priority };

    return evtchn_op(EVTCHNOP_set_priority, &op);
}

static void zero_pages(void)
{
    control = (void *)machine_spare_page(PAGE_FIFO_CONTROL);
    word = (void *)machine_spare_page(PAGE_FIFO_ARRAY);
    memset((void *)machine_spare_page(PAGE_FIFO_CONTROL), 0, 4096);
    memset((void *)machine_spare_page(PAGE_FIFO_ARRAY), 0, 8192);
}

/* Ports closed, FIFO form with one page of words, interrupt enabled. */
static bool fresh(void)
{
    if (!xen_shared_info() || event_reset() != 0)
        return false;
    zero_pages();
    if (init_control(0, (uintptr_t)control, 0) != EVTCHN_FIFO_LINK_BITS || expand((uintptr_t)word) != 0)
        return false;
    clear_upcall();
    gic_set_bit(machine.event_irq, GICD_ISENABLER);
    while (gic_irq_signalled())
        gic_eoi(gic_ack());
    return true;
}

/* As a guest consumes: head of the queue, unlink, clear pending. Returns the port. */
static uint32_t consume(unsigned queue, uint32_t head)
{
    uint32_t port = head ? head : control->head[queue];
    uint32_t old = __atomic_fetch_and(&word[port], ~(LINKED | EVTCHN_FIFO_LINK_MASK), __ATOMIC_SEQ_CST);
    uint32_t next = old & EVTCHN_FIFO_LINK_MASK;

    __atomic_fetch_and(&word[port], ~PENDING, __ATOMIC_SEQ_CST);
    return next;
}

static void init_errors(void)
{
    uint64_t page = machine_spare_page(PAGE_FIFO_CONTROL);

    REQUIRE("shared-info", xen_shared_info() != 0);
    REQUIRE("reset", event_reset() == 0);
    zero_pages();
    CHECK_EQ("expand-before-init", -XEN_EOPNOTSUPP, expand((uintptr_t)word));
    CHECK_EQ("no-such-vcpu", -XEN_ENOENT, init_control(1000, page, 0));
    CHECK_EQ("offset-not-8-aligned", -XEN_EINVAL, init_control(0, page, 4));
    CHECK_EQ("offset-across-page", -XEN_EINVAL, init_control(0, page, 4096 - 64));
    CHECK_EQ("offset-past-page", -XEN_EINVAL, init_control(0, page, 4096));
    CHECK_EQ("offset-huge", -XEN_EINVAL, init_control(0, page, 0xfffffff8));
    CHECK_EQ("page-not-there", -XEN_EINVAL, init_control(0, UNMAPPED_GPA, 0));
    CHECK_EQ("still-2-level", -XEN_EOPNOTSUPP, expand((uintptr_t)word));
    CHECK_EQ("offset-at-end", EVTCHN_FIFO_LINK_BITS, init_control(0, page, 4096 - 72));
    CHECK_EQ("twice", -XEN_EINVAL, init_control(0, page, 0));
    CHECK_EQ("expand-page-not-there", -XEN_EINVAL, expand(UNMAPPED_GPA));
    CHECK_EQ("expand", 0, expand((uintptr_t)word));
    CHECK_EQ("reset-again", 0, event_reset());
    CHECK_EQ("back-to-2-level", -XEN_EOPNOTSUPP, expand((uintptr_t)word));
}

static void send_one(void)
{
    long port;

    REQUIRE("fresh", fresh());
    port = event_ipi(0);
    REQUIRE("port", port > 0);
    CHECK_EQ("send", 0, event_send((uint32_t)port));
    CHECK_EQ("word", PENDING | LINKED, word[port]);
    CHECK_EQ("head", port, control->head[DEFAULT]);
    CHECK_EQ("ready", 1u << DEFAULT, control->ready);
    CHECK_EQ("upcall", 1, xen_vcpu_info(0)->evtchn_upcall_pending);
    CHECK_EQ("interrupt", machine.event_irq, IRQ_ID(gic_wait_ack(patience_ms)));
    control->ready = 0;
    CHECK_EQ("end-of-queue", 0, consume(DEFAULT, 0));
    clear_upcall();
    gic_eoi(machine.event_irq);
    CHECK("then-quiet", gic_quiet());
    CHECK_EQ("send-again", 0, event_send((uint32_t)port));
    CHECK_EQ("word-again", PENDING | LINKED, word[port]);
    CHECK_EQ("ready-again", 1u << DEFAULT, control->ready);
}

static void chain(void)
{
    long port[4];

    REQUIRE("fresh", fresh());
    for (unsigned i = 0; i < 4; i++) {
        port[i] = event_ipi(0);
        REQUIRE("port", port[i] > 0);
    }
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(check_name("send", i), 0, event_send((uint32_t)port[i]));
    CHECK_EQ("head", port[0], control->head[DEFAULT]);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(check_name("link", i), PENDING | LINKED | (uint32_t)port[i + 1], word[port[i]]);
    CHECK_EQ("tail", PENDING | LINKED, word[port[3]]);
    CHECK_EQ("send-linked", 0, event_send((uint32_t)port[1]));
    CHECK_EQ("link-unchanged", PENDING | LINKED | (uint32_t)port[2], word[port[1]]);
    /* Consume two; another send of the first goes behind the tail. */
    CHECK_EQ("next-1", port[1], consume(DEFAULT, 0));
    CHECK_EQ("next-2", port[2], consume(DEFAULT, (uint32_t)port[1]));
    CHECK_EQ("send-first-again", 0, event_send((uint32_t)port[0]));
    CHECK_EQ("behind-tail", PENDING | LINKED | (uint32_t)port[0], word[port[3]]);
}

static void priorities(void)
{
    static const uint8_t priority[] = { 7, 0, 15, 3 };
    long port[4];
    uint32_t ready = 0;

    REQUIRE("fresh", fresh());
    for (unsigned i = 0; i < 4; i++) {
        port[i] = event_ipi(0);
        REQUIRE("port", port[i] > 0);
        CHECK_EQ(check_name("set", i), 0, set_priority((uint32_t)port[i], priority[i]));
    }
    CHECK_EQ("priority-16", -XEN_EINVAL, set_priority((uint32_t)port[0], 16));
    CHECK_EQ("priority-huge", -XEN_EINVAL, set_priority((uint32_t)port[0], ~0u));
    CHECK_EQ("closed-port", -XEN_EACCES, set_priority(900, 3));
    for (unsigned i = 0; i < 4; i++) {
        ready |= 1u << priority[i];
        CHECK_EQ(check_name("send", i), 0, event_send((uint32_t)port[i]));
        CHECK_EQ(check_name("head", i), port[i], control->head[priority[i]]);
        CHECK_EQ(check_name("ready", i), ready, control->ready);
    }
}

static void masked(void)
{
    long port;

    REQUIRE("fresh", fresh());
    port = event_ipi(0);
    REQUIRE("port", port > 0);
    __atomic_fetch_or(&word[port], MASKED, __ATOMIC_SEQ_CST);
    CHECK_EQ("send", 0, event_send((uint32_t)port));
    CHECK_EQ("pending-not-linked", PENDING | MASKED, word[port]);
    CHECK_EQ("not-ready", 0, control->ready);
    CHECK("quiet", gic_quiet());
    CHECK_EQ("unmask", 0, event_unmask((uint32_t)port));
    CHECK_EQ("linked", PENDING | LINKED, word[port]);
    CHECK_EQ("ready", 1u << DEFAULT, control->ready);
    CHECK_EQ("interrupt", machine.event_irq, IRQ_ID(gic_wait_ack(patience_ms)));
    clear_upcall();
    gic_eoi(machine.event_irq);
}

/* A port whose word is in a page that is not there yet is pending once the page comes. */
static void array_grows(void)
{
    uint32_t port = 0;

    REQUIRE("fresh", fresh());
    for (unsigned i = 0; i < 1100; i++) {
        long p = event_alloc();

        REQUIRE("alloc", p > 0);
        port = (uint32_t)p;
    }
    CHECK_EQ("status", EVTCHNSTAT_unbound, event_status(port).status);
    {
        long b = event_bind(port);

        REQUIRE("bind", b > 0);
        CHECK_EQ("send-without-word", 0, event_send((uint32_t)b));
        CHECK_EQ("expand", 0, expand(machine_spare_page(PAGE_FIFO_ARRAY + 1)));
        CHECK_EQ("send", 0, event_send((uint32_t)b));
        CHECK("pending", word[port] & PENDING);
    }
}

/* What was pending and masked in the 2-level form is so in the FIFO form. */
static void carried_over(void)
{
    volatile shared_info_t *shared = xen_shared_info();
    long a, b;

    REQUIRE("reset", shared && event_reset() == 0);
    zero_pages();
    a = event_ipi(0);
    b = event_ipi(0);
    REQUIRE("ports", a > 0 && b > 0);
    shared->evtchn_mask[0] = 1ul << a | 1ul << b;
    CHECK_EQ("send", 0, event_send((uint32_t)a));
    CHECK_EQ("init", EVTCHN_FIFO_LINK_BITS, init_control(0, (uintptr_t)control, 0));
    CHECK_EQ("expand", 0, expand((uintptr_t)word));
    CHECK("pending", word[a] & PENDING);
    CHECK("not-pending", !(word[b] & PENDING));
    shared->evtchn_mask[0] = 0;
    shared->evtchn_pending[0] = 0;
}

/* A guest that writes nonsense into words and heads hurts only itself. */
static void nonsense(void)
{
    long port[3];

    REQUIRE("fresh", fresh());
    for (unsigned i = 0; i < 3; i++) {
        port[i] = event_ipi(0);
        REQUIRE("port", port[i] > 0);
    }
    CHECK_EQ("send", 0, event_send((uint32_t)port[0]));
    for (unsigned i = 0; i < 1024; i++)
        word[i] = 0xffffffff & ~PENDING;
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(check_name("send-into-noise", i), 0, event_send((uint32_t)port[i]));
    control->ready = 0xffffffff;
    for (unsigned i = 0; i < 16; i++)
        control->head[i] = 0xffffffff;
    for (unsigned i = 0; i < 1024; i++)
        word[i] = EVTCHN_FIFO_LINK_MASK;
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(check_name("send-after-noise", i), 0, event_send((uint32_t)port[i]));
    CHECK_EQ("unmask", 0, event_unmask((uint32_t)port[1]));
    CHECK_EQ("close", 0, event_close((uint32_t)port[2]));
}

static void back_to_2_level(void)
{
    volatile shared_info_t *shared = xen_shared_info();
    long port;

    REQUIRE("fresh", fresh());
    REQUIRE("reset", event_reset() == 0);
    port = event_ipi(0);
    REQUIRE("port", port > 0);
    shared->evtchn_pending[0] = 0;
    shared->evtchn_mask[0] = 0;
    CHECK_EQ("send", 0, event_send((uint32_t)port));
    CHECK_EQ("2-level-pending", 1ul << port, shared->evtchn_pending[0]);
    shared->evtchn_pending[0] = 0;
    clear_upcall();
    CHECK_EQ("close", 0, event_close((uint32_t)port));
}

const struct test tests_fifo[] = {
    { "fifo.init-errors", init_errors, 0, 0 },
    { "fifo.send-one", send_one, 0, 0 },
    { "fifo.chain", chain, 0, 0 },
    { "fifo.priorities", priorities, 0, 0 },
    { "fifo.masked", masked, 0, 0 },
    { "fifo.array-grows", array_grows, 0, 0 },
    { "fifo.carried-over", carried_over, 0, 0 },
    { "fifo.nonsense", nonsense, 0, 0 },
    { "fifo.back-to-2-level", back_to_2_level, 0, 0 },
    { 0 },
};
