/* SPDX-License-Identifier: MIT */
/* Several hypercalls in one trap (public xen.h, struct multicall_entry). Each entry has its own 64-bit result. */
#include <argon/hypercall.h>

#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/guest_write.h>
#include <argon/mem.h>
#include <argon/nospec.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/string.h>
#include <asm/string.h>
#include "preempt.h"

/* An entry as words. */
enum { OP, RESULT, ARGS, WORDS = 8 };
static_assert(sizeof(struct multicall_entry) == WORDS * sizeof(u64) &&
              offsetof(struct multicall_entry, op) == OP * sizeof(u64) &&
              offsetof(struct multicall_entry, result) == RESULT * sizeof(u64) &&
              offsetof(struct multicall_entry, args) == ARGS * sizeof(u64), "public xen.h");

/* A 32-bit guest cannot mean anything by the upper halves: its library has a bug that would corrupt it otherwise. */
static bool args_are_clean(const struct vcpu *v, const u64 *args, u32 nr_args)
{
    if (likely(!v->domain->is_32bit)) {
        return true;
    }
    for (u32 i = 0; i < nr_args; i++) {
        if (args[i] >> 32 != 0) {
            return false;
        }
    }
    return true;
}

static always_inline long call(struct vcpu *v, u64 op, u64 *args)
{
    if (unlikely(op >= NR_HYPERCALLS)) {
        return -ENOSYS;
    }
    op = index_nospec(op, NR_HYPERCALLS);
    if (unlikely(op == __HYPERVISOR_multicall)) {
        return -EINVAL;          /* no nesting: the stack is bounded */
    }
    if (unlikely(!args_are_clean(v, args, hypercall_nr_args[op]))) {
        domain_crash(v->domain, "multicall: arguments of a 32-bit guest beyond 32 bits");
        return -EINVAL;
    }
    return hypercall_table[op](v, args);
}

/*
 * Run the entry at `entry`, which other vCPUs may be writing to: it is read once, and its result written, or its
 * arguments if it has to go on. 0 or -ERESTART.
 */
static always_inline long run_entry(struct vcpu *v, u64 *entry)
{
    u64 e[WORDS];
    long rc;

    (void)load_8_words((const u8 *)entry, e);
    rc = call(v, e[OP], &e[ARGS]);
    if (unlikely(rc == -ERESTART)) {
        for (u32 i = ARGS; i < WORDS; i++) {
            WRITE_ONCE(entry[i], e[i]);
        }
        return -ERESTART;
    }
    WRITE_ONCE(entry[RESULT], (u64)rc);
    return 0;
}

/* The entry at gva, by copies: it is in two pages, or not aligned. */
static noinline long run_copied(struct vcpu *v, u64 gva)
{
    u64 e[WORDS];
    u32 first = RESULT, nr = 1;
    long rc;

    if (copy_from_guest(e, gva, sizeof(e)) != 0) {
        return -EFAULT;
    }
    rc = run_entry(v, e);
    if (rc == -ERESTART) {
        first = ARGS;
        nr = WORDS - ARGS;
    }
    return copy_to_guest(gva + first * sizeof(u64), &e[first], nr * sizeof(u64)) != 0 ? -EFAULT : rc;
}

/* With more entries to come: does something else come first? The vCPU may have stopped or shut its domain down. */
static always_inline bool must_stop(const struct vcpu *v)
{
    return preempt_wanted(v) || (atomic_load(&v->pause_flags) & VPF_SHUTDOWN) != 0;
}

/*
 * Entries from args[0] on that are whole in its page, where one reference holds it meanwhile: even if an entry gives
 * the page back its memory stays this guest's until the last result is in it. Progress is kept in args, and for an
 * entry that has to go on, in its arguments in guest memory.
 */
static long run_page(struct vcpu *v, u64 *args)
{
    u64 gva = args[0], left = args[1];
    u64 whole = (PAGE_SIZE - (gva & ~PAGE_MASK)) / sizeof(struct multicall_entry);
    u64 n = MIN(left, whole);
    struct page *pg;
    void *va;
    u64 *entry, *end;
    long rc;

    pg = guest_page_for_write(gva, (size_t)n * sizeof(struct multicall_entry), &va);
    if (unlikely(pg == NULL)) {
        return -EFAULT;
    }
    entry = va;
    end = entry + n * WORDS;
    do {
        rc = run_entry(v, entry);
        if (unlikely(rc != 0)) {
            break;
        }
        entry += WORDS;
        if (--left != 0 && unlikely(must_stop(v))) {
            rc = -ERESTART;
        }
    } while (entry != end && rc == 0);
    guest_page_done(v->domain, pg, va);
    args[0] = gva + (args[1] - left) * sizeof(struct multicall_entry);
    args[1] = left;
    return rc;
}

/* As run_page(), of an entry that is not whole in one page, or of any that are not aligned. */
static noinline long run_odd(struct vcpu *v, u64 *args)
{
    long rc = run_copied(v, args[0]);

    if (rc != 0) {
        return rc;
    }
    args[0] += sizeof(struct multicall_entry);
    return --args[1] != 0 && must_stop(v) ? -ERESTART : 0;
}

/* args: entries, count. */
long do_multicall(struct vcpu *v, u64 *args)
{
    long rc = 0;

    ASSERT(v == current_vcpu());
    if (args[1] > ~0U) {
        return -EINVAL;
    }
    while (args[1] != 0 && rc == 0) {
        bool aligned = (args[0] & (sizeof(u64) - 1)) == 0;
        bool whole = (args[0] & ~PAGE_MASK) <= PAGE_SIZE - sizeof(struct multicall_entry);

        rc = likely(aligned && whole) ? run_page(v, args) : run_odd(v, args);
    }
    return rc;
}
