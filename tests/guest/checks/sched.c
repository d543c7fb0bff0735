/* SPDX-License-Identifier: MIT */
/* sched_op (xen/sched.h). Shutdown is how every run ends. */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "machine.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"
#include "xenabi.h"

static void simple(void)
{
    struct sched_shutdown code = { .reason = SHUTDOWN_MAX + 1 };
    struct sched_remote_shutdown remote = { .domain_id = 77, .reason = 0 };

    for (unsigned i = 0; i < 100; i++)
        CHECK_EQ("yield", 0, sched_op(SCHEDOP_yield, 0));
    CHECK_EQ("yield-ignores-argument", 0, sched_op(SCHEDOP_yield, ~0ul));
    CHECK_EQ("remote-nobody", -XEN_ESRCH, sched_op(SCHEDOP_remote_shutdown, &remote));
    CHECK_EQ("unknown", -XEN_ENOSYS, sched_op(8, &code));
    CHECK_EQ("unknown-99", -XEN_ENOSYS, sched_op(99, &code));
}

static void watchdog(void)
{
    sched_watchdog_t dog = { .id = 0, .timeout = 1000 };
    long id = sched_op(SCHEDOP_watchdog, &dog);

    CHECK_RANGE("new-id", 1, 2, id);
    dog.id = (uint32_t)id;
    CHECK_EQ("rearm", 0, sched_op(SCHEDOP_watchdog, &dog));
    dog.timeout = 0;
    CHECK_EQ("stop", 0, sched_op(SCHEDOP_watchdog, &dog));
    dog.id = 77;
    CHECK_EQ("no-such-id", -XEN_EINVAL, sched_op(SCHEDOP_watchdog, &dog));
}

static void stop_hook(uint32_t iar)
{
    if (IRQ_ID(iar) == timer_irqs.virtual)
        timer_stop();
}

/*
 * Block returns when there is an interrupt. It opens event delivery first, atomically (xen/sched.h): on ARM that is
 * PSTATE.I, so the interrupt may have been taken when it is back.
 */
static void block(void)
{
    volatile unsigned *taken = &this_cpu()->irq_count;
    uint64_t start, due;

    trap_irq_hook = stop_hook;
    gic_set_bit(timer_irqs.virtual, GICD_ISENABLER);
    start = counter();
    due = start + ticks_ms(3);
    sysreg_write(cntv_cval_el0, due);
    sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
    isb();
    while (!gic_irq_signalled() && !*taken && counter() < start + ticks_ms(patience_ms))
        CHECK_EQ("block", 0, sched_op(SCHEDOP_block, 0));
    irq_disable();
    CHECK("woken", gic_irq_signalled() || *taken);
    CHECK("not-early", counter() >= due);
    CHECK_RANGE("not-late", 0, ticks_ms(patience_ms), counter() - start);
}

static long poll_ports(evtchn_port_t *ports, unsigned n, uint64_t timeout)
{
    struct sched_poll poll = { .nr_ports = n, .timeout = timeout };

    poll.ports.p = ports;
    return sched_op(SCHEDOP_poll, &poll);
}

static void poll(void)
{
    volatile shared_info_t *shared = xen_shared_info();
    static evtchn_port_t ports[200];
    long port;

    REQUIRE("reset", shared && event_reset() == 0);
    port = event_ipi(0);
    REQUIRE("port", port > 0);
    ports[0] = (evtchn_port_t)port;
    shared->evtchn_mask[0] = ~0ul;
    xen_vcpu_info(0)->evtchn_upcall_pending = 0;
    CHECK_EQ("timeout-past", 0, poll_ports(ports, 1, 1));
    CHECK_EQ("send", 0, event_send((uint32_t)port));
    CHECK_EQ("already-pending", 0, poll_ports(ports, 1, 0));
    CHECK_EQ("too-many", -XEN_EINVAL, poll_ports(ports, 129, 1));
    CHECK_EQ("huge-count", -XEN_EINVAL, poll_ports(ports, ~0u, 1));
    shared->evtchn_pending[0] = 0;
    ports[0] = 200000;
    CHECK_EQ("bad-port", -XEN_EINVAL, poll_ports(ports, 1, 1));
    CHECK_EQ("bad-pointer", -XEN_EFAULT, poll_ports((evtchn_port_t *)UNMAPPED_GPA, 1, 1));
    shared->evtchn_mask[0] = 0;
}

static void later_send(uint64_t port)
{
    delay_us(3000);
    (void)event_send((uint32_t)port);
}

/* A poll without time-out ends when another vCPU sends. */
static void poll_woken(void)
{
    volatile shared_info_t *shared = xen_shared_info();
    evtchn_port_t ports[1];
    uint64_t start;
    long port;

    REQUIRE("reset", shared && event_reset() == 0);
    REQUIRE("starts", cpu_start(1));
    port = event_ipi(0);
    REQUIRE("port", port > 0);
    ports[0] = (evtchn_port_t)port;
    shared->evtchn_mask[0] = 1ul << port;
    shared->evtchn_pending[0] = 0;
    xen_vcpu_info(0)->evtchn_upcall_pending = 0;
    start = counter();
    cpu_run(1, later_send, (uint64_t)port);
    CHECK_EQ("poll", 0, poll_ports(ports, 1, 0));
    CHECK("pending", shared->evtchn_pending[0] & 1ul << port);
    CHECK_RANGE("waited", ticks_us(1000), ticks_ms(patience_ms), counter() - start);
    CHECK("sender-done", cpu_wait(1));
    shared->evtchn_mask[0] = shared->evtchn_pending[0] = 0;
}

/* A vCPU that never yields does not starve another. */
static volatile uint64_t spins[MAX_CPUS];

static void spin(uint64_t ms)
{
    uint64_t end = counter() + ticks_ms(ms);

    while (counter() < end)
        spins[this_cpu()->index]++;
}

static void fairness(void)
{
    for (unsigned i = 0; i < cpu_count; i++)
        spins[i] = 0;
    for (unsigned i = 1; i < cpu_count; i++) {
        REQUIRE(check_name("starts", i), cpu_start(i));
        cpu_run(i, spin, 400);
    }
    spin(400);
    for (unsigned i = 1; i < cpu_count; i++) {
        CHECK(check_name("done", i), cpu_wait(i));
        CHECK(check_name("ran", i), spins[i] > 100);
    }
}

const struct test tests_sched[] = {
    { "sched.simple", simple, 0, 0 },
    { "sched.watchdog", watchdog, 0, 0 },
    { "sched.block", block, 0, 0 },
    { "sched.poll", poll, 0, 0 },
    { "sched.poll-woken", poll_woken, 2, 0 },
    { "sched.fairness", fairness, 2, 0 },
    { 0 },
};
