/* SPDX-License-Identifier: MIT */
/* Idle, secondary CPUs by PSCI, and the machine's off switch. */
#include <argon/arch.h>
#include <argon/console.h>
#include <argon/efi_runtime.h>
#include <argon/domain.h>
#include <argon/hypercall.h>
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <asm/errata.h>
#include <asm/irq.h>
#include <asm/mmu.h>
#include <asm/serror.h>
#include <asm/smp.h>
#include <asm/trap.h>

#define PSCI_CPU_OFF      UINT64_C(0x84000002)
#define PSCI_SYSTEM_OFF   UINT64_C(0x84000008)
#define PSCI_SYSTEM_RESET UINT64_C(0x84000009)
#define CPU_START_TIMEOUT_NS (1000 * NS_PER_MS)

struct pcpu boot_pcpu;
extern char secondary_entry[];
/* 1 + id: this CPU may come; with ARRIVED: it has, and is at work; 0: it is online, or nobody may come; REFUSED: it must not be used. */
static u32 boot_token;
#define ARRIVED BIT32(31)
#define REFUSED (~0u)

void cpu_idle(void)
{
    if (unlikely(arch_irq_waiting())) {
        if (sysreg_read(isr_el1) & ISR_A) {
            serror_while_idle();
        }
    } else if (!mem_idle() && atomic_load(&current_vcpu()->pending) == 0) {
        /* What mem_idle() does may leave this CPU with a grace period to answer: then back to exit_work(). */
        /* Interrupts are masked: WFI still wakes for them, and none is lost between the check and the wait (D1.6.2). */
        dsb(sy);
        wfi();
    }
    if (arch_irq_waiting()) {
        irq_handle();
    }
}

void arch_send_ipi(u32 cpu)
{
    irqchip->send_ipi(cpu);
}

u32 arch_physinfo_caps(void)
{
    return 0;
}

u64 arch_image_bytes(void)
{
    return (u64)(image_end - image_start);
}

paddr_t arch_image_start(void)
{
    return image_pa;
}

/* ---- secondaries ---- */
static int pcpu_create(u32 id, const struct machine_cpu *mc)
{
    struct pcpu *p = xzalloc_near(struct pcpu, mc->node);

    if (p == NULL) {
        return -1;
    }
    p->id = id;
    p->node = mc->node;
    p->hwid = mc->hwid;
    p->arch.stack_top = (void *)(uintptr_t)mmu_map_stack(id, mc->node, false);
    p->arch.emergency_stack_top = (void *)(uintptr_t)mmu_map_stack(id, mc->node, true);
    if (p->arch.stack_top == NULL || p->arch.emergency_stack_top == NULL) {
        return -1;
    }
    timer_init_cpu(&p->timers);
    pcpus[id] = p;
    return 0;
}

/* Nothing comes of it: why, and may its id be given to the next? */
static bool secondary_give_up(struct pcpu *p, bool *id_is_free)
{
    u32 invited = p->id + 1;

    *id_is_free = atomic_cmpxchg(&boot_token, &invited, 0);
    log_warn("CPU with MPIDR %#" PRIx64 " was started and has not %s", p->hwid, *id_is_free ? "arrived" : "come up: no other is started");
    return false;
}

static bool secondary_start(struct pcpu *p, bool *id_is_free)
{
    struct smccc_result res;
    u64 deadline;
    u32 token;

    *id_is_free = true;
    atomic_store(&boot_token, p->id + 1);
    dsb(sy);                             /* what it reads first is there before it starts (B2.3.12) */
    smccc_smc(machine.psci_cpu_on, p->hwid, mmu_va_to_pa(secondary_entry), (uintptr_t)p, &res);
    if ((s32)res.x[0] != 0) {
        log_warn("CPU with MPIDR %#" PRIx64 " does not start: PSCI error %d", p->hwid, (s32)res.x[0]);
        return false;
    }
    deadline = now_ns() + CPU_START_TIMEOUT_NS;
    while ((token = atomic_load_acquire(&boot_token)) != 0 && token != REFUSED) {
        if (now_ns() > deadline) {
            return secondary_give_up(p, id_is_free);
        }
        cpu_relax();
    }
    return token == 0;
}

u32 smp_boot(u32 max_cpus)
{
    u64 self = sysreg_read(mpidr_el1) & UINT64_C(0xff00ffffff);
    bool id_is_free = true;

    if (machine.psci_version == 0 || !machine.psci_smc) {
        if (machine.nr_cpus > 1) {
            log_warn("no PSCI by SMC: only the boot CPU is used");
        }
        return nr_cpus;
    }
    for (u32 i = 0; i < machine.nr_cpus && nr_cpus < max_cpus && nr_cpus < NR_CPUS && id_is_free; i++) {
        const struct machine_cpu *mc = &machine.cpus[i];

        if (mc->hwid == self) {
            continue;
        }
        if (pcpu_create(nr_cpus, mc) != 0) {
            log_warn("no memory for CPU %u", nr_cpus);
            break;
        }
        sched_init_cpu(nr_cpus);
        if (secondary_start(pcpus[nr_cpus], &id_is_free)) {
            nr_cpus++;
        } else {
            sched_abandon_cpu(nr_cpus);
            pcpus[nr_cpus] = NULL;       /* its memory stays: the CPU may yet arrive */
        }
    }
    return nr_cpus;
}

/* Not to be used: say so to the boot CPU, which waits, and let firmware have this one back if it can. */
static noreturn_fn void secondary_refuse(void)
{
    atomic_store_release(&boot_token, REFUSED);
    if (machine.psci_version >= 2) {
        smccc_smc(PSCI_CPU_OFF, 0, 0, 0, NULL);
    }
    arch_stop_cpu();
}

noreturn_fn void secondary_main(void)
{
    struct pcpu *p = this_cpu();
    u32 mine = p->id + 1;

    /* Late: the boot CPU has given up on us, and may have given the id to another. Nothing that is found by id is touched before this. */
    if (!atomic_cmpxchg(&boot_token, &mine, ARRIVED | mine)) {
        arch_stop_cpu();
    }
    if (!errata_cpu_up()) {
        secondary_refuse();
    }
    cpu_init_el2();
    if (irqchip->init_cpu() != 0) {
        secondary_refuse();
    }
    irq_enable_local();
    timer_reprogram();
    p->online = true;
    atomic_store_release(&boot_token, 0);
    guest_enter();
}

/* ---- the machine ---- */
noreturn_fn void arch_stop_cpu(void)
{
    daif_mask();
    for (;;) {
        wfi();
    }
}

/*
 * Not in the middle of a write of firmware's, which may be dom0's boot variables; and always, in the end.
 * By PSCI where there is one: it needs no memory, no lock and nothing of the hypervisor's state, which may have panicked, and UEFI's own
 * ResetSystem() ends in it there. That one is for machines without PSCI, or whose PSCI does not do it; it is what a capsule would need,
 * and those are not offered (docs/design/efi-runtime.md).
 */
static noreturn_fn void machine_end(u64 psci_fn, const char *what)
{
    for (u32 c = 0; c < nr_cpus; c++) {
        if (pcpus[c] != NULL && c != cpu_id()) {
            smp_kick(c, IPI_STOP);
        }
    }
    efi_runtime_end();
    if (machine.psci_smc) {
        smccc_smc(psci_fn, 0, 0, 0, NULL);
    }
    if (serror_waits(false)) {
        (void)serror_take();             /* firmware would not be called for it */
    }
    efi_runtime_reset(psci_fn == PSCI_SYSTEM_RESET);
    log_err("the firmware cannot %s the machine: stopped", what);
    arch_stop_cpu();
}

noreturn_fn void arch_machine_restart(void)
{
    machine_end(PSCI_SYSTEM_RESET, "restart");
}

noreturn_fn void arch_machine_poweroff(void)
{
    machine_end(PSCI_SYSTEM_OFF, "power off");
}
