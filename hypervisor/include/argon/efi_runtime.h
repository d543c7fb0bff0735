/* SPDX-License-Identifier: MIT */
/*
 * UEFI's runtime services (UEFI 2.10, chapter 8): what firmware left of them, and calls of it. One CPU at a time is in firmware, in a
 * translation of its own (arch_firmware_call()); docs/design/efi-runtime.md has the whole.
 */
#ifndef ARGON_EFI_RUNTIME_H
#define ARGON_EFI_RUNTIME_H

#include <argon/acpi.h>
#include <argon/machine.h>

/* EFI_STATUS (Appendix D): bit 63 is an error. */
#define EFI_SUCCESS           UINT64_C(0)
#define EFI_ERROR(n)          (BIT(63) | (n))
#define EFI_INVALID_PARAMETER EFI_ERROR(2)
#define EFI_UNSUPPORTED       EFI_ERROR(3)
#define EFI_BUFFER_TOO_SMALL  EFI_ERROR(5)
#define EFI_DEVICE_ERROR      EFI_ERROR(7)
#define EFI_OUT_OF_RESOURCES  EFI_ERROR(9)
#define EFI_NOT_FOUND         EFI_ERROR(14)

/* In the order of EFI_RUNTIME_SERVICES (4.5.1), whose pointers follow a header of 24 bytes. */
enum efi_service {
    EFI_GET_TIME, EFI_SET_TIME, EFI_GET_WAKEUP_TIME, EFI_SET_WAKEUP_TIME, EFI_SET_VIRTUAL_ADDRESS_MAP, EFI_CONVERT_POINTER,
    EFI_GET_VARIABLE, EFI_GET_NEXT_VARIABLE_NAME, EFI_SET_VARIABLE, EFI_GET_NEXT_HIGH_MONOTONIC_COUNT, EFI_RESET_SYSTEM,
    EFI_UPDATE_CAPSULE, EFI_QUERY_CAPSULE_CAPABILITIES, EFI_QUERY_VARIABLE_INFO, EFI_NR_SERVICES
};
#define EFI_MAX_ARGS 5u

/* What a range of firmware's may be used for while firmware runs. */
enum efi_access {
    EFI_ACCESS_DATA,             /* read and written, never executed */
    EFI_ACCESS_CODE,             /* executed and read */
    EFI_ACCESS_CONST,            /* read */
    EFI_ACCESS_MIXED,            /* all of these: nobody has said which page is what */
};
enum efi_cache { EFI_CACHE_WB, EFI_CACHE_NONE, EFI_CACHE_DEVICE };   /* Normal write-back, Normal non-cacheable, Device-nGnRE */

struct efi_region {
    paddr_t start;
    u64 size;                    /* whole pages */
    u8 access, cache;            /* enum efi_access, enum efi_cache */
};
#define EFI_MAX_REGIONS 160u

/* What efi_runtime_parse() has found. Boot only. */
struct efi_found {
    u32 nr;
    struct efi_region region[EFI_MAX_REGIONS];   /* all ranges that firmware wants at run time: sorted, no overlap */
    u32 nr_kept;
    struct machine_range kept[4];/* the tables themselves, and the map */
    u64 service[EFI_NR_SERVICES];/* where each is; 0: there is none */
};

/*
 * Read system table, memory map, runtime table and what they lead to. -EINVAL, with the reason in the log: there are no runtime services;
 * regions and tables that were found by then stand in *f all the same, and are to be kept from being used.
 */
must_check int efi_runtime_parse(struct efi_found *f, const struct machine_efi *efi, const struct firmware_memory *memory);

/* ---- calls (core/efi_runtime.c) ---- */
/* Boot: what was found is mapped, so that it may be called. */
void efi_runtime_enable(const struct efi_found *f);
/* Is there anything that may be called? */
bool efi_runtime_usable(void);
/*
 * Which services dom0 has by XENPF_efi_runtime_call and sched_op, as bits of EFI_RT_PROPERTIES_TABLE.RuntimeServicesSupported (4.6.2); 0:
 * there are no runtime services, and dom0 is not to be told that it was started by UEFI for their sake.
 */
u32 efi_runtime_properties(void);
/*
 * Call one, by the current vCPU. Pointers among the arguments are the hypervisor's own. -EBUSY: another CPU is in firmware; -EOPNOTSUPP:
 * there is no such service; -EIO: firmware has done what it must not, and is not called any more. Else 0, and firmware's answer in *status.
 */
must_check int efi_runtime_call(enum efi_service s, const u64 args[EFI_MAX_ARGS], u64 *status);
/*
 * The machine ends: nobody calls firmware any more, unless another CPU is in it and holds out longer than it may take to write flash. A call
 * that this CPU is in is not waited for.
 */
void efi_runtime_end(void);
/*
 * After that, ResetSystem() (8.5.1), to restart or to power off, whatever this CPU's call of firmware has done: all else has failed.
 * Returns if it cannot be, or another CPU is still in firmware.
 */
void efi_runtime_reset(bool restart);

#endif
