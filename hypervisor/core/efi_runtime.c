/* SPDX-License-Identifier: MIT */
/* UEFI's runtime services: which there are, and one call at a time. */
#include <argon/efi_runtime.h>

#include <argon/arch.h>
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/percpu.h>
#include <argon/spinlock.h>
#include <argon/timer.h>

/* EFI_RESET_TYPE (8.5.1). */
#define RESET_COLD     0
#define RESET_SHUTDOWN 2

/* So long the machine's end waits for what firmware is doing: it may be erasing flash, which takes seconds. */
#define END_WAIT_NS (10 * NS_PER_SEC)

static u64 service_address[EFI_NR_SERVICES] ro_after_boot;       /* 0: there is none */
static bool usable;              /* cleared for good when firmware fails; any CPU reads it */
/* Who has it is in firmware. Only ever tried: firmware takes milliseconds, up to seconds where it writes flash. */
static struct spinlock firmware_lock = SPINLOCK_INIT(RANK_FIRMWARE);
static u32 in_firmware;          /* CPU + 1 that has the lock; 0: nobody. Atomic */

static const char *const service_name[EFI_NR_SERVICES] = {
    [EFI_GET_TIME] = "GetTime", [EFI_SET_TIME] = "SetTime", [EFI_GET_WAKEUP_TIME] = "GetWakeupTime",
    [EFI_SET_WAKEUP_TIME] = "SetWakeupTime", [EFI_SET_VIRTUAL_ADDRESS_MAP] = "SetVirtualAddressMap",
    [EFI_CONVERT_POINTER] = "ConvertPointer", [EFI_GET_VARIABLE] = "GetVariable",
    [EFI_GET_NEXT_VARIABLE_NAME] = "GetNextVariableName", [EFI_SET_VARIABLE] = "SetVariable",
    [EFI_GET_NEXT_HIGH_MONOTONIC_COUNT] = "GetNextHighMonotonicCount", [EFI_RESET_SYSTEM] = "ResetSystem",
    [EFI_UPDATE_CAPSULE] = "UpdateCapsule", [EFI_QUERY_CAPSULE_CAPABILITIES] = "QueryCapsuleCapabilities",
    [EFI_QUERY_VARIABLE_INFO] = "QueryVariableInfo",
};

boot_code void efi_runtime_enable(const struct efi_found *f)
{
    for (u32 i = 0; i < EFI_NR_SERVICES; i++) {
        service_address[i] = f->service[i];
    }
    usable = true;
}

bool efi_runtime_usable(void)
{
    return atomic_load(&usable);
}

static bool has_service(enum efi_service s)
{
    return efi_runtime_usable() && service_address[s] != 0;
}

u32 efi_runtime_properties(void)
{
    static const struct { u8 bit, service; } offered[] = {
        { 0, EFI_GET_TIME }, { 1, EFI_SET_TIME }, { 2, EFI_GET_WAKEUP_TIME }, { 3, EFI_SET_WAKEUP_TIME },
        { 4, EFI_GET_VARIABLE }, { 5, EFI_GET_NEXT_VARIABLE_NAME }, { 6, EFI_SET_VARIABLE },
        { 9, EFI_GET_NEXT_HIGH_MONOTONIC_COUNT }, { 13, EFI_QUERY_VARIABLE_INFO },
    };
    u32 mask = efi_runtime_usable() ? BIT32(10) : 0;     /* reset: sched_op's, whatever firmware has */

    for (u32 i = 0; i < ARRAY_SIZE(offered); i++) {
        mask |= has_service(offered[i].service) ? BIT32(offered[i].bit) : 0;
    }
    return mask;
}

int efi_runtime_call(enum efi_service s, const u64 args[EFI_MAX_ARGS], u64 *status)
{
    int rc = -EOPNOTSUPP;

    if (!has_service(s)) {
        return rc;
    }
    if (!spin_trylock(&firmware_lock)) {
        return -EBUSY;
    }
    atomic_store(&in_firmware, cpu_id() + 1);
    /* Whoever had it before may have come to the end of it. */
    if (efi_runtime_usable()) {
        rc = arch_firmware_call(service_address[s], args, status);
        if (rc == -EIO) {
            atomic_store(&usable, false);
            log_err("UEFI runtime services are off: %s has failed", service_name[s]);
        }
    }
    atomic_store(&in_firmware, 0);
    spin_unlock(&firmware_lock);
    return rc;
}

void efi_runtime_end(void)
{
    u64 deadline = arch_counter() + ns_to_ticks(END_WAIT_NS);

    if (!spin_trylock(&firmware_lock)) {
        if (atomic_load(&in_firmware) == cpu_id() + 1) {
            return;              /* it will not go on; or this is the end again, by a panic in it */
        }
        log_warn("another CPU is in UEFI: waiting for it, %u seconds at most", (u32)(END_WAIT_NS / NS_PER_SEC));
        for (bool late = false; !spin_trylock(&firmware_lock); cpu_relax()) {
            if (late) {
                log_err("UEFI does not end what it has begun: the machine does");
                return;
            }
            late = arch_counter() > deadline;
        }
    }
    atomic_store(&in_firmware, cpu_id() + 1);
}

void efi_runtime_reset(bool restart)
{
    u64 args[EFI_MAX_ARGS] = { restart ? RESET_COLD : RESET_SHUTDOWN, EFI_SUCCESS, 0, 0, 0 }, status = 0;
    int rc;

    if (service_address[EFI_RESET_SYSTEM] == 0) {
        return;
    }
    /* It has one stack, and may not be called while another CPU is in SetVariable() (UEFI 2.10, 8.1). */
    if (atomic_load(&in_firmware) != cpu_id() + 1) {
        log_err("UEFI's ResetSystem is not called: another CPU is in UEFI");
    } else {
        rc = arch_firmware_call(service_address[EFI_RESET_SYSTEM], args, &status);
        log_err("UEFI's ResetSystem has returned: %d, status %#" PRIx64, rc, status);
    }
}
