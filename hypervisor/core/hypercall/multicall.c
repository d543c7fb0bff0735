/* SPDX-License-Identifier: MIT */
/* Several hypercalls in one trap (public xen.h, struct multicall_entry). Each entry has its own 64-bit result. */
#include <argon/hypercall.h>

#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/string.h>

/* A 32-bit guest cannot mean anything by the upper halves: its library has a bug that would corrupt it otherwise. */
static bool args_are_clean(const struct vcpu *v, const struct multicall_entry *e, u32 nr_args)
{
    if (!v->domain->is_32bit) {
        return true;
    }
    for (u32 i = 0; i < nr_args; i++) {
        if (e->args[i] >> 32 != 0) {
            return false;
        }
    }
    return true;
}

static long run_entry(struct vcpu *v, struct multicall_entry *e)
{
    if (e->op >= NR_HYPERCALLS || hypercall_table[e->op] == NULL) {
        return -ENOSYS;
    }
    if (e->op == __HYPERVISOR_multicall) {
        return -EINVAL;          /* no nesting: the stack is bounded */
    }
    if (unlikely(!args_are_clean(v, e, hypercall_nr_args[e->op]))) {
        domain_crash(v->domain, "multicall: arguments of a 32-bit guest beyond 32 bits");
        return -EINVAL;
    }
    return hypercall_table[e->op](v, (u64 *)e->args);
}

/*
 * args: entries, count. Progress is kept in both, and for an entry that has to go on, in its arguments in guest memory.
 */
long do_multicall(struct vcpu *v, u64 *args)
{
    bool first = true;

    if (args[1] > ~0U) {
        return -EINVAL;
    }
    for (; args[1] != 0; args[0] += sizeof(struct multicall_entry), args[1]--, first = false) {
        struct multicall_entry e;
        long rc;

        if (!first && hypercall_preempt_check()) {
            return -ERESTART;
        }
        if (copy_from_guest(&e, args[0], sizeof(e)) != 0) {
            return -EFAULT;
        }
        rc = run_entry(v, &e);
        if (rc == -ERESTART) {
            if (copy_to_guest(args[0] + offsetof(struct multicall_entry, args), e.args, sizeof(e.args)) != 0) {
                return -EFAULT;
            }
            return -ERESTART;
        }
        e.result = (u64)rc;
        if (copy_to_guest(args[0] + offsetof(struct multicall_entry, result), &e.result, sizeof(e.result)) != 0) {
            return -EFAULT;
        }
        /* It stopped or shut itself down: the rest runs when it goes on. */
        if ((atomic_load(&v->pause_flags) & VPF_SHUTDOWN) != 0 && args[1] > 1) {
            args[0] += sizeof(struct multicall_entry);
            args[1]--;
            return -ERESTART;
        }
    }
    return 0;
}
