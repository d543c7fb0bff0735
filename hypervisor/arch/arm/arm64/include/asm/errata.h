/* SPDX-License-Identifier: MIT */
/*
 * Errata of CPUs and speculation mitigations: one table (arch/arm/arm64/errata.c), matched by each CPU as it comes up. What to do about one
 * stands where it matters, behind errata_active(). docs/design/errata.md names the notices.
 */
#ifndef ASM_ERRATA_H
#define ASM_ERRATA_H

#include <argon/types.h>
#include <asm/errata_site.h>    /* errata_any(): one of a set of bits */

enum erratum {
    ERRATUM_SPECULATIVE_AT,      /* AT and walks by speculation mix one guest's EL1 registers with another's VTTBR_EL2 */
    ERRATUM_REPEAT_TLBI,         /* the first TLBI and DSB may complete too early: both twice */
    ERRATUM_CLEAN_INVAL,         /* DC CVAC and CVAU may go wrong: DC CIVAC */
    ERRATUM_834220,              /* HPFAR_EL2 may be wrong where stage 1 faults as well */
    ERRATUM_832075,              /* exclusive and device loads may deadlock: not worked around */
    ERRATUM_COUNTER_A008585,     /* the counter reads wrong now and then; of the machine, not of a CPU */
    ERRATUM_COUNTER_161010101,
    ERRATUM_COUNTER_UNKNOWN1,
    ERRATUM_COUNTER_858921,      /* its upper half may be late */
    SPECTRE_V2_FIRMWARE,         /* SMCCC_ARCH_WORKAROUND_1 on each exit from a guest */
    SPECTRE_BHB_FIRMWARE,        /* SMCCC_ARCH_WORKAROUND_3 likewise, which covers it */
    SPECTRE_BHB_CLEAR,           /* CLRBHB likewise */
    SPECTRE_BHB_LOOP,            /* a loop of branches likewise */
    SPECTRE_V4_FIRMWARE,         /* SMCCC_ARCH_WORKAROUND_2, a state of the CPU that moves with vCPUs */
    SPECTRE_V2_OPEN,             /* needed, and firmware does not have it */
    SPECTRE_BHB_OPEN,
    SPECTRE_V4_OPEN,
    NR_ERRATA
};

extern u32 errata_word;          /* bit per enum erratum: what any CPU that is up needs. Constant once guests run */

/* e: constant. Right from errata_boot_done() on, for what the machine or the option says from errata_boot_init(). */
static always_inline bool errata_active(enum erratum e)
{
    return errata_any(BIT32(e));
}

#define COUNTER_ERRATA (BIT32(ERRATUM_COUNTER_A008585) | BIT32(ERRATUM_COUNTER_161010101) | BIT32(ERRATUM_COUNTER_UNKNOWN1) | \
                        BIT32(ERRATUM_COUNTER_858921))

/* ---- boot (arch/arm/arm64/errata.c) ---- */
/* Boot CPU, once machine and options are known, before the counter is used: errata=, errata of the machine. */
void errata_boot_init(const char *option);
/*
 * Each CPU, on itself, before it runs anything but its own bring-up: find what it needs, choose its vectors. False: it must not be
 * used, and a message has said why.
 */
must_check bool errata_cpu_up(void);
/* All CPUs that will ever run are up: say what is active. */
void errata_boot_done(void);

#endif
