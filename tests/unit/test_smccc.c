/* SPDX-License-Identifier: MIT */
/* unit-sources: arch/arm/smccc.c */
/* Which PSCI and which SMCCC: asked, as far as the firmware may be asked. */
#include "unit.h"
#include <argon/machine.h>
#include <asm/firmware.h>

static s64 psci, features, smccc;
static char asked[128];

s64 firmware_call(u32 fid, u64 arg)
{
    sprintf(asked + strlen(asked), "%x ", fid);
    if (fid == 0x8400000a) {
        assert_int_equal(arg, 0x80000000);
    }
    return fid == 0x84000000 ? psci : fid == 0x8400000a ? features : fid == 0x80000000 ? smccc : 7;
}

static void expect(u32 tree, u32 version, u32 convention, const char *calls)
{
    asked[0] = '\0';
    firmware_smccc = 0;
    machine.psci_smc = true;
    machine.psci_version = tree;
    firmware_boot_init();
    assert_int_equal(machine.psci_version, version);
    assert_int_equal(firmware_smccc, convention);
    assert_string_equal(asked, calls);
    assert_int_equal(firmware_arch_features(FID_SOC_ID), convention >= 0x10001 ? 7 : -1);
}

static void test_versions(void **state)
{
    (void)state;
    psci = 0x10001;
    features = 0;
    smccc = 0x10002;
    expect(2, 0x10001, 0x10002, "84000000 8400000a 80000000 80000001 80000002 ");  /* 222 trees say 0.2 */
    assert_int_equal(machine.soc_id, 7);
    smccc = -1;
    expect(0x10000, 0x10001, 0x10000, "84000000 8400000a 80000000 ");
    features = (u32)-1;                                                  /* w0 only */
    expect(0x10000, 0x10001, 0x10000, "84000000 8400000a ");
    psci = 2;
    expect(2, 2, 0x10000, "84000000 ");
    psci = (u32)-1;
    expect(0x10000, 0x10000, 0x10000, "84000000 8400000a ");
    expect(1, 1, 0, "");
    expect(0, 0, 0, "");
}

static void test_no_smc(void **state)
{
    (void)state;
    asked[0] = '\0';
    firmware_smccc = 0;
    machine.psci_smc = false;
    machine.psci_version = 0x10000;
    firmware_boot_init();
    assert_string_equal(asked, "");
    assert_int_equal(firmware_smccc, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_versions, unit_setup, unit_teardown),
        cmocka_unit_test_setup_teardown(test_no_smc, unit_setup, unit_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
