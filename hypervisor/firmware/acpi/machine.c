/* SPDX-License-Identifier: MIT */
/* struct machine from ACPI's tables: FADT and GTDT here, the others in the file named after each. */
#include <argon/console.h>
#include <argon/string.h>
#include "parse.h"

#define PSCI_0_2_CPU_ON_64 0xc4000003u

/* FADT (5.2.9) */
#define FADT_FLAGS      112
#define FADT_ARM_FLAGS  129      /* from 5.1 on */
#define FADT_MINOR      131
#define FADT_HW_REDUCED BIT32(20)
#define FADT_PSCI       BIT32(0)
#define FADT_PSCI_HVC   BIT32(1)

/* GTDT (5.2.25): an interrupt, then its flags, for each timer; as far as revision 1 has it. */
#define GTDT_MIN  80
#define GTDT_EDGE BIT32(0)

struct acpi_devices acpi_devices;

static boot_code int parse_fadt(struct machine *m, const struct acpi_tables *t)
{
    struct acpi_view v;
    u32 major, minor, arm;
    int r = 0;

    if (!acpi_view_find(&v, t, "FACP")) {
        log_err("ACPI: no FADT");
        return -EINVAL;
    }
    major = acpi_u8(&v, ACPI_REVISION);
    minor = acpi_u8(&v, FADT_MINOR) & 0xf;
    arm = acpi_u16(&v, FADT_ARM_FLAGS);
    if (v.size <= FADT_MINOR || major < 5 || (major == 5 && minor < 1)) {
        r = acpi_bad(&v, ACPI_REVISION, "FADT %u.%u of %u bytes: ARM needs 5.1", major, minor, v.size);
    } else if (!(acpi_u32(&v, FADT_FLAGS) & FADT_HW_REDUCED)) {
        (void)acpi_bad(&v, FADT_FLAGS, "not hardware-reduced, as ARM is");
    }
    if (arm & FADT_PSCI) {
        m->psci_version = 2;     /* 0.2 at least, which says which it is (DEN 0022) */
        m->psci_cpu_on = PSCI_0_2_CPU_ON_64;
        m->psci_smc = !(arm & FADT_PSCI_HVC);
    }
    acpi_view_close(&v);
    return r;
}

static const struct { const char *what; u32 off; bool needed; } timers[] = {
    { "secure", 48, false }, { "non-secure", 56, true }, { "virtual", 64, true }, { "hypervisor's", 72, true },
};

static boot_code int parse_timers(struct machine *m, struct acpi_view *v)
{
    u32 *const irqs[] = { &m->timer_irq_phys_s, &m->timer_irq_phys_ns, &m->timer_irq_virt, &m->timer_irq_hyp };
    int r = 0;

    for (u32 i = 0; i < ARRAY_SIZE(timers); i++) {
        u32 intid = acpi_u32(v, timers[i].off);

        if (intid >= 16 && intid < 32) {
            *irqs[i] = intid;
        } else if (timers[i].needed) {
            r = acpi_bad(v, timers[i].off, "the %s timer's interrupt is %u, not a private one", timers[i].what, intid);
        }
        /* Timers' are level-sensitive whatever is said (Arm ARM D11.2.4). */
        if (*irqs[i] != 0 && (acpi_u32(v, timers[i].off + 4) & GTDT_EDGE)) {
            (void)acpi_bad(v, timers[i].off + 4, "the %s timer's interrupt as an edge: taken as a level",
                           timers[i].what);
        }
    }
    return r;
}

static boot_code int parse_gtdt(struct machine *m, const struct acpi_tables *t)
{
    struct acpi_view v;
    int r;

    if (!acpi_view_find(&v, t, "GTDT")) {
        log_err("ACPI: no GTDT: no timers");
        return -EINVAL;
    }
    r = v.size < GTDT_MIN ? acpi_bad(&v, 4, "GTDT of %u bytes", v.size) : parse_timers(m, &v);
    /* These boards have the timer with that erratum, and no other word for it (Linux looks for the same names). */
    if (acpi_is_of(&v, "HISI  ", "HIP05   ", 0) || acpi_is_of(&v, "HISI  ", "HIP06   ", 0) ||
        acpi_is_of(&v, "HISI  ", "HIP07   ", 0)) {
        m->timer_quirks |= BIT32(TIMER_161010101);
    }
    acpi_view_close(&v);
    return r;
}

boot_code int acpi_parse_all(struct machine *m, const struct acpi_tables *t)
{
    int r, failed;

    memset(&acpi_devices, 0, sizeof(acpi_devices));
    /* All of them, so that the log has all that is wrong. */
    failed = parse_fadt(m, t);
    r = acpi_parse_madt(m, t);
    failed = failed != 0 ? failed : r;
    r = parse_gtdt(m, t);
    failed = failed != 0 ? failed : r;
    acpi_parse_nodes(m, t);
    acpi_parse_mcfg(t);
    acpi_parse_iort(t);
    /* Where windows of PCI bridges end only AML knows: guests' address space is as large as can be. */
    m->top = UINT64_MAX;
    return failed;
}
