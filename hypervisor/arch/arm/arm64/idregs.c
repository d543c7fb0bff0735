/* SPDX-License-Identifier: MIT */
/*
 * The ID registers guests see: of each field no more than Argon knows to be safe, and no more than every CPU has. A field that is not
 * named here reads 0, as does one that is not there: what the architecture adds is hidden until somebody has looked at it.
 */
#include <argon/string.h>
#include <asm/cpu.h>
#include <asm/idregs.h>

#define F(bit, max) ((u64)(max) << (bit))
#define S(bit)      (0xfUL << (bit))

struct id_rule {
    u8 index;
    u64 max;                             /* highest value of each field, of signed ones at most 7; 0: not there, or least */
    u64 is_signed;                       /* fields whose 0xf is less than 0 (D17.1.3) */
};

/*
 * Allowed is what adds instructions that use no state but general and FP registers, or whose state is moved with vCPUs, or is in
 * SCTLR_EL1, TCR_EL1 or PSTATE. Not: what has registers of its own (SVE, SME, MTE, PAuth keys, RAS, PMU, trace, GCS, THE, S1PIE, TCR2),
 * what an HCRX_EL2 or HCR_EL2 bit must enable first (MOPS, LS64, XS, SCXTNUM), and what is EL2's. D17.2.58 to D17.2.68; G8.2 for AArch32.
 */
static const struct id_rule rules[] = {
    /* AArch32, of EL0 only. ID_PFR0: states, CSV2_1, DIT; not AMU, RAS */
    { ID_REG(1, 0), 0xffffUL | F(16, 1) | F(24, 1), 0 },
    /* ID_PFR1: what there is of EL1 and EL2 in AArch32 is nobody's, the GIC's registers neither; the timer */
    { ID_REG(1, 1), 0x0fffUL | F(16, 2), 0 },
    /* ID_DFR0: CopDbg, CopSDbg, MMapDbg; not trace, PMU */
    { ID_REG(1, 2), F(0, 10) | F(4, 10) | F(8, 15), 0 },
    /* ID_MMFR0..3: described since Armv7, nothing can be added; "not described" is 0xf. PAN of MMFR3: ATS1E1 at most */
    { ID_REG(1, 4), 0x7ffff7ffUL, S(8) | S(28) }, { ID_REG(1, 5), 0xffffffffUL, 0 }, { ID_REG(1, 6), 0xffffffffUL, 0 },
    { ID_REG(1, 7), 0x7ff0ffffUL | F(16, 2), S(28) },
    /* ID_ISAR0..4 likewise. ISAR5: SEVL, AES, SHA1, SHA2, CRC32, RDM, FCMA */
    { ID_REG(2, 0), 0x0fffffffUL, 0 }, { ID_REG(2, 1), 0xffffffffUL, 0 }, { ID_REG(2, 2), 0xffffffffUL, 0 },
    { ID_REG(2, 3), 0xffffffffUL, 0 }, { ID_REG(2, 4), 0xffffffffUL, 0 },
    { ID_REG(2, 5), F(0, 1) | F(4, 2) | F(8, 1) | F(12, 1) | F(16, 1) | F(24, 1) | F(28, 1), 0 },
    /* ID_MMFR4: SpecSEI, AC2, XNX, CnP, HPDS, LSM, CCIDX; not EVT */
    { ID_REG(2, 6), F(0, 1) | F(4, 1) | F(8, 1) | F(12, 1) | F(16, 2) | F(20, 1) | F(24, 1), 0 },
    /* ID_ISAR6: JSCVT, DP, FHM, SB, SPECRES, BF16, I8MM, CLRBHB */
    { ID_REG(2, 7), F(0, 1) | F(4, 1) | F(8, 1) | F(12, 1) | F(16, 2) | F(20, 1) | F(24, 1) | F(28, 1), 0 },
    /* MVFR0..2: FP and AdvSIMD of EL0 in AArch32 */
    { ID_REG(3, 0), 0xffffffffUL, 0 }, { ID_REG(3, 1), 0xffffffffUL, 0 }, { ID_REG(3, 2), 0xffUL, 0 },
    /* ID_PFR2: CSV3, SSBS; not RAS_frac. ID_MMFR5: ETS, nTLBPA */
    { ID_REG(3, 4), F(0, 1) | F(4, 1), 0 }, { ID_REG(3, 6), F(0, 3) | F(4, 1), 0 },
    /* ID_AA64PFR0: EL0, EL1 (in AArch64), FP and AdvSIMD with half precision, GICv3 (idregs_cpu_up()), DIT (PSTATE), CSV2 without SCXTNUM
     * (2 and up), CSV3; not EL2, EL3, RAS, SVE, SEL2, MPAM, AMU, RME */
    { ID_PFR0, F(0, 2) | F(4, 1) | F(16, 1) | F(20, 1) | F(24, 1) | F(48, 1) | F(56, 1) | F(60, 1), S(16) | S(20) },
    /* ID_AA64PFR1: BTI and SSBS (PSTATE, SCTLR_EL1); not MTE, MTE_frac, RAS_frac, MPAM_frac, SME, RNDR_trap, CSV2_frac, NMI, GCS, THE,
     * MTEX, DF2, PFAR */
    { ID_REG(4, 1), F(0, 1) | F(4, 2), 0 },
    /* ID_AA64DFR0: debug up to v8.8, breakpoints and so on, which trap; double lock. Not trace, PMU, PMS, PMSS, SEBEP, filters, buffers,
     * MTPMU, BRBE, ExtTrcBuff, HPMN0 */
    { ID_REG(5, 0), F(0, 10) | F(12, 15) | F(20, 15) | F(28, 15), S(36) },
    /* ID_AA64ISAR0: AES, SHA1, SHA2, CRC32, LSE, RDM, SHA3, SM3, SM4, DP, FHM, TS, TLB, RNDR; not TME */
    { ID_REG(6, 0), F(4, 2) | F(8, 1) | F(12, 2) | F(16, 1) | F(20, 2) | F(28, 1) | F(32, 1) | F(36, 1) | F(40, 1) | F(44, 1) | F(48, 1) |
                    F(52, 2) | F(56, 2) | F(60, 1), 0 },
    /* ID_AA64ISAR1: DPB, JSCVT, FCMA, LRCPC, FRINTTS, SB, SPECRES, BF16, DGH, I8MM; not pointer authentication, XS, LS64 */
    { ID_REG(6, 1), F(0, 2) | F(12, 1) | F(16, 1) | F(20, 2) | F(32, 1) | F(36, 1) | F(40, 1) | F(44, 2) | F(48, 1) | F(52, 1), 0 },
    /* ID_AA64ISAR2: BC, CLRBHB, CSSC; not WFxT, RPRES (needs AFP), pointer authentication, MOPS, SYSREG_128, SYSINSTR_128, LUT, ATS1A */
    { ID_REG(6, 2), F(20, 1) | F(28, 1) | F(52, 1), 0 },
    /* ID_AA64MMFR0: PARange to 48 bits, ASIDBits, BigEnd, BigEndEL0, granules without 52-bit addresses; not SNSMem, stage 2's granules,
     * ExS, FGT, ECV */
    { ID_REG(7, 0), F(0, 5) | F(4, 2) | F(8, 1) | F(16, 1) | F(20, 1), S(24) | S(28) },
    /* ID_AA64MMFR1: access flag and dirty state (not of tables, HAFT), HPDS, PAN, SpecSEI, ETS, nTLBPA, ECBHB; not VMIDBits, VH, LO, XNX,
     * TWED, HCX, AFP, TIDCP1, CMOW */
    { ID_REG(7, 1), F(0, 2) | F(12, 2) | F(20, 3) | F(24, 1) | F(36, 3) | F(48, 1) | F(60, 1), 0 },
    /* ID_AA64MMFR2: CnP, UAO, LSM, VARange, CCIDX, ST, AT, TTL, BBM, E0PD; not IESB (RAS), NV, IDS, FWB, EVT */
    { ID_REG(7, 2), F(0, 1) | F(4, 1) | F(8, 1) | F(16, 1) | F(20, 1) | F(28, 1) | F(32, 1) | F(48, 1) | F(52, 2) | F(60, 1), 0 },
};

u64 id_regs[ID_REGS] ro_after_boot;

/* A field's value for comparison: 0xf of a signed one is -1. */
static s32 value_of(u64 field, bool is_signed)
{
    return is_signed && field == 0xf ? -1 : (s32)field;
}

static u64 least(u64 a, u64 b, u64 is_signed)
{
    u64 out = 0;

    for (u32 bit = 0; bit < 64; bit += 4) {
        bool sign = is_signed >> bit & 1;
        u64 fa = a >> bit & 0xf, fb = b >> bit & 0xf;

        out |= (value_of(fa, sign) < value_of(fb, sign) ? fa : fb) << bit;
    }
    return out;
}

static void note(const u64 *raw, bool first)
{
    for (u32 i = 0; i < ARRAY_SIZE(rules); i++) {
        const struct id_rule *r = &rules[i];
        u64 mine = least(raw[r->index], r->max, r->is_signed);

        id_regs[r->index] = first ? mine : least(id_regs[r->index], mine, r->is_signed);
    }
    /* GIC: the registers of GICv3, whatever the host has; guests with a GICv2 read 0 (trap_sysreg()). */
    id_regs[ID_PFR0] |= ID_PFR0_GIC;
}

#define READ_ID_ROW(raw, crm) do { \
        raw[ID_REG(crm, 0)] = sysreg_read(s3_0_c0_c##crm##_0); raw[ID_REG(crm, 1)] = sysreg_read(s3_0_c0_c##crm##_1); \
        raw[ID_REG(crm, 2)] = sysreg_read(s3_0_c0_c##crm##_2); raw[ID_REG(crm, 3)] = sysreg_read(s3_0_c0_c##crm##_3); \
        raw[ID_REG(crm, 4)] = sysreg_read(s3_0_c0_c##crm##_4); raw[ID_REG(crm, 5)] = sysreg_read(s3_0_c0_c##crm##_5); \
        raw[ID_REG(crm, 6)] = sysreg_read(s3_0_c0_c##crm##_6); raw[ID_REG(crm, 7)] = sysreg_read(s3_0_c0_c##crm##_7); \
    } while (0)

void idregs_cpu_up(bool first)
{
    u64 raw[ID_REGS] = { 0 };

    READ_ID_ROW(raw, 1);
    READ_ID_ROW(raw, 2);
    READ_ID_ROW(raw, 3);
    READ_ID_ROW(raw, 4);
    READ_ID_ROW(raw, 5);
    READ_ID_ROW(raw, 6);
    READ_ID_ROW(raw, 7);
    note(raw, first);
}
