/* SPDX-License-Identifier: MIT */
/* HCR_EL2 (Arm ARM D17.2.48), and TCR_EL1 and SCTLR_EL1 where they decide what EL2 may do with a guest's translation. */
#ifndef ASM_HCR_H
#define ASM_HCR_H

#include <argon/types.h>

#define HCR_VM     BIT(0)    /* stage 2 on */
#define HCR_SWIO   BIT(1)    /* set/way invalidate cleans too */
#define HCR_PTW    BIT(2)    /* a stage-1 walk through device memory faults at stage 2: the walker is never to read a device */
#define HCR_FMO    BIT(3)    /* physical interrupts to EL2, virtual ones to the guest */
#define HCR_IMO    BIT(4)
#define HCR_AMO    BIT(5)
#define HCR_FB     BIT(9)    /* broadcast the guest's local TLB and cache maintenance: it may move between CPUs */
#define HCR_BSU_IS (1UL << 10)
#define HCR_TWI    BIT(13)
#define HCR_TID3   BIT(18)   /* feature registers */
#define HCR_TSC    BIT(19)
#define HCR_TIDCP  BIT(20)   /* implementation defined registers */
#define HCR_TACR   BIT(21)
#define HCR_TSW    BIT(22)   /* cache maintenance by set and way */
#define HCR_TVM    BIT(26)   /* writes of the registers of stage 1 */
#define HCR_TGE    BIT(27)
#define HCR_RW     BIT(31)   /* EL1 is AArch64 */
#define HCR_E2H    BIT(34)
#define HCR_TLOR   BIT(35)
#define HCR_TERR   BIT(36)

/* No vCPU has been loaded yet: interrupts and SErrors are EL2's. */
#define HCR_HOST   (HCR_RW | HCR_AMO | HCR_IMO | HCR_FMO)
#define HCR_GUEST  (HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | HCR_BSU_IS | HCR_TWI | HCR_TID3 | \
                    HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TSW | HCR_RW | HCR_TLOR | HCR_TERR)

#define SCTLR_M    BIT(0)
#define SCTLR_C    BIT(2)
#define TCR_EPD    (BIT(7) | BIT(23))    /* no walks from TTBR0_EL1 and TTBR1_EL1: level 0 translation faults */
#define SCTLR_EL1_RESET 0x00c50078UL

#endif
