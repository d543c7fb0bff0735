/* SPDX-License-Identifier: MIT */
/* unit-sources: core/hypercall/platform_op.c core/hypercall/platform_efi.c core/efi_runtime.c */
/* XENPF_efi_runtime_call against a firmware that the test plays: functions, and what dom0 and firmware may do wrong. */
#include "unit.h"
#include <argon/efi_runtime.h>

/* Where the services of the fake are. */
#define AT(service) (0x1000u + (service) * 16u)

static struct efi_found found;
static int firmware_rc;
static u64 firmware_status;
static enum efi_service called;
static u64 arg[EFI_MAX_ARGS];
static u32 calls;
static void (*firmware)(void);   /* plays the service: looks at arg, may set firmware_status */

int arch_firmware_call(u64 fn, const u64 *args, u64 *status)
{
    calls++;
    called = (enum efi_service)((fn - 0x1000) / 16);
    memcpy(arg, args, sizeof(arg));
    if (firmware != NULL && firmware_rc == 0) {
        firmware();
    }
    *status = firmware_status;
    return firmware_rc;
}

static struct vcpu *v;
static struct xen_platform_op op;
#define EFI op.u.efi_runtime_call

static int setup(void **state)
{
    int rc = unit_setup(state);

    for (u32 i = 0; i < EFI_NR_SERVICES; i++) {
        found.service[i] = AT(i);
    }
    efi_runtime_enable(&found);
    firmware_rc = 0;
    firmware_status = EFI_SUCCESS;
    firmware = NULL;
    calls = 0;
    v = unit_domain(0, 1)->vcpu[0];
    unit_set_current(v);
    return rc;
}

static void begin(u32 function)
{
    memset(&op, 0, sizeof(op));
    op.cmd = XENPF_efi_runtime_call;
    op.interface_version = XENPF_INTERFACE_VERSION;
    EFI.function = function;
}

static u64 fail_after = ~0UL;    /* unit_alloc_fail_after during the call */
static u64 leaked;               /* allocations that it has left */

/* The call, and what dom0 finds in its memory after it. */
static long go(void)
{
    u64 gva = unit_guest_put(v->domain, &op, sizeof(op)), before = unit_allocs();
    long rc;

    unit_alloc_fail_after = fail_after;
    rc = do_platform_op(v, (u64[6]){ gva });
    unit_alloc_fail_after = ~0UL;
    leaked = unit_allocs() - before;
    memcpy(&op, unit_guest_ptr(v->domain, gva), sizeof(op));
    return rc;
}

static void *pointer(u32 i) { return (void *)(uintptr_t)arg[i]; }

static void play_get_time(void)
{
    static const struct xenpf_efi_time t = { .year = 2026, .month = 11, .day = 29, .ns = 5, .tz = -60, .daylight = 1 };

    memcpy(pointer(0), &t, sizeof(t));
    ((u32 *)pointer(1))[0] = 1;
    ((u32 *)pointer(1))[1] = 50000000;
    ((u8 *)pointer(1))[8] = 1;
}

static void test_get_time(void **state)
{
    (void)state;
    begin(XEN_EFI_get_time);
    firmware = play_get_time;
    assert_int_equal(go(), 0);
    assert_int_equal(called, EFI_GET_TIME);
    assert_int_equal(EFI.status, 0);
    assert_int_equal(EFI.u.get_time.time.year, 2026);
    assert_int_equal(EFI.u.get_time.time.tz, -60);
    assert_int_equal(EFI.u.get_time.resolution, 1);
    assert_int_equal(EFI.u.get_time.accuracy, 50000000);
    assert_int_equal(EFI.misc, XEN_EFI_GET_TIME_SET_CLEARS_NS);
    /* Of a failure, the status and nothing else. */
    begin(XEN_EFI_get_time);
    firmware_status = EFI_DEVICE_ERROR;
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_DEVICE_ERROR);
    assert_int_equal(EFI.u.get_time.time.year, 0);
    assert_int_equal(EFI.misc, 0);
}

static void play_set_time(void)
{
    assert_int_equal(((const struct xenpf_efi_time *)pointer(0))->year, 1999);
}

static void test_set_time(void **state)
{
    (void)state;
    begin(XEN_EFI_set_time);
    EFI.u.set_time.year = 1999;
    firmware = play_set_time;
    firmware_status = EFI_ERROR(8);              /* whatever it is, it is passed on */
    assert_int_equal(go(), 0);
    assert_int_equal(called, EFI_SET_TIME);
    assert_int_equal(EFI.status, EFI_ERROR(8));
}

static void play_get_wakeup(void)
{
    *(u8 *)pointer(1) = 1;
    ((struct xenpf_efi_time *)pointer(2))->year = 2030;
}

static void play_set_wakeup(void)
{
    assert_int_equal(((const struct xenpf_efi_time *)pointer(1))->year, 2031);
}

static void test_wakeup(void **state)
{
    (void)state;
    begin(XEN_EFI_get_wakeup_time);
    firmware = play_get_wakeup;
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.misc, XEN_EFI_GET_WAKEUP_TIME_PENDING);
    assert_int_equal(EFI.u.get_wakeup_time.year, 2030);

    firmware = play_set_wakeup;
    begin(XEN_EFI_set_wakeup_time);
    EFI.misc = XEN_EFI_SET_WAKEUP_TIME_ENABLE;
    EFI.u.set_wakeup_time.year = 2031;
    assert_int_equal(go(), 0);
    assert_int_equal(called, EFI_SET_WAKEUP_TIME);
    assert_int_equal(arg[0], 1);
    /* No time: with the flag that says so, and to switch it off. */
    firmware = NULL;
    EFI.misc = XEN_EFI_SET_WAKEUP_TIME_ENABLE | XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY;
    assert_int_equal(go(), 0);
    assert_int_equal(arg[0], 1);
    assert_int_equal(arg[1], 0);
    EFI.misc = 0;
    assert_int_equal(go(), 0);
    assert_int_equal(arg[0], 0);
    assert_int_equal(arg[1], 0);
}

static void play_count(void) { *(u32 *)pointer(0) = 7; }

static void test_count(void **state)
{
    (void)state;
    begin(XEN_EFI_get_next_high_monotonic_count);
    firmware = play_count;
    assert_int_equal(go(), 0);
    assert_int_equal(called, EFI_GET_NEXT_HIGH_MONOTONIC_COUNT);
    assert_int_equal(EFI.misc, 7);
}

static const u16 boot_order[] = { 'B', 'o', 'o', 't', 'O', 'r', 'd', 'e', 'r', 0 };
static const u8 value[6] = { 1, 0, 2, 0, 3, 0 };

static void begin_variable(u32 function, u64 size)
{
    begin(function);
    EFI.u.get_variable.name.q = unit_guest_put(v->domain, boot_order, sizeof(boot_order));
    EFI.u.get_variable.size = size;
    EFI.u.get_variable.data.q = unit_guest_alloc(v->domain, PAGE_SIZE);
    EFI.u.get_variable.vendor_guid.data1 = 0x8be4df61;
}

static void check_name(void)
{
    assert_memory_equal(pointer(0), boot_order, sizeof(boot_order));
    assert_int_equal(*(const u32 *)pointer(1), 0x8be4df61);
}

static void play_get(void)
{
    u64 *size = pointer(3);

    check_name();
    *(u32 *)pointer(2) = 7;
    firmware_status = *size < sizeof(value) ? EFI_BUFFER_TOO_SMALL : EFI_SUCCESS;
    *size = sizeof(value);
    if (firmware_status == EFI_SUCCESS) {
        memcpy(pointer(4), value, sizeof(value));
    }
}

static void test_get_variable(void **state)
{
    u8 *data;

    (void)state;
    firmware = play_get;
    begin_variable(XEN_EFI_get_variable, 100);
    data = unit_guest_ptr(v->domain, EFI.u.get_variable.data.q);
    memset(data, 0xee, 16);
    assert_int_equal(go(), 0);
    assert_int_equal(called, EFI_GET_VARIABLE);
    assert_int_equal(EFI.status, EFI_SUCCESS);
    assert_int_equal(EFI.u.get_variable.size, sizeof(value));
    assert_int_equal(EFI.misc, 7);
    assert_memory_equal(data, value, sizeof(value));
    assert_int_equal(data[sizeof(value)], 0xee);         /* and no more */
    assert_int_equal(leaked, 0);

    /* Too small: 0 and the size that it takes; the buffer is left alone, or is not there at all. */
    memset(data, 0xee, 16);
    EFI.misc = 0;
    EFI.u.get_variable.size = 5;
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_BUFFER_TOO_SMALL);
    assert_int_equal(EFI.u.get_variable.size, sizeof(value));
    assert_int_equal(data[0], 0xee);
    EFI.misc = 0;
    EFI.u.get_variable.size = 0;
    EFI.u.get_variable.data.q = 0;
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_BUFFER_TOO_SMALL);
    assert_int_equal(arg[4], 0);
}

static void test_get_variable_bad(void **state)
{
    (void)state;
    firmware = play_get;
    begin_variable(XEN_EFI_get_variable, 100);
    EFI.u.get_variable.data.q = 0xdead000;
    assert_int_equal(go(), -EFAULT);
    begin_variable(XEN_EFI_get_variable, 100);
    EFI.u.get_variable.name.q = 0xdead000;
    calls = 0;
    assert_int_equal(go(), -EFAULT);
    begin_variable(XEN_EFI_get_variable, 100);
    EFI.u.get_variable.name.q++;
    assert_int_equal(go(), -EINVAL);
    assert_int_equal(calls, 0);
    /* Room for more than any variable has: not asked of the hypervisor's memory. */
    begin_variable(XEN_EFI_get_variable, ~0UL);
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.u.get_variable.size, sizeof(value));
}

/* A name may end in another page than it begins, and must end at all. */
static void test_name_length(void **state)
{
    u64 gva = unit_guest_alloc(v->domain, 4 * PAGE_SIZE);

    (void)state;
    firmware = play_get;
    begin_variable(XEN_EFI_get_variable, 100);
    memcpy(unit_guest_ptr(v->domain, gva + PAGE_SIZE - 8), boot_order, 8);
    memcpy(unit_guest_ptr(v->domain, gva + PAGE_SIZE), (const u8 *)boot_order + 8, sizeof(boot_order) - 8);
    EFI.u.get_variable.name.q = gva + PAGE_SIZE - 8;
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_SUCCESS);

    for (u32 i = 0; i < 4; i++) {
        memset(unit_guest_ptr(v->domain, gva + i * PAGE_SIZE), 'x', PAGE_SIZE);
    }
    begin_variable(XEN_EFI_get_variable, 100);
    EFI.u.get_variable.name.q = gva + 2;
    calls = 0;
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_INVALID_PARAMETER);
    assert_int_equal(calls, 0);
    assert_int_equal(leaked, 0);
}

static void play_liar(void) { *(u64 *)pointer(3) = 1UL << 40; }

static void test_firmware_says_too_much(void **state)
{
    (void)state;
    firmware = play_liar;
    begin_variable(XEN_EFI_get_variable, 100);
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_DEVICE_ERROR);
}

static void play_set(void)
{
    check_name();
    assert_int_equal(arg[2], 0x27);
    assert_int_equal(arg[3], sizeof(value));
    assert_memory_equal(pointer(4), value, sizeof(value));
}

static void play_delete(void)
{
    check_name();
    assert_int_equal(arg[3], 0);
}

static void test_set_variable(void **state)
{
    (void)state;
    firmware = play_set;
    begin_variable(XEN_EFI_set_variable, sizeof(value));
    EFI.misc = 0x27;
    memcpy(unit_guest_ptr(v->domain, EFI.u.set_variable.data.q), value, sizeof(value));
    assert_int_equal(go(), 0);
    assert_int_equal(called, EFI_SET_VARIABLE);
    assert_int_equal(EFI.status, EFI_SUCCESS);

    firmware = play_delete;
    begin_variable(XEN_EFI_set_variable, 0);
    EFI.u.set_variable.data.q = 0;
    assert_int_equal(go(), 0);

    calls = 0;
    begin_variable(XEN_EFI_set_variable, sizeof(value));
    EFI.u.set_variable.data.q = 0xdead000;
    assert_int_equal(go(), -EFAULT);
    begin_variable(XEN_EFI_set_variable, KIB(256) + 1);
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_INVALID_PARAMETER);
    assert_int_equal(calls, 0);
}

/* Memory runs out at the first of the two buffers, or at the second; nothing stays. */
static void test_out_of_memory(void **state)
{
    (void)state;
    for (fail_after = 0; fail_after < 2; fail_after++) {
        begin_variable(XEN_EFI_set_variable, 4);
        assert_int_equal(go(), 0);
        assert_int_equal(EFI.status, EFI_OUT_OF_RESOURCES);
        assert_int_equal(leaked, 0);
    }
    begin(XEN_EFI_get_next_variable_name);
    fail_after = 0;
    assert_int_equal(go(), 0);
    fail_after = ~0UL;
    assert_int_equal(EFI.status, EFI_OUT_OF_RESOURCES);
    assert_int_equal(calls, 0);
}

static u64 next_size;            /* what firmware says that the next name takes */

static void play_next(void)
{
    u64 *size = pointer(0);

    assert_int_equal(*(u16 *)pointer(1), 0);             /* from the first */
    if (firmware_status == EFI_SUCCESS && *size < sizeof(boot_order)) {
        firmware_status = EFI_BUFFER_TOO_SMALL;
    }
    *size = next_size != 0 ? next_size : sizeof(boot_order);
    if (firmware_status == EFI_SUCCESS) {
        memcpy(pointer(1), boot_order, sizeof(boot_order));
        ((u32 *)pointer(2))[0] = 0x8be4df61;
    }
}

static void begin_next(u64 size)
{
    begin(XEN_EFI_get_next_variable_name);
    EFI.u.get_next_variable_name.size = size;
    EFI.u.get_next_variable_name.name.q = unit_guest_alloc(v->domain, 2 * PAGE_SIZE);
    firmware = play_next;
    firmware_status = EFI_SUCCESS;
    next_size = 0;
}

static void test_next_name(void **state)
{
    (void)state;
    begin_next(1024);
    assert_int_equal(go(), 0);
    assert_int_equal(called, EFI_GET_NEXT_VARIABLE_NAME);
    assert_int_equal(EFI.u.get_next_variable_name.size, sizeof(boot_order));
    assert_int_equal(EFI.u.get_next_variable_name.vendor_guid.data1, 0x8be4df61);
    assert_memory_equal(unit_guest_ptr(v->domain, EFI.u.get_next_variable_name.name.q), boot_order, sizeof(boot_order));

    begin_next(8);
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_BUFFER_TOO_SMALL);
    assert_int_equal(EFI.u.get_next_variable_name.size, sizeof(boot_order));

    begin_next(1024);
    firmware_status = EFI_NOT_FOUND;
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_NOT_FOUND);
    assert_int_equal(EFI.u.get_next_variable_name.size, 1024);
}

static void test_next_name_bad(void **state)
{
    (void)state;
    begin_next(0);
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_INVALID_PARAMETER);
    begin_next(8);
    memset(unit_guest_ptr(v->domain, EFI.u.get_next_variable_name.name.q), 'x', 8);
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_INVALID_PARAMETER);
    begin_next(8);
    EFI.u.get_next_variable_name.name.q = 0xdead000;
    assert_int_equal(go(), -EFAULT);
    assert_int_equal(calls, 0);
    /* More room than dom0 has memory for there. */
    begin_next(1UL << 40);
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.u.get_next_variable_name.size, sizeof(boot_order));
    /* Firmware that would have dom0 ask for ever, or copies more than there is. */
    begin_next(8);
    next_size = 8;
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_DEVICE_ERROR);
    begin_next(8);
    next_size = 1UL << 20;
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_DEVICE_ERROR);
    begin_next(1024);
    next_size = 1025;
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_DEVICE_ERROR);
}

static void play_info(void)
{
    assert_int_equal(arg[0], 7);
    *(u64 *)pointer(1) = 0x10000;
    *(u64 *)pointer(2) = 0x8000;
    *(u64 *)pointer(3) = 0x400;
}

static void test_info(void **state)
{
    (void)state;
    begin(XEN_EFI_query_variable_info);
    EFI.u.query_variable_info.attr = 7;
    firmware = play_info;
    assert_int_equal(go(), 0);
    assert_int_equal(called, EFI_QUERY_VARIABLE_INFO);
    assert_int_equal(EFI.u.query_variable_info.max_store_size, 0x10000);
    assert_int_equal(EFI.u.query_variable_info.remain_store_size, 0x8000);
    assert_int_equal(EFI.u.query_variable_info.max_size, 0x400);
}

static void test_functions(void **state)
{
    (void)state;
    begin(0);
    assert_int_equal(go(), -ENOSYS);
    begin(XEN_EFI_update_capsule + 1);
    assert_int_equal(go(), -ENOSYS);
    begin(~0u);
    assert_int_equal(go(), -ENOSYS);
    begin(XEN_EFI_query_capsule_capabilities);
    assert_int_equal(go(), -EOPNOTSUPP);
    begin(XEN_EFI_update_capsule);
    assert_int_equal(go(), -EOPNOTSUPP);
    for (u32 f = XEN_EFI_get_time; f <= XEN_EFI_query_variable_info; f++) {
        begin(f);
        EFI.misc = BIT32(31);
        assert_int_equal(go(), f == XEN_EFI_set_variable ? -EFAULT : -EINVAL);
    }
    assert_int_equal(calls, 0);
    begin(XEN_EFI_get_time);
    op.interface_version++;
    assert_int_equal(go(), -EACCES);
    /* The argument is readable in its first half only. */
    assert_int_equal(do_platform_op(v, (u64[6]){ 0xdead000 }), -EFAULT);
}

/* dom0 took the memory away that the answer was to go to. */
static void play_unmap(void) { host_access_fail_after = 0; }

static void test_answer_has_no_place(void **state)
{
    u64 gva;

    (void)state;
    begin(XEN_EFI_get_time);
    gva = unit_guest_put(v->domain, &op, sizeof(op));
    firmware = play_unmap;
    assert_int_equal(do_platform_op(v, (u64[6]){ gva }), -EFAULT);
    host_access_fail_after = ~0UL;
}

static void test_no_service(void **state)
{
    (void)state;
    /* With all of them: no capsules, nothing that changes addresses. */
    assert_int_equal(efi_runtime_properties(), 0x267f);
    found.service[EFI_GET_WAKEUP_TIME] = 0;
    found.service[EFI_SET_VARIABLE] = 0;
    efi_runtime_enable(&found);
    begin(XEN_EFI_get_wakeup_time);
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_UNSUPPORTED);
    assert_int_equal(calls, 0);
    assert_int_equal(efi_runtime_properties(), 0x263b);
}

/* Another CPU is in firmware: the call is made again, as it was. */
static void play_second(void)
{
    struct xen_platform_op first = op;
    u64 status;
    const u64 none[EFI_MAX_ARGS] = { 0 };

    unit_set_cpu(1);
    assert_int_equal(efi_runtime_call(EFI_SET_TIME, none, &status), -EBUSY);
    unit_set_current(v);
    assert_int_equal(calls, 1);
    begin(XEN_EFI_set_time);
    assert_int_equal(go(), -ERESTART);
    assert_int_equal(EFI.status, 0);
    assert_int_equal(calls, 1);
    op = first;
    unit_set_cpu(0);
}

static void test_busy(void **state)
{
    (void)state;
    begin(XEN_EFI_get_time);
    firmware = play_second;
    assert_int_equal(go(), 0);
    firmware = NULL;
    begin(XEN_EFI_set_time);
    assert_int_equal(go(), 0);
    assert_int_equal(calls, 2);
    firmware_rc = -EBUSY;
    assert_int_equal(go(), -ERESTART);
}

/* An exception in firmware: this call has failed, later ones are not made, and the machine goes on. */
static void test_firmware_fails(void **state)
{
    (void)state;
    begin(XEN_EFI_get_time);
    firmware_rc = -EIO;
    assert_int_equal(go(), 0);
    assert_int_equal(EFI.status, EFI_DEVICE_ERROR);
    assert_non_null(strstr(unit_log(), "UEFI runtime services are off: GetTime has failed"));
    firmware_rc = 0;
    begin(XEN_EFI_get_time);
    assert_int_equal(go(), -ENOSYS);
    assert_int_equal(efi_runtime_properties(), 0);
    assert_false(efi_runtime_usable());
    efi_runtime_end();                           /* for good: these are the last of the tests */
    efi_runtime_reset(true);
    assert_int_equal(calls, 2);
    assert_int_equal(called, EFI_RESET_SYSTEM);
}

static void test_reset(void **state)
{
    (void)state;
    firmware_status = EFI_UNSUPPORTED;
    efi_runtime_reset(true);
    assert_int_equal(called, EFI_RESET_SYSTEM);
    assert_int_equal(arg[0], 0);                 /* EfiResetCold */
    assert_int_equal(arg[1], EFI_SUCCESS);
    assert_int_equal(arg[2], 0);
    assert_non_null(strstr(unit_log(), "UEFI's ResetSystem has returned"));
    efi_runtime_reset(false);
    assert_int_equal(arg[0], 2);                 /* EfiResetShutdown */
    assert_int_equal(calls, 2);
}

#define efi_case(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        efi_case(test_get_time), efi_case(test_set_time), efi_case(test_wakeup), efi_case(test_count),
        efi_case(test_get_variable), efi_case(test_get_variable_bad), efi_case(test_name_length),
        efi_case(test_firmware_says_too_much), efi_case(test_set_variable), efi_case(test_out_of_memory),
        efi_case(test_next_name), efi_case(test_next_name_bad), efi_case(test_info), efi_case(test_functions),
        efi_case(test_answer_has_no_place), efi_case(test_no_service), efi_case(test_busy),
        efi_case(test_firmware_fails), efi_case(test_reset),
    };

    return cmocka_run_group_tests_name("hypercall_efi", tests, NULL, NULL);
}
