/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op: fetch the argument, choose the domain, check permission, act (public event_channel.h).
 * An operation that opens a port and cannot tell its number undoes it.
 */
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/event.h>
#include <argon/guest_access.h>
#include <argon/hypercall.h>
#include <argon/nospec.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/string.h>

typedef long event_op_fn(struct vcpu *v, u64 arg);

#define ROW_ENDS(nr, fn, right, ends) [nr] = (ends),
static const u8 event_right[] = { EVENT_OPS(ROW_RIGHT) };
static const u8 event_ends[] = { EVENT_OPS(ROW_ENDS) };

/* Return a new port (or an error) in the 4 bytes at gva. */
static long give_port(struct domain *d, int port, u64 gva)
{
    u32 out = (u32)port;
    int rc = 0;

    if (port < 0) {
        return port;
    }
    if (copy_to_guest(gva, &out, sizeof(out)) != 0) {
        rc = event_close(d, out);
        return rc != 0 ? rc : -EFAULT;
    }
    return 0;
}

static long op_alloc_unbound(struct vcpu *v, u64 arg)
{
    struct evtchn_alloc_unbound a;
    struct domain *d, *remote;
    int rc;

    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    d = domain_by_arg(v, a.dom);
    remote = domain_by_arg(v, a.remote_dom);
    if (d == NULL || remote == NULL) {
        return -ESRCH;
    }
    rc = permit(event_right[EVTCHNOP_alloc_unbound], v->domain, d);
    if (rc == 0) {
        rc = permit(event_ends[EVTCHNOP_alloc_unbound], d, remote);
    }
    if (rc != 0) {
        return rc;
    }
    return give_port(d, event_alloc_unbound(d, remote), arg + offsetof(struct evtchn_alloc_unbound, port));
}

static long op_bind_interdomain(struct vcpu *v, u64 arg)
{
    struct evtchn_bind_interdomain a;
    struct domain *remote;
    int rc;

    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    remote = domain_by_arg(v, a.remote_dom);
    if (remote == NULL) {
        return -ESRCH;
    }
    rc = permit(event_ends[EVTCHNOP_bind_interdomain], v->domain, remote);
    if (rc != 0) {
        return rc;
    }
    return give_port(v->domain, event_bind_interdomain(v->domain, remote, a.remote_port),
                     arg + offsetof(struct evtchn_bind_interdomain, local_port));
}

static long op_bind_virq(struct vcpu *v, u64 arg)
{
    struct evtchn_bind_virq a;

    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    return give_port(v->domain, event_bind_virq(v->domain, a.virq, a.vcpu),
                     arg + offsetof(struct evtchn_bind_virq, port));
}

/* There are no PIRQs on ARM: interrupts are the virtual GIC's. Each number is out of range. */
static long op_bind_pirq(struct vcpu *v, u64 arg)
{
    struct evtchn_bind_pirq a;

    (void)v;
    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    return -EINVAL;
}

static long op_bind_ipi(struct vcpu *v, u64 arg)
{
    struct evtchn_bind_ipi a;

    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    return give_port(v->domain, event_bind_ipi(v->domain, a.vcpu), arg + offsetof(struct evtchn_bind_ipi, port));
}

static long op_close(struct vcpu *v, u64 arg)
{
    struct evtchn_close a;

    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    return event_close(v->domain, a.port);
}

static noinline long op_send_copied(struct vcpu *v, u64 arg)
{
    struct evtchn_send a;

    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    return event_send(v->domain, a.port);
}

static always_inline long op_send(struct vcpu *v, u64 arg)
{
    struct domain *d = v->domain;
    u32 port;

    static_assert(sizeof(struct evtchn_send) == sizeof(port), "its one member, the port");
    return likely(fetch_u32_at_once(d, arg, &port)) ? event_send(d, port) : op_send_copied(v, arg);
}

static long op_status(struct vcpu *v, u64 arg)
{
    struct evtchn_status in, out;
    struct domain *d;
    int rc;

    if (copy_from_guest(&in, arg, sizeof(in)) != 0) {
        return -EFAULT;
    }
    d = domain_by_arg(v, in.dom);
    if (d == NULL) {
        return -ESRCH;
    }
    rc = permit(event_right[EVTCHNOP_status], v->domain, d);
    if (rc != 0) {
        return rc;
    }
    memset(&out, 0, sizeof(out));
    out.dom = in.dom;
    out.port = in.port;
    rc = event_status(d, in.port, &out);
    if (rc == 0 && copy_to_guest(arg, &out, sizeof(out)) != 0) {
        rc = -EFAULT;
    }
    return rc;
}

static long op_bind_vcpu(struct vcpu *v, u64 arg)
{
    struct evtchn_bind_vcpu a;

    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    return event_bind_vcpu(v->domain, a.port, a.vcpu);
}

static long op_unmask(struct vcpu *v, u64 arg)
{
    struct evtchn_unmask a;

    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    return event_unmask(v->domain, a.port);
}

/* Another domain's ports are closed only while it is paused, so that it does not run into half of it. */
static long op_reset(struct vcpu *v, u64 arg)
{
    struct evtchn_reset a;
    struct domain *d;
    int rc;

    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    d = domain_by_arg(v, a.dom);
    if (d == NULL) {
        return -ESRCH;
    }
    rc = permit(event_right[EVTCHNOP_reset], v->domain, d);
    if (rc == 0 && d != v->domain && atomic_load(&d->pause_count) == 0) {
        rc = -EINVAL;
    }
    return rc != 0 ? rc : event_reset(d);
}

static long op_init_control(struct vcpu *v, u64 arg)
{
    struct evtchn_init_control a;
    int rc;

    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    a.link_bits = EVTCHN_FIFO_LINK_BITS;
    memset(a._pad, 0, sizeof(a._pad));
    /* Told before it is done: there is no way back from FIFO for one vCPU. */
    if (copy_to_guest(arg, &a, sizeof(a)) != 0) {
        return -EFAULT;
    }
    rc = event_init_control(v->domain, a.vcpu, a.control_gfn, a.offset);
    return rc;
}

static long op_expand_array(struct vcpu *v, u64 arg)
{
    struct evtchn_expand_array a;

    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    return event_expand_array(v->domain, a.array_gfn);
}

static long op_set_priority(struct vcpu *v, u64 arg)
{
    struct evtchn_set_priority a;

    if (copy_from_guest(&a, arg, sizeof(a)) != 0) {
        return -EFAULT;
    }
    return event_set_priority(v->domain, a.port, a.priority);
}

static event_op_fn *const event_ops_table[] = { EVENT_OPS(ROW_HANDLER) };

/* args: command (an int), gva of its argument. */
long do_event_channel_op(struct vcpu *v, u64 *args)
{
    u32 cmd = (u32)args[0];

    ASSERT(v == current_vcpu());
    if (likely(cmd == EVTCHNOP_send)) {
        return op_send(v, args[1]);      /* nearly all of them */
    }
    if (unlikely(cmd >= ARRAY_SIZE(event_ops_table))) {
        return -ENOSYS;
    }
    return event_ops_table[index_nospec(cmd, ARRAY_SIZE(event_ops_table))](v, args[1]);
}
