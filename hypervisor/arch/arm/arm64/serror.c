/* SPDX-License-Identifier: MIT */
/* Asynchronous aborts while the hypervisor runs: contract in asm/serror.h. */
#include <argon/arch.h>
#include <argon/console.h>
#include <argon/errno.h>
#include <argon/percpu.h>
#include <asm/serror.h>

bool cpu_has_ras ro_after_boot;

boot_code void serror_boot_init(void)
{
    cpu_has_ras = (sysreg_read(id_aa64pfr0_el1) >> 28 & 0xf) != 0;
}

u64 serror_take(void)
{
    if (cpu_has_ras) {
        u64 disr = sysreg_read(s3_0_c12_c1_1);

        if (disr & DISR_A) {
            sysreg_write(s3_0_c12_c1_1, 0);
            return disr & GENMASK(24, 0);    /* IDS, AET, EA, DFSC: where ESR_EL2 has them (D17.2.37) */
        }
    }
    return serror_unmask();
}

/* Also one that ESB leaves pending, as it may those that are not of what this CPU did before (RAS 3.4). */
static bool any_waits(void)
{
    return serror_waits(cpu_has_ras) || serror_waits(false);
}

/*
 * The load is complete at the DSB, with its answer, and an error in that becomes an SError, if it is no synchronous
 * abort: FEAT_RAS' ESB waits for it; without, the architecture names no bound, and ISR_EL1 is the best there is. One
 * that comes later yet is said as one of a CPU that was idle. What waited before is another's.
 */
boot_code int arch_probe_read32(volatile void *va, u32 *value)
{
    int rc;

    if (any_waits()) {
        log_warn("CPU %u: an asynchronous abort was pending, syndrome %#lx", cpu_id(), serror_take());
    }
    rc = probe_load(va, value);
    if (any_waits()) {
        (void)serror_take();
        rc = -EIO;
    }
    return rc;
}

void serror_while_idle(void)
{
    u64 esr = serror_take();

    this_cpu()->arch.loaded = NULL;      /* the vectors have used registers of the vCPU that is still loaded */
    log_err("CPU %u: an asynchronous abort arrived while it was idle, syndrome %#lx", cpu_id(), esr);
}
