/* SPDX-License-Identifier: MIT */
/* Domains: ids and lookup, creation and its failures, destruction to the last page. */
/* unit-sources: core/domain/table.c core/domain/domain.c core/domain/destroy.c core/domain/shutdown.c */
/* unit-sources: core/domain/info.c core/domain/caps.c core/vcpu/vcpu.c core/vcpu/runstate.c core/vcpu/info.c */
/* unit-sources: core/domain/nodes.c */
/* unit-sources: core/hypercall/bitmap.c */
/* unit-sources: core/sched/runqueue.c core/sched/wake.c core/sched/balance.c core/sched/cap.c core/sched/switch.c */
/* unit-sources: core/sched/pause.c core/sched/cpupool.c core/sched/affinity.c core/sched/control.c core/sched/fair.c */
/* unit-sources: core/sched/credit.c core/sched/null.c */
/* unit-sources: core/mem/range.c core/mem/node.c core/mem/buddy.c core/mem/frames.c core/mem/heap.c core/mem/page.c */
/* unit-sources: core/mem/stats.c */
/* unit-sources: core/mem/physmap.c core/mem/lazy.c core/mem/scrub.c */
#include "test_domain_common.h"

/* ---- creation and lookup ---- */

static void test_created_as_asked(void **state)
{
    struct domain *d;

    (void)state;
    config.ssidref = 12;
    memset(config.handle, 0xab, sizeof(config.handle));
    d = create(0xffff);
    assert_int_equal(d->id, 1);
    assert_ptr_equal(domain_lookup(1), d);
    assert_int_equal(d->pause_count, 1);
    assert_int_equal(d->controller_paused, 1);
    assert_int_equal(d->shutdown_code, ~0U);
    assert_int_equal(d->ssidref, 12);
    assert_int_equal(d->handle[15], 0xab);
    assert_int_equal(d->tot_pages, 0);
    assert_int_equal(d->shared_pages, 1);
    assert_false(d->is_privileged);
    assert_int_equal(config.gic_version, 2);
    assert_int_equal(host_last("grant_init")->a[0], 64);
    assert_int_equal(host_last("grant_init")->a[1], 1024);
}

static void test_ids(void **state)
{
    struct domain *a, *b, *c = NULL;

    (void)state;
    a = create(0);                       /* not privileged: any */
    b = create(7);
    assert_int_not_equal(a->id, 0);
    assert_int_equal(b->id, 7);
    assert_int_equal(domain_create(&config, 7, &c), -EEXIST);
    assert_int_equal(domain_create(&config, DOMID_FIRST_RESERVED, &c), -EINVAL);
    config.max_vcpus = 0;
    assert_int_equal(domain_create(&config, 0xffff, &c), -EINVAL);
    config.max_vcpus = MAX_VCPUS + 1;
    assert_int_equal(domain_create(&config, 0xffff, &c), -EINVAL);
    assert_null(c);
    /* An id is not used again at once. */
    kill_all(a);
    settle();
    config.max_vcpus = 1;
    assert_int_not_equal(create(0xffff)->id, 1);
}

static void test_lookup_from(void **state)
{
    static const u16 ids[] = { 3, 64, 259, 0x7fef };      /* 3 and 259 share a bucket */
    u32 i = 0;

    (void)state;
    for (u32 k = 0; k < ARRAY_SIZE(ids); k++) {
        create(ids[k]);
    }
    assert_int_equal(domain_lookup_from(4)->id, 64);
    assert_int_equal(domain_lookup_from(64)->id, 64);
    assert_int_equal(domain_lookup_from(260)->id, 0x7fef);
    assert_null(domain_lookup_from(0x7ff0));
    assert_null(domain_lookup_from(0xffff));
    assert_null(domain_lookup(4));
    assert_null(domain_lookup(DOMID_XEN));
    for_each_domain (d) {
        assert_int_equal(d->id, ids[i++]);
    }
    assert_int_equal(i, 4);
    kill_all(domain_lookup(259));
    settle();
    assert_null(domain_lookup(259));
    assert_int_equal(domain_lookup(3)->id, 3);
}

static void test_failed_creation_leaves_nothing(void **state)
{
    struct domain *d = NULL;

    (void)state;
    config.cpupool_id = 9;
    assert_int_equal(domain_create(&config, 5, &d), -ENOENT);
    config.cpupool_id = 0;
    event_init_rc = -ENOMEM;
    settle();
    assert_int_equal(domain_create(&config, 5, &d), -ENOMEM);
    event_init_rc = 0;
    grant_init_rc = -ENOMEM;
    settle();
    assert_int_equal(domain_create(&config, 5, &d), -ENOMEM);
    grant_init_rc = 0;
    arch_create_rc = -ENODEV;
    settle();
    assert_int_equal(domain_create(&config, 5, &d), -ENODEV);
    settle();
    assert_null(d);
    assert_null(domain_lookup(5));
    assert_int_equal(host_calls("event_send_global_virq"), 0);
    assert_int_equal(unit_free_pages(), free_at_start);
    assert_int_equal(cpupools[0].nr_domains, 0);
}

/* What any CPU may do with a domain that it finds, whatever became of it. */
static void look_at_all(void)
{
    struct xen_domctl_getdomaininfo info;

    for_each_domain (d) {
        for_each_vcpu (d, v) {
            assert_ptr_equal(v->domain, d);
        }
        domain_get_info(d, &info);
        domain_update_wallclock(d);
        assert_int_equal(d->dying, DOMAIN_DEAD);
        assert_int_equal(domain_kill(d), 0);
        assert_int_equal(d->dying, DOMAIN_DEAD);
    }
}

static void *spare;              /* pages, each with a pointer to the next */

static void keep_spare(void *page)
{
    *(void **)page = spare;
    spare = page;
}

static void free_spare(u32 n)
{
    for (; n > 0 && spare != NULL; n--) {
        void *page = spare;

        spare = *(void **)page;
        pages_free(page, 0);
    }
}

/* Memory for n pages of it, for each n until there is enough: what was found for a moment is whole. */
static void test_creation_without_memory(void **state)
{
    struct domain *d = NULL;
    u32 failed = 0;
    void *page;

    (void)state;
    while ((page = pages_alloc(0, 0)) != NULL) {
        keep_spare(page);
    }
    for (u32 n = 0;; n++) {
        free_spare(n);
        if (domain_create(&config, 5, &d) == 0) {
            break;
        }
        failed++;
        look_at_all();
        settle();
        assert_null(domain_lookup_from(0));
        for (u32 i = 0; i < n; i++) {
            page = pages_alloc(0, 0);
            assert_non_null(page);
            keep_spare(page);
        }
        assert_null(pages_alloc(0, 0));
    }
    assert_true(failed > 2);
    free_spare(~0u);
}

static void test_permissions_to_devices(void **state)
{
    struct domain *d = create(1);

    (void)state;
    assert_false(domain_may_iomem(d, 0x9000, 0x9000));
    assert_int_equal(domain_permit_iomem(d, 0x9000, 0x90ff, true), 0);
    assert_true(domain_may_iomem(d, 0x9000, 0x90ff));
    assert_false(domain_may_iomem(d, 0x9000, 0x9100));
    assert_int_equal(domain_permit_iomem(d, 0x9080, 0x9080, false), 0);
    assert_false(domain_may_iomem(d, 0x9000, 0x90ff));
    assert_true(domain_may_iomem(d, 0x9081, 0x90ff));
    assert_int_equal(domain_permit_irq(d, 33, true), 0);
    assert_true(domain_may_irq(d, 33));
    assert_false(domain_may_irq(d, 34));
}

/* ---- destruction ---- */

static struct domain *victim;
static u32 lock_taken;
static bool seen_there;

static void hold_its_lock(void)
{
    spin_lock(&victim->lock);
    atomic_store_release(&lock_taken, 1u);
    for (u32 i = 0; i < 100; i++) {
        struct timespec ms = { .tv_nsec = 1000000 };

        nanosleep(&ms, NULL);
    }
    seen_there = READ_ONCE(victim->shared_info) != NULL;
    spin_unlock(&victim->lock);
}

/* settime64 writes to each domain's shared info, under its lock: that is not freed meanwhile. */
static void test_shared_info_stays_while_written(void **state)
{
    (void)state;
    victim = create(1);
    lock_taken = 0;
    kill_all(victim);
    unit_thread_start(1, hold_its_lock);
    while (atomic_load_acquire(&lock_taken) == 0) {
        sched_yield();
    }
    settle();
    unit_thread_join(1);
    assert_true(seen_there);
    assert_null(domain_lookup(1));
}

static void test_destroy_returns_all_memory(void **state)
{
    (void)state;
    for (u32 i = 0; i < 100; i++) {
        struct domain *d = create_running(0xffff);

        assert_non_null(page_alloc_guest(d, 0, 0));
        assert_non_null(page_alloc_guest(d, 4, 0));
        kill_all(d);
        settle();
        assert_int_equal(unit_free_pages(), free_at_start);
    }
    assert_int_equal(event_frees, 100);
    assert_int_equal(grant_destroys, 100);
    assert_int_equal(host_calls("event_send_global_virq"), 200);
}

static void test_destroy_waits_for_running_vcpus(void **state)
{
    struct domain *d = create_running(1);
    u32 cpu = d->vcpu[0]->cpu;

    (void)state;
    unit_set_cpu(cpu);
    assert_false(sched_switch()->is_idle);
    unit_set_cpu(1 - cpu);
    assert_int_equal(domain_kill(d), -ERESTART);
    assert_int_equal(d->dying, DOMAIN_DYING);
    assert_int_equal(domain_kill(d), -ERESTART);
    assert_int_equal(event_destroys, 0);
    unit_set_cpu(cpu);
    assert_true(sched_switch()->is_idle);
    restarts_left = 2;
    assert_int_equal(domain_kill(d), -ERESTART);
    assert_int_equal(domain_kill(d), -ERESTART);
    assert_int_equal(event_destroys, 0);
    assert_int_equal(domain_kill(d), -ERESTART);         /* grace period */
    assert_int_equal(event_destroys, 1);
    settle();
    assert_int_equal(domain_kill(d), 0);
    assert_int_equal(domain_kill(d), 0);
    assert_int_equal(d->dying, DOMAIN_DEAD);
}

static void test_zombie_until_its_pages_are_let_go(void **state)
{
    struct domain *d = create_running(1);
    struct page *pg = page_alloc_guest(d, 0, 0);
    struct xen_domctl_getdomaininfo info;

    (void)state;
    assert_true(page_get(page_to_mfn(pg), d));
    kill_all(d);
    settle();
    assert_ptr_equal(domain_lookup(1), d);
    assert_int_equal(grant_destroys, 0);
    assert_int_equal(d->tot_pages, 1);
    domain_get_info(d, &info);
    assert_true(info.flags & XEN_DOMINF_dying);
    assert_int_equal(info.tot_pages, 1);
    assert_int_equal(host_calls("event_send_global_virq"), 1);
    page_put(pg);
    assert_ptr_equal(domain_lookup(1), d);
    settle();
    assert_null(domain_lookup(1));
    assert_int_equal(host_calls("event_send_global_virq"), 2);
    assert_int_equal(host_last("event_send_global_virq")->a[0], VIRQ_DOM_EXC);
}

static void test_zombie_until_its_shared_info_is_let_go(void **state)
{
    struct domain *d = create_running(1);
    struct page *pg = virt_to_page(d->shared_info);

    (void)state;
    assert_true(page_get(page_to_mfn(pg), d));
    kill_all(d);
    settle();
    assert_int_equal(grant_destroys, 1);
    assert_ptr_equal(domain_lookup(1), d);
    assert_null(d->shared_info);
    page_put(pg);
    settle();
    assert_null(domain_lookup(1));
}

static void test_vcpu_info_page_is_released(void **state)
{
    struct domain *d = create_running(1);
    struct page *pg = page_alloc_guest(d, 0, 0);

    (void)state;
    assert_int_equal(p2m_map(d, gfn(0x40000), page_to_mfn(pg), 1, P2M_RAM_RW), 0);
    vcpu_stop(d->vcpu[1], VPF_DOWN);
    assert_int_equal(vcpu_register_info(d->vcpu[1], gfn(0x40000), 64), 0);
    kill_all(d);
    settle();
    assert_null(domain_lookup(1));
}

static void test_dom0_cannot_be_killed(void **state)
{
    struct domain *d;

    (void)state;
    config.privileged = true;
    d = create(0);
    assert_ptr_equal(dom0, d);
    assert_int_equal(dom0->id, 0);
    assert_true(dom0->is_console);
    assert_int_equal(domain_kill(dom0), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        domain_case(test_created_as_asked),
        domain_case(test_ids),
        domain_case(test_lookup_from),
        domain_case(test_failed_creation_leaves_nothing),
        domain_case(test_permissions_to_devices),
        domain_case(test_creation_without_memory),
        domain_case(test_shared_info_stays_while_written),
        domain_case(test_destroy_returns_all_memory),
        domain_case(test_destroy_waits_for_running_vcpus),
        domain_case(test_zombie_until_its_pages_are_let_go),
        domain_case(test_zombie_until_its_shared_info_is_let_go),
        domain_case(test_vcpu_info_page_is_released),
        domain_case(test_dom0_cannot_be_killed),
    };

    return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
