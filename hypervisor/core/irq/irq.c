/* SPDX-License-Identifier: MIT */
/* Host interrupts: who gets which, and the way from the vectors to a handler or a guest's vGIC. */
#include <argon/arch.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/spinlock.h>

/*
 * One host interrupt. Owned by nobody, the hypervisor (fn) or a guest (guest). Changed under irq_lock; read without
 * by the handler: `fn` and `guest` are published last. A guest's pointer is good there as any looked-up domain's is
 * (smp.h).
 */
struct irq_desc {
    struct domain *guest;
    u32 vintid;
    u32 type;                    /* enum irq_type, of the hypervisor's own */
    u64 count;                   /* taken so far; private ones: by all CPUs, roughly */
    irq_handler_fn *fn;
    void *data;
    const char *name;
};

const struct irqchip_ops *irqchip ro_after_boot;
static struct irq_desc *irq_descs ro_after_boot;         /* [irq_nr] */
static u32 irq_nr ro_after_boot;
static u32 irq_vtimer ro_after_boot = INTID_SPURIOUS;    /* guests' virtual timer PPI */
static u32 irq_timer ro_after_boot = INTID_SPURIOUS;     /* the hypervisor's: neither is looked up in the table */
static struct spinlock irq_lock = SPINLOCK_INIT(RANK_IRQ);

static void maintenance_fn(u32 intid, void *data)
{
    (void)intid;
    (void)data;
    vgic_maintenance();
}

/* Priority by purpose, then on. */
static void enable_private(u32 intid, enum irq_type t)
{
    irqchip->set_type(intid, t);
    irqchip->set_priority(intid, IRQ_PRIO_TIMER);
    irqchip->enable(intid);
}

void irq_enable_local(void)
{
    irqchip->set_priority(IPI_SGI, IRQ_PRIO_IPI);
    irqchip->enable(IPI_SGI);
    enable_private(irq_vtimer, IRQ_TYPE_LEVEL);
    enable_private(irq_timer, IRQ_TYPE_LEVEL);
    for (u32 i = INTID_FIRST_PPI; i < INTID_FIRST_SPI; i++) {
        if (irq_descs[i].fn != NULL) {
            enable_private(i, (enum irq_type)irq_descs[i].type);
        }
    }
}

static boot_code u32 timer_ppi(u32 intid, const char *whose)
{
    if (intid < INTID_FIRST_PPI || intid >= INTID_FIRST_SPI) {
        panic("the firmware names no usable interrupt for the %s timer (%u)", whose, intid);
    }
    return intid;
}

boot_code void irq_init(void)
{
    irq_nr = irqchip->nr_irqs();
    irq_descs = xzalloc_array(struct irq_desc, irq_nr);
    if (irq_descs == NULL) {
        panic("no memory for %u interrupt descriptors", irq_nr);
    }
    irq_vtimer = timer_ppi(machine.timer_irq_virt, "virtual");
    irq_timer = timer_ppi(machine.timer_irq_hyp, "hypervisor's");
    irq_enable_local();
    if (irq_request(machine.gic.maintenance_irq, IRQ_TYPE_LEVEL, maintenance_fn, NULL, "vgic maintenance") != 0) {
        panic("the firmware names no usable maintenance interrupt for the GIC (%u)", machine.gic.maintenance_irq);
    }
    log_info("%s, %u interrupts, %u list registers, %u priority bits", irqchip->name, irq_nr, irqchip->nr_lrs(),
             irqchip->nr_prio_bits());
}

static bool is_free(const struct irq_desc *desc)
{
    return desc->fn == NULL && desc->guest == NULL;
}

int irq_request(u32 intid, enum irq_type t, irq_handler_fn *fn, void *data, const char *name)
{
    struct irq_desc *desc;

    if (intid < INTID_FIRST_PPI || intid >= irq_nr || intid == irq_vtimer || intid == irq_timer) {
        return -EINVAL;
    }
    desc = &irq_descs[intid];
    spin_lock(&irq_lock);
    if (!is_free(desc)) {
        spin_unlock(&irq_lock);
        return -EBUSY;
    }
    desc->data = data;
    desc->name = name;
    desc->type = t;
    atomic_store_release(&desc->fn, fn);
    spin_unlock(&irq_lock);
    if (intid < INTID_FIRST_SPI) {
        enable_private(intid, t);
    } else {
        irqchip->set_type(intid, t);
        irqchip->set_priority(intid, IRQ_PRIO_DEFAULT);
        irqchip->set_target(intid, cpu_id());
        irqchip->enable(intid);
    }
    return 0;
}

bool irq_is_hypervisor(u32 intid)
{
    return intid < irq_nr && (intid == irq_vtimer || intid == irq_timer || intid < INTID_FIRST_PPI ||
                              irq_descs[intid].fn != NULL);
}

int irq_route_to_guest(u32 host_irq, struct domain *d, u32 vintid)
{
    struct irq_desc *desc;
    int rc;

    if (host_irq < INTID_FIRST_SPI || host_irq >= irq_nr) {
        return -EINVAL;
    }
    desc = &irq_descs[host_irq];
    spin_lock(&irq_lock);
    if (!is_free(desc)) {
        spin_unlock(&irq_lock);
        return -EBUSY;
    }
    desc->vintid = vintid;
    atomic_store_release(&desc->guest, d);
    spin_unlock(&irq_lock);
    /* The claim is made: the guest's side follows without the lock, which ranks above the vGIC's. */
    rc = vgic_connect_host(d, vintid, host_irq);
    if (rc != 0) {
        spin_lock(&irq_lock);
        atomic_store(&desc->guest, NULL);
        spin_unlock(&irq_lock);
    }
    return rc;
}

int irq_release_from_guest(u32 host_irq, struct domain *d)
{
    struct irq_desc *desc;

    if (host_irq < INTID_FIRST_SPI || host_irq >= irq_nr) {
        return -EINVAL;
    }
    desc = &irq_descs[host_irq];
    if (atomic_load(&desc->guest) != d) {
        return -ENOENT;
    }
    irqchip->disable(host_irq);
    vgic_disconnect_host(d, desc->vintid);
    irqchip->set_active(host_irq, false);
    spin_lock(&irq_lock);
    atomic_store(&desc->guest, NULL);
    spin_unlock(&irq_lock);
    return 0;
}

/* One that nobody owns: switched off where it came from, said once. */
static noinline void unexpected(u32 intid)
{
    irqchip->eoi(intid);
    irqchip->disable(intid);
    irqchip->deactivate(intid);
    log_warn("interrupt %u, which nobody asked for, is disabled on CPU %u", intid, cpu_id());
}

/* Not a guest's: the hypervisor's own, or nobody's. */
static noinline void dispatch_own(u32 intid)
{
    struct irq_desc *desc = &irq_descs[intid];
    irq_handler_fn *fn = atomic_load_acquire(&desc->fn);

    desc->count++;
    if (unlikely(fn == NULL)) {
        unexpected(intid);
        return;
    }
    irqchip->eoi(intid);
    fn(intid, desc->data);
    irqchip->deactivate(intid);
}

/* An LPI that somebody before us has enabled: no active state, it comes once for each message (IHI 0069 5.1). */
static void stray_lpi(u32 intid)
{
    static bool said;

    irqchip->eoi(intid);
    if (!said) {
        said = true;
        log_warn("interrupt %u, an LPI, came on CPU %u: nobody asked for it", intid, cpu_id());
    }
}

/* Beyond the last there is. False: it is the GIC's number for none. */
static noinline bool without_desc(u32 intid)
{
    if (intid > INTID_SPURIOUS) {
        stray_lpi(intid);
        return true;
    }
    if (intid >= INTID_SPECIAL) {
        return false;
    }
    unexpected(intid);
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
        dispatch_own(intid);
    }
    return true;
}

/* The virtual timer while no vCPU is loaded, or with the timer off again: nothing to deliver. */
static noinline void stray_vtimer(void)
{
    irqchip->deactivate(irq_vtimer);
}

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
            dispatch_own(intid);
        }
        p->irq_count++;
    } while (arch_irq_waiting());
    p->in_irq = false;
}

void irq_dump(void)
{
    con_printf("host interrupts (%s):\n", irqchip->name);
    for (u32 i = INTID_FIRST_PPI; i < irq_nr; i++) {
        const struct irq_desc *desc = &irq_descs[i];

        if (desc->fn != NULL) {
            con_printf("  %4u: %10lu  hypervisor: %s\n", i, desc->count, desc->name);
        } else if (desc->guest != NULL) {
            con_printf("  %4u: %10lu  d%u interrupt %u\n", i, desc->count, desc->guest->id, desc->vintid);
        } else if (i == irq_vtimer) {
            con_printf("  %4u:             guests' virtual timer\n", i);
        } else if (i == irq_timer) {
            con_printf("  %4u:             hypervisor's timer\n", i);
        }
    }
    for_each_cpu (c) {
        con_printf("  CPU %u: %lu interrupts\n", c, pcpus[c]->irq_count);
    }
}
