/* SPDX-License-Identifier: MIT */
/*
 * Leaf attributes of stage 2 by type: memory type, access, shareability, execute never, and the type itself in the software bits.
 *
 * Of the memory types of both stages the stricter holds (Arm ARM D8.5.5): Device before Normal, non-cacheable before write-back. So what
 * stage 2 calls Device no guest can make Normal, and drivers that map a prefetchable window write-combining, or memory that firmware
 * set aside for them cacheable, would get alignment faults and not see what the other side's caches hold. Write-back at stage 2 leaves
 * the choice to the guest, which makes Device of it where it is a device.
 */
#ifndef P2M_ATTRS_H
#define P2M_ATTRS_H

#include <argon/p2m.h>
#include <argon/pgtable.h>

#define S2_COMMON(type) (PTE_AF | PTE_SH_INNER | (u64)(type) << PTE_SW_SHIFT)
#define S2_RW           (PTE_S2_READ | PTE_S2_WRITE)

static const u64 s2_attrs[16] = {
    [P2M_RAM_RW] = S2_COMMON(P2M_RAM_RW) | PTE_S2_NORMAL | S2_RW,
    [P2M_RAM_RO] = S2_COMMON(P2M_RAM_RO) | PTE_S2_NORMAL | PTE_S2_READ,
    [P2M_MMIO] = S2_COMMON(P2M_MMIO) | PTE_S2_DEVICE | S2_RW | PTE_XN,
    [P2M_MMIO_NC] = S2_COMMON(P2M_MMIO_NC) | PTE_S2_NC | S2_RW | PTE_XN,
    [P2M_MMIO_WB] = S2_COMMON(P2M_MMIO_WB) | PTE_S2_NORMAL | S2_RW | PTE_XN,
    [P2M_FOREIGN_RW] = S2_COMMON(P2M_FOREIGN_RW) | PTE_S2_NORMAL | S2_RW | PTE_XN,
    [P2M_FOREIGN_RO] = S2_COMMON(P2M_FOREIGN_RO) | PTE_S2_NORMAL | PTE_S2_READ | PTE_XN,
    [P2M_GRANT_RW] = S2_COMMON(P2M_GRANT_RW) | PTE_S2_NORMAL | S2_RW | PTE_XN,
    [P2M_GRANT_RO] = S2_COMMON(P2M_GRANT_RO) | PTE_S2_NORMAL | PTE_S2_READ | PTE_XN,
};

#endif
