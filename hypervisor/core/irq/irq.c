/* SPDX-License-Identifier: MIT */
/* Host interrupts: who gets which. */
#include <argon/arch.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/irqchip.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/spinlock.h>

const struct irqchip_ops *irqchip ro_after_boot;
struct irq_desc *irq_descs ro_after_boot;
u32 irq_nr ro_after_boot;
static struct spinlock irq_lock = SPINLOCK_INIT(RANK_IRQ);

/* The handler of irq_reserve(): for the table only. */
static void reserved_fn(u32 intid, void *data)
{
    (void)intid;
    (void)data;
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
    for (u32 i = INTID_FIRST_PPI; i < INTID_FIRST_SPI; i++) {
        if (irq_descs[i].fn != NULL) {
            enable_private(i, (enum irq_type)irq_descs[i].type);
        }
    }
}

boot_code void irq_init(void)
{
    irq_nr = irqchip->nr_irqs();
    irq_descs = xzalloc_array(struct irq_desc, irq_nr);
    if (irq_descs == NULL) {
        panic("no memory for %u interrupt descriptors", irq_nr);
    }
}

static bool is_free(const struct irq_desc *desc)
{
    return desc->fn == NULL && desc->guest == NULL;
}

int irq_request(u32 intid, enum irq_type t, irq_handler_fn *fn, void *data, const char *name)
{
    struct irq_desc *desc;

    if (intid < INTID_FIRST_PPI || intid >= irq_nr) {
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

int irq_reserve(u32 intid, enum irq_type t, const char *name)
{
    return intid < INTID_FIRST_SPI ? irq_request(intid, t, reserved_fn, NULL, name) : -EINVAL;
}

bool irq_is_hypervisor(u32 intid)
{
    return intid < irq_nr && (intid < INTID_FIRST_PPI || irq_descs[intid].fn != NULL);
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
    rc = arch_irq_connect(d, vintid, host_irq);
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
    arch_irq_disconnect(d, desc->vintid);
    irqchip->set_active(host_irq, false);
    spin_lock(&irq_lock);
    atomic_store(&desc->guest, NULL);
    spin_unlock(&irq_lock);
    return 0;
}

void irq_handle_unexpected(u32 intid)
{
    irqchip->eoi(intid);
    irqchip->disable(intid);
    irqchip->deactivate(intid);
    log_warn("interrupt %u, which nobody asked for, is disabled on CPU %u", intid, cpu_id());
}

void irq_handle_own(u32 intid)
{
    struct irq_desc *desc = &irq_descs[intid];
    irq_handler_fn *fn = atomic_load_acquire(&desc->fn);

    desc->count++;
    if (unlikely(fn == NULL)) {
        irq_handle_unexpected(intid);
        return;
    }
    irqchip->eoi(intid);
    fn(intid, desc->data);
    irqchip->deactivate(intid);
}

void irq_dump(void)
{
    con_printf("host interrupts (%s):\n", irqchip->name);
    for (u32 i = INTID_FIRST_PPI; i < irq_nr; i++) {
        const struct irq_desc *desc = &irq_descs[i];

        if (desc->fn == reserved_fn) {
            con_printf("  %4u:             %s\n", i, desc->name);
        } else if (desc->fn != NULL) {
            con_printf("  %4u: %10" PRIu64 "  hypervisor: %s\n", i, desc->count, desc->name);
        } else if (desc->guest != NULL) {
            con_printf("  %4u: %10" PRIu64 "  d%u interrupt %u\n", i, desc->count, desc->guest->id, desc->vintid);
        }
    }
    for_each_cpu (c) {
        con_printf("  CPU %u: %" PRIu64 " interrupts\n", c, pcpus[c]->irq_count);
    }
}
