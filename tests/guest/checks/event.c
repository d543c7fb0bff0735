/* SPDX-License-Identifier: MIT */
/* Event channels in the 2-level form, and what is common to both (xen/event_channel.h). */
#include "check.h"
#include "cpu.h"
#include "gic.h"
#include "machine.h"
#include "sysreg.h"
#include "timer.h"
#include "trap.h"
#include "xenabi.h"
#include <xen/platform.h>


static volatile shared_info_t *shared;

static bool is_pending(uint32_t port) { return shared->evtchn_pending[port / 64] >> (port % 64) & 1; }
static void clear_pending(uint32_t port)
{
    __atomic_fetch_and(&shared->evtchn_pending[port / 64], ~(1ul << (port % 64)), __ATOMIC_SEQ_CST);
}

static void set_mask(uint32_t port)
{
    __atomic_fetch_or(&shared->evtchn_mask[port / 64], 1ul << (port % 64), __ATOMIC_SEQ_CST);
}

static bool is_masked(uint32_t port) { return shared->evtchn_mask[port / 64] >> (port % 64) & 1; }

static void clear_upcall(unsigned cpu)
{
    volatile vcpu_info_t *info = xen_vcpu_info(cpu);

    info->evtchn_upcall_pending = 0;
    info->evtchn_pending_sel = 0;
    dsb();
    (void)hypercall2(__HYPERVISOR_xen_version, 0, 0); /* the line is sampled on the way back into the guest */
}

/* All ports closed, nothing pending, everything unmasked, the event interrupt enabled: false if that does not work. */
static bool fresh(void)
{
    shared = xen_shared_info();
    if (!shared || event_reset() != 0)
        return false;
    for (unsigned i = 0; i < 64; i++)
        shared->evtchn_pending[i] = shared->evtchn_mask[i] = 0;
    clear_upcall(0);
    gic_set_bit(machine.event_irq, GICD_ISENABLER);
    while (gic_irq_signalled())
        gic_eoi(gic_ack());
    return true;
}

/* What dom0 sets by settime64 at system time 0 is the wall clock's base. */
static void wall_clock(void)
{
    xen_platform_op_t op = { .cmd = XENPF_settime64, .interface_version = XENPF_INTERFACE_VERSION };
    uint32_t version;

    REQUIRE("shared-info", (shared = xen_shared_info()) != 0);
    version = shared->wc_version;
    CHECK_EQ("version-even", 0, version & 1);
    op.u.settime64.secs = 0x112345678ul;
    op.u.settime64.nsecs = 123456789;
    CHECK_EQ("settime64", 0, hypercall1(__HYPERVISOR_platform_op, &op));
    CHECK_EQ("seconds-low", 0x12345678, shared->wc_sec);
    CHECK_EQ("seconds-high", 1, shared->wc_sec_hi);
    CHECK_EQ("nanoseconds", 123456789, shared->wc_nsec);
    CHECK_EQ("version-counted", version + 2, shared->wc_version);
    op.u.settime64.mbz = 1;
    CHECK_EQ("mbz", -XEN_EINVAL, hypercall1(__HYPERVISOR_platform_op, &op));
    CHECK_EQ("unchanged", 0x12345678, shared->wc_sec);
}

static void unbound(void)
{
    evtchn_status_t status;
    long port;

    REQUIRE("fresh", fresh());
    port = event_alloc();
    REQUIRE("alloc", port > 0 && port < 4096);
    status = event_status((uint32_t)port);
    CHECK_EQ("status", EVTCHNSTAT_unbound, status.status);
    CHECK_EQ("remote", 0, status.u.unbound.dom);
    CHECK_EQ("send-unbound", 0, event_send((uint32_t)port)); /* silently lost */
    CHECK("nothing", gic_quiet());
    CHECK_EQ("close", 0, event_close((uint32_t)port));
    CHECK_EQ("closed", EVTCHNSTAT_closed, event_status((uint32_t)port).status);
    CHECK_EQ("close-again", -XEN_EINVAL, event_close((uint32_t)port));
    CHECK_EQ("send-closed", -XEN_EINVAL, event_send((uint32_t)port));
}

static void loopback(void)
{
    evtchn_status_t status;
    long a, b;

    REQUIRE("fresh", fresh());
    a = event_alloc();
    b = event_bind((uint32_t)a);
    REQUIRE("ports", a > 0 && b > 0 && a != b);
    clear_pending((uint32_t)b); /* binding may raise the new port once */
    clear_upcall(0);
    while (gic_irq_signalled())
        gic_eoi(gic_ack());
    status = event_status((uint32_t)a);
    CHECK_EQ("status", EVTCHNSTAT_interdomain, status.status);
    CHECK_EQ("peer-domain", 0, status.u.interdomain.dom);
    CHECK_EQ("peer-port", b, status.u.interdomain.port);
    CHECK_EQ("bound-twice", -XEN_EINVAL, event_bind((uint32_t)a));
    CHECK_EQ("send", 0, event_send((uint32_t)b));
    CHECK("remote-pending", is_pending((uint32_t)a));
    CHECK("local-not-pending", !is_pending((uint32_t)b));
    CHECK_EQ("upcall", 1, xen_vcpu_info(0)->evtchn_upcall_pending);
    CHECK_EQ("selector", 1ul << (a / 64), xen_vcpu_info(0)->evtchn_pending_sel);
    CHECK_EQ("interrupt", machine.event_irq, IRQ_ID(gic_wait_ack(patience_ms)));
    clear_upcall(0);
    clear_pending((uint32_t)a);
    gic_eoi(machine.event_irq);
    CHECK("then-quiet", gic_quiet());
    CHECK_EQ("close", 0, event_close((uint32_t)a));
    CHECK_EQ("peer-unbound", EVTCHNSTAT_unbound, event_status((uint32_t)b).status);
}

/* The interrupt is a level that follows evtchn_upcall_pending. */
static void upcall_level(void)
{
    long port;

    REQUIRE("fresh", fresh());
    port = event_ipi(0);
    REQUIRE("port", port > 0);
    CHECK_EQ("send", 0, event_send((uint32_t)port));
    for (unsigned i = 0; i < 3; i++) {
        uint32_t iar = gic_wait_ack(patience_ms);

        CHECK_EQ(check_name("again", i), machine.event_irq, IRQ_ID(iar));
        if (IRQ_ID(iar) < 1020)
            gic_eoi(iar);
        (void)hypercall2(__HYPERVISOR_xen_version, 0, 0); /* the byte is looked at on the way back into the guest */
    }
    clear_upcall(0);
    (void)hypercall2(__HYPERVISOR_xen_version, 0, 0);
    CHECK("falls", !gic_irq_signalled());
    CHECK_EQ("falls-not-pending", 0, gic_bit(machine.event_irq, GICD_ISPENDR));
    CHECK_EQ("pending-stays", 1, is_pending((uint32_t)port));
    CHECK_EQ("send-again", 0, event_send((uint32_t)port)); /* already pending: no new upcall */
    CHECK_EQ("no-new-upcall", 0, xen_vcpu_info(0)->evtchn_upcall_pending);
    clear_pending((uint32_t)port);
    CHECK_EQ("send-third", 0, event_send((uint32_t)port));
    CHECK("new-upcall", WAIT_FOR(gic_irq_signalled(), patience_ms));
    clear_pending((uint32_t)port);
    clear_upcall(0);
}

static void masked(void)
{
    long port;

    REQUIRE("fresh", fresh());
    port = event_ipi(0);
    REQUIRE("port", port > 0);
    set_mask((uint32_t)port);
    CHECK_EQ("send", 0, event_send((uint32_t)port));
    CHECK("pending", is_pending((uint32_t)port));
    CHECK_EQ("no-upcall", 0, xen_vcpu_info(0)->evtchn_upcall_pending);
    CHECK_EQ("no-selector", 0, xen_vcpu_info(0)->evtchn_pending_sel);
    CHECK("no-interrupt", gic_quiet());
    CHECK_EQ("unmask", 0, event_unmask((uint32_t)port));
    CHECK("unmasked", !is_masked((uint32_t)port));
    CHECK_EQ("upcall", 1, xen_vcpu_info(0)->evtchn_upcall_pending);
    CHECK_EQ("selector", 1ul << (port / 64), xen_vcpu_info(0)->evtchn_pending_sel);
    CHECK_EQ("interrupt", machine.event_irq, IRQ_ID(gic_wait_ack(patience_ms)));
    clear_pending((uint32_t)port);
    clear_upcall(0);
    gic_eoi(machine.event_irq);
    set_mask((uint32_t)port);
    CHECK_EQ("unmask-nothing", 0, event_unmask((uint32_t)port));
    CHECK("unmask-nothing-quiet", gic_quiet());
}

static void ports(void)
{
    uint32_t bad[] = { 0, 4095, 4096, 131071, 131072, 0x7fffffff, 0x80000000, 0xffffffff };

    REQUIRE("fresh", fresh());
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_EQ(check_name("send", bad[i]), -XEN_EINVAL, event_send(bad[i]));
        CHECK_EQ(check_name("close", bad[i]), -XEN_EINVAL, event_close(bad[i]));
        if (bad[i] != 0) /* Xen takes port 0, which is never bound, for something to unmask */
            CHECK_EQ(check_name("unmask", bad[i]), -XEN_EINVAL, event_unmask(bad[i]));
        CHECK_EQ(check_name("bind-vcpu", bad[i]), -XEN_EINVAL, event_bind_vcpu(bad[i], 0));
        CHECK_EQ(check_name("bind-interdomain", bad[i]), -XEN_EINVAL, event_bind(bad[i]));
    }
    CHECK("status-0", event_status(0).status == EVTCHNSTAT_closed || event_status(0).status == ~0u);
    CHECK_EQ("unknown-op", -XEN_ENOSYS, evtchn_op(15, bad));
    CHECK_EQ("unknown-op-99", -XEN_ENOSYS, evtchn_op(99, bad));
}

static void other_domains(void)
{
    evtchn_alloc_unbound_t alloc = { .dom = 77, .remote_dom = DOMID_SELF };
    evtchn_bind_interdomain_t bind = { .remote_dom = 77, .remote_port = 1 };
    evtchn_status_t status = { .dom = 77, .port = 1 };
    evtchn_reset_t reset = { .dom = 77 };

    CHECK_EQ("alloc", -XEN_ESRCH, evtchn_op(EVTCHNOP_alloc_unbound, &alloc));
    CHECK_EQ("bind", -XEN_ESRCH, evtchn_op(EVTCHNOP_bind_interdomain, &bind));
    CHECK_EQ("status", -XEN_ESRCH, evtchn_op(EVTCHNOP_status, &status));
    CHECK_EQ("reset", -XEN_ESRCH, evtchn_op(EVTCHNOP_reset, &reset));
}

static void virqs(void)
{
    evtchn_status_t status;
    long port;

    REQUIRE("fresh", fresh());
    port = event_virq(VIRQ_DEBUG, 0);
    REQUIRE("debug", port > 0);
    status = event_status((uint32_t)port);
    CHECK_EQ("status", EVTCHNSTAT_virq, status.status);
    CHECK_EQ("status-virq", VIRQ_DEBUG, status.u.virq);
    CHECK_EQ("twice", -XEN_EEXIST, event_virq(VIRQ_DEBUG, 0));
    CHECK("timer-accepted", event_virq(VIRQ_TIMER, 0) > 0);
    CHECK_EQ("number-end", -XEN_EINVAL, event_virq(NR_VIRQS, 0));
    CHECK_EQ("number-huge", -XEN_EINVAL, event_virq(0xffffffff, 0));
    CHECK_EQ("no-such-vcpu", -XEN_ENOENT, event_virq(VIRQ_TIMER, 1000));
    if (cpu_count > 1)
        CHECK_EQ("global-not-on-vcpu-1", -XEN_EINVAL, event_virq(VIRQ_DOM_EXC, 1));
    CHECK("global-on-vcpu-0", event_virq(VIRQ_DOM_EXC, 0) > 0);
    CHECK_EQ("bind-vcpu-of-private", -XEN_EINVAL, event_bind_vcpu((uint32_t)port, 0));
    CHECK_EQ("close", 0, event_close((uint32_t)port));
    port = event_virq(VIRQ_DEBUG, 0);
    CHECK("bound-anew", port > 0);
}

static void ipis(void)
{
    evtchn_status_t status;
    long port;

    REQUIRE("fresh", fresh());
    CHECK_EQ("no-such-vcpu", -XEN_ENOENT, event_ipi(1000));
    CHECK_EQ("negative-vcpu", -XEN_ENOENT, event_ipi(~0u));
    port = event_ipi(0);
    REQUIRE("port", port > 0);
    status = event_status((uint32_t)port);
    CHECK_EQ("status", EVTCHNSTAT_ipi, status.status);
    CHECK_EQ("status-vcpu", 0, status.vcpu);
    CHECK_EQ("bind-vcpu-refused", -XEN_EINVAL, event_bind_vcpu((uint32_t)port, 0));
}

/* Ports run out at 4096 with an error, and all come back. */
static void exhaustion(void)
{
    unsigned n = 0;
    long port = 0;

    REQUIRE("fresh", fresh());
    while (n < 5000 && (port = event_alloc()) > 0)
        n++;
    CHECK_RANGE("ports", 1023, 4095, n);
    CHECK_EQ("error", -XEN_ENOSPC, port);
    CHECK_EQ("reset", 0, event_reset());
    port = event_alloc();
    CHECK_EQ("first-again", 1, port);
    CHECK_EQ("gone", EVTCHNSTAT_closed, event_status(100).status);
}

/* An event ends WFI, also with the interrupt masked at the CPU. */
static void delayed_send(uint64_t port)
{
    delay_us(2000);
    (void)event_send((uint32_t)port);
}

static void wakes_wfi(void)
{
    uint64_t end;
    long port;

    REQUIRE("fresh", fresh());
    REQUIRE("starts", cpu_start(1));
    port = event_ipi(0);
    REQUIRE("port", port > 0);
    cpu_run(1, delayed_send, (uint64_t)port);
    end = counter() + ticks_ms(patience_ms);
    while (!xen_vcpu_info(0)->evtchn_upcall_pending && counter() < end)
        wfi();
    CHECK("woken", xen_vcpu_info(0)->evtchn_upcall_pending);
    CHECK_EQ("interrupt", machine.event_irq, IRQ_ID(gic_wait_ack(patience_ms)));
    clear_upcall(0);
    gic_eoi(machine.event_irq);
    CHECK("sender-done", cpu_wait(1));
}

static void event_on_1(uint64_t result)
{
    uint32_t iar;

    gic_set_bit(machine.event_irq, GICD_ISENABLER);
    clear_upcall(1); /* registration raised it */
    gic_drain();
    *(volatile uint64_t *)(result + 8) = 1;
    iar = gic_wait_ack(patience_ms);
    *(volatile uint64_t *)result = IRQ_ID(iar);
    clear_upcall(1);
    if (IRQ_ID(iar) < 1020)
        gic_eoi(iar);
}

/* Only the vCPU itself may, once it runs. */
static void register_on_1(uint64_t result)
{
    *(volatile long *)result = xen_register_vcpu_info(1);
}

/* A port bound to another vCPU raises that one's upcall, and only that. */
static void other_vcpu(void)
{
    static volatile uint64_t seen[2];
    long rc = 0, a, b;

    REQUIRE("fresh", fresh());
    REQUIRE("starts", cpu_start(1));
    if (!xen_vcpu_info(1))
        REQUIRE("registers", cpu_call(1, register_on_1, (uintptr_t)&rc));
    REQUIRE("vcpu-info", rc == 0);
    a = event_alloc();
    b = event_bind((uint32_t)a);
    clear_upcall(0);
    CHECK_EQ("bind-vcpu", 0, event_bind_vcpu((uint32_t)a, 1));
    CHECK_EQ("bind-vcpu-nobody", -XEN_ENOENT, event_bind_vcpu((uint32_t)a, 1000));
    CHECK_EQ("status-vcpu", 1, event_status((uint32_t)a).vcpu);
    for (unsigned i = 0; i < 2; i++)
        clear_pending((uint32_t)(i ? a : b));
    while (gic_irq_signalled())
        gic_eoi(gic_ack());
    seen[0] = seen[1] = 0;
    cpu_run(1, event_on_1, (uintptr_t)seen);
    REQUIRE("ready", WAIT_FOR(seen[1], patience_ms));
    CHECK_EQ("send", 0, event_send((uint32_t)b));
    CHECK("done", cpu_wait(1));
    CHECK_EQ("interrupt-there", machine.event_irq, seen[0]);
    CHECK_EQ("no-upcall-here", 0, xen_vcpu_info(0)->evtchn_upcall_pending);
    CHECK("quiet-here", gic_quiet());
    a = event_ipi(1);
    seen[0] = seen[1] = 0;
    cpu_run(1, event_on_1, (uintptr_t)seen);
    REQUIRE("ready-for-ipi", WAIT_FOR(seen[1], patience_ms));
    CHECK_EQ("send-ipi", 0, event_send((uint32_t)a));
    CHECK("ipi-done", cpu_wait(1));
    CHECK_EQ("ipi-there", machine.event_irq, seen[0]);
}

const struct test tests_event[] = {
    { "event.wall-clock", wall_clock, 0, 0 },
    { "event.unbound", unbound, 0, 0 },
    { "event.loopback", loopback, 0, 0 },
    { "event.upcall-level", upcall_level, 0, 0 },
    { "event.masked", masked, 0, 0 },
    { "event.ports", ports, 0, 0 },
    { "event.other-domains", other_domains, 0, 0 },
    { "event.virqs", virqs, 0, 0 },
    { "event.ipis", ipis, 0, 0 },
    { "event.exhaustion", exhaustion, 0, 0 },
    { "event.wakes-wfi", wakes_wfi, 2, 0 },
    { "event.other-vcpu", other_vcpu, 2, 0 },
    { 0 },
};
