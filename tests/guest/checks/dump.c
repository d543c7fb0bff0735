/* SPDX-License-Identifier: MIT */
/* Debug key 0 prints dom0's registers as its vCPUs have them, not as they were at some exit before. */
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "domctl.h"
#include "hypercall.h"
#include "state.h"
#include "timer.h"

#define ROUND_ASKING 5u
#define ROUND_SPINNING 9u

static char text[64 << 10];
static volatile bool spinning;
static volatile uintptr_t spin_word; /* its own address while the other vCPU is to spin */

/* Where the registers of vCPU n begin; NULL if they were not printed. */
static const char *printed(unsigned n)
{
    char head[32];

    format_line(head, sizeof(head), "d0v%u on CPU ", n);
    return string_find(text, head);
}

/* To the last line. */
static bool all_printed(unsigned n)
{
    return console_log(text, sizeof(text), false) > 0 && printed(n) && string_find(printed(n), "vmpidr");
}

/* Bit n: x<n> is printed with its value in s. */
static uint64_t printed_registers(const char *at, const struct state *s)
{
    uint64_t found = 0;

    for (unsigned n = 0; n < 31 && at; n++) {
        char want[40];

        format_line(want, sizeof(want), "x%u%s %016lx", n, n < 10 ? " " : "", (unsigned long)s->x[n]);
        found |= (uint64_t)(string_find(at, want) != 0) << n;
    }
    return found;
}

/* The one that asks: in the middle of a hypercall. */
static void asking(void)
{
    static char key[] = "0";
    static struct state in, out;

    (void)console_log(text, sizeof(text), true);
    sysctl_buffer.cmd = XEN_SYSCTL_debug_keys;
    sysctl_buffer.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    sysctl_buffer.u.debug_keys.keys.p = key;
    sysctl_buffer.u.debug_keys.nr_keys = 1;
    state_values(0, ROUND_ASKING, &in);
    in.x[0] = (uintptr_t)&sysctl_buffer;
    in.x[16] = __HYPERVISOR_sysctl;
    in.x[30] = X30_VALUE;
    state_hypercall(&in, &out);
    CHECK_EQ("result", 0, out.x[0]);
    REQUIRE("printed", all_printed(0));
    in.x[0] = 0; /* the hypercall's result is there when they are printed, on the way back */
    CHECK_EQ("registers", 0x7ffffffful, printed_registers(printed(0), &in));
}

static void spin(uint64_t unused)
{
    static struct state in, out;

    (void)unused;
    state_values(1, ROUND_SPINNING, &in);
    in.x[5] = (uintptr_t)&spin_word;
    spinning = true;
    state_spin_on(&in, &out);
    spinning = false;
}

/* One that computes meanwhile, on another CPU or waiting for this one: it has not called the hypervisor for long. */
static void computing(void)
{
    static struct state in;

    REQUIRE("starts", cpu_start(1));
    spin_word = (uintptr_t)&spin_word;
    cpu_run(1, spin, 0);
    CHECK("spins", WAIT_FOR(spinning, patience_ms));
    delay_us(5000);
    (void)console_log(text, sizeof(text), true);
    CHECK_EQ("debug-key", 0, debug_key('0'));
    CHECK("printed", WAIT_FOR(all_printed(1), patience_ms));
    CHECK("still-spins", spinning);
    state_values(1, ROUND_SPINNING, &in);
    in.x[5] = (uintptr_t)&spin_word;
    in.x[30] = X30_VALUE;
    CHECK_EQ("registers", 0x7ffffffful, printed_registers(printed(1), &in));
    spin_word = 0;
    CHECK("ends", cpu_wait(1));
}

const struct test tests_dump[] = {
    { "dump.asking", asking, 0, 0 },
    { "dump.computing", computing, 2, 0 },
    { 0 },
};
