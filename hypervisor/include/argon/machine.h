/* SPDX-License-Identifier: MIT */
/*
 * What firmware says about the machine. Filled by firmware/ (device tree or ACPI's tables); nobody else reads firmware
 * tables.
 */
#ifndef ARGON_MACHINE_H
#define ARGON_MACHINE_H

#include <argon/types.h>

#define MACHINE_MAX_BANKS     64
#define MACHINE_MAX_RESERVED  128
#define MACHINE_MAX_NOMAP     32
#define MACHINE_MAX_MODULES   16
#define MACHINE_MAX_REDIST    16
#define MACHINE_MAX_ITS       16
#define MACHINE_MAX_NODES     16
#define MACHINE_MAX_EFI_MMIO  32
/* RAM above is not used. Frames have 32-bit links (struct page): 44 bits of address. Translation tables have 48. */
#define MACHINE_RAM_LIMIT     BIT(44)

/* Between NUMA nodes, where firmware says nothing, and within one (ACPI 5.2.17; binding numa.txt). */
#define NODE_DISTANCE_LOCAL   10
#define NODE_DISTANCE_DEFAULT 20

struct machine_range { paddr_t start, size; u32 node; };

static inline paddr_t machine_range_end(const struct machine_range *r) { return r->start + r->size; }
static inline bool machine_ranges_overlap(const struct machine_range *a, const struct machine_range *b)
{
    return a->size != 0 && b->size != 0 && a->start < machine_range_end(b) && b->start < machine_range_end(a);
}
/* Is all of r in `in`? An empty one is where it begins. */
static inline bool machine_range_in(const struct machine_range *r, const struct machine_range *in)
{
    return r->start >= in->start && r->start < machine_range_end(in) && r->size <= machine_range_end(in) - r->start;
}

enum module_kind { MODULE_UNKNOWN, MODULE_KERNEL, MODULE_RAMDISK, MODULE_FDT, MODULE_XSM };
struct machine_module {
    paddr_t start, size;
    enum module_kind kind;
    char cmdline[1024];          /* bootargs of the node */
    bool has_cmdline;
    bool typed;                  /* the kind was given, not guessed from the order */
};

struct machine_cpu {
    u64 hwid;                    /* MPIDR's affinity */
    u32 node;
    u32 acpi_uid;                /* what ACPI's tables call it (6.5, 5.2.12.14) */
    bool psci;
};

struct machine_uart {
    paddr_t base, size;
    u32 irq;                     /* INTID, 0 = none */
    u32 reg_shift, reg_width;    /* log2 of the distance and bytes of a register: 0 and 1 unless given */
    u32 clock_hz;
    u32 baud;                    /* 0: as firmware left it */
    char compatible[64];
    char name[64];               /* firmware's, for messages */
};

/* An interrupt translation service: two frames of 64 KiB (IHI0069 12.18). */
struct machine_its {
    paddr_t base;
    bool noncoherent;            /* firmware says that it does not see CPUs' caches */
    u32 iidr;                    /* GITS_IIDR, of those that work */
};

struct machine_gic {
    u32 version;                 /* 2 or 3 */
    paddr_t gicd, gicd_size;
    paddr_t gicc, gicc_size, gich, gich_size, gicv, gicv_size;      /* v2 */
    struct machine_range redist[MACHINE_MAX_REDIST];                /* v3 */
    u32 nr_redist;
    u64 redist_stride;
    bool redist_each;            /* each place of a region has one: GICR_TYPER.Last, a cluster's end, is not the region's */
    struct machine_its its[MACHINE_MAX_ITS];     /* what firmware lists; from dom0_build() on: those that work, which dom0 has */
    u32 nr_its;
    bool redist_noncoherent;     /* as struct machine_its */
    bool low32;                  /* neither redistributors nor ITS reach RAM from 4 GiB on */
    u32 maintenance_irq;         /* INTID */
};

/*
 * What UEFI left (UEFI 2.10), from /chosen/linux,uefi-*: Argon's own EFI application writes these properties, with the meaning that
 * Linux's has for them. Nothing here counts where system_table is 0: the machine was not started by UEFI.
 */
struct machine_efi {
    paddr_t system_table;        /* EFI_SYSTEM_TABLE */
    struct machine_range map;    /* the memory map at ExitBootServices (7.2.3): in place of the tree's memory nodes */
    u32 desc_size, desc_version; /* of one descriptor of it */
    u32 runtime_services;        /* EFI_RT_SUPPORTED_* (8.1) that dom0 may ask for by XENPF_efi_runtime_call: set before dom0_build() */
    u32 nr_mmio;
    struct machine_range mmio[MACHINE_MAX_EFI_MMIO];     /* registers that its runtime services use: given to nobody. efi_boot_find() */
};

/* The counter reads wrong at times: bits of timer_quirks, by properties fsl,erratum-a008585 and so on. */
enum timer_quirk { TIMER_A008585, TIMER_161010101, TIMER_UNKNOWN1 };

struct machine {
    struct machine_range tables; /* where firmware's tables lie: not to be touched until dom0 is built */
    u32 nr_banks, nr_reserved, nr_nomap, nr_modules, nr_cpus;
    struct machine_range banks[MACHINE_MAX_BANKS];       /* RAM, sorted, no overlap */
    struct machine_range reserved[MACHINE_MAX_RESERVED]; /* sorted; not to be used: what firmware says, and added */
    u64 top;                     /* end of the highest address that anything has; UINT64_MAX: not known (ACPI) */
    struct machine_range nomap[MACHINE_MAX_NOMAP];       /* must not be mapped: in no bank, once they are sorted */
    struct machine_module modules[MACHINE_MAX_MODULES];
    struct machine_cpu cpus[NR_CPUS];
    struct machine_gic gic;
    bool has_uart;
    struct machine_uart uart;
    u32 timer_irq_phys_s, timer_irq_phys_ns, timer_irq_virt, timer_irq_hyp;   /* INTIDs */
    u32 timer_hz;                /* clock-frequency, 0 = use CNTFRQ */
    u32 timer_quirks;            /* BIT32(enum timer_quirk) */
    bool psci_smc;               /* PSCI conduit of the firmware: SMC (else HVC: cannot be used from EL2) */
    u32 psci_version;            /* 0: no PSCI */
    u32 psci_cpu_on;             /* function id */
    u32 soc_id;                  /* SMCCC_ARCH_SOC_ID (DEN0028 7.4): manufacturer's code, chip; 0: firmware does not say */
    char xen_cmdline[1024];      /* hypervisor's */
    char dom0_cmdline[1024];
    struct machine_efi efi;
    paddr_t rsdp;                /* of ACPI's tables; 0: UEFI has none, or there is no UEFI */
    bool acpi;                   /* all this is from ACPI's tables; else from a device tree */
    u64 nodes;                   /* NUMA: bit per node that has RAM or CPUs; 0 is as 1 */
    u8 distance[MACHINE_MAX_NODES][MACHINE_MAX_NODES];   /* as firmware has it, 0 where it says nothing: machine_distance() */
};
extern struct machine machine;

/* ---- NUMA nodes (core/machine.c); any number may be asked about ---- */
/* Highest node + 1. */
static inline u32 machine_nr_nodes(const struct machine *m)
{
    return m->nodes == 0 ? 1 : 64 - (u32)__builtin_clzll(m->nodes);
}
static inline bool machine_has_node(const struct machine *m, u64 node)
{
    return node < 64 && ((m->nodes | (m->nodes == 0)) >> node & 1) != 0;
}
/* What was given for one direction only holds for both. */
u32 machine_distance(const struct machine *m, u32 from, u32 to);
/* The nodes of a set, by distance from `from`, then by number, into order[MACHINE_MAX_NODES]; returns how many. */
u32 machine_nodes_near(const struct machine *m, u32 from, u64 nodes, u8 *order);
/* Node of a CPU by its hardware id; 0 if firmware does not know it. */
u32 machine_cpu_node(const struct machine *m, u64 hwid);

/*
 * Begin `machine` with the device tree that the loader gave: `max` readable bytes at `tables`, which are at `at` in memory. What /chosen
 * has: modules, command lines, what UEFI left. Malformed: -EINVAL and a message that names node and property; machine_find_uart() may be
 * tried before giving up. No crash on any input. The tables stay in use until dom0_build() is done.
 */
must_check int machine_from_firmware(const void *tables, size_t max, paddr_t at);
/* acpi=. By itself: the device tree where it is one of a machine and has more than /chosen and /hypervisor; else ACPI. */
enum acpi_choice {
    ACPI_AUTO,
    ACPI_OFF,                    /* the tree */
    ACPI_ON,                     /* ACPI if its tables are there, else the tree */
    ACPI_FORCE,                  /* ACPI or nothing */
};
/*
 * All the rest of `machine`, after that, from the tree or from ACPI's tables at machine.rsdp, as chosen; machine.acpi says which it is.
 * With ACPI, RAM is in machine.banks already. -EINVAL after a message, as above: malformed, or lacking what Argon needs (RAM, GIC, timer,
 * CPUs).
 */
struct firmware_memory;
must_check int machine_describe(enum acpi_choice how, const struct firmware_memory *memory);
/* Bytes of the tables whose first 40 are at `header`; 0 if they are none that Argon knows. */
size_t machine_firmware_bytes(const void *header);
/* The device tree machine_from_firmware() was given, to be read further (argon/dt.h). NULL: none that can be read. */
struct dt;
const struct dt *machine_dt(void);
/*
 * Find the console UART after options are parsed: dtuart= (path or alias, with ":options"; may be empty), else
 * /chosen/stdout-path; with ACPI SPCR's or DBG2's. -ENODEV when there is none with a driver.
 */
must_check int machine_find_uart(const char *dtuart);
/* Of a GICv3: the redistributor region that a domain with the host's layout sees, which is the largest. */
const struct machine_range *machine_redist(const struct machine_gic *g);
/* First module of that kind, NULL if none. */
const struct machine_module *machine_module(enum module_kind kind);

/* ---- RAM that may be used ---- */
/*
 * Add RAM (trimmed to whole pages; zero size is ignored); machine_sort_banks() once all are known. -ENOSPC: too many.
 */
must_check int machine_add_bank(struct machine *m, paddr_t start, paddr_t size, u32 node);
/* RAM of [start, start + size), widened to whole pages, is of that node: sorted banks are split. Where that makes too many, less is. */
void machine_set_node(struct machine *m, paddr_t start, paddr_t size, u32 node);
/* Sort; merge what touches on one node; where banks overlap, the lower keeps the RAM. Cut out what must not be mapped. */
void machine_sort_banks(struct machine *m);
/*
 * A range (widened to whole pages) is no RAM for us, though a bank says so: even a mapping of it that nobody uses might do harm, as
 * the CPU may read through it by speculation. -ENOSPC: too many; -EINVAL: it wraps.
 */
must_check int machine_add_nomap(struct machine *m, paddr_t start, paddr_t size);
/* Keep a range (widened to whole pages) out of use: the image, the device tree, early tables. -ENOSPC: too many. */
must_check int machine_add_reserved(struct machine *m, paddr_t start, paddr_t size);
/*
 * The first usable range of RAM at or after `from`, page aligned: in a bank, in no reserved range and in no module.
 * False: none. Loop: from = 0; while (machine_next_free(m, from, &start, &end, &node)) { ...; from = end; }
 */
must_check bool machine_next_free(const struct machine *m, paddr_t from, paddr_t *start, paddr_t *end, u32 *node);
/*
 * The first RAM in [from, to): as much as is of one bank, and so of one node. False: none. Loop as with machine_next_free(). For who
 * gives RAM to the allocator again, which has a heap for each node.
 */
must_check bool machine_next_ram(const struct machine *m, paddr_t from, paddr_t to, struct machine_range *out);
/* Is all of [start, start + size) in RAM banks? */
bool machine_is_ram(const struct machine *m, paddr_t start, paddr_t size);

/* ---- boot/: the first domain ---- */
struct domain;
/*
 * Look at the modules and claim dom0's memory: first of all allocations, so that what is free around the modules is still in one piece.
 * Stops boot with a message on failure, as the next.
 */
void dom0_claim(void);
/* Build dom0 from modules and machine: kernel, ramdisk, device tree, devices, vCPU 0. */
void dom0_build(void);

#endif
