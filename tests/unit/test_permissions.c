/* SPDX-License-Identifier: MIT */
/*
 * Who may call what: every caller, every operation, every target, through the real hypercalls, against the rows of
 * permissions_rows.h. What lies below the hypercalls is not linked: an operation that gets there was allowed.
 */
/* unit-sources: core/hypercall/bitmap.c core/hypercall/console_io.c core/hypercall/event_channel.c */
/* unit-sources: core/hypercall/grant_table.c core/hypercall/hvm_op.c core/hypercall/hypfs.c */
/* unit-sources: core/hypercall/memory_op.c core/hypercall/memory_op_physmap.c core/hypercall/memory_op_reservation.c */
/* unit-sources: core/hypercall/multicall.c core/hypercall/platform_efi.c core/hypercall/platform_op.c */
/* unit-sources: core/hypercall/sched_op.c core/hypercall/table.c core/hypercall/vcpu_op.c core/hypercall/version.c */
/* unit-sources: core/hypercall/vm_assist.c core/hypercall/domctl/device.c core/hypercall/domctl/domctl.c */
/* unit-sources: core/hypercall/domctl/lifecycle.c core/hypercall/domctl/memory.c core/hypercall/domctl/settings.c */
/* unit-sources: core/hypercall/domctl/vcpu.c core/hypercall/sysctl/console.c core/hypercall/sysctl/info.c */
/* unit-sources: core/hypercall/sysctl/sched.c core/hypercall/sysctl/sysctl.c core/hypercall/sysctl/topology.c */
#include "unit.h"

#define NONE_DONE   1001         /* memory_op that counts extents: 0 of them, and nothing was reached */
#define SAYS_DENIED 1002         /* the command line that is told to guests */
#define REACHED     1003         /* got below the hypercalls */

enum { ID_DOM0, ID_GUEST, ID_MODEL, ID_OTHER_MODEL, ID_XENSTORE, ID_CONSOLE, NR_CALLERS, ID_TARGET = 10,
       ID_STRANGER, ID_NOBODY = 77 };

static u64 frame_list;           /* in the caller's memory: a frame that each domain has as RAM, one that none has */

static void fill_platform(void *arg, u16 domid)
{
    struct xen_platform_op *op = arg;

    (void)domid;
    op->cmd = XENPF_settime64;
    op->interface_version = XENPF_INTERFACE_VERSION;
}

/* The command is put in by call(). */
static void fill_domctl(void *arg, u16 domid)
{
    struct xen_domctl *op = arg;

    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = domid;
}

static void fill_sysctl(void *arg, u16 domid)
{
    (void)domid;
    ((struct xen_sysctl *)arg)->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
}

static void fill_reservation(void *arg, u16 domid)
{
    struct xen_memory_reservation *r = arg;

    r->extent_start.q = frame_list;
    r->nr_extents = 1;
    r->domid = domid;
}

static void fill_populate(void *arg, u16 domid)
{
    fill_reservation(arg, domid);
    ((struct xen_memory_reservation *)arg)->extent_start.q += sizeof(u64);
}

static void fill_claim(void *arg, u16 domid)
{
    ((struct xen_memory_reservation *)arg)->domid = domid;
}

/* Of all structures that begin with it. */
static void fill_domid(void *arg, u16 domid)
{
    *(u16 *)arg = domid;
}

static void fill_vnuma(void *arg, u16 domid)
{
    ((struct xen_vnuma_topology_info *)arg)->domid = domid;
}

static void fill_add(void *arg, u16 domid)
{
    struct xen_add_to_physmap *a = arg;

    a->domid = domid;
    a->space = XENMAPSPACE_gmfn_foreign;         /* allowed: -ENOSYS */
}

static void fill_batch(void *arg, u16 domid)
{
    struct xen_add_to_physmap_batch *b = arg;

    b->domid = domid;
    b->space = XENMAPSPACE_shared_info;
}

static void fill_batch_foreign(void *arg, u16 domid)
{
    struct xen_add_to_physmap_batch *b = arg;

    b->domid = DOMID_SELF;
    b->space = XENMAPSPACE_gmfn_foreign;
    b->u.foreign_domid = domid;
}

static void fill_batch_xen(void *arg, u16 domid)
{
    fill_batch_foreign(arg, DOMID_XEN);
    ((struct xen_add_to_physmap_batch *)arg)->domid = domid;
}

static void fill_remote_shutdown(void *arg, u16 domid)
{
    ((struct sched_remote_shutdown *)arg)->domain_id = domid;
}

static void fill_param(void *arg, u16 domid)
{
    struct xen_hvm_param *p = arg;

    p->domid = domid;
    p->index = HVM_PARAM_STORE_PFN;
}

static void fill_monitor_param(void *arg, u16 domid)
{
    fill_param(arg, domid);
    ((struct xen_hvm_param *)arg)->index = HVM_PARAM_MONITOR_RING_PFN;
}

static void fill_bind_interdomain(void *arg, u16 domid)
{
    ((struct evtchn_bind_interdomain *)arg)->remote_dom = domid;
}

static void fill_status(void *arg, u16 domid)
{
    ((struct evtchn_status *)arg)->dom = domid;
}

/* A port of domid's for dom0, and one's own for domid. */
static void fill_alloc_unbound(void *arg, u16 domid)
{
    ((struct evtchn_alloc_unbound *)arg)->dom = domid;
    ((struct evtchn_alloc_unbound *)arg)->remote_dom = ID_DOM0;
}

static void fill_alloc_for(void *arg, u16 domid)
{
    ((struct evtchn_alloc_unbound *)arg)->dom = DOMID_SELF;
    ((struct evtchn_alloc_unbound *)arg)->remote_dom = domid;
}

static void fill_reset(void *arg, u16 domid)
{
    ((struct evtchn_reset *)arg)->dom = domid;
}

static void fill_map(void *arg, u16 domid)
{
    ((struct gnttab_map_grant_ref *)arg)->dom = domid;
}

static void fill_setup(void *arg, u16 domid)
{
    ((struct gnttab_setup_table *)arg)->dom = domid;
}

static void fill_copy_from(void *arg, u16 domid)
{
    struct gnttab_copy *c = arg;

    c->flags = GNTCOPY_source_gref;
    c->source.domid = domid;
    c->dest.domid = DOMID_SELF;
}

static void fill_copy_to(void *arg, u16 domid)
{
    struct gnttab_copy *c = arg;

    c->flags = GNTCOPY_dest_gref;
    c->source.domid = DOMID_SELF;
    c->dest.domid = domid;
}

static void fill_query_size(void *arg, u16 domid)
{
    ((struct gnttab_query_size *)arg)->dom = domid;
}

static void fill_status_frames(void *arg, u16 domid)
{
    ((struct gnttab_get_status_frames *)arg)->dom = domid;
}

static void fill_get_version(void *arg, u16 domid)
{
    ((struct gnttab_get_version *)arg)->dom = domid;
}

#include "permissions_rows.h"

/* ---- a call, and what came of it ---- */

static jmp_buf below;

__attribute__((noreturn)) void unit_unexpected_call(const char *fn)
{
    (void)fn;
    host_frames_mapped = 0;                      /* what it had mapped it does not come back to */
    longjmp(below, 1);
}

static u8 no_grants[PAGE_SIZE];
static u64 argument;             /* in the caller's memory */

static struct domain *domain_with_ram(u16 id)
{
    struct domain *d = unit_domain(id, 1);

    unit_guest_map(d, 0x100000, PAGE_SIZE);
    d->grant = (struct grant_table *)no_grants;
    spin_lock_init(&d->domctl_lock, RANK_DOMCTL);
    return d;
}

static bool machine_is_there, machine_is_used;
static u64 arguments[NR_CALLERS], frame_lists[NR_CALLERS];

static void machine_end(void)
{
    if (machine_is_there) {
        unit_machine_free();
        machine_is_there = machine_is_used = false;
    }
}

static void machine_begin(void)
{
    static const u64 frames[] = { 0x100, 0x900 };
    struct domain *target, *stranger;

    unit_machine(1);
    for (u16 id = 0; id < NR_CALLERS; id++) {
        struct domain *d = domain_with_ram(id);

        arguments[id] = unit_guest_alloc(d, PAGE_SIZE);
        frame_lists[id] = unit_guest_put(d, frames, sizeof(frames));
    }
    target = domain_with_ram(ID_TARGET);
    stranger = domain_with_ram(ID_STRANGER);
    domain_lookup(ID_MODEL)->target = target->serial;
    domain_lookup(ID_OTHER_MODEL)->target = stranger->serial;
    domain_lookup(ID_XENSTORE)->creation_flags = XEN_DOMCTL_CDF_xs_domain;
    domain_lookup(ID_CONSOLE)->is_console = true;
    dom_xen = stranger;
    machine_is_there = true;
}

/* The caller's vCPU, on a machine that nobody has done anything to yet: refusals leave it as it is. */
static struct vcpu *be(u16 caller)
{
    struct domain *d;

    if (machine_is_used) {
        machine_end();
    }
    if (!machine_is_there) {
        machine_begin();
    }
    d = domain_lookup(caller);
    unit_set_current(pcpus[0]->idle);
    unit_set_current(d->vcpu[0]);
    argument = arguments[caller];
    frame_list = frame_lists[caller];
    memset(unit_guest_ptr(d, argument), 0, PAGE_SIZE);
    return d->vcpu[0];
}

static long reached_or(hypercall_fn *fn, struct vcpu *v, u64 *args)
{
    long rc = setjmp(below) == 0 ? fn(v, args) : REACHED;

    if (rc != -EPERM && rc != -ENOSYS) {
        machine_is_used = true;  /* it may have done something, or got below with a lock */
    }
    return rc;
}

/* The argument is filled already. */
static long call(struct vcpu *v, u32 nr, u32 op)
{
    u32 *arg = unit_guest_ptr(v->domain, argument);
    u64 args[6] = { op, argument };

    switch (nr) {
    case __HYPERVISOR_platform_op:
    case __HYPERVISOR_sysctl:
    case __HYPERVISOR_domctl:
        arg[0] = op;
        args[0] = argument;
        break;
    case __HYPERVISOR_multicall:
    case __HYPERVISOR_hypfs_op:
    case __HYPERVISOR_console_io:
        args[1] = 0;                             /* no entries, no path, no bytes */
        break;
    case __HYPERVISOR_grant_table_op:
        args[2] = 1;
        break;
    case __HYPERVISOR_vm_assist:
        args[1] = VMASST_TYPE_runstate_update_flag;
        break;
    case __HYPERVISOR_vcpu_op:
        args[1] = 0;
        args[2] = argument;
        break;
    case __HYPERVISOR_hvm_op:
        args[1] = op == HVMOP_guest_request_vm_event ? 0 : argument;
        break;
    }
    return reached_or(hypercall_table[nr], v, args);
}

/* Where the status of a grant operation is, for those that have rows with GNTST_*. */
static s16 grant_status(const void *arg, u32 op)
{
    switch (op) {
    case GNTTABOP_map_grant_ref:
        return ((const struct gnttab_map_grant_ref *)arg)->status;
    case GNTTABOP_setup_table:
        return ((const struct gnttab_setup_table *)arg)->status;
    case GNTTABOP_copy:
        return ((const struct gnttab_copy *)arg)->status;
    case GNTTABOP_query_size:
        return ((const struct gnttab_query_size *)arg)->status;
    default:
        return ((const struct gnttab_get_status_frames *)arg)->status;
    }
}

/* What the row calls its answer. */
static long answer(struct vcpu *v, const struct row *r, u16 domid)
{
    void *arg = unit_guest_ptr(v->domain, argument);
    long rc;

    if (r->fill != NULL) {
        r->fill(arg, domid);
    }
    rc = call(v, r->call, r->op);
    if (r->denied == SAYS_DENIED && rc == 0 && strcmp(arg, "<denied>") == 0) {
        return SAYS_DENIED;
    }
    if (r->denied == NONE_DONE && rc == 0) {
        return NONE_DONE;
    }
    return r->denied == GNTST_permission_denied && rc == 0 ? grant_status(arg, r->op) : rc;
}

static u32 wrong;

static void expect(const struct row *r, u16 caller, u16 domid, long got, bool right, const char *what)
{
    if (!right) {
        print_error("hypercall %u, operation %u (row %zu), by %u on %u: %ld, which is not %s\n", r->call, r->op,
                    (size_t)(r - rows), caller, domid, got, what);
        wrong++;
    }
}

/* ---- the walk ---- */

static void walk(const struct row *r, u16 caller)
{
    const u16 targets[] = { caller, ID_TARGET, ID_DOM0 };
    const u8 may[] = { r->may.self, r->may.other, r->may.dom0 };
    const long denied = r->denied != 0 ? r->denied : -EPERM;

    for (u32 i = 0; i < ARRAY_SIZE(targets); i++) {
        bool self = targets[i] == caller, allowed = ((self ? may[0] : may[i]) >> caller & 1) != 0;
        /* domctl knows no DOMID_SELF, the others' own id is another name for it: that is test_own_id()'s. */
        u16 domid = self && r->call != __HYPERVISOR_domctl ? DOMID_SELF : targets[i];
        struct vcpu *v = be(caller);
        long got = answer(v, r, domid);

        expect(r, caller, domid, got, (got == denied) != allowed, allowed ? "allowed" : "refused as it should be");
    }
    if (r->gone_dom0 != 0) {
        long want = caller == ID_DOM0 ? r->gone_dom0 : r->gone_others;
        struct vcpu *v = be(caller);
        long got = answer(v, r, ID_NOBODY);

        expect(r, caller, ID_NOBODY, got, got == want, "what there is to say of a domain that is not there");
    }
}

static void test_matrix(void **state)
{
    (void)state;
    wrong = 0;
    for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
        for (u16 caller = 0; caller < NR_CALLERS; caller++) {
            walk(&rows[i], caller);
        }
    }
    assert_int_equal(wrong, 0);
}

/* Naming oneself by number is DOMID_SELF. */
static void test_own_id(void **state)
{
    (void)state;
    wrong = 0;
    for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *r = &rows[i];
        struct vcpu *v = be(ID_GUEST);
        long got = answer(v, r, ID_GUEST), denied = r->denied != 0 ? r->denied : -EPERM;
        bool allowed = (r->may.self & G) != 0;

        expect(r, ID_GUEST, ID_GUEST, got, (got == denied) != allowed, allowed ? "allowed" : "refused");
    }
    assert_int_equal(wrong, 0);
}

/* ---- nothing is left out ---- */

static bool has_row(u32 nr, u32 op)
{
    for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].call == nr && rows[i].op == op) {
            return true;
        }
    }
    return false;
}

/* What a number that no row names answers, by caller. vcpu_op has an answer of its own, multicall no operations. */
static long unknown(u32 nr, u16 caller)
{
    bool control = nr == __HYPERVISOR_domctl || nr == __HYPERVISOR_sysctl || nr == __HYPERVISOR_platform_op ||
                   nr == __HYPERVISOR_hypfs_op;
    bool console = nr == __HYPERVISOR_console_io && caller != ID_CONSOLE;

    if (caller != ID_DOM0 && (control || console)) {
        return -EPERM;
    }
    return nr == __HYPERVISOR_vcpu_op ? -EINVAL : -ENOSYS;
}

static void no_row(u32 nr, u16 caller)
{
    for (u32 op = 0; op < 128; op++) {
        struct vcpu *v;
        void *arg;

        /* memory_op has its progress above bit 6. */
        if (has_row(nr, op) || (nr == __HYPERVISOR_memory_op && op >= 64)) {
            continue;
        }
        v = be(caller);
        arg = unit_guest_ptr(v->domain, argument);
        if (nr == __HYPERVISOR_domctl) {
            fill_domctl(arg, ID_TARGET);
        } else if (nr == __HYPERVISOR_sysctl) {
            fill_sysctl(arg, 0);
        } else if (nr == __HYPERVISOR_platform_op) {
            fill_platform(arg, 0);
        }
        assert_int_equal(call(v, nr, op), unknown(nr, caller));
    }
}

static void test_numbers_without_a_row(void **state)
{
    (void)state;
    for (u32 nr = 0; nr < NR_HYPERCALLS; nr++) {
        bool any = false;

        for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
            any |= rows[i].call == nr;
        }
        assert_int_equal(hypercall_table[nr] != hypercall_none, any);
        if (any && nr != __HYPERVISOR_multicall) {
            no_row(nr, ID_DOM0);
            no_row(nr, ID_GUEST);
        }
    }
}

/* ---- the rows themselves: what anybody may call does not ask, so that the walk would not see another right ---- */

#define AS_WRITTEN(nr, fn, right, ...) { nr, right },
#define ENDS(nr, fn, right, ends) { nr, ends },
struct column { u32 op, right; };
static const struct column version_column[] = { VERSION_OPS(AS_WRITTEN) }, sched_column[] = { SCHED_OPS(AS_WRITTEN) },
    hvm_column[] = { HVM_OPS(AS_WRITTEN) }, memory_column[] = { MEMORY_OPS(AS_WRITTEN) },
    event_column[] = { EVENT_OPS(AS_WRITTEN) }, ends_column[] = { EVENT_OPS(ENDS) },
    grant_column[] = { GRANT_OPS(AS_WRITTEN) }, domctl_column[] = { DOMCTL_OPS(AS_WRITTEN) },
    sysctl_column[] = { SYSCTL_OPS(AS_WRITTEN) };

/* Is `right` what one of the rows of the operation says? */
static bool is_written(u32 nr, u32 op, enum right right)
{
    static const struct rights meaning[NR_RIGHTS] = {
        [RIGHT_ANYBODY] = EVERYBODY, [RIGHT_SELF] = OWNER_DOM0, [RIGHT_TARGET] = OWNER, [RIGHT_MODEL] = MODEL,
        [RIGHT_LOOK] = LOOKER, [RIGHT_CONTROL] = DOM0_ALONE, [RIGHT_CONSOLE] = CONSOLE, [RIGHT_PAIR] = DOM0_AT_END,
    };

    for (const struct row *r = rows; r < &rows[ARRAY_SIZE(rows)]; r++) {
        if (r->call == nr && r->op == op && memcmp(&r->may, &meaning[right], sizeof(r->may)) == 0) {
            return true;
        }
    }
    return false;
}

static void check_column(u32 nr, const struct column *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_true(has_row(nr, c[i].op));
        if (!is_written(nr, c[i].op, c[i].right)) {
            fail_msg("hypercall %u, operation %u: its row says right %u", nr, c[i].op, c[i].right);
        }
    }
}

static void test_columns(void **state)
{
    (void)state;
    check_column(__HYPERVISOR_xen_version, version_column, ARRAY_SIZE(version_column));
    check_column(__HYPERVISOR_sched_op, sched_column, ARRAY_SIZE(sched_column));
    check_column(__HYPERVISOR_hvm_op, hvm_column, ARRAY_SIZE(hvm_column));
    check_column(__HYPERVISOR_memory_op, memory_column, ARRAY_SIZE(memory_column));
    check_column(__HYPERVISOR_grant_table_op, grant_column, ARRAY_SIZE(grant_column));
    check_column(__HYPERVISOR_domctl, domctl_column, ARRAY_SIZE(domctl_column));
    check_column(__HYPERVISOR_sysctl, sysctl_column, ARRAY_SIZE(sysctl_column));
    for (u32 i = 0; i < ARRAY_SIZE(event_column); i++) {
        u32 nr = __HYPERVISOR_event_channel_op, op = event_column[i].op;
        bool free_for_all = is_written(nr, op, RIGHT_ANYBODY);

        /* Two columns: one of them may say ANYBODY where the other does not. */
        assert_true(event_column[i].right == RIGHT_ANYBODY || is_written(nr, op, event_column[i].right));
        assert_true(ends_column[i].right == RIGHT_ANYBODY || is_written(nr, op, ends_column[i].right));
        assert_true(free_for_all == (event_column[i].right == RIGHT_ANYBODY && ends_column[i].right == RIGHT_ANYBODY));
    }
}

/* Hypercalls of which none is for all; the others' operations have rights of their own. */
static void test_hypercalls(void **state)
{
    static const u8 right[NR_HYPERCALLS] = {
        [__HYPERVISOR_platform_op] = RIGHT_CONTROL, [__HYPERVISOR_hypfs_op] = RIGHT_CONTROL,
        [__HYPERVISOR_domctl] = RIGHT_CONTROL, [__HYPERVISOR_sysctl] = RIGHT_CONTROL,
        [__HYPERVISOR_console_io] = RIGHT_CONSOLE,
    };

    (void)state;
    for (u32 nr = 0; nr < NR_HYPERCALLS; nr++) {
        u8 others = hypercall_table[nr] != hypercall_none ? RIGHT_ANYBODY : RIGHT_NOBODY;

        assert_int_equal(hypercall_right[nr], right[nr] != 0 ? right[nr] : others);
    }
}

/* A right that says nothing is nobody's, dom0's neither. */
static void test_no_right(void **state)
{
    struct domain *d;

    (void)state;
    d = be(ID_DOM0)->domain;
    assert_int_equal(permit(RIGHT_NOBODY, d, d), -EPERM);
    assert_int_equal(permit_other(RIGHT_ANYBODY, d, NULL), 0);
    assert_int_equal(permit_other(RIGHT_PAIR, domain_lookup(ID_GUEST), NULL), -EPERM);
    unit_expect_panic(assert_int_equal(permit_other(NR_RIGHTS, d, d), 0));
}

static int teardown(void **state)
{
    (void)state;
    machine_end();
    return 0;
}
#define permissions_case(fn) cmocka_unit_test_teardown(fn, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        permissions_case(test_matrix),
        permissions_case(test_own_id),
        permissions_case(test_numbers_without_a_row),
        permissions_case(test_columns),
        permissions_case(test_hypercalls),
        permissions_case(test_no_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
