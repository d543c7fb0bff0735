/* SPDX-License-Identifier: MIT */
/* Per-CPU EL2 set-up, idle, secondary CPUs by PSCI, and the machine's off switch. */
#include <argon/arch.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/hypercall.h>
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/string.h>
#include <asm/errata.h>
#include <asm/irq.h>
#include <asm/layout.h>
#include <asm/mmu.h>
#include <asm/p2m.h>
#include <asm/smp.h>
#include <asm/trap.h>

#define PSCI_CPU_OFF      0x84000002UL
#define PSCI_SYSTEM_OFF   0x84000008UL
#define PSCI_SYSTEM_RESET 0x84000009UL
#define CPU_START_TIMEOUT_NS (1000 * NS_PER_MS)

/* CPTR_EL2: RES1, SVE (TZ) and SME (TSM) trapped by their RES1 positions; TTA, TAM (D17.2.33). */
#define CPTR_VALUE  (0x33ffUL | BIT(20) | BIT(30))
/* MDCR_EL2: TPMCR, TPM, TDA, TDOSA, TDRA, TPMS, TTRF; HPMN kept (D17.3.21). */
#define MDCR_TRAPS  (BIT(5) | BIT(6) | BIT(9) | BIT(10) | BIT(11) | BIT(14) | BIT(19))

struct pcpu boot_pcpu;
extern char secondary_entry[];
static u32 boot_token;                   /* CPU that may come online: 1 + id; 0 when it has, REFUSED when it must not */
#define REFUSED (~0u)

void smccc_smc(u64 fid, u64 a1, u64 a2, u64 a3, struct smccc_result *res)
{
    u64 x[4] = { fid, a1, a2, a3 };

    smc_call(x);
    if (res != NULL) {
        memcpy(res->x, x, sizeof(x));
    }
}

void cpu_init_el2(void)
{
    u64 pmu = (sysreg_read(id_aa64dfr0_el1) >> 8) & 0xf;
    u64 counters = pmu == 0 || pmu == 0xf ? 0 : (sysreg_read(pmcr_el0) >> 11) & 0x1f;

    sysreg_write(cptr_el2, CPTR_VALUE);
    sysreg_write(mdcr_el2, MDCR_TRAPS | counters);
    sysreg_write(hstr_el2, 0);
    sysreg_write(cnthctl_el2, 0);        /* EL1 physical counter and timer trap: emulated against the guest's own time */
    sysreg_write(cntvoff_el2, 0);
    sysreg_write(cntv_ctl_el0, 0);
    sysreg_write(cntp_ctl_el0, 0);
    sysreg_write(cnthp_ctl_el2, 0);
    sysreg_write(vpidr_el2, sysreg_read(midr_el1));
    if ((sysreg_read(id_aa64pfr0_el1) >> 40) & 0xf) {
        sysreg_write(s3_4_c10_c5_0, BIT(48) | BIT(49));        /* MPAM2_EL2: trap EL1 and EL0 */
    }
    if ((sysreg_read(id_aa64mmfr1_el1) >> 40) & 0xf) {
        sysreg_write(s3_4_c1_c2_2, 0);   /* HCRX_EL2: nothing new enabled */
    }
    p2m_cpu_init();
    isb();
}

void cpu_idle(void)
{
    /* What mem_idle() does may leave this CPU with a grace period to answer: then back to exit_work(). */
    if (!arch_irq_waiting() && !mem_idle() && atomic_load(&current_vcpu()->pending) == 0) {
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
    struct pcpu *p = xzalloc(struct pcpu);

    if (p == NULL) {
        return -1;
    }
    p->id = id;
    p->node = mc->node;
    p->hwid = mc->hwid;
    p->arch.stack_top = (void *)mmu_map_stack(id, false);
    p->arch.emergency_stack_top = (void *)mmu_map_stack(id, true);
    if (p->arch.stack_top == NULL || p->arch.emergency_stack_top == NULL) {
        return -1;
    }
    timer_init_cpu(&p->timers);
    pcpus[id] = p;
    return 0;
}

static bool secondary_start(struct pcpu *p)
{
    struct smccc_result res;
    u64 deadline;
    u32 token;

    atomic_store(&boot_token, p->id + 1);
    smccc_smc(machine.psci_cpu_on, p->hwid, mmu_va_to_pa(secondary_entry), (u64)p, &res);
    if ((s32)res.x[0] != 0) {
        log_warn("CPU with MPIDR %#lx does not start: PSCI error %d", p->hwid, (s32)res.x[0]);
        return false;
    }
    deadline = now_ns() + CPU_START_TIMEOUT_NS;
    while ((token = atomic_load_acquire(&boot_token)) == p->id + 1) {
        if (now_ns() > deadline) {
            log_warn("CPU with MPIDR %#lx was started and has not arrived", p->hwid);
            return false;
        }
        cpu_relax();
    }
    return token == 0;
}

u32 smp_boot(u32 max_cpus)
{
    u64 self = sysreg_read(mpidr_el1) & 0xff00ffffffUL;

    if (machine.psci_version == 0 || !machine.psci_smc) {
        if (machine.nr_cpus > 1) {
            log_warn("no PSCI by SMC: only the boot CPU is used");
        }
        return nr_cpus;
    }
    for (u32 i = 0; i < machine.nr_cpus && nr_cpus < max_cpus && nr_cpus < NR_CPUS; i++) {
        const struct machine_cpu *mc = &machine.cpus[i];

        if (mc->hwid == self) {
            continue;
        }
        if (pcpu_create(nr_cpus, mc) != 0) {
            log_warn("no memory for CPU %u", nr_cpus);
            break;
        }
        sched_init_cpu(nr_cpus);
        if (secondary_start(pcpus[nr_cpus])) {
            nr_cpus++;
        } else {
            sched_abandon_cpu(nr_cpus);
            pcpus[nr_cpus] = NULL;       /* its memory stays: the CPU may yet arrive */
        }
    }
    return nr_cpus;
}

noreturn_fn void secondary_main(void)
{
    struct pcpu *p = this_cpu();
    u32 mine = p->id + 1;

    if (!errata_cpu_up()) {
        (void)atomic_cmpxchg(&boot_token, &mine, REFUSED);
        if (machine.psci_version >= 2) {
            smccc_smc(PSCI_CPU_OFF, 0, 0, 0, NULL);
        }
        arch_stop_cpu();
    }
    cpu_init_el2();
    if (irqchip->init_cpu() != 0) {
        arch_stop_cpu();
    }
    irq_enable_local();
    timer_reprogram();
    p->online = true;
    /* Late: the boot CPU has given up on us, and may have given the id to another. */
    if (!atomic_cmpxchg(&boot_token, &mine, 0)) {
        arch_stop_cpu();
    }
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

static noreturn_fn void machine_end(u64 psci_fn, const char *what)
{
    for (u32 c = 0; c < nr_cpus; c++) {
        if (pcpus[c] != NULL && c != cpu_id()) {
            smp_kick(c, IPI_STOP);
        }
    }
    if (machine.psci_smc) {
        smccc_smc(psci_fn, 0, 0, 0, NULL);
    }
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

/* ---- debugging ---- */
static bool in_stack(u64 a)
{
    return (a >= HYP_STACK_VA && a < HYP_STACK_VA + (u64)NR_CPUS * HYP_STACK_SLOT) ||
           (a >= (u64)image_start && a < (u64)image_end);
}

/* Follow the frame records (AAPCS64 6.4.6): fp -> { previous fp, return address }. */
void arch_dump_backtrace(void)
{
    u64 *fp = __builtin_frame_address(0);

    con_printf("call trace (addresses in argon-arm64.elf):\n");
    for (unsigned int i = 0; i < 24 && in_stack((u64)fp) && IS_ALIGNED((u64)fp, 8); i++) {
        con_printf("  %016lx\n", fp[1]);
        if (fp[0] <= (u64)fp) {
            break;
        }
        fp = (u64 *)fp[0];
    }
}

void arch_vcpu_show_regs_host(void)
{
    const struct vcpu *v = current_vcpu();

    con_printf("CPU %u: MPIDR %016lx sctlr_el2 %016lx hcr_el2 %016lx vttbr_el2 %016lx daif %lx\n", cpu_id(), sysreg_read(mpidr_el1),
               sysreg_read(sctlr_el2), sysreg_read(hcr_el2), sysreg_read(vttbr_el2), sysreg_read(daif));
    if (!v->is_idle) {
        con_printf("  exit of d%uv%u: pc %016lx pstate %08lx esr %08lx\n", v->domain->id, v->id, guest_pc(), guest_pstate(),
                   sysreg_read(esr_el2));
    }
    arch_dump_backtrace();
}
