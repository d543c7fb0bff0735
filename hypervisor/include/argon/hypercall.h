/* SPDX-License-Identifier: MIT */
/*
 * Hypercall dispatch. A handler gets the caller and its argument words, in place: for a direct call these are the
 * guest's registers x0..x4, for a multicall entry a private copy that is written back. Returning -ERESTART runs the
 * hypercall again with the words as the handler left them (memory_op and grant ops keep progress there; domctl/sysctl
 * restart from the start), after pending interrupts were taken. Any other value is the guest's result.
 */
#ifndef ARGON_HYPERCALL_H
#define ARGON_HYPERCALL_H

#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/operations.h>

struct xen_domctl;
struct xen_sysctl;

typedef long hypercall_fn(struct vcpu *v, u64 *args);

#define NR_HYPERCALLS 64         /* a power of two: index_nospec(), and entry.S, which does the same */
/* core/hypercall/table.c. By number: the handler, never NULL, and how many arguments it takes. */
extern hypercall_fn *const hypercall_table[NR_HYPERCALLS];
extern const u8 hypercall_nr_args[NR_HYPERCALLS];
/* core/hypercall/permission.c: enum right; the handler asks, first of all. */
extern const u8 hypercall_right[NR_HYPERCALLS];

/* One file per family under core/hypercall/ unless noted. */
hypercall_fn do_platform_op, do_memory_op, do_multicall, do_xen_version, do_console_io, do_grant_table_op, do_vm_assist,
             do_vcpu_op, do_sched_op, do_event_channel_op, do_hvm_op, do_sysctl, do_domctl, do_hypfs_op;
hypercall_fn hypercall_none;     /* core/hypercall/table.c: -ENOSYS */

/* Should a long operation stop and return -ERESTART? True when a host interrupt or other work waits for this CPU. */
bool hypercall_preempt_check(void);

/* ---- bitmaps of the toolstack (struct xenctl_bitmap): core/hypercall/bitmap.c ---- */
struct xenctl_bitmap;
/* Up to nr_bits (a multiple of 64) from the guest; what it does not give is 0. -EFAULT. */
must_check int bitmap_from_guest(u64 *words, u32 nr_bits, const struct xenctl_bitmap *map);
/*
 * As much as the guest has room for; further bytes of its map, up to a page, are zeroed. A NULL map is left alone.
 * -EFAULT.
 */
must_check int bitmap_to_guest(const struct xenctl_bitmap *map, const u64 *words, u32 nr_bits);

/*
 * Domain named by a hypercall argument: DOMID_SELF or an id. NULL if there is none. Valid until return to guest (see
 * smp.h).
 */
static always_inline struct domain *domain_by_arg(struct vcpu *v, u16 domid)
{
    return likely(domid == DOMID_SELF) ? v->domain : domain_lookup(domid);
}

#endif
