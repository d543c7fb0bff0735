/* SPDX-License-Identifier: MIT */
/* A dom0 that controls a domain of two vCPUs by domctl; what domctl asks of other modules is made up here. */
#ifndef TEST_DOMCTL_COMMON_H
#define TEST_DOMCTL_COMMON_H

#include "test_ctl_common.h"
#include <argon/irqchip.h>

unused static struct domain_config created;
static int create_rc, kill_rc;
static struct domain *to_create;
unused static u16 created_id;

int domain_create(struct domain_config *cfg, u16 domid, struct domain **out)
{
    created = *cfg;
    created_id = domid;
    cfg->gic_version = 2;
    *out = to_create;
    return create_rc;
}

int domain_kill(struct domain *d)
{
    host_record("domain_kill", (u64)d, 0, 0, 0);
    return kill_rc;
}

int event_set_global_virq_handler(struct domain *d, u32 virq)
{
    (void)d;
    return virq == VIRQ_CONSOLE ? 0 : -EINVAL;
}

int irq_route_to_guest(u32 host_irq, struct domain *d, u32 vintid)
{
    host_record("irq_route_to_guest", host_irq, (u64)d, vintid, 0);
    return 0;
}

int irq_release_from_guest(u32 host_irq, struct domain *d)
{
    host_record("irq_release_from_guest", host_irq, (u64)d, 0, 0);
    return 0;
}

int arch_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    v->arch.regs.pc = c->user_regs.pc64;
    return (c->user_regs.cpsr & 0x1f) == 9 ? -EINVAL : 0;
}

void arch_get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
    c->user_regs.pc64 = v->arch.regs.pc;
}

static struct domain *d;
static struct xen_domctl op;

static int setup(void **state)
{
    (void)state;
    sched_machine(2, "credit2");
    ctl_caller(0);
    d = sched_domain(1, 2);
    d->target = 0;
    d->shared_info_gfn = INVALID_GFN;
    d->shutdown_code = ~0U;
    d->page_list = PAGE_NIL;
    spin_lock_init(&d->page_lock, RANK_PAGE_LIST);
    spin_lock_init(&d->domctl_lock, RANK_DOMCTL);
    pin_all(d, 1);
    memset(&op, 0, sizeof(op));
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = 1;
    create_rc = kill_rc = 0;
    machine.nodes = 1;
    return 0;
}
#define domctl_case(fn) cmocka_unit_test_setup_teardown(fn, setup, sched_teardown)

/* The operation as it is in `op`. */
static long domctl(u32 cmd)
{
    op.cmd = cmd;
    return ctl_call(do_domctl, &op, sizeof(op));
}

unused static u64 put(const void *data, size_t n)
{
    return unit_guest_put(caller->domain, data, n);
}

#endif
