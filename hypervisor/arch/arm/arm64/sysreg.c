/* SPDX-License-Identifier: MIT */
/* Trapped system registers (EC 0x18): ID registers (idregs.c), the rest by rows. What has no row is UNDEFINED to the guest. */
#include <argon/domain.h>
#include <argon/percpu.h>
#include <asm/cpu.h>
#include <asm/idregs.h>
#include <asm/setway.h>
#include <asm/trap.h>
#include <vdev/vgic.h>
#include <vdev/vtimer.h>

/* The register's name in the ISS: op0 21:20, op2 19:17, op1 16:14, CRn 13:10, CRm 4:1 (D17.2.37, ISS for MSR/MRS). */
#define SYS_MASK       (GENMASK(21, 10) | GENMASK(4, 1))
#define SYS(op0, op1, crn, crm, op2) ((u32)(op0) << 20 | (u32)(op2) << 17 | (u32)(op1) << 14 | (u32)(crn) << 10 | (u32)(crm) << 1)
#define SYS_ID_MASK    (GENMASK(21, 20) | GENMASK(16, 10))   /* op0, op1, CRn */
#define SYS_ID_SPACE   (3u << 20)                            /* op0 3, op1 0, CRn 0 */
#define ISS_READ       BIT(0)

typedef bool sys_fn(struct vcpu *v, u64 *val, bool read);

struct sys_row {
    u32 reg, mask;                       /* matches when (iss & mask) == reg */
    sys_fn *fn;                          /* false: UNDEFINED */
};

static bool sys_raz_wi(struct vcpu *v, u64 *val, bool read)
{
    (void)v;
    if (read) {
        *val = 0;
    }
    return true;
}

/* OSLSR_EL1: OS lock implemented, not locked (D17.3.13). */
static bool sys_oslsr(struct vcpu *v, u64 *val, bool read)
{
    (void)v;
    *val = 8;
    return read;
}

static bool sys_sgi1r(struct vcpu *v, u64 *val, bool read)
{
    if (read || v->domain->arch.vgic.version != 3) {
        return false;
    }
    vgic_sgi1r_write(v, *val);
    return true;
}

/* Group 0 SGIs; with one security state the alias group of ICC_ASGI1R_EL1 is group 0 too (IHI 0069 12.2.3, 12.2.17). */
static bool sys_sgi0(struct vcpu *v, u64 *val, bool read)
{
    if (read || v->domain->arch.vgic.version != 3) {
        return false;
    }
    vgic_sgi0r_write(v, *val);
    return true;
}

/* ICC_SRE_EL1: system register access only, no bypass (IHI 0069 12.1.21). */
static bool sys_sre(struct vcpu *v, u64 *val, bool read)
{
    if (read) {
        *val = 7;
    }
    return v->domain->arch.vgic.version == 3;
}

/* EL0 reaches the physical timer and counter where the guest's kernel has let it (CNTKCTL_EL1, D17.11.13). */
static bool timer_permitted(u64 cntkctl_bit)
{
    return (guest_pstate() & 0x1f) == 4 || (guest_pstate() & 0x1f) == 5 || (sysreg_read(cntkctl_el1) & cntkctl_bit);
}

static bool sys_cntp(struct vcpu *v, enum vtimer_reg reg, u64 *val, bool read)
{
    if (!timer_permitted(reg == VTIMER_CNTPCT ? BIT(0) : BIT(9)) || (reg == VTIMER_CNTPCT && !read)) {
        return false;
    }
    vtimer_phys_access(v, reg, !read, val);
    return true;
}

static bool sys_cntp_ctl(struct vcpu *v, u64 *val, bool read) { return sys_cntp(v, VTIMER_CNTP_CTL, val, read); }
static bool sys_cntp_cval(struct vcpu *v, u64 *val, bool read) { return sys_cntp(v, VTIMER_CNTP_CVAL, val, read); }
static bool sys_cntp_tval(struct vcpu *v, u64 *val, bool read) { return sys_cntp(v, VTIMER_CNTP_TVAL, val, read); }
static bool sys_cntpct(struct vcpu *v, u64 *val, bool read) { return sys_cntp(v, VTIMER_CNTPCT, val, read); }

/* What takes long is executed again until it is done. */
static bool done_or_again(bool done)
{
    if (!done) {
        guest_set_pc(guest_pc() - 4);
    }
    return true;
}

static bool sys_dc_set_way(struct vcpu *v, u64 *val, bool read)
{
    (void)val;
    return !read && done_or_again(setway_trapped(v));
}

static bool sys_sctlr(struct vcpu *v, u64 *val, bool read)
{
    return !read && done_or_again(setway_sctlr_written(v, *val));
}

/* The other registers of stage 1, while HCR_EL2.TVM has their writes trapped. */
#define STAGE1_REGISTERS(X) \
    X(ttbr0_el1, 2, 0, 0) X(ttbr1_el1, 2, 0, 1) X(tcr_el1, 2, 0, 2) X(afsr0_el1, 5, 1, 0) X(afsr1_el1, 5, 1, 1) \
    X(esr_el1, 5, 2, 0) X(far_el1, 6, 0, 0) X(mair_el1, 10, 2, 0) X(amair_el1, 10, 3, 0) X(contextidr_el1, 13, 0, 1)

#define STAGE1_WRITE(reg, crn, crm, op2) \
    static bool sys_##reg(struct vcpu *v, u64 *val, bool read) \
    { \
        (void)v; \
        if (!read) { \
            sysreg_write(reg, *val); \
        } \
        return !read; \
    }
STAGE1_REGISTERS(STAGE1_WRITE)

#define ROW(op0, op1, crn, crm, op2, fn) { SYS(op0, op1, crn, crm, op2), SYS_MASK, fn }
#define ANY_CRM (SYS_MASK & ~GENMASK(4, 1))

static const struct sys_row sys_rows[] = {
    ROW(3, 0, 12, 11, 5, sys_sgi1r),               /* ICC_SGI1R_EL1 */
    ROW(3, 0, 12, 11, 6, sys_sgi0),           /* ICC_ASGI1R_EL1 */
    ROW(3, 0, 12, 11, 7, sys_sgi0),           /* ICC_SGI0R_EL1 */
    ROW(3, 0, 12, 12, 5, sys_sre),                 /* ICC_SRE_EL1 */
    ROW(3, 3, 14, 2, 0, sys_cntp_tval),            /* CNTP_TVAL_EL0 */
    ROW(3, 3, 14, 2, 1, sys_cntp_ctl),             /* CNTP_CTL_EL0 */
    ROW(3, 3, 14, 2, 2, sys_cntp_cval),            /* CNTP_CVAL_EL0 */
    ROW(3, 3, 14, 0, 1, sys_cntpct),               /* CNTPCT_EL0 */
    ROW(3, 0, 1, 0, 1, sys_raz_wi),                /* ACTLR_EL1 */
    ROW(1, 0, 7, 6, 2, sys_dc_set_way),            /* DC ISW */
    ROW(1, 0, 7, 10, 2, sys_dc_set_way),           /* DC CSW */
    ROW(1, 0, 7, 14, 2, sys_dc_set_way),           /* DC CISW */
    ROW(3, 0, 1, 0, 0, sys_sctlr),                 /* SCTLR_EL1 */
#define STAGE1_ROW(reg, crn, crm, op2) ROW(3, 0, crn, crm, op2, sys_##reg),
    STAGE1_REGISTERS(STAGE1_ROW)
    /* Self-hosted debug registers (D17.3): no hardware breakpoints for guests, so they read as zero. */
    ROW(2, 0, 0, 2, 2, sys_raz_wi),                /* MDSCR_EL1 */
    ROW(2, 0, 0, 2, 0, sys_raz_wi),                /* MDCCINT_EL1 */
    ROW(2, 0, 0, 0, 2, sys_raz_wi),                /* OSDTRRX_EL1 */
    ROW(2, 0, 0, 3, 2, sys_raz_wi),                /* OSDTRTX_EL1 */
    ROW(2, 0, 0, 6, 2, sys_raz_wi),                /* OSECCR_EL1 */
    ROW(2, 0, 1, 0, 0, sys_raz_wi),                /* MDRAR_EL1 */
    ROW(2, 0, 1, 0, 4, sys_raz_wi),                /* OSLAR_EL1 */
    ROW(2, 0, 1, 1, 4, sys_oslsr),                 /* OSLSR_EL1 */
    ROW(2, 0, 1, 3, 4, sys_raz_wi),                /* OSDLR_EL1 */
    ROW(2, 0, 1, 4, 4, sys_raz_wi),                /* DBGPRCR_EL1 */
    ROW(2, 0, 7, 8, 6, sys_raz_wi),                /* DBGCLAIMSET_EL1 */
    ROW(2, 0, 7, 9, 6, sys_raz_wi),                /* DBGCLAIMCLR_EL1 */
    ROW(2, 0, 7, 14, 6, sys_raz_wi),               /* DBGAUTHSTATUS_EL1 */
    ROW(2, 3, 0, 1, 0, sys_raz_wi),                /* MDCCSR_EL0 */
    ROW(2, 3, 0, 4, 0, sys_raz_wi),                /* DBGDTR_EL0 */
    ROW(2, 3, 0, 5, 0, sys_raz_wi),                /* DBGDTRRX/TX_EL0 */
    { SYS(2, 0, 0, 0, 4), ANY_CRM, sys_raz_wi },   /* DBGBVR<n>_EL1 */
    { SYS(2, 0, 0, 0, 5), ANY_CRM, sys_raz_wi },   /* DBGBCR<n>_EL1 */
    { SYS(2, 0, 0, 0, 6), ANY_CRM, sys_raz_wi },   /* DBGWVR<n>_EL1 */
    { SYS(2, 0, 0, 0, 7), ANY_CRM, sys_raz_wi },   /* DBGWCR<n>_EL1 */
};

static bool sys_access(struct vcpu *v, u32 iss, u64 *val)
{
    bool read = iss & ISS_READ;

    for (unsigned int i = 0; i < ARRAY_SIZE(sys_rows); i++) {
        if ((iss & sys_rows[i].mask) == sys_rows[i].reg) {
            return sys_rows[i].fn(v, val, read);
        }
    }
    return false;
}

static noinline void trap_sysreg_other(struct vcpu *v, u32 iss)
{
    unsigned int rt = (iss >> 5) & 0x1f;
    u64 val = (iss & ISS_READ) || rt == 31 ? 0 : v->arch.regs.x[rt];

    if (!sys_access(v, iss, &val)) {
        if (!vgic_acknowledge_trapped(v)) {
            inject_undefined(v);
        }
        return;
    }
    if ((iss & ISS_READ) && rt != 31) {
        v->arch.regs.x[rt] = val;
    }
    guest_skip(4);
}

void trap_sysreg(struct vcpu *v, u64 esr)
{
    u64 rt = (esr >> 5) & 0x1f;
    u64 index = ((esr >> 1) & 7) * 8 + ((esr >> 17) & 7);
    u64 val;

    /* Reads of the ID space: CRm 0 to 7. Writes there, and CRm above, are UNDEFINED: no row has them. */
    if (unlikely((esr & (SYS_ID_MASK | ISS_READ | BIT(4))) != (SYS_ID_SPACE | ISS_READ))) {
        trap_sysreg_other(v, (u32)ESR_ISS(esr));
        return;
    }
    val = id_regs[index];
    if (unlikely(index == ID_PFR0) && unlikely(v->domain->arch.vgic.version != 3)) {
        val &= ~ID_PFR0_GIC;
    }
    if (likely(rt != 31)) {
        v->arch.regs.x[rt] = val;
    }
    guest_skip(4);
}
