/* SPDX-License-Identifier: MIT */
/* Hypercall convention, errors of every family, xen_version, multicall and the small ones (docs/abi.md; xen/xen.h). */
#include "hypercall.h"
#include <stddef.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include "check.h"
#include "console.h"
#include "gic.h"
#include "machine.h"
#include "mmu.h"
#include "sysreg.h"
#include "xenabi.h"

static uint8_t page[2 * PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static void unknown_numbers(void)
{
    static const unsigned long absent[] = {
        0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 14, 15, 16, 19, 22, 23, 25, 26, 28, 30, 31, 37, 38, 39, 40, 41, 43, 47, 48, 49,
        55, 56, 63, 64, 65, 127, 128, 255, 256, 1000,
        0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000011, 1ul << 63, ~0ul,
    };

    for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        CHECK_EQ(check_name("number", absent[i]), -XEN_ENOSYS, hypercall3(absent[i], ~0ul, ~0ul, ~0ul));
}

static void version_numbers(void)
{
    xen_feature_info_t features = { .submap_idx = 0 };
    xen_platform_parameters_t platform = { 1 };

    CHECK_EQ("version", 4 << 16 | 17, hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0));
    CHECK_EQ("pagesize", 4096, hypercall2(__HYPERVISOR_xen_version, XENVER_pagesize, 0));
    CHECK_EQ("platform-parameters", 0, hypercall2(__HYPERVISOR_xen_version, XENVER_platform_parameters, &platform));
    CHECK_EQ("virt-start", 0x200000, platform.virt_start);
    CHECK_EQ("get-features", 0, hypercall2(__HYPERVISOR_xen_version, XENVER_get_features, &features));
    CHECK_EQ("dom0-features", 0x26805, features.submap);
    features.submap_idx = 1;
    CHECK_EQ("features-submap-1", -XEN_EINVAL, hypercall2(__HYPERVISOR_xen_version, XENVER_get_features, &features));
    CHECK_EQ("subop-11", -XEN_ENOSYS, hypercall2(__HYPERVISOR_xen_version, 99, page));
    CHECK_EQ("subop-negative", -XEN_ENOSYS, hypercall2(__HYPERVISOR_xen_version, ~0ul, page));
}

static void version_strings(void)
{
    xen_compile_info_t info;
    char capabilities[1024];

    memset(page, 0xaa, sizeof(page));
    CHECK_EQ("extraversion", 0, hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, page));
    CHECK("extraversion-terminated", page[15] == 0 || strlen((char *)page) < 16);
    CHECK_EQ("extraversion-length-16", 0xaa, page[16]);
    CHECK_EQ("compile-info", 0, hypercall2(__HYPERVISOR_xen_version, XENVER_compile_info, &info));
    CHECK("compiler-named", strlen(info.compiler) > 2 && strlen(info.compiler) < sizeof(info.compiler));
    memset(capabilities, 0xaa, sizeof(capabilities));
    CHECK_EQ("capabilities", 0, hypercall2(__HYPERVISOR_xen_version, XENVER_capabilities, capabilities));
    CHECK("aarch64-guests", string_find(capabilities, "xen-3.0-aarch64 ") != NULL);
    memset(page, 0xaa, sizeof(page));
    CHECK_EQ("changeset", 0, hypercall2(__HYPERVISOR_xen_version, XENVER_changeset, page));
    CHECK_EQ("changeset-length-64", 0xaa, page[64]);
    CHECK_EQ("commandline", 0, hypercall2(__HYPERVISOR_xen_version, XENVER_commandline, page));
    CHECK("commandline-holds-options", string_find((char *)page, "dom0_mem=") != NULL);
    CHECK_EQ("guest-handle", 0, hypercall2(__HYPERVISOR_xen_version, XENVER_guest_handle, page));
    for (unsigned i = 0; i < 16; i++)
        CHECK_EQ(check_name("dom0-handle", i), 0, page[i]);
    CHECK_EQ("build-id-size", 20, hypercall2(__HYPERVISOR_xen_version, XENVER_build_id, 0));
}

/* Registers that a hypercall must leave alone: all but x0..x4 and x16. */
static void preserves(void)
{
    static uint64_t v[31];

    for (unsigned i = 0; i < 31; i++)
        v[i] = 0xa5a5000000000000ul + i;
    asm volatile("ldp x5, x6, [%0, #40]\n\tldp x7, x8, [%0, #56]\n\tldp x9, x10, [%0, #72]\n\t"
                 "ldp x11, x12, [%0, #88]\n\tldp x13, x14, [%0, #104]\n\tldr x15, [%0, #120]\n\t"
                 "ldp x17, x18, [%0, #136]\n\t"
                 "mov x1, #0\n\tmov x0, #0\n\tmov x16, #17\n\thvc #0xea1\n\t"
                 "stp x5, x6, [%0, #40]\n\tstp x7, x8, [%0, #56]\n\tstp x9, x10, [%0, #72]\n\t"
                 "stp x11, x12, [%0, #88]\n\tstp x13, x14, [%0, #104]\n\tstr x15, [%0, #120]\n\t"
                 "stp x17, x18, [%0, #136]\n\tstr x0, [%0]"
                 : : "r"(v)
                 : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
                   "x15", "x16", "x17", "x18", "memory");
    CHECK_EQ("result", 4 << 16 | 17, v[0]);
    for (unsigned i = 5; i <= 18; i++)
        if (i != 16)
            CHECK_EQ(check_name("x", i), 0xa5a5000000000000ul + i, v[i]);
}

/* One call of each kind that reads or writes guest memory, with its pointer at p. */
static long with_pointer(unsigned n, uintptr_t p)
{
    switch (n) {
    case 0: return hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, p);
    case 1: return hypercall2(__HYPERVISOR_xen_version, XENVER_compile_info, p);
    case 2: return hypercall2(__HYPERVISOR_xen_version, XENVER_capabilities, p);
    case 3: return hypercall2(__HYPERVISOR_xen_version, XENVER_platform_parameters, p);
    case 4: return hypercall2(__HYPERVISOR_xen_version, XENVER_get_features, p);
    case 5: return hypercall2(__HYPERVISOR_xen_version, XENVER_commandline, p);
    case 6: return hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, p);
    case 7: return hypercall2(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, p);
    case 8: return hypercall2(__HYPERVISOR_memory_op, XENMEM_current_reservation, p);
    case 9: return hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, p);
    case 10: return hypercall2(__HYPERVISOR_multicall, p, 1);
    case 11: return hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, p, 1);
    case 12: return hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, p, 1);
    case 13: return hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_copy, p, 1);
    case 14: return hypercall3(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, p, 1);
    case 15: return hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, p);
    case 16: return hypercall3(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, p);
    case 17: return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, p);
    case 18: return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, p);
    case 19: return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_watchdog, p);
    case 20: return hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, p);
    case 21: return hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, p);
    case 22: return hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_send, p);
    case 23: return hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_status, p);
    case 24: return hypercall2(__HYPERVISOR_event_channel_op, EVTCHNOP_init_control, p);
    case 25: return hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, p);
    case 26: return hypercall1(__HYPERVISOR_domctl, p);
    case 27: return hypercall1(__HYPERVISOR_sysctl, p);
    case 28: return hypercall1(__HYPERVISOR_platform_op, p);
    case 29: return hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, 16, p);
    default: return hypercall5(__HYPERVISOR_hypfs_op, 1, p, 16, p, 16);
    }
}

#define POINTER_CALLS 31u
#define CALL_RUNSTATE 16u /* takes an address to remember, not one to follow now */

static void bad_pointers(const char *kind, uintptr_t p)
{
    for (unsigned n = 0; n < POINTER_CALLS; n++)
        if (n != CALL_RUNSTATE && n != 14)
            CHECK_EQ(check_name(kind, n), -XEN_EFAULT, with_pointer(n, p));
}

static void pointer_unmapped(void)
{
    bad_pointers("call", mmu_window(0, 0));
}

static void pointer_not_canonical(void)
{
    bad_pointers("call", 0x00ff800000000000ul);
    bad_pointers("kernel-half", ~4095ul); /* TTBR1 walks are off */
}

static void pointer_to_nothing(void)
{
    bad_pointers("call", UNMAPPED_GPA);
}

static void pointer_to_device(void)
{
    bad_pointers("gicd", gic.dist);
    if (machine.rtc)
        bad_pointers("rtc", machine.rtc);
}

/* The first bytes are there and the rest is not. */
static void pointer_across(void)
{
    uintptr_t at = mmu_window(1, (uintptr_t)page | PTE_NORMAL);

    (void)mmu_window(2, 0);
    memset(page, 0, PAGE_SIZE);
    for (unsigned n = 0; n < POINTER_CALLS - 1; n++) {
        unsigned room = n == 8 ? 1 : 2; /* current_reservation reads a 16-bit number */

        if (n != CALL_RUNSTATE && n != 14)
            CHECK_EQ(check_name("call", n), -XEN_EFAULT, with_pointer(n, at + PAGE_SIZE - room));
    }
    (void)mmu_window(1, 0);
}

/* What the guest itself may not write, the hypervisor does not write for it (XSA-98). */
static void pointer_read_only(void)
{
    static const uint8_t writers[] = { 0, 1, 2, 3, 5 };
    uintptr_t at = mmu_window(1, (uintptr_t)page | PTE_NORMAL | PTE_READ_ONLY);
    evtchn_status_t *status = (evtchn_status_t *)page;
    multicall_entry_t *call = (multicall_entry_t *)page;

    memset(page, 0x55, PAGE_SIZE);
    for (unsigned i = 0; i < sizeof(writers); i++)
        CHECK_EQ(check_name("call", writers[i]), -XEN_EFAULT, with_pointer(writers[i], at));
    CHECK_EQ("untouched", 0x55, page[0]);
    memset(page, 0, PAGE_SIZE);
    status->dom = DOMID_SELF;
    status->port = (evtchn_port_t)event_alloc();
    status->status = 77;
    CHECK_EQ("evtchn-status", -XEN_EFAULT, with_pointer(23, at));
    CHECK_EQ("evtchn-status-untouched", 77, status->status);
    (void)event_close(status->port);
    memset(page, 0, PAGE_SIZE);
    call->op = __HYPERVISOR_xen_version;
    call->result = 77;
    CHECK_EQ("multicall", -XEN_EFAULT, with_pointer(10, at));
    CHECK_EQ("multicall-untouched", 77, call->result);
    (void)mmu_window(1, 0);
}

/* A structure may lie across two pages that are not neighbours in physical memory. */
static void pointer_scattered(void)
{
    uintptr_t at = mmu_window(1, (uintptr_t)(page + PAGE_SIZE) | PTE_NORMAL);

    (void)mmu_window(2, (uintptr_t)page | PTE_NORMAL);
    memset(page, 0xaa, sizeof(page));
    CHECK_EQ("capabilities", 0, with_pointer(2, at + PAGE_SIZE - 7));
    CHECK_EQ("first-part", 0, memcmp(page + 2 * PAGE_SIZE - 7, "xen-3.0", 7));
    CHECK_EQ("second-part", 0, memcmp(page, "-aarch64", 8));
    (void)mmu_window(1, 0);
    (void)mmu_window(2, 0);
}

/*
 * Structures at any address, across pages too: copies of 64 and 8 bytes (multicall), 16 and 1024 (strings), 4 and 8
 * (features). What is around them stays as it was.
 */
#define ADDRESSES 64u
static void pointer_unaligned(void)
{
    static char aligned[1024] __attribute__((aligned(16)));
    static const uint64_t version[8] = { __HYPERVISOR_xen_version, 77, XENVER_version };
    static const uint64_t answer[2] = { __HYPERVISOR_xen_version, 4 << 16 | 17 };

    CHECK_EQ("aligned", 0, hypercall2(__HYPERVISOR_xen_version, XENVER_commandline, aligned));
    for (unsigned i = 0; i < ADDRESSES; i++) {
        uint8_t *at = page + PAGE_SIZE - ADDRESSES + i;

        memset(page, 0xaa, sizeof(page));
        memcpy(at, version, sizeof(version));
        CHECK_EQ(check_name("multicall", i), 0, hypercall2(__HYPERVISOR_multicall, at, 1));
        CHECK(check_name("multicall-result", i), memcmp(at, answer, sizeof(answer)) == 0 &&
                                                     memcmp(at + 16, version + 2, sizeof(version) - 16) == 0);
        CHECK(check_name("multicall-around", i), at[-1] == 0xaa && at[sizeof(version)] == 0xaa);
        memset(page, 0xaa, sizeof(page));
        CHECK_EQ(check_name("string", i), 0, hypercall2(__HYPERVISOR_xen_version, XENVER_commandline, at));
        CHECK(check_name("string-whole", i), memcmp(at, aligned, sizeof(aligned)) == 0);
        CHECK(check_name("string-around", i), at[-1] == 0xaa && at[sizeof(aligned)] == 0xaa);
        memset(page, 0xaa, sizeof(page));
        memset(at, 0, 4);
        CHECK_EQ(check_name("features", i), 0, hypercall2(__HYPERVISOR_xen_version, XENVER_get_features, at));
        CHECK(check_name("features-there", i), at[4] == 0x05 && at[5] == 0x68 && at[6] == 0x02 && at[7] == 0);
        CHECK(check_name("features-around", i), at[-1] == 0xaa && at[0] == 0 && at[8] == 0xaa);
    }
}

static void mmu_off(void)
{
    static char capabilities[1024] __attribute__((aligned(8)));
    long result;

    mmu_disable();
    result = hypercall2(__HYPERVISOR_xen_version, XENVER_capabilities, capabilities);
    mmu_enable();
    CHECK_EQ("result", 0, result);
    CHECK("written", string_find(capabilities, "aarch64") != NULL);
}

static void multicall(void)
{
    static multicall_entry_t call[80];
    xen_feature_info_t features = { 0 };

    memset(call, 0, sizeof(call));
    call[0].op = __HYPERVISOR_xen_version;
    call[0].args[0] = XENVER_version;
    call[1].op = 0x7777;
    call[2].op = __HYPERVISOR_xen_version;
    call[2].args[0] = XENVER_get_features;
    call[2].args[1] = (uintptr_t)&features;
    call[3].op = __HYPERVISOR_xen_version;
    call[3].args[0] = XENVER_get_features;
    call[3].args[1] = UNMAPPED_GPA;
    for (unsigned i = 0; i < 4; i++)
        call[i].result = 0x1234567812345678;
    CHECK_EQ("four", 0, hypercall2(__HYPERVISOR_multicall, call, 4));
    CHECK_EQ("result-version", 4 << 16 | 17, call[0].result);
    CHECK_EQ("result-unknown-64-bit", (uint64_t)-XEN_ENOSYS, call[1].result);
    CHECK_EQ("result-features", 0, call[2].result);
    CHECK_EQ("features-written", 0x26805, features.submap);
    CHECK_EQ("result-fault", (uint64_t)-XEN_EFAULT, call[3].result);
    CHECK_EQ("none", 0, hypercall2(__HYPERVISOR_multicall, call, 0));
    for (unsigned i = 0; i < 80; i++)
        call[i] = (multicall_entry_t){ .op = __HYPERVISOR_xen_version, .args = { XENVER_version } };
    CHECK_EQ("eighty", 0, hypercall2(__HYPERVISOR_multicall, call, 80));
    for (unsigned i = 0; i < 80; i++)
        CHECK_EQ(check_name("result", i), 4 << 16 | 17, call[i].result);
    call[0] = (multicall_entry_t){ .op = __HYPERVISOR_multicall, .args = { (uintptr_t)&call[1], 1 } };
    CHECK_EQ("nested", 0, hypercall2(__HYPERVISOR_multicall, call, 1));
    CHECK("nested-refused-or-done", call[0].result == 0 || (long)call[0].result == -XEN_EINVAL ||
                                    (long)call[0].result == -XEN_ENOSYS);
}

static long assist(unsigned command, unsigned type)
{
    return hypercall2(__HYPERVISOR_vm_assist, command, type);
}

/*
 * An entry unmaps the page that the entries are in: all are done and the results are there when the page is back, or,
 * if the call was interrupted after that entry, it ends with an error; then the entry's result may have got into the
 * page that comes back, and nothing after it is done.
 */
static void multicall_own_page(void)
{
    multicall_entry_t *call = (multicall_entry_t *)machine_spare_page(PAGE_BATCH);
    xen_pfn_t frame = (uintptr_t)call >> 12;
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
    long result;

    r.extent_start.p = &frame;
    memset(call, 0, 2 * sizeof(*call));
    call[0].op = __HYPERVISOR_memory_op;
    call[0].args[0] = XENMEM_decrease_reservation;
    call[0].args[1] = (uintptr_t)&r;
    call[1] = (multicall_entry_t){ .op = __HYPERVISOR_xen_version, .args = { XENVER_version } };
    result = hypercall2(__HYPERVISOR_multicall, call, 2);
    CHECK_EQ("back", 1, memory_op(XENMEM_populate_physmap, &r));
    CHECK("done-or-fault", result == 0 || result == -XEN_EFAULT);
    CHECK("unmapped", call[0].result == 1 || (result != 0 && call[0].result == 0));
    CHECK_EQ("after-it", result == 0 ? 4 << 16 | 17 : 0, call[1].result);
}

static void vm_assist(void)
{
    CHECK_EQ("enable-runstate-flag", 0, assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag));
    CHECK_EQ("disable-runstate-flag", 0, assist(VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag));
    for (unsigned type = 0; type < 8; type++)
        if (type != VMASST_TYPE_runstate_update_flag)
            CHECK_EQ(check_name("type", type), -XEN_EINVAL, assist(VMASST_CMD_enable, type));
    CHECK_EQ("type-63", -XEN_EINVAL, assist(VMASST_CMD_enable, 63));
    CHECK_EQ("type-64", -XEN_EINVAL, assist(VMASST_CMD_enable, 64));
    CHECK_EQ("type-huge", -XEN_EINVAL, assist(VMASST_CMD_enable, 1000000));
    CHECK_EQ("command", -XEN_ENOSYS, assist(2, VMASST_TYPE_runstate_update_flag));
}

static void hvm_op(void)
{
    xen_hvm_param_t param = { .domid = DOMID_SELF, .index = HVM_PARAM_STORE_EVTCHN, .value = 1 };

    CHECK_EQ("store-evtchn", 0, hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &param));
    CHECK_EQ("store-evtchn-value", 0, param.value);
    param.index = HVM_NR_PARAMS;
    CHECK_EQ("index-end", -XEN_EINVAL, hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &param));
    param.index = 0xffffffff;
    CHECK_EQ("index-huge", -XEN_EINVAL, hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &param));
    param.index = HVM_PARAM_STORE_EVTCHN;
    param.domid = 77;
    CHECK_EQ("no-such-domain", -XEN_ESRCH, hypercall2(__HYPERVISOR_hvm_op, HVMOP_get_param, &param));
    CHECK_EQ("unknown", -XEN_ENOSYS, hypercall2(__HYPERVISOR_hvm_op, 99, &param));
}

static void control(void)
{
    static uint64_t buffer[32];
    xen_platform_op_t op = { .cmd = XENPF_settime64, .interface_version = 0 };

    memset(buffer, 0, sizeof(buffer));
    buffer[0] = 5 | 0x14ul << 32; /* getdomaininfo with another version */
    CHECK_EQ("domctl-version", -XEN_EACCES, hypercall1(__HYPERVISOR_domctl, buffer));
    buffer[0] = 5 | 0x15ul << 32;
    CHECK_EQ("getdomaininfo", 0, hypercall1(__HYPERVISOR_domctl, buffer));
    CHECK_EQ("getdomaininfo-domid", 0, buffer[2] & 0xffff);
    buffer[0] = 999 | 0x15ul << 32;
    CHECK_EQ("domctl-unknown", -XEN_ENOSYS, hypercall1(__HYPERVISOR_domctl, buffer));
    buffer[0] = 3 | 0x15ul << 32;
    buffer[1] = 0;
    CHECK_EQ("pause-self", -XEN_EINVAL, hypercall1(__HYPERVISOR_domctl, buffer));
    buffer[1] = 77;
    CHECK_EQ("pause-nobody", -XEN_ESRCH, hypercall1(__HYPERVISOR_domctl, buffer));
    buffer[0] = 3 | 0x14ul << 32;
    CHECK_EQ("sysctl-version", -XEN_EACCES, hypercall1(__HYPERVISOR_sysctl, buffer));
    buffer[0] = 3 | 0x15ul << 32;
    CHECK_EQ("physinfo", 0, hypercall1(__HYPERVISOR_sysctl, buffer));
    buffer[0] = 999 | 0x15ul << 32;
    CHECK_EQ("sysctl-unknown", -XEN_ENOSYS, hypercall1(__HYPERVISOR_sysctl, buffer));
    CHECK_EQ("platform-version", -XEN_EACCES, hypercall1(__HYPERVISOR_platform_op, &op));
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.cmd = 49;
    CHECK_EQ("platform-unknown", -XEN_ENOSYS, hypercall1(__HYPERVISOR_platform_op, &op));
    for (unsigned cmd = 0; cmd < 40; cmd++)
        CHECK_EQ(check_name("physdev", cmd), -XEN_ENOSYS, hypercall2(__HYPERVISOR_physdev_op, cmd, buffer));
    CHECK_EQ("xsm", -XEN_ENOSYS, hypercall1(__HYPERVISOR_xsm_op, buffer));
}

static void console(void)
{
    CHECK_EQ("write-nothing", 0, hypercall3(__HYPERVISOR_console_io, CONSOLEIO_write, 0, page));
    CHECK_EQ("read-none-there", 0, hypercall3(__HYPERVISOR_console_io, CONSOLEIO_read, 16, page));
    CHECK_EQ("unknown", -XEN_ENOSYS, hypercall3(__HYPERVISOR_console_io, 7, 0, page));
}

const struct test tests_hypercall[] = {
    { "hypercall.unknown-numbers", unknown_numbers, 0, 0 },
    { "hypercall.version-numbers", version_numbers, 0, 0 },
    { "hypercall.version-strings", version_strings, 0, 0 },
    { "hypercall.preserves", preserves, 0, 0 },
    { "hypercall.pointer-unmapped", pointer_unmapped, 0, 0 },
    { "hypercall.pointer-not-canonical", pointer_not_canonical, 0, 0 },
    { "hypercall.pointer-to-nothing", pointer_to_nothing, 0, 0 },
    { "hypercall.pointer-to-device", pointer_to_device, 0, 0 },
    { "hypercall.pointer-across", pointer_across, 0, 0 },
    { "hypercall.pointer-read-only", pointer_read_only, 0, 0 },
    { "hypercall.pointer-scattered", pointer_scattered, 0, 0 },
    { "hypercall.pointer-unaligned", pointer_unaligned, 0, 0 },
    { "hypercall.mmu-off", mmu_off, 0, 0 },
    { "hypercall.multicall", multicall, 0, 0 },
    { "hypercall.multicall-own-page", multicall_own_page, 0, 0 },
    { "hypercall.vm-assist", vm_assist, 0, 0 },
    { "hypercall.hvm-op", hvm_op, 0, 0 },
    { "hypercall.control", control, 0, 0 },
    { "hypercall.console", console, 0, 0 },
    { 0 },
};
