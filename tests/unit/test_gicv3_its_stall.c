/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* EL3 has the CPU for a while, between the look at GITS_CREADR and the look at the clock: the service has answered. */
#include "gicv3_its_model.h"

static u32 looks_at_clock;

/* Each look at the clock begins with an ISB. */
static void stall(const struct insn *i)
{
    if (strcmp(i->text, "isb") == 0 && looks_at_clock != 0 && --looks_at_clock == 0) {
        *reg(0, GITS_CREADR) = *reg(0, GITS_CWRITER);
        host_counter += NS_PER_SEC;
    }
}

static void test_stalled_cpu(void **state)
{
    (void)state;
    looks_at_clock = 0;
    assert_int_equal(start(), 2);
    model.deaf = true;                   /* it takes its time: what is posted is not read at once */
    its_clear(&event);
    looks_at_clock = 2;                  /* the deadline is the first */
    insn_hook = stall;
    its_complete(0);
    insn_hook = NULL;
    assert_false(gicv3_its[0].dead);
    assert_string_equal(unit_log(), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = { its_case(test_stalled_cpu) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
