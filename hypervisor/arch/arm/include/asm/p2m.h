/* SPDX-License-Identifier: MIT */
/* ARM parts of stage 2 beyond argon/p2m.h. */
#ifndef ASM_P2M_H
#define ASM_P2M_H

#include <argon/types.h>

struct domain;

void p2m_boot_init(void);                /* boot CPU, once: VTCR value from the CPU's physical address size */
void p2m_cpu_init(void);                 /* every CPU */
/*
 * A stage-2 fault was taken for gpa: would the access succeed now? Another CPU may have been between break and make, or have
 * mapped it meanwhile: then the guest just tries again.
 */
bool p2m_fault_is_stale(struct domain *d, u64 gpa, bool write);
/*
 * Nothing is mapped at gpa: where d->arch.mmio_on_fault and gpa is device memory that d may have, map it 1:1 in as large a block as is all
 * such, write-back in stage 2 as XENMAPSPACE_dev_mmio is. False: it is none, or there is no memory for a table.
 */
bool p2m_map_touched(struct domain *d, u64 gpa);

#endif
