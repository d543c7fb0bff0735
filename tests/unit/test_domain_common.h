/* SPDX-License-Identifier: MIT */
/* A machine of two CPUs on which domains are created and destroyed, with all of core/mem and core/sched. */
#ifndef TEST_DOMAIN_COMMON_H
#define TEST_DOMAIN_COMMON_H

#include "unit.h"
#include "support.h"
#include <argon/grant.h>
#include <argon/param.h>
#include <argon/smp.h>
#include "core/sched/internal.h"

/* ---- the parts that are not linked ---- */
static int event_init_rc, grant_init_rc, arch_create_rc;
unused static u32 event_destroys, event_frees, grant_destroys, restarts_left;

int event_init(struct domain *d, u32 max_port)
{
    (void)d;
    (void)max_port;
    return event_init_rc;
}

int event_init_vcpu(struct vcpu *v)
{
    (void)v;
    return 0;
}

int event_destroy(struct domain *d)
{
    (void)d;
    if (restarts_left > 0) {
        restarts_left--;
        return -ERESTART;
    }
    event_destroys++;
    return 0;
}

void event_free(struct domain *d)
{
    (void)d;
    event_frees++;
}

void event_resync_vcpu(struct vcpu *v)
{
    v->info->evtchn_pending_sel = ~0UL;
    v->info->evtchn_upcall_pending = 1;
}

#ifndef TEST_DOMAIN_GRANTS        /* the test links core/grant */
int grant_init(struct domain *d, u32 max_frames, u32 max_maptrack_frames, u32 max_version)
{
    host_record("grant_init", max_frames, max_maptrack_frames, max_version, d->id);
    return grant_init_rc;
}

int grant_release_mappings(struct domain *d)
{
    (void)d;
    return 0;
}

void grant_destroy(struct domain *d)
{
    (void)d;
    grant_destroys++;
}
#endif

int arch_domain_create(struct domain *d, struct domain_config *cfg)
{
    cfg->gic_version = 2;
    return arch_create_rc != 0 ? arch_create_rc : p2m_init(d);
}

bool vgic_irq_deliverable(struct vcpu *v)
{
    (void)v;
    return false;
}

void smp_stop_others(void)
{
    host_record("smp_stop_others", 0, 0, 0, 0);
}

void vtimer_destroy_vcpu(struct vcpu *v)
{
    (void)v;
}

void wallclock_get(u64 *secs, u32 *nsecs)
{
    *secs = 1700000000;
    *nsecs = 900000000;
}

/* ---- a machine and domains ---- */
static struct domain_config config;
static u64 free_at_start;

static void settle(void)
{
    for (u32 i = 0; i < 8; i++) {
        quiesce_poll();
    }
}

static void kill_all(struct domain *d)
{
    int rc;

    while ((rc = domain_kill(d)) == -ERESTART) {
        unit_set_cpu(0);
        sched_switch();
        unit_set_cpu(1);
        sched_switch();
        unit_set_cpu(0);
        settle();
    }
    assert_int_equal(rc, 0);
}

static int setup(void **state)
{
    (void)state;
    unit_machine(2);
    memset(cpupools, 0, 32 * sizeof(cpupools[0]));
    memset(&cpus_online, 0, sizeof(cpus_online));
    memset(&sched_idle_cpus, 0, sizeof(sched_idle_cpus));
    memset(&sched_busy_cpus, 0, sizeof(sched_busy_cpus));
    memset(&opt, 0, sizeof(opt));
    domain_init();
    sched_init("credit2");
    sched_init_cpu(0);
    sched_init_cpu(1);
    event_init_rc = grant_init_rc = arch_create_rc = 0;
    event_destroys = event_frees = grant_destroys = restarts_left = 0;
    memset(&config, 0, sizeof(config));
    config.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    config.max_vcpus = 2;
    config.max_grant_frames = config.max_maptrack_frames = -1;
    config.max_grant_version = 1;
    dom0 = NULL;
    free_at_start = unit_free_pages();
    return 0;
}

/* Everything that the test left is destroyed, and all memory comes back. */
static int teardown(void **state)
{
    (void)state;
    dom0 = NULL;
    for_each_domain (d) {
        kill_all(d);
    }
    settle();
    assert_null(domain_lookup_from(0));
    assert_int_equal(unit_free_pages(), free_at_start);
    unit_machine_free();
    return 0;
}
#define domain_case(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static struct domain *create(u16 id)
{
    struct domain *d = NULL;

    assert_int_equal(domain_create(&config, id, &d), 0);
    assert_non_null(d);
    d->max_pages = 1000;
    return d;
}

unused static struct domain *create_running(u16 id)
{
    struct domain *d = create(id);

    for (u16 i = 0; i < d->max_vcpus; i++) {
        assert_int_equal(vcpu_create(d, i), 0);
        vcpu_unblock(d->vcpu[i], VPF_DOWN);
    }
    assert_int_equal(domain_controller_unpause(d), 0);
    return d;
}

#endif
