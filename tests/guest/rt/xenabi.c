/* SPDX-License-Identifier: MIT */
#include "xenabi.h"
#include <stddef.h>
#include "console.h"
#include "machine.h"

static volatile shared_info_t *shared;
static bool registered[MAX_CPUS];

long xen_map(unsigned space, uint64_t index, uint64_t gpa)
{
    struct xen_add_to_physmap map = { .domid = DOMID_SELF, .space = space, .idx = index, .gpfn = gpa >> 12 };

    return memory_op(XENMEM_add_to_physmap, &map);
}

long xen_unmap(uint64_t gpa)
{
    struct xen_remove_from_physmap map = { .domid = DOMID_SELF, .gpfn = gpa >> 12 };

    return memory_op(XENMEM_remove_from_physmap, &map);
}

volatile shared_info_t *xen_shared_info(void)
{
    if (!shared && xen_map(XENMAPSPACE_shared_info, 0, machine_spare_page(PAGE_SHARED_INFO)) == 0)
        shared = (volatile shared_info_t *)machine_spare_page(PAGE_SHARED_INFO);
    return shared;
}

long xen_register_vcpu_info(unsigned cpu)
{
    uint64_t page = machine_spare_page(PAGE_VCPU_INFO);
    struct vcpu_register_vcpu_info info = { .mfn = page >> 12, .offset = cpu * 64 };
    long rc = vcpu_op(VCPUOP_register_vcpu_info, cpu, &info);

    if (rc == 0)
        registered[cpu] = true;
    return rc;
}

volatile vcpu_info_t *xen_vcpu_info(unsigned cpu)
{
    if (registered[cpu])
        return (volatile vcpu_info_t *)(machine_spare_page(PAGE_VCPU_INFO) + cpu * 64);
    return cpu == 0 ? &xen_shared_info()->vcpu_info[0] : NULL;
}

long event_alloc(void)
{
    evtchn_alloc_unbound_t op = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    long rc = evtchn_op(EVTCHNOP_alloc_unbound, &op);

    return rc ? rc : (long)op.port;
}

long event_bind(uint32_t remote)
{
    evtchn_bind_interdomain_t op = { .remote_dom = DOMID_SELF, .remote_port = remote };
    long rc = evtchn_op(EVTCHNOP_bind_interdomain, &op);

    return rc ? rc : (long)op.local_port;
}

long event_ipi(unsigned vcpu)
{
    evtchn_bind_ipi_t op = { .vcpu = vcpu };
    long rc = evtchn_op(EVTCHNOP_bind_ipi, &op);

    return rc ? rc : (long)op.port;
}

long event_virq(unsigned virq, unsigned vcpu)
{
    evtchn_bind_virq_t op = { .virq = virq, .vcpu = vcpu };
    long rc = evtchn_op(EVTCHNOP_bind_virq, &op);

    return rc ? rc : (long)op.port;
}

long event_close(uint32_t port)
{
    evtchn_close_t op = { .port = port };

    return evtchn_op(EVTCHNOP_close, &op);
}

long event_send(uint32_t port)
{
    evtchn_send_t op = { .port = port };

    return evtchn_op(EVTCHNOP_send, &op);
}

long event_unmask(uint32_t port)
{
    evtchn_unmask_t op = { .port = port };

    return evtchn_op(EVTCHNOP_unmask, &op);
}

long event_bind_vcpu(uint32_t port, unsigned vcpu)
{
    evtchn_bind_vcpu_t op = { .port = port, .vcpu = vcpu };

    return evtchn_op(EVTCHNOP_bind_vcpu, &op);
}

long event_reset(void)
{
    evtchn_reset_t op = { .dom = DOMID_SELF };

    return evtchn_op(EVTCHNOP_reset, &op);
}

evtchn_status_t event_status(uint32_t port)
{
    evtchn_status_t op = { .dom = DOMID_SELF, .port = port };

    if (evtchn_op(EVTCHNOP_status, &op) != 0)
        op.status = ~0u;
    return op;
}
