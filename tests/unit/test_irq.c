/* SPDX-License-Identifier: MIT */
/* unit-sources: core/irq/irq.c arch/arm/irq.c */
/*
 * Host interrupts: requests, guests' interrupts, acknowledge loop; and the form GICv2 list registers are converted
 * from.
 */
#include "unit.h"

#include "fake_irqchip.h"
#include "../../hypervisor/drivers/irqchip/gic.h"

#include <argon/machine.h>
#include <argon/smp.h>
#include <asm/irq.h>
#include <vdev/vtimer.h>

#define VTIMER 27
#define TIMER 26
#define OTHER_PPI 22
#define MAINTENANCE 25

static const struct irqchip_ops ops = FAKE_OPS(3);

/* The descriptors live as long as the machine does. */
void *xzalloc_array_bytes(size_t n, size_t size)
{
    static aligned_to(16) u8 descs[16384];

    assert_true(n * size <= sizeof(descs));
    return memset(descs, 0, sizeof(descs));
}

static u32 handled, handled_intid, ipis, vtimers, timers, maintenances;
static int connect_result;
static u32 ipis_to_come;         /* each is sent as soon as the one before has been ended */
static struct { struct domain *d; u32 intid, host; } injected, connected;
static bool active_in_handler;

void smp_handle_ipi(void)
{
    assert_false(*fake_active(IPI_SGI));                 /* ended first: a new one would come again */
    ipis++;
    if (ipis_to_come > 0) {
        ipis_to_come--;
        fake_here()->ack_head = fake_here()->ack_tail = 0;
        fake_raise(IPI_SGI);
    }
}

void timer_interrupt(void)
{
    assert_true(*fake_active(TIMER));
    timers++;
}

void vtimer_interrupt(struct vcpu *v)
{
    assert_ptr_equal(v, current_vcpu());
    vtimers++;
}

void vgic_maintenance(void)
{
    maintenances++;
}

void vgic_inject_host(struct domain *d, struct vcpu *v, u32 intid, u32 host_irq)
{
    (void)v;
    injected.d = d;
    injected.intid = intid;
    injected.host = host_irq;
}

int vgic_connect_host(struct domain *d, u32 intid, u32 host_irq)
{
    connected.d = d;
    connected.intid = intid;
    connected.host = host_irq;
    return connect_result;
}

void vgic_disconnect_host(struct domain *d, u32 intid)
{
    assert_ptr_equal(connected.d, d);
    assert_int_equal(connected.intid, intid);
    connected.d = NULL;
}

static void handler(u32 intid, void *data)
{
    assert_ptr_equal(data, &handled);
    handled++;
    handled_intid = intid;
    active_in_handler = *fake_active(intid);
}

static int setup(void **state)
{
    unit_setup(state);
    memset(&fake, 0, sizeof(fake));
    memset(&machine, 0, sizeof(machine));
    memset(&injected, 0, sizeof(injected));
    handled = ipis = vtimers = timers = maintenances = 0;
    connect_result = 0;
    machine.gic.maintenance_irq = MAINTENANCE;
    machine.timer_irq_virt = VTIMER;
    machine.timer_irq_hyp = TIMER;
    irqchip = &ops;
    vgic_host = ops.virt;
    irq_boot_init();
    return 0;
}

static int teardown(void **state)
{
    return unit_teardown(state);
}

#define icase(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static void init_enables_its_own(void **state)
{
    (void)state;
    assert_true(fake.cpu[0].ppi_enabled[IPI_SGI]);
    assert_true(fake.cpu[0].ppi_enabled[VTIMER]);
    assert_true(fake.cpu[0].ppi_enabled[MAINTENANCE]);
    assert_true(fake.priority[IPI_SGI] < fake.priority[VTIMER]);
    assert_true(fake.priority[VTIMER] < IRQ_PRIO_DEFAULT);
    unit_set_cpu(1);
    irq_enable_local();
    assert_true(fake.cpu[1].ppi_enabled[IPI_SGI]);
    assert_true(fake.cpu[1].ppi_enabled[VTIMER]);
    assert_true(fake.cpu[1].ppi_enabled[TIMER]);
    assert_true(fake.cpu[1].ppi_enabled[MAINTENANCE]);
    assert_false(fake.cpu[1].ppi_enabled[OTHER_PPI]);
    unit_set_cpu(0);
}

static void unusable_machines(void **state)
{
    (void)state;
    machine.timer_irq_virt = 0;
    unit_expect_panic(irq_boot_init());
    machine.timer_irq_virt = VTIMER;
    machine.timer_irq_hyp = INTID_FIRST_SPI;
    unit_expect_panic(irq_boot_init());
    machine.timer_irq_hyp = TIMER;
    machine.gic.maintenance_irq = 0;
    unit_expect_panic(irq_boot_init());
}

static void requests(void **state)
{
    (void)state;
    assert_int_equal(irq_request(IPI_SGI, IRQ_TYPE_EDGE, handler, &handled, "x"), -EINVAL);
    assert_int_equal(irq_request(FAKE_IRQS, IRQ_TYPE_EDGE, handler, &handled, "x"), -EINVAL);
    assert_int_equal(irq_request(VTIMER, IRQ_TYPE_EDGE, handler, &handled, "x"), -EBUSY);
    assert_int_equal(irq_request(TIMER, IRQ_TYPE_EDGE, handler, &handled, "x"), -EBUSY);
    assert_int_equal(irq_request(OTHER_PPI, IRQ_TYPE_LEVEL, handler, &handled, "ppi"), 0);
    assert_int_equal(irq_request(OTHER_PPI, IRQ_TYPE_LEVEL, handler, &handled, "ppi"), -EBUSY);
    assert_int_equal(irq_request(33, IRQ_TYPE_EDGE, handler, &handled, "spi"), 0);
    assert_true(fake.enabled[33]);
    assert_int_equal(fake.type[33], IRQ_TYPE_EDGE);
    assert_int_equal(fake.target[33], 0);
    assert_true(irq_is_hypervisor(33));
    assert_true(irq_is_hypervisor(VTIMER));
    assert_true(irq_is_hypervisor(TIMER));
    assert_false(irq_is_hypervisor(34));
    assert_false(irq_is_hypervisor(5000));
    fake_raise(OTHER_PPI);
    fake_raise(33);
    irq_handle();
    assert_int_equal(handled, 2);
    assert_int_equal(handled_intid, 33);
    assert_true(active_in_handler);
    assert_false(fake.active[33]);
    assert_int_equal(fake.eois, 2);
    assert_int_equal(this_cpu()->irq_count, 2);
    irq_dump();
    assert_non_null(strstr(unit_log(), "spi"));
}

static void hot_ones(void **state)
{
    struct domain *d = unit_domain(1, 1);

    (void)state;
    fake_raise(VTIMER);                                  /* no vCPU here: ended at once */
    irq_handle();
    assert_int_equal(vtimers, 0);
    assert_false(*fake_active(VTIMER));
    unit_set_current(d->vcpu[0]);
    fake_raise(VTIMER);
    fake_raise(TIMER);
    fake_raise(IPI_SGI);
    fake_raise(MAINTENANCE);
    irq_handle();
    assert_int_equal(vtimers, 1);
    assert_true(*fake_active(VTIMER));                   /* the guest's EOI ends it */
    assert_int_equal(timers, 1);
    assert_false(*fake_active(TIMER));
    assert_int_equal(ipis, 1);
    assert_int_equal(maintenances, 1);
    assert_false(*fake_active(MAINTENANCE));
    irq_handle();                                        /* spurious */
    assert_int_equal(fake.eois, 5);
}

static void guests(void **state)
{
    struct domain *d = unit_domain(1, 1), *e = unit_domain(2, 1);

    (void)state;
    assert_int_equal(irq_route_to_guest(31, d, 31), -EINVAL);
    assert_int_equal(irq_route_to_guest(FAKE_IRQS, d, 40), -EINVAL);
    assert_int_equal(irq_route_to_guest(40, d, 41), 0);
    assert_int_equal(connected.host, 40);
    assert_int_equal(irq_route_to_guest(40, e, 41), -EBUSY);
    assert_int_equal(irq_request(40, IRQ_TYPE_EDGE, handler, &handled, "x"), -EBUSY);
    fake_raise(40);
    irq_handle();
    assert_ptr_equal(injected.d, d);
    assert_int_equal(injected.intid, 41);
    assert_int_equal(injected.host, 40);
    assert_true(fake.active[40]);
    assert_int_equal(fake.last_eoi, 40);
    assert_int_equal(irq_release_from_guest(40, e), -ENOENT);
    assert_int_equal(irq_release_from_guest(5, d), -EINVAL);
    assert_int_equal(irq_release_from_guest(40, d), 0);
    assert_null(connected.d);
    assert_false(fake.enabled[40]);
    assert_false(fake.active[40]);
    assert_int_equal(irq_release_from_guest(40, d), -ENOENT);
    connect_result = -EBUSY;
    assert_int_equal(irq_route_to_guest(40, e, 41), -EBUSY);
    connect_result = 0;
    assert_int_equal(irq_route_to_guest(40, e, 41), 0);  /* the refused claim was undone */
}

static void unexpected(void **state)
{
    (void)state;
    fake.enabled[50] = true;
    fake_raise(50);
    irq_handle();
    assert_false(fake.enabled[50]);
    assert_false(fake.active[50]);
    assert_non_null(strstr(unit_log(), "interrupt 50"));
}

static u32 lpi_of_a_guest, lpis;

bool vgic_inject_lpi(u32 intid)
{
    assert_int_equal(fake.last_eoi, intid);              /* ended first: the next message comes again */
    lpis += intid == lpi_of_a_guest;
    return intid == lpi_of_a_guest;
}

/*
 * LPIs have no active state: ended, given to whom they belong; those of somebody before us are said once. Nothing else
 * that there is for an interrupt is looked at.
 */
static void stray_lpis(void **state)
{
    u64 deactivates = fake.deactivates;

    (void)state;
    fake_raise(8192);
    fake_raise(8200);
    fake_raise(8192 + 5);
    fake_raise(8192 + 5);
    fake_raise(8200);
    lpi_of_a_guest = 8192 + 5;
    irq_handle();
    assert_int_equal(lpis, 2);
    assert_int_equal(fake.last_eoi, 8200);
    assert_int_equal(fake.deactivates, deactivates);
    assert_non_null(strstr(unit_log(), "interrupt 8192"));
    assert_null(strstr(unit_log(), "interrupt 8200"));
}

/* Other CPUs that send IPIs as fast as they are taken: exits end all the same. */
static void stream(void **state)
{
    u64 before = this_cpu()->irq_count;

    (void)state;
    fake_raise(IPI_SGI);
    ipis_to_come = 1000;
    for (u32 n = 1; ipis_to_come > 0; n++) {
        irq_handle();
        assert_in_range(this_cpu()->irq_count - before, 1, n * 64);
        assert_false(this_cpu()->in_irq);
    }
    assert_int_equal(ipis, 1001);                        /* none is lost */
    host_irq_waiting = false;
}

static void gich_list_registers(void **state)
{
    static const u64 samples[] = {
        0, 40 | LR_PENDING, 27 | LR_HW | 27UL << LR_HOST_SHIFT | LR_PENDING | 0xa0UL << LR_PRIO_SHIFT,
        3 | 5UL << LR_SOURCE_SHIFT | LR_EOI | LR_ACTIVE, 991 | LR_HW | 1019UL << LR_HOST_SHIFT | LR_GROUP1 | LR_ACTIVE,
        31 | LR_STATE | LR_GROUP1 | 0xf8UL << LR_PRIO_SHIFT,
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_SIZE(samples); i++) {
        assert_int_equal(gich_lr_decode(gich_lr_encode(samples[i])), samples[i]);
    }
    assert_int_equal(gich_lr_encode(27 | LR_HW | 30UL << LR_HOST_SHIFT | LR_PENDING | 0xa0UL << LR_PRIO_SHIFT),
                     0x80000000 | 0x10000000 | 0x14 << 23 | 30 << 10 | 27);
    assert_int_equal(gich_lr_encode(3 | 5UL << LR_SOURCE_SHIFT | LR_EOI | LR_ACTIVE),
                     0x20000000 | 1 << 19 | 5 << 10 | 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        icase(init_enables_its_own), icase(unusable_machines), icase(requests), icase(hot_ones), icase(guests),
        icase(unexpected), icase(stray_lpis), icase(stream),
        cmocka_unit_test(gich_list_registers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
