/* SPDX-License-Identifier: MIT */
/* vcpu_op: vcpu_info and runstate areas (xen/vcpu.h). */
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "gic.h"
#include "machine.h"
#include "mmu.h"
#include "sysreg.h"
#include "timer.h"
#include "xenabi.h"

static void unknown(void)
{
    uint64_t buffer[8] = { 0 };

    for (unsigned cmd = 0; cmd < 20; cmd++)
        if (cmd != VCPUOP_register_runstate_memory_area && cmd != VCPUOP_register_vcpu_info)
            CHECK_EQ(check_name("command", cmd), -XEN_EINVAL, vcpu_op(cmd, 0, buffer));
    CHECK_EQ("no-such-vcpu", -XEN_ENOENT, vcpu_op(VCPUOP_register_vcpu_info, 1000, buffer));
    CHECK_EQ("negative-vcpu", -XEN_ENOENT, vcpu_op(VCPUOP_register_runstate_memory_area, ~0u, buffer));
    CHECK_EQ("vcpu-after-last", -XEN_ENOENT, vcpu_op(VCPUOP_register_vcpu_info, cpu_count, buffer));
}

static void info_errors(void)
{
    uint64_t gfn = machine_spare_page(PAGE_VCPU_INFO) >> 12;
    struct vcpu_register_vcpu_info across = { .mfn = gfn, .offset = 4096 - 40 }, past = { .mfn = gfn, .offset = 4096 },
                                   huge = { .mfn = gfn, .offset = 0xfffffff8 }, nowhere = { .mfn = UNMAPPED_GPA >> 12 },
                                   wide = { .mfn = ~0ul }, odd = { .mfn = gfn, .offset = 3 };

    CHECK_EQ("across-page", -XEN_ENXIO, vcpu_op(VCPUOP_register_vcpu_info, 0, &across));
    CHECK_EQ("past-page", -XEN_ENXIO, vcpu_op(VCPUOP_register_vcpu_info, 0, &past));
    CHECK_EQ("huge-offset", -XEN_ENXIO, vcpu_op(VCPUOP_register_vcpu_info, 0, &huge));
    CHECK_EQ("unaligned", -XEN_ENXIO, vcpu_op(VCPUOP_register_vcpu_info, 0, &odd));
    CHECK_EQ("page-not-there", -XEN_EINVAL, vcpu_op(VCPUOP_register_vcpu_info, 0, &nowhere));
    CHECK_EQ("page-out-of-range", -XEN_EINVAL, vcpu_op(VCPUOP_register_vcpu_info, 0, &wide));
}

/* Registration carries the old contents over and raises the upcall once, so that no event is lost. */
static void register_info(void)
{
    volatile vcpu_info_t *info;

    REQUIRE("shared-info", xen_shared_info() != 0);
    memset((void *)machine_spare_page(PAGE_VCPU_INFO), 0, 4096);
    CHECK_EQ("register", 0, xen_register_vcpu_info(0));
    info = xen_vcpu_info(0);
    CHECK_EQ("upcall-pending", 1, info->evtchn_upcall_pending);
    CHECK_EQ("selector-all", ~0ul, info->evtchn_pending_sel);
    CHECK_EQ("twice", -XEN_EINVAL, xen_register_vcpu_info(0));
    info->evtchn_upcall_pending = 0;
    info->evtchn_pending_sel = 0;
}

static void runstate_current(void)
{
    static struct vcpu_runstate_info area;
    volatile struct vcpu_runstate_info *r = &area;
    struct vcpu_register_runstate_memory_area op = { 0 };
    uint64_t sum, entered;

    op.addr.p = (uint64_t)(uintptr_t)&area;
    memset(&area, 0xee, sizeof(area));
    CHECK_EQ("register", 0, vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op));
    CHECK_EQ("running", RUNSTATE_running, r->state);
    entered = r->state_entry_time;
    CHECK("entry-time-set", entered != 0 && entered < 1ul << 40);
    for (unsigned i = 0; i < 4; i++)
        CHECK(check_name("times-set", i), r->time[i] < 1ul << 40);
    sum = r->time[0] + r->time[1] + r->time[2] + r->time[3];
    for (unsigned i = 0; i < 10; i++) {
        delay_us(1000);
        CHECK_EQ("yield", 0, sched_op(SCHEDOP_yield, 0));
    }
    /* Block for real, until the timer: again where this vCPU stood still until the timer was due. */
    gic_set_bit(timer_irqs.virtual, GICD_ISENABLER);
    for (unsigned i = 0; i < 100 && r->time[2] <= 1000000; i++) {
        sysreg_write(cntv_cval_el0, counter() + ticks_ms(10));
        sysreg_write(cntv_ctl_el0, TIMER_ENABLE);
        isb();
        while (!gic_irq_signalled())
            wfi();
        timer_stop();
    }
    CHECK("blocked-time", r->time[2] > 1000000);
    CHECK_EQ("running-again", RUNSTATE_running, r->state);
    CHECK("entry-time-later", r->state_entry_time >= entered);
    CHECK("time-went-by", r->time[0] + r->time[1] + r->time[2] + r->time[3] >= sum);
    (void)hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag);
    (void)sched_op(SCHEDOP_yield, 0);
    CHECK_EQ("update-flag-clear", 0, r->state_entry_time >> 63);
    (void)hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag);
}

/* As Linux with KPTI gives it: an address that is not mapped at the time of the call is accepted. */
static void runstate_addresses(void)
{
    struct vcpu_register_runstate_memory_area op = { 0 };
    static struct vcpu_runstate_info area;

    op.addr.p = mmu_window(0, 0);
    CHECK("unmapped", vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op) <= 0);
    for (unsigned i = 0; i < 5; i++)
        (void)sched_op(SCHEDOP_yield, 0);
    op.addr.p = UNMAPPED_GPA;
    CHECK("nothing-there", vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op) <= 0);
    for (unsigned i = 0; i < 5; i++)
        (void)sched_op(SCHEDOP_yield, 0);
    op.addr.p = (uint64_t)(uintptr_t)&area;
    CHECK_EQ("sane-again", 0, vcpu_op(VCPUOP_register_runstate_memory_area, 0, &op));
    CHECK_EQ("running", RUNSTATE_running, *(volatile int *)&area.state);
}

const struct test tests_vcpu[] = {
    { "vcpu.unknown", unknown, 0, 0 },
    { "vcpu.info-errors", info_errors, 0, 0 },
    { "vcpu.register-info", register_info, 0, 0 },
    { "vcpu.runstate-current", runstate_current, 0, 0 },
    { "vcpu.runstate-addresses", runstate_addresses, 0, 0 },
    { 0 },
};
