/* SPDX-License-Identifier: MIT */
/*
 * Calls of UEFI at EL2 (arch_firmware_call(), argon/arch.h). Firmware finds what it left at ExitBootServices where it can tell the
 * difference (UEFI 2.10 2.3.6 and 8.1): its memory at physical addresses, FP and SIMD, a virtual counter that is the physical one, no
 * virtual timer, a stack. What it cannot tell at EL2, with all interrupts masked, stays the guest's: HCR_EL2 (AMO, IMO and FMO are set
 * in both; its traps are of EL1 and EL0), CPTR_EL2 (FP and SIMD are never trapped), VTTBR_EL2, EL1's registers.
 */
#include <argon/arch.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/percpu.h>
#include <asm/firmware_call.h>
#include <asm/fp.h>
#include <asm/mmu.h>
#include <asm/serror.h>
#include <asm/tlb.h>

static u64 firmware_root ro_after_boot;  /* TTBR0_EL2 while firmware runs */
static u64 firmware_stack ro_after_boot; /* top; there is one, as one CPU at a time is in firmware */

/* Of the guest's, what firmware finds otherwise or may change. */
struct guest_part { u64 elr, spsr, par, sp_el0, cntv_ctl, cntvoff; };

boot_code int firmware_call_init(void)
{
    /* The slot of a CPU that cannot be: with its guards, and no emergency stack. */
    firmware_stack = mmu_map_stack(NR_CPUS, this_cpu()->node, false);
    firmware_root = mmu_firmware_root();
    return firmware_stack != 0 && firmware_root != 0 ? 0 : -ENOMEM;
}

/*
 * ELR_EL2 and SPSR_EL2 are the guest's on any exit, and an exception in firmware overwrites them. SP_EL0, which is the guest's at EL0 and
 * often its kernel's, is a stack pointer of EL2, too, if firmware so chooses (D1.2.2). The timer is off before its offset changes, so that
 * its line does not follow a comparison that is nobody's.
 */
static void guest_part_save(struct vcpu *v, struct guest_part *g)
{
    static const struct fp_state none;

    g->elr = sysreg_read(elr_el2);
    g->spsr = sysreg_read(spsr_el2);
    g->par = sysreg_read(par_el1);
    g->sp_el0 = sysreg_read(sp_el0);
    g->cntv_ctl = sysreg_read(cntv_ctl_el0);
    g->cntvoff = sysreg_read(cntvoff_el2);
    sysreg_write(cntv_ctl_el0, 0);
    isb();
    sysreg_write(cntvoff_el2, 0);
    fp_save(&v->arch.fp);
    fp_restore(&none);
}

static void guest_part_restore(struct vcpu *v, const struct guest_part *g)
{
    fp_restore(&v->arch.fp);
    sysreg_write(cntvoff_el2, g->cntvoff);
    isb();
    sysreg_write(cntv_ctl_el0, g->cntv_ctl);
    sysreg_write(par_el1, g->par);
    sysreg_write(sp_el0, g->sp_el0);
    sysreg_write(elr_el2, g->elr);
    sysreg_write(spsr_el2, g->spsr);
    isb();
}

/*
 * In firmware's translation. The hypervisor's own addresses are the same in both, so nothing is invalidated on the way in: the other ones
 * are invalid in the hypervisor's, and invalid entries are in no TLB (Arm ARM D8.13). On the way out they are in this CPU's TLB, and go.
 */
static int call_in_map(u64 fn, const u64 *args, u64 *status)
{
    u64 own = sysreg_read(ttbr0_el2), failed;

    sysreg_write(ttbr0_el2, firmware_root);
    isb();                               /* the next fetch and access may be firmware's (D8.2) */
    failed = firmware_enter(fn, args, firmware_stack, status);
    sysreg_write(ttbr0_el2, own);
    isb();                               /* the root is changed before its entries go, or they would come back */
    tlb_flush_el2_here();
    if (failed != 0) {
        log_err("UEFI took an exception: ESR %#" PRIx64 ", pc %#" PRIx64 ", address %#" PRIx64, sysreg_read(esr_el2),
                sysreg_read(elr_el2), sysreg_read(far_el2));
        return -EIO;
    }
    return 0;
}

/* Nobody else may be struck by it, dom0 neither: taken here. The vectors use two registers of EL1 as scratch (entry.S). */
static int serror_of_firmware(void)
{
    u64 tpidrro = sysreg_read(tpidrro_el0), contextidr = sysreg_read(contextidr_el1), esr = serror_take();

    sysreg_write(tpidrro_el0, tpidrro);
    sysreg_write(contextidr_el1, contextidr);
    log_err("UEFI left an asynchronous abort behind, syndrome %#" PRIx64, esr);
    return -EIO;
}

int arch_firmware_call(u64 fn, const u64 *args, u64 *status)
{
    struct vcpu *v = current_vcpu();
    struct guest_part g;
    int rc;

    /* Looked at without ESB, which would defer it: the guest takes it as soon as it is entered. */
    if (serror_waits(false)) {
        return -EBUSY;
    }
    guest_part_save(v, &g);
    rc = call_in_map(fn, args, status);
    if (serror_waits(cpu_has_ras)) {
        rc = serror_of_firmware();
    }
    guest_part_restore(v, &g);
    return rc;
}
