/* SPDX-License-Identifier: MIT */
/*
 * Cache maintenance by set and way (Arm ARM D7.5.6): of one CPU's caches, which no guest can name or stay on. HCR_EL2.TSW traps it. What
 * guests use it for is to have all their memory in RAM before they turn caches off, or to start with none of it in them: so the first such
 * instruction cleans and invalidates all RAM of the guest, and the rest of the loop does nothing. From then on writes of the registers of
 * stage 1 trap (TVM): when caches are turned on or off the memory is cleaned once more, and with them on all is as before.
 *
 * The work is done in pieces: the instruction is executed again until nothing is left, with interrupts, the scheduler and its own time
 * slices in between. A guest that repeats it takes its own time.
 */
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/p2m.h>
#include <asm/hcr.h>
#include <asm/insn.h>
#include <asm/setway.h>
#include <asm/trap.h>

static bool caches_on(u64 sctlr)
{
    return (sctlr & (SCTLR_M | SCTLR_C)) == (SCTLR_M | SCTLR_C);
}

/* v is current. False: there is more, and the instruction is to be executed again. */
static bool flush_some(struct vcpu *v)
{
    gfn_t g = gfn(v->arch.flush_gfn);
    u64 end = p2m_max_gfn(v->domain).g + 1, nr = end > g.g ? end - g.g : 0;

    if (nr != 0 && p2m_cache_flush(v->domain, &g, &nr) != 0) {
        v->arch.flush_gfn = g.g;
        return false;
    }
    v->arch.flush_gfn = 0;
    return true;
}

static void trap_stage1(struct vcpu *v, bool trap)
{
    v->arch.hcr = trap ? v->arch.hcr | HCR_TVM : v->arch.hcr & ~HCR_TVM;
    sysreg_write(hcr_el2, v->arch.hcr);      /* in effect on return to the guest */
}

bool setway_trapped(struct vcpu *v)
{
    if (v->arch.hcr & HCR_TVM) {
        return true;
    }
    if (!flush_some(v)) {
        return false;
    }
    trap_stage1(v, true);
    return true;
}

bool setway_sctlr_written(struct vcpu *v, u64 val)
{
    if (caches_on(val) != caches_on(sysreg_read(sctlr_el1))) {
        if (!flush_some(v)) {
            return false;
        }
    }
    sysreg_write(sctlr_el1, val);
    if (caches_on(val)) {
        trap_stage1(v, false);
    }
    return true;
}
