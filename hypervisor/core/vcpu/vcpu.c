/* SPDX-License-Identifier: MIT */
/* Creation and end of virtual CPUs, and waking them. */
#include <argon/vcpu.h>

#include <argon/arch.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/errno.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/percpu.h>
#include <asm/vcpu.h>

static void poll_timeout(void *data)
{
    vcpu_unblock(data, VPF_POLL);
}

int vcpu_create(struct domain *d, u16 id)
{
    struct vcpu *v;
    int rc;

    if (id >= d->max_vcpus) {
        return -EINVAL;
    }
    if (d->vcpu[id] != NULL) {
        return -EEXIST;
    }
    ASSERT(d->shared_info != NULL);      /* a dead domain gets none */
    v = xzalloc(struct vcpu);
    if (v == NULL) {
        return -ENOMEM;
    }
    v->id = id;
    v->domain = d;
    v->pause_flags = VPF_DOWN;
    v->info = id < XEN_LEGACY_MAX_VCPUS ? &d->shared_info->vcpu_info[id] : &v->dummy_info;
    v->info_mfn = INVALID_MFN;
    v->runstate.state = RUNSTATE_offline;
    v->runstate.state_entry_time = now_ns();
    sched_init_vcpu(v);
    timer_setup(&v->poll_timer, poll_timeout, v, v->cpu);
    rc = event_init_vcpu(v);
    if (rc == 0) {
        rc = arch_vcpu_create(v);
    }
    if (rc != 0) {
        sched_destroy_vcpu(v);
        xfree(v);
        return rc;
    }
    /*
     * Pauses of the domain count for each vCPU: take over those in force and become visible to further ones in one
     * step.
     */
    spin_lock(&d->lock);
    v->pause_count = d->pause_count;
    v->pause_flags |= v->pause_count > 0 ? VPF_PAUSED : 0;
    v->pause_flags |= d->shutting_down ? VPF_SHUTDOWN : 0;
    atomic_store_release(&d->vcpu[id], v);
    spin_unlock(&d->lock);
    sched_vcpu_published(v);
    domain_update_nodes(d);
    return 0;
}

struct vcpu *vcpu_create_idle(u32 cpu)
{
    struct vcpu *v = xzalloc_near(struct vcpu, pcpus[cpu]->node);

    if (v == NULL) {
        panic("no memory for the idle vCPU of CPU%u", cpu);
    }
    v->id = (u16)cpu;
    v->is_idle = true;
    v->initialised = true;
    v->domain = dom_idle;
    v->cpu = cpu;
    v->info = &v->dummy_info;
    v->info_mfn = INVALID_MFN;
    v->sched.running = true;
    v->runstate.state = RUNSTATE_running;
    v->runstate.state_entry_time = now_ns();
    dom_idle->vcpu[cpu] = v;
    return v;
}

void vcpu_quiesce(struct vcpu *v)
{
    timer_end(&v->poll_timer);
    arch_vcpu_quiesce(v);
}

void vcpu_free(struct vcpu *v)
{
    ASSERT(!v->is_idle && v != current_vcpu());
    arch_vcpu_destroy(v);
    sched_destroy_vcpu(v);
    xfree(v);
}

/*
 * The pending bits are set before the flags are read, and a vCPU that is about to sleep sets its flag before it looks
 * for events (vcpu_block_current()); a CPU that is about to enter v says so (sched.running) before it tests the bits.
 * So one of the two sees the other in each case (Arm ARM B2.3: the barrier orders our store before our loads).
 */
void vcpu_kick(struct vcpu *v, u32 pending)
{
    u32 cpu;

    if (pending != 0) {
        atomic_fetch_or(&v->pending, pending);
    }
    if (v == current_vcpu()) {
        return;
    }
    cpu_barrier();
    if ((atomic_load(&v->pause_flags) & (VPF_BLOCKED | VPF_POLL)) != 0) {
        vcpu_unblock(v, VPF_BLOCKED | VPF_POLL);
        return;
    }
    cpu = READ_ONCE(v->cpu);
    if (atomic_load(&v->sched.running) && cpu != cpu_id()) {
        smp_kick(cpu, IPI_RESCHED);
    }
}

void vcpu_dump(struct vcpu *v)
{
    u32 cpu;

    if (vcpu_is_descheduled(v)) {
        debug_dump_vcpu(v);
        return;
    }
    atomic_fetch_or(&v->pending, PEND_DUMP);
    cpu_barrier();               /* as in vcpu_kick() */
    cpu = READ_ONCE(v->cpu);
    if (cpu != cpu_id() && atomic_load(&v->sched.running)) {
        smp_kick(cpu, IPI_RESCHED);
    }
}

bool vcpu_event_pending(struct vcpu *v)
{
    /* Commands that nobody else goes on with may make an interrupt pend: one that the guest sleeps for. */
    return READ_ONCE(v->info->evtchn_upcall_pending) != 0 || arch_vcpu_irq_pending(v) ||
           unlikely((atomic_load(&v->pending) & PEND_ITS) != 0);
}
