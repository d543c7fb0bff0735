/* SPDX-License-Identifier: MIT */
/*
 * The virtual GIC: one implementation of interrupt state with v2 and v3 register front ends, as pure state machines.
 * Host list registers are reached through struct vgic_host_ops only (vgic_host.h), by the CPU on which the vCPU's state
 * is loaded. See docs/design/vgic.md.
 */
#ifndef VDEV_VGIC_H
#define VDEV_VGIC_H

#include <vdev/vgic_state.h>

struct domain;
struct machine_its;
struct vcpu;

/* Guest layout other than dom0's (compiled into the toolstack: public arch-arm.h): GICD and GICC are in <argon/xen.h>. */
#define GUEST_GICV3_GICR_BASE UINT64_C(0x03020000)
#define GUEST_GICV3_GICR_SIZE UINT64_C(0x01000000)

/* GIC version this host can give guests: bit 2, bit 3. */
u32 vgic_host_versions(void);
/*
 * version 2 or 3. nr_spis is rounded up to a multiple of 32. Guests get the layout above; dom0's is set by
 * vgic_set_layout() later. May come before or after the domain's vCPUs are created. -EINVAL, -ENODEV (version not on
 * this host), -ENOMEM.
 */
must_check int vgic_init_domain(struct domain *d, u8 version, u32 nr_spis);
/*
 * Bases as the guest sees them, once. v3: gicr of gicr_size bytes; v2: gicc (mapped to GICV by the caller). 0 or
 * -errno of mmio_register().
 */
int vgic_set_layout(struct domain *d, u64 gicd, u64 gicr_or_gicc, u64 gicr_size);
/*
 * d, dom0, has the machine's LPIs, and `nr` interrupt translation services, which irqchip->its numbers so. Version 3, once, before
 * vgic_destroy_domain(). -ENOMEM, or as mmio_register().
 */
must_check int vgic_create_lpis(struct domain *d, const struct machine_its *its, u32 nr);
/* All vCPUs are off the CPUs for good: host interrupts go back, memory is freed. */
void vgic_destroy_domain(struct domain *d);
void vgic_init_vcpu(struct vcpu *v);
/* Private interrupts and CPU interface as after reset; v is off the CPU. */
void vgic_reset_vcpu(struct vcpu *v);
/* The CPU interface as after power-up (PSCI CPU_ON); v is off the CPU. */
void vgic_reset_cpu_interface(struct vcpu *v);

/*
 * Level line of a purely virtual interrupt changed, or was raised again: a raised line that the guest has
 * acknowledged or ended pends once more. The event-channel interrupt's line is vcpu_info's upcall byte, looked at
 * again whenever the vGIC decides on it. From any CPU, any context; private intids take v, SPIs ignore it (routing
 * decides). If v is current here and a list register is free the interrupt goes straight into it, else v is kicked.
 */
void vgic_set_level(struct domain *d, struct vcpu *v, u32 intid, bool level);
/*
 * A physical interrupt arrived whose guest is d: pend it with the hardware link. The host irq stays active until the
 * guest's EOI.
 */
void vgic_inject_host(struct domain *d, struct vcpu *v, u32 intid, u32 host_irq);
/* An LPI of the machine arrived: it is pending for who has it. False: nobody. */
bool vgic_inject_lpi(u32 intid);
/*
 * The guest's timer expired while v was off the CPU: as if the physical interrupt had arrived. False: v is on a CPU;
 * nothing done.
 */
bool vgic_inject_timer(struct vcpu *v, u32 intid);
/*
 * A level interrupt (timer, event channel) was delivered that the guest does not take at once: it may retract it
 * instead, which no hardware reports. v, current, gets PEND_LINE, which stays set while vgic_check_lines() says so,
 * called on the exit path of each exit with it: an interrupt whose line has dropped is taken back. False: none waits
 * any more.
 */
void vgic_watch_lines(struct vcpu *v);
bool vgic_check_lines(struct vcpu *v);
/* Has v's timer interrupt been delivered and not yet been ended by the guest? v is current. */
bool vgic_timer_in_flight(struct vcpu *v, u32 intid);
/* Link host irq <-> virtual interrupt: SPIs through irq_route_to_guest() only; PPIs (timer): while v is created. */
must_check int vgic_connect_host(struct domain *d, u32 intid, u32 host_irq);
void vgic_disconnect_host(struct domain *d, u32 intid);
void vgic_connect_timer(struct vcpu *v, u32 intid, u32 host_irq);

/* PEND_VGIC on the exit path, v current: move ready interrupts to list registers. */
void vgic_flush(struct vcpu *v);
/* PEND_SYNC on the exit path: copy list registers to memory for another CPU that waits for them. */
void vgic_sync(struct vcpu *v);
/* PEND_ITS on the exit path: go on with commands, a bounded number; PEND_ITS again if there are more. */
void vgic_its_work(struct vcpu *v);
/* v leaves / enters this CPU. */
void vgic_save(struct vcpu *v);
void vgic_restore(struct vcpu *v);
/*
 * Would v take an interrupt now (enabled, pending, priority above its mask and what it runs)? v is current or not
 * running.
 */
bool vgic_irq_deliverable(struct vcpu *v);
/* Maintenance interrupt of this CPU. */
void vgic_maintenance(void);
/* v, current, accesses a system register that no one knows. True: the vGIC wanted to hear of it, do it again. */
bool vgic_acknowledge_trapped(struct vcpu *v);

/*
 * SGIs as the guest asked by trapped ICC_SGI1R_EL1; ICC_SGI0R_EL1 and ICC_ASGI1R_EL1 writes (v3). v2 has GICD_SGIR in
 * its front end.
 */
void vgic_sgi1r_write(struct vcpu *v, u64 value);
void vgic_sgi0r_write(struct vcpu *v, u64 value);

void vgic_dump(struct domain *d);                       /* debug key: interrupts of d */

#endif
