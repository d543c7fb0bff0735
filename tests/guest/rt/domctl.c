/* SPDX-License-Identifier: MIT */
#include "domctl.h"
#include "console.h"
#include "timer.h"

xen_domctl_t domctl_buffer;

long domctl(uint32_t cmd, domid_t domid)
{
    domctl_buffer.cmd = cmd;
    domctl_buffer.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    domctl_buffer.domain = domid;
    return hypercall1(__HYPERVISOR_domctl, &domctl_buffer);
}

xen_sysctl_t sysctl_buffer;

long sysctl(uint32_t cmd)
{
    sysctl_buffer.cmd = cmd;
    sysctl_buffer.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return hypercall1(__HYPERVISOR_sysctl, &sysctl_buffer);
}

long debug_key(char key)
{
    static char keys[1];

    keys[0] = key;
    sysctl_buffer.u.debug_keys.keys.p = keys;
    sysctl_buffer.u.debug_keys.nr_keys = 1;
    return sysctl(XEN_SYSCTL_debug_keys);
}

long console_log(char *text, uint32_t size, bool clear)
{
    struct xen_sysctl_readconsole *r = &sysctl_buffer.u.readconsole;
    long rc;

    memset(r, 0, sizeof(*r));
    r->clear = clear;
    r->buffer.p = text;
    r->count = size - 1;
    rc = sysctl(XEN_SYSCTL_readconsole);
    if (rc != 0)
        return rc;
    text[r->count] = 0;
    return r->count;
}

bool vcpu_pin(domid_t domid, unsigned vcpu, uint64_t pcpus)
{
    static uint64_t hard, soft;
    struct xen_domctl_vcpuaffinity *a = &domctl_buffer.u.vcpuaffinity;

    hard = pcpus;
    soft = ~0ul;
    a->vcpu = vcpu;
    a->flags = XEN_VCPUAFFINITY_HARD;
    a->cpumap_hard.nr_bits = 64;
    a->cpumap_soft.nr_bits = 64;
    a->cpumap_hard.bitmap.p = (uint8_t *)&hard;
    a->cpumap_soft.bitmap.p = (uint8_t *)&soft;
    return domctl(XEN_DOMCTL_setvcpuaffinity, domid) == 0;
}

bool vcpu_is_blocked(domid_t domid, unsigned vcpu)
{
    domctl_buffer.u.getvcpuinfo.vcpu = vcpu;
    return domctl(XEN_DOMCTL_getvcpuinfo, domid) == 0 && domctl_buffer.u.getvcpuinfo.blocked;
}

static long context_op(uint32_t cmd, domid_t domid, unsigned vcpu, vcpu_guest_context_t *context)
{
    domctl_buffer.u.vcpucontext.vcpu = vcpu;
    domctl_buffer.u.vcpucontext.ctxt.p = context;
    return domctl(cmd, domid);
}

long vcpu_get_context(domid_t domid, unsigned vcpu, vcpu_guest_context_t *context)
{
    return context_op(XEN_DOMCTL_getvcpucontext, domid, vcpu, context);
}

long vcpu_set_context(domid_t domid, unsigned vcpu, vcpu_guest_context_t *context)
{
    return context_op(XEN_DOMCTL_setvcpucontext, domid, vcpu, context);
}

uint64_t free_pages(void)
{
    return sysctl(XEN_SYSCTL_physinfo) == 0 ? sysctl_buffer.u.physinfo.free_pages : 0;
}

uint64_t free_pages_settled(void)
{
    uint64_t free = free_pages(), last;
    unsigned same = 0;

    for (unsigned i = 0; i < 500 && same < 20; i++) {
        delay_us(10000);
        (void)sched_op(SCHEDOP_yield, 0);
        last = free;
        free = free_pages();
        same = free == last ? same + 1 : 0;
    }
    return free;
}
