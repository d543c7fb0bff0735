/* SPDX-License-Identifier: MIT */
/* Host RAM for unit tests: one arena stands for [host_ram_first, host_ram_first + host_ram_nr) machine frames. */
#include <argon/arch.h>
#include <argon/atomic.h>
#include <argon/mem.h>
#include <argon/panic.h>
#include <argon/string.h>
#include <asm/host.h>
#include <sys/mman.h>

/* Weak: a test that links arch/arm has its own of some. */
#define weak __attribute__((weak))

u64 host_ram_first, host_ram_nr;
u64 host_zeroed_pages, host_cleaned_pages, host_forgotten;
static char *arena;

static void *map_zeroed(size_t bytes, u64 hint)
{
    void *p = mmap((void *)hint, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    ASSERT_ALWAYS(p != MAP_FAILED);
    return p;
}

__thread u64 host_frames_mapped;

void host_ram_init(u64 first, u64 nr)
{
    ASSERT_ALWAYS(host_frames_mapped == 0);      /* what was mapped last time has been unmapped */
    host_ram_free();
    /* Where its "physical" addresses say, if that is free: ARM's stage 2 in unit tests has a direct map at 0. */
    arena = map_zeroed(nr * PAGE_SIZE, first * PAGE_SIZE);
    frame_table = map_zeroed(nr * sizeof(struct page), 0);
    frame_base = first;
    frame_end = first + nr;
    host_ram_first = first;
    host_ram_nr = nr;
    host_zeroed_pages = 0;
    host_cleaned_pages = 0;
    host_forgotten = 0;
}

void host_ram_free(void)
{
    ASSERT_ALWAYS(host_frames_mapped == 0);
    if (arena != NULL) {
        munmap(arena, host_ram_nr * PAGE_SIZE);
        munmap(frame_table, host_ram_nr * sizeof(struct page));
    }
    arena = NULL;
    frame_table = NULL;
    frame_base = 0;
    frame_end = 0;
    host_ram_first = 0;
    host_ram_nr = 0;
}

void *mfn_to_virt(mfn_t m)
{
    ASSERT_ALWAYS(m.m - host_ram_first < host_ram_nr);
    return arena + (m.m - host_ram_first) * PAGE_SIZE;
}

mfn_t virt_to_mfn(const void *va)
{
    u64 offset = (u64)((const char *)va - arena);

    ASSERT_ALWAYS(offset < host_ram_nr * PAGE_SIZE);
    return mfn(host_ram_first + offset / PAGE_SIZE);
}

weak void arch_zero_pages(void *va, u64 nr_pages)
{
    /* Pages of RAM are counted; the frame table is elsewhere. */
    if ((u64)((char *)va - arena) < host_ram_nr * PAGE_SIZE) {
        atomic_fetch_add(&host_zeroed_pages, nr_pages);
    }
    memset(va, 0, nr_pages * PAGE_SIZE);
}

weak void arch_clean_dcache(const void *va, size_t bytes)
{
    (void)va;
    atomic_fetch_add(&host_cleaned_pages, bytes / PAGE_SIZE);
}

weak void arch_forget_code(void)
{
    atomic_store(&host_forgotten, atomic_load(&host_cleaned_pages));
}

weak void arch_scrub_pages(void *va, u64 nr_pages)
{
    arch_zero_pages(va, nr_pages);
    arch_clean_dcache(va, nr_pages * PAGE_SIZE);
}
