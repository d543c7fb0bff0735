/* SPDX-License-Identifier: MIT */
/* Globals that code under test may refer to without linking their owner. */
#include "unit.h"
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <argon/param.h>
#include <vdev/vgic_host.h>

#define weak __attribute__((weak))

weak struct pcpu *pcpus[NR_CPUS];
weak u32 nr_cpus;
weak struct domain *dom0, *dom_idle, *dom_xen, *dom_io;
weak struct options opt;
weak const struct irqchip_ops *irqchip;
weak const struct vgic_host_ops *vgic_host;
weak struct page *frame_table;
weak u64 frame_base, frame_end;
weak struct mem_hot_range mem_hot_range;
