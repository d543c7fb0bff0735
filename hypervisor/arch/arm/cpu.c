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
#include <asm/hcr.h>
#include <asm/irq.h>
#include <asm/layout.h>
#include <asm/mmu.h>
#include <asm/p2m.h>
#include <asm/serror.h>
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
/* 1 + id: this CPU may come; with ARRIVED: it has, and is at work; 0: it is online, or nobody may come; REFUSED: it must not be used. */
static u32 boot_token;
#define ARRIVED BIT32(31)
#define REFUSED (~0u)

void smccc_smc(u64 fid, u64 a1, u64 a2, u64 a3, struct smccc_result *res)
{
    u64 x[4] = { fid, a1, a2, a3 };

    smc_call(x);
    if (res != NULL) {
        memcpy(res->x, x, sizeof(x));
    }
}

/* A field of an ID register. */
static u64 field(u64 id, unsigned int shift)
{
    return id >> shift & 0xf;
}

/* Fine-grained traps (D17.2.40 ff.): none beyond ours, but all of what newer architecture has guests ask for (the "n" bits). */
static void traps_init(u64 mmfr0, u64 pfr0)
{
    if (field(mmfr0, 56) == 0) {
        return;
    }
    sysreg_write(s3_4_c1_c1_4, 0);       /* HFGRTR_EL2 */
    sysreg_write(s3_4_c1_c1_5, 0);       /* HFGWTR_EL2 */
    sysreg_write(s3_4_c1_c1_6, 0);       /* HFGITR_EL2 */
    sysreg_write(s3_4_c3_c1_4, 0);       /* HDFGRTR_EL2 */
    sysreg_write(s3_4_c3_c1_5, 0);       /* HDFGWTR_EL2 */
    if (field(pfr0, 44) != 0) {
        sysreg_write(s3_4_c3_c1_6, 0);   /* HAFGRTR_EL2 */
    }
    if (field(mmfr0, 56) >= 2) {
        sysreg_write(s3_4_c3_c1_2, 0);   /* HFGRTR2_EL2 */
        sysreg_write(s3_4_c3_c1_3, 0);   /* HFGWTR2_EL2 */
        sysreg_write(s3_4_c3_c1_7, 0);   /* HFGITR2_EL2 */
        sysreg_write(s3_4_c3_c1_0, 0);   /* HDFGRTR2_EL2 */
        sysreg_write(s3_4_c3_c1_1, 0);   /* HDFGWTR2_EL2 */
    }
}

/* Debug, profiling and trace: off. A buffer that an earlier kernel has enabled is memory that somebody is given (D5, D6, D17.7). */
static void debug_init(u64 dfr0)
{
    sysreg_write(mdscr_el1, 0);          /* no breakpoints, watchpoints or single steps at EL1 and EL0 */
    if (field(dfr0, 32) != 0 && !(sysreg_read(s3_0_c9_c10_7) & BIT(4))) {       /* SPE; PMBIDR_EL1.P: not EL3's */
        sysreg_write(s3_4_c9_c9_0, 0);   /* PMSCR_EL2 */
        isb();
        psb_csync();
        dsb(nsh);
        sysreg_write(s3_0_c9_c10_0, 0);  /* PMBLIMITR_EL1 */
    }
    if (field(dfr0, 40) != 0) {
        sysreg_write(s3_4_c1_c2_1, 0);   /* TRFCR_EL2 */
        sysreg_write(s3_0_c1_c2_1, 0);   /* TRFCR_EL1 */
    }
    if (field(dfr0, 44) != 0 && !(sysreg_read(s3_0_c9_c11_7) & BIT(4))) {       /* TRBE; TRBIDR_EL1.P */
        isb();
        tsb_csync();
        dsb(nsh);
        sysreg_write(s3_0_c9_c11_0, 0);  /* TRBLIMITR_EL1 */
    }
}

static void mpam_init(u64 pfr0, u64 pfr1)
{
    if (field(pfr0, 40) == 0 && field(pfr1, 16) == 0) {
        return;
    }
    sysreg_write(s3_4_c10_c5_0, BIT(48) | BIT(49));      /* MPAM2_EL2: EL1 and EL0 trap; the default partition */
    sysreg_write(s3_0_c10_c5_0, 0);      /* MPAM1_EL1 */
    sysreg_write(s3_0_c10_c5_1, 0);      /* MPAM0_EL1 */
    if (sysreg_read(s3_0_c10_c4_4) & BIT(17)) {          /* MPAMIDR_EL1.HAS_HCR */
        sysreg_write(s3_4_c10_c4_0, 0);  /* MPAMHCR_EL2 */
    }
}

/* What resets to UNKNOWN, or firmware or a kexec'ing kernel has used. The boot protocol has EL3 let EL2 at all of it. */
static void features_init(void)
{
    u64 pfr0 = sysreg_read(id_aa64pfr0_el1), mmfr1 = sysreg_read(id_aa64mmfr1_el1), mmfr3 = sysreg_read(s3_0_c0_c7_3);

    traps_init(sysreg_read(id_aa64mmfr0_el1), pfr0);
    debug_init(sysreg_read(id_aa64dfr0_el1));
    mpam_init(pfr0, sysreg_read(id_aa64pfr1_el1));
    if (field(mmfr1, 40) != 0) {
        sysreg_write(s3_4_c1_c2_2, 0);   /* HCRX_EL2: nothing new enabled */
    }
    if (field(mmfr1, 8) != 0) {
        sysreg_write(s3_4_c14_c3_1, 0);  /* CNTHV_CTL_EL2: a VHE kernel's timer */
    }
    if (field(pfr0, 28) != 0) {
        sysreg_write(s3_4_c5_c2_3, 0);   /* VSESR_EL2 */
        sysreg_write(s3_4_c12_c1_1, 0);  /* VDISR_EL2 */
    }
    if (field(mmfr3, 0) != 0) {
        sysreg_write(s3_4_c2_c0_3, 0);   /* TCR2_EL2 */
    }
    if (field(mmfr3, 4) != 0) {
        sysreg_write(s3_4_c1_c0_3, 0);   /* SCTLR2_EL2 */
    }
}

/* One that firmware, or who ran before us, has left is neither the hypervisor's nor any guest's. */
static void serror_left_by_firmware(void)
{
    if (serror_waits(cpu_has_ras)) {
        log_warn("CPU %u: an asynchronous abort was pending at boot, syndrome %#lx", cpu_id(), serror_take());
    }
}

void cpu_init_el2(void)
{
    u64 pmu = field(sysreg_read(id_aa64dfr0_el1), 8);
    u64 counters = pmu == 0 || pmu == 0xf ? 0 : (sysreg_read(pmcr_el0) >> 11) & 0x1f;

    /* E2H and TGE are clear (head.S): the formats below are those without them. SErrors can be taken here. */
    sysreg_write(hcr_el2, HCR_HOST);
    isb();
    serror_left_by_firmware();
    /* No vCPU is loaded: no walks, as arch_context_switch() leaves it for idle. */
    sysreg_write(tcr_el1, TCR_EPD);
    isb();
    sysreg_write(sctlr_el1, SCTLR_EL1_RESET | SCTLR_M);
    sysreg_write(cptr_el2, CPTR_VALUE);
    sysreg_write(mdcr_el2, MDCR_TRAPS | counters);
    sysreg_write(hstr_el2, 0);
    sysreg_write(cnthctl_el2, 0);        /* EL1 physical counter and timer trap: emulated against the guest's own time */
    sysreg_write(cntvoff_el2, 0);
    sysreg_write(cntv_ctl_el0, 0);
    sysreg_write(cntp_ctl_el0, 0);
    sysreg_write(cnthp_ctl_el2, 0);
    sysreg_write(vpidr_el2, sysreg_read(midr_el1));
    features_init();
    p2m_cpu_init();
    isb();
}

/* It came after whoever ran before had left and was looked at: nobody's that could be told. It would end the wait for ever. */
static noinline void serror_while_idle(void)
{
    u64 esr = serror_take();

    this_cpu()->arch.loaded = NULL;      /* the vectors have used registers of that vCPU's */
    log_err("CPU %u: an asynchronous abort arrived while it was idle, syndrome %#lx", cpu_id(), esr);
}

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
    p->arch.stack_top = (void *)mmu_map_stack(id, mc->node, false);
    p->arch.emergency_stack_top = (void *)mmu_map_stack(id, mc->node, true);
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
    log_warn("CPU with MPIDR %#lx was started and has not %s", p->hwid, *id_is_free ? "arrived" : "come up: no other is started");
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
    smccc_smc(machine.psci_cpu_on, p->hwid, mmu_va_to_pa(secondary_entry), (u64)p, &res);
    if ((s32)res.x[0] != 0) {
        log_warn("CPU with MPIDR %#lx does not start: PSCI error %d", p->hwid, (s32)res.x[0]);
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
    u64 self = sysreg_read(mpidr_el1) & 0xff00ffffffUL;
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
