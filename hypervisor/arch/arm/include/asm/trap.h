/* SPDX-License-Identifier: MIT */
/* Exits from a guest, and exceptions put into it. All run on the CPU whose current vCPU is v. */
#ifndef ASM_TRAP_H
#define ASM_TRAP_H

#include <argon/types.h>
#include <asm/cpu.h>

struct vcpu;
struct cpu_regs;

#define ESR_EC_SHIFT   26
#define ESR_EC(esr)    ((u32)((esr) >> ESR_EC_SHIFT) & 0x3f)
#define ESR_IL         BIT(25)
#define ESR_ISS(esr)   ((esr) & GENMASK(24, 0))

/* Exception classes (Arm ARM D17.2.37). */
enum esr_ec {
    EC_UNKNOWN = 0x00, EC_WFX = 0x01, EC_CP15_32 = 0x03, EC_CP15_64 = 0x04, EC_CP14_32 = 0x05, EC_CP14_LS = 0x06, EC_FP = 0x07,
    EC_CP10_ID = 0x08, EC_PAUTH = 0x09, EC_CP14_64 = 0x0c, EC_HVC32 = 0x12, EC_SMC32 = 0x13, EC_HVC64 = 0x16, EC_SMC64 = 0x17,
    EC_SYSREG = 0x18, EC_SVE = 0x19, EC_IABT_LOW = 0x20, EC_IABT_CUR = 0x21, EC_DABT_LOW = 0x24, EC_DABT_CUR = 0x25,
};

/* Fields of the data abort syndrome (D17.2.37, ISS encoding for Data Abort). */
#define DABT_ISV   BIT(24)
#define DABT_SSE   BIT(21)
#define DABT_SF    BIT(15)
#define DABT_CM    BIT(8)
#define DABT_S1PTW BIT(7)
#define DABT_WNR   BIT(6)
#define FSC_MASK   0x3f
#define FSC_KIND(fsc) ((fsc) & 0x3c)
#define FSC_TRANSLATION 0x04
#define FSC_ACCESS_FLAG 0x08
#define FSC_PERMISSION  0x0c

/*
 * Return address and state of the current vCPU. They stay in the CPU during an exit: struct cpu_regs has them once exit_work() runs,
 * and of vCPUs that are not current.
 */
static always_inline u64 guest_pc(void)
{
    return sysreg_read(elr_el2);
}

static always_inline void guest_set_pc(u64 pc)
{
    sysreg_write(elr_el2, pc);
}

static always_inline u64 guest_pstate(void)
{
    return sysreg_read(spsr_el2);
}

/* Past the instruction that was emulated. bytes: 4, or 2 in T32. */
static always_inline void guest_skip(u64 bytes)
{
    guest_set_pc(guest_pc() + bytes);
}

/* Make the guest take a synchronous exception at its present PC. */
void inject_undefined(struct vcpu *v);
/* Fault status of a synchronous external abort: of the access, of a walk for it (+ level). */
#define FSC_EXTERNAL      0x10u
#define FSC_EXTERNAL_WALK 0x14u
/* A synchronous external abort, for an access at gva that nothing answers. status: one of these. */
void inject_abort(struct vcpu *v, bool instruction, u64 gva, u32 status);
/* arch/arm/arm64/s1walk.c: level of the current vCPU's stage-1 walk of va that met gpa. */
unsigned int s1_fault_level(struct vcpu *v, u64 va, u64 gpa);

/* EC_SYSREG: arch/arm/arm64/sysreg.c */
void trap_sysreg(struct vcpu *v, u64 esr);

/* arch/arm/arm64/vcpu.c: all CPUs are up, errata and features known: what of them matters when vCPUs change. */
void vcpu_boot_done(void);

/* Called by the vectors. */
/* Synchronous exits by exception class, for entry.S: all of v's general registers are in v->arch.regs. */
typedef void trap_fn(struct vcpu *v, u64 esr);
extern trap_fn *const trap_table[64];
void trap_guest_serror(struct vcpu *v);
noreturn_fn void trap_hyp_fault(u64 kind, struct cpu_regs *r, u64 sp);
struct vcpu *exit_work(struct vcpu *v);

#endif
