/* SPDX-License-Identifier: MIT */
/* The hypervisor's command line: one const table of options (boot/options.c), names as Xen's users write them. */
#ifndef ARGON_PARAM_H
#define ARGON_PARAM_H

#include <argon/machine.h>

/* bootscrub=: when RAM is zeroed that nobody has used since Argon started. A guest's RAM is zero in any case. */
enum bootscrub {
    BOOTSCRUB_NO,                /* when it is allocated; dom0's, which is its own from the start, not at all */
    BOOTSCRUB_IDLE,              /* dom0's before it starts, the rest while CPUs are idle, or when it is allocated */
    BOOTSCRUB_YES,               /* all before dom0 starts */
};

/* gicv2_links=: who completes the links of a GICv2's list registers to physical interrupts (drivers/irqchip). */
enum gicv2_links { GICV2_LINKS_AUTO, GICV2_LINKS_HARDWARE, GICV2_LINKS_SOFTWARE };

struct options {                 /* the parsed command line; constant after boot but for the log levels */
    char console[32];            /* console=: "none" for no UART */
    char dtuart[128];            /* dtuart= path or alias, with :options */
    u64 dom0_mem;                /* bytes, 0 = default 512 MiB */
    u64 dom0_mem_min;            /* bytes, 0 = none: less is an error */
    u64 dom0_mem_max;            /* bytes, 0 = as dom0_mem: limit for later ballooning */
    u32 dom0_max_vcpus;          /* 0 = as many as CPUs; else the number of CPUs, but at most this */
    u32 dom0_min_vcpus;          /* and at least this: equal to dom0_max_vcpus where one number is given */
    bool dom0_vcpus_pin;
    enum bootscrub bootscrub;
    u8 loglvl, guest_loglvl;     /* levels below are printed */
    u8 loglvl_limited, guest_loglvl_limited;   /* levels from those up to below these are rate-limited */
    char sched[16];
    u32 sched_ratelimit_us;      /* what pools begin with (struct cpupool) */
    bool noreboot;
    bool sync_console;           /* accepted: output is always synchronous */
    char conswitch;              /* letter with CTRL; 'a' default, 0 = no switching */
    bool conswitch_noauto;       /* conswitch=ax: do not switch to dom0 at boot */
    u32 maxcpus;                 /* 1..NR_CPUS */
    u32 gnttab_max_frames, gnttab_max_maptrack_frames;
    u32 conring_size;            /* bytes */
    bool console_timestamps;
    enum gicv2_links gicv2_links;
    enum acpi_choice acpi;
    bool hmp_unsafe;             /* CPUs of other kinds than the boot CPU are used too */
    char errata[256];            /* errata=: those that are active or not whatever the CPUs are (asm/errata.h) */
    char cmdline[1024];          /* as given, for xen_version(commandline) */
};
extern struct options opt;

/* Parse; each unknown or malformed option is warned about by name and left at its default. */
void options_parse(const char *cmdline);
/*
 * "512M", "1G", "0x100000", "65536K", "131072" (a bare number is KiB, as Xen's dom0_mem), "4096B". False: malformed or
 * too large.
 */
bool parse_size(const char *s, u64 *bytes, const char **end);

#endif
