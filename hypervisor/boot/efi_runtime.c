/* SPDX-License-Identifier: MIT */
/* Boot: UEFI's runtime services, from what firmware left to calls of it (docs/design/efi-runtime.md). */
#include <argon/boot.h>
#include <argon/console.h>
#include <argon/efi_runtime.h>
#include <argon/errno.h>
#include <asm/firmware_call.h>
#include <asm/mmu.h>

static boot_data struct efi_found found;
static boot_data bool to_be_used;

static boot_code bool in_ram(const struct machine *m, paddr_t start, u64 size)
{
    const struct machine_range r = { .start = start, .size = size };

    for (u32 i = 0; i < m->nr_banks; i++) {
        if (machine_ranges_overlap(&m->banks[i], &r)) {
            return true;
        }
    }
    return false;
}

/* RAM that is firmware's for good: neither the allocator's nor a guest's. What is in no bank nobody gets anyway. */
static boot_code bool reserve(struct machine *m, paddr_t start, u64 size)
{
    if (!in_ram(m, start, size) || machine_add_reserved(m, start, size) == 0) {
        return true;
    }
    log_warn("UEFI runtime services are off: their memory at %#" PRIx64 " cannot be reserved", start);
    return false;
}

/* Registers that firmware drives: no device of dom0's. */
static boot_code bool note_mmio(struct machine *m, paddr_t start, u64 size)
{
    struct machine_efi *e = &m->efi;

    if (e->nr_mmio == ARRAY_SIZE(e->mmio)) {
        log_warn("UEFI runtime services are off: more than %zu ranges of registers", ARRAY_SIZE(e->mmio));
        return false;
    }
    e->mmio[e->nr_mmio++] = (struct machine_range){ .start = start, .size = size };
    return true;
}

static boot_code bool keep_regions(struct machine *m)
{
    bool ok = true;

    for (u32 i = 0; i < found.nr; i++) {
        const struct efi_region *g = &found.region[i];

        ok &= g->cache == EFI_CACHE_DEVICE ? note_mmio(m, g->start, g->size) : reserve(m, g->start, g->size);
    }
    return ok;
}

boot_code void efi_boot_find(void)
{
    to_be_used = machine.efi.system_table != 0;
    if (!to_be_used) {
        return;
    }
    /* All that is found by then is kept, whatever comes of it. */
    to_be_used &= efi_runtime_parse(&found, &machine.efi, &boot_firmware_memory) == 0;
    to_be_used &= keep_regions(&machine);
    for (u32 i = 0; i < found.nr_kept; i++) {
        to_be_used &= reserve(&machine, found.kept[i].start, found.kept[i].size);
    }
}

static boot_code enum mmu_kind kind_of(const struct efi_region *g)
{
    static const u8 normal[] = {
        [EFI_ACCESS_DATA] = MMU_RW, [EFI_ACCESS_CODE] = MMU_RX, [EFI_ACCESS_CONST] = MMU_RO,
        [EFI_ACCESS_MIXED] = MMU_RWX,
    };

    return g->cache == EFI_CACHE_DEVICE ? MMU_DEVICE : g->cache == EFI_CACHE_NONE ? MMU_NC : normal[g->access];
}

static boot_code bool map_regions(void)
{
    for (u32 i = 0; i < found.nr; i++) {
        const struct efi_region *g = &found.region[i];
        int rc = mmu_firmware_map(g->start, g->size, kind_of(g));

        if (rc != 0) {
            log_warn("UEFI runtime services are off: %#" PRIx64 "-%#" PRIx64 " cannot be mapped: %s", g->start,
                     g->start + g->size, rc == -EADDRINUSE ? "the hypervisor's own addresses"
                                       : rc == -ENOMEM ? "not enough memory" : "too high");
            return false;
        }
    }
    return true;
}

boot_code void efi_boot_enable(void)
{
    u32 services = 0;

    if (!to_be_used || !map_regions()) {
        return;
    }
    if (firmware_call_init() != 0) {
        log_warn("UEFI runtime services are off: not enough memory");
        return;
    }
    for (u32 i = 0; i < EFI_NR_SERVICES; i++) {
        services += found.service[i] != 0;
    }
    efi_runtime_enable(&found);
    machine.efi.runtime_services = efi_runtime_properties();
    log_info("UEFI runtime services: %u, %u ranges of memory and registers", services, found.nr);
}
