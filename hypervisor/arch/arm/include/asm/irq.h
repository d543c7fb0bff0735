/* SPDX-License-Identifier: MIT */
/* Interrupts of the hypervisor and their entry. */
#ifndef ASM_IRQ_H
#define ASM_IRQ_H

/*
 * Boot CPU, once, after irqchip->init() and init_cpu(): descriptors, the IPI, the timer interrupts (guests' virtual and the
 * hypervisor's) and the maintenance interrupt. Panics when the firmware does not name these.
 */
void irq_boot_init(void);
/* From the vectors, exit_work() and the idle loop: acknowledge and handle what is pending on this CPU, IRQ_BATCH at most. */
void irq_handle(void);

#endif
