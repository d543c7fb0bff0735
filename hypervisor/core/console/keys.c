/* SPDX-License-Identifier: MIT */
/* Debug keys: one table. Handlers print from the CPU that took the key; each line takes the console lock for itself. */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/grant.h>
#include <argon/irq.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/smp.h>
#include "console_impl.h"

/* One CPU prints its registers at a time. */
static struct spinlock dump_lock = SPINLOCK_INIT(RANK_DUMP);

struct debug_key {
    u8 key;
    bool in_all;                 /* part of '*' */
    void (*fn)(void);
    const char *what;
};

static void show_help(void);
static void show_all(void);

void debug_dump_cpu(void)
{
    const struct vcpu *v = current_vcpu();

    spin_lock(&dump_lock);
    if (v->is_idle) {
        con_printf("*** CPU%u host state, idle ***\n", cpu_id());
    } else {
        con_printf("*** CPU%u host state, running d%uv%u ***\n", cpu_id(), v->domain->id, v->id);
    }
    arch_vcpu_show_regs_host();
    spin_unlock(&dump_lock);
}

void debug_dump_vcpu(struct vcpu *v)
{
    spin_lock(&dump_lock);
    arch_vcpu_dump(v);
    spin_unlock(&dump_lock);
}

/* Others print when they take the interrupt: a CPU that is stuck is missing from the list. */
static void dump_host_registers(void)
{
    for_each_cpu(cpu) {
        if (cpu != cpu_id()) {
            smp_kick(cpu, IPI_DUMP);
        }
    }
    debug_dump_cpu();
}

static void dump_events(void)
{
    for_each_domain(d) {
        event_dump(d);
    }
}

static void dump_grants(void)
{
    for_each_domain(d) {
        grant_dump(d);
    }
}

static void dump_vgics(void)
{
    for_each_domain(d) {
        arch_domain_dump_irqs(d);
    }
}

static void reboot_machine(void)
{
    con_printf("'R' pressed -> rebooting machine\n");
    smp_stop_others();
    arch_machine_restart();
}

static void crash_machine(void)
{
    panic("crash asked for by debug key");
}

static const struct debug_key keys[] = {
    { '*', false, show_all, "print everything" },
    { '0', true, dump_dom0_registers, "dump Dom0 registers" },
    { 'C', false, crash_machine, "panic (test of the failure path)" },
    { 'H', true, dump_own_memory, "dump the hypervisor's own memory use" },
    { 'R', false, reboot_machine, "reboot machine" },
    { 'a', true, timer_dump, "dump timer queues" },
    { 'd', true, dump_host_registers, "dump host registers of all CPUs" },
    { 'e', true, dump_events, "dump event channels" },
    { 'g', true, dump_grants, "dump grant tables" },
    { 'h', false, show_help, "show this message" },
    { 'i', true, irq_dump, "dump interrupt bindings" },
    { 'm', true, mem_dump, "dump memory use" },
    { 'o', true, dump_options, "show command line and its effect" },
    { 'q', true, dump_domains, "dump domain (and vCPU) information" },
    { 'r', true, sched_dump, "dump run queues" },
    { 't', true, dump_time, "display time" },
    { 'v', true, dump_vgics, "dump guests' interrupt controllers" },
    { 'w', false, console_replay, "write the console ring again" },
};

static void show_help(void)
{
    con_printf("'h' pressed -> showing installed handlers\n");
    for (u32 i = 0; i < ARRAY_SIZE(keys); i++) {
        con_printf(" key '%c' (ascii '%02x') => %s\n", keys[i].key, keys[i].key, keys[i].what);
    }
}

static void show_all(void)
{
    for (u32 i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].in_all) {
            con_printf("[%c: %s]\n", keys[i].key, keys[i].what);
            keys[i].fn();
        }
    }
}

void debug_key(u8 key)
{
    for (u32 i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i].key == key) {
            if (key != 'h' && key != 'R') {
                con_printf("'%c' pressed -> %s (now = %" PRIu64 " ns)\n", key, keys[i].what, now_ns());
            }
            keys[i].fn();
            return;
        }
    }
    if (key >= ' ' && key < 0x7f) {
        con_printf("'%c' is no debug key; 'h' lists them\n", key);
    } else {
        con_printf("character %#x is no debug key; 'h' lists them\n", key);
    }
}
