/* SPDX-License-Identifier: MIT */
/* The fake machine: CPUs, domains, guest memory, virtual time. */
#include "unit.h"
#include "support.h"

static struct pcpu *cpus;
static struct vcpu *idle_vcpus;
static struct domain idle_domain;

/* Places for unit_guest_alloc(): above what tests map by hand. */
#define ALLOC_BASE 0x80000000UL
static u64 alloc_next;

weak void unit_arch_init(void)
{
}

void unit_machine(u32 n)
{
    unit_machine_free();
    host_record_reset();
    unit_log_clear();
    unit_fakes_reset();
    host_irq_waiting = false;
    host_counter = 0;
    host_timer_compare = ~0UL;
    host_p2m_fail_after = ~0UL;
    host_p2m_flushes = 0;
    host_access_fail_after = ~0UL;
    host_exclusive_fail_in = 0;
    alloc_next = ALLOC_BASE;

    cpus = calloc(n, sizeof(*cpus));
    idle_vcpus = calloc(n, sizeof(*idle_vcpus));
    idle_domain = (struct domain){ .id = DOMID_IDLE };
    for (u32 c = 0; c < n; c++) {
        struct vcpu *v = &idle_vcpus[c];

        v->id = (u16)c;
        v->is_idle = true;
        v->cpu = c;
        v->domain = &idle_domain;
        v->info_mfn = INVALID_MFN;
        cpus[c].id = c;
        cpus[c].hwid = c;
        cpus[c].online = true;
        cpus[c].idle = v;
        cpus[c].current = v;
        spin_lock_init(&cpus[c].sched.lock, RANK_SCHED);
        spin_lock_init(&cpus[c].timers.lock, RANK_TIMER);
        cpus[c].timers.programmed = ~0UL;
        pcpus[c] = &cpus[c];
    }
    nr_cpus = n;
    unit_set_cpu(0);
    host_ram_init(UNIT_RAM_FIRST, UNIT_RAM_PAGES);
    unit_arch_init();
    mem_add_range(UNIT_RAM_FIRST << PAGE_SHIFT, (UNIT_RAM_FIRST + UNIT_RAM_PAGES) << PAGE_SHIFT, 0);
}

void unit_machine_free(void)
{
    if (cpus == NULL) {
        return;
    }
    unit_domains_free();
    mem_reset();
    host_ram_free();
    memset(pcpus, 0, sizeof(*pcpus) * NR_CPUS);
    nr_cpus = 0;
    host_pcpu = NULL;
    free(cpus);
    free(idle_vcpus);
    cpus = NULL;
}

int unit_setup(void **state)
{
    (void)state;
    unit_machine(4);
    return 0;
}

int unit_teardown(void **state)
{
    (void)state;
    unit_machine_free();
    return 0;
}

void unit_set_cpu(u32 cpu)
{
    host_pcpu = pcpus[cpu];
}

void unit_set_current(struct vcpu *v)
{
    host_pcpu->current = v;
    atomic_store(&v->cpu, host_pcpu->id);        /* others, who may be threads, look */
    atomic_store(&v->sched.running, true);
}

static void init_vcpu(struct domain *d, struct vcpu *v, u16 id)
{
    v->id = id;
    v->domain = d;
    v->cpu = id % nr_cpus;
    v->initialised = true;
    v->arch.vmpidr = BIT(31) | id;
    v->info = id == 0 ? &d->shared_info->vcpu_info[0] : calloc(1, sizeof(struct vcpu_info));
    v->info_mfn = INVALID_MFN;
}

struct domain *unit_domain(u16 id, u32 nr_vcpus)
{
    static u64 serial;
    struct domain *d = calloc(1, sizeof(*d));

    d->id = id;
    d->serial = ++serial;
    d->is_privileged = id == 0;
    d->is_console = id == 0;
    d->max_vcpus = nr_vcpus;
    d->vcpu = calloc(nr_vcpus, sizeof(*d->vcpu));
    d->max_pages = ~0U;
    d->page_list = PAGE_NIL;
    d->shutdown_code = ~0U;
    d->shared_info_gfn = INVALID_GFN;
    spin_lock_init(&d->lock, RANK_DOMAIN);
    spin_lock_init(&d->page_lock, RANK_PAGE_LIST);
    d->paging_pool_bytes = MIB(4);
    unit_domain_add(d);
    if (id == 0) {
        dom0 = d;
    }
    assert_int_equal(p2m_init(d), 0);
    d->shared_info = page_alloc_shared(d);
    assert_non_null(d->shared_info);
    for (u32 i = 0; i < nr_vcpus; i++) {
        d->vcpu[i] = calloc(1, sizeof(struct vcpu));
        init_vcpu(d, d->vcpu[i], (u16)i);
    }
    return d;
}

void unit_domain_free(struct domain *d)
{
    for (u32 i = 0; i < d->max_vcpus; i++) {
        if (d->vcpu[i]->info_mfn.m == INVALID_MFN.m && i > 0) {
            free(d->vcpu[i]->info);
        }
        free(d->vcpu[i]);
    }
    host_irq_waiting = false;
    unit_preempt_after = ~0UL;
    d->dying = DOMAIN_DYING;
    assert_int_equal(p2m_teardown(d), 0);
    page_free_shared(d->shared_info);
    assert_int_equal(domain_relinquish_pages(d), 0);
    unit_domain_remove(d);
    if (dom0 == d) {
        dom0 = NULL;
    }
    free(d->vcpu);
    free(d);
}

void unit_guest_map(struct domain *d, u64 gpa, u64 bytes)
{
    assert_true(gpa % PAGE_SIZE == 0);
    for (u64 g = gpa; g < gpa + bytes; g += PAGE_SIZE) {
        struct page *pg = page_alloc_guest(d, 0, 0);

        assert_non_null(pg);
        assert_int_equal(p2m_map(d, gpa_to_gfn(g), page_to_mfn(pg), 1, P2M_RAM_RW), 0);
    }
}

u64 unit_guest_alloc(struct domain *d, u64 bytes)
{
    u64 gpa = alloc_next;

    alloc_next += ROUND_UP(bytes, PAGE_SIZE) + PAGE_SIZE;
    unit_guest_map(d, gpa, ROUND_UP(bytes, PAGE_SIZE));
    return gpa;
}

void *unit_guest_ptr(struct domain *d, u64 gpa)
{
    enum p2m_type t;
    mfn_t m = p2m_lookup(d, gpa_to_gfn(gpa), &t, NULL);

    return t == P2M_INVALID || p2m_is_mmio(t) ? NULL : (char *)mfn_to_virt(m) + gpa % PAGE_SIZE;
}

u64 unit_guest_put(struct domain *d, const void *data, size_t bytes)
{
    u64 gpa = unit_guest_alloc(d, bytes);

    for (size_t i = 0; i < bytes; i++) {
        *(char *)unit_guest_ptr(d, gpa + i) = ((const char *)data)[i];
    }
    return gpa;
}

u64 unit_free_pages(void)
{
    struct mem_stats s;
    u64 tables = 0;

    for_each_domain (d) {
        tables += d->paging_pool_used >> PAGE_SHIFT;
    }
    mem_stats(&s);
    return s.free + tables;
}
