/* SPDX-License-Identifier: MIT */
/* The counter where reading it goes wrong (docs/design/errata.md). Other CPUs and machines do not come here. */
#include <asm/cpu.h>

/* Far beyond what the notices say is ever needed; then the last value stands. */
#define MAX_READS 200

static u64 read_counter(void)
{
    return sysreg_read(cntpct_el0);
}

/* A008585: any read may be wrong; equal ones are right. 161010101: a wrong one differs by 32 or more from the right one. */
static u64 read_stable(u64 tolerance)
{
    u64 old, new = read_counter();

    for (u32 i = 0; i < MAX_READS; i++) {
        old = new;
        new = read_counter();
        if (new - old <= tolerance) {
            break;
        }
    }
    return new;
}

/* unknown1 (Allwinner A64): low bits are wrong around the moment when bit 9 or one above changes: they are all ones or all zeroes. */
static u64 read_off_rollover(void)
{
    u64 v = read_counter();

    for (u32 i = 0; i < MAX_READS && ((v + 1) & 0x1ff) <= 1; i++) {
        v = read_counter();
    }
    return v;
}

/* 858921: while the lower half wraps the upper half may be a late or an early one: the read before is right. */
static u64 read_halves(void)
{
    u64 old = read_counter(), new = read_counter();

    return ((old ^ new) >> 32 & 1) ? old : new;
}

u64 counter_read_carefully(void)
{
    if (errata_active(ERRATUM_COUNTER_A008585)) {
        return read_stable(0);
    }
    if (errata_active(ERRATUM_COUNTER_161010101)) {
        return read_stable(31);
    }
    return errata_active(ERRATUM_COUNTER_UNKNOWN1) ? read_off_rollover() : read_halves();
}
