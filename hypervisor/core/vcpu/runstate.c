/* SPDX-License-Identifier: MIT */
/*
 * Time a vCPU has spent in each state, and the guest's copy of it (public vcpu.h,
 * VCPUOP_register_runstate_memory_area).
 */
#include <argon/arch.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/guest_access.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <argon/vcpu.h>

void vcpu_runstate_change(struct vcpu *v, int state, u64 now)
{
    u64 since = v->runstate.state_entry_time;

    if (now > since) {
        WRITE_ONCE(v->runstate.time[v->runstate.state], v->runstate.time[v->runstate.state] + now - since);
    }
    WRITE_ONCE(v->runstate.state, state);
    WRITE_ONCE(v->runstate.state_entry_time, now);
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out)
{
    u64 now = now_ns();

    *out = v->runstate;
    if (now > out->state_entry_time) {
        out->time[out->state] += now - out->state_entry_time;
    }
}

/*
 * Times in the guest's own system time, which began when the domain was created. The address is one of the kernel's:
 * while another context is loaded the copy may fail, and is then written at a later switch.
 */
void vcpu_runstate_publish(struct vcpu *v)
{
    bool flagged = (v->domain->vm_assist & BIT32(VMASST_TYPE_runstate_update_flag)) != 0;
    u64 gva = v->runstate_gva;
    u64 entry_gva = gva + offsetof(struct vcpu_runstate_info, state_entry_time);
    struct vcpu_runstate_info info;
    u64 entry;

    ASSERT(v == current_vcpu());
    if (gva == 0) {
        return;
    }
    info = (struct vcpu_runstate_info){ .state = v->runstate.state };
    for (u32 i = 0; i < ARRAY_SIZE(info.time); i++) {
        info.time[i] = v->runstate.time[i];
    }
    entry = v->runstate.state_entry_time - v->domain->created_ns;
    info.state_entry_time = entry;
    if (flagged) {
        info.state_entry_time = entry | XEN_RUNSTATE_UPDATE;
        if (copy_to_guest(entry_gva, &info.state_entry_time, sizeof(u64)) != 0) {
            return;
        }
        cpu_barrier();
    }
    if (copy_to_guest(gva, &info, sizeof(info)) != 0) {
        return;
    }
    if (flagged) {
        cpu_barrier();
        if (copy_to_guest(entry_gva, &entry, sizeof(u64)) != 0) {
            return;
        }
    }
}
