/* SPDX-License-Identifier: MIT */
/*
 * The physical interrupt behind a virtual one: its end, and what its line says after that.
 *
 * A handler may end a level interrupt before it has quieted the device. The line is still high then and the interrupt
 * pends again, but a physical CPU that has interrupts masked takes it only if the line is still high when it unmasks
 * them (IHI0069 4.1.2); in a list register it would be pending for good. So until a device's handler has been seen to
 * do it the other way round its ends are reported, and one that comes again to a guest with interrupts masked is in
 * doubt: its line is looked at on each exit, and a GICv3 guest's next access to an acknowledge register makes one
 * (ICH_HCR_EL2.TALL0, TALL1, IHI0069 12.4.4). GICv2 has no such trap.
 */
#include "internal.h"

void vgic_phys_deactivate(struct vgic_irq *irq)
{
    ASSERT(vgic_is_spi(irq) || vgic_reachable(irq->vcpu));
    irq->phys_active = false;
    if (vgic_is_spi(irq)) {
        irqchip->set_active(irq->host_irq, false);   /* from any CPU, unlike a deactivation by the CPU interface */
    } else if (irq->vcpu->arch.vgic.live != 0) {
        irqchip->deactivate(irq->host_irq);          /* off the CPU a private one is not active: vgic_save() */
    }
}

void vgic_phys_ended(struct vcpu *v, struct vgic_irq *irq)
{
    if (vgic_is_spi(irq) && irq->is_level) {
        bool early = irqchip->is_pending(irq->host_irq);

        irq->good = early ? 0 : (u8)MIN(irq->good + 1, VGIC_HOST_TRUSTED);
        if (unlikely(early) && irq->enabled && v->arch.vgic.live == vgic_here() && guest_irqs_masked(v)) {
            v->arch.vgic.doubtful = irq;
            vgic_hcr_update(v);
            vgic_watch_lines(v);
        }
    }
    vgic_phys_deactivate(irq);                       /* with its line high it arrives at once */
}

bool vgic_is_doubtful(const struct vcpu *v)
{
    const struct vgic_irq *irq = v->arch.vgic.doubtful;

    return irq != NULL && atomic_load(&irq->vcpu) == v && irq->host_irq != 0;
}

void vgic_end_doubt(struct vcpu *v)
{
    v->arch.vgic.doubtful = NULL;
    vgic_hcr_update(v);
}

bool vgic_acknowledge_trapped(struct vcpu *v)
{
    bool trapped;

    spin_lock(&v->arch.vgic.lock);
    trapped = v->arch.vgic.live == vgic_here() && (v->arch.vgic.hcr & (VHCR_TALL0 | VHCR_TALL1));
    if (trapped) {
        if (vgic_is_doubtful(v)) {
            (void)vgic_line_waits(v, v->arch.vgic.doubtful);
        }
        vgic_end_doubt(v);
    }
    spin_unlock(&v->arch.vgic.lock);
    return trapped;
}
