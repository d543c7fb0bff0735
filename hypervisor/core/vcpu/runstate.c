/* SPDX-License-Identifier: MIT */
/*
 * Time a vCPU has spent in each state, and the guest's copy of it (public vcpu.h,
 * VCPUOP_register_runstate_memory_area).
 */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/guest_write.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/vcpu.h>

/*
 * With vm_assist(runstate_update_flag) the flag is there while the rest changes (public vcpu.h, XEN_RUNSTATE_UPDATE):
 * the guest, on another CPU, reads the area over and over until it saw none and the same entry time twice.
 */
static void store_area(struct vcpu_runstate_info *area, const struct vcpu_runstate_info *info, bool flagged)
{
    if (flagged) {
        WRITE_ONCE(area->state_entry_time, info->state_entry_time | XEN_RUNSTATE_UPDATE);
        cpu_barrier();
    }
    WRITE_ONCE(area->state, info->state);
    for (u32 i = 0; i < ARRAY_SIZE(info->time); i++) {
        WRITE_ONCE(area->time[i], info->time[i]);
    }
    if (flagged) {
        cpu_barrier();
    }
    WRITE_ONCE(area->state_entry_time, info->state_entry_time);
}

/* An area that crosses a page, or is misaligned: the same steps by copies, each of which may fail. */
static noinline void copy_area(u64 gva, struct vcpu_runstate_info *info, bool flagged)
{
    u64 entry_gva = gva + offsetof(struct vcpu_runstate_info, state_entry_time);
    u64 entry = info->state_entry_time;

    if (flagged) {
        info->state_entry_time |= XEN_RUNSTATE_UPDATE;
        if (copy_to_guest(entry_gva, &info->state_entry_time, sizeof(u64)) != 0) {
            return;
        }
        cpu_barrier();
    }
    if (copy_to_guest(gva, info, sizeof(*info)) != 0) {
        return;
    }
    if (flagged) {
        cpu_barrier();
        if (copy_to_guest(entry_gva, &entry, sizeof(u64)) != 0) {
            return;
        }
    }
}

/*
 * Times in the guest's own system time, which began when the domain was created. The address is one of the kernel's:
 * while another context is loaded the write may fail, and is then made at a later switch.
 */
void vcpu_runstate_publish(struct vcpu *v)
{
    bool flagged = (v->domain->vm_assist & BIT32(VMASST_TYPE_runstate_update_flag)) != 0;
    u64 gva = v->runstate_gva;
    struct vcpu_runstate_info info;
    struct page *pg;
    void *area;

    ASSERT(v == current_vcpu());
    if (gva == 0) {
        return;
    }
    info = (struct vcpu_runstate_info){ .state = v->runstate.state };
    for (u32 i = 0; i < ARRAY_SIZE(info.time); i++) {
        info.time[i] = v->runstate.time[i];
    }
    info.state_entry_time = v->runstate.state_entry_time - v->domain->created_ns;
    if (unlikely(gva % 8 != 0 || gva % PAGE_SIZE > PAGE_SIZE - sizeof(info))) {
        copy_area(gva, &info, flagged);
        return;
    }
    pg = guest_page_for_write(gva, sizeof(info), &area);
    if (likely(pg != NULL)) {
        store_area(area, &info, flagged);
        guest_page_done(v->domain, pg, area);
    }
}
