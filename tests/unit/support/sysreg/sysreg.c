/* SPDX-License-Identifier: MIT */
/* System instructions, recorded: see sysreg.h. One thread. */
#include "sysreg.h"
#include <asm/insn.h>

#define MAX_INSNS 16384
#define MAX_REGS  512
#define TEXT_MAX  40

struct reg { char name[TEXT_MAX]; u64 value, writable; };

static struct insn record[MAX_INSNS];
static char texts[MAX_INSNS][TEXT_MAX];
static u32 nr;
static struct reg regs[MAX_REGS];
static u32 nr_regs;

void (*insn_hook)(const struct insn *i);

static void add(const char *prefix, const char *text, u64 value)
{
    assert_true(nr < MAX_INSNS);
    assert_true(snprintf(texts[nr], TEXT_MAX, "%s%s", prefix, text) < TEXT_MAX);
    record[nr] = (struct insn){ texts[nr], value };
    nr++;
    if (insn_hook != NULL) {
        insn_hook(&record[nr - 1]);
    }
}

static struct reg *find(const char *name)
{
    for (u32 i = 0; i < nr_regs; i++) {
        if (strcmp(regs[i].name, name) == 0) {
            return &regs[i];
        }
    }
    assert_true(nr_regs < MAX_REGS);
    regs[nr_regs] = (struct reg){ .writable = ~0UL };
    assert_true(snprintf(regs[nr_regs].name, TEXT_MAX, "%s", name) < TEXT_MAX);
    return &regs[nr_regs++];
}

u64 reg_get(const char *reg) { return find(reg)->value; }
void reg_set(const char *reg, u64 value) { find(reg)->value = value; }
void reg_writable(const char *reg, u64 mask) { find(reg)->writable = mask; }

u64 insn_mrs(const char *reg)
{
    u64 value;

    if (strcmp(reg, "cntpct_el0") == 0) {
        return host_counter++;           /* not recorded: loops that wait look at it */
    }
    value = reg_get(reg);
    add("mrs ", reg, value);
    return value;
}

u64 insn_stable(const char *reg)
{
    assert_string_equal(reg, "tpidr_el2");
    return (u64)(uintptr_t)host_pcpu;
}

void insn_msr(const char *reg, u64 value)
{
    struct reg *r = find(reg);

    r->value = (r->value & ~r->writable) | (value & r->writable);
    if (strcmp(reg, "cnthp_cval_el2") == 0) {
        host_timer_compare = value;
    }
    add("msr ", reg, value);
}

void insn_other(const char *text, u64 arg)
{
    add("", text, arg);
}

void insn_forget(void)
{
    nr = 0;
}

void insn_reset(void)
{
    nr = 0;
    nr_regs = 0;
    insn_hook = NULL;
}

u32 insn_count(const char *text)
{
    u32 n = 0;

    for (u32 i = 0; i < nr; i++) {
        n += strcmp(record[i].text, text) == 0;
    }
    return n;
}

const struct insn *insn_nth(const char *text, u32 n)
{
    for (u32 i = 0; i < nr; i++) {
        if (strcmp(record[i].text, text) == 0 && n-- == 0) {
            return &record[i];
        }
    }
    return NULL;
}

void insn_print(void)
{
    for (u32 i = 0; i < nr; i++) {
        print_message("  %3u %-28s %#lx\n", i, record[i].text, (unsigned long)record[i].value);
    }
}

u32 insn_at(const char *text, u32 n)
{
    const struct insn *i = insn_nth(text, n);

    if (i == NULL) {
        insn_print();
        fail_msg("no \"%s\" number %u", text, n);
    }
    return (u32)(i - record);
}

/* Of what insn_expect_exactly() looks at. */
static bool is_effect(const struct insn *i)
{
    return strncmp(i->text, "mrs ", 4) != 0 && strncmp(i->text, "dc ", 3) != 0;
}

static void expect(const char *text, va_list ap, bool exactly)
{
    u32 at = 0;

    for (; text != NULL; text = va_arg(ap, const char *)) {
        u32 from = at;

        for (; at < nr && strcmp(record[at].text, text) != 0; at++) {
            if (exactly && is_effect(&record[at])) {
                insn_print();
                fail_msg("\"%s\" at %u where \"%s\" is expected", record[at].text, at, text);
            }
        }
        if (at++ == nr) {
            insn_print();
            fail_msg("no \"%s\" at %u or after", text, from);
        }
    }
    for (; exactly && at < nr; at++) {
        if (is_effect(&record[at])) {
            insn_print();
            fail_msg("\"%s\" at %u after the end", record[at].text, at);
        }
    }
}

void insn_expect(const char *text, ...)
{
    va_list ap;

    va_start(ap, text);
    expect(text, ap, false);
    va_end(ap);
}

void insn_expect_exactly(const char *text, ...)
{
    va_list ap;

    va_start(ap, text);
    expect(text, ap, true);
    va_end(ap);
}

int sysreg_setup(void **state)
{
    insn_reset();
    reg_set("cntfrq_el0", NS_PER_SEC);
    return unit_setup(state);
}
