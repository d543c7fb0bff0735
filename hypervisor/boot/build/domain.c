/* SPDX-License-Identifier: MIT */
/* The domain itself: created, given its memory, started. */
#include <argon/arch.h>
#include <argon/build.h>
#include <argon/console.h>
#include <argon/domain.h>
#include <argon/mem.h>
#include <argon/p2m.h>
#include <argon/panic.h>

boot_code void build_create(struct build *b, struct domain_config *cfg, u16 domid)
{
    ASSERT(b->d == NULL && b->nr_vcpus > 0);
    cfg->max_vcpus = b->nr_vcpus;
    build_must(b, domain_create(cfg, domid, &b->d), "cannot be created");
    for (u32 i = 0; i < b->nr_vcpus; i++) {
        build_must(b, vcpu_create(b->d, (u16)i), "virtual CPU");
    }
}

boot_code void build_give_ram(struct build *b, u64 start, u64 size)
{
    u64 nr = size >> PAGE_SHIFT;

    ASSERT(size != 0 && IS_ALIGNED(start | size, PAGE_SIZE));
    build_must(b, page_assign(b->d, paddr_to_mfn(start), nr), "memory");
    build_must(b, p2m_map(b->d, gpa_to_gfn(start), paddr_to_mfn(start), nr, P2M_RAM_RW), "mapping memory");
}

boot_code void build_give_memory(struct build *b, u64 max_bytes)
{
    b->d->max_pages = (u32)(MAX(b->memory.total, max_bytes) >> PAGE_SHIFT);
    for (u32 i = 0; i < b->memory.nr; i++) {
        const struct machine_range *r = &b->memory.bank[i];

        build_give_ram(b, r->start, r->size);
        log_info("%s: memory %#" PRIx64 "..%#" PRIx64 " (%" PRIu64 " MiB)", b->name, r->start, r->start + r->size,
                 r->size >> 20);
    }
}

boot_code void build_start(struct build *b)
{
    for (u32 i = 0; i < ARRAY_SIZE(b->loaded); i++) {
        ASSERT(b->loaded[i].size == 0 || machine_range_in(&b->loaded[i], &b->memory.bank[0]));
    }
    ASSERT(b->loaded[0].size != 0 && b->loaded[2].size != 0);    /* a ramdisk it may do without */
    build_must(b, arch_vcpu_boot(b->d->vcpu[0], b->place.entry, b->place.fdt), "entry point");
    log_info("%s: %u vCPUs, %" PRIu64 " MiB, events by interrupt %u", b->name, b->nr_vcpus, b->memory.total >> 20,
             b->d->arch.event_ppi);
    vcpu_unblock(b->d->vcpu[0], VPF_DOWN);
    build_must(b, domain_controller_unpause(b->d), "cannot be started");
}
