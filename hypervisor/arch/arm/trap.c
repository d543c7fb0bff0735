/* SPDX-License-Identifier: MIT */
/* Synchronous exits: one table by exception class, each handler does one thing. */
#include <argon/arch.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/xen.h>
#include <asm/errata.h>
#include <asm/guest_access.h>
#include <asm/irq.h>
#include <asm/p2m.h>
#include <asm/smp.h>
#include <asm/trap.h>
#include <vdev/mmio.h>
#include <vdev/vgic.h>
#include <vdev/vpsci.h>

static void trap_unexpected(struct vcpu *v, u64 esr)
{
    (void)esr;
    inject_undefined(v);
}

static void trap_wfx(struct vcpu *v, u64 esr)
{
    (void)v;
    guest_skip((esr & ESR_IL) ? 4 : 2);
    if ((esr & 3) == 1) {                /* WFE: only trapped as a hint to let others run */
        vcpu_yield_current();
    } else {
        vcpu_block_current();
    }
}

/* Immediates other than the hypercalls' and SMCCC's, and SMCCC calls that are none: entry.S has handled the rest. */
static void trap_hvc64(struct vcpu *v, u64 esr)
{
    (void)esr;
    guest_set_pc(guest_pc() - 4);        /* HVC returns behind itself; UNDEFINED is reported at it */
    inject_undefined(v);
}

static void trap_smc64(struct vcpu *v, u64 esr)
{
    /* Unlike HVC, a trapped SMC is reported at itself (D1.3.3). */
    if ((esr & 0xffff) == 0 && vpsci_call(v)) {
        guest_skip(4);
    } else {
        inject_undefined(v);
    }
}

/* A load's result where the instruction wants it: sign extension and register width (ISS.SSE, ISS.SF). */
static u64 sign_extend(u64 esr, u64 value, u64 size)
{
    u64 shift = 64 - size * 8;

    value = (u64)((s64)(value << shift) >> shift);
    return (esr & DABT_SF) ? value : (u32)value;
}

/* Carry out the load or store of a data abort with valid syndrome on an emulated device. */
static always_inline void mmio_emulate(struct vcpu *v, const struct mmio_region *region, u64 esr, u64 gpa)
{
    u64 rt = (esr >> 16) & 0x1f;
    u64 size = BIT((esr >> 22) & 3);
    u64 value = 0;

    guest_skip(2 + (esr >> 24 & 2));     /* ESR_IL: an instruction of 4 bytes */
    if (esr & DABT_WNR) {
        if (likely(rt != 31)) {
            value = v->arch.regs.x[rt] & UINT64_MAX >> (64 - size * 8);
        }
        region->write(v, gpa - region->base + region->first, size, value);
        return;
    }
    value = region->read(v, gpa - region->base + region->first, size);
    if (unlikely(esr & DABT_SSE)) {
        value = sign_extend(esr, value, size);
    }
    if (likely(rt != 31)) {
        v->arch.regs.x[rt] = value;
    }
}

static always_inline u64 hpfar_gpa(u64 far)
{
    return (sysreg_read(hpfar_el2) & GENMASK(43, 4)) << 8 | (far & ~PAGE_MASK);
}

/*
 * Guest-physical address of a stage-2 fault. HPFAR_EL2 holds it for translation and access-flag faults and for table walks; for
 * permission faults the guest's stage 1 is walked again (D17.2.60), and where A57 834220 is: what looks like a stage-2 fault may be
 * stage 1's, which the guest then takes when it goes on. False: no translation; or the guest has changed its tables meanwhile.
 */
static bool fault_gpa(u64 esr, u64 far, u64 *gpa)
{
    u64 par;

    if ((esr & DABT_S1PTW) || (FSC_KIND(esr & FSC_MASK) != FSC_PERMISSION && !errata_active(ERRATUM_834220))) {
        *gpa = hpfar_gpa(far);
        return true;
    }
    par = guest_translate_stage1(far);
    *gpa = (par & GENMASK(47, 12)) | (far & ~PAGE_MASK);
    return !(par & PAR_F);
}

static noinline void trap_abort(struct vcpu *v, u64 esr)
{
    bool instruction = ESR_EC(esr) == EC_IABT_LOW;
    u64 far = sysreg_read(far_el2);
    u64 kind = FSC_KIND(esr & FSC_MASK);
    u64 gpa;

    if (kind != FSC_TRANSLATION && kind != FSC_ACCESS_FLAG && kind != FSC_PERMISSION) {
        inject_abort(v, instruction, far, FSC_EXTERNAL);
        return;
    }
    if (!fault_gpa(esr, far, &gpa)) {
        return;
    }
    if (kind != FSC_PERMISSION && p2m_fault_is_stale(v->domain, gpa, !instruction && (esr & DABT_WNR))) {
        return;
    }
    if (kind == FSC_TRANSLATION && !instruction && p2m_map_touched(v->domain, gpa)) {
        return;
    }
    if (!instruction && (esr & (DABT_CM | DABT_S1PTW)) == DABT_CM) {
        guest_skip(4);                   /* cache maintenance where there is nothing to maintain */
        return;
    }
    log_guest(LOG_DEBUG, v->domain, "vcpu%u: no memory or device at %#" PRIx64 " (pc %#" PRIx64 ", va %#" PRIx64 ")", v->id, gpa, guest_pc(), far);
    inject_abort(v, instruction, far, (esr & DABT_S1PTW) ? FSC_EXTERNAL_WALK + s1_fault_level(v, far, gpa) : FSC_EXTERNAL);
}

/* Most data aborts are accesses to emulated devices: nothing is mapped there, so the fault is a translation fault. */
static void trap_data_abort(struct vcpu *v, u64 esr)
{
    if (likely((esr & (DABT_ISV | DABT_S1PTW | FSC_KIND(FSC_MASK))) == (DABT_ISV | FSC_TRANSLATION))) {
        u64 far = sysreg_read(far_el2), gpa = hpfar_gpa(far);
        const struct mmio_region *region;

        if (errata_active(ERRATUM_834220) && !fault_gpa(esr, far, &gpa)) {
            return;
        }
        region = mmio_find(&v->domain->arch.mmio, gpa);
        if (likely(region != NULL)) {
            mmio_emulate(v, region, esr, gpa);
            return;
        }
    }
    trap_abort(v, esr);
}

#define U trap_unexpected
trap_fn *const trap_table[64] = {
    [EC_WFX] = trap_wfx,
    [EC_HVC64] = trap_hvc64,
    [EC_SMC64] = trap_smc64,
    [EC_SYSREG] = trap_sysreg,
    [EC_IABT_LOW] = trap_abort,
    [EC_DABT_LOW] = trap_data_abort,
    [EC_UNKNOWN] = U, [0x02] = U, [EC_CP15_32] = U, [EC_CP15_64] = U, [EC_CP14_32] = U, [EC_CP14_LS] = U, [EC_FP] = U,
    [EC_CP10_ID] = U, [EC_PAUTH] = U, [0x0a] = U, [0x0b] = U, [EC_CP14_64] = U, [0x0d] = U, [0x0e] = U, [0x0f] = U, [0x10] = U,
    [0x11] = U, [EC_HVC32] = U, [EC_SMC32] = U, [0x14] = U, [0x15] = U, [EC_SVE] = U, [0x1a] = U, [0x1b] = U, [0x1c] = U,
    [0x1d] = U, [0x1e] = U, [0x1f] = U, [0x21] = U, [0x22] = U, [0x23] = U, [0x25] = U, [0x26] = U, [0x27] = U, [0x28] = U,
    [0x29] = U, [0x2a] = U, [0x2b] = U, [0x2c] = U, [0x2d] = U, [0x2e] = U, [0x2f] = U, [0x30] = U, [0x31] = U, [0x32] = U,
    [0x33] = U, [0x34] = U, [0x35] = U, [0x36] = U, [0x37] = U, [0x38] = U, [0x39] = U, [0x3a] = U, [0x3b] = U, [0x3c] = U,
    [0x3d] = U, [0x3e] = U, [0x3f] = U,
};
#undef U

/* An asynchronous abort that was pending when the guest ran: the guest's own (its device access or memory). Others are not told. */
void trap_guest_serror(struct vcpu *v)
{
    u64 esr = sysreg_read(esr_el2);

    domain_crash(v->domain, "vcpu%u took an asynchronous abort, syndrome %#" PRIx64, v->id, esr);
}

#define GUEST_ENTRY_WORK ((u32)(PEND_SYNC | PEND_VGIC | PEND_RUNSTATE))

static void guest_entry_work(struct vcpu *v, u32 todo)
{
    atomic_fetch_and(&v->pending, ~todo);
    if (todo & PEND_SYNC) {
        vgic_sync(v);
    }
    if (todo & PEND_VGIC) {
        vgic_flush(v);
    }
    if (todo & PEND_RUNSTATE) {
        vcpu_runstate_publish(v);
    }
}

/* What does not wait for the scheduler. What was there when the bits were taken is done: either may have come since the last look. */
static noinline void exit_work_first(struct vcpu *v)
{
    u32 todo = atomic_fetch_and(&v->pending, ~(u32)(PEND_QUIESCE | PEND_DUMP));

    if (todo & PEND_QUIESCE) {
        quiesce_poll();
    }
    if (todo & PEND_DUMP) {
        debug_dump_vcpu(v);
    }
}

/*
 * So many turns of work at most, of the scheduler or for the vCPU, before interrupts get theirs: others may add work as fast as it is
 * done.
 */
#define EXIT_WORK_TURNS 8u

/* Enough for now. The next exit comes at once, whether or not the kicks of who added the work have been taken already. */
static noinline struct vcpu *exit_work_later(struct vcpu *v)
{
    smp_kick(cpu_id(), IPI_RESCHED);
    return v;
}

/* Where the vCPU may not be entered with what there still is to do: what has arrived meanwhile is taken here. */
static noinline void exit_work_interrupted(void)
{
    if (arch_irq_waiting()) {
        irq_handle();
    }
}

/* The idle vCPU was chosen: until another is, or there is more to do than to run the scheduler. cpu_idle() takes interrupts. */
static struct vcpu *exit_work_idle(struct vcpu *v)
{
    while (v->is_idle && atomic_load(&v->pending) == 0) {
        cpu_idle();
        if ((atomic_load(&v->pending) & ~(u32)PEND_RESCHED) != 0) {
            break;
        }
        v = sched_switch();
    }
    return v;
}

/* Nothing but PEND_LINE. */
static struct vcpu *exit_work_lines(struct vcpu *v)
{
    if (!vgic_check_lines(v)) {
        atomic_fetch_and(&v->pending, ~(u32)PEND_LINE);
    }
    return v;
}

/* Nothing that the guest must find, and long: one turn of it in an exit. */
static noinline void exit_work_its(struct vcpu *v)
{
    atomic_fetch_and(&v->pending, ~(u32)PEND_ITS);
    vgic_its_work(v);
}

/*
 * The scheduler is run as often as it is asked for: v may not be allowed to run, and each further turn of it takes a vCPU of this CPU
 * that was asleep, or the toolstack. What else there is for v can wait for its next exit.
 */
static noinline struct vcpu *exit_work_all(struct vcpu *v)
{
    u32 turns = 0;

    for (;;) {
        u32 todo = atomic_load_acquire(&v->pending);
        bool schedule = (todo & PEND_RESCHED) || v->is_idle;

        if (!schedule && (todo & ~(u32)PEND_LINE) == 0) {
            return todo == 0 ? v : exit_work_lines(v);
        }
        if (unlikely(turns++ >= EXIT_WORK_TURNS)) {
            if (!schedule) {
                return exit_work_later(v);
            }
            exit_work_interrupted();
            turns = 0;
        } else if (unlikely(todo & (PEND_QUIESCE | PEND_DUMP))) {
            exit_work_first(v);
        } else if (schedule) {
            v = exit_work_idle(sched_switch());
        } else if (todo & GUEST_ENTRY_WORK) {
            guest_entry_work(v, todo & GUEST_ENTRY_WORK);
        } else {
            exit_work_its(v);
            turns = EXIT_WORK_TURNS;
        }
    }
}

/*
 * Work that must precede guest entry: interrupts are masked, so nothing is added behind our back but by other CPUs, whose kick then
 * arrives as an interrupt after entry. Mostly it is one thing.
 */
struct vcpu *exit_work(struct vcpu *v)
{
    u32 todo = atomic_load_acquire(&v->pending);

    if (todo == PEND_LINE) {
        return exit_work_lines(v);
    }
    if (likely(todo == PEND_RESCHED)) {
        v = sched_switch();
        if (unlikely(v->is_idle)) {
            v = exit_work_idle(v);
        }
        todo = atomic_load_acquire(&v->pending);
        if (likely(todo == 0 && !v->is_idle)) {
            return v;
        }
    }
    /* The idle vCPU never has any of these. */
    if (todo != 0 && (todo & ~GUEST_ENTRY_WORK) == 0) {
        guest_entry_work(v, todo);
        if (likely(atomic_load_acquire(&v->pending) == 0)) {
            return v;
        }
    }
    return exit_work_all(v);
}
