/* SPDX-License-Identifier: MIT */
/* Between errata.c, spectre.c and the switch of vCPUs. */
#ifndef ASM_SPECTRE_H
#define ASM_SPECTRE_H

#include <argon/types.h>

struct vcpu;

/* What decides about errata and mitigations: read once by each CPU. */
struct cpu_view {
    u32 midr;
    u32 bhb_loops;               /* how many branches fill its branch history; 0: no loop is known */
    u64 pfr0, pfr1, isar2, mmfr0, mmfr1;/* ID_AA64* */
    s32 workaround[3];           /* firmware_arch_features() of SMCCC_ARCH_WORKAROUND_1..3 */
    bool safe[3];                /* needs none of them, whatever the firmware says */
};

/* Vectors (entry.S): without anything, and with what arch_pcpu.exit_arg or CLRBHB says. */
extern const char hyp_vectors[], hyp_vectors_firmware[], hyp_vectors_clear[], hyp_vectors_loop[];

/* On each CPU: its vectors and state, by a set of enum erratum. */
void spectre_cpu_up(const struct cpu_view *c, u32 needed);
/* SPECTRE_V4_FIRMWARE: v runs here next. */
void spectre_v4_load(const struct vcpu *v);

#endif
