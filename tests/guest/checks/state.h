/* SPDX-License-Identifier: MIT */
/*
 * Register values that name their owner. Each function is for the vCPU that calls it. What returns `where` gives 0,
 * or what was first found to differ: 1..31 x0..x30, 101..132 v0..v31, 201.. NZCV, FPCR, FPSR, 301.. EL1 registers,
 * 401.. timers, 501.. GIC.
 */
#ifndef CHECKS_STATE_H
#define CHECKS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>

struct state {
    uint64_t x[31];
    uint64_t nzcv, fpcr, fpsr;
    uint64_t v[64];
};
_Static_assert(sizeof(struct state) == 272 + 512 && offsetof(struct state, v) == 272, "state_asm.S");

void state_hypercall(const struct state *in, struct state *out);
void state_smccc(const struct state *in, struct state *out);
void state_smc(const struct state *in, struct state *out);
void state_sysreg(const struct state *in, struct state *out);
void state_timer(const struct state *in, struct state *out);
void state_mmio(const struct state *in, struct state *out);
void state_mmio_write(const struct state *in, struct state *out);
void state_wfi(const struct state *in, struct state *out);
void state_wfe(const struct state *in, struct state *out);
void state_spin(const struct state *in, struct state *out);
void state_spin_on(const struct state *in, struct state *out);
void state_vectors(struct state *out);

/* Whose values: the vCPU's number, until set otherwise. */
unsigned state_owner(void);
void state_set_owner(unsigned owner);

/* General and FP registers over one exit: any kind (n counts through them), or a WFI. */
unsigned state_exercise(unsigned n, unsigned round);
unsigned state_sleep(unsigned round);
unsigned state_operations(void);
const char *state_operation(unsigned n);
/* The values owner has in a sleep of that round. */
void state_values(unsigned owner, unsigned round, struct state *s);
/* What cpu found in its registers after its last exit. */
const struct state *state_found(unsigned cpu);
/* Every vCPU does the work at once; each says how far it came, and what was wrong. */
void state_on_all(void (*work)(uint64_t), uint64_t rounds);
void state_note(unsigned round, unsigned operation, unsigned where); /* where 0: the round is done */

/* The registers cpu has loaded for the exit it is in; x30 is X30_VALUE. */
const struct state *state_loaded(unsigned cpu);
#define X30_VALUE 0x3030303030303030ul

/* EL1 registers alone. */
void el1_assume(unsigned round);
unsigned el1_check(void);
void el1_drop(void);

/*
 * All that a vCPU has: EL1 registers, both timers, the GIC's CPU interface, one interrupt active and one pending of
 * its own. Interrupts stay masked. Between assume and drop only identity_sleep() may sleep.
 */
void identity_assume(unsigned round);
unsigned identity_check(void);
unsigned identity_drop(void);

enum wake { WAKE_VIRTUAL_TIMER, WAKE_PHYSICAL_TIMER, WAKE_SGI, WAKE_EVENT, NR_WAKES };
#define IDENTITY_WAKE_SGI 15u
/*
 * Sleep with every register loaded until that interrupt and no other has come: a timer after us microseconds, the SGI
 * or the event when somebody else sends it.
 */
unsigned identity_sleep(enum wake wake, unsigned us, unsigned round);

/* EL1 registers as a toolstack sees them: does its context hold what cpu (of this domain) assumed last? 0, or where. */
struct vcpu_guest_context;
unsigned identity_compare(unsigned cpu, const struct vcpu_guest_context *context);

#endif
