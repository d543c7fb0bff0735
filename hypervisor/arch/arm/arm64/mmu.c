/* SPDX-License-Identifier: MIT */
/* EL2 stage 1: see asm/mmu.h. W^X: nothing is both writable and executable, and code is not writable through the direct map either. */
#include <argon/arch.h>
#include <argon/errno.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/string.h>
#include <asm/layout.h>
#include <asm/mmu.h>
#include <asm/tlb.h>
#include <argon/pgtable.h>

#define NR_POOL_TABLES 24

paddr_t image_pa ro_after_boot;
extern u64 boot_l0[];

static u64 table_pool[NR_POOL_TABLES][512] aligned_to(4096) section(".bss.table_pool");
static u32 table_pool_used;
static paddr_t (*more_tables)(void) ro_after_boot;
static bool heap_ready;
static u64 window_next = HYP_IOREMAP_VA;
static struct spinlock mmu_lock = SPINLOCK_INIT(RANK_IRQ);

paddr_t mmu_va_to_pa(const void *va)
{
    u64 a = (u64)va;

    if (a >= HYP_DIRECTMAP_VA) {
        return a - HYP_DIRECTMAP_VA;
    }
    ASSERT(va >= (void *)image_start && va < (void *)image_end);
    return a - HYP_IMAGE_VA + image_pa;
}

/* RAM in the direct map, or the image. */
static void *pa_to_va(paddr_t pa)
{
    /* Tables made at boot are in the image, which the direct map may not hold yet. */
    if (pa >= image_pa && pa < image_pa + (u64)(image_end - image_start)) {
        return (void *)(pa - image_pa + HYP_IMAGE_VA);
    }
    return (void *)(pa + HYP_DIRECTMAP_VA);
}

/* The pool is for what every machine needs. */
static u64 *boot_table(void)
{
    paddr_t pa = more_tables != NULL ? more_tables() : 0;

    return pa != 0 ? memset(pa_to_va(pa), 0, PAGE_SIZE) : NULL;
}

static u64 *host_table_alloc(struct pgtable *t)
{
    (void)t;
    if (heap_ready) {
        return pages_alloc(0, MEMF_ZERO);
    }
    return table_pool_used < NR_POOL_TABLES ? table_pool[table_pool_used++] : boot_table();
}

static void host_table_free(struct pgtable *t, u64 *table)
{
    (void)t;
    (void)table;                         /* the hypervisor's map only grows, but for boot pages, whose tables stay */
}

static u64 *host_table_va(paddr_t pa)
{
    return pa_to_va(pa);
}

static paddr_t host_table_pa(const u64 *table)
{
    return mmu_va_to_pa(table);
}

/* Boot-time changes and device windows only: all of EL2 is simple and rare enough. */
static void host_flush(struct pgtable *t, u64 va, u64 size)
{
    (void)t;
    (void)va;
    (void)size;
    tlb_flush_el2();
}

static const struct pgt_ops host_ops = {
    .table_alloc = host_table_alloc,
    .table_free = host_table_free,
    .table_va = host_table_va,
    .table_pa = host_table_pa,
    .flush = host_flush,
};

static struct pgtable host_pgt = { .ops = &host_ops, .root = boot_l0, .start_level = 0, .va_bits = 48 };

static const u64 kind_attrs[] = {
    [MMU_RW] = PTE_S1_ATTR(MAIR_IDX_NORMAL) | PTE_SH_INNER | PTE_AF | PTE_S1_AP_RES1 | PTE_XN,
    [MMU_RO] = PTE_S1_ATTR(MAIR_IDX_NORMAL) | PTE_SH_INNER | PTE_AF | PTE_S1_AP_RES1 | PTE_XN | PTE_S1_RO,
    [MMU_DEVICE] = PTE_S1_ATTR(MAIR_IDX_DEVICE) | PTE_SH_INNER | PTE_AF | PTE_S1_AP_RES1 | PTE_XN,
    [MMU_RX] = PTE_S1_ATTR(MAIR_IDX_NORMAL) | PTE_SH_INNER | PTE_AF | PTE_S1_AP_RES1 | PTE_S1_RO,
    [MMU_RWX] = PTE_S1_ATTR(MAIR_IDX_NORMAL) | PTE_SH_INNER | PTE_AF | PTE_S1_AP_RES1,
    [MMU_NC] = PTE_S1_ATTR(MAIR_IDX_NC) | PTE_SH_INNER | PTE_AF | PTE_S1_AP_RES1 | PTE_XN,
};

boot_code void mmu_init(paddr_t image)
{
    image_pa = image;
}

boot_code void mmu_use_tables(paddr_t (*more)(void))
{
    more_tables = more;
}

void mmu_use_heap(void)
{
    heap_ready = true;
}

int mmu_map(u64 va, paddr_t pa, u64 size, enum mmu_kind kind)
{
    int rc = pgt_map(&host_pgt, va, pa, size, kind_attrs[kind]);

    dsb(ish);
    isb();                               /* the next access may use the new mapping (D8.14.1) */
    return rc;
}

void *mmu_window(paddr_t pa, u64 size, enum mmu_kind kind)
{
    paddr_t first = ROUND_DOWN(pa, PAGE_SIZE);
    u64 bytes = ROUND_UP(pa + size, PAGE_SIZE) - first;
    u64 va;

    spin_lock(&mmu_lock);
    va = window_next;
    if (size == 0 || pa + size < pa || bytes > HYP_IOREMAP_VA + HYP_IOREMAP_SIZE - va ||
        mmu_map(va, first, bytes, kind) != 0) {
        spin_unlock(&mmu_lock);
        return NULL;
    }
    window_next = va + bytes;
    spin_unlock(&mmu_lock);
    return (void *)(va + (pa - first));
}

void mmu_window_close(const void *va, u64 size)
{
    u64 first = ROUND_DOWN((u64)va, PAGE_SIZE), end = ROUND_UP((u64)va + size, PAGE_SIZE);
    int rc;

    spin_lock(&mmu_lock);
    rc = pgt_unmap(&host_pgt, first, end - first);
    if (rc == 0 && end == window_next) {
        window_next = first;             /* flushed: nothing of it is in a TLB */
    }
    spin_unlock(&mmu_lock);
    ASSERT_ALWAYS(rc == 0);              /* pages: no block is split, no table is needed */
}

volatile void *arch_ioremap(paddr_t pa, u64 size)
{
    return mmu_window(pa, size, MMU_DEVICE);
}

static boot_code int direct_map_part(paddr_t start, paddr_t end, enum mmu_kind kind)
{
    return start < end ? mmu_map(HYP_DIRECTMAP_VA + start, start, end - start, kind) : 0;
}

/* What is read-only in the image is so in the direct map, too; made at once, so that no block is ever split under a running CPU. */
boot_code int mmu_direct_map(paddr_t start, paddr_t end)
{
    paddr_t ro = MIN(MAX(image_pa, start), end);
    paddr_t ro_end = MIN(MAX(image_pa + (u64)(ro_after_boot_end - image_start), start), end);
    int rc;

    if (end >> HYP_DIRECTMAP_BITS) {
        return -EINVAL;
    }
    rc = direct_map_part(start, ro, MMU_RW);
    if (rc == 0) {
        rc = direct_map_part(ro, ro_end, MMU_RO);
    }
    return rc != 0 ? rc : direct_map_part(ro_end, end, MMU_RW);
}

/* ro_after_boot loses its write permission in place: only permissions change, so no break-before-make (D8.14.1). */
void mmu_seal(void)
{
    int rc;

    for (u64 va = (u64)ro_after_boot_start; va < (u64)ro_after_boot_end; va += PAGE_SIZE) {
        u64 *entry = pgt_page_entry(&host_pgt, va, false);

        ASSERT_ALWAYS(entry != NULL);
        WRITE_ONCE(*entry, *entry | PTE_S1_RO);
    }
    rc = pgt_unmap(&host_pgt, (u64)boot_start, (u64)(boot_end - boot_start));
    ASSERT_ALWAYS(rc == 0);
    host_flush(&host_pgt, 0, 0);
}

/* Slot: [guard 16K][stack 16K][guard 16K][emergency 16K]...: an overflow faults at once. */
u64 mmu_map_stack(u32 cpu, u32 node, bool emergency)
{
    u64 va = HYP_STACK_VA + cpu * HYP_STACK_SLOT + HYP_STACK_SIZE + (emergency ? 2 * HYP_STACK_SIZE : 0);
    void *mem = pages_alloc(2, MEMF_ZERO | MEMF_NODE(node));

    if (mem == NULL || mmu_map(va, mmu_va_to_pa(mem), HYP_STACK_SIZE, MMU_RW) != 0) {
        return 0;
    }
    return va + HYP_STACK_SIZE;
}

u64 arch_cpu_stack_bytes(void)
{
    return 2 * HYP_STACK_SIZE;
}

/* ---- firmware's translation: level 0 of its own, and below that the hypervisor's own tables and more ---- */
static struct pgtable firmware_pgt = { .ops = &host_ops, .start_level = 0, .va_bits = 48 };

static boot_code bool firmware_root_ready(void)
{
    if (firmware_pgt.root == NULL) {
        firmware_pgt.root = host_table_alloc(&firmware_pgt);
    }
    return firmware_pgt.root != NULL;
}

/* Each of the hypervisor's regions has a level-0 entry to itself (asm/layout.h), and the direct map the upper half. */
boot_code int mmu_firmware_map(paddr_t pa, u64 size, enum mmu_kind kind)
{
    unsigned int shift = pgt_level_shift(0);

    if (size == 0 || pa + size < pa || (pa + size - 1) >> host_pgt.va_bits != 0) {
        return -EINVAL;
    }
    for (u64 i = pa >> shift; i <= (pa + size - 1) >> shift; i++) {
        if (host_pgt.root[i] != 0 || i >= BIT(HYP_DIRECTMAP_BITS) >> shift) {
            return -EADDRINUSE;
        }
    }
    return firmware_root_ready() ? pgt_map(&firmware_pgt, pa, pa, size, kind_attrs[kind]) : -ENOMEM;
}

/* By now each region has its level-0 entry, which never changes: what is mapped later is below it. */
boot_code paddr_t mmu_firmware_root(void)
{
    if (!firmware_root_ready()) {
        return 0;
    }
    for (unsigned int i = 0; i < 512; i++) {
        if (host_pgt.root[i] != 0) {
            firmware_pgt.root[i] = host_pgt.root[i];
        }
    }
    dsb(ishst);                          /* there before a walk begins at it (B2.3.12) */
    return mmu_va_to_pa(firmware_pgt.root);
}

mfn_t virt_to_mfn(const void *va)
{
    return paddr_to_mfn(mmu_va_to_pa(va));
}
