/* SPDX-License-Identifier: MIT */
/*
 * Errata of CPUs and mitigations of speculation, by one table. A CPU that needs none of them pays for none: what is done asks
 * errata_active(), or is in vectors that only such a CPU has.
 */
#include <argon/arch.h>
#include <argon/atomic.h>
#include <argon/console.h>
#include <argon/machine.h>
#include <argon/param.h>
#include <argon/percpu.h>
#include <argon/printf.h>
#include <argon/string.h>
#include <asm/errata.h>
#include <asm/firmware.h>
#include <asm/idregs.h>
#include <asm/spectre.h>

/* MIDR_EL1 (Arm ARM D17.2.100): implementer 31:24, variant 23:20, part 15:4, revision 3:0. */
#define MODEL(implementer, part) ((implementer) << 24 | (part) << 4)
#define MODEL_MASK  0xff00fff0u
#define REV(variant, revision) ((variant) << 4 | (revision))
#define ALL_REVS    0, 0xff              /* min_rev, max_rev */
#define ARM(part)   MODEL(0x41u, part)

#define A35  ARM(0xd04)
#define A53  ARM(0xd03)
#define A55  ARM(0xd05)
#define A57  ARM(0xd07)
#define A72  ARM(0xd08)
#define A73  ARM(0xd09)
#define A75  ARM(0xd0a)
#define A76  ARM(0xd0b)
#define N1   ARM(0xd0c)
#define A77  ARM(0xd0d)
#define A76AE ARM(0xd0e)
#define V1   ARM(0xd40)
#define A78  ARM(0xd41)
#define A78AE ARM(0xd42)
#define X1   ARM(0xd44)
#define A510 ARM(0xd46)
#define A710 ARM(0xd47)
#define X2   ARM(0xd48)
#define N2   ARM(0xd49)
#define A78C ARM(0xd4b)
#define X1C  ARM(0xd4c)
#define A715 ARM(0xd4d)
#define X3   ARM(0xd4e)
#define V2   ARM(0xd4f)
#define A720 ARM(0xd81)
#define X4   ARM(0xd82)
#define V3AE ARM(0xd83)
#define V3   ARM(0xd84)
#define X925 ARM(0xd85)
#define C1_ULTRA ARM(0xd8c)
#define C1_PREMIUM ARM(0xd90)
#define BRAHMA_B53 MODEL(0x42u, 0x100)
#define TSV110 MODEL(0x48u, 0xd01)
#define OLYMPUS MODEL(0x4eu, 0x010)
#define COBALT100 MODEL(0x6du, 0xd49)
#define AMPERE1 MODEL(0xc0u, 0xac3)

struct erratum_row {
    u8 erratum;                          /* enum erratum */
    u8 min_rev, max_rev;                 /* variant and revision, both included */
    u8 bhb_loops;
    u32 model;                           /* 0: any */
    bool (*match)(const struct cpu_view *c);     /* NULL: the model decides */
};

static const struct {
    const char *name;                    /* of the option errata= */
    const char *what;
} kinds[NR_ERRATA] = {
    [ERRATUM_SPECULATIVE_AT] = { "speculative-at", "no EL1 walks while a guest's translation is changed" },
    [ERRATUM_REPEAT_TLBI] = { "repeat-tlbi", "TLB invalidations are made twice" },
    [ERRATUM_CLEAN_INVAL] = { "clean-inval", "caches are invalidated where they are cleaned" },
    [ERRATUM_834220] = { "834220", "addresses of stage 2 faults are translated again" },
    [ERRATUM_832075] = { "832075", "not worked around: a guest that has devices can stop its CPU" },
    [ERRATUM_COUNTER_A008585] = { "a008585", "the counter is read until two reads agree" },
    [ERRATUM_COUNTER_161010101] = { "161010101", "the counter is read until two reads are close" },
    [ERRATUM_COUNTER_UNKNOWN1] = { "unknown1", "the counter is read again where low bits may be wrong" },
    [ERRATUM_COUNTER_858921] = { "858921", "the counter is read twice" },
    [SPECTRE_V2_FIRMWARE] = { "spectre-v2", "firmware clears branch predictors on each exit" },
    [SPECTRE_BHB_FIRMWARE] = { "spectre-bhb", "firmware clears branch history on each exit" },
    [SPECTRE_BHB_CLEAR] = { "bhb-clear", "CLRBHB on each exit" },
    [SPECTRE_BHB_LOOP] = { "bhb-loop", "branch history is overwritten on each exit" },
    [SPECTRE_V4_FIRMWARE] = { "spectre-v4", "store bypass as each vCPU asks of its firmware" },
    [SPECTRE_V2_OPEN] = { "spectre-v2-open", "firmware lacks SMCCC_ARCH_WORKAROUND_1: guests may learn of each other" },
    [SPECTRE_BHB_OPEN] = { "spectre-bhb-open", "firmware lacks SMCCC_ARCH_WORKAROUND_3: guests may learn of each other" },
    [SPECTRE_V4_OPEN] = { "spectre-v4-open", "firmware lacks SMCCC_ARCH_WORKAROUND_2: guests cannot turn store bypass off" },
};

static u64 id_field(u64 reg, u32 shift)
{
    return reg >> shift & 0xf;
}

static bool is_one_of(const struct cpu_view *c, const u32 *models, u32 nr)
{
    for (u32 i = 0; i < nr; i++) {
        if ((c->midr & MODEL_MASK) == models[i]) {
            return true;
        }
    }
    return false;
}

/* Branches are not predicted by what another context has trained: said by CSV2 (D17.2.67), or known. */
static bool v2_safe(const struct cpu_view *c)
{
    static const u32 models[] = { A35, A53, A55, BRAHMA_B53, TSV110 };

    return id_field(c->pfr0, 56) != 0 || is_one_of(c, models, ARRAY_SIZE(models)) || c->workaround[0] == 1;
}

static bool v2_firmware(const struct cpu_view *c)
{
    return !v2_safe(c) && c->workaround[0] == 0;
}

static bool v2_open(const struct cpu_view *c)
{
    return !v2_safe(c) && c->workaround[0] != 0;
}

/* CSV2_3, or ECBHB: exceptions clear branch history (D17.2.65). Nothing helps where v2 itself is open. */
static bool bhb_safe(const struct cpu_view *c)
{
    return id_field(c->pfr0, 56) >= 3 || id_field(c->mmfr1, 60) != 0;
}

static bool bhb_clear(const struct cpu_view *c)
{
    return !bhb_safe(c) && id_field(c->isar2, 28) != 0 && !v2_open(c);
}

static bool bhb_exposed(const struct cpu_view *c)
{
    return !bhb_safe(c) && id_field(c->isar2, 28) == 0 && !v2_open(c);
}

/* Those in the table that need workaround 1 as well: it clears all there is. */
static bool bhb_loop(const struct cpu_view *c)
{
    return bhb_exposed(c) && v2_safe(c);
}

static bool bhb_firmware(const struct cpu_view *c)
{
    return bhb_exposed(c) && c->bhb_loops == 0 && c->workaround[2] == 0;
}

static bool bhb_open(const struct cpu_view *c)
{
    return bhb_exposed(c) && c->workaround[2] < 0;
}

/* PSTATE.SSBS is the guest's own (D17.2.68), and returns with SPSR_EL2. */
static bool v4_safe(const struct cpu_view *c)
{
    static const u32 models[] = { A35, A53, A55, BRAHMA_B53 };

    return id_field(c->pfr1, 4) != 0 || is_one_of(c, models, ARRAY_SIZE(models));
}

static bool v4_firmware(const struct cpu_view *c)
{
    return !v4_safe(c) && c->workaround[1] == 0;
}

static bool v4_open(const struct cpu_view *c)
{
    return !v4_safe(c) && c->workaround[1] == -1;
}

static const struct erratum_row rows[] = {
    /* 1319537, 1319367, 1530923, 1165522 */
    { ERRATUM_SPECULATIVE_AT, ALL_REVS, 0, A57, NULL },
    { ERRATUM_SPECULATIVE_AT, ALL_REVS, 0, A72, NULL },
    { ERRATUM_SPECULATIVE_AT, 0, REV(2, 0), 0, A55, NULL },
    { ERRATUM_SPECULATIVE_AT, 0, REV(2, 0), 0, A76, NULL },
    /* 1286807 (A76 to r3p0), 2441007, 2441009; from A76AE on, and A76 of any revision: 41937xx..41938xx, 4118414 (CVE-2025-10263) */
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, A55, NULL },
    { ERRATUM_REPEAT_TLBI, 0, REV(1, 1), 0, A510, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, A76, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, A76AE, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, A77, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, A78, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, A78AE, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, A78C, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, A710, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, X1, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, X1C, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, X2, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, X3, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, X4, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, X925, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, C1_ULTRA, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, C1_PREMIUM, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, N1, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, N2, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, V1, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, V2, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, V3, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, V3AE, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, OLYMPUS, NULL },
    { ERRATUM_REPEAT_TLBI, ALL_REVS, 0, COBALT100, NULL },
    /* 826319, 827319, 824069 (to r0p2), 819472 (to r0p1) */
    { ERRATUM_CLEAN_INVAL, 0, REV(0, 2), 0, A53, NULL },
    { ERRATUM_834220, 0, REV(1, 2), 0, A57, NULL },
    { ERRATUM_832075, 0, REV(1, 2), 0, A57, NULL },
    { ERRATUM_COUNTER_858921, ALL_REVS, 0, A73, NULL },
    { SPECTRE_V2_FIRMWARE, ALL_REVS, 0, 0, v2_firmware },
    { SPECTRE_V2_OPEN, ALL_REVS, 0, 0, v2_open },
    /* Loop counts: Arm, "Spectre-BHB: speculative target reuse attacks"; AmpereOne's by its vendor. */
    { SPECTRE_BHB_LOOP, ALL_REVS, 8, A57, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 8, A72, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 11, AMPERE1, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 24, A76, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 24, A76AE, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 24, A77, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 24, N1, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 32, A78, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 32, A78AE, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 32, A78C, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 32, X1, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 32, X1C, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 32, A710, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 32, X2, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 32, N2, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 32, V1, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 32, COBALT100, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 38, A715, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 38, A720, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 132, X3, bhb_loop },
    { SPECTRE_BHB_LOOP, ALL_REVS, 132, V2, bhb_loop },
    { SPECTRE_BHB_CLEAR, ALL_REVS, 0, 0, bhb_clear },
    { SPECTRE_BHB_FIRMWARE, ALL_REVS, 0, 0, bhb_firmware },      /* behind the loops: where there is none */
    { SPECTRE_BHB_OPEN, ALL_REVS, 0, A73, bhb_open },
    { SPECTRE_BHB_OPEN, ALL_REVS, 0, A75, bhb_open },
    { SPECTRE_V4_FIRMWARE, ALL_REVS, 0, 0, v4_firmware },
    { SPECTRE_V4_OPEN, ALL_REVS, 0, 0, v4_open },
};

u32 errata_word ro_after_boot;
static u32 of_cpu[NR_CPUS] ro_after_boot;
static u32 of_machine ro_after_boot;
static u32 forced_on ro_after_boot, forced_off ro_after_boot;
static struct cpu_view boot_cpu ro_after_boot;   /* midr 0: it is not up */
static bool complete ro_after_boot;      /* no CPU comes up any more that could add something */

/* ---- the option ---- */
static boot_code u32 by_name(const char *s, size_t n)
{
    for (u32 i = 0; i < NR_ERRATA; i++) {
        if (strlen(kinds[i].name) == n && memcmp(kinds[i].name, s, n) == 0) {
            return BIT32(i);
        }
    }
    return n == 3 && memcmp(s, "all", 3) == 0 ? BIT32(NR_ERRATA) - 1 : 0;
}

/* One word of the list: a name, or all: is active; with no- before it, or none: is not. The last that names one counts. */
static boot_code void option_word(const char *s, size_t n)
{
    bool off = n > 3 && memcmp(s, "no-", 3) == 0;
    u32 bits = n == 4 && memcmp(s, "none", 4) == 0 ? BIT32(NR_ERRATA) - 1 : off ? by_name(s + 3, n - 3) : by_name(s, n);

    off = off || (n == 4 && s[0] == 'n');
    if (bits == 0) {
        log_warn("Option errata: unknown name: %.*s", (int)n, s);
    } else if (off) {
        forced_off |= bits;
        forced_on &= ~bits;
    } else {
        forced_on |= bits;
        forced_off &= ~bits;
    }
}

/* By the timer's node in the device tree (binding arm,arch_timer). */
static boot_code u32 of_timer(void)
{
    static const u8 by_quirk[] = {
        [TIMER_A008585] = ERRATUM_COUNTER_A008585, [TIMER_161010101] = ERRATUM_COUNTER_161010101,
        [TIMER_UNKNOWN1] = ERRATUM_COUNTER_UNKNOWN1,
    };
    u32 bits = 0;

    for (u32 i = 0; i < ARRAY_SIZE(by_quirk); i++) {
        bits |= (machine.timer_quirks & BIT32(i)) ? BIT32(by_quirk[i]) : 0;
    }
    return bits;
}

boot_code void errata_boot_init(const char *option)
{
    const char *end;

    for (; *option != '\0'; option = *end != '\0' ? end + 1 : end) {
        end = strchr(option, ',');
        end = end != NULL ? end : option + strlen(option);
        option_word(option, (size_t)(end - option));
    }
    of_machine = of_timer();
    errata_word = (of_machine | forced_on) & ~forced_off;
    errata_patch_sites();
}

/* ---- CPUs ---- */
/* Also fills in c->bhb_loops. */
static u32 needed_by(struct cpu_view *c)
{
    u32 rev = REV(c->midr >> 20 & 0xf, c->midr & 0xf);
    u32 needed = 0;

    for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct erratum_row *r = &rows[i];

        if ((r->model == 0 || (r->model == (c->midr & MODEL_MASK) && rev >= r->min_rev && rev <= r->max_rev)) &&
            (r->match == NULL || r->match(c))) {
            needed |= BIT32(r->erratum);
            c->bhb_loops = MAX(c->bhb_loops, r->bhb_loops);
        }
    }
    return (needed | of_machine | forced_on) & ~forced_off;
}

static void look(struct cpu_view *c)
{
    static const u32 fids[] = { FID_WORKAROUND_1, FID_WORKAROUND_2, FID_WORKAROUND_3 };

    *c = (struct cpu_view){
        .midr = (u32)sysreg_read(midr_el1), .pfr0 = sysreg_read(id_aa64pfr0_el1), .pfr1 = sysreg_read(id_aa64pfr1_el1),
        .isar2 = sysreg_read(s3_0_c0_c6_2), .mmfr0 = sysreg_read(id_aa64mmfr0_el1), .mmfr1 = sysreg_read(id_aa64mmfr1_el1),
    };
    for (u32 i = 0; i < 3; i++) {
        c->workaround[i] = firmware_arch_features(fids[i]);
    }
    c->safe[0] = v2_safe(c);
    c->safe[1] = v4_safe(c);
    c->safe[2] = bhb_safe(c) || v2_safe(c);
}

/*
 * May this CPU run beside those that are up? Guests move between CPUs, and cannot know that they do: one kind of CPU, unless the
 * user says so; and then none that translates to less than stage 2 is made for.
 */
static bool fits(const struct cpu_view *c)
{
    u64 hwid = this_cpu()->hwid;

    if (complete) {
        log_err("CPU with MPIDR %#lx is late: not used", hwid);
        return false;
    }
    if (boot_cpu.midr != 0 && c->midr != boot_cpu.midr && !opt.hmp_unsafe) {
        log_warn("CPU with MPIDR %#lx is of another kind (MIDR %#x) than the boot CPU (%#x): not used; hmp-unsafe uses it", hwid,
                 c->midr, boot_cpu.midr);
        return false;
    }
    if (boot_cpu.midr != 0 && id_field(c->mmfr0, 0) < id_field(boot_cpu.mmfr0, 0)) {
        log_warn("CPU with MPIDR %#lx has fewer physical address bits than the boot CPU: not used", hwid);
        return false;
    }
    return true;
}

bool errata_cpu_up(void)
{
    struct cpu_view c;
    u32 needed;

    look(&c);
    if (!fits(&c)) {
        return false;
    }
    needed = needed_by(&c);
    idregs_cpu_up(boot_cpu.midr == 0);
    if (boot_cpu.midr == 0) {
        boot_cpu = c;
    }
    of_cpu[cpu_id()] = needed;
    atomic_fetch_or(&errata_word, needed);
    spectre_cpu_up(&c, needed);
    return true;
}

/* The CPUs that need it, as 0-3,5. */
static boot_code void cpu_list(u32 bit, char *out, size_t size)
{
    size_t n = 0;

    out[0] = '\0';
    for (u32 c = 0; c < nr_cpus; c++) {
        u32 first = c;

        if (!(of_cpu[c] & bit)) {
            continue;
        }
        while (c + 1 < nr_cpus && (of_cpu[c + 1] & bit)) {
            c++;
        }
        n += (size_t)snprintf(out + n, size - n, c == first ? "%s%u" : "%s%u-%u", n != 0 ? "," : "", first, c);
        if (n >= size) {
            return;
        }
    }
}

boot_code void errata_boot_done(void)
{
    char cpus[64];

    complete = true;
    errata_patch_sites();
    for (u32 i = 0; i < NR_ERRATA; i++) {
        if (errata_word & BIT32(i)) {
            cpu_list(BIT32(i), cpus, sizeof(cpus));
            log_info("Erratum %s, CPUs %s: %s", kinds[i].name, cpus, kinds[i].what);
        }
    }
}
