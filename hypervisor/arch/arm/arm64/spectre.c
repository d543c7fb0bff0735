/* SPDX-License-Identifier: MIT */
/*
 * Speculation: what each CPU does on exits from guests, by its vectors; store bypass, a state that moves with vCPUs; and what guests
 * are told. Which CPU needs what is in errata.c. docs/design/errata.md
 */
#include <argon/domain.h>
#include <argon/percpu.h>
#include <asm/cpu.h>
#include <asm/errata.h>
#include <asm/firmware.h>
#include <asm/spectre.h>

#define NOT_SUPPORTED (-1)
#define DEFAULT_LOOPS 32                 /* of a CPU that is made to loop by the option */

static s32 answers[3] ro_after_boot = { 1, -2, 1 };   /* to guests: workarounds 1..3 are not needed, until a CPU says otherwise */

static u32 number_of(u32 fid)
{
    return fid == FID_WORKAROUND_1 ? 0 : fid == FID_WORKAROUND_2 ? 1 : 2;
}

/* The more a CPU needs the more it counts: 0 needed and there, -1 not there, 1 there and not needed, -2 not needed. */
static s32 worse(s32 a, s32 b)
{
    return a == 0 || b == 0 ? 0 : a == NOT_SUPPORTED || b == NOT_SUPPORTED ? NOT_SUPPORTED : MAX(a, b);
}

static void note_answers(const struct cpu_view *c)
{
    for (u32 i = 0; i < 3; i++) {
        /* Unknown to the firmware of a CPU that is safe by itself: not needed. */
        s32 a = c->workaround[i] < 0 && c->safe[i] ? answers[i] : c->workaround[i];

        answers[i] = worse(answers[i], a);
    }
}

/*
 * The exit's own part: before any indirect branch, and where it is the firmware's for each exit, since the next guest here may be
 * another. Workaround 3 includes 1 (DEN0028 7.7), which clears also what branch history selects from.
 */
void spectre_cpu_up(const struct cpu_view *c, u32 needed)
{
    struct pcpu *p = this_cpu();
    const char *vectors = hyp_vectors;

    if (needed & (BIT32(SPECTRE_BHB_FIRMWARE) | BIT32(SPECTRE_V2_FIRMWARE))) {
        vectors = hyp_vectors_firmware;
        p->arch.exit_arg = (needed & BIT32(SPECTRE_BHB_FIRMWARE)) ? FID_WORKAROUND_3 : FID_WORKAROUND_1;
    } else if (needed & BIT32(SPECTRE_BHB_CLEAR)) {
        vectors = hyp_vectors_clear;
    } else if (needed & BIT32(SPECTRE_BHB_LOOP)) {
        vectors = hyp_vectors_loop;
        p->arch.exit_arg = c->bhb_loops != 0 ? c->bhb_loops : DEFAULT_LOOPS;
    }
    sysreg_write(vbar_el2, (u64)(uintptr_t)vectors);
    isb();                               /* exceptions from here on go there (D1.3.1) */
    if (needed & BIT32(SPECTRE_V4_FIRMWARE)) {
        (void)firmware_call(FID_WORKAROUND_2, 1);        /* the reset state, whatever the boot loader has left */
    }
    note_answers(c);
}

void spectre_v4_load(const struct vcpu *v)
{
    struct pcpu *p = this_cpu();

    if (p->arch.bypass != v->arch.bypass) {
        p->arch.bypass = v->arch.bypass;
        (void)firmware_call(FID_WORKAROUND_2, !p->arch.bypass);
    }
}

s32 firmware_guest_workaround(u32 fid)
{
    return answers[number_of(fid)];
}

s64 firmware_guest_workaround_call(struct vcpu *v, u32 fid, u64 arg)
{
    s32 answer = answers[number_of(fid)];

    if (answer == NOT_SUPPORTED || answer == -2) {
        return NOT_SUPPORTED;
    }
    if (fid == FID_WORKAROUND_2) {
        v->arch.bypass = (u32)arg == 0;
        if (errata_active(SPECTRE_V4_FIRMWARE)) {
            spectre_v4_load(v);
        }
    } else if (this_cpu()->arch.exit_arg != fid && this_cpu()->arch.exit_arg != FID_WORKAROUND_3 && answer == 0) {
        (void)firmware_call(fid, 0);     /* else the exit has done it */
    }
    return 0;
}
