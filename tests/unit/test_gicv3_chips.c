/* SPDX-License-Identifier: MIT */
/* unit-arch: arm */
/* unit-sources: drivers/irqchip/gicv3_its.c drivers/irqchip/gicv3_its_init.c drivers/irqchip/gicv3_its_memory.c */
/* unit-sources: drivers/irqchip/gicv3_chips.c */
/* NVIDIA T241-FABRIC-4: with more than two chips an SPI's registers are read where its own chip shows them. */
#include "sysreg.h"
#include <argon/irqchip.h>
#include <argon/machine.h>
#include <vdev/vgic_host.h>
#include "gic_bits.h"
#include "../../hypervisor/drivers/irqchip/gicv3.c"

#define GICD_AT  UINT64_C(0x22000000)
#define GICR_AT  UINT64_C(0x22080000)
#define CHIP(n)  ((u64)(n) << 44)
#define FRAMES   0x20000u

static u32 dist[0x10000 / 4], redists[4][2 * FRAMES / 4], alias[4][0x10000 / 4];
static u32 aliases;              /* which have been asked for */
static bool refused;

volatile void *arch_ioremap(paddr_t pa, u64 size)
{
    u32 n = (u32)(pa >> 44);

    (void)size;
    pa &= ~CHIP(3);
    if (pa == GICR_AT) {
        return redists[n];
    }
    if (n == 0 && pa == GICD_AT) {
        return dist;
    }
    assert_int_equal(pa, GICD_AT + 0x1580000);
    aliases |= BIT32(n);
    return refused ? NULL : alias[n];
}

static int start(u32 soc, u32 chips)
{
    memset(dist, 0, sizeof(dist));
    memset(alias, 0, sizeof(alias));
    aliases = 0;
    dist[GICD_TYPER / 4] = 30;           /* 992 INTIDs */
    machine.soc_id = soc;
    machine.gic = (struct machine_gic){ .version = 3, .gicd = GICD_AT, .gicd_size = sizeof(dist), .nr_redist = chips };
    for (u32 n = 0; n < chips; n++) {
        machine.gic.redist[n] = (struct machine_range){ .start = GICR_AT | CHIP(n), .size = 2 * FRAMES };
    }
    return gicv3_ops.init(&machine);
}

/* Where the pending bit of an SPI is looked for. */
static u32 read_at(u32 intid)
{
    u32 found = 0, word = (GIC_ISPENDR + intid / 32 * 4) / 4;

    for (u32 n = 0; n < 5; n++) {
        u32 *frame = n == 4 ? dist : alias[n];

        frame[word] = BIT32(intid % 32);
        found = gicv3_ops.is_pending(intid) ? found * 10 + n : found;
        frame[word] = 0;
    }
    return found;
}

static void test_others(void **state)
{
    static const struct { u32 soc, chips; } cases[] = {
        { 0, 4 }, { 0x036b0241, 1 }, { 0x036b0241, 2 }, { 0x036b0250, 4 },
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(start(cases[i].soc, cases[i].chips), 0);
        assert_int_equal(aliases, 0);
        assert_int_equal(read_at(32) * 1000000 + read_at(700) * 1000 + read_at(991), 4004004);
    }
}

static void test_t241(void **state)
{
    (void)state;
    assert_int_equal(start(0x036b0241, 4), 0);
    assert_int_equal(aliases, 7);
    assert_non_null(strstr(unit_log(), "T241-FABRIC-4"));
    assert_int_equal(read_at(32), 0);
    assert_int_equal(read_at(351), 0);
    assert_int_equal(read_at(352), 1);
    assert_int_equal(read_at(671), 1);
    assert_int_equal(read_at(672), 2);
    assert_int_equal(read_at(991), 2);
    /* What is there stays when one is changed; what is only written goes to the distributor. */
    alias[1][(GIC_ICFGR + 400 / 16 * 4) / 4] = 0x0a;
    gicv3_ops.set_type(402, IRQ_TYPE_EDGE);
    assert_int_equal(alias[1][(GIC_ICFGR + 400 / 16 * 4) / 4], 0x2a);
    gicv3_ops.enable(402);
    assert_int_equal(dist[(GIC_ISENABLER + 402 / 32 * 4) / 4], BIT32(402 % 32));
    assert_int_equal(alias[1][(GIC_ISENABLER + 402 / 32 * 4) / 4], 0);
    gicv3_ops.set_active(402, true);
    assert_int_equal(alias[1][(GIC_ISACTIVER + 402 / 32 * 4) / 4], BIT32(402 % 32));
    gicv3_ops.set_active(402, false);
    assert_int_equal(dist[(GIC_ICACTIVER + 402 / 32 * 4) / 4], BIT32(402 % 32));
    refused = true;
    assert_int_not_equal(start(0x036b0241, 3), 0);
    refused = false;
    assert_int_equal(start(0x036b0241, 3), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { sysreg_case(test_others), sysreg_case(test_t241) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
