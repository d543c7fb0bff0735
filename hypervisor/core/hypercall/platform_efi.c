/* SPDX-License-Identifier: MIT */
/*
 * XENPF_efi_runtime_call (public platform.h): dom0's calls of UEFI's runtime services (UEFI 2.10, chapter 8). Firmware
 * sees the hypervisor's memory only: what dom0 gives and gets goes through buffers. Numbers are of one width on both
 * sides, so a status is passed on as it is.
 */
#include "platform_op.h"

#include <argon/domain.h>
#include <argon/efi_runtime.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/mem.h>
#include <argon/nospec.h>
#include <argon/string.h>

/* Bytes of a variable's name, its NUL included, and of its data: of each more than firmware stores in one variable. */
#define NAME_MAX 8192u
#define DATA_MAX KIB(256)

typedef struct xenpf_efi_runtime_call efi_op;
typedef long efi_fn(efi_op *op);

/* EFI_TIME_CAPABILITIES (8.3.1) */
struct efi_time_capabilities { u32 resolution, accuracy; u8 sets_to_zero; };
static_assert(sizeof(struct xenpf_efi_time) == 16 && offsetof(struct xenpf_efi_time, ns) == 8 &&
              offsetof(struct xenpf_efi_time, tz) == 12 && offsetof(struct xenpf_efi_time, daylight) == 14,
              "EFI_TIME (8.3.1)");

/* Firmware's argument: an address of the hypervisor's. */
static u64 address(const void *p)
{
    return (u64)(uintptr_t)p;
}

/* The call itself: its status in op. Firmware that has failed, or does not have the service, has a status, too. */
static long call(efi_op *op, enum efi_service s, const u64 args[EFI_MAX_ARGS])
{
    u64 status = 0;
    int rc = efi_runtime_call(s, args, &status);

    switch (rc) {
    case -EBUSY:
        return -ERESTART;        /* nothing is done: again from the start, with interrupts taken meanwhile */
    case -EIO:
        op->status = EFI_DEVICE_ERROR;
        return 0;
    case -EOPNOTSUPP:
        op->status = EFI_UNSUPPORTED;
        return 0;
    default:
        op->status = status;
        return rc;
    }
}

static bool is_error(u64 status)
{
    return (status & BIT(63)) != 0;
}

/* ---- time ---- */

static long get_time(efi_op *op)
{
    struct efi_time_capabilities caps = { 0 };
    struct xenpf_efi_time time = { 0 };
    const u64 args[EFI_MAX_ARGS] = { address(&time), address(&caps) };
    long rc = call(op, EFI_GET_TIME, args);

    if (rc == 0 && !is_error(op->status)) {
        op->u.get_time.time = time;
        op->u.get_time.resolution = caps.resolution;
        op->u.get_time.accuracy = caps.accuracy;
        op->misc = caps.sets_to_zero ? XEN_EFI_GET_TIME_SET_CLEARS_NS : 0;
    }
    return rc;
}

static long set_time(efi_op *op)
{
    const u64 args[EFI_MAX_ARGS] = { address(&op->u.set_time) };

    return call(op, EFI_SET_TIME, args);
}

static long get_wakeup_time(efi_op *op)
{
    struct xenpf_efi_time time = { 0 };
    u8 enabled = 0, pending = 0;
    const u64 args[EFI_MAX_ARGS] = { address(&enabled), address(&pending), address(&time) };
    long rc = call(op, EFI_GET_WAKEUP_TIME, args);

    if (rc == 0 && !is_error(op->status)) {
        op->u.get_wakeup_time = time;
        op->misc = (enabled ? XEN_EFI_GET_WAKEUP_TIME_ENABLED : 0) | (pending ? XEN_EFI_GET_WAKEUP_TIME_PENDING : 0);
    }
    return rc;
}

static long set_wakeup_time(efi_op *op)
{
    bool enable = (op->misc & XEN_EFI_SET_WAKEUP_TIME_ENABLE) != 0;
    bool no_time = (op->misc & XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY) != 0;
    const u64 args[EFI_MAX_ARGS] = { enable, enable && !no_time ? address(&op->u.set_wakeup_time) : 0 };

    return call(op, EFI_SET_WAKEUP_TIME, args);
}

static long get_next_high_monotonic_count(efi_op *op)
{
    u32 high = 0;
    const u64 args[EFI_MAX_ARGS] = { address(&high) };
    long rc = call(op, EFI_GET_NEXT_HIGH_MONOTONIC_COUNT, args);

    if (rc == 0 && !is_error(op->status)) {
        op->misc = high;
    }
    return rc;
}

/* ---- variables ---- */

/* Length in bytes of the UTF-16 string at `name`, its NUL included; 0: it has none within `max` bytes. */
static size_t name_bytes(const u16 *name, size_t max)
{
    for (size_t i = 0; i < max / sizeof(*name); i++) {
        if (name[i] == 0) {
            return (i + 1) * sizeof(*name);
        }
    }
    return 0;
}

/*
 * A name of unknown length: up to its NUL, and no byte more is asked of dom0 than lies in pages that the name reaches.
 * It is there with *status EFI_SUCCESS; EFI_INVALID_PARAMETER: it has no end.
 */
static long fetch_name(u16 *name, u64 gva, u64 *status)
{
    size_t done = 0;

    *status = EFI_INVALID_PARAMETER;
    if ((gva & 1) != 0) {
        return -EINVAL;          /* a character that lies in two pages is nothing that anybody passes */
    }
    while (done < NAME_MAX) {
        size_t part = MIN((size_t)(PAGE_SIZE - ((gva + done) & ~PAGE_MASK)), (size_t)NAME_MAX - done);

        if (copy_from_guest((u8 *)name + done, gva + done, part) != 0) {
            return -EFAULT;
        }
        if (name_bytes(name + done / sizeof(*name), part) != 0) {
            *status = EFI_SUCCESS;
            return 0;
        }
        done += part;
    }
    return 0;
}

static long get_variable_to(efi_op *op, const u16 *name, void *data, size_t room)
{
    u64 to = handle_gva(op->u.get_variable.data), size = room;
    u32 attributes = 0;
    const u64 args[EFI_MAX_ARGS] = { address(name), address(&op->u.get_variable.vendor_guid), address(&attributes),
                                     address(&size), to != 0 ? address(data) : 0 };
    long rc = call(op, EFI_GET_VARIABLE, args);

    if (rc != 0 || (op->status != EFI_SUCCESS && op->status != EFI_BUFFER_TOO_SMALL)) {
        return rc;
    }
    op->misc = attributes;
    op->u.get_variable.size = size;
    if (op->status != EFI_SUCCESS) {
        return 0;
    }
    if (size > room) {
        op->status = EFI_DEVICE_ERROR;   /* more than there was room for */
        return 0;
    }
    return size != 0 ? copy_to_guest(to, data, (size_t)size) : 0;
}

static long set_variable_from(efi_op *op, const u16 *name, void *data, size_t size)
{
    const u64 args[EFI_MAX_ARGS] = { address(name), address(&op->u.set_variable.vendor_guid), op->misc, size,
                                     address(data) };

    if (size != 0 && copy_from_guest(data, handle_gva(op->u.set_variable.data), size) != 0) {
        return -EFAULT;
    }
    return call(op, EFI_SET_VARIABLE, args);
}

/* What both have in common: the name, and a buffer for `size` bytes of data. */
static long with_variable(efi_op *op, size_t size, long (*fn)(efi_op *op, const u16 *name, void *data, size_t size))
{
    u16 *name = xzalloc_bytes(NAME_MAX);
    void *data = xzalloc_bytes(MAX(size, (size_t)1));
    long rc = 0;

    op->status = EFI_OUT_OF_RESOURCES;
    if (name != NULL && data != NULL) {
        rc = fetch_name(name, handle_gva(op->u.get_variable.name), &op->status);
        if (rc == 0 && op->status == EFI_SUCCESS) {
            rc = fn(op, name, data, size);
        }
    }
    xfree(data);
    xfree(name);
    return rc;
}

static long get_variable(efi_op *op)
{
    return with_variable(op, (size_t)MIN(op->u.get_variable.size, DATA_MAX), get_variable_to);
}

static long set_variable(efi_op *op)
{
    if (op->u.set_variable.size > DATA_MAX) {
        op->status = EFI_INVALID_PARAMETER;      /* "the DataSize exceeds the maximum allowed" (8.2.3) */
        return 0;
    }
    return with_variable(op, (size_t)op->u.set_variable.size, set_variable_from);
}

static long next_name_to(efi_op *op, u16 *name, size_t room)
{
    u64 gva = handle_gva(op->u.get_next_variable_name.name), size = room;
    const u64 args[EFI_MAX_ARGS] = { address(&size), address(name),
                                     address(&op->u.get_next_variable_name.vendor_guid) };
    long rc;

    if (copy_from_guest(name, gva, room) != 0) {
        return -EFAULT;
    }
    if (name_bytes(name, room) == 0) {
        op->status = EFI_INVALID_PARAMETER;      /* the name that was found last must end within the buffer (8.2.2) */
        return 0;
    }
    rc = call(op, EFI_GET_NEXT_VARIABLE_NAME, args);
    if (rc != 0 || (op->status != EFI_SUCCESS && op->status != EFI_BUFFER_TOO_SMALL)) {
        return rc;
    }
    /* With a size that is no larger dom0 would ask again without end. */
    if (op->status == EFI_SUCCESS ? size > room || name_bytes(name, room) == 0 : size <= room || size > NAME_MAX) {
        op->status = EFI_DEVICE_ERROR;
        return 0;
    }
    op->u.get_next_variable_name.size = size;
    return op->status == EFI_SUCCESS ? copy_to_guest(gva, name, (size_t)size) : 0;
}

static long get_next_variable_name(efi_op *op)
{
    size_t room = (size_t)MIN(op->u.get_next_variable_name.size, (u64)NAME_MAX);
    u16 *name = xzalloc_bytes(NAME_MAX);
    long rc = 0;

    op->status = EFI_OUT_OF_RESOURCES;
    if (name != NULL) {
        rc = next_name_to(op, name, room);
    }
    xfree(name);
    return rc;
}

static long query_variable_info(efi_op *op)
{
    u64 store = 0, remain = 0, max = 0;
    const u64 args[EFI_MAX_ARGS] = { op->u.query_variable_info.attr, address(&store), address(&remain), address(&max) };
    long rc = call(op, EFI_QUERY_VARIABLE_INFO, args);

    if (rc == 0 && !is_error(op->status)) {
        op->u.query_variable_info.max_store_size = store;
        op->u.query_variable_info.remain_store_size = remain;
        op->u.query_variable_info.max_size = max;
    }
    return rc;
}

/* A capsule needs memory that firmware reads after a restart, and that restart done by firmware: not offered. */
static long capsule(efi_op *op)
{
    (void)op;
    return -EOPNOTSUPP;
}

/* By function: what it does, and which bits of misc mean something on the way in. */
static const struct { efi_fn *fn; u32 flags; } efi_functions[] = {
    [XEN_EFI_get_time] = { get_time, 0 },
    [XEN_EFI_set_time] = { set_time, 0 },
    [XEN_EFI_get_wakeup_time] = { get_wakeup_time, 0 },
    [XEN_EFI_set_wakeup_time] = { set_wakeup_time,
                                  XEN_EFI_SET_WAKEUP_TIME_ENABLE | XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY },
    [XEN_EFI_get_next_high_monotonic_count] = { get_next_high_monotonic_count, 0 },
    [XEN_EFI_get_variable] = { get_variable, 0 },
    [XEN_EFI_set_variable] = { set_variable, UINT32_MAX },
    [XEN_EFI_get_next_variable_name] = { get_next_variable_name, 0 },
    [XEN_EFI_query_variable_info] = { query_variable_info, 0 },
    [XEN_EFI_query_capsule_capabilities] = { capsule, 0 },
    [XEN_EFI_update_capsule] = { capsule, 0 },
};

long platform_efi_call(struct vcpu *v, struct xen_platform_op *platform_op)
{
    efi_op *op = &platform_op->u.efi_runtime_call;
    u32 function = (u32)index_nospec(op->function, ARRAY_SIZE(efi_functions));

    (void)v;
    if (!efi_runtime_usable()) {
        return -ENOSYS;          /* as where there is no UEFI at all */
    }
    if (op->function != function || efi_functions[function].fn == NULL) {
        return -ENOSYS;
    }
    if ((op->misc & ~efi_functions[function].flags) != 0) {
        return -EINVAL;
    }
    return efi_functions[function].fn(op);
}
