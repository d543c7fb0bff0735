/* SPDX-License-Identifier: MIT */
/* A domain: a guest, or dom0, or one of the pseudo domains that own hypervisor pages. */
#ifndef ARGON_DOMAIN_H
#define ARGON_DOMAIN_H

#include <argon/nospec.h>
#include <argon/smp.h>
#include <argon/vcpu.h>

struct grant_table;
struct rangeset;

enum domain_dying { DOMAIN_ALIVE = 0, DOMAIN_DYING = 1, DOMAIN_DEAD = 2 };

struct domain {
    struct arch_domain arch;     /* stage 2 root, VMID, feature set */
    u16 id;                      /* used again when it has gone: what outlives a hypercall remembers the serial */
    u64 serial;                  /* never used again, never 0 */
    u8 dying;                    /* enum domain_dying; written under lock */
    bool is_privileged;          /* dom0 */
    bool is_console;             /* may use console_io */
    bool direct_mapped;          /* gfn == mfn */
    bool is_32bit;
    bool auto_node_affinity;
    bool shutting_down, shut_down; /* lock */
    u32 shutdown_code;           /* SHUTDOWN_*, ~0 when none */
    u32 controller_paused;       /* pauses held by the toolstack (domctl pause, creation); lock */
    bool was_unpaused;           /* the toolstack has let it run */
    bool debugger_attached;      /* domctl setdebugging */
    u32 max_vcpus;
    struct vcpu **vcpu;          /* [max_vcpus], entries NULL until created */
    struct spinlock lock;        /* RANK_DOMAIN */
    u32 pause_count;             /* domain_pause() calls in force; lock */
    u32 creation_flags;          /* XEN_DOMCTL_CDF_* */
    u8 handle[16];
    u32 ssidref;

    /* memory */
    struct spinlock page_lock;   /* RANK_PAGE_LIST: the list and the counts */
    u32 page_list;               /* head mfn, PAGE_NIL when empty */
    u32 tot_pages, max_pages;
    u32 shared_pages;            /* PAGE_SHARED_HYP pages alive */
    u32 nr_foreign;              /* P2M_FOREIGN_* mappings in its stage 2 (atomic), for physmap_relinquish() */
    u64 relinquish_gfn;          /* progress of physmap_relinquish() */
    u64 node_affinity;           /* NUMA nodes to take memory from, bit each; ~0 = no preference, and no other mask has all */
    struct shared_info *shared_info;         /* in a PAGE_SHARED_HYP page */
    gfn_t shared_info_gfn;       /* where the guest mapped it, INVALID_GFN if not */
    u64 paging_pool_bytes;       /* p2m quota; with paging_pool_used under RANK_P2M */
    u64 paging_pool_used;

    struct event_domain event;
    struct grant_table *grant;
    struct sched_dom sched;
    struct cpupool *cpupool;
    u64 hvm_params[HVM_NR_PARAMS]; /* lock */
    s64 time_offset;             /* seconds, domctl settimeoffset */
    u64 created_ns;              /* system time at creation: the guest's own time is now_ns() - created_ns */
    u32 vm_assist;               /* bit per VMASST_TYPE_* */
    u32 poll_mask;               /* not 0: some vCPU polls or has polled (hint for event_send) */
    struct timer watchdog[2];    /* sched_op(watchdog) */
    u32 watchdog_inuse;
    struct rangeset *iomem_caps, *irq_caps;      /* frames and interrupts it may be given or give */
    u64 target;                  /* domctl set_target: serial of the domain it serves, 0 when none */
    u32 suspend_port;            /* domctl subscribe: its own port through which SHUTDOWN_suspend is told, 0 = none */
    struct spinlock domctl_lock; /* RANK_DOMCTL: one control operation at a time; only ever tried */
    u32 relinquish_stage;        /* domain_kill progress; domctl_lock, and the grace period's callback */
    bool kill_quiesced;          /* atomic: the grace period inside domain_kill() is over */
    u32 destroy_stage;           /* atomic: domain_maybe_complete_destroy() */
    u32 parts;                   /* core/domain: which parts were set up */
    bool unannounced;            /* creation failed: goes without VIRQ_DOM_EXC */
    struct domain *hash_next;    /* RANK_DOMLIST; read without */
    struct quiesce_head quiesce;
};

extern struct domain *dom0;
extern struct domain *dom_idle, *dom_xen, *dom_io;   /* DOMID_IDLE, DOMID_XEN, DOMID_IO */

struct domain_config {           /* what createdomain or the dom0 builder asks for */
    u32 flags;                   /* XEN_DOMCTL_CDF_* */
    u32 max_vcpus, max_evtchn_port;
    s32 max_grant_frames, max_maptrack_frames;   /* -1: default */
    u32 max_grant_version;
    u32 cpupool_id;
    u32 ssidref;
    u8 handle[16];
    u8 gic_version;              /* 0 native, 1 v2, 2 v3: XEN_DOMCTL_CONFIG_GIC_*; filled with what was chosen */
    u32 nr_spis;
    bool privileged, direct_map;
};

/* Boot, after memory and before anything else here: pseudo domains. */
void domain_init(void);
/* Create with id `domid`, or a free one if it is 0xffff or 0 and not dom0. Paused. On failure nothing is left. */
must_check int domain_create(struct domain_config *cfg, u16 domid, struct domain **out);
/* By id; NULL if none. Lock-free; valid until this CPU returns to its guest (smp.h). A dying domain is found too. */
struct domain *domain_lookup(u16 domid);
/* The domain with that id or the next higher existing one. */
struct domain *domain_lookup_from(u16 domid);
/* Guest asked to stop (SHUTDOWN_*): stop all vCPUs, then VIRQ_DOM_EXC to dom0. dom0: acts on the machine. */
void domain_shutdown(struct domain *d, u32 reason);
void domain_resume(struct domain *d);
/* Where its vCPUs may run has changed: unless the toolstack chose its nodes, they are the nodes of those CPUs. */
void domain_update_nodes(struct domain *d);
/*
 * The toolstack's counted pause (domctl 3 and 4; the dom0 builder lets dom0 go with unpause). -EINVAL: too many, or
 * none held.
 */
must_check int domain_controller_pause(struct domain *d);
must_check int domain_controller_unpause(struct domain *d);
/* sched_op(watchdog), public sched.h. Returns the id or 0, or an error. */
int domain_watchdog(struct domain *d, u32 id, u32 timeout_s);
/* getdomaininfo. */
void domain_get_info(struct domain *d, struct xen_domctl_getdomaininfo *info);
/*
 * What of the machine a domain may map or be interrupted by; the dom0 builder grants dom0's. Ranges include both ends.
 */
must_check int domain_permit_iomem(struct domain *d, u64 first_mfn, u64 last_mfn, bool allow);
must_check int domain_permit_irq(struct domain *d, u32 irq, bool allow);
bool domain_may_iomem(struct domain *d, u64 first_mfn, u64 last_mfn);
bool domain_may_irq(struct domain *d, u32 irq);
/* Guest's fault: print why with the vCPU's registers, then shutdown(crash). */
printf_like(2, 3) void domain_crash(struct domain *d, const char *fmt, ...);
/* Tear down; -ERESTART until all resources that can go have gone. The struct goes when its last page is dropped. */
must_check int domain_kill(struct domain *d);
/* tot_pages or shared pages of a dying domain reached zero: finish. */
void domain_maybe_complete_destroy(struct domain *d);
void domain_update_wallclock(struct domain *d);
/* Iterate over all (not pseudo) domains in rising id: valid as domain_lookup(). */
#define for_each_domain(d) \
    for (struct domain *d = domain_lookup_from(0); d != NULL; d = domain_lookup_from((u16)(d->id + 1)))
/* vCPU by number, any number from a guest; NULL: there is none. */
static always_inline struct vcpu *domain_vcpu(const struct domain *d, u64 id)
{
    return id < d->max_vcpus ? d->vcpu[index_nospec(id, d->max_vcpus)] : NULL;
}

#define for_each_vcpu(d, v) \
    for (u32 vcpu_i_##v = 0; vcpu_i_##v < (d)->max_vcpus; vcpu_i_##v++) \
        for (struct vcpu *v = (d)->vcpu[vcpu_i_##v]; v != NULL; v = NULL)

#endif
