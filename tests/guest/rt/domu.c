/* SPDX-License-Identifier: MIT */
#include "domu.h"
#include "console.h"
#include "cpu.h"
#include "gic.h"
#include "machine.h"
#include "mmu.h"
#include "sysreg.h"
#include "timer.h"

#define RAM_ORDER 9u
#define RAM_PAGES (1ul << RAM_ORDER)
#define SHARED_PAGE (RAM_PAGES - 1) /* its shared info, and below it the box */
#define BOX_PAGE (RAM_PAGES - 2)
#define BOX_GPA (GUEST_RAM0_BASE + BOX_PAGE * PAGE_SIZE)
#define RAM_GFN (GUEST_RAM0_BASE >> 12)

extern char image_start[], image_bss[];
void domu_start(void);

_Static_assert(sizeof(struct domu_box) <= PAGE_SIZE, "one page");

/* ---- dom0's side ---- */

static bool failed(const char *what, long rc)
{
    if (rc < 0)
        print("# domain: %s gives %ld\n", what, rc);
    return rc < 0;
}

/* A page of the domain at one of our windows: 0 and 1 for boxes, 2 for loading. */
static void *window(unsigned n) { return (void *)machine_spare_page(PAGE_FOREIGN + n); }

static bool foreign_map(domid_t domid, uint64_t gfn, unsigned n)
{
    xen_ulong_t index = gfn;
    xen_pfn_t to = (uintptr_t)window(n) >> 12;
    int error = 0;
    struct xen_add_to_physmap_batch batch = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1 };

    (void)xen_unmap((uintptr_t)window(n));
    batch.u.foreign_domid = domid;
    batch.idxs.p = &index;
    batch.gpfns.p = &to;
    batch.errs.p = &error;
    return !failed("foreign map", memory_op(XENMEM_add_to_physmap_batch, &batch)) && !failed("foreign map", error);
}

static bool populate(domid_t domid, unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++) {
        xen_pfn_t first = RAM_GFN + i * RAM_PAGES;
        struct xen_memory_reservation ram = { .extent_order = RAM_ORDER, .nr_extents = 1, .domid = domid };

        ram.extent_start.p = &first;
        if (failed("populate", memory_op(XENMEM_populate_physmap, &ram) - 1))
            return false;
    }
    return true;
}

bool domu_build(domid_t *domid, unsigned vcpus, unsigned blocks)
{

    memset(&domctl_buffer, 0, sizeof(domctl_buffer));
    domctl_buffer.u.createdomain.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    domctl_buffer.u.createdomain.max_vcpus = vcpus;
    domctl_buffer.u.createdomain.max_evtchn_port = 1023;
    domctl_buffer.u.createdomain.max_grant_frames = -1;
    domctl_buffer.u.createdomain.max_maptrack_frames = -1;
    domctl_buffer.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(1);
    if (failed("createdomain", domctl(XEN_DOMCTL_createdomain, 0)))
        return false;
    *domid = domctl_buffer.domain;
    domctl_buffer.u.max_vcpus.max = vcpus;
    if (failed("max_vcpus", domctl(XEN_DOMCTL_max_vcpus, *domid)))
        return false;
    domctl_buffer.u.address_size.size = 64;
    if (failed("set_address_size", domctl(XEN_DOMCTL_set_address_size, *domid)))
        return false;
    domctl_buffer.u.max_mem.max_memkb = (blocks + 1) * 2048;
    if (failed("max_mem", domctl(XEN_DOMCTL_max_mem, *domid)))
        return false;
    domctl_buffer.u.paging_mempool.size = 0x200000;
    if (failed("paging_mempool", domctl(XEN_DOMCTL_set_paging_mempool_size, *domid)))
        return false;
    return populate(*domid, blocks);
}

/* The image as it is here, without what it has written since: the rest of the domain's RAM is zero. */
static bool load(domid_t domid)
{
    uint64_t size = (uint64_t)(image_bss - image_start);

    for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
        uint64_t rest = size - at;

        if (!foreign_map(domid, RAM_GFN + at / PAGE_SIZE, 2))
            return false;
        memcpy(window(2), image_start + at, rest < PAGE_SIZE ? rest : PAGE_SIZE);
    }
    (void)xen_unmap((uintptr_t)window(2));
    domctl_buffer.u.cacheflush.start_pfn = RAM_GFN;
    domctl_buffer.u.cacheflush.nr_pfns = RAM_PAGES;
    return !failed("cacheflush", domctl(XEN_DOMCTL_cacheflush, domid));
}

static bool connect(struct domu *d)
{
    evtchn_alloc_unbound_t there = { .dom = d->id, .remote_dom = DOMID_SELF };
    evtchn_bind_interdomain_t here = { .remote_dom = d->id };
    struct xen_add_to_physmap shared = {
        .domid = d->id, .space = XENMAPSPACE_shared_info, .gpfn = RAM_GFN + SHARED_PAGE,
    };

    if (failed("alloc_unbound", evtchn_op(EVTCHNOP_alloc_unbound, &there)))
        return false;
    here.remote_port = there.port;
    if (failed("bind_interdomain", evtchn_op(EVTCHNOP_bind_interdomain, &here)))
        return false;
    d->port = here.local_port;
    d->box->port = there.port;
    return !failed("shared info", memory_op(XENMEM_add_to_physmap, &shared));
}

bool domu_create(struct domu *d, unsigned slot)
{
    static vcpu_guest_context_t context;

    d->box = NULL;
    d->slot = slot;
    if (!domu_build(&d->id, 1, 1) || !load(d->id) || !foreign_map(d->id, RAM_GFN + BOX_PAGE, slot))
        return false;
    d->box = window(slot);
    d->box->gic_version = gic.version;
    if (!connect(d))
        return false;
    memset(&context, 0, sizeof(context));
    context.flags = VGCF_online;
    context.user_regs.x0 = BOX_GPA;
    context.user_regs.pc64 = GUEST_RAM0_BASE + ((uintptr_t)domu_start - (uintptr_t)image_start);
    context.user_regs.cpsr = 0x1c5;
    context.sctlr = 0x00c50078;
    return !failed("setvcpucontext", vcpu_set_context(d->id, 0, &context));
}

bool domu_run(struct domu *d, domu_work *work, uint64_t who, uint64_t arg)
{
    d->box->who = who;
    d->box->arg = arg;
    dmb();
    d->box->work = (uintptr_t)work - (uintptr_t)image_start;
    if (!d->box->running && failed("unpause", domctl(XEN_DOMCTL_unpausedomain, d->id)))
        return false;
    return WAIT_FOR(d->box->running, patience_ms);
}

bool domu_wait(struct domu *d, unsigned ms)
{
    return WAIT_FOR(!d->box->work, ms);
}

void domu_destroy_bare(domid_t domid)
{
    long rc;

    do
        rc = domctl(XEN_DOMCTL_destroydomain, domid);
    while (rc == -XEN_EAGAIN);
    (void)failed("destroydomain", rc);
    for (unsigned i = 0;
         i < 100000 && domctl(XEN_DOMCTL_getdomaininfo, domid) == 0 && domctl_buffer.domain == domid; i++)
        (void)sched_op(SCHEDOP_yield, 0);
}

void domu_destroy(struct domu *d)
{
    if (d->box) {
        (void)event_close(d->port);
        (void)xen_unmap((uintptr_t)window(d->slot));
    }
    (void)xen_unmap((uintptr_t)window(2));
    domu_destroy_bare(d->id);
}

/* ---- the domain's side ---- */

volatile struct domu_box *domu_self;

void domu_clear_event(void)
{
    volatile shared_info_t *shared = (volatile shared_info_t *)(GUEST_RAM0_BASE + SHARED_PAGE * PAGE_SIZE);

    shared->vcpu_info[0].evtchn_upcall_pending = 0;
    shared->vcpu_info[0].evtchn_pending_sel = 0;
    shared->evtchn_pending[0] = 0;
    dsb();
}

void domu_main(volatile struct domu_box *box)
{
    domu_self = box;
    cpu_init(1);
    timer_irqs.physical = GUEST_TIMER_PHYS_NS_PPI;
    timer_irqs.virtual = GUEST_TIMER_VIRT_PPI;
    mmu_init();
    mmu_enable();
    gic_init_domu(box->gic_version);
    for (;;) {
        box->running = 1;
        if (!box->work) {
            (void)sched_op(SCHEDOP_yield, 0);
            continue;
        }
        dmb();
        ((domu_work *)((uintptr_t)image_start + box->work))(box);
        dmb();
        box->work = 0;
    }
}
