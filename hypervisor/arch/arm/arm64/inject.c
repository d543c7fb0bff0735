/* SPDX-License-Identifier: MIT */
/* Exceptions put into a guest, and the hypervisor's own: contracts in asm/trap.h. */
#include <argon/console.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/smp.h>
#include <argon/vcpu.h>
#include <asm/trap.h>

#define PSTATE_MODE32   BIT(4)
#define PSTATE_EL_MASK  0xfUL
#define PSTATE_EL1H     0x5UL
#define PSTATE_DAIF     0x3c0UL
#define PSTATE_SSBS     BIT(12)
#define PSTATE_PAN      BIT(22)
#define PSTATE_DIT      BIT(24)
#define PSTATE_NZCV     GENMASK(31, 28)
#define SCTLR_SPAN      BIT(23)
#define SCTLR_DSSBS     BIT(44)

/* Take an exception to EL1 as the CPU would (AArch64.TakeException, J1.1.2). EL1 registers and ESR_EL2 are the exit's. */
static void inject_sync(u64 esr, const u64 *far)
{
    u64 sctlr = sysreg_read(sctlr_el1);
    u64 from = guest_pstate();
    u64 offset;
    u64 pstate = (from & (PSTATE_NZCV | PSTATE_DIT | PSTATE_PAN)) | PSTATE_EL1H | PSTATE_DAIF;

    if (from & PSTATE_MODE32) {
        offset = 0x600;
    } else if ((from & PSTATE_EL_MASK) == 0) {
        offset = 0x400;
    } else {
        offset = (from & 1) ? 0x200 : 0;
    }
    if (!(sctlr & SCTLR_SPAN) && (sysreg_read(id_aa64mmfr1_el1) >> 20 & 0xf) != 0) {
        pstate |= PSTATE_PAN;
    }
    if (sctlr & SCTLR_DSSBS) {
        pstate |= PSTATE_SSBS;
    }
    sysreg_write(elr_el1, guest_pc());
    sysreg_write(spsr_el1, from);
    sysreg_write(esr_el1, esr);
    if (far != NULL) {
        sysreg_write(far_el1, *far);
    }
    guest_set_pc(sysreg_read(vbar_el1) + offset);
    sysreg_write(spsr_el2, pstate);
}

void inject_undefined(struct vcpu *v)
{
    (void)v;
    inject_sync((u64)EC_UNKNOWN << ESR_EC_SHIFT | (sysreg_read(esr_el2) & ESR_IL), NULL);
}

void inject_abort(struct vcpu *v, bool instruction, u64 gva, u32 status)
{
    bool from_el0 = (guest_pstate() & PSTATE_MODE32) || (guest_pstate() & PSTATE_EL_MASK) == 0;
    u64 ec = instruction ? EC_IABT_LOW : EC_DABT_LOW;
    u64 exit_esr = sysreg_read(esr_el2);
    u64 esr = (from_el0 ? ec : ec + 1) << ESR_EC_SHIFT | (exit_esr & ESR_IL) | status;

    if (instruction) {
        esr |= ESR_IL;
    } else {
        esr |= exit_esr & (DABT_WNR | DABT_CM);
    }
    (void)v;
    inject_sync(esr, &gva);
}

/* ---- the hypervisor's ---- */
static const char *const fault_kinds[] = {
    "synchronous exception (SP_EL0)", "interrupt (SP_EL0)", "FIQ (SP_EL0)", "SError (SP_EL0)",
    "synchronous exception", "interrupt", "FIQ", "SError",
};

noreturn_fn void trap_hyp_fault(u64 kind, struct cpu_regs *r, u64 sp)
{
    panic_claim();
    smp_stop_others();
    console_panic();
    con_printf("hypervisor fault on CPU %u: %s, ESR %#lx FAR %#lx\n", this_cpu()->id, fault_kinds[kind & 7], r->esr,
               sysreg_read(far_el2));
    con_printf("pc %016lx sp %016lx pstate %08lx\n", r->pc, sp, r->pstate);
    for (unsigned int i = 0; i < 31; i += 3) {
        con_printf("x%-2u %016lx%s", i, r->x[i], i == 30 ? "\n" : "  ");
        if (i < 30) {
            con_printf("x%-2u %016lx  x%-2u %016lx\n", i + 1, r->x[i + 1], i + 2, r->x[i + 2]);
        }
    }
    con_printf("Panic on CPU %u: fault in the hypervisor at %#lx\n", this_cpu()->id, r->pc);
    arch_dump_backtrace();
    panic_end();
}
