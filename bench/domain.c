/* SPDX-License-Identifier: MIT */
/* Rows about other domains, made as xl create makes them: creation, foreign mappings, events, destruction. */
#include "bench.h"
#include <xen/domctl.h>
#include "console.h"
#include "gic.h"
#include "machine.h"
#include "sysreg.h"
#include "timer.h"
#include "xenabi.h"

#define TRIPS 500u
#define START_FLAG 0x800u
#define PORT_WORD 0x808u
#define RAM1_BASE 0x200000000ul
#define RAM0_END ((GUEST_RAM0_BASE + 0xc0000000ul) >> 12)
#define SHARED_OFFSET 0x1000u /* the guest's shared info page, after its code */
#define GIB_ORDER 18u
#define BLOCK_ORDER 9u

extern const uint8_t guest_code[], guest_code_end[];

static xen_domctl_t control;
static uint32_t local_port;

static long domctl(uint32_t cmd, domid_t domid)
{
    control.cmd = cmd;
    control.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    control.domain = domid;
    return hypercall1(__HYPERVISOR_domctl, &control);
}

/* Where the guest's first page is mapped while one is made or measured. */
static uint64_t window(void) { return machine_spare_page(PAGE_MEMORY + 8); }

static bool failed(const char *what, long rc)
{
    if (rc < 0)
        print("FAIL domain: %s gives %ld\n", what, rc);
    return rc < 0;
}

/* One page of the guest at our window, as the tools' privcmd does it. */
static long foreign_map(domid_t domid, uint64_t gfn)
{
    xen_ulong_t index = gfn;
    xen_pfn_t to = window() >> 12;
    int error = 0;
    struct xen_add_to_physmap_batch batch = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1 };
    long rc;

    batch.u.foreign_domid = domid;
    batch.idxs.p = &index;
    batch.gpfns.p = &to;
    batch.errs.p = &error;
    rc = memory_op(XENMEM_add_to_physmap_batch, &batch);
    return rc ? rc : error;
}

static unsigned order_for(uint64_t pages, unsigned largest)
{
    if (pages >= 1ul << largest)
        return largest;
    return pages >= 1ul << BLOCK_ORDER ? BLOCK_ORDER : 0;
}

/* As libxl does: as large as the hypervisor gives, 1 GiB or 2 MiB at a time; single pages where there is less. */
static bool populate(domid_t domid, uint64_t kib)
{
    static xen_pfn_t frames[512];
    uint64_t left = kib >> 2, gfn = GUEST_RAM0_BASE >> 12;
    unsigned largest = GIB_ORDER;

    while (left > 0) {
        unsigned order = order_for(left, largest), limit = order == GIB_ORDER ? 1 : 512, n = 0;
        struct xen_memory_reservation r = { .extent_order = order, .domid = domid };
        long done;

        if (gfn == RAM0_END)
            gfn = RAM1_BASE >> 12;
        while (n < limit && left >= (n + 1ul) << order && gfn + ((uint64_t)n << order) != RAM0_END) {
            frames[n] = gfn + ((uint64_t)n << order);
            n++;
        }
        r.extent_start.p = frames;
        r.nr_extents = n;
        done = memory_op(XENMEM_populate_physmap, &r);
        if (done <= 0 && order <= BLOCK_ORDER)
            return !failed("populate", -1);
        if (done <= 0)
            largest = BLOCK_ORDER;
        left -= (uint64_t)done << order;
        gfn += (uint64_t)done << order;
    }
    return true;
}

static bool connect(domid_t domid)
{
    evtchn_alloc_unbound_t there = { .dom = domid, .remote_dom = DOMID_SELF };
    evtchn_bind_interdomain_t here = { .remote_dom = domid };

    if (failed("alloc_unbound", evtchn_op(EVTCHNOP_alloc_unbound, &there)))
        return false;
    here.remote_port = there.port;
    if (failed("bind_interdomain", evtchn_op(EVTCHNOP_bind_interdomain, &here)))
        return false;
    local_port = here.local_port;
    mmio_write32(window() + PORT_WORD, there.port);
    return true;
}

/* Code and registers of the guest's only vCPU. */
static bool load(domid_t domid)
{
    static vcpu_guest_context_t context;
    struct xen_add_to_physmap shared = {
        .domid = domid, .space = XENMAPSPACE_shared_info, .gpfn = (GUEST_RAM0_BASE + SHARED_OFFSET) >> 12,
    };

    if (failed("foreign map", foreign_map(domid, GUEST_RAM0_BASE >> 12)))
        return false;
    for (unsigned i = 0; i < guest_code_end - guest_code; i += 4)
        mmio_write32(window() + i, *(const volatile uint32_t *)(guest_code + i));
    mmio_write32(window() + START_FLAG, 0);
    control.u.cacheflush.start_pfn = GUEST_RAM0_BASE >> 12;
    control.u.cacheflush.nr_pfns = 1;
    if (failed("cacheflush", domctl(XEN_DOMCTL_cacheflush, domid)) || !connect(domid))
        return false;
    if (failed("shared info", memory_op(XENMEM_add_to_physmap, &shared)))
        return false;
    memset(&context, 0, sizeof(context));
    context.flags = VGCF_online;
    context.user_regs.x0 = GUEST_RAM0_BASE + SHARED_OFFSET;
    context.user_regs.x1 = GUEST_RAM0_BASE;
    context.user_regs.pc64 = GUEST_RAM0_BASE;
    context.user_regs.cpsr = 0x1c5;
    context.sctlr = 0x00c50078;
    control.u.vcpucontext.vcpu = 0;
    control.u.vcpucontext.ctxt.p = &context;
    return !failed("setvcpucontext", domctl(XEN_DOMCTL_setvcpucontext, domid));
}

/* Negative on error; the guest is paused. */
static int create(uint64_t kib)
{
    domid_t domid;

    memset(&control, 0, sizeof(control));
    control.u.createdomain.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    control.u.createdomain.max_vcpus = 1;
    control.u.createdomain.max_evtchn_port = 1023;
    control.u.createdomain.max_grant_frames = -1;
    control.u.createdomain.max_maptrack_frames = -1;
    control.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(1);
    if (failed("createdomain", domctl(XEN_DOMCTL_createdomain, 0)))
        return -1;
    domid = control.domain;
    control.u.max_vcpus.max = 1;
    if (failed("max_vcpus", domctl(XEN_DOMCTL_max_vcpus, domid)))
        return -1;
    control.u.address_size.size = 64;
    if (failed("set_address_size", domctl(XEN_DOMCTL_set_address_size, domid)))
        return -1;
    control.u.max_mem.max_memkb = kib + 1024;
    if (failed("max_mem", domctl(XEN_DOMCTL_max_mem, domid)))
        return -1;
    control.u.paging_mempool.size = (kib * 4 + (512 + 1024) * 1024 + 0xffff) & ~0xfffful;
    if (failed("paging_mempool", domctl(XEN_DOMCTL_set_paging_mempool_size, domid)))
        return -1;
    return populate(domid, kib) && load(domid) ? domid : -1;
}

static bool run_until_started(domid_t domid)
{
    if (failed("unpause", domctl(XEN_DOMCTL_unpausedomain, domid)))
        return false;
    for (unsigned i = 0; i < 20000; i++) {
        if (mmio_read32(window() + START_FLAG))
            return true;
        (void)sched_op(SCHEDOP_yield, 0);
        bench_turn();
    }
    return !failed("guest's first instruction", -1);
}

static domid_t mapped_domid;

static void map_and_unmap(void)
{
    (void)foreign_map(mapped_domid, GUEST_RAM0_BASE >> 12);
    (void)xen_unmap(window());
}

static void clear_events(void)
{
    volatile shared_info_t *shared = xen_shared_info();

    shared->vcpu_info[0].evtchn_upcall_pending = 0;
    shared->vcpu_info[0].evtchn_pending_sel = 0;
    shared->evtchn_pending[local_port / 64] = 0;
}

/* An event to the guest and its answer; both sleep while they wait. */
static void round_trip(void)
{
    volatile vcpu_info_t *info = &xen_shared_info()->vcpu_info[0];

    (void)event_send(local_port);
    while (!info->evtchn_upcall_pending)
        wfi();
    clear_events();
}

static void destroy(domid_t domid)
{
    long rc;

    (void)event_close(local_port);
    do
        rc = domctl(XEN_DOMCTL_destroydomain, domid);
    while (rc == -XEN_EAGAIN);
    (void)failed("destroydomain", rc);
    for (unsigned i = 0; i < 100000 && domctl(XEN_DOMCTL_getdomaininfo, domid) == 0 && control.domain == domid; i++) {
        (void)sched_op(SCHEDOP_yield, 0);
        bench_turn();
    }
}

/* Polled; pending, its interrupt would keep WFI from sleeping. */
static void quiet_events(void)
{
    clear_events(); /* binding raised it */
    gic_set_bit(machine.event_irq, GICD_ICENABLER);
    gic_drain();
}

/* Made and run as far as its first sleep; its page stays in the window. Negative on error. */
static int start(uint64_t kib)
{
    int domid;

    (void)xen_unmap(window());
    domid = create(kib);
    if (domid < 0 || !run_until_started((domid_t)domid))
        return -1;
    return domid;
}

static bool keep_to_pcpu(domid_t domid, unsigned pcpu)
{
    static uint64_t mask;

    mask = 1ul << pcpu;
    memset(&control.u.vcpuaffinity, 0, sizeof(control.u.vcpuaffinity));
    control.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    control.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)&mask;
    control.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    return !failed("setvcpuaffinity", domctl(XEN_DOMCTL_setvcpuaffinity, domid));
}

void bench_domain(uint64_t kib)
{
    uint64_t begin;
    int domid;

    if (!xen_shared_info())
        return;
    begin = counter();
    domid = start(kib);
    if (domid < 0)
        return;
    bench_report("domain_create", counter() - begin, 1);
    bench_event_domains("event_domains");
    mapped_domid = (domid_t)domid;
    bench_foreign_map();
    begin = counter();
    destroy((domid_t)domid);
    bench_report("domain_destroy", counter() - begin, 1);
}

bool bench_idle_domains(unsigned n, uint64_t kib)
{
    if (!xen_shared_info())
        return false;
    while (n--) {
        int domid = start(kib);

        if (domid < 0)
            return false;
        mapped_domid = (domid_t)domid;
    }
    quiet_events();
    return true;
}

void bench_event_domains(const char *id)
{
    quiet_events();
    bench_measure(id, round_trip, TRIPS);
}

void bench_foreign_map(void)
{
    (void)xen_unmap(window());
    bench_measure("foreign_map", map_and_unmap, 500);
}

void bench_domain_elsewhere(void)
{
    if (!bench_idle_domains(1, ONE_PAGE_KIB) || !keep_to_pcpu(mapped_domid, 1))
        return;
    quiet_events();
    bench_measure_middle("event_domains_2", round_trip);
}
