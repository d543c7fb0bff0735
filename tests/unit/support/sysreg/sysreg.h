/* SPDX-License-Identifier: MIT */
/*
 * For tests with "unit-arch: arm": files of arch/arm and the drivers are built with ARM's own headers, and every system
 * instruction (<asm/insn.h>) is recorded. Its text is as in assembly, without operands: "msr hcr_el2", "mrs isr_el1",
 * "tlbi vmalle1is", "isb", "dsb ish". Registers read as what was written last, 0 at first; a test sets what hardware
 * would have there.
 */
#ifndef SYSREG_H
#define SYSREG_H

#include "unit.h"

struct insn {
    const char *text;
    u64 value;                   /* read, written, or the operand of a TLBI, AT or DC */
};

/* Forgets the record; registers keep their values. And both. */
void insn_forget(void);
void insn_reset(void);

u64 reg_get(const char *reg);
void reg_set(const char *reg, u64 value);
/* A write of `reg` changes these bits only: RES0, RES1 and read-only ones keep their value. */
void reg_writable(const char *reg, u64 mask);
/* Called after each instruction, for what hardware does then. NULL: nothing. */
extern void (*insn_hook)(const struct insn *i);

/* How many there are, those of `text`, and the n-th (from 0) of it: NULL if there are fewer. */
u32 insn_count(const char *text);
const struct insn *insn_nth(const char *text, u32 n);
/* Were these executed in this order? Others may lie between. Ends with NULL. Fails the test with the whole record. */
void insn_expect(const char *text, ...);
/* The same, and what is neither "mrs" nor DC is all there is. */
void insn_expect_exactly(const char *text, ...);
/* Index in the record of the n-th `text`; fails the test if there is none. */
u32 insn_at(const char *text, u32 n);
void insn_print(void);

/* As unit_setup(), with a fresh register file. */
int sysreg_setup(void **state);
#define sysreg_case(fn) cmocka_unit_test_setup_teardown(fn, sysreg_setup, unit_teardown)

#endif
