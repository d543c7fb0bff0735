/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op: batches of one structure each (public grant_table.h). An operation's failure is in its
 * status field and ends nothing; the call fails for what cannot be read or written, and for operations that have no
 * status. A long batch is restarted with the pointer moved on and the count reduced.
 */
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/grant.h>
#include <argon/guest_access.h>
#include <argon/guest_write.h>
#include <argon/hypercall.h>
#include <argon/mem.h>
#include <argon/nospec.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <asm/string.h>
#include "preempt.h"

/* Upper bits of the command are the hypervisor's in a restarted call of Xen's; a guest has no business there. */
#define CMD_BITS 12

union grant_arg {
    struct gnttab_map_grant_ref map;
    struct gnttab_unmap_grant_ref unmap;
    struct gnttab_unmap_and_replace replace;
    struct gnttab_setup_table setup;
    struct gnttab_copy copy;
    struct gnttab_query_size query;
    struct gnttab_set_version set_version;
    struct gnttab_get_status_frames status_frames;
    struct gnttab_get_version get_version;
    struct gnttab_swap_grant_ref swap;
    struct gnttab_cache_flush flush;
};

struct grant_op {
    int (*one)(struct vcpu *v, union grant_arg *a);       /* 0, or what the hypercall returns */
    void (*undo)(struct vcpu *v, union grant_arg *a);     /* its result could not be told; may be NULL */
    u8 size;
    u8 out, out_size;                                     /* part that is copied back */
    bool single;                                          /* count must be 1 */
};

#define OUT(type, field) \
    .size = sizeof(struct type), .out = offsetof(struct type, field), .out_size = sizeof(((struct type *)0)->field)
/* From `field` to the structure's end. */
#define OUT_FROM(type, field) \
    .size = sizeof(struct type), .out = offsetof(struct type, field), \
    .out_size = sizeof(struct type) - offsetof(struct type, field)

static const u8 grant_right[] = { GRANT_OPS(ROW_RIGHT) };

/* The domain an operation names, and may the caller use its grants? GNTST_*. */
static always_inline s16 granter(struct vcpu *v, u16 domid, enum right right, struct domain **out)
{
    struct domain *d = domain_by_arg(v, domid);

    *out = d;
    if (unlikely(d == NULL || !grant_usable(d))) {
        return GNTST_bad_domain;
    }
    return likely(permit(right, v->domain, d) == 0) ? GNTST_okay : GNTST_permission_denied;
}

static int op_map(struct vcpu *v, union grant_arg *a)
{
    struct domain *rd;
    s16 status = granter(v, a->map.dom, grant_right[GNTTABOP_map_grant_ref], &rd);

    a->map.status = likely(status == GNTST_okay) ? grant_map(v->domain, rd, &a->map) : status;
    return 0;
}

static void undo_map(struct vcpu *v, union grant_arg *a)
{
    if (a->map.status == GNTST_okay) {
        /* Only another vCPU of this domain, guessing the handle, could have been there before. */
        a->map.status = grant_unmap(v->domain, a->map.host_addr, a->map.handle);
    }
}

static int op_unmap(struct vcpu *v, union grant_arg *a)
{
    /* dev_bus_addr names a device mapping: there are none on ARM, so it is ignored. */
    a->unmap.status = grant_unmap(v->domain, a->unmap.host_addr, a->unmap.handle);
    return 0;
}

static int op_unmap_and_replace(struct vcpu *v, union grant_arg *a)
{
    a->replace.status = a->replace.new_addr != 0 ? GNTST_general_error
                                                 : grant_unmap(v->domain, a->replace.host_addr, a->replace.handle);
    return 0;
}

/* A domain whose table the caller may look at. GNTST_*. */
static s16 table_of(struct vcpu *v, u16 domid, enum right right, struct domain **out)
{
    struct domain *d = domain_by_arg(v, domid);

    *out = d;
    if (d == NULL || !grant_usable(d)) {
        return GNTST_bad_domain;
    }
    return permit(right, v->domain, d) == 0 ? GNTST_okay : GNTST_permission_denied;
}

static int op_setup_table(struct vcpu *v, union grant_arg *a)
{
    struct domain *d;
    s16 status = table_of(v, a->setup.dom, grant_right[GNTTABOP_setup_table], &d);

    if (status == GNTST_okay) {
        status = grant_setup(d, a->setup.nr_frames);
    }
    for (u32 i = 0; status == GNTST_okay && i < a->setup.nr_frames; i++) {
        xen_pfn_t frame = grant_frame_gfn(d, i).g;

        if (copy_to_guest(handle_gva(a->setup.frame_list) + i * sizeof(frame), &frame, sizeof(frame)) != 0) {
            status = GNTST_bad_virt_addr;
        }
    }
    a->setup.status = status;
    return 0;
}

static int op_query_size(struct vcpu *v, union grant_arg *a)
{
    struct domain *d;

    a->query.status = table_of(v, a->query.dom, grant_right[GNTTABOP_query_size], &d);
    if (a->query.status == GNTST_okay) {
        a->query.status = grant_sizes(d, &a->query.nr_frames, &a->query.max_nr_frames);
    }
    return 0;
}

/* Both ends' domains; a frame of one's own must be named by DOMID_SELF. GNTST_*. */
static s16 copy_domain(struct vcpu *v, const struct gnttab_copy_ptr *p, bool is_ref, struct domain **out)
{
    if (is_ref) {
        return granter(v, p->domid, grant_right[GNTTABOP_copy], out);
    }
    *out = v->domain;
    return p->domid == DOMID_SELF ? GNTST_okay : GNTST_permission_denied;
}

static int op_copy(struct vcpu *v, union grant_arg *a)
{
    struct domain *sd, *dd;
    s16 status = copy_domain(v, &a->copy.source, a->copy.flags & GNTCOPY_source_gref, &sd);

    if (status == GNTST_okay) {
        status = copy_domain(v, &a->copy.dest, a->copy.flags & GNTCOPY_dest_gref, &dd);
    }
    a->copy.status = status == GNTST_okay ? grant_copy(v->domain, sd, dd, &a->copy) : status;
    return 0;
}

/* Version 1 is what there is. The version in use is told in any case. */
static int op_set_version(struct vcpu *v, union grant_arg *a)
{
    u32 want = a->set_version.version;

    (void)v;
    a->set_version.version = 1;
    if (want == 1) {
        return 0;
    }
    return want == 2 ? -ENOSYS : -EINVAL;
}

static int op_get_version(struct vcpu *v, union grant_arg *a)
{
    struct domain *d = domain_by_arg(v, a->get_version.dom);
    int rc;

    if (d == NULL || !grant_usable(d)) {
        return -ESRCH;
    }
    rc = permit(grant_right[GNTTABOP_get_version], v->domain, d);
    if (rc == 0) {
        a->get_version.version = 1;
    }
    return rc;
}

/* Status frames are version 2's. */
static int op_get_status_frames(struct vcpu *v, union grant_arg *a)
{
    struct domain *d;
    s16 status = table_of(v, a->status_frames.dom, grant_right[GNTTABOP_get_status_frames], &d);

    a->status_frames.status = status == GNTST_okay ? GNTST_general_error : status;
    return 0;
}

static int op_swap(struct vcpu *v, union grant_arg *a)
{
    a->swap.status = grant_swap(v->domain, a->swap.ref_a, a->swap.ref_b);
    return 0;
}

static int op_cache_flush(struct vcpu *v, union grant_arg *a)
{
    return grant_cache_flush(v->domain, &a->flush);
}

/* The same for every width of guest: 64-bit fields are aligned to 8 (public grant_table.h, arch-arm.h). */
static_assert(sizeof(struct gnttab_map_grant_ref) == 32 && offsetof(struct gnttab_map_grant_ref, status) == 18, "ABI");
static_assert(sizeof(struct gnttab_unmap_grant_ref) == 24, "ABI");
static_assert(offsetof(struct gnttab_unmap_grant_ref, handle) == 16, "ABI");
static_assert(sizeof(struct gnttab_unmap_and_replace) == 24 && sizeof(struct gnttab_setup_table) == 24, "ABI");
static_assert(sizeof(struct gnttab_copy) == 40 && offsetof(struct gnttab_copy, status) == 36, "ABI");
static_assert(sizeof(struct gnttab_query_size) == 16 && sizeof(struct gnttab_set_version) == 4, "ABI");
static_assert(sizeof(struct gnttab_get_status_frames) == 16 && sizeof(struct gnttab_get_version) == 8, "ABI");
static_assert(sizeof(struct gnttab_swap_grant_ref) == 12 && sizeof(struct gnttab_cache_flush) == 16, "ABI");

#define ROW(nr, handler, right, ...) [nr] = { .one = (handler), __VA_ARGS__ },
static const struct grant_op grant_ops[16] = { GRANT_OPS(ROW) };       /* a power of two: index_nospec() */

/* The element at gva by copies: it is in two pages, or not writable. 0, or what the hypercall returns. */
static noinline int one_copied(struct vcpu *v, const struct grant_op *op, u64 gva)
{
    union grant_arg a;
    int rc;

    if (copy_from_guest(&a, gva, op->size) != 0) {
        return -EFAULT;
    }
    rc = op->one(v, &a);
    if (op->out_size != 0 && copy_to_guest(gva + op->out, (const u8 *)&a + op->out, op->out_size) != 0) {
        if (op->undo != NULL) {
            op->undo(v, &a);
        }
        return -EFAULT;
    }
    return rc;
}

struct batch {
    u64 gva;                     /* of the next element */
    u32 left;                    /* elements */
};

/*
 * The element at b->gva and those after it in the same page, which one reference holds meanwhile, so that each is read
 * once and its results can always be told. b is moved on. 0, -ERESTART, or what the hypercall returns.
 */
static always_inline int run_page(struct vcpu *v, const struct grant_op *op, struct batch *b)
{
    u64 offset = b->gva & ~PAGE_MASK;
    struct page *pg;
    void *va;
    u8 *at;
    int rc;

    pg = guest_page_for_write(b->gva, op->size, &va);
    if (unlikely(pg == NULL)) {
        rc = one_copied(v, op, b->gva);
        b->gva += op->size;
        b->left--;
        return likely(rc == 0) && b->left != 0 && preempt_wanted(v) ? -ERESTART : rc;
    }
    at = va;
    do {
        union grant_arg a;

        copy_short(&a, at, op->size);
        rc = op->one(v, &a);
        copy_short(at + op->out, (const u8 *)&a + op->out, op->out_size);
        at += op->size;
        offset += op->size;
        b->gva += op->size;
        if (--b->left != 0 && likely(rc == 0) && unlikely(preempt_wanted(v))) {
            rc = -ERESTART;
        }
    } while (b->left != 0 && rc == 0 && offset + op->size <= PAGE_SIZE);
    guest_page_done(v->domain, pg, va);
    return rc;
}

/* args: command, gva of the array, number of elements. */
static noinline long run(struct vcpu *v, const struct grant_op *op, u64 *args)
{
    struct batch b = { .gva = args[1], .left = (u32)args[2] };
    int rc;

    do {
        rc = run_page(v, op, &b);
    } while (unlikely(b.left != 0) && rc == 0);
    if (unlikely(rc == -ERESTART)) {
        args[1] = b.gva;
        args[2] = b.left;
    }
    return rc;
}

long do_grant_table_op(struct vcpu *v, u64 *args)
{
    u32 cmd = (u32)args[0];
    u32 count = (u32)args[2];
    const struct grant_op *op;

    ASSERT(v == current_vcpu());
    if (unlikely((s32)count < 0)) {
        return -EINVAL;
    }
    op = likely(cmd < ARRAY_SIZE(grant_ops)) ? &grant_ops[index_nospec(cmd, ARRAY_SIZE(grant_ops))] : NULL;
    if (unlikely(op == NULL || op->one == NULL)) {
        return cmd >> CMD_BITS != 0 ? -EINVAL : -ENOSYS;
    }
    if (unlikely(count != 1)) {
        if (op->single) {
            return -EINVAL;
        }
        if (count == 0) {
            return 0;
        }
    }
    return run(v, op, args);
}
