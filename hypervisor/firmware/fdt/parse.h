/* SPDX-License-Identifier: MIT */
/* Between the parts of the device tree parser: each reads one kind of node into struct machine. */
#ifndef FDT_PARSE_H
#define FDT_PARSE_H

#include <argon/dt.h>
#include <argon/machine.h>

struct fdt_parse {
    struct machine *m;
    struct dt dt;
    struct dt_walk w;            /* at the node being read */
    bool is_machine;             /* the root has more than what a loader adds */
    u32 nr_with_node, nr_without_node;       /* memory and CPU nodes with and without a NUMA node */
    struct dt_prop boot_args, xen_args, dom0_args, initrd_start, initrd_end;   /* of /chosen */
};

/* The one parser: the functions of fdt.h use it in turn, before other CPUs run. */
extern struct fdt_parse fdt_parse;

/* Log "device tree: <path of the current node>: <what>" and return -EINVAL. */
must_check int fdt_bad(const struct fdt_parse *p, const char *what);

/* Each: the current node, already matched. 0, or -EINVAL after a message. */
must_check int fdt_parse_gic_v2(struct fdt_parse *p);
must_check int fdt_parse_gic_v3(struct fdt_parse *p);
must_check int fdt_parse_timer(struct fdt_parse *p);
must_check int fdt_read_chosen(struct fdt_parse *p);
must_check int fdt_parse_module(struct fdt_parse *p);
/*
 * NUMA. What is wrong in it costs a message and that value, never the boot. fdt_numa_node(): of the current memory or
 * CPU node; 0 if absent.
 */
u32 fdt_numa_node(struct fdt_parse *p);
void fdt_parse_distances(struct fdt_parse *p);
void fdt_finish_nodes(const struct fdt_parse *p);
/* After all nodes: kinds of untyped modules, the initrd of /chosen, and who gets which command line. */
must_check int fdt_finish_chosen(struct fdt_parse *p);
/* After all nodes: interrupts, which need to know the GIC. */
must_check int fdt_finish_irqs(struct fdt_parse *p);

#endif
