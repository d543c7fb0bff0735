/* SPDX-License-Identifier: MIT */
/* The way of an interrupt from the vectors to a handler or a guest's vGIC, and what core asks of guests' interrupts. */
#include <asm/irq.h>

#include <argon/arch.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <vdev/vgic.h>
#include <vdev/vgic_host.h>
#include <vdev/vtimer.h>

static u32 irq_vtimer ro_after_boot = INTID_SPURIOUS;    /* guests' virtual timer PPI */
static u32 irq_timer ro_after_boot = INTID_SPURIOUS;     /* the hypervisor's: neither is looked up in the table */

static void maintenance_fn(u32 intid, void *data)
{
    (void)intid;
    (void)data;
    vgic_maintenance();
}

static boot_code u32 timer_ppi(u32 intid, const char *whose)
{
    if (irq_reserve(intid, IRQ_TYPE_LEVEL, whose) != 0) {
        panic("the firmware names no usable interrupt for the %s (%u)", whose, intid);
    }
    return intid;
}

boot_code void irq_boot_init(void)
{
    irq_init();
    irq_vtimer = timer_ppi(machine.timer_irq_virt, "virtual timer");
    irq_timer = timer_ppi(machine.timer_irq_hyp, "hypervisor's timer");
    irq_enable_local();
    if (irq_request(machine.gic.maintenance_irq, IRQ_TYPE_LEVEL, maintenance_fn, NULL, "vgic maintenance") != 0) {
        panic("the firmware names no usable maintenance interrupt for the GIC (%u)", machine.gic.maintenance_irq);
    }
    log_info("%s, %u interrupts, %u list registers, %u priority bits", irqchip->name, irq_nr, vgic_host->nr_lrs(),
             vgic_host->nr_prio_bits());
}

/* An LPI that somebody before us has enabled: no active state, it comes once for each message (IHI 0069 5.1). */
static void stray_lpi(u32 intid)
{
    static bool said;

    if (!said) {
        said = true;
        log_warn("interrupt %u, an LPI, came on CPU %u: nobody asked for it", intid, cpu_id());
    }
}

/*
 * An LPI has no active state: it is ended with the drop of its priority, and comes once for each message
 * (IHI 0069 4.1.2).
 */
static void lpi(u32 intid)
{
    irqchip->eoi(intid);
    if (unlikely(!vgic_inject_lpi(intid))) {
        stray_lpi(intid);
    }
}

/* Beyond the last there is. False: it is the GIC's number for none. */
static noinline bool without_desc(u32 intid)
{
    if (intid > INTID_SPURIOUS) {
        lpi(intid);
        return true;
    }
    if (intid >= INTID_SPECIAL) {
        return false;
    }
    irq_handle_unexpected(intid);
    return true;
}

/* A shared one, most likely a guest's. False: there was none. */
static always_inline bool dispatch_shared(const struct irqchip_ops *chip, u32 intid)
{
    struct irq_desc *desc = &irq_descs[intid];
    struct domain *guest;

    if (unlikely(intid >= irq_nr)) {
        return without_desc(intid);
    }
    guest = atomic_load_acquire(&desc->guest);
    if (likely(guest != NULL)) {
        desc->count++;
        chip->eoi(intid);                    /* priority only: the guest's own EOI ends it */
        vgic_inject_host(guest, NULL, desc->vintid, intid);
    } else {
        irq_handle_own(intid);
    }
    return true;
}

/* The virtual timer while no vCPU is loaded, or with the timer off again: nothing to deliver. */
static noinline void stray_vtimer(void)
{
    irqchip->deactivate(irq_vtimer);
}

/*
 * So many interrupts at most in one exit; other CPUs may send theirs as fast as they are taken. What the vCPU's pending word has, a turn
 * of the scheduler or a grace period, then is not kept waiting: the next interrupt comes at once when the guest is entered, and an idle
 * CPU comes back by exit_work(). A power of two: the count of all interrupts tells, so that the last of them mostly costs nothing here.
 */
#define IRQ_BATCH 32u

void irq_handle(void)
{
    const struct irqchip_ops *chip = irqchip;
    struct pcpu *p = this_cpu();

    p->in_irq = true;
    do {
        u32 intid = chip->ack();

        if (likely(intid == irq_vtimer)) {
            chip->eoi(intid);
            if (likely(!p->current->is_idle)) {
                vtimer_interrupt(p->current);
            } else {
                stray_vtimer();
            }
        } else if (intid >= INTID_FIRST_SPI) {
            if (!dispatch_shared(chip, intid)) {
                break;
            }
        } else if (intid == irq_timer) {
            chip->eoi(intid);
            timer_interrupt();
            chip->deactivate(intid);
        } else if (intid == IPI_SGI) {
            chip->eoi(intid);
            chip->deactivate(intid);         /* first: one that is sent from here on comes again */
            smp_handle_ipi();
        } else {
            irq_handle_own(intid);
        }
        p->irq_count++;
    } while (arch_irq_waiting() && p->irq_count % IRQ_BATCH != 0);
    p->in_irq = false;
}

/* ---- guests' interrupts, as core knows them ---- */
int arch_irq_connect(struct domain *d, u32 vintid, u32 host_irq)
{
    return vgic_connect_host(d, vintid, host_irq);
}

void arch_irq_disconnect(struct domain *d, u32 vintid)
{
    vgic_disconnect_host(d, vintid);
}

void arch_domain_release_irqs(struct domain *d)
{
    for (u32 i = 0; i < d->arch.vgic.nr_spis; i++) {
        u32 irq = d->arch.vgic.spis[i].host_irq;

        if (irq != 0 && irq_release_from_guest(irq, d) != 0) {
            log_warn("d%u: interrupt %u was not its own", d->id, irq);
        }
    }
}

void arch_domain_dump_irqs(struct domain *d)
{
    vgic_dump(d);
}

u64 arch_domain_irq_bytes(const struct domain *d)
{
    return mem_object_bytes(d->arch.vgic.spis);
}
