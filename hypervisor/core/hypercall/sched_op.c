/* SPDX-License-Identifier: MIT */
/* sched_op (public sched.h, SCHEDOP_*). */
#include <argon/hypercall.h>

#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/nospec.h>
#include <argon/panic.h>
#include <argon/percpu.h>

#define MAX_POLL_PORTS 128

typedef long sched_op_fn(struct vcpu *v, u64 gva);

static const u8 sched_right[] = { SCHED_OPS(ROW_RIGHT) };

static long op_yield(struct vcpu *v, u64 gva)
{
    (void)v;
    (void)gva;
    vcpu_yield_current();
    return 0;
}

static long op_block(struct vcpu *v, u64 gva)
{
    (void)v;
    (void)gva;
    vcpu_block_current();
    return 0;
}

static long op_shutdown(struct vcpu *v, u64 gva)
{
    struct sched_shutdown s;

    if (copy_from_guest(&s, gva, sizeof(s)) != 0) {
        return -EFAULT;
    }
    if (s.reason > SHUTDOWN_MAX) {
        return -EINVAL;
    }
    domain_shutdown(v->domain, s.reason);
    return 0;
}

static void poll_stop(struct vcpu *v)
{
    atomic_fetch_and(&v->pause_flags, ~(u32)VPF_POLL);
}

/* Any of the ports pending: 1; none: 0; or an error. */
static int poll_look(struct vcpu *v, const struct sched_poll *p)
{
    for (u32 i = 0; i < p->nr_ports; i++) {
        u32 port;

        if (copy_from_guest(&port, handle_gva(p->ports) + i * sizeof(port), sizeof(port)) != 0) {
            return -EFAULT;
        }
        if (port >= atomic_load_acquire(&v->domain->event.valid_ports)) {
            return -EINVAL;
        }
        if (event_port_is_pending(v->domain, port)) {
            return 1;
        }
    }
    return 0;
}

/*
 * The flag is set before the ports are looked at, and a sender sets the port before it looks for pollers: no event is
 * missed. The result is given now; the vCPU just does not go on until a port is pending, any other event comes, or the
 * time is over.
 */
static long op_poll(struct vcpu *v, u64 gva)
{
    struct sched_poll p;
    int rc;

    ASSERT(v == current_vcpu());
    if (copy_from_guest(&p, gva, sizeof(p)) != 0) {
        return -EFAULT;
    }
    if (p.nr_ports > MAX_POLL_PORTS) {
        return -EINVAL;
    }
    timer_stop(&v->poll_timer);
    atomic_fetch_or(&v->pause_flags, VPF_POLL);
    atomic_fetch_or(&v->domain->poll_mask, BIT32(v->id % 32));
    cpu_barrier();
    rc = poll_look(v, &p);
    if (rc != 0 || vcpu_event_pending(v)) {
        poll_stop(v);
        return rc < 0 ? rc : 0;
    }
    if (p.timeout != 0) {
        timer_set(&v->poll_timer, p.timeout + v->domain->created_ns);
    }
    atomic_fetch_or(&v->pending, PEND_RESCHED);
    return 0;
}

static long op_remote_shutdown(struct vcpu *v, u64 gva)
{
    struct sched_remote_shutdown s;
    struct domain *d;
    int rc;

    if (copy_from_guest(&s, gva, sizeof(s)) != 0) {
        return -EFAULT;
    }
    d = domain_by_arg(v, s.domain_id);
    rc = permit(sched_right[SCHEDOP_remote_shutdown], v->domain, d);
    if (rc != 0) {
        return rc;
    }
    if (d == NULL) {
        return -ESRCH;
    }
    if (s.reason > SHUTDOWN_MAX) {
        return -EINVAL;
    }
    domain_shutdown(d, s.reason);
    return 0;
}

static long op_shutdown_code(struct vcpu *v, u64 gva)
{
    struct sched_shutdown s;
    struct domain *d = v->domain;

    if (copy_from_guest(&s, gva, sizeof(s)) != 0) {
        return -EFAULT;
    }
    if (s.reason > SHUTDOWN_MAX) {
        return -EINVAL;
    }
    spin_lock(&d->lock);
    if (!d->shutting_down) {
        d->shutdown_code = s.reason;
    }
    spin_unlock(&d->lock);
    return 0;
}

static long op_watchdog(struct vcpu *v, u64 gva)
{
    struct sched_watchdog w;

    if (copy_from_guest(&w, gva, sizeof(w)) != 0) {
        return -EFAULT;
    }
    return domain_watchdog(v->domain, w.id, w.timeout);
}

static long op_pin_override(struct vcpu *v, u64 gva)
{
    struct sched_pin_override p;
    int rc = permit_call(sched_right[SCHEDOP_pin_override], v->domain);

    if (rc != 0) {
        return rc;
    }
    if (copy_from_guest(&p, gva, sizeof(p)) != 0) {
        return -EFAULT;
    }
    return sched_pin_override(v, p.pcpu);
}

static sched_op_fn *const sched_ops[] = { SCHED_OPS(ROW_HANDLER) };

/* args: cmd, arg. */
long do_sched_op(struct vcpu *v, u64 *args)
{
    u32 cmd = (u32)args[0];

    return cmd < ARRAY_SIZE(sched_ops) ? sched_ops[index_nospec(cmd, ARRAY_SIZE(sched_ops))](v, args[1]) : -ENOSYS;
}
