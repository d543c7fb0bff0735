/* SPDX-License-Identifier: MIT */
/* console_io (public xen.h, CONSOLEIO_*): dom0's emergency console, and that of guests which were given one. */
#include <argon/hypercall.h>

#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/panic.h>
#include <argon/percpu.h>

#define CHUNK 128

/* Goes on with the rest after an interrupt: count and buffer are moved on in the arguments. */
static long console_write(struct vcpu *v, u64 *args)
{
    char buf[CHUNK];

    while (args[1] != 0) {
        size_t n = (size_t)MIN(args[1], (u64)sizeof(buf));

        if (copy_from_guest(buf, args[2], n) != 0) {
            return -EFAULT;
        }
        console_guest_write(v->domain, buf, n);
        args[1] -= n;
        args[2] += n;
        if (args[1] != 0 && hypercall_preempt_check()) {
            return -ERESTART;
        }
    }
    return 0;
}

/* Up to CHUNK bytes at a time: a caller that wants more asks again, as for any short read. */
static long console_read(struct vcpu *v, u64 *args)
{
    char buf[CHUNK];
    size_t n = console_guest_read(v->domain, buf, (size_t)MIN(args[1], (u64)sizeof(buf)));

    if (n != 0 && copy_to_guest(args[2], buf, n) != 0) {
        return -EFAULT;
    }
    return (long)n;
}

/* args: cmd, count, buffer. */
long do_console_io(struct vcpu *v, u64 *args)
{
    int rc = permit_call(hypercall_right[__HYPERVISOR_console_io], v->domain);

    ASSERT(v == current_vcpu());
    if (rc != 0) {
        return rc;
    }
    if (args[1] > 0x7fffffff) {
        return -EINVAL;
    }
    switch ((u32)args[0]) {
    case CONSOLEIO_write:
        return console_write(v, args);
    case CONSOLEIO_read:
        return console_read(v, args);
    default:
        return -ENOSYS;
    }
}
